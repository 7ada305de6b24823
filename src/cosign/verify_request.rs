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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_ONLY: &str = include_str!("../../fixtures/cosign/v3.1.3/bundle.json");
    const REKOR_V1: &str = include_str!("../../fixtures/evidence/key-rekor-v1.json");
    const REKOR_V2_TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-rekor-v2-timestamp.json");
    const TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-timestamp.json");
    const KEYLESS: &str = include_str!("../../fixtures/evidence/keyless-rekor-v1.json");

    const IDENTITY: VerifyAs<'_> = VerifyAs::Identity {
        identity: &Pattern::Exact(String::new()),
        issuer: &Pattern::Exact(String::new()),
    };

    fn key(pem: &str) -> PublicKey {
        PublicKey::from_pem(pem.as_bytes()).expect(pem)
    }

    fn evidence(text: &str) -> Evidence {
        Evidence::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn a_signature_suits_a_request_for_its_signer() {
        let ours = &key(include_str!("../../fixtures/keys/throwaway.pub"));
        let other = &key(include_str!("../../fixtures/keys/other.pub"));
        for (by, text, suits) in [
            (VerifyAs::Key(ours), KEY_ONLY, true),
            (VerifyAs::Key(other), KEY_ONLY, false),
            (VerifyAs::Key(ours), KEYLESS, false),
            (IDENTITY, KEYLESS, true),
            (IDENTITY, KEY_ONLY, false),
        ] {
            let request = VerifyRequest { by, root: None, log: false, timestamp: false };
            assert_eq!(request.suits(&evidence(text)), suits, "{by:?}: {text}");
        }
    }

    #[test]
    fn what_an_older_cosign_cannot_verify() {
        use Dialect::{BundleFlag, LegacyBundle, SigningConfig};

        let by_key = VerifyAs::Key(&key(include_str!("../../fixtures/keys/throwaway.pub")));
        let certificate = Some(("cannot read the certificate of a Sigstore bundle", "2.4 or later"));
        let log_entry = Some(("cannot read the log entry of a Sigstore bundle", "2.4 or later"));
        let stamp = Some(("cannot read the timestamp of a Sigstore bundle", "2.4 or later"));
        let rekor_v2 = Some(("cannot verify log entries of Rekor v2", "2.6 or later"));
        let first = Some(("rejects the first entry of a log as damaged", "2.6 or later"));
        // The entry of REKOR_V1 is the first one of its log, and that of KEYLESS is not.
        for (by, log, timestamp, text, beyond) in [
            (by_key, false, false, KEY_ONLY, [None, None]),
            (by_key, false, false, REKOR_V1, [None, None]),
            (by_key, false, false, REKOR_V2_TIMESTAMP, [None, None]),
            (by_key, false, true, TIMESTAMP, [stamp, None]),
            (by_key, true, false, REKOR_V1, [log_entry, first]),
            (by_key, true, true, REKOR_V2_TIMESTAMP, [log_entry, rekor_v2]),
            (IDENTITY, true, false, KEYLESS, [certificate, None]),
        ] {
            let request = VerifyRequest { by, root: None, log, timestamp };
            let beyond_each = beyond.into_iter().chain([None]);
            for (dialect, beyond) in [LegacyBundle, BundleFlag, SigningConfig].into_iter().zip(beyond_each) {
                assert_eq!(
                    request.is_beyond(dialect, &evidence(text)),
                    beyond,
                    "{dialect:?}: {request:?}: {text}"
                );
            }
        }
    }
}
