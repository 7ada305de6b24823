//! `sign-blob`: a signature by a key or an identity, told to those whom the plan names and to nobody else.
//! What cosign made is held against what was asked for, and given back to it to be verified.

use camino::Utf8Path;

use super::argv::{self, Operation, Signer};
use super::capability::Dialect;
use super::environment;
use super::private_directory::PrivateDirectory;
use super::private_file;
use super::process::{Finished, Invocation};
use super::recording_services::RecordingServices;
use super::signature_check::{SignatureCheck, UPLOADED};
use super::signing_identity::SigningIdentity;
use super::signing_key::SigningKey;
use super::variables::{Value, Variables};
use super::verify_blob::CosignAnswer;
use super::verify_request::{VerifyAs, VerifyRequest};
use super::{Cosign, diagnosis};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::verify::Pattern;
use crate::sigstore::evidence::{self, Evidence, Legacy, SignedBy};
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::signing_config::SigningConfig;
use crate::small_file::{self, Links};

/// Who signs.
#[derive(Clone, Copy)]
pub(crate) enum Signatory<'a> {
    /// A key.
    Key(&'a SigningKey),
    /// An OIDC identity.
    Identity(&'a SigningIdentity),
}

/// Somebody whose signature can be told from others.
#[derive(Clone, Copy)]
pub(crate) enum KnownSignatory<'a> {
    /// A key, and its public half.
    Key(&'a SigningKey, &'a PublicKey),
    /// An OIDC identity: who that is stands in the certificate.
    Identity(&'a SigningIdentity),
}

impl<'a> KnownSignatory<'a> {
    fn signatory(self) -> Signatory<'a> {
        match self {
            Self::Key(key, _) => Signatory::Key(key),
            Self::Identity(identity) => Signatory::Identity(identity),
        }
    }
}

impl<'a> Signatory<'a> {
    fn as_argument(self) -> Signer<'a> {
        match self {
            Self::Key(key) => Signer::Key(&key.argument),
            Self::Identity(identity) => {
                Signer::Identity { login: identity.login(), client_id: identity.client_id.as_deref() }
            }
        }
    }

    /// What may hold a secret, and what is shown in its place.
    fn shown_instead(self) -> Option<(String, String)> {
        match self {
            Self::Key(key) => Some(key.shown_instead()),
            Self::Identity(identity) => {
                identity.token().map(|token| (token.text().to_owned(), "(the identity token)".to_owned()))
            }
        }
    }

    fn is_identity(self) -> bool {
        matches!(self, Self::Identity(_))
    }

    /// Who is asked for an identity token, for a sentence.
    fn asks(self, sigstore: &RecordingServices) -> Option<String> {
        let issuers = match sigstore {
            RecordingServices::Private(private) => private.config.issuers(),
            RecordingServices::NotRecorded | RecordingServices::Public => &[],
        };
        match self {
            Self::Key(_) => None,
            Self::Identity(identity) => identity.asks(issuers),
        }
    }
}

impl Cosign<'_> {
    /// Why this cosign cannot tell `sigstore` of a signature: `Class::NoCosign`, with the releases that can.
    pub(crate) fn can_tell(&self, sigstore: &RecordingServices) -> Result<()> {
        sigstore.is_beyond(self.dialect).map_or(Ok(()), |beyond| Err(self.cannot(beyond)))
    }

    /// Has `manifest` signed, told to `sigstore` and to nobody else, and gives what was checked against all
    /// of that: form, digest, signer, log entries and timestamps, and `verify-blob`.
    pub(crate) fn sign(
        &self,
        known: KnownSignatory<'_>,
        sigstore: &RecordingServices,
        manifest: &[u8],
    ) -> Result<Evidence> {
        let signatory = known.signatory();
        let private = PrivateDirectory::new(&self.session.temporary)?;
        private.write(private_file::BLOB, manifest)?;
        self.write_services(signatory, sigstore, &private)?;
        let finished = self.run_signing(signatory, sigstore, &private)?;
        let refuse = |why: &str| {
            let failure = Failure::new(Class::NotSigned, format!("cosign ended with exit 0, but {why}"));
            // With services it talks at length of what went well.
            match sigstore {
                RecordingServices::NotRecorded => failure.cosign_said(diagnosis::shown(&finished.stderr)),
                RecordingServices::Public | RecordingServices::Private(_) => failure,
            }
        };

        let written =
            small_file::read(&private.path().join(private_file::BUNDLE), evidence::SIZE_LIMIT, Links::Refuse)
                .map_err(|why| refuse(&format!("the signature file that it had to write {why}")))?;
        let digest = Sha256Digest::of(manifest);
        let key = match known {
            KnownSignatory::Key(_, public_key) => Some(public_key.sha256()),
            KnownSignatory::Identity(_) => None,
        };
        let expected = SignatureCheck { manifest: digest, key, sigstore };
        let malformed = |why| {
            let unwanted = !sigstore.has_log() && evidence::tells_of_upload(&written);
            refuse(&format!("the signature file it wrote {why}{}", if unwanted { UPLOADED } else { "" }))
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
        if let Some(other) = expected.refutes(&evidence) {
            return Err(refuse(&other));
        }
        private.close()?;

        let verdict =
            self.verify_own(known, sigstore, &evidence, manifest).map_err(|failure| {
                match failure.class() {
                    Class::Signal(_) => failure,
                    _ if sigstore.has_log() => {
                        failure.told_as("the signature is in the log for good, and could not be checked")
                    }
                    _ => failure,
                }
            })?;
        match verdict {
            CosignAnswer::Accepted(_) => Ok(evidence),
            CosignAnswer::Refused { said } => Err(not_accepted(signatory, sigstore).cosign_said(said)),
        }
    }

    /// Asks about a signature that was made just now, or once, by `signatory` for `sigstore`.
    pub(crate) fn verify_own<'m>(
        &self,
        signatory: KnownSignatory<'_>,
        sigstore: &RecordingServices,
        evidence: &Evidence,
        manifest: &'m [u8],
    ) -> Result<CosignAnswer<'m>> {
        let root = match sigstore {
            RecordingServices::NotRecorded | RecordingServices::Public => None,
            RecordingServices::Private(private) => Some(&private.root),
        };
        let ask = |by| {
            let timestamp = evidence.timestamp().is_some() && root.is_some();
            let question = VerifyRequest { by, root, log: sigstore.has_log(), timestamp };
            self.verify(question, evidence, manifest)
        };
        match (signatory, evidence.signer()) {
            (KnownSignatory::Identity(_), SignedBy::Certificate(certificate)) => {
                let [identity, issuer] = [certificate.identity(), certificate.issuer()]
                    .map(|name| Pattern::Exact(name.to_owned()));
                ask(VerifyAs::Identity { identity: &identity, issuer: &issuer })
            }
            (KnownSignatory::Key(_, public_key), _) => ask(VerifyAs::Key(public_key)),
            (KnownSignatory::Identity(_), SignedBy::Key(_)) => {
                Err(Failure::new(Class::Broken, "cosign was to be asked about another signer (a bug)"))
            }
        }
    }

    /// The command that would sign, with its files in `directory`, for `--dry-run`.
    pub(crate) fn signing_command(
        &self,
        signatory: Signatory<'_>,
        sigstore: &RecordingServices,
        directory: &Utf8Path,
    ) -> String {
        let operation = Operation::Sign { signer: signatory.as_argument(), sigstore };
        Invocation {
            program: self.binary.path(),
            arguments: argv::arguments(operation, self.dialect, directory),
            shown_instead: signatory.shown_instead(),
            variables: self.signing_variables(signatory, sigstore, directory),
        }
        .shown()
    }

    /// All that cosign sees of an environment when it signs, with its files in `directory`.
    pub(crate) fn signing_variables(
        &self,
        signatory: Signatory<'_>,
        sigstore: &RecordingServices,
        directory: &Utf8Path,
    ) -> Variables {
        let told = !matches!(sigstore, RecordingServices::NotRecorded);
        let mut variables = match signatory {
            Signatory::Key(key) => self.variables_of(key, told, directory),
            Signatory::Identity(identity) => environment::with_secrets(
                identity.holder(),
                &[],
                told,
                self.session.environment,
                &self.session.search_path,
                directory,
            ),
        };
        // What the trusted root is to the later dialect.
        if self.dialect == Dialect::BundleFlag
            && let RecordingServices::Private(private) = sigstore
        {
            for (variable, name, _) in private.trust_by_variable(signatory.is_identity()) {
                variables.insert(variable.to_owned(), Value::Set(directory.join(name).into_string().into()));
            }
        }
        variables
    }

    /// The files by which cosign knows the services, and the token for them.
    fn write_services(
        &self,
        signatory: Signatory<'_>,
        sigstore: &RecordingServices,
        private: &PrivateDirectory,
    ) -> Result<()> {
        if let Signatory::Identity(identity) = signatory
            && let Some(token) = identity.token()
        {
            private.write(private_file::TOKEN, token.text().as_bytes())?;
        }
        match (self.dialect, sigstore) {
            (_, RecordingServices::Public)
            | (Dialect::BundleFlag | Dialect::LegacyBundle, RecordingServices::NotRecorded) => {}
            (Dialect::SigningConfig, RecordingServices::NotRecorded) => {
                private.write(private_file::SIGNING_CONFIG, SigningConfig::default().to_json().as_bytes())?;
                private.write(private_file::TRUSTED_ROOT, argv::NO_TRUST.as_bytes())?;
            }
            (Dialect::SigningConfig, RecordingServices::Private(services)) => {
                private.write(private_file::SIGNING_CONFIG, services.config.to_json().as_bytes())?;
                private.write(private_file::TRUSTED_ROOT, services.root.text())?;
            }
            (Dialect::BundleFlag | Dialect::LegacyBundle, RecordingServices::Private(services)) => {
                for (_, name, content) in services.trust_by_variable(signatory.is_identity()) {
                    private.write(name, content.as_bytes())?;
                }
            }
        }
        Ok(())
    }

    fn run_signing(
        &self,
        signatory: Signatory<'_>,
        sigstore: &RecordingServices,
        private: &PrivateDirectory,
    ) -> Result<Finished> {
        let operation = Operation::Sign { signer: signatory.as_argument(), sigstore };
        let variables = self.signing_variables(signatory, sigstore, private.path());
        let mut asked: Vec<String> = match signatory {
            Signatory::Key(key) if key.reference().needs_network() => vec![key.reference().to_string()],
            Signatory::Identity(identity) if identity.is_a_person() => vec!["whoever was to sign in".into()],
            Signatory::Key(_) | Signatory::Identity(_) => Vec::new(),
        };
        asked.extend(signatory.asks(sigstore));
        asked.extend(sigstore.hosts());
        let finished = self.run_somehow(operation, variables, signatory.shown_instead(), private).map_err(
            |failure| {
                if failure.class() == Class::Unproven && !asked.is_empty() {
                    return may_be_logged(failure, sigstore)
                        .unanswered(&format!("{} could not be reached in time", asked.join(" or ")));
                }
                failure
            },
        )?;
        if finished.status.success() {
            return Ok(finished);
        }
        if !finished.orderly() {
            return Err(may_be_logged(self.broke(operation.verb(), &finished), sigstore));
        }
        let said = diagnosis::shown(&finished.stderr);
        let issuer = signatory.asks(sigstore);
        if let Some(diagnosis) = diagnosis::of_service_failure(&finished.stderr, sigstore, issuer.as_deref())
        {
            let fault = match signatory {
                Signatory::Identity(identity) => identity.fault(),
                Signatory::Key(_) => None,
            };
            return Err(diagnosis.failure(fault).cosign_said(said));
        }
        let failure = match signatory {
            Signatory::Key(key) => match diagnosis::of_key_failure(&finished.stderr) {
                Some(diagnosis) => diagnosis.of(key.reference(), true),
                None => may_be_logged(diagnosis::unknown(&key.reference().to_string()), sigstore),
            },
            Signatory::Identity(_) => may_be_logged(diagnosis::unknown("keyless signing"), sigstore),
        };
        Err(failure.cosign_said(said))
    }
}

/// The failure of a run that may have told a log before it failed.
fn may_be_logged(failure: Failure, sigstore: &RecordingServices) -> Failure {
    if sigstore.has_log() { failure.and(", and the signature may be in the log for good") } else { failure }
}

/// The refusal of a signature that cosign made and does not accept.
fn not_accepted(signatory: Signatory<'_>, sigstore: &RecordingServices) -> Failure {
    let by = match signatory {
        Signatory::Key(key) => format!(" with {}", key.reference()),
        Signatory::Identity(_) => " for an identity".to_owned(),
    };
    let logged = if sigstore.has_log() { ", and it is in the log for good" } else { "" };
    let failure = Failure::new(
        Class::NotSigned,
        format!("cosign made a signature{by} that it does not accept itself{logged}"),
    );
    match sigstore {
        RecordingServices::NotRecorded => failure.hint("the key manager's signature is wrong or of a kind that cosign cannot check; ECDSA P-256 works with every one"),
        RecordingServices::Public | RecordingServices::Private(_) => failure.hint("is the trusted root that of these services? `cosign trusted-root create` makes one of their keys"),
    }
}
