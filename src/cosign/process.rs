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
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::masked::masked;
use super::variables::{Value, Variables};
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::is_hidden;

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
    /// An argument that may hold a secret, and what is shown in its place.
    pub(crate) shown_instead: Option<(String, String)>,
    /// All it gets: nothing is inherited.
    pub(crate) variables: Variables,
}

/// The bounds of a run.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The wall-clock time after which the whole process group is ended.
    pub(crate) timeout: Duration,
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
        let child = duct::cmd(self.program.as_std_path(), &self.arguments)
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
            .start()
            .map_err(|error| {
                // The program has no part in it when the system has no more processes, memory or files.
                let exhausted = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
                let exhausted = Errno::from_io_error(&error).is_some_and(|errno| exhausted.contains(&errno));
                let class = if exhausted { Class::Broken } else { Class::NoCosign };
                Failure::new(class, format!("{} would not start: {error}", self.program))
            })?;
        let group = Group::of(&child.pids());

        let deadline = Instant::now() + limits.timeout;
        let status = loop {
            let tick = TICK.min(deadline.saturating_duration_since(Instant::now()));
            let wait = |time| child.wait_timeout(time).map(|output| output.map(|output| output.status));
            if let Some(status) = wait(tick).with_context(|| format!("wait for {}", self.program))? {
                break status;
            }
            let stop = limits
                .interrupt
                .check()
                .err()
                .or_else(|| (Instant::now() >= deadline).then(|| self.out_of_time(limits.timeout)));
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
        let stderr = masked(stderr.finish(), &self.variables);
        Ok(Finished { status, stdout: stdout.finish(), stderr })
    }

    fn out_of_time(&self, timeout: Duration) -> Failure {
        let verb = self.arguments.first().map_or("", String::as_str);
        let timeout = humantime::format_duration(timeout);
        Failure::new(Class::Unproven, format!("cosign {verb} did not finish within {timeout} and was ended"))
            .hint("--timeout gives it more time; a key manager or service that accepts and never answers is the usual cause")
    }
}

/// One word of a shell command, quoted only where a shell would see more in it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // What a terminal would obey is written out; bash, zsh and ksh read this form.
    if word.chars().any(is_hidden) {
        return word.chars().fold(String::from("$'"), |quoted, letter| match letter {
            '\'' | '\\' => quoted + "\\" + letter.encode_utf8(&mut [0; 4]),
            _ if is_hidden(letter) => letter
                .encode_utf8(&mut [0; 4])
                .bytes()
                .fold(quoted, |quoted, byte| quoted + &format!("\\x{byte:02x}")),
            _ => quoted + letter.encode_utf8(&mut [0; 4]),
        }) + "'";
    }
    // Only a NUL cannot be quoted, and no argument can hold one.
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), std::borrow::Cow::into_owned)
}

/// A path as an argument in a shell command, which is never taken for a flag.
pub(crate) fn quoted_path(path: &Utf8Path) -> String {
    if path.as_str().starts_with('-') { quoted(&format!("./{path}")) } else { quoted(path.as_str()) }
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
            // Nobody may be waiting any more.
            let _ = ended.send(());
        };
        std::thread::Builder::new().spawn(read).context("start a thread that reads what cosign prints")?;
        Ok(Self { buffer, done })
    }

    /// What has come. The thread is left behind if some process still holds the pipe.
    fn finish(self) -> Vec<u8> {
        let _ = self.done.recv_timeout(DRAIN);
        std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Invocation<'static> {
        Invocation {
            program: Utf8Path::new("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            shown_instead: None,
            variables: Variables::from([("PATH".into(), Value::Set("/usr/bin:/bin".into()))]),
        }
    }

    fn limits(timeout: Duration) -> Limits {
        Limits { timeout, interrupt: Interrupt::default() }
    }

    fn run(script: &str) -> Finished {
        shell(script).run(&limits(Duration::from_secs(60))).unwrap()
    }

    #[test]
    fn output_and_status_come_back() {
        let finished = run("echo out; echo err >&2; exit 1");
        assert_eq!((finished.stdout, finished.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
        assert_eq!(finished.status.code(), Some(1));
    }

    #[test]
    fn nothing_is_inherited() {
        let finished = run("env | grep -v -e '^PWD=' -e '^_=' -e '^SHLVL='; cat; exit 0");
        assert_eq!(String::from_utf8(finished.stdout).unwrap(), "PATH=/usr/bin:/bin\n");
    }

    #[test]
    fn endless_output_is_cut_and_does_not_block() {
        let finished = run("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2");
        assert_eq!((finished.stdout.len(), finished.stderr.len()), (OUTPUT_LIMIT, OUTPUT_LIMIT));
        assert!(finished.status.success());
    }

    #[test]
    fn endings_are_told_apart() {
        for (script, orderly, ending) in [
            ("exit 0", true, "ended with exit 0"),
            ("exit 1", true, "ended with exit 1"),
            ("exit 2", false, "crashed (exit 2)"),
            ("exit 3", false, "ended with exit 3"),
            ("kill -SEGV $$", false, "was killed by signal 11"),
        ] {
            let finished = run(script);
            assert_eq!((finished.orderly(), finished.ending().as_str()), (orderly, ending), "{script}");
        }
    }

    /// Whether the process with this number ends, or has ended and only waits to be reaped.
    fn ends(pid: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("child");
        let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait; wait", file.display());
        let failure = shell(&script).run(&limits(Duration::from_millis(300))).unwrap_err();
        assert_eq!(failure.class(), Class::Unproven);
        assert_eq!(failure.message(), "cosign -c did not finish within 300ms and was ended");
        assert!(ends(&std::fs::read_to_string(file).unwrap()));
    }

    #[test]
    fn a_grandchild_that_holds_the_pipes_is_not_waited_for() {
        let started = Instant::now();
        let finished = run("setsid sleep 30 & echo $!");
        assert!(started.elapsed() < Duration::from_secs(20));
        let straggler: i32 = String::from_utf8(finished.stdout).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(straggler).unwrap(), Signal::KILL).unwrap();
    }

    #[test]
    fn children_that_outlive_the_program_are_ended() {
        let finished = run("sleep 1000 >/dev/null 2>&1 & echo $!");
        assert!(ends(&String::from_utf8(finished.stdout).unwrap()));
    }

    #[test]
    fn a_program_that_is_not_there_is_said_so() {
        let invocation = Invocation { program: Utf8Path::new("/nowhere"), ..shell("") };
        let failure = invocation.run(&limits(Duration::from_secs(1))).unwrap_err();
        assert_eq!(failure.class(), Class::NoCosign);
        assert_eq!(failure.message(), "/nowhere would not start: no such file or directory");
    }

    #[test]
    fn a_command_is_shown_without_what_was_handed_on() {
        let invocation = Invocation {
            program: Utf8Path::new("/opt/co sign"),
            arguments: vec!["--key=a b".into(), "plain".into(), "it's\n\u{202e}".into(), "--pin=1234".into()],
            shown_instead: Some(("--pin=1234".into(), "--pin=…".into())),
            variables: Variables::from([
                ("A".into(), Value::Set("x y".into())),
                ("B".into(), Value::HandedOn("secret".into())),
                ("C".into(), Value::Secret("secret".into())),
            ]),
        };
        assert_eq!(
            invocation.shown(),
            r#"env -i A='x y' B="$B" C="$C" '/opt/co sign' '--key=a b' plain $'it\'s\x0a\xe2\x80\xae' '--pin=…'"#
        );
    }
}
