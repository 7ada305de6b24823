//! What cosign is asked before it is used, by `FLAG --help` and the exit status: which dialect it
//! has, and whether it knows every flag of the command lines that follow. No value can be asked
//! about in this way, and no flags that exclude each other.

use std::sync::atomic::AtomicBool;

use super::argv::{self, Operation};
use super::binary::Binary;
use super::capability::{self, Dialect};
use super::private_directory::{self, PrivateDirectory};
use super::process::{Finished, Invocation};
use super::ready_signer::ReadySigner;
use super::recording_services::RecordingServices;
use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, INSTALL, Session, control, diagnosis, environment};
use crate::error::{Class, Failure, Result};
use crate::parallel::both;
use crate::plan::verify::Pattern;

/// With this, cosign reads the other arguments and does nothing else.
const HELP: &str = "--help";

impl<'a> Cosign<'a> {
    /// Asks a binary for its dialect and its release. `Class::NoCosign` if it is not a cosign of
    /// 2.0 or later.
    pub(crate) fn probe(binary: Binary, session: &'a Session<'a>) -> Result<Self> {
        private_directory::sweep(&session.temporary);
        let private = PrivateDirectory::new(&session.temporary)?;
        let prepare = |arguments: &[&str]| {
            let invocation = Invocation {
                program: binary.program(),
                arguments: arguments.iter().map(ToString::to_string).collect(),
                shown_instead: None,
                variables: environment::bare(private.path()),
            };
            (session.on_command)(&invocation.shown());
            invocation
        };
        let run = |invocation: &Invocation<'_>| binary.run(|| invocation.run(&session.limits));
        let mut refused = Vec::new();
        let knows = |flag| {
            let finished = run(&prepare(&["sign-blob", flag, HELP]))?;
            match finished.status.code() {
                Some(0) => Ok(true),
                Some(1) => {
                    refused = finished.stderr;
                    Ok(false)
                }
                _ => Err(unusable(&binary, &format!("its `sign-blob {flag} {HELP}` {}", finished.ending()))
                    .with_cosign_output(diagnosis::shown(&finished.stderr))),
            }
        };
        let version = prepare(&["version"]);
        let (version, dialect) = both(&|| run(&version), || Dialect::decide(knows));
        let dialect = dialect?.ok_or_else(|| {
            unusable(&binary, "its sign-blob does not know the flags of cosign 2.0 or later")
                .with_cosign_output(diagnosis::shown(&refused))
        })?;
        // The release is only shown: a cosign that does not print it is used all the same.
        let release = match version {
            // 2.0 prints it on stderr.
            Ok(version) => capability::release(&[version.stdout, version.stderr].concat()),
            Err(_) => capability::release(b""),
        };
        private.close()?;
        Ok(Self { binary, dialect, release, session, refuses: AtomicBool::new(false) })
    }

    /// Refuses a cosign that does not know every flag of the command line for `operation`.
    pub(crate) fn knows(&self, operation: Operation<'_>) -> Result<()> {
        let private = PrivateDirectory::new(&self.session.temporary)?;
        self.answer(operation, &self.question(operation, &private))?;
        private.close()
    }

    /// Refuses a cosign that cannot sign for `signer` with `services` and verify that, or that does
    /// not refuse a wrong signature. Does `meanwhile` at the same time.
    pub(crate) fn can_sign<T>(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        meanwhile: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        // Of the signature that is verified, only the flags matter here.
        let (key, anybody) = (control::key()?, Pattern::Exact(String::new()));
        let by = match signer {
            ReadySigner::Key { .. } => VerifyAs::Key(&key),
            ReadySigner::Identity(_) => VerifyAs::Identity { identity: &anybody, issuer: &anybody },
        };
        let (log, timestamp) = (services.has_log(), services.has_timestamp());
        let sign = Operation::Sign { signer, services };
        let verify = Operation::Verify(VerifyRequest { by, root: None, log, timestamp });

        let private = PrivateDirectory::new(&self.session.temporary)?;
        let questions = (self.question(sign, &private), self.question(verify, &private));
        let wrong = self.prepare_wrong_signature()?;
        let ask = || {
            both(&|| self.refuses(wrong.as_ref()), || {
                both(&|| self.answer(sign, &questions.0), || self.answer(verify, &questions.1))
            })
        };
        let ((refuses, (signs, verifies)), done) = both(&ask, meanwhile);
        signs.and(verifies).and(refuses)?;
        private.close()?;
        done
    }

    /// The question whether this cosign knows every flag of the command line for `operation`. It
    /// gets no secret, and no key: a wrapper that signs in for a key would fail without the secrets.
    fn question(&self, operation: Operation<'_>, private: &PrivateDirectory<'_>) -> Invocation<'_> {
        const KEY: &str = "--key=";
        let mut arguments = argv::arguments(operation, self.dialect, private.path());
        for key in arguments.iter_mut().filter(|argument| argument.starts_with(KEY)) {
            *key = format!("{KEY}x");
        }
        arguments.push(HELP.to_owned());
        self.prepare(arguments, environment::bare(private.path()), operation.shown_instead())
    }

    /// Refuses every answer but yes.
    fn answer(&self, operation: Operation<'_>, question: &Invocation<'_>) -> Result<()> {
        let Finished { status, stderr, .. } = &self.run_prepared(question)?;
        if status.success() {
            return Ok(());
        }
        let unclear = || {
            self.unfit(&format!("cannot be asked for the flags of {}", operation.verb()), stderr)
                .hint(INSTALL)
        };
        Err(self.lacks(operation, stderr).unwrap_or_else(unclear))
    }
}

/// The failure of a program that was found and is not a cosign that can be used.
fn unusable(binary: &Binary, why: &str) -> Failure {
    let path = binary.path();
    Failure::new(Class::NoCosign, format!("{path} cannot be used: {why}")).hint(if binary.is_script() {
        "it is a script, which aicr runs with an empty environment, without PATH and HOME: name the cosign binary itself with --cosign"
    } else {
        "install cosign 2.0 or later, or name one with --cosign"
    })
}
