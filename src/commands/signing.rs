//! One signature: everything that is settled before the first one, and the one form in which it is
//! asked for, checked and reported. Which bundles are signed is decided in `bundle.rs` and
//! `bundle_sign.rs`.

use std::cell::Cell;

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::services;
use crate::context::Context;
use crate::cosign::environment::Holder;
use crate::cosign::process::{quoted, quoted_path};
use crate::cosign::recording_services::RecordingServices;
use crate::cosign::sign_blob::{KnownSignatory, Signatory};
use crate::cosign::signing_identity::SigningIdentity;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::verify_blob::CosignAnswer;
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::error::{Failure, Result};
use crate::plan::key_ref::{KeyRef, Scheme};
use crate::plan::sign::{Signer, TokenSource};
use crate::report::printer::Printer;
use crate::report::{Report, SignatureReport, Witness};
use crate::sigstore::evidence::{Evidence, SignedBy};
use crate::sigstore::public_key::{KeyType, PublicKey};
use crate::tree::SIGNATURE;
use crate::tree::public_key_out::PublicKeyOut;

/// Stands, in a command that is only shown, for the private directory that a run will have.
pub(crate) const PLANNED_DIRECTORY: &str = "PRIVATE_DIRECTORY";

/// A cosign and a signer that can sign, as far as can be known without signing.
pub(crate) struct Signing<'a> {
    cosign: Cosign<'a>,
    /// By flag or variable, so that another run does not find it by itself.
    cosign_is_named: bool,
    who: ReadySigner,
    sigstore: RecordingServices,
    notice: Notice,
    /// The file of what its services are checked against.
    trusted_root: Option<Utf8PathBuf>,
}

/// Who signs, with what that takes.
enum ReadySigner {
    Key {
        key: SigningKey,
        /// Unknown in a dry run of a key manager.
        public_key: Option<PublicKey>,
        /// Where it is left for the receivers.
        out: Option<(PublicKeyOut, Utf8PathBuf)>,
    },
    Identity(SigningIdentity),
}

/// Whose a signature is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureOwner {
    /// This signer's, as it would be made now.
    AsWanted,
    /// This signer's, told to others than is wanted now.
    ToldToOthers,
    /// Somebody else's, or nobody's who could be told: the end of a sentence.
    Another(String),
    /// In a dry run neither a key manager nor the public Sigstore is asked.
    Unknown,
}

/// What is said before the first word goes to the network that nobody named.
const FETCHING: &str =
    "the keys and addresses of the public Sigstore are fetched (tuf-repo-cdn.sigstore.dev)";

impl<'a> Signing<'a> {
    /// Looks at the signer and at the services, finds and probes cosign, asks the key manager for the public
    /// key, and checks that it may be left where it is wanted. In a dry run only a key that needs no network is
    /// asked. `untrusted` are the bundles and inputs.
    pub(crate) fn prepare(
        signer: &Signer,
        untrusted: &[Utf8PathBuf],
        dry_run: bool,
        session: &'a Session<'a>,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let mut sigstore = services::at_hand(signer, untrusted)?;
        let mut who = who(signer, untrusted, session, context)?;
        let (cosign, found) = context.cosign(session, who.holder())?;
        report.cosign = Some(found);
        cosign.can_tell(&sigstore)?;
        if matches!(sigstore, RecordingServices::Public) && !dry_run {
            context.printer.notice(FETCHING);
            sigstore = services::public(&cosign, signer, &|text| context.printer.warning(text))?;
        }
        let notice = Notice::new(&sigstore, &who, context.printer);
        if dry_run {
            notice.give();
        }
        if let ReadySigner::Key { key, public_key, out } = &mut who {
            if !dry_run || matches!(key.reference().scheme(), Scheme::File | Scheme::Env) {
                *public_key = Some(self::public_key(&cosign, key)?);
            }
            if let (Some((out, _)), Some(key)) = (out, public_key) {
                out.admits(key.pem().as_bytes())?;
            }
        }
        let cosign_is_named = context.global.cosign.is_some();
        let trusted_root = signer.trusted_root().map(Utf8Path::to_owned);
        Ok(Self { cosign, cosign_is_named, who, sigstore, notice, trusted_root })
    }

    /// Leaves the public key for the receivers, if that was asked for.
    pub(crate) fn leave_public_key(&self) -> Result<()> {
        match &self.who {
            ReadySigner::Key { public_key: Some(key), out: Some((out, _)), .. } => {
                out.write(key.pem().as_bytes())
            }
            ReadySigner::Key { .. } | ReadySigner::Identity(_) => Ok(()),
        }
    }

    /// What is told about a signature that is as wanted.
    pub(crate) fn reports(&self, evidence: &Evidence) -> Vec<SignatureReport> {
        let timestamp = !matches!(self.sigstore, RecordingServices::NotRecorded);
        vec![signature_report(evidence, self.sigstore.has_log(), timestamp)]
    }

    /// Has `manifest` signed, and says beforehand to whom that is told. What comes back was checked against the plan and accepted by cosign.
    pub(crate) fn sign(&self, manifest: &[u8]) -> Result<Evidence> {
        let fetched;
        let signatory = match &self.who {
            ReadySigner::Key { key, public_key: Some(public_key), .. } => {
                KnownSignatory::Key(key, public_key)
            }
            ReadySigner::Key { key, public_key: None, .. } => {
                fetched = public_key(&self.cosign, key)?;
                KnownSignatory::Key(key, &fetched)
            }
            ReadySigner::Identity(identity) => KnownSignatory::Identity(identity),
        };
        self.notice.give();
        self.cosign.sign(signatory, &self.sigstore, manifest)
    }

    /// Whose the signature over `manifest` is that is there. `Refused` is one that names this signer, and
    /// that cosign does not accept.
    pub(crate) fn whose(&self, there: &Evidence, manifest: &[u8]) -> Result<Result<SignatureOwner, Refused>> {
        let signatory = match (&self.who, there.signer()) {
            (ReadySigner::Key { public_key: None, .. }, _) => return Ok(Ok(SignatureOwner::Unknown)),
            (ReadySigner::Key { key, public_key: Some(public_key), .. }, SignedBy::Key(hint))
                if *hint == public_key.sha256() =>
            {
                KnownSignatory::Key(key, public_key)
            }
            (ReadySigner::Identity(identity), SignedBy::Certificate(certificate))
                if identity.is(certificate.identity(), certificate.issuer()) =>
            {
                KnownSignatory::Identity(identity)
            }
            (ReadySigner::Identity(_), SignedBy::Certificate(certificate)) => {
                return Ok(Ok(SignatureOwner::Another(format!(
                    "{}, for whom {} vouched; whether that is you shows only when you sign",
                    certificate.identity(),
                    certificate.issuer()
                ))));
            }
            (ReadySigner::Key { .. } | ReadySigner::Identity(_), _) => {
                return Ok(Ok(SignatureOwner::Another("another signer".to_owned())));
            }
        };
        // A dry run does not know the log that it would be told to.
        if matches!(self.sigstore, RecordingServices::Public) && there.log_entry().is_some() {
            return Ok(Ok(SignatureOwner::Unknown));
        }
        let as_wanted = self.sigstore.is_told_otherwise(there).is_none();
        let verdict = match signatory {
            // Nothing is at hand that would show whether it is true.
            KnownSignatory::Identity(_) if !as_wanted => return Ok(Ok(SignatureOwner::ToldToOthers)),
            KnownSignatory::Key(_, public_key) if !as_wanted => {
                let by = VerifyAs::Key(public_key);
                let question = VerifyRequest { by, root: None, log: false, timestamp: false };
                self.cosign.verify(question, there, manifest)?
            }
            _ => self.cosign.verify_own(signatory, &self.sigstore, there, manifest)?,
        };
        Ok(match verdict {
            CosignAnswer::Accepted(_) if as_wanted => Ok(SignatureOwner::AsWanted),
            CosignAnswer::Accepted(_) => Ok(SignatureOwner::ToldToOthers),
            CosignAnswer::Refused { said } => Err(Refused { signer: self.who.name(), said }),
        })
    }

    /// The command of a dry run.
    pub(crate) fn planned_command(&self) -> String {
        let signatory = self.who.signatory();
        self.cosign.signing_command(signatory, &self.sigstore, Utf8Path::new(PLANNED_DIRECTORY))
    }

    /// A command that verifies `bundle` and runs as it stands. It never names a private key to aicr.
    pub(crate) fn verify_command(&self, bundle: &Utf8Path, evidence: &Evidence) -> String {
        let cosign = self.cosign.path().as_str();
        let verify = |whom: &str| {
            let named =
                if self.cosign_is_named { format!(" --cosign {}", quoted(cosign)) } else { String::new() };
            format!("aicr verify {} {whom}{}{named}", quoted_path(bundle), self.evidence_flags())
        };
        let (key, out) = match (&self.who, evidence.signer()) {
            (ReadySigner::Key { key, out, .. }, _) => (key, out),
            (ReadySigner::Identity(_), SignedBy::Certificate(certificate)) => {
                let [identity, issuer] = [certificate.identity(), certificate.issuer()].map(quoted);
                return verify(&format!(
                    "--certificate-identity {identity} --certificate-oidc-issuer {issuer}"
                ));
            }
            // It would have been refused.
            (ReadySigner::Identity(_), SignedBy::Key(_)) => return String::new(),
        };
        if let Some((_, file)) = out {
            return verify(&format!("--key {}", quoted_path(file)));
        }
        let reference = key.reference();
        match reference {
            // What the plugin needs is in the operator's environment, and `verify` hands none of it on.
            KeyRef::File(_) | KeyRef::EnvVariable(_) | KeyRef::Plugin { .. } => {
                let file = public_key_file(bundle);
                // The query of a plugin's reference may hold a secret.
                let typed = match reference {
                    KeyRef::Plugin { .. } => reference.to_string(),
                    _ => reference.as_cosign_arg(),
                };
                let export = format!(
                    "{} public-key --key={} --outfile={}",
                    quoted(cosign),
                    quoted(&typed),
                    quoted(file.as_str())
                );
                format!("{export} && {}", verify(&format!("--key {}", quoted_path(&file))))
            }
            _ => verify(&format!("--key {}", quoted(&reference.as_cosign_arg()))),
        }
    }

    /// What a verifier holds the signature against, as flags.
    fn evidence_flags(&self) -> String {
        let root = match &self.trusted_root {
            Some(file) => format!(" --trusted-root {}", quoted_path(file)),
            None if self.sigstore.has_log() => " --online".to_owned(),
            None => String::new(),
        };
        let ignore = if self.sigstore.has_log() { "" } else { " --insecure-ignore-tlog" };
        let timestamp = if self.sigstore.has_timestamp() { " --require-timestamp" } else { "" };
        format!("{ignore}{root}{timestamp}")
    }
}

/// What is said once, before the first signature goes to a log.
struct Notice {
    text: Cell<Option<String>>,
    printer: Printer,
}

impl Notice {
    fn new(sigstore: &RecordingServices, who: &ReadySigner, printer: Printer) -> Self {
        Self { text: Cell::new(sigstore.notice(matches!(who, ReadySigner::Identity(_)))), printer }
    }

    fn give(&self) {
        if let Some(text) = self.text.take() {
            self.printer.notice(&text);
        }
    }
}

/// A signature that cosign does not accept, with its words.
pub(crate) struct Refused {
    /// What it names: `key` or `identity`.
    pub(crate) signer: &'static str,
    pub(crate) said: String,
}

impl ReadySigner {
    fn name(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Identity(_) => "identity",
        }
    }

    fn signatory(&self) -> Signatory<'_> {
        match self {
            Self::Key { key, .. } => Signatory::Key(key),
            Self::Identity(identity) => Signatory::Identity(identity),
        }
    }

    fn holder(&self) -> Holder<'_> {
        match self {
            Self::Key { key, .. } => Holder::Key(key.reference()),
            Self::Identity(identity) => identity.holder(),
        }
    }
}

/// The signer of a plan, as far as files tell.
fn who(
    signer: &Signer,
    untrusted: &[Utf8PathBuf],
    session: &Session<'_>,
    context: &Context,
) -> Result<ReadySigner> {
    Ok(match signer {
        Signer::Key(signer) => {
            let key = context.signing_key(signer, session)?;
            for name in key.unset(&context.environment) {
                context.printer.warning(&format!("--kms-env {name}: the variable is not set"));
            }
            let never_below: Vec<&Utf8Path> = untrusted.iter().map(Utf8PathBuf::as_path).collect();
            let out = match &signer.public_key_out {
                Some(path) => Some((PublicKeyOut::new(path, &never_below)?, path.clone())),
                None => None,
            };
            ReadySigner::Key { key, public_key: None, out }
        }
        Signer::Keyless(signer) => {
            if let TokenSource::File(path) = &signer.token {
                services::lies_outside(path, &format!("--identity-token {path}"), untrusted)?;
            }
            ReadySigner::Identity(SigningIdentity::at_hand(signer, &context.environment)?)
        }
    })
}

/// What is told about a signature; `log` and `timestamp`: whether cosign was asked about them.
pub(crate) fn signature_report(evidence: &Evidence, log: bool, timestamp: bool) -> SignatureReport {
    let (key_sha256, identity, issuer) = match evidence.signer() {
        SignedBy::Key(hint) => (Some(*hint), None, None),
        SignedBy::Certificate(certificate) => {
            (None, Some(certificate.identity().to_owned()), Some(certificate.issuer().to_owned()))
        }
    };
    SignatureReport {
        path: SIGNATURE,
        key_sha256,
        identity,
        issuer,
        log: Witness::of(evidence.log_entry().is_some(), log),
        timestamp: Witness::of(evidence.timestamp().is_some(), timestamp),
    }
}

/// A name beside the bundle, after its own, that is free: cosign overwrites what is there.
fn public_key_file(bundle: &Utf8Path) -> Utf8PathBuf {
    let (directory, name) = match (bundle.parent(), bundle.file_name()) {
        (Some(parent), Some(name)) => (parent.to_owned(), name),
        _ => (bundle.join(".."), "cosign"),
    };
    let numbered = (2..).map(|number| directory.join(format!("{name}.{number}.pub")));
    let mut names = std::iter::once(directory.join(format!("{name}.pub"))).chain(numbered);
    names.find(|name| name.symlink_metadata().is_err()).unwrap_or_else(|| directory.join("cosign.pub"))
}

/// Asks for the public key, and refuses a type with which some cosign signs what none accepts.
pub(crate) fn public_key(cosign: &Cosign<'_>, key: &SigningKey) -> Result<PublicKey> {
    let public_key = cosign.public_key(key)?;
    let key_type = public_key.key_type();
    let reference = key.reference();
    let hint = "use an ECDSA P-256 key, or RSA with 2048 to 4096 bits";
    if !key_type.is_safe() {
        return Err(Failure::usage(format!(
            "{reference} is {key_type}, with which some releases of cosign make signatures that do not verify"
        ))
        .hint(hint));
    }
    if reference.scheme() == Scheme::Azure && matches!(key_type, KeyType::Rsa(_)) {
        return Err(Failure::usage(format!(
            "{reference} is {key_type}, and cosign's azurekms provider makes wrong signatures with RSA keys"
        ))
        .hint("use an ECDSA P-256 key"));
    }
    Ok(public_key)
}
