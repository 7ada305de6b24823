//! `cosign sign-blob`: one signature over a manifest. Nothing that cosign says or writes is
//! believed before these checks, made in this order:
//!
//! 1. cosign ended by itself, with exit status 0 (else `diagnosis` finds the words for what went wrong).
//! 2. The signature file exists, is a regular file and no larger than 1 MiB.
//! 3. It parses strictly: as a Sigstore bundle v0.3 with a message signature, or, from cosign before 2.4, as the
//!    old form, which becomes a v0.3.
//! 4. It was recorded with the services of the plan and with no others: log entry and timestamp are there exactly
//!    if they were asked for (`signature_check`).
//! 5. It is over the SHA-256 of this manifest (`signature_check`).
//! 6. It names this key, or has a certificate for an identity (`signature_check`).
//! 7. `cosign verify-blob` accepts it with the public key that was exported before (`verify_blob`).
//!
//! Only then the caller gets it, and may publish it.

use camino::Utf8Path;

use super::argv::{self, Operation};
use super::capability::Dialect;
use super::environment;
use super::environment::{Value, Variables};
use super::private_directory::PrivateDirectory;
use super::private_directory::private_file;
use super::process::{Finished, Invocation};
use super::ready_signer::ReadySigner;
use super::recording_services::RecordingServices;
use super::signature_check::{SignatureCheck, UPLOADED};
use super::verify_blob::CosignAnswer;
use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, INSTALL, diagnosis};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::verify::Pattern;
use crate::sigstore::evidence::{self, Evidence, Legacy, SignedBy};
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root;
use crate::small_file::{self, Links};

impl Cosign<'_> {
    /// Refuses services that this cosign cannot use: `Class::NoCosign`, with the releases that can.
    pub(crate) fn can_record(&self, services: &RecordingServices) -> Result<()> {
        services.is_beyond(self.dialect).map_or(Ok(()), |beyond| Err(self.cannot(beyond)))
    }

    /// Signs `manifest`, records that with `services` and with no others, and returns the signature
    /// after all checks at the top of this file.
    pub(crate) fn sign(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        manifest: &[u8],
    ) -> Result<Evidence> {
        let key = match signer {
            ReadySigner::Key { public_key: Some(key), .. } => Some(key.sha256()),
            ReadySigner::Key { public_key: None, .. } => {
                return Err(Failure::new(
                    Class::Broken,
                    "the public key is not known before signing (a bug)",
                ));
            }
            ReadySigner::Identity(_) => None,
        };
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(private_file::BLOB, manifest)?;
        self.write_services(signer, services, &private)?;
        let finished = self.run_signing(signer, services, &private)?;
        let refuse = |why: &str| {
            let failure = Failure::new(Class::NotSigned, format!("cosign ended with exit 0, but {why}"));
            // With services it prints at length what went well.
            match services {
                RecordingServices::NotRecorded => {
                    failure.with_cosign_output(diagnosis::shown(&finished.stderr))
                }
                RecordingServices::Public | RecordingServices::Private(_) => failure,
            }
        };

        let written =
            small_file::read(&private.path().join(private_file::BUNDLE), evidence::SIZE_LIMIT, Links::Refuse)
                .map_err(|why| refuse(&format!("the signature file that it had to write {why}")))?;
        let digest = Sha256Digest::of(manifest);
        let malformed = |why| {
            let unwanted = !services.has_log() && evidence::shows_upload(&written);
            let uploaded = if unwanted { UPLOADED } else { "" };
            if evidence::is_newer(&written) {
                return self
                    .unfit(&format!("wrote a signature file that {why}{uploaded}"), &[])
                    .hint(INSTALL);
            }
            refuse(&format!("the signature file it wrote {why}{uploaded}"))
        };
        let evidence = match (self.dialect, key) {
            (Dialect::LegacyBundle, Some(key)) => {
                let Legacy { signature, is_logged } = Legacy::parse(&written).map_err(malformed)?;
                if is_logged {
                    return Err(refuse(&format!(
                        "the signature carries an entry of a transparency log{UPLOADED}"
                    )));
                }
                Evidence::by_key(signature, digest, key).map_err(malformed)?
            }
            _ => Evidence::parse(&written).map_err(malformed)?,
        };
        let expected = SignatureCheck { manifest: digest, key, services };
        if let Some(other) = expected.refutes(&evidence) {
            return Err(refuse(&other));
        }
        private.close()?;

        let answer =
            self.verify_own(signer, services, &evidence, manifest).map_err(|failure| {
                match failure.class() {
                    Class::Signal(_) => failure,
                    _ if services.has_log() => {
                        failure.prefixed("the signature is in the log permanently, and could not be checked")
                    }
                    _ => failure,
                }
            })?;
        match answer {
            CosignAnswer::Accepted(_) => Ok(evidence),
            CosignAnswer::Refused { said } => Err(not_accepted(signer, services).with_cosign_output(said)),
        }
    }

    /// Verifies a signature that names `signer`, made now or earlier, with everything that
    /// `services` recorded.
    pub(crate) fn verify_own<'m>(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        evidence: &Evidence,
        manifest: &'m [u8],
    ) -> Result<CosignAnswer<'m>> {
        let root = match services {
            RecordingServices::NotRecorded | RecordingServices::Public => None,
            RecordingServices::Private(private) => Some(&private.root),
        };
        let verify = |by| {
            let timestamp = evidence.timestamp().is_some() && root.is_some();
            let request = VerifyRequest { by, root, log: services.has_log(), timestamp };
            self.verify(request, evidence, manifest)
        };
        match (signer, evidence.signer()) {
            (ReadySigner::Identity(_), SignedBy::Certificate(certificate)) => {
                let [identity, issuer] = [certificate.identity(), certificate.issuer()]
                    .map(|name| Pattern::Exact(name.to_owned()));
                verify(VerifyAs::Identity { identity: &identity, issuer: &issuer })
            }
            (ReadySigner::Key { public_key: Some(key), .. }, _) => verify(VerifyAs::Key(key)),
            (ReadySigner::Key { public_key: None, .. }, _) | (ReadySigner::Identity(_), SignedBy::Key(_)) => {
                Err(Failure::new(Class::Broken, "the signature names another signer (a bug)"))
            }
        }
    }

    /// The command that signs, with its files in `directory`, for `--dry-run` and `doctor`.
    pub(crate) fn signing_command(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        directory: &Utf8Path,
    ) -> String {
        self.signing_invocation(signer, services, directory).shown()
    }

    /// The whole environment of cosign when it signs, with its files in `directory`.
    pub(crate) fn signing_variables(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        directory: &Utf8Path,
    ) -> Variables {
        let recorded = !matches!(services, RecordingServices::NotRecorded);
        let mut variables = match signer {
            ReadySigner::Key { key, .. } => self.variables_of(key, recorded, directory),
            ReadySigner::Identity(_) => environment::with_secrets(
                signer.secrets(),
                &[],
                recorded,
                self.session.environment,
                &self.session.search_path,
                directory,
            ),
        };
        // These releases take from variables what later ones read in the trusted root.
        if self.dialect == Dialect::BundleFlag
            && let RecordingServices::Private(private) = services
        {
            for (variable, name, _) in private.trust_by_variable(signer.is_identity()) {
                variables.insert(variable.to_owned(), Value::Set(directory.join(name).into_string().into()));
            }
        }
        variables
    }

    fn signing_invocation(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        directory: &Utf8Path,
    ) -> Invocation<'_> {
        Invocation {
            program: self.binary.program(),
            arguments: argv::arguments(Operation::Sign { signer, services }, self.dialect, directory),
            shown_instead: signer.shown_instead(),
            variables: self.signing_variables(signer, services, directory),
        }
    }

    /// Writes the files that describe the services, and the identity token.
    fn write_services(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        private: &PrivateDirectory<'_>,
    ) -> Result<()> {
        if let ReadySigner::Identity(identity) = signer
            && let Some(token) = identity.token()
        {
            private.write(private_file::TOKEN, token.text().as_bytes())?;
        }
        match (self.dialect, services) {
            (_, RecordingServices::Public)
            | (Dialect::BundleFlag | Dialect::LegacyBundle, RecordingServices::NotRecorded) => {}
            (Dialect::SigningConfig, RecordingServices::NotRecorded) => {
                private.write(private_file::SIGNING_CONFIG, SigningConfig::default().to_json().as_bytes())?;
                private.write(private_file::TRUSTED_ROOT, trusted_root::EMPTY.as_bytes())?;
            }
            (Dialect::SigningConfig, RecordingServices::Private(services)) => {
                private.write(private_file::SIGNING_CONFIG, services.config.to_json().as_bytes())?;
                private.write(private_file::TRUSTED_ROOT, services.root.text())?;
            }
            (Dialect::BundleFlag | Dialect::LegacyBundle, RecordingServices::Private(services)) => {
                for (_, name, content) in services.trust_by_variable(signer.is_identity()) {
                    private.write(name, content.as_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// Runs cosign. Succeeds if it ended with exit status 0.
    fn run_signing(
        &self,
        signer: &ReadySigner,
        services: &RecordingServices,
        private: &PrivateDirectory<'_>,
    ) -> Result<Finished> {
        let operation = Operation::Sign { signer, services };
        let variables = self.signing_variables(signer, services, private.path());
        let mut must_answer = signer.must_answer(services);
        must_answer.extend(services.hosts());
        let finished = self.run_somehow(operation, variables, private).map_err(|failure| {
            if failure.class() == Class::Unproven && !must_answer.is_empty() {
                return may_be_logged(failure, services)
                    .unanswered(&format!("{} could not be reached in time", must_answer.join(" or ")));
            }
            failure
        })?;
        if finished.status.success() {
            return Ok(finished);
        }
        if !finished.orderly() {
            return Err(may_be_logged(self.broke(operation.verb(), &finished), services));
        }
        if let Some(lacks) = self.lacks(operation, &finished.stderr) {
            return Err(lacks);
        }
        Err(why_not_signed(signer, services, &finished.stderr)
            .with_cosign_output(diagnosis::shown(&finished.stderr)))
    }
}

/// What cosign's words say about a signature that it did not make.
fn why_not_signed(signer: &ReadySigner, services: &RecordingServices, stderr: &[u8]) -> Failure {
    let token_service = signer.token_service(services);
    if let Some(diagnosis) = diagnosis::of_service_failure(stderr, services, token_service.as_deref()) {
        return diagnosis.failure(match signer {
            ReadySigner::Identity(identity) => identity.fault(),
            ReadySigner::Key { .. } => None,
        });
    }
    match signer {
        ReadySigner::Key { key, .. } => match diagnosis::of_key_failure(stderr) {
            Some(diagnosis) => diagnosis.of(key.reference(), true),
            None => may_be_logged(diagnosis::unknown(&key.reference().to_string()), services),
        },
        ReadySigner::Identity(_) => may_be_logged(diagnosis::unknown("keyless signing"), services),
    }
}

/// The failure of a run that may have reached a log before it failed.
pub(super) fn may_be_logged(failure: Failure, services: &RecordingServices) -> Failure {
    if services.has_log() {
        failure.and(", and the signature may be in the log permanently")
    } else {
        failure
    }
}

/// The failure of a signature that cosign made and does not accept.
fn not_accepted(signer: &ReadySigner, services: &RecordingServices) -> Failure {
    let by = match signer {
        ReadySigner::Key { key, .. } => format!(" with {}", key.reference()),
        ReadySigner::Identity(_) => " for an identity".to_owned(),
    };
    let logged = if services.has_log() { ", and it is in the log permanently" } else { "" };
    let failure = Failure::new(
        Class::NotSigned,
        format!("cosign made a signature{by} that it does not accept itself{logged}"),
    );
    failure.hint(match services {
        RecordingServices::NotRecorded => {
            "the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager"
        }
        RecordingServices::Public | RecordingServices::Private(_) => {
            "check that the trusted root belongs to these services; `cosign trusted-root create` makes one from their keys"
        }
    })
}
