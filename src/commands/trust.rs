//! The trust policy of `verify`: the keys or the identity, and what a signature must come with. Before cosign is
//! asked, the signature files are compared with it in this order, to report a difference in plain words:
//!
//! 1. One signer is the key of `--key`, or the certificate names the identity and issuer of the flags. Signatures by
//!    others are not checked.
//! 2. Each signature is over the SHA-256 of this manifest.
//! 3. The log entry exists if one is required, its log is in the trusted root, and it is about this signature.
//! 4. The timestamp exists if one is required, and its authority is in the trusted root.
//!
//! Nothing here makes a signature valid: only cosign does (`cosign/verify_blob.rs`).

use camino::Utf8PathBuf;

use crate::commands::not_a_bundle::CHECKSUMS_ONLY;
use crate::commands::services::trusted_root;
use crate::commands::signatures::{SignatureFile, are_over};
use crate::commands::trusted_key::{self, check_signers};
use crate::context::Context;
use crate::cosign::environment::SecretsOf;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::verify_blob::{Accepted, CosignAnswer};
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::parallel::each;
use crate::plan::key_ref::KeyRef;
use crate::plan::verify::{KeyToTrust, Pattern, Root, TimestampPolicy, Trust};
use crate::printable::show;
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
    /// One of these keys.
    Keys(Vec<PublicKey>),
    Identity {
        identity: &'a Pattern,
        issuer: &'a Pattern,
    },
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
        let one = |key| TrustedSigner::Keys(vec![key]);
        let signer = match trust {
            Trust::Identity { identity, issuer, .. } => {
                NamedSigner::Known(TrustedSigner::Identity { identity, issuer })
            }
            Trust::Key { key: KeyToTrust::File(path), fingerprints, .. } => {
                NamedSigner::Known(one(trusted_key::in_file(path, bundles, fingerprints)?))
            }
            Trust::Key { key: KeyToTrust::StandardInput, fingerprints, .. } => {
                let key = trusted_key::in_standard_input(&context.interrupt, fingerprints)?;
                NamedSigner::Known(one(key))
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
                one(key)
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

    /// The different keys that are trusted; none with an identity.
    pub(crate) fn keys(&self) -> &[PublicKey] {
        match &self.signer {
            TrustedSigner::Keys(keys) => keys,
            TrustedSigner::Identity { .. } => &[],
        }
    }

    /// The SHA-256 of the trusted root.
    pub(crate) fn root_sha256(&self) -> Option<Sha256Digest> {
        self.root.as_ref().map(|root| Sha256Digest::of(root.text()))
    }

    /// The requests to cosign about signatures over the manifest `text`, which has this name and digest; `None` for
    /// one that is by another signer, and is not checked. `Class::Rejected` if the bundle `top` is rejected without
    /// them.
    pub(crate) fn requests(
        &self,
        top: &str,
        name: &str,
        signatures: &[SignatureFile],
        text: &[u8],
        digest: Sha256Digest,
    ) -> Result<Vec<Option<VerifyRequest<'_>>>> {
        match &self.signer {
            TrustedSigner::Keys(keys) => check_signers(keys, top, signatures)?,
            TrustedSigner::Identity { .. } => has_an_identity(top, signatures)?,
        }
        let signers =
            signatures.iter().map(|file| self.signer(top, &file.evidence)).collect::<Result<Vec<_>>>()?;
        are_over(signatures, top, name, text, digest).map_err(|failure| failure.hint(CHECKSUMS_ONLY))?;
        let requests = signatures.iter().zip(signers).map(|(file, by)| {
            by.map(|by| self.request(by, &shown(top, file, signatures), &file.evidence)).transpose()
        });
        requests.collect()
    }

    fn request<'s>(
        &'s self,
        by: VerifyAs<'s>,
        shown: &str,
        evidence: &Evidence,
    ) -> Result<VerifyRequest<'s>> {
        let log = self.log(shown, evidence)?;
        let timestamp = self.timestamp(shown, evidence)?;
        Ok(VerifyRequest { by, root: self.root.as_ref(), log, timestamp })
    }

    /// Asks cosign about all these signatures at the same time. It has to accept each of them.
    pub(crate) fn ask<'m>(
        &self,
        top: &str,
        signatures: &[SignatureFile],
        requests: &[Option<VerifyRequest<'_>>],
        text: &'m [u8],
    ) -> Result<Accepted<'m>> {
        let asked: Vec<_> =
            signatures.iter().zip(requests).filter_map(|(file, request)| Some((file, (*request)?))).collect();
        let answers = each(&asked, &|(file, request)| self.cosign.verify(*request, &file.evidence, text));
        let answers = asked.iter().zip(answers).map(|((file, _), answer)| match answer? {
            CosignAnswer::Accepted(accepted) => Ok(accepted),
            CosignAnswer::Refused { said } => {
                let shown = shown(top, file, signatures);
                Err(Failure::rejected(format!("{shown}: cosign does not accept the signature"))
                    .with_cosign_output(said)
                    .hint(CHECKSUMS_ONLY))
            }
        });
        let worse = |one: Result<Accepted<'m>>, other: Result<Accepted<'m>>| match (one, other) {
            (Err(one), Err(other)) if Class::worse(one.class(), other.class()) == one.class() => Err(one),
            (Ok(_), other) | (Err(_), other @ Err(_)) => other,
            (failed @ Err(_), Ok(_)) => failed,
        };
        let none =
            || Failure::new(Class::Broken, format!("{top}: cosign was asked about no signature (a bug)"));
        answers.reduce(worse).unwrap_or_else(|| Err(none()))
    }

    /// The trusted signer that a signature names, if it is one.
    fn signer(&self, top: &str, evidence: &Evidence) -> Result<Option<VerifyAs<'_>>> {
        match (&self.signer, evidence.signer()) {
            (TrustedSigner::Keys(keys), SignedBy::Key(hint)) => {
                Ok(keys.iter().find(|key| key.sha256() == *hint).map(VerifyAs::Key))
            }
            (TrustedSigner::Keys(_), SignedBy::Certificate(_))
            | (TrustedSigner::Identity { .. }, SignedBy::Key(_)) => Ok(None),
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
                Ok(Some(VerifyAs::Identity { identity, issuer }))
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
                TrustedSigner::Keys(_) => {
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

/// Rejects a bundle without a signature by an identity. Only the first one can be.
fn has_an_identity(top: &str, signatures: &[SignatureFile]) -> Result<()> {
    match signatures.first().map(|file| file.evidence.signer()) {
        Some(SignedBy::Key(hint)) => {
            Err(Failure::rejected(format!("{top} is signed by key {hint}, not by an identity (keyless)")))
        }
        Some(SignedBy::Certificate(_)) | None => Ok(()),
    }
}

/// What a message about one of several signatures begins with.
fn shown(top: &str, file: &SignatureFile, all: &[SignatureFile]) -> String {
    if all.len() == 1 { top.to_owned() } else { format!("{top}/{}", show(&file.path)) }
}
