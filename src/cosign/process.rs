//! Starts programs. No other file does. There is one constructor, one way to run, and one timeout.
//!
//! Deliberately absent: a shell, an inherited environment, an inherited stdin, trust in cosign's
//! own `--timeout` (it does nothing on 3.1), and waiting until its pipes are closed (a plugin, its
//! grandchild, may keep them open).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8Path;
use rustix::process::{Pid, Signal};

use super::environment::{Value, Variables};
use super::masked::{masked, replaced};
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::value::Sourced;
use crate::printable::quoted;
use crate::system_error::{is_exhaustion, reason};

/// How much of each output stream is kept, in bytes. The rest is read and dropped, so that a
/// program that prints without end fills neither memory nor its pipe.
const OUTPUT_LIMIT: usize = 1 << 20;
/// How often a waiting aicr checks whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);
/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the rest of the output after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// A program to run, with everything that it gets.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    /// An absolute path.
    pub(crate) program: &'a Utf8Path,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// A text that may contain a secret, and what is printed instead: as an argument, and in the
    /// output of the program.
    pub(crate) shown_instead: Option<(String, String)>,
    /// Its whole environment: it inherits no variable.
    pub(crate) variables: Variables,
}

/// The bounds of a run.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The time after which the process group is terminated, with the flag or variable that sets
    /// it.
    pub(crate) timeout: Sourced<Duration>,
    /// Terminates the process group when aicr is interrupted.
    pub(crate) interrupt: Interrupt,
}

/// How a program ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// The first MiB of its stdout.
    pub(crate) stdout: Vec<u8>,
    /// The first MiB of its stderr, without secrets.
    pub(crate) stderr: Vec<u8>,
}

impl Finished {
    /// Whether it ended normally: not by a signal, and not by a Go panic (2).
    pub(crate) fn orderly(&self) -> bool {
        matches!(self.status.code(), Some(0 | 1))
    }

    /// How it ended, as the end of a sentence.
    pub(crate) fn ending(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(2), _) => "crashed (exit 2)".into(),
            (Some(code), _) => format!("ended with exit {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "ended in an unknown way".into(),
        }
    }
}

impl Invocation<'_> {
    /// The command as a line for a shell, without secrets.
    pub(crate) fn shown(&self) -> String {
        let mut line = vec!["env".to_owned(), "-i".to_owned()];
        for (name, value) in &self.variables {
            line.push(match value {
                Value::PassedOn(_) | Value::Secret(_) => format!("{name}=\"${name}\""),
                Value::Set(value) => format!("{name}={}", quoted(&value.to_string_lossy())),
            });
        }
        line.push(quoted(self.program.as_str()));
        line.extend(self.arguments.iter().map(|argument| match &self.shown_instead {
            Some((secret, shown)) if secret == argument => quoted(shown),
            _ => quoted(argument),
        }));
        line.join(" ")
    }

    /// Runs it until it ends or is terminated: `Class::Unproven` at the timeout, `Class::Signal` at
    /// an interrupt, `Class::NoCosign` if it cannot be started, `Class::Broken` if the system is
    /// out of resources. In any case, its process group has ended afterwards.
    pub(crate) fn run(&self, limits: &Limits) -> Result<Finished> {
        self.run_with_listener(limits, &|_| {})
    }

    /// The same. `listener` gets each line of its stdout at once: for a program that shows a person
    /// what to do.
    pub(crate) fn run_with_listener(&self, limits: &Limits, listener: &dyn Fn(&str)) -> Result<Finished> {
        limits.interrupt.check()?;
        let (stdout, stdout_writer) = std::io::pipe().context("make a pipe")?;
        let (stderr, stderr_writer) = std::io::pipe().context("make a pipe")?;
        // Before the program: the system may have no thread left.
        let (stdout, stderr) = (Capture::start(stdout)?, Capture::start(stderr)?);
        let environment: BTreeMap<OsString, OsString> = self
            .variables
            .iter()
            .map(|(name, value)| {
                let (Value::PassedOn(value) | Value::Secret(value) | Value::Set(value)) = value;
                (name.into(), value.clone())
            })
            .collect();
        #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
        let started = duct::cmd(self.program.as_std_path(), &self.arguments)
            .full_env(environment)
            // If open, cosign would wait for a password for ever; if closed, it reports a missing
            // one wrongly.
            .stdin_null()
            .stdout_file(stdout_writer)
            .stderr_file(stderr_writer)
            // The status is evaluated here, not turned into an error.
            .unchecked()
            // Its own group, so that grandchildren can be terminated with it, and so that Ctrl-C
            // reaches only aicr, which then terminates it.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            })
            .start();
        let child = started.map_err(|error| {
            // The cleanup may need their descriptors.
            stdout.wait();
            stderr.wait();
            let class = if is_exhaustion(&error) { Class::Broken } else { Class::NoCosign };
            Failure::new(class, format!("{} cannot be started: {}", self.program, reason(&error)))
        })?;
        let group = Group::of(&child.pids());

        let deadline = Instant::now() + limits.timeout.value;
        let mut heard = 0;
        let status = loop {
            stdout.lines_from(&mut heard).iter().for_each(|line| listener(line));
            let tick = TICK.min(deadline.saturating_duration_since(Instant::now()));
            let wait = |time| child.wait_timeout(time).map(|output| output.map(|output| output.status));
            match wait(tick) {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(error) => {
                    group.signal(Signal::KILL);
                    // This may work now, for example with a descriptor that is free again.
                    let _ = wait(GRACE);
                    return Err(anyhow::Error::from(error)
                        .context(format!("wait for {}", self.program))
                        .into());
                }
            }
            let stop = limits
                .interrupt
                .check()
                .err()
                .or_else(|| (Instant::now() >= deadline).then(|| self.out_of_time(&limits.timeout)));
            if let Some(why) = stop {
                group.signal(Signal::TERM);
                let grace = Instant::now() + GRACE;
                while Instant::now() < grace && matches!(wait(TICK), Ok(None)) {}
                group.signal(Signal::KILL);
                // Reaps it. A process that SIGKILL cannot end is left to the kernel.
                let _ = wait(GRACE);
                return Err(why);
            }
        };
        group.signal(Signal::KILL);
        let mut stderr = masked(stderr.finish(), &self.variables);
        if let Some((secret, shown)) = &self.shown_instead {
            stderr = replaced(&stderr, secret.as_bytes(), shown.as_bytes());
        }
        let stdout = stdout.finish();
        let unheard = stdout.get(heard..).unwrap_or_default();
        String::from_utf8_lossy(unheard).lines().for_each(listener);
        Ok(Finished { status, stdout, stderr })
    }

    fn out_of_time(&self, timeout: &Sourced<Duration>) -> Failure {
        let verb = self.arguments.first().map_or("", String::as_str);
        let Sourced { value, source } = timeout;
        let timeout = humantime::format_duration(*value);
        let message = if self.arguments.iter().any(|argument| argument == "--help") {
            format!("cosign did not answer within {timeout} when asked for its help")
        } else {
            format!("cosign {verb} did not finish within {timeout} and was terminated")
        };
        Failure::new(Class::Unproven, message).hint(format!("{source} gives it more time"))
    }
}

/// The process group that a child leads.
struct Group(Option<Pid>);

impl Group {
    fn of(pids: &[u32]) -> Self {
        Self(pids.first().and_then(|pid| i32::try_from(*pid).ok()).and_then(Pid::from_raw))
    }

    /// Signals every process of the group. The group may be empty.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

/// Reads a stream in a thread, into a bounded buffer.
struct Capture {
    buffer: Arc<Mutex<Vec<u8>>>,
    done: mpsc::Receiver<()>,
}

impl Capture {
    fn start(mut stream: PipeReader) -> Result<Self> {
        let buffer = Arc::new(Mutex::new(Vec::new()));
        let (ended, done) = mpsc::channel();
        let shared = Arc::clone(&buffer);
        let read = move || {
            let mut piece = vec![0; 64 << 10];
            while let Ok(length) = stream.read(&mut piece) {
                if length == 0 {
                    break;
                }
                let mut buffer = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let free = OUTPUT_LIMIT.saturating_sub(buffer.len());
                buffer.extend_from_slice(&piece[..length.min(free)]);
            }
            drop(stream);
            // The receiver may be gone.
            let _ = ended.send(());
        };
        std::thread::Builder::new().spawn(read).context("start a thread that reads what cosign prints")?;
        Ok(Self { buffer, done })
    }

    /// The complete lines after the first `heard` bytes.
    fn lines_from(&self, heard: &mut usize) -> Vec<String> {
        let buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let new = buffer.get(*heard..).unwrap_or_default();
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        *heard += whole;
        String::from_utf8_lossy(&new[..whole]).lines().map(str::to_owned).collect()
    }

    /// Waits for the end of the stream. If a process keeps the pipe open, the thread goes on by
    /// itself.
    fn wait(&self) {
        let _ = self.done.recv_timeout(DRAIN);
    }

    /// The output so far.
    fn finish(self) -> Vec<u8> {
        self.wait();
        std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
