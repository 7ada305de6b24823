//! Starts programs: the only file that does. One constructor, one way to run, one clock.
//!
//! Deliberately absent: a shell, an inherited environment, an inherited stdin, trust in cosign's
//! own `--timeout` (it does nothing on 3.1), and waiting for the end of its pipes (a plugin, its
//! grandchild, may hold them for ever).

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

/// Kept of each output stream. The rest is read and dropped, so that a program which prints
/// without end fills neither memory nor its pipe.
const OUTPUT_LIMIT: usize = 1 << 20;
/// How often a waiting aicr looks whether it has been interrupted.
const TICK: Duration = Duration::from_millis(50);
/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the rest of the output once the program itself has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// A program that can be run, with everything it will see.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    /// An absolute path.
    pub(crate) program: &'a Utf8Path,
    /// What follows on the command line.
    pub(crate) arguments: Vec<String>,
    /// A text that may hold a secret, and what is shown in its place, where it is an argument and where the
    /// program prints it.
    pub(crate) shown_instead: Option<(String, String)>,
    /// All it gets: nothing is inherited.
    pub(crate) variables: Variables,
}

/// The bounds of a run.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The wall-clock time after which the whole process group is ended, with the flag or variable for it.
    pub(crate) timeout: Sourced<Duration>,
    /// The same when aicr itself is asked to stop.
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
    /// Whether it ended by itself, in an orderly way: not by a signal and not by a Go panic (2).
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
                Value::HandedOn(_) | Value::Secret(_) => format!("{name}=\"${name}\""),
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

    /// Runs it to its end, or ends it: `Class::Unproven` at the timeout, `Class::Signal` at an
    /// interrupt, `Class::NoCosign` if it would not start, `Class::Broken` if the system takes no more. However it ends, its process group is
    /// gone afterwards.
    pub(crate) fn run(&self, limits: &Limits) -> Result<Finished> {
        self.run_heard(limits, &|_| {})
    }

    /// The same, telling each line of its stdout as it comes: for a program that talks to a person.
    pub(crate) fn run_heard(&self, limits: &Limits, listener: &dyn Fn(&str)) -> Result<Finished> {
        limits.interrupt.check()?;
        let (stdout, stdout_writer) = std::io::pipe().context("make a pipe")?;
        let (stderr, stderr_writer) = std::io::pipe().context("make a pipe")?;
        // First, so that a system which has no more threads has started no program in vain.
        let (stdout, stderr) = (Capture::start(stdout)?, Capture::start(stderr)?);
        let environment: BTreeMap<OsString, OsString> = self
            .variables
            .iter()
            .map(|(name, value)| {
                let (Value::HandedOn(value) | Value::Secret(value) | Value::Set(value)) = value;
                (name.into(), value.clone())
            })
            .collect();
        #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
        let started = duct::cmd(self.program.as_std_path(), &self.arguments)
            .full_env(environment)
            // Open, it would wait for a password for ever; closed, it misreports a missing one.
            .stdin_null()
            .stdout_file(stdout_writer)
            .stderr_file(stderr_writer)
            // The status is looked at here, not turned into an error.
            .unchecked()
            // A group of its own, so that grandchildren can be ended with it, and so that Ctrl-C
            // reaches aicr alone, which then ends it.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            })
            .start();
        let child = started.map_err(|error| {
            // Their descriptors are missed, perhaps, by whoever cleans up.
            stdout.wait();
            stderr.wait();
            let class = if is_exhaustion(&error) { Class::Broken } else { Class::NoCosign };
            Failure::new(class, format!("{} would not start: {}", self.program, reason(&error)))
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
                    // What cannot be had now may be there later, as a descriptor may.
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
                // Reaped here; a process that even SIGKILL cannot end is left to the kernel.
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
        Failure::new(Class::Unproven, format!("cosign {verb} did not finish within {timeout} and was ended"))
            .hint(format!("{source} gives it more time"))
    }
}

/// The process group that a child leads.
struct Group(Option<Pid>);

impl Group {
    fn of(pids: &[u32]) -> Self {
        Self(pids.first().and_then(|pid| i32::try_from(*pid).ok()).and_then(Pid::from_raw))
    }

    /// Signals every process of the group; one that is empty already is fine.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

/// Reads a stream on a thread of its own, into a bounded buffer.
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
                let room = OUTPUT_LIMIT.saturating_sub(buffer.len());
                buffer.extend_from_slice(&piece[..length.min(room)]);
            }
            drop(stream);
            // Nobody may be waiting any more.
            let _ = ended.send(());
        };
        std::thread::Builder::new().spawn(read).context("start a thread that reads what cosign prints")?;
        Ok(Self { buffer, done })
    }

    /// The whole lines that have come since `heard` bytes were.
    fn lines_from(&self, heard: &mut usize) -> Vec<String> {
        let buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let new = buffer.get(*heard..).unwrap_or_default();
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        *heard += whole;
        String::from_utf8_lossy(&new[..whole]).lines().map(str::to_owned).collect()
    }

    /// Waits for the end of the stream. The thread is left behind if some process still holds the pipe.
    fn wait(&self) {
        let _ = self.done.recv_timeout(DRAIN);
    }

    /// What has come.
    fn finish(self) -> Vec<u8> {
        self.wait();
        std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
