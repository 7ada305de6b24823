//! The system's cosign: finding it, asking what it can do, running it.
//!
//! Here is what may be asked of it and in which form; nothing here knows payload files. cosign is
//! the only implementation of signing and of signature verification: no cryptographic check of a
//! signature is made by aicr itself. What aicr does itself is everything around it: which digest,
//! which key, which form, which environment, and how long.
//!
//! Reading order: `probe` (what it is asked before it is used), `capability` (what its answers
//! mean), `control` (whether it can refuse and accept), `argv` (the command lines), `environment`
//! (what it sees), `process` (how it runs), `signature_check` (what it should have written),
//! `verify_request` (what it verifies), `diagnosis` (what it printed).

pub(crate) mod argv;
pub(crate) mod binary;
pub(crate) mod capability;
mod control;
pub(crate) mod diagnosis;
pub(crate) mod environment;
pub(crate) mod masked;
pub(crate) mod private_directory;
mod probe;
pub(crate) mod process;
pub(crate) mod public_sigstore;
pub(crate) mod ready_signer;
pub(crate) mod recording_services;
pub(crate) mod search_path;
pub(crate) mod sign_blob;
mod signature_check;
pub(crate) mod signing_identity;
pub(crate) mod signing_key;
pub(crate) mod temporary_place;
pub(crate) mod verify_blob;
pub(crate) mod verify_request;

use std::cell::Cell;
use std::sync::atomic::AtomicBool;

use camino::Utf8Path;

use self::argv::Operation;
use self::binary::Binary;
use self::capability::Dialect;
use self::environment::SecretsOf;
use self::environment::{Value, Variables};
use self::private_directory::PrivateDirectory;
use self::process::{Finished, Invocation, Limits};
use self::search_path::SearchPath;
use self::signing_key::SigningKey;
use self::temporary_place::TemporaryPlace;
use crate::error::{Class, Failure, Result};
use crate::settings::Environment;
use crate::sigstore::public_key::PublicKey;

/// What is known to every run of cosign.
pub(crate) struct Session<'a> {
    /// The operator's environment.
    pub(crate) environment: &'a Environment,
    /// Where programs are looked for.
    pub(crate) search_path: SearchPath,
    /// Where private directories are made.
    pub(crate) temporary: TemporaryPlace,
    /// When a run is ended.
    pub(crate) limits: Limits,
    /// Gets each command before it runs, as a line for a shell without secrets.
    pub(crate) on_command: Box<dyn Fn(&str) + Sync>,
    /// Gets what cosign prints for a person who signs in.
    pub(crate) on_talk: Box<dyn Fn(&str) + Sync>,
}

/// The hint when this cosign differs from those that aicr knows.
const INSTALL: &str = "install cosign 3.1, or name one with --cosign";

/// A command that was prepared, with the directory of its files.
struct Prepared<'a> {
    invocation: Invocation<'a>,
    private: PrivateDirectory<'a>,
}

/// A cosign that was found and probed.
pub(crate) struct Cosign<'a> {
    binary: Binary,
    dialect: Dialect,
    release: String,
    session: &'a Session<'a>,
    /// Whether it has refused the wrong signature of `control`.
    refuses: AtomicBool,
}

impl Cosign<'_> {
    /// The binary's absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        self.binary.path()
    }

    /// Its command line.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The release that it prints, only shown.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// Asks for the public half of a key. `Class::Unproven` when the key manager is unreachable,
    /// `NoCosign` when this cosign has no provider for it, `NotSigned` for everything else.
    pub(crate) fn public_key(&self, key: &SigningKey) -> Result<PublicKey> {
        let private = PrivateDirectory::new(&self.session.temporary)?;
        let finished = self.ask_for_public_key(key, &private)?;
        private.close()?;
        PublicKey::from_pem(&finished.stdout).map_err(|why| {
            Failure::new(
                Class::NotSigned,
                format!("what cosign printed as the public key of {} {why}", key.reference),
            )
            .with_cosign_output(diagnosis::shown(&finished.stderr))
        })
    }

    /// The usual variables for the key manager of `key`, and those of `--kms-env`, that are not
    /// set, each with its purpose.
    pub(crate) fn missing_variables<'k>(&self, key: &'k SigningKey) -> Vec<(&'k str, &'static str)> {
        let environment = self.session.environment;
        let named = key.unset(environment).map(|name| (name, "named by --kms-env"));
        environment::missing(&key.reference, environment).into_iter().chain(named).collect()
    }

    fn variables_of(&self, key: &SigningKey, recorded: bool, directory: &Utf8Path) -> Variables {
        let mut variables = environment::with_secrets(
            SecretsOf::Key(&key.reference),
            key.kms_env.as_deref().unwrap_or_default(),
            recorded,
            self.session.environment,
            &self.session.search_path,
            directory,
        );
        if let Some(password) = &key.password {
            variables.insert("COSIGN_PASSWORD".into(), Value::Secret(password.into()));
        }
        variables
    }

    /// A run that has to succeed; the failure says why it did not.
    fn ask_for_public_key(&self, key: &SigningKey, private: &PrivateDirectory<'_>) -> Result<Finished> {
        let operation = Operation::PublicKey { key };
        let variables = self.variables_of(key, false, private.path());
        let finished = self.run(operation, variables, private).map_err(|failure| {
            let out_of_time = failure.class() == Class::Unproven;
            if out_of_time && key.reference.needs_network() {
                return failure.unanswered(&format!("{} could not be reached in time", key.reference));
            }
            failure
        })?;
        if finished.status.success() {
            return Ok(finished);
        }
        if let Some(lacks) = self.lacks(operation, &finished.stderr) {
            return Err(lacks);
        }
        let failure = diagnosis::of_key_failure(&finished.stderr).map_or_else(
            || diagnosis::unknown(&key.reference.to_string()),
            |diagnosis| diagnosis.of(&key.reference, key.kms_env.is_some()),
        );
        Err(failure.with_cosign_output(diagnosis::shown(&finished.stderr)))
    }

    /// A run that ended in an orderly way: exit 0 or 1.
    fn run(
        &self,
        operation: Operation<'_>,
        variables: Variables,
        private: &PrivateDirectory<'_>,
    ) -> Result<Finished> {
        let finished = self.run_somehow(operation, variables, private)?;
        self.orderly(operation.verb(), finished)
    }

    /// Refuses a run that was killed, or crashed.
    fn orderly(&self, verb: &str, finished: Finished) -> Result<Finished> {
        if finished.orderly() { Ok(finished) } else { Err(self.broke(verb, &finished)) }
    }

    /// A run that ended, also by a crash.
    fn run_somehow(
        &self,
        operation: Operation<'_>,
        variables: Variables,
        private: &PrivateDirectory<'_>,
    ) -> Result<Finished> {
        let arguments = argv::arguments(operation, self.dialect, private.path());
        let invocation = self.prepare(arguments, variables, operation.shown_instead());
        let limits = &self.session.limits;
        let has_run = Cell::new(false);
        let run = || {
            // After this line 2.4 prints the signature.
            let done = Cell::new(!operation.talks_to_a_person());
            let talk = |line: &str| {
                if !done.get() {
                    (self.session.on_talk)(line);
                    done.set(line.starts_with("Token received"));
                }
            };
            let finished = invocation.run_with_listener(limits, &talk)?;
            has_run.set(true);
            Ok(finished)
        };
        self.binary.run(run).map_err(|failure| match operation {
            Operation::Sign { services, .. } if has_run.get() => sign_blob::may_be_logged(failure, services),
            _ => failure,
        })
    }

    /// A command, printed if that is wanted. Of those that run at the same time, all are printed
    /// before the first runs.
    fn prepare(
        &self,
        arguments: Vec<String>,
        variables: Variables,
        shown_instead: Option<(String, String)>,
    ) -> Invocation<'_> {
        let invocation = Invocation { program: self.binary.program(), arguments, shown_instead, variables };
        (self.session.on_command)(&invocation.shown());
        invocation
    }

    /// Runs a command that was prepared.
    fn run_prepared(&self, invocation: &Invocation<'_>) -> Result<Finished> {
        self.binary.run(|| invocation.run(&self.session.limits))
    }

    /// This cosign is too old for the plan: the end of a sentence that begins with it, and the
    /// releases that can.
    fn cannot(&self, (what, releases): (&str, &str)) -> Failure {
        Failure::new(Class::NoCosign, format!("{} ({}) {what}", self.binary.path(), self.release))
            .hint(format!("install cosign {releases}, or name one with --cosign"))
    }

    /// Its answer that it does not know a flag of `operation`, if `stderr` is that.
    fn lacks(&self, operation: Operation<'_>, stderr: &[u8]) -> Option<Failure> {
        let flag = capability::unknown_flag(stderr)?;
        let why = format!("does not know the flag {flag} of {}", operation.verb());
        Some(self.unfit(&why, stderr).hint(INSTALL))
    }

    /// This cosign cannot be used: `why` is the end of a sentence that begins with it.
    fn unfit(&self, why: &str, stderr: &[u8]) -> Failure {
        Failure::new(Class::NoCosign, format!("{} ({}) {why}", self.binary.path(), self.release))
            .with_cosign_output(diagnosis::shown(stderr))
    }

    /// It was killed, or crashed.
    fn broke(&self, verb: &str, finished: &Finished) -> Failure {
        Failure::new(Class::Broken, format!("{} {verb} {}", self.binary.path(), finished.ending()))
            .with_cosign_output(diagnosis::shown(&finished.stderr))
    }
}
