//! One signature: everything that is settled before the first one, and the one form in which it is
//! asked for, checked and reported. Which bundles are signed is decided in `bundle.rs` and
//! `bundle_sign.rs`.

use camino::{Utf8Path, Utf8PathBuf};

use crate::context::Context;
use crate::cosign::evidence::Evidence;
use crate::cosign::process::{quoted, quoted_path};
use crate::cosign::public_key::{KeyType, PublicKey};
use crate::cosign::signing_key::SigningKey;
use crate::cosign::{Cosign, Session};
use crate::error::{Failure, Result};
use crate::plan::key_ref::{KeyRef, Scheme};
use crate::plan::sign::{KeySigner, Signer};
use crate::report::{Report, SignatureReport, Witness};
use crate::tree::SIGNATURE;
use crate::tree::public_key_out::PublicKeyOut;

/// Stands, in a command that is only shown, for the private directory that a run will have.
pub(crate) const PLANNED_DIRECTORY: &str = "PRIVATE_DIRECTORY";

/// A cosign and a key that can sign, as far as can be known without signing.
pub(crate) struct Signing<'a> {
    cosign: Cosign<'a>,
    /// By flag or variable, so that another run does not find it by itself.
    cosign_is_named: bool,
    key: SigningKey,
    public_key: Option<PublicKey>,
    public_key_out: Option<(PublicKeyOut, Utf8PathBuf)>,
}

/// The signer of a plan, if this release can do what it asks. Says beforehand to whom a signature
/// will be told.
pub(crate) fn supported<'a>(signer: &'a Signer, context: &Context) -> Result<&'a KeySigner> {
    if let Some(notice) = signer.log_notice() {
        context.printer.notice(&notice);
    }
    signer.supported()
}

impl<'a> Signing<'a> {
    /// Looks at the key, finds and probes cosign, asks the key manager for the public key, and
    /// checks that it may be left where it is wanted. In a dry run only a key that needs no network
    /// is asked. `untrusted` are the bundles and inputs.
    pub(crate) fn prepare(
        signer: &KeySigner,
        untrusted: &[Utf8PathBuf],
        dry_run: bool,
        session: &'a Session<'a>,
        context: &Context,
        report: &mut Report,
    ) -> Result<Self> {
        let key = context.signing_key(signer, session)?;
        let never_below: Vec<&Utf8Path> = untrusted.iter().map(Utf8PathBuf::as_path).collect();
        let public_key_out = match &signer.public_key_out {
            Some(path) => Some((PublicKeyOut::new(path, &never_below)?, path.clone())),
            None => None,
        };
        let (cosign, found) = context.cosign(session, Some(key.reference()))?;
        report.cosign = Some(found);
        let asked = !dry_run || matches!(key.reference().scheme(), Scheme::File | Scheme::Env);
        let public_key = if asked { Some(public_key(&cosign, &key)?) } else { None };
        if let (Some((out, _)), Some(key)) = (&public_key_out, &public_key) {
            out.admits(key.pem().as_bytes())?;
        }
        let cosign_is_named = context.global.cosign.is_some();
        Ok(Self { cosign, cosign_is_named, key, public_key, public_key_out })
    }

    /// Leaves the public key for the receivers, if that was asked for.
    pub(crate) fn leave_public_key(&self) -> Result<()> {
        match (&self.public_key_out, &self.public_key) {
            (Some((out, _)), Some(key)) => out.write(key.pem().as_bytes()),
            _ => Ok(()),
        }
    }

    /// What is told about a signature by this key.
    pub(crate) fn reports(&self, evidence: &Evidence) -> Vec<SignatureReport> {
        self.public_key.iter().map(|key| signature_report(evidence, key)).collect()
    }

    /// The public half of the key; unknown only in a dry run.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// The cosign that signs.
    pub(crate) fn cosign(&self) -> &Cosign<'a> {
        &self.cosign
    }

    /// Has `manifest` signed. What comes back was checked against the plan and accepted by cosign.
    pub(crate) fn sign(&self, manifest: Vec<u8>) -> Result<Evidence> {
        let public_key = match &self.public_key {
            Some(key) => key.clone(),
            None => public_key(&self.cosign, &self.key)?,
        };
        self.cosign.sign(&self.key, &public_key, manifest)
    }

    /// The command of a dry run.
    pub(crate) fn planned_command(&self) -> String {
        self.cosign.signing_command(&self.key, Utf8Path::new(PLANNED_DIRECTORY))
    }

    /// A command that verifies `bundle` and runs as it stands. It never names a private key to aicr.
    pub(crate) fn verify_command(&self, bundle: &Utf8Path) -> String {
        let cosign = self.cosign.path().as_str();
        let verify = |key: &str| {
            let named =
                if self.cosign_is_named { format!(" --cosign {}", quoted(cosign)) } else { String::new() };
            format!("aicr verify {} --key {key} --insecure-ignore-tlog{named}", quoted_path(bundle))
        };
        if let Some((_, file)) = &self.public_key_out {
            return verify(&quoted_path(file));
        }
        let reference = self.key.reference();
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
                format!("{export} && {}", verify(&quoted_path(&file)))
            }
            _ => verify(&quoted(&reference.as_cosign_arg())),
        }
    }
}

/// What is told about a signature by a key: log entries and timestamps were not looked at.
pub(crate) fn signature_report(evidence: &Evidence, key: &PublicKey) -> SignatureReport {
    SignatureReport {
        path: SIGNATURE,
        key_sha256: Some(key.sha256()),
        identity: None,
        issuer: None,
        log: Witness::unchecked(evidence.log_entries().len()),
        timestamp: Witness::unchecked(evidence.timestamps().len()),
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
