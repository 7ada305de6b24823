//! A stage with a key manager: both are in namespaces of their own, in which nothing is but
//! loopback, and where the names of the public services lead to it. Servers are in `servers`; each
//! ends when nobody holds its standard input any more, however the test ends.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::scene::{Run, Scene, repository};

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// A stage and its server.
pub(crate) struct Site {
    scene: Scene,
    server: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Site {
    /// A run of `aicr` with these variables, and without the password of a key file.
    pub(crate) fn aicr_given(&self, variables: &[(&str, &str)], words: &str) -> Run<'_> {
        let run = self.aicr(words).without("COSIGN_PASSWORD");
        variables.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// An empty stage with this server, which is ready, and with what it keeps in `server`.
    pub(crate) fn with(server: &str, arguments: &[&str]) -> Self {
        let mut scene = Scene::with_cosign(Path::new(&newest()));
        let mut command = Command::new(repository().join("scripts/kms/start"));
        command.arg(server).arg(scene.path("server")).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let orders = server.stdin.take();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Nobody may be listening any more.
                let _ = sender.send(line);
            }
        });
        scene.way_in = way_to(server.id());
        let site = Self { scene, server, orders, answers };
        site.awaits("ready");
        site
    }

    /// Has the server do something.
    pub(crate) fn order(&mut self, command: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{command}").unwrap();
        self.awaits("done");
    }

    fn awaits(&self, word: &str) {
        assert_eq!(
            self.answers.recv_timeout(PATIENCE).as_deref(),
            Ok(word),
            "the server, whose words are above"
        );
    }

    /// The absolute path of something that the server keeps.
    pub(crate) fn of_server(&self, name: &str) -> String {
        self.path(format!("server/{name}")).into_os_string().into_string().unwrap()
    }

    /// SHA-256 of the DER of a public key on the stage, told by others.
    pub(crate) fn key_sha256(&self, file: &str) -> String {
        let line = format!("openssl pkey -pubin -in {file} -outform DER | sha256sum | head -c 64");
        String::from_utf8(self.shell(&line).whatever_it_prints().succeeds().stdout).unwrap()
    }

    /// Runs this with exit 0, whatever it prints, and gives the addresses that were connected or sent
    /// to, each once, sorted: `127.0.0.1:443`.
    #[track_caller]
    pub(crate) fn reached(&self, mut run: Run<'_>) -> Vec<String> {
        let log = self.path("calls").into_os_string().into_string().unwrap();
        let trace = "strace --follow-forks --trace=connect,sendto,sendmsg,sendmmsg --output";
        run.command.splice(0..0, trace.split(' ').chain([log.as_str()]).map(OsString::from));
        run.whatever_it_prints().succeeds();
        let calls = fs::read_to_string(&log).unwrap();
        assert!(calls.contains("+++ exited with 0 +++"), "strace saw nothing:\n{calls}");
        let mut reached: Vec<String> = calls.lines().filter_map(address).collect();
        reached.sort();
        reached.dedup();
        reached
    }
}

impl Deref for Site {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.orders = None;
        // A server that was not there any more has made its test fail already.
        let _ = self.server.wait();
    }
}

/// The command that leads to the namespaces of a process.
fn way_to(process: u32) -> Vec<OsString> {
    let target = process.to_string();
    let mut way = ["nsenter", "--target", &target, "--net", "--mount"].map(OsString::from).to_vec();
    let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/user")).unwrap();
    if namespace("self") != namespace(&target) {
        way.extend(["--user", "--preserve-credentials"].map(OsString::from));
    }
    way
}

/// The address in a traced call: of a machine, or of a service of this machine that answers for
/// others (a name service cache). Sockets between processes that a program made itself have none.
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
    assert!(!all.is_empty(), "AICR_TEST_MATRIX is not set: run these with `make test-kms`");
    all
}

/// The path of the cosign of this version.
pub(crate) fn cosign(version: &str) -> String {
    let found = matrix().into_iter().find(|(found, _)| found == version);
    found.unwrap_or_else(|| panic!("AICR_TEST_MATRIX has no {version}")).1
}

/// Where the key managers are installed.
pub(crate) fn kms_home() -> String {
    let printed = Command::new(repository().join("scripts/kms/install")).output().unwrap();
    String::from_utf8(printed.stdout).unwrap().trim().to_owned()
}

/// The path of the newest one.
fn newest() -> String {
    matrix().pop().unwrap().1
}
