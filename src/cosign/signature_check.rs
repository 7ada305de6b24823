//! The check of a signature that cosign has just made: how it was recorded, what it is over, and who made it. Pure.
//! `cosign verify-blob` comes after it.

use super::recording_services::{PrivateServices, RecordingServices};
use crate::digest::Sha256Digest;
use crate::sigstore::evidence::{Evidence, SignedBy};

/// The signature that was requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignatureCheck<'a> {
    /// Over the manifest with this digest.
    pub(crate) manifest: Sha256Digest,
    /// By this key; by a certificate if there is none.
    pub(crate) key: Option<Sha256Digest>,
    /// Recorded with these services and with no others.
    pub(crate) services: &'a RecordingServices,
}

/// The end of a sentence about a signature that shows an upload.
pub(crate) const UPLOADED: &str =
    ": it was uploaded although the plan forbids that, and this cannot be undone";

impl SignatureCheck<'_> {
    /// How `evidence` differs from it: a sentence. An upload, which cannot be undone, comes first.
    pub(crate) fn refutes(&self, evidence: &Evidence) -> Option<String> {
        let Self { manifest, key, services } = *self;
        services.is_recorded_otherwise(evidence).or_else(|| {
            if evidence.digest() != manifest {
                return Some("the signature is over something other than the manifest".into());
            }
            match (key, evidence.signer()) {
                (Some(key), SignedBy::Key(hint)) if *hint == key => None,
                (Some(_), SignedBy::Key(_)) => Some(
                    "the signature was made by another key; if the key was just rotated, run this again"
                        .into(),
                ),
                (Some(_), SignedBy::Certificate(_)) => Some("the signature was made by another key".into()),
                (None, SignedBy::Certificate(_)) => None,
                (None, SignedBy::Key(_)) => Some("the signature has no certificate of an identity".into()),
            }
        })
    }
}

impl RecordingServices {
    /// How the signature was recorded otherwise than with these services: a sentence.
    pub(crate) fn is_recorded_otherwise(&self, evidence: &Evidence) -> Option<String> {
        let (entry, timestamp) = (evidence.log_entry(), evidence.timestamp());
        match (self.has_log(), entry.is_none()) {
            (false, false) => {
                return Some(format!("the signature carries an entry of a transparency log{UPLOADED}"));
            }
            (true, true) => return Some("the signature has no entry of a transparency log".into()),
            (true, false) | (false, true) => {}
        }
        match (self.has_timestamp(), timestamp.is_none()) {
            (false, false) => {
                return Some(
                    "the signature carries a timestamp although none was requested: a timestamp authority has seen its digest, and this cannot be undone"
                        .into(),
                );
            }
            (true, true) => return Some("the signature has no timestamp".into()),
            (true, false) | (false, true) => {}
        }
        let Self::Private(private) = self else { return None };
        let PrivateServices { config, root, now: _ } = &**private;
        let is_of_a_named_log =
            |id| config.logs().iter().flat_map(|log| root.logs_at(log.url())).any(|log| log.id() == id);
        if entry.is_some_and(|entry| !is_of_a_named_log(entry.log_id())) {
            return Some(
                "the signature was recorded in another log than the one named: its log ID is not the one that the trusted root has for that address, and this cannot be undone"
                    .into(),
            );
        }
        if timestamp.is_some_and(|timestamp| !root.knows(timestamp)) {
            return Some("the timestamp authority of the signature is not in the trusted root".into());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigstore::signing_config::SigningConfig;
    use crate::sigstore::trusted_root::TrustedRoot;

    const ROOT: &str = include_str!("../../fixtures/sigstore/trusted-root.json");
    const KEY_ONLY: &str = include_str!("../../fixtures/evidence/key.json");
    const REKOR_V1: &str = include_str!("../../fixtures/evidence/key-rekor-v1.json");
    const REKOR_V2_TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-rekor-v2-timestamp.json");
    const TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-timestamp.json");
    const KEYLESS: &str = include_str!("../../fixtures/evidence/keyless-rekor-v1.json");

    fn evidence(text: &str) -> Evidence {
        Evidence::parse(text.as_bytes()).expect(text)
    }

    fn private(config: &str, root: &str) -> RecordingServices {
        let config = SigningConfig::parse(config.as_bytes()).expect(config);
        let root = TrustedRoot::parse(root.as_bytes()).expect(root);
        RecordingServices::Private(Box::new(PrivateServices { config, root, now: 0 }))
    }

    #[test]
    fn a_signature_is_recorded_with_the_named_services_and_no_others() {
        let uploaded = "the signature carries an entry of a transparency log: it was uploaded although the plan forbids that, and this cannot be undone";
        let stamped = "the signature carries a timestamp although none was requested: a timestamp authority has seen its digest, and this cannot be undone";
        let no_entry = "the signature has no entry of a transparency log";
        let no_timestamp = "the signature has no timestamp";
        let other_log = "the signature was recorded in another log than the one named: its log ID is not the one that the trusted root has for that address, and this cannot be undone";
        let other_authority = "the timestamp authority of the signature is not in the trusted root";

        let timestamp = include_str!("../../fixtures/sigstore/signing-config-timestamp.json");
        let v1 = include_str!("../../fixtures/sigstore/signing-config-keyless-rekor-v1.json");
        let v1_timestamp = include_str!("../../fixtures/sigstore/signing-config-rekor-v1-timestamp.json");
        let v2_timestamp =
            include_str!("../../fixtures/sigstore/signing-config-keyless-rekor-v2-timestamp.json");
        let (before, _) = ROOT.split_once(",\"timestampAuthorities\":").unwrap();
        let no_authority = format!("{before}}}");
        for (services, text, sentence) in [
            (&RecordingServices::NotRecorded, KEY_ONLY, None),
            (&RecordingServices::NotRecorded, REKOR_V1, Some(uploaded)),
            (&RecordingServices::NotRecorded, REKOR_V2_TIMESTAMP, Some(uploaded)),
            (&RecordingServices::NotRecorded, TIMESTAMP, Some(stamped)),
            (&RecordingServices::Public, REKOR_V1, None),
            (&RecordingServices::Public, KEYLESS, None),
            (&RecordingServices::Public, KEY_ONLY, Some(no_entry)),
            (&RecordingServices::Public, TIMESTAMP, Some(no_entry)),
            (&RecordingServices::Public, REKOR_V2_TIMESTAMP, Some(stamped)),
            (&private(timestamp, ROOT), TIMESTAMP, None),
            (&private(timestamp, ROOT), KEY_ONLY, Some(no_timestamp)),
            (&private(timestamp, ROOT), REKOR_V2_TIMESTAMP, Some(uploaded)),
            (&private(timestamp, &no_authority), TIMESTAMP, Some(other_authority)),
            (&private(v1, ROOT), REKOR_V1, None),
            (&private(v1, ROOT), KEYLESS, None),
            (&private(v1, ROOT), KEY_ONLY, Some(no_entry)),
            (&private(v1, ROOT), REKOR_V2_TIMESTAMP, Some(stamped)),
            (&private(v1_timestamp, ROOT), REKOR_V1, Some(no_timestamp)),
            (&private(v1_timestamp, ROOT), REKOR_V2_TIMESTAMP, Some(other_log)),
            (&private(v2_timestamp, ROOT), REKOR_V2_TIMESTAMP, None),
            (&private(v2_timestamp, ROOT), TIMESTAMP, Some(no_entry)),
            (&private(v2_timestamp, &no_authority), REKOR_V2_TIMESTAMP, Some(other_authority)),
        ] {
            let otherwise = services.is_recorded_otherwise(&evidence(text));
            assert_eq!(otherwise.as_deref(), sentence, "{services:?} {text}");
        }
    }

    #[test]
    fn a_signature_is_over_the_manifest_and_by_the_signer() {
        let by_key = evidence(KEY_ONLY);
        let &SignedBy::Key(key) = by_key.signer() else { panic!("{KEY_ONLY}") };
        let by_identity = evidence(KEYLESS);
        let other_key = Sha256Digest::of(b"another key");
        let another = "the signature was made by another key";
        let rotated = format!("{another}; if the key was just rotated, run this again");
        let (none, public) = (RecordingServices::NotRecorded, RecordingServices::Public);
        for (evidence, key, services, sentence) in [
            (&by_key, Some(key), &none, None),
            (&by_key, Some(other_key), &none, Some(rotated.as_str())),
            (&by_key, None, &none, Some("the signature has no certificate of an identity")),
            (&by_identity, None, &public, None),
            (&by_identity, Some(key), &public, Some(another)),
            // What cannot be undone comes first.
            (
                &by_identity,
                Some(key),
                &none,
                Some(
                    "the signature carries an entry of a transparency log: it was uploaded although the plan forbids that, and this cannot be undone",
                ),
            ),
        ] {
            let check = SignatureCheck { manifest: evidence.digest(), key, services };
            assert_eq!(check.refutes(evidence).as_deref(), sentence);
        }
        let check = SignatureCheck { manifest: Sha256Digest::of(b"x"), key: Some(key), services: &none };
        let sentence = "the signature is over something other than the manifest";
        assert_eq!(check.refutes(&by_key).as_deref(), Some(sentence));
    }
}
