//! A stage with a private Sigstore: both are in namespaces of their own, in which nothing is but
//! loopback. What the services keep, and what clients are configured with, is below `site` on the stage:
//! `scripts/sigstore/start` and `servers/trust.go` say what. Services are told what to do by the orders of
//! `servers/orders.go`.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use crate::loopback::{self, Servers, newest};
use crate::sandbox::{Run, Sandbox, repository};

/// Where the services are. Each is at `https://localhost:1PORT` too, but for the issuer, which is only https.
pub(crate) const FULCIO: &str = "http://localhost:5555";
pub(crate) const REKOR_1: &str = "http://localhost:3000";
pub(crate) const REKOR_2: &str = "http://localhost:3003";
pub(crate) const TSA: &str = "http://localhost:3004/api/v1/timestamp";
/// The issuer for people, and the identity that it gives.
pub(crate) const ISSUER: &str = "https://localhost:8888";
pub(crate) const PERSON: &str = "dev@example.test";
/// The issuer for workflows, and the identity that it gives.
pub(crate) const WORKFLOWS: &str = "https://localhost:8888/actions";
pub(crate) const WORKFLOW: &str =
    "https://github.com/example/release/.github/workflows/release.yml@refs/heads/main";
/// What a runner of workflows knows, in `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
pub(crate) const RUNNER_URL: &str = "https://localhost:8888/actions/token?api-version=2.0";
pub(crate) const RUNNER_TOKEN: &str = "runner";

/// All services, for an order to each.
pub(crate) const ALL: [&str; 6] = ["rekor1", "rekor2", "tsa", "fulcio", "ctlog", "issuer"];

/// A stage and its services, which end before the stage goes.
pub(crate) struct Site {
    servers: Servers,
    sandbox: Sandbox,
}

impl Site {
    /// An empty stage with services that are ready, and logs that have an entry already.
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

    /// Has the services do something: `stop rekor2`, `replace tsa 503`. Gives the value that they answer.
    #[track_caller]
    pub(crate) fn order(&self, order: &str) -> String {
        let answer = self.servers.order(order);
        let value = answer.strip_prefix("ok").unwrap_or_else(|| panic!("{order}: {answer}"));
        value.trim().to_owned()
    }

    /// None of these services can be reached any more.
    #[track_caller]
    pub(crate) fn stop(&self, services: &[&str]) {
        for service in services {
            self.order(&format!("stop {service}"));
        }
    }

    /// How many entries a log has: `rekor1` or `rekor2`.
    #[track_caller]
    pub(crate) fn entries(&self, log: &str) -> u64 {
        self.order(&format!("entries {log}")).parse().unwrap()
    }

    /// Writes an identity token to a file of the stage: of a `person`, a `workflow`, or a `stranger` whose
    /// signature the issuer does not know. The claims change it (JSON, null removes one).
    #[track_caller]
    pub(crate) fn token(&self, file: &str, kind: &str, claims: &str) -> &Self {
        self.order(&format!("mint {kind} {} {claims}", self.path(file).display()));
        self
    }

    /// SHA-256 of the DER of a public key on the stage, told by others.
    pub(crate) fn key_sha256(&self, file: &str) -> String {
        let line = format!("openssl pkey -pubin -in {file} -outform DER | sha256sum | head -c 64");
        String::from_utf8(self.shell(&line).whatever_it_prints().succeeds().stdout).unwrap()
    }

    /// The absolute path of something below `site`, as a text for a variable.
    pub(crate) fn of_site(&self, name: &str) -> String {
        self.path(format!("site/{name}")).into_os_string().into_string().unwrap()
    }

    /// A run of a cosign with these words (split at blanks), as a person would have it.
    pub(crate) fn cosign(&self, cosign: &str, words: &str) -> Run<'_> {
        self.program_run([cosign].into_iter().chain(words.split_whitespace()))
    }

    /// Runs this, which exits with this code, and gives the addresses that were spoken to.
    #[track_caller]
    pub(crate) fn reached(&self, run: Run<'_>, code: i32) -> Vec<String> {
        loopback::reached(&self.sandbox, run, code)
    }
}

impl Deref for Site {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// The run fails and says these words.
#[track_caller]
pub(crate) fn fails(run: Run<'_>, words: &str) {
    let said = String::from_utf8(run.exits(1).stderr).unwrap();
    assert!(said.contains(words), "expected: {words}\n{said}");
}
