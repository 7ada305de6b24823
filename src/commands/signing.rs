//! One signature: everything that is settled before the first one, and the one form in which it is
//! asked for, checked and reported. Which bundles are signed is decided in `bundle.rs` and
//! `bundle_sign.rs`.

use std::cell::Cell;

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::services;
use crate::commands::signatures::SignatureFile;
use crate::commands::typed_password::with_password;
use crate::context::Context;
use crate::cosign::argv::Operation;
use crate::cosign::ready_signer::ReadySigner;
use crate::cosign::recording_services::RecordingServices;
use crate::cosign::signing_identity::SigningIdentity;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::verify_blob::CosignAnswer;
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::plan::clear_text;
use crate::plan::key_ref::{KeyRef, Scheme};
use crate::plan::own_variables;
use crate::plan::sign::{KeySigner, Signer, TokenSource};
use crate::printable::{quoted, quoted_path};
use crate::report::printer::Printer;
use crate::report::{Report, SignatureReport};
use crate::sigstore::evidence::{Evidence, SignedBy};
use crate::sigstore::key_type::KeyType;
use crate::sigstore::public_key::PublicKey;
use crate::tree::handout::{Handout, HandoutKind};

/// In a command that is only shown, the name of the private directory that a run will have.
pub(crate) const PLANNED_DIRECTORY: &str = "PRIVATE_DIRECTORY";

/// A cosign, a signer and services that can sign, as far as that can be known without signing.
pub(crate) struct Signing<'a> {
    cosign: Cosign<'a>,
    /// By flag or variable, so that another run does not find it by itself.
    cosign_is_named: bool,
    signer: ReadySigner,
    services: RecordingServices,
    notice: Notice,
    /// The file that the services are checked against.
    trusted_root: Option<Utf8PathBuf>,
    /// Where the public key is written for the receivers.
    public_key_out: Option<(Handout, Utf8PathBuf)>,
}

/// The owner of a signature that exists, compared with the signer of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureOwner {
    /// This signer, recorded as this run would record it.
    AsWanted,
    /// This signer, recorded with different services.
    RecordedOtherwise,
    /// Another signer, or one that cannot be recognised: the end of a sentence.
    Another(String),
    /// The signature names this signer, and cosign does not accept it. Holds what cosign said.
    Refused(String),
    /// A dry run contacts neither a key manager nor the public Sigstore.
    Unknown,
}

/// The notice before the first connection that the operator did not name.
const FETCHING: &str = "fetching the keys and addresses of the public Sigstore (tuf-repo-cdn.sigstore.dev)";

impl<'a> Signing<'a> {
    /// Reads the files of the signer and of the services, finds and probes cosign, asks the key
    /// manager for the public key, and checks that this may be written where the plan wants it. A
    /// dry run asks only a key that needs no network. `untrusted` are the bundles and inputs.
    pub(crate) fn prepare(
        plan: &Signer,
        untrusted: &[Utf8PathBuf],
        dry_run: bool,
        session: &'a Session<'a>,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        if let Some(warning) = own_variables::warning(&context.environment) {
            context.printer.warning(&warning);
        }
        let mut services = services::read(plan, untrusted)?;
        let mut signer = ready(plan, untrusted, session, context)?;
        let public_key_out = public_key_out(plan, untrusted)?;
        let (cosign, found) = context.cosign(session, &[signer.secrets()])?;
        report.cosign = Some(found);
        cosign.can_record(&services)?;
        if matches!(services, RecordingServices::Public) && !dry_run {
            context.printer.notice(FETCHING);
            services = services::public(&cosign, plan, &|text| context.printer.warning(text))?;
        }
        let notice = Notice::new(&services, &signer, context.printer);
        if dry_run {
            notice.give();
        }
        let exported = with_password(&mut signer, ReadySigner::key, context, |signer| {
            cosign.can_sign(signer, &services, || match signer {
                ReadySigner::Key { key, .. }
                    if !dry_run || matches!(key.reference().scheme(), Scheme::File | Scheme::Env) =>
                {
                    self::public_key(&cosign, key).map(Some)
                }
                ReadySigner::Key { key, .. } => cosign.knows(Operation::PublicKey { key }).map(|()| None),
                ReadySigner::Identity(_) => Ok(None),
            })
        })?;
        if let ReadySigner::Key { public_key, .. } = &mut signer {
            if let (Some((out, _)), Some(key)) = (&public_key_out, &exported) {
                out.admits(key.pem().as_bytes())?;
            }
            *public_key = exported;
        }
        let cosign_is_named = context.global.cosign.is_some();
        let trusted_root = plan.trusted_root().map(Utf8Path::to_owned);
        Ok(Self { cosign, cosign_is_named, signer, services, notice, trusted_root, public_key_out })
    }

    /// Writes the public key for the receivers, if the plan wants that.
    pub(crate) fn write_public_key(&self) -> Result<()> {
        match (&self.signer, &self.public_key_out) {
            (ReadySigner::Key { public_key: Some(key), .. }, Some((out, _))) => {
                out.write(key.pem().as_bytes())
            }
            _ => Ok(()),
        }
    }

    /// The reports about the signatures of a bundle: that of this signer is as wanted, others were not checked.
    pub(crate) fn reports(&self, own: &SignatureFile, all: &[SignatureFile]) -> Vec<SignatureReport> {
        let timestamp = !matches!(self.services, RecordingServices::NotRecorded);
        let report = |file: &SignatureFile| {
            if file == own { file.checked(self.services.has_log(), timestamp) } else { file.unchecked() }
        };
        all.iter().map(report).collect()
    }

    /// The signature of this signer, as far as that is known.
    pub(crate) fn own<'s>(&self, signatures: &'s [SignatureFile]) -> Option<&'s SignatureFile> {
        signatures.iter().find(|file| self.signer.is_named_by(file.evidence.signer()))
    }

    /// The SHA-256 of the key that signs. None for an identity, and for a key manager's key in a dry run.
    pub(crate) fn key_sha256(&self) -> Option<Sha256Digest> {
        match &self.signer {
            ReadySigner::Key { public_key, .. } => public_key.as_ref().map(PublicKey::sha256),
            ReadySigner::Identity(_) => None,
        }
    }

    /// Signs `manifest`; before that, the notice about a transparency log. The signature was
    /// checked against the plan and accepted by cosign.
    pub(crate) fn sign(&self, manifest: &[u8]) -> Result<Evidence> {
        self.notice.give();
        let signer = match &self.signer {
            ReadySigner::Key { key, .. } => key.reference().to_string(),
            ReadySigner::Identity(_) => "an OIDC identity".to_owned(),
        };
        let _reminder = self.notice.printer.signing(&signer);
        self.cosign.sign(&self.signer, &self.services, manifest)
    }

    /// The owner of the signature over `manifest` that exists.
    pub(crate) fn owner(&self, existing: &Evidence, manifest: &[u8]) -> Result<SignatureOwner> {
        if matches!(self.signer, ReadySigner::Key { public_key: None, .. }) {
            return Ok(SignatureOwner::Unknown);
        }
        if !self.signer.is_named_by(existing.signer()) {
            return Ok(SignatureOwner::Another(match (&self.signer, existing.signer()) {
                (ReadySigner::Identity(_), SignedBy::Certificate(certificate)) => format!(
                    "{} (issuer {}); aicr cannot tell before signing whether that is you",
                    certificate.identity(),
                    certificate.issuer()
                ),
                (ReadySigner::Key { .. } | ReadySigner::Identity(_), _) => "another signer".to_owned(),
            }));
        }
        // A dry run does not know the log of the public Sigstore.
        if matches!(self.services, RecordingServices::Public) && existing.log_entry().is_some() {
            return Ok(SignatureOwner::Unknown);
        }
        let as_wanted = self.services.is_recorded_otherwise(existing).is_none();
        let answer = match &self.signer {
            // Without the services that recorded it, nothing can show that it is valid.
            ReadySigner::Identity(_) if !as_wanted => return Ok(SignatureOwner::RecordedOtherwise),
            ReadySigner::Key { public_key: Some(key), .. } if !as_wanted => {
                let request =
                    VerifyRequest { by: VerifyAs::Key(key), root: None, log: false, timestamp: false };
                self.cosign.verify(request, existing, manifest)?
            }
            signer => self.cosign.verify_own(signer, &self.services, existing, manifest)?,
        };
        Ok(match answer {
            CosignAnswer::Accepted(_) if as_wanted => SignatureOwner::AsWanted,
            CosignAnswer::Accepted(_) => SignatureOwner::RecordedOtherwise,
            CosignAnswer::Refused { said } => SignatureOwner::Refused(said),
        })
    }

    /// What a signature names: `key` or `identity`.
    pub(crate) fn signer_kind(&self) -> &'static str {
        self.signer.kind()
    }

    /// The command of a dry run.
    pub(crate) fn planned_command(&self) -> String {
        self.cosign.signing_command(&self.signer, &self.services, Utf8Path::new(PLANNED_DIRECTORY))
    }

    /// A command that verifies `bundle` and runs as it stands. It never names a private key to
    /// aicr.
    pub(crate) fn verify_command(&self, bundle: &Utf8Path, evidence: &Evidence) -> String {
        let cosign = self.cosign.path().as_str();
        let verify = |whom: &str| {
            let named =
                if self.cosign_is_named { format!(" --cosign {}", quoted(cosign)) } else { String::new() };
            format!("aicr verify {} {whom}{}{named}", quoted_path(bundle), self.evidence_flags())
        };
        let key = match (&self.signer, evidence.signer()) {
            (ReadySigner::Key { key, .. }, _) => key,
            (ReadySigner::Identity(_), SignedBy::Certificate(certificate)) => {
                let [identity, issuer] = [certificate.identity(), certificate.issuer()].map(quoted);
                return verify(&format!(
                    "--certificate-identity {identity} --certificate-oidc-issuer {issuer}"
                ));
            }
            // Refused before.
            (ReadySigner::Identity(_), SignedBy::Key(_)) => return String::new(),
        };
        if let Some((_, file)) = &self.public_key_out {
            return verify(&format!("--key {}", quoted_path(file)));
        }
        let reference = key.reference();
        match reference {
            // What the plugin needs is in the operator's environment, and `verify` hands none of it
            // on.
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
            None if self.services.has_log() => " --online".to_owned(),
            None => String::new(),
        };
        let ignore = if self.services.has_log() { "" } else { " --insecure-ignore-tlog" };
        let timestamp = if self.services.has_timestamp() { " --require-timestamp" } else { "" };
        format!("{ignore}{root}{timestamp}")
    }
}

/// The notice that is printed once, before the first signature goes to a log.
struct Notice {
    text: Cell<Option<String>>,
    printer: Printer,
}

impl Notice {
    fn new(services: &RecordingServices, signer: &ReadySigner, printer: Printer) -> Self {
        Self { text: Cell::new(services.notice(signer.is_identity())), printer }
    }

    fn give(&self) {
        if let Some(text) = self.text.take() {
            self.printer.notice(&text);
        }
    }
}

/// The signer of a plan with its files read.
fn ready(
    plan: &Signer,
    untrusted: &[Utf8PathBuf],
    session: &Session<'_>,
    context: &Context,
) -> Result<ReadySigner> {
    Ok(match plan {
        Signer::Key(plan) => {
            let key = context.signing_key(plan, session)?;
            warn_of_clear_text(plan, context);
            for name in key.unset(&context.environment) {
                context.printer.warning(&format!("--kms-env {name}: the variable is not set"));
            }
            ReadySigner::Key { key, public_key: None }
        }
        Signer::Keyless(plan) => {
            if let TokenSource::File(path) = &plan.token {
                services::lies_outside(path, &format!("--identity-token {path}"), untrusted)?;
            }
            ReadySigner::Identity(SigningIdentity::read(plan, &context.environment)?)
        }
    })
}

/// Warns of an address through which the key manager is asked without encryption.
pub(crate) fn warn_of_clear_text(plan: &KeySigner, context: &Context) {
    if let Some(name) = clear_text::variable(plan.key.value.scheme(), &context.environment) {
        context.printer.warning(&format!(
            "{name} is a plain http:// address: others on the network can read the credentials"
        ));
    }
}

/// Where the plan wants the public key, checked as far as that goes without the key.
fn public_key_out(plan: &Signer, untrusted: &[Utf8PathBuf]) -> Result<Option<(Handout, Utf8PathBuf)>> {
    let Signer::Key(KeySigner { public_key_out: Some(path), .. }) = plan else { return Ok(None) };
    let never_below: Vec<&Utf8Path> = untrusted.iter().map(Utf8PathBuf::as_path).collect();
    Ok(Some((Handout::new(HandoutKind::PublicKey, path, &never_below)?, path.clone())))
}

/// A free file name next to the bundle, made from its name: cosign would overwrite an existing
/// file.
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
    if !key_type.is_usable() {
        return Err(Failure::usage(format!("{reference} is {key_type}, which cosign cannot use")).hint(hint));
    }
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
