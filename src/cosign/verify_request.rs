//! What cosign is asked to verify: the signer, and whether log entry and timestamp are checked. Pure.

use super::capability::Dialect;
use crate::plan::verify::Pattern;
use crate::sigstore::RekorVersion;
use crate::sigstore::evidence::{Evidence, LogEntry, SignedBy};
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::trusted_root::TrustedRoot;

/// A request to `cosign verify-blob`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerifyRequest<'a> {
    /// The signer that the signature must be of.
    pub(crate) by: VerifyAs<'a>,
    /// What log entries, certificates and timestamps are checked against; `None` if none is checked.
    pub(crate) root: Option<&'a TrustedRoot>,
    /// Whether the log entry is checked. If not, cosign does not see it.
    pub(crate) log: bool,
    /// Whether the timestamp is checked. If not, cosign does not see it.
    pub(crate) timestamp: bool,
}

/// The signer that a signature must be of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VerifyAs<'a> {
    /// The holder of this key.
    Key(&'a PublicKey),
    /// The identity in a certificate.
    Identity {
        /// Its name.
        identity: &'a Pattern,
        /// The OIDC issuer of that name.
        issuer: &'a Pattern,
    },
}

impl VerifyRequest<'_> {
    /// Whether `evidence` names the signer of this request.
    pub(crate) fn suits(&self, evidence: &Evidence) -> bool {
        match (self.by, evidence.signer()) {
            (VerifyAs::Key(key), SignedBy::Key(hint)) => *hint == key.sha256(),
            (VerifyAs::Identity { .. }, SignedBy::Certificate(_)) => true,
            (VerifyAs::Key(_), SignedBy::Certificate(_)) | (VerifyAs::Identity { .. }, SignedBy::Key(_)) => {
                false
            }
        }
    }

    /// Why a cosign of this dialect cannot verify `evidence`: the end of a sentence that begins with the cosign,
    /// and the releases that can.
    pub(crate) fn is_beyond(
        &self,
        dialect: Dialect,
        evidence: &Evidence,
    ) -> Option<(&'static str, &'static str)> {
        let of_identity = matches!(self.by, VerifyAs::Identity { .. });
        let entry = evidence.log_entry().filter(|_| self.log);
        match dialect {
            Dialect::LegacyBundle if of_identity => {
                Some(("cannot read the certificate of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::LegacyBundle if self.log => {
                Some(("cannot read the log entry of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::LegacyBundle if self.timestamp => {
                Some(("cannot read the timestamp of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::BundleFlag if entry.is_some_and(|entry| entry.version() == RekorVersion::V2) => {
                Some(("cannot verify log entries of Rekor v2", "2.6 or later"))
            }
            Dialect::BundleFlag if entry.is_some_and(LogEntry::is_first) => {
                Some(("rejects the first entry of a log as damaged", "2.6 or later"))
            }
            Dialect::LegacyBundle | Dialect::BundleFlag | Dialect::SigningConfig => None,
        }
    }
}
