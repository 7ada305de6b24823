//! A test directory with a key manager. Both are in new namespaces with loopback only, where the
//! names of the public services resolve to it. The servers are in `servers`.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use crate::loopback::{self, Servers, newest};
use crate::sandbox::{Run, Sandbox, repository};

/// A test directory and its server, which ends before the directory is removed.
pub(crate) struct Site {
    server: Servers,
    sandbox: Sandbox,
}

impl Site {
    /// A run of `aicr` with these variables, and without the password of a key file.
    pub(crate) fn aicr_given(&self, variables: &[(&str, &str)], words: &str) -> Run<'_> {
        let run = self.aicr(words).without("COSIGN_PASSWORD");
        variables.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// An empty test directory with this server, which is ready and has its files in `server`.
    pub(crate) fn with(server: &str, arguments: &[&str]) -> Self {
        let mut sandbox = Sandbox::with_cosign(Path::new(&newest()));
        let mut command = Command::new(repository().join("scripts/kms/start"));
        command.arg(server).arg(sandbox.path("server")).args(arguments);
        let server = Servers::started(command);
        sandbox.wrapper = server.wrapper();
        Self { server, sandbox }
    }

    /// Gives the server an order.
    #[track_caller]
    pub(crate) fn order(&self, command: &str) {
        assert_eq!(self.server.order(command), "done", "{command}");
    }

    /// The absolute path of a file of the server.
    pub(crate) fn of_server(&self, name: &str) -> String {
        self.path(format!("server/{name}")).into_os_string().into_string().unwrap()
    }

    /// The SHA-256 of the DER of a public key in the test directory, by OpenSSL.
    pub(crate) fn key_sha256(&self, file: &str) -> String {
        let line = format!("openssl pkey -pubin -in {file} -outform DER | sha256sum | head -c 64");
        String::from_utf8(self.shell(&line).whatever_it_prints().succeeds().stdout).unwrap()
    }

    /// Runs this with exit 0, and returns the addresses that it contacted.
    #[track_caller]
    pub(crate) fn reached(&self, run: Run<'_>) -> Vec<String> {
        loopback::reached(&self.sandbox, run.whatever_it_prints(), 0)
    }
}

impl Deref for Site {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// Where the key managers are installed.
pub(crate) fn kms_home() -> String {
    let printed = Command::new(repository().join("scripts/kms/install")).output().unwrap();
    String::from_utf8(printed.stdout).unwrap().trim().to_owned()
}
