//! The trust policy of `verify`: the key or identity, and what a signature must come with. Before cosign is asked, a
//! signature file is compared with it in this order, to report a difference in plain words:
//!
//! 1. The signer is the key of `--key`, or the certificate names the identity and issuer of the flags.
//! 2. The signature is over the SHA-256 of this manifest.
//! 3. The log entry exists if one is required, its log is in the trusted root, and it is about this signature.
//! 4. The timestamp exists if one is required, and its authority is in the trusted root.
//!
//! Nothing here makes a signature valid: only cosign does (`cosign/verify_blob.rs`).

use camino::Utf8PathBuf;

use crate::commands::not_a_bundle::{CHECKSUMS_ONLY, changed_manifest};
use crate::commands::services::trusted_root;
use crate::commands::trusted_key;
use crate::context::Context;
use crate::cosign::environment::SecretsOf;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::plan::key_ref::KeyRef;
use crate::plan::verify::{KeyToTrust, Pattern, Root, TimestampPolicy, Trust};
use crate::report::Report;
use crate::sigstore::RekorVersion;
use crate::sigstore::evidence::{Evidence, LogEntry, SignedBy};
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::trusted_root::TrustedRoot;

/// The signer to trust, and what its signature must come with.
pub(crate) struct TrustPolicy<'a> {
    pub(crate) cosign: Cosign<'a>,
    signer: TrustedSigner<'a>,
    /// Whether a log entry is required.
    log: bool,
    /// Whether a timestamp is required; `None` if it is not checked.
    timestamp: Option<TimestampPolicy>,
    root: Option<TrustedRoot>,
}

/// The signer to trust.
enum TrustedSigner<'a> {
    Key(PublicKey),
    Identity { identity: &'a Pattern, issuer: &'a Pattern },
}

/// The signer that the plan names, before cosign is found.
enum NamedSigner<'a> {
    Known(TrustedSigner<'a>),
    /// A key in a key manager, which cosign will ask for its public half.
    InKeyManager(&'a KeyRef, &'a [Sha256Digest], SigningKey),
}

impl<'a> TrustPolicy<'a> {
    /// Reads or fetches the key and the root, and finds cosign.
    pub(crate) fn new(
        trust: &'a Trust,
        bundles: &[Utf8PathBuf],
        context: &Context,
        session: &'a Session<'a>,
        report: &mut Report,
    ) -> Result<Self> {
        if let Trust::Identity { identity, issuer, .. } = trust {
            for warning in [identity, issuer].into_iter().filter_map(Pattern::warning) {
                context.printer.warning(&warning);
            }
        }
        // Files first: they are quick to read, and a wrong one needs no network.
        let file = match trust.root() {
            Some(Root::File(path)) => Some(trusted_root(path, bundles)?),
            Some(Root::Online) | None => None,
        };
        let signer = match trust {
            Trust::Identity { identity, issuer, .. } => {
                NamedSigner::Known(TrustedSigner::Identity { identity, issuer })
            }
            Trust::Key { key: KeyToTrust::File(path), fingerprints, .. } => {
                NamedSigner::Known(TrustedSigner::Key(trusted_key::in_file(path, bundles, fingerprints)?))
            }
            Trust::Key { key: KeyToTrust::StandardInput, fingerprints, .. } => {
                let key = trusted_key::in_standard_input(&context.interrupt, fingerprints)?;
                NamedSigner::Known(TrustedSigner::Key(key))
            }
            Trust::Key { key: KeyToTrust::Ref(reference), fingerprints, .. } => {
                let search_path = &session.search_path;
                let no_password = |_: &str| Ok(None);
                let key = SigningKey::read(reference, None, &context.environment, search_path, &no_password)?;
                NamedSigner::InKeyManager(reference, fingerprints, key)
            }
        };
        let holder = match &signer {
            NamedSigner::Known(_) => SecretsOf::Nothing,
            NamedSigner::InKeyManager(reference, ..) => SecretsOf::Key(reference),
        };
        let (cosign, found) = context.cosign(session, holder)?;
        report.cosign = Some(found);
        let signer = match signer {
            NamedSigner::Known(signer) => signer,
            NamedSigner::InKeyManager(reference, fingerprints, key) => {
                let key = trusted_key::in_key_manager(reference, fingerprints, &key, &cosign, context)?;
                TrustedSigner::Key(key)
            }
        };
        let root = match trust.root() {
            Some(Root::Online) => {
                let fetched = cosign.public_sigstore().map_err(|failure| {
                    failure.hint("--trusted-root FILE uses a root that you have, and needs no network")
                })?;
                Some(fetched.root)
            }
            Some(Root::File(_)) | None => file,
        };
        let (log, timestamp) = (trust.requires_log_entry(), trust.timestamp_policy());
        Ok(Self { cosign, signer, log, timestamp, root })
    }

    /// The key that is trusted; `None` with an identity.
    pub(crate) fn key(&self) -> Option<&PublicKey> {
        match &self.signer {
            TrustedSigner::Key(key) => Some(key),
            TrustedSigner::Identity { .. } => None,
        }
    }

    /// The SHA-256 of the trusted root.
    pub(crate) fn root_sha256(&self) -> Option<Sha256Digest> {
        self.root.as_ref().map(|root| Sha256Digest::of(root.text()))
    }

    /// The request to cosign about a signature over the manifest `text`, which has this name and digest;
    /// `Class::Rejected` if the bundle `top` is rejected without it.
    pub(crate) fn request(
        &self,
        top: &str,
        name: &str,
        evidence: &Evidence,
        text: &[u8],
        digest: Sha256Digest,
    ) -> Result<VerifyRequest<'_>> {
        let by = self.signer(top, evidence)?;
        let signed = evidence.digest();
        if signed != digest {
            return Err(changed_manifest(top, name, text, digest, signed).hint(CHECKSUMS_ONLY));
        }
        let log = self.log(top, evidence)?;
        let timestamp = self.timestamp(top, evidence)?;
        Ok(VerifyRequest { by, root: self.root.as_ref(), log, timestamp })
    }

    fn signer(&self, top: &str, evidence: &Evidence) -> Result<VerifyAs<'_>> {
        match (&self.signer, evidence.signer()) {
            (TrustedSigner::Key(key), _) => {
                trusted_key::check_signer(key, top, evidence)?;
                Ok(VerifyAs::Key(key))
            }
            (TrustedSigner::Identity { .. }, SignedBy::Key(hint)) => {
                Err(Failure::rejected(format!("{top} is signed by key {hint}, not by an identity (keyless)")))
            }
            (TrustedSigner::Identity { identity, issuer }, SignedBy::Certificate(certificate)) => {
                for (flag, wanted, is) in [
                    ("--certificate-identity", *identity, certificate.identity()),
                    ("--certificate-oidc-issuer", *issuer, certificate.issuer()),
                ] {
                    // cosign matches the regular expressions.
                    if let Pattern::Exact(wanted) = wanted
                        && wanted != is
                    {
                        return Err(Failure::rejected(format!(
                            "{top} is signed by {} (issuer {}), but {flag} is {wanted}",
                            certificate.identity(),
                            certificate.issuer()
                        )));
                    }
                }
                Ok(VerifyAs::Identity { identity, issuer })
            }
        }
    }

    /// Whether cosign checks the log entry.
    fn log(&self, top: &str, evidence: &Evidence) -> Result<bool> {
        let refuse = |what: String| Err(Failure::rejected(format!("{top}: {what}")));
        if !self.log {
            return Ok(false);
        }
        let Some(entry) = evidence.log_entry() else {
            let none = Failure::rejected(format!(
                "{top} is not accepted: there is no transparency log entry, and this command line requires one"
            ));
            return Err(match self.signer {
                TrustedSigner::Key(_) => {
                    none.hint("add --insecure-ignore-tlog if it was signed with --tlog-upload=false")
                }
                TrustedSigner::Identity { .. } => {
                    none.hint("--insecure-ignore-tlog with --require-timestamp accepts a timestamp instead")
                }
            });
        };
        let Some(root) = &self.root else {
            return Err(Failure::rejected(format!(
                "{top} is not accepted: without --trusted-root its transparency log entry cannot be checked"
            ))
            .hint("add --trusted-root FILE with the log's key, or --insecure-ignore-tlog to leave the entry unchecked"));
        };
        if root.log_with_id(entry.log_id()).is_none() {
            return refuse(format!(
                "the transparency log of the signature is not in the trusted root (log ID {})",
                entry.log_id()
            ));
        }
        match entry.misfit(evidence) {
            Some(why) => refuse(format!("the transparency log entry {why}")),
            None => Ok(true),
        }
    }

    /// Whether only a timestamp can show that the certificate was valid when it signed.
    fn needs_a_timestamp(&self, evidence: &Evidence) -> bool {
        let is_v2 = |entry: &LogEntry| entry.version() == RekorVersion::V2;
        matches!(self.signer, TrustedSigner::Identity { .. }) && evidence.log_entry().is_some_and(is_v2)
    }

    /// Whether cosign checks the timestamp.
    fn timestamp(&self, top: &str, evidence: &Evidence) -> Result<bool> {
        let Some(policy) = self.timestamp else { return Ok(false) };
        let refuse = |what: &str| Err(Failure::rejected(format!("{top}: the {what}")));
        let is_known = |timestamp| self.root.as_ref().is_some_and(|root| root.knows(timestamp));
        match (evidence.timestamp().map(is_known), policy) {
            (Some(true), _) => Ok(true),
            (None, TimestampPolicy::Required) => refuse("signature has no timestamp"),
            (Some(false), TimestampPolicy::Required) => {
                refuse("timestamp authority of the signature is not in the trusted root")
            }
            (None | Some(false), TimestampPolicy::IfKnown) if self.needs_a_timestamp(evidence) => refuse(
                "signature has no trusted signing time: Rekor v2 states none, and there is no timestamp of an authority in the trusted root",
            ),
            (None | Some(false), TimestampPolicy::IfKnown) => Ok(false),
        }
    }
}
