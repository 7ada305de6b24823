//! What cosign is asked about a signature: by whom it has to be, and what of its evidence counts. Pure.

use super::capability::Dialect;
use crate::plan::verify::Pattern;
use crate::sigstore::evidence::{Evidence, LogEntry, SignedBy};
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::rekor_version::RekorVersion;
use crate::sigstore::trusted_root::TrustedRoot;

/// A question to `verify-blob`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerifyRequest<'a> {
    /// By whom the signature has to be.
    pub(crate) by: VerifyAs<'a>,
    /// What its evidence is held against; nothing if there is none that counts.
    pub(crate) root: Option<&'a TrustedRoot>,
    /// Whether it has to be in a log. If not, cosign does not see its entry.
    pub(crate) log: bool,
    /// Whether its timestamp has to be true. If not, cosign does not see it.
    pub(crate) timestamp: bool,
}

/// By whom a signature has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum VerifyAs<'a> {
    /// The holder of this key.
    Key(&'a PublicKey),
    /// Somebody with a certificate.
    Identity {
        /// For this name,
        identity: &'a Pattern,
        /// for which this issuer vouched.
        issuer: &'a Pattern,
    },
}

impl VerifyRequest<'_> {
    /// Whether `evidence` is of the kind that is asked about.
    pub(crate) fn suits(&self, evidence: &Evidence) -> bool {
        match (self.by, evidence.signer()) {
            (VerifyAs::Key(key), SignedBy::Key(hint)) => *hint == key.sha256(),
            (VerifyAs::Identity { .. }, SignedBy::Certificate(_)) => true,
            (VerifyAs::Key(_), SignedBy::Certificate(_)) | (VerifyAs::Identity { .. }, SignedBy::Key(_)) => {
                false
            }
        }
    }

    /// Why a cosign of this dialect cannot answer about `evidence`: the end of a sentence that begins with
    /// the cosign, and the releases that can.
    pub(crate) fn is_beyond(
        &self,
        dialect: Dialect,
        evidence: &Evidence,
    ) -> Option<(&'static str, &'static str)> {
        let of_identity = matches!(self.by, VerifyAs::Identity { .. });
        let entry = evidence.log_entry().filter(|_| self.log);
        match dialect {
            Dialect::LegacyBundle if of_identity => {
                Some(("reads no certificate of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::LegacyBundle if self.log => {
                Some(("reads no log entry of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::LegacyBundle if self.timestamp => {
                Some(("reads no timestamp of a Sigstore bundle", "2.4 or later"))
            }
            Dialect::BundleFlag if entry.is_some_and(|entry| entry.version() == RekorVersion::V2) => {
                Some(("does not know the entries of Rekor v2", "2.6 or later"))
            }
            Dialect::BundleFlag if entry.is_some_and(LogEntry::is_first) => {
                Some(("takes the first entry of a log for a damaged one", "2.6 or later"))
            }
            Dialect::LegacyBundle | Dialect::BundleFlag | Dialect::SigningConfig => None,
        }
    }
}
