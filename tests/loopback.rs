//! Servers on loopback. A script of the repository starts them in new namespaces, and everything
//! runs there, so that every address that is contacted is known. They end when their standard input
//! is closed, however the test ends. Also here: the releases of cosign that run there.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::sandbox::{Run, Sandbox};

/// How long servers may take for one order.
const PATIENCE: Duration = Duration::from_secs(120);

/// The servers that one script starts.
pub(crate) struct Servers {
    script: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Servers {
    /// Starts them with this command, and waits until they are ready.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = script.stdin.take();
        let lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // The receiver may be gone.
                let _ = sender.send(line);
            }
        });
        let servers = Self { script, orders, answers };
        assert_eq!(servers.answer(), "ready");
        servers
    }

    /// Gives them an order, and returns the line of the answer.
    pub(crate) fn order(&self, command: &str) -> String {
        writeln!(self.orders.as_ref().unwrap(), "{command}").unwrap();
        self.answer()
    }

    fn answer(&self) -> String {
        self.answers.recv_timeout(PATIENCE).expect("an answer of the servers, whose output is above")
    }

    /// The command that enters their namespaces.
    pub(crate) fn wrapper(&self) -> Vec<OsString> {
        enter(self.script.id())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.orders = None;
        // If the servers have ended before, their test has failed already.
        let _ = self.script.wait();
    }
}

/// Runs this, which exits with this code. Returns the addresses that it connected or sent to,
/// without duplicates, sorted: `127.0.0.1:443`.
#[track_caller]
pub(crate) fn reached(sandbox: &Sandbox, mut run: Run<'_>, code: i32) -> Vec<String> {
    // A new file: runs may be concurrent.
    let log = tempfile::NamedTempFile::new_in(sandbox.path("")).unwrap();
    // With the filter only these calls stop, which is twice as fast.
    let trace = "strace --follow-forks --seccomp-bpf --trace=connect,sendto,sendmsg,sendmmsg --output";
    run.command.splice(0..0, trace.split(' ').map(OsString::from).chain([log.path().into()]));
    run.exits(code);
    let calls = fs::read_to_string(log.path()).unwrap();
    assert!(calls.contains(&format!("+++ exited with {code} +++")), "strace saw nothing:\n{calls}");
    let mut reached: Vec<String> = calls.lines().filter_map(address).collect();
    reached.sort();
    reached.dedup();
    reached
}

/// The command that enters the namespaces of a process.
fn enter(process: u32) -> Vec<OsString> {
    let target = process.to_string();
    let mut command = ["nsenter", "--target", &target, "--net", "--mount"].map(OsString::from).to_vec();
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/user")).unwrap();
    if namespace("self") != namespace(&target) {
        command.extend(["--user", "--preserve-credentials"].map(OsString::from));
    }
    command
}

/// The address in a traced call: of a machine, or of a local service such as a name service cache.
/// A socket between processes of one program has none.
fn address(call: &str) -> Option<String> {
    let field = |name: &str| {
        let value = call.split_once(&format!("{name}("))?.1;
        Some(value.split_once(')')?.0.trim_matches('"').to_owned())
    };
    if call.contains("sa_family=AF_INET6") {
        let host = call.split_once("AF_INET6, \"")?.1.split_once('"')?.0;
        return Some(format!("[{host}]:{}", field("htons")?));
    }
    if call.contains("sa_family=AF_INET") {
        return Some(format!("{}:{}", field("inet_addr")?, field("htons")?));
    }
    let path = call.split_once("sun_path=")?.1;
    Some(path.split('}').next()?.trim_matches('"').to_owned())
}

/// All releases, by version, the oldest first.
fn matrix() -> Vec<(String, String)> {
    let list = std::env::var("AICR_TEST_MATRIX").unwrap_or_default();
    let pair = |word: &str| word.split_once('=').map(|(version, path)| (version.to_owned(), path.to_owned()));
    let all: Vec<_> = list.split_whitespace().filter_map(pair).collect();
    assert!(
        !all.is_empty(),
        "AICR_TEST_MATRIX is not set: run these with `make test-kms` or `make test-sigstore`"
    );
    all
}

/// The path of the cosign of this version.
pub(crate) fn cosign(version: &str) -> String {
    let found = matrix().into_iter().find(|(found, _)| found == version);
    found.unwrap_or_else(|| panic!("AICR_TEST_MATRIX has no {version}")).1
}

/// The path of the newest one.
pub(crate) fn newest() -> String {
    matrix().pop().unwrap().1
}
