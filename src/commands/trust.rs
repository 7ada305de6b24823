//! The trust policy of `verify`: the keys or the identity, and what a signature must come with. Before cosign is
//! asked, the signature files are compared with it in this order, to report a difference in plain words:
//!
//! 1. As many keys of `--key` have signed as the flags require, or the certificate names their identity and issuer.
//!    Signatures by others are not checked.
//! 2. Each signature is over the SHA-256 of this manifest.
//! 3. The log entry exists if one is required, its log is in the trusted root, and it is about this signature.
//! 4. The timestamp exists if one is required, and its authority is in the trusted root.
//!
//! Nothing here makes a signature valid: only cosign does (`cosign/verify_blob.rs`).

use camino::Utf8PathBuf;

use crate::commands::not_a_bundle::CHECKSUMS_ONLY;
use crate::commands::received::Signatures;
use crate::commands::services::trusted_root;
use crate::commands::signatures::{SignatureFile, are_over};
use crate::commands::trusted_key::{NamedKey, TrustedKeys};
use crate::context::Context;
use crate::cosign::verify_blob::{Accepted, CosignAnswer};
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::verify::{Pattern, Root, TimestampPolicy, Trust};
use crate::printable::show;
use crate::report::Report;
use crate::sigstore::RekorVersion;
use crate::sigstore::evidence::{Evidence, LogEntry, SignedBy};
use crate::sigstore::trusted_root::TrustedRoot;

/// The signers to trust, and what their signatures must come with.
pub(crate) struct TrustPolicy<'a> {
    pub(crate) cosign: Cosign<'a>,
    signer: TrustedSigner<'a>,
    /// Whether a log entry is required.
    log: bool,
    /// Whether a timestamp is required; `None` if it is not checked.
    timestamp: Option<TimestampPolicy>,
    root: Option<TrustedRoot>,
}

/// The signers to trust.
enum TrustedSigner<'a> {
    Keys(TrustedKeys),
    Identity { identity: &'a Pattern, issuer: &'a Pattern },
}

impl<'a> TrustPolicy<'a> {
    /// Reads or fetches the keys and the root, and finds cosign.
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
        let named = match trust {
            Trust::Keys { keys, fingerprints, .. } => {
                let named = |key| NamedKey::read(key, bundles, fingerprints, session, context);
                keys.iter().map(named).collect::<Result<Vec<_>>>()?
            }
            Trust::Identity { .. } => Vec::new(),
        };
        let holders: Vec<_> = named.iter().filter_map(NamedKey::secrets).collect();
        let (cosign, found) = context.cosign(session, &holders)?;
        report.cosign = Some(found);
        let signer = match trust {
            Trust::Keys { fingerprints, required, .. } => {
                let key = |named: NamedKey<'_>| named.key(fingerprints, &cosign, context);
                let keys = named.into_iter().map(key).collect::<Result<Vec<_>>>()?;
                TrustedSigner::Keys(TrustedKeys::new(keys, *required)?)
            }
            Trust::Identity { identity, issuer, .. } => TrustedSigner::Identity { identity, issuer },
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

    /// The keys that are trusted; `None` with an identity.
    pub(crate) fn keys(&self) -> Option<&TrustedKeys> {
        match &self.signer {
            TrustedSigner::Keys(keys) => Some(keys),
            TrustedSigner::Identity { .. } => None,
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
            TrustedSigner::Keys(keys) => keys.have_signed(top, signatures)?,
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

    /// Asks cosign about all these signatures at the same time, and returns the place of the first that it accepts. It
    /// has to accept each of `Signatures::Several`, and one of `Signatures::Readings`.
    pub(crate) fn ask<'m>(
        &self,
        top: &str,
        signatures: &Signatures,
        requests: &[Option<VerifyRequest<'_>>],
        text: &'m [u8],
    ) -> Result<(Accepted<'m>, usize)> {
        let files = signatures.files();
        let asked: Vec<_> =
            (0..).zip(files).zip(requests).filter_map(|(file, request)| Some((file, (*request)?))).collect();
        let requests: Vec<_> = asked.iter().map(|((_, file), request)| (*request, &file.evidence)).collect();
        let answers = self.cosign.verify_each(&requests, text)?;
        let mut accepted = None;
        let mut worst: Option<Failure> = None;
        for (((place, file), _), answer) in asked.iter().zip(answers) {
            let failure = match answer {
                Ok(CosignAnswer::Accepted(bytes)) => {
                    accepted = accepted.or(Some((bytes, *place)));
                    continue;
                }
                Ok(CosignAnswer::Refused { said }) => {
                    let shown = shown(top, file, files);
                    Failure::rejected(format!("{shown}: cosign does not accept the signature"))
                        .with_cosign_output(said)
                        .hint(CHECKSUMS_ONLY)
                }
                Err(failure) => failure,
            };
            worst = Some(match worst {
                Some(worst) if Class::worse(worst.class(), failure.class()) == worst.class() => worst,
                _ => failure,
            });
        }
        let is_one_of_several = matches!(signatures, Signatures::Readings(_)) && accepted.is_some();
        match (accepted, worst.filter(|worst| !is_one_of_several || worst.class() != Class::Rejected)) {
            (_, Some(failure)) => Err(failure),
            (Some(accepted), None) => Ok(accepted),
            (None, None) => Err(Failure::new(
                Class::Broken,
                format!("{top}: cosign was asked about no signature (a bug)"),
            )),
        }
    }

    /// The trusted signer that a signature names, if it is one.
    fn signer(&self, top: &str, evidence: &Evidence) -> Result<Option<VerifyAs<'_>>> {
        match (&self.signer, evidence.signer()) {
            (TrustedSigner::Keys(keys), SignedBy::Key(hint)) => Ok(keys.find(*hint).map(VerifyAs::Key)),
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
