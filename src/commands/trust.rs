//! Whom `verify` believes and on what evidence, with the key, the root and the cosign for it. What can be
//! told from a signature file without cosign is said here, in better words than cosign has: is this about
//! the manifest, the signer and the evidence that the verifier has in mind?

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::services::trusted_root;
use crate::context::Context;
use crate::cosign::environment::Holder;
use crate::cosign::signing_key::SigningKey;
use crate::cosign::verify_request::{VerifyAs, VerifyRequest};
use crate::cosign::{Cosign, Session};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::plan::key_ref::KeyRef;
use crate::plan::verify::{KeyToTrust, Pattern, Root, TimestampPolicy, Trust};
use crate::report::Report;
use crate::sigstore::evidence::{Evidence, LogEntry, SignedBy};
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::rekor_version::RekorVersion;
use crate::sigstore::trusted_root::TrustedRoot;
use crate::small_file::{self, Links};
use crate::tree::MANIFEST;
use crate::tree::ancestry::lies_in;

/// The largest public key file that is read, in bytes.
const KEY_SIZE_LIMIT: u64 = 1 << 20;

/// What is left to those who cannot trust the signature.
pub(crate) const CHECKSUMS_ONLY: &str =
    "--checksums-only compares the files with the manifest, and proves nothing about who made it";

/// Whom to believe, and the cosign that is asked.
pub(crate) struct TrustPolicy<'a> {
    pub(crate) cosign: Cosign<'a>,
    whom: TrustedSigner<'a>,
    /// Whether there must be an entry in a log.
    log: bool,
    /// Whether a timestamp counts; `None` if nobody looks at it.
    timestamp: Option<TimestampPolicy>,
    root: Option<TrustedRoot>,
}

/// Whom to believe.
enum TrustedSigner<'a> {
    Key(PublicKey),
    Identity { identity: &'a Pattern, issuer: &'a Pattern },
}

/// The signer that the plan names, before cosign is found.
enum NamedSigner<'a> {
    Known(TrustedSigner<'a>),
    /// A key manager's key, which cosign is to ask for.
    InKeyManager(&'a KeyRef, SigningKey),
}

impl<'a> TrustPolicy<'a> {
    /// Reads or fetches what is to be trusted, and finds cosign.
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
        // Files first: they are quick, and a mistake in one is the operator's.
        let file = match trust.root() {
            Some(Root::File(path)) => Some(trusted_root(path, bundles)?),
            Some(Root::Online) | None => None,
        };
        let signer = match trust {
            Trust::Identity { identity, issuer, .. } => {
                NamedSigner::Known(TrustedSigner::Identity { identity, issuer })
            }
            Trust::Key { key: KeyToTrust::File(path), .. } => {
                NamedSigner::Known(TrustedSigner::Key(key_file(path, bundles)?))
            }
            Trust::Key { key: KeyToTrust::Ref(reference), .. } => {
                let search_path = &session.search_path;
                let no_password = |_: &str| Ok(None);
                let key =
                    SigningKey::at_hand(reference, None, &context.environment, search_path, &no_password)?;
                NamedSigner::InKeyManager(reference, key)
            }
        };
        let holder = match &signer {
            NamedSigner::Known(_) => Holder::Nobody,
            NamedSigner::InKeyManager(reference, _) => Holder::Key(reference),
        };
        let (cosign, found) = context.cosign(session, holder)?;
        report.cosign = Some(found);
        let whom = match signer {
            NamedSigner::Known(signer) => signer,
            NamedSigner::InKeyManager(reference, key) => {
                TrustedSigner::Key(ask(reference, &key, &cosign, context)?)
            }
        };
        let root = match trust.root() {
            Some(Root::Online) => {
                let fetched = cosign.public_sigstore().map_err(|failure| {
                    failure.hint("--trusted-root FILE names one that is at hand, and needs no network")
                })?;
                Some(fetched.root)
            }
            Some(Root::File(_)) | None => file,
        };
        let (log, timestamp) = (trust.requires_log_entry(), trust.timestamp_policy());
        Ok(Self { cosign, whom, log, timestamp, root })
    }

    /// What cosign is asked about a signature over the manifest with this digest, unless it is clear already
    /// that the bundle `top` is to be rejected.
    pub(crate) fn request(
        &self,
        top: &str,
        evidence: &Evidence,
        manifest: Sha256Digest,
    ) -> Result<VerifyRequest<'_>> {
        let by = self.signer(top, evidence)?;
        if evidence.digest() != manifest {
            let signed = evidence.digest();
            return Err(Failure::rejected(format!(
                "{top}: the signature is over another {MANIFEST} (SHA-256 {signed}, here {manifest})"
            ))
            .hint(CHECKSUMS_ONLY));
        }
        let log = self.log(top, evidence)?;
        let timestamp = self.timestamp(top, evidence)?;
        Ok(VerifyRequest { by, root: self.root.as_ref(), log, timestamp })
    }

    fn signer(&self, top: &str, evidence: &Evidence) -> Result<VerifyAs<'_>> {
        match (&self.whom, evidence.signer()) {
            (TrustedSigner::Key(key), SignedBy::Key(hint)) if *hint == key.sha256() => Ok(VerifyAs::Key(key)),
            (TrustedSigner::Key(key), SignedBy::Key(hint)) => Err(Failure::rejected(format!(
                "{top} is signed by the key {hint}, and --key is {}",
                key.sha256()
            ))
            .hint("a rotated key is the usual cause: get the public key of the version that signed")),
            (TrustedSigner::Key(_), SignedBy::Certificate(_)) => {
                Err(Failure::rejected(format!("{top} is signed by a certificate (keyless), not by a key")))
            }
            (TrustedSigner::Identity { .. }, SignedBy::Key(hint)) => Err(Failure::rejected(format!(
                "{top} is signed by the key {hint}, not by an identity (keyless)"
            ))),
            (TrustedSigner::Identity { identity, issuer }, SignedBy::Certificate(certificate)) => {
                for (flag, wanted, is) in [
                    ("--certificate-identity", *identity, certificate.identity()),
                    ("--certificate-oidc-issuer", *issuer, certificate.issuer()),
                ] {
                    // What an expression matches is cosign's to say.
                    if let Pattern::Exact(wanted) = wanted
                        && wanted != is
                    {
                        return Err(Failure::rejected(format!(
                            "{top} is signed by {}, for whom {} vouched, and {flag} is {wanted}",
                            certificate.identity(),
                            certificate.issuer()
                        )));
                    }
                }
                Ok(VerifyAs::Identity { identity, issuer })
            }
        }
    }

    /// Whether cosign is asked about the log entry.
    fn log(&self, top: &str, evidence: &Evidence) -> Result<bool> {
        let refuse = |what: String| Err(Failure::rejected(format!("{top}: {what}")));
        if !self.log {
            return Ok(false);
        }
        let Some(entry) = evidence.log_entry() else {
            let none = Failure::rejected(format!("{top}: the signature has no entry of a transparency log"));
            return Err(match self.whom {
                TrustedSigner::Key(_) => none.hint("--insecure-ignore-tlog accepts a signature by the key alone, as made with --tlog-upload=false"),
                TrustedSigner::Identity { .. } => none.hint("--insecure-ignore-tlog with --require-timestamp accepts one that has a timestamp instead"),
            });
        };
        let Some(root) = &self.root else {
            return Err(Failure::rejected(format!(
                "{top}: there is nothing to check the signature's transparency log entry against"
            ))
            .hint("--trusted-root names a file that knows the log; --insecure-ignore-tlog leaves the entry unchecked"));
        };
        if root.log_with_id(entry.log_id()).is_none() {
            return refuse(format!(
                "the signature has an entry in a transparency log that the trusted root does not know (log ID {})",
                entry.log_id()
            ));
        }
        match entry.misfit(evidence) {
            Some(why) => refuse(format!("the signature's transparency log entry {why}")),
            None => Ok(true),
        }
    }

    /// Whether only a timestamp shows that the certificate counted when it signed.
    fn needs_a_timestamp(&self, evidence: &Evidence) -> bool {
        let is_v2 = |entry: &LogEntry| entry.version() == RekorVersion::V2;
        matches!(self.whom, TrustedSigner::Identity { .. }) && evidence.log_entry().is_some_and(is_v2)
    }

    /// Whether cosign is asked about the timestamp.
    fn timestamp(&self, top: &str, evidence: &Evidence) -> Result<bool> {
        let Some(policy) = self.timestamp else { return Ok(false) };
        let refuse = |what: &str| Err(Failure::rejected(format!("{top}: the signature{what}")));
        let is_known = |timestamp| self.root.as_ref().is_some_and(|root| root.knows(timestamp));
        match (evidence.timestamp().map(is_known), policy) {
            (Some(true), _) => Ok(true),
            (None, TimestampPolicy::Required) => refuse(" has no timestamp"),
            (Some(false), TimestampPolicy::Required) => {
                refuse("'s timestamp is of an authority that the trusted root does not know")
            }
            (None | Some(false), TimestampPolicy::IfKnown) if self.needs_a_timestamp(evidence) => refuse(
                " shows nowhere when it was made: a log of Rekor v2 does not state it, and there is no timestamp of an authority that the trusted root knows",
            ),
            (None | Some(false), TimestampPolicy::IfKnown) => Ok(false),
        }
    }
}

/// Asks the key manager, and says so.
fn ask(reference: &KeyRef, key: &SigningKey, cosign: &Cosign<'_>, context: &Context) -> Result<PublicKey> {
    context.printer.warning(&format!("asking {reference} for its public key, once"));
    cosign.public_key(key)
}

/// The public key in a file that the operator named, outside of every bundle.
fn key_file(path: &Utf8Path, bundles: &[Utf8PathBuf]) -> Result<PublicKey> {
    let content = small_file::read(path, KEY_SIZE_LIMIT, Links::Follow)
        .map_err(|why| Failure::usage(format!("--key {path} {why}")))?;
    for bundle in bundles {
        if lies_in(path, bundle).with_context(|| format!("look at {path}"))? {
            return Err(Failure::usage(format!(
                "--key {path} lies in the bundle {bundle}, and proves nothing about it"
            ))
            .hint("use a key that reached you another way"));
        }
    }
    PublicKey::from_pem(&content).map_err(|why| {
        Failure::usage(format!("--key {path} {why}"))
            .hint("`cosign public-key --key REF --outfile cosign.pub` writes the public key of a signer")
    })
}
