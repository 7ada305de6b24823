//! Starts programs. No other file does. There is one constructor, one way to run, and one timeout.
//!
//! A program is started by way of another aicr, which becomes the program ([`become_program`]). So
//! the kernel kills the program when this aicr is killed. The thread that starts it waits for it,
//! because the kernel watches the thread.
//!
//! Deliberately absent: a shell, an inherited environment, an inherited stdin, trust in cosign's
//! own `--timeout` (it does nothing on 3.1), and waiting until its pipes are closed (a plugin, its
//! grandchild, may keep them open).

mod capture;
mod leader;

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use camino::Utf8Path;
use nix::unistd::execv;
use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use rustix::stdio::{dup2_stdin, stderr, stdin};
use signal_hook::consts::SIGPIPE;

use self::capture::Capture;
use self::leader::Leader;
use super::environment::{Value, Variables};
use super::masked::{masked, replaced, without_user_info};
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::value::Sourced;
use crate::printable::quoted;
use crate::system_error::{is_exhaustion, reason};

/// How often a waiting aicr checks whether it was interrupted.
const TICK: Duration = Duration::from_millis(50);
/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// A program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// An absolute path.
    pub(crate) path: &'a Utf8Path,
    /// The file to run, whatever is at the path now. Without a `/proc`, the path is run.
    pub(crate) opened: Option<&'a File>,
}

/// A program to run, with everything that it gets.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    /// The program.
    pub(crate) program: Program<'a>,
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
    /// Whether this process is an aicr, which can start another one. The unit tests of this crate
    /// are not.
    pub(crate) from_aicr: bool,
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
                Value::Set(value) => {
                    format!("{name}={}", quoted(&without_user_info(&value.to_string_lossy())))
                }
            });
        }
        line.push(quoted(self.program.path.as_str()));
        line.extend(self.arguments.iter().map(|argument| match &self.shown_instead {
            Some((secret, shown)) if secret == argument => quoted(shown),
            _ => quoted(&without_user_info(argument)),
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
        let started = self.start(limits.from_aicr, stdout_writer, stderr_writer);
        let leader = Leader::new(started.map_err(|error| {
            // The cleanup may need their descriptors.
            stdout.wait();
            stderr.wait();
            self.cannot_be_started(&error)
        })?);

        let deadline = Instant::now() + limits.timeout.value;
        let mut heard = 0;
        let hear = |line: &str| listener(&String::from_utf8_lossy(&self.masked(line.into())));
        loop {
            stdout.lines_from(&mut heard).iter().for_each(|line| hear(line));
            let tick = TICK.min(deadline.saturating_duration_since(Instant::now()));
            match leader.ends_within(tick) {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    leader.kill(GRACE);
                    return Err(anyhow::Error::from(error)
                        .context(format!("wait for {}", self.program.path))
                        .into());
                }
            }
            let stop = limits
                .interrupt
                .check()
                .err()
                .or_else(|| (Instant::now() >= deadline).then(|| self.out_of_time(&limits.timeout)));
            if let Some(why) = stop {
                leader.signal_group(Signal::TERM);
                let grace = Instant::now() + GRACE;
                while Instant::now() < grace && matches!(leader.ends_within(TICK), Ok(false)) {}
                leader.kill(GRACE);
                return Err(why);
            }
        }
        let status = leader.reap().with_context(|| format!("wait for {}", self.program.path))?;
        let stderr = stderr.finish();
        if let Some(error) = not_started(status, &stderr) {
            return Err(self.cannot_be_started(&error));
        }
        let stdout = stdout.finish();
        let unheard = stdout.get(heard..).unwrap_or_default();
        String::from_utf8_lossy(unheard).lines().for_each(hear);
        Ok(Finished { status, stdout, stderr: self.masked(stderr) })
    }

    /// Starts it in its own process group, so that grandchildren can be terminated with it, and so
    /// that Ctrl-C reaches only aicr, which then terminates it. Without a `/proc`, aicr cannot
    /// start itself.
    fn start(&self, from_aicr: bool, stdout: PipeWriter, stderr: PipeWriter) -> io::Result<Child> {
        let Program { path, opened } = self.program;
        let this = Path::new("/proc/self/exe");
        let by_itself = !(from_aicr && this.exists());
        #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
        let mut command = Command::new(if by_itself { path.as_std_path() } else { this });
        if !by_itself {
            let source = if opened.is_some() { FROM_STDIN } else { FROM_PATH };
            command.arg0("aicr").args([BECOME, &std::process::id().to_string(), source]).arg(path);
        }
        let stdin = match opened {
            Some(file) if !by_itself => file.try_clone()?.into(),
            _ => no_input()?,
        };
        let variables = self.variables.iter().map(|(name, value)| {
            let (Value::PassedOn(value) | Value::Secret(value) | Value::Set(value)) = value;
            (name, value)
        });
        command
            .args(&self.arguments)
            .env_clear()
            .envs(variables)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
    }

    fn cannot_be_started(&self, error: &io::Error) -> Failure {
        let class = if is_exhaustion(error) { Class::Broken } else { Class::NoCosign };
        Failure::new(class, format!("{} cannot be started: {}", self.program.path, reason(error)))
    }

    /// Output of the program, without secrets.
    fn masked(&self, text: Vec<u8>) -> Vec<u8> {
        let text = masked(text, &self.variables);
        match &self.shown_instead {
            Some((secret, shown)) => replaced(&text, secret.as_bytes(), shown.as_bytes()),
            None => text,
        }
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

/// The first argument of an aicr that becomes another program. It is not for people: no help shows
/// it.
const BECOME: &str = "__become";
/// The program is opened by its path.
const FROM_PATH: &str = "path";
/// The program is open as stdin. Its path is only its name.
const FROM_STDIN: &str = "stdin";
/// The exit code, and on stderr the text before the error number, if the program cannot be started.
const NOT_STARTED: (u8, &str) = (127, "\0aicr: not started: ");

/// In an aicr that another aicr has started: becomes the program in the arguments. It ends when the
/// other aicr is killed. Returns only if this is not such an aicr, or if the program cannot be
/// started.
pub(crate) fn become_program(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, word, parent, source, path, arguments @ ..] = arguments else { return None };
    if word != BECOME {
        return None;
    }
    let Err(error) = exec(parent, source == FROM_STDIN, path, arguments);
    let (code, words) = NOT_STARTED;
    let number = error.raw_os_error().unwrap_or_default();
    // For the other aicr, which does not print it.
    let _ = rustix::io::write(stderr(), format!("{words}{number}").as_bytes());
    Some(ExitCode::from(code))
}

fn exec(parent: &OsStr, from_stdin: bool, path: &OsStr, arguments: &[OsString]) -> io::Result<Infallible> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The kernel sends no signal if the parent was killed before.
    let is_parent = |pid: Pid| parent.to_str() == Some(&pid.to_string());
    if !rustix::process::getppid().is_some_and(is_parent) {
        return Err(Errno::SRCH.into());
    }
    // The runtime of this program ignores SIGPIPE. The next program starts with the default for a
    // signal that has a handler.
    signal_hook::flag::register(SIGPIPE, Arc::default())?;
    let words = [path].into_iter().chain(arguments.iter().map(OsString::as_os_str));
    let words = words.map(|word| CString::new(word.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    if !from_stdin {
        return Ok(execv(&words[0], &words)?);
    }
    let program = rustix::io::fcntl_dupfd_cloexec(stdin(), 3)?;
    dup2_stdin(no_input()?)?;
    let opened = CString::new(format!("/proc/self/fd/{}", program.as_raw_fd()))?;
    Ok(execv(&opened, &words)?)
}

/// The error of an aicr that did not become the program.
fn not_started(status: ExitStatus, stderr: &[u8]) -> Option<io::Error> {
    let (code, words) = NOT_STARTED;
    let number = stderr.strip_prefix(words.as_bytes()).filter(|_| status.code() == Some(code.into()))?;
    Some(io::Error::from_raw_os_error(std::str::from_utf8(number).ok()?.parse().ok()?))
}

/// An empty stdin. If it were open, cosign would wait for a password for ever; if closed, it
/// reports a missing one wrongly.
fn no_input() -> io::Result<OwnedFd> {
    let is_device = |file: &File| file.metadata().is_ok_and(|file| file.file_type().is_char_device());
    match File::open("/dev/null").ok().filter(is_device) {
        Some(null) => Ok(null.into()),
        // Not every container has one. A pipe without a writer is empty, too.
        None => Ok(io::pipe()?.0.into()),
    }
}

#[cfg(test)]
mod tests;
