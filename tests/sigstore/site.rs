//! A test directory with a private Sigstore. Both are in new namespaces with loopback only. The
//! files of the services and the configuration of clients are in `site` in the test directory: see
//! `scripts/sigstore/start` and `servers/trust.go`. The services follow the orders of
//! `servers/orders.go`.

use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use crate::loopback::{self, Servers, newest};
use crate::sandbox::{Run, Sandbox, repository};

/// The addresses of the services. Each also has `https://localhost:1PORT`, except the issuer, which
/// has https only.
pub(crate) const FULCIO: &str = "http://localhost:5555";
pub(crate) const REKOR_1: &str = "http://localhost:3000";
pub(crate) const REKOR_2: &str = "http://localhost:3003";
pub(crate) const TSA: &str = "http://localhost:3004/api/v1/timestamp";
/// The issuer for people, and their identity.
pub(crate) const ISSUER: &str = "https://localhost:8888";
pub(crate) const PERSON: &str = "dev@example.test";
/// The issuer for workflows, and their identity.
pub(crate) const WORKFLOWS: &str = "https://localhost:8888/actions";
pub(crate) const WORKFLOW: &str =
    "https://github.com/example/release/.github/workflows/release.yml@refs/heads/main";
/// The values of `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN` for a runner
/// of workflows.
pub(crate) const RUNNER_URL: &str = "https://localhost:8888/actions/token?api-version=2.0";
pub(crate) const RUNNER_TOKEN: &str = "runner";

/// All services, for an order to each.
pub(crate) const ALL: [&str; 6] = ["rekor1", "rekor2", "tsa", "fulcio", "ctlog", "issuer"];

/// A test directory and its services, which end before the directory is removed.
pub(crate) struct Site {
    servers: Servers,
    sandbox: Sandbox,
}

impl Site {
    /// An empty test directory with services that are ready, and logs that have one entry.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with options of `scripts/sigstore/start`.
    pub(crate) fn with(options: &[&str]) -> Self {
        let mut sandbox = Sandbox::with_cosign(Path::new(&newest()));
        let mut command = Command::new(repository().join("scripts/sigstore/start"));
        command.arg(sandbox.path("site")).args(options);
        let servers = Servers::started(command);
        sandbox.wrapper = servers.wrapper();
        Self { servers, sandbox }
    }

    /// Gives the services an order: `stop rekor2`, `replace tsa 503`. Returns the value of their
    /// answer.
    #[track_caller]
    pub(crate) fn order(&self, order: &str) -> String {
        let answer = self.servers.order(order);
        let value = answer.strip_prefix("ok").unwrap_or_else(|| panic!("{order}: {answer}"));
        value.trim().to_owned()
    }

    /// Stops these services.
    #[track_caller]
    pub(crate) fn stop(&self, services: &[&str]) {
        for service in services {
            self.order(&format!("stop {service}"));
        }
    }

    /// The number of entries in a log: `rekor1` or `rekor2`.
    #[track_caller]
    pub(crate) fn entries(&self, log: &str) -> u64 {
        self.order(&format!("entries {log}")).parse().unwrap()
    }

    /// Writes an identity token to a file: for a `person`, a `workflow`, or an `other`, whose
    /// token the issuer did not sign. The claims change it (JSON, null removes one).
    #[track_caller]
    pub(crate) fn token(&self, file: &str, kind: &str, claims: &str) -> &Self {
        self.order(&format!("mint {kind} {} {claims}", self.path(file).display()));
        self
    }

    /// The SHA-256 of the DER of a public key in the test directory, by OpenSSL.
    pub(crate) fn key_sha256(&self, file: &str) -> String {
        let line = format!("openssl pkey -pubin -in {file} -outform DER | sha256sum | head -c 64");
        String::from_utf8(self.shell(&line).whatever_it_prints().succeeds().stdout).unwrap()
    }

    /// The absolute path of a file in `site`, as a value for a variable.
    pub(crate) fn of_site(&self, name: &str) -> String {
        self.path(format!("site/{name}")).into_os_string().into_string().unwrap()
    }

    /// A run of a cosign with these arguments (split at blanks), in the usual environment.
    pub(crate) fn cosign(&self, cosign: &str, words: &str) -> Run<'_> {
        self.program_run([cosign].into_iter().chain(words.split_whitespace()))
    }

    /// Runs this, which exits with this code, and returns the addresses that it contacted.
    #[track_caller]
    pub(crate) fn reached(&self, run: Run<'_>, code: i32) -> Vec<String> {
        loopback::reached(&self.sandbox, run, code)
    }
}

/// A test that fails shows what the services printed last: the cause may be theirs.
impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in fs::read_dir(self.path("site/log")).into_iter().flatten().flatten() {
                let text = fs::read_to_string(log.path()).unwrap_or_default();
                let lines: Vec<_> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(10)..].join("\n");
                println!("{}:\n{last}", log.file_name().display());
            }
        }
    }
}

impl Deref for Site {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// The run fails and prints this text.
#[track_caller]
pub(crate) fn fails(run: Run<'_>, words: &str) {
    let said = String::from_utf8(run.exits(1).stderr).unwrap();
    assert!(said.contains(words), "expected: {words}\n{said}");
}
