//! A valid signature file is written again as the same JSON, and read from that as the same
//! evidence. So no field is overlooked that cosign would read.

use super::{is_one_plain_line, json};
use crate::digest::Sha256Digest;
use crate::sigstore::evidence::{Evidence, Legacy, SignedBy, shows_upload};

pub(super) fn holds(text: &[u8]) {
    let legacy = Legacy::parse(text);
    // cosign reads a file with both forms as the legacy form (GHSA-fx35-mq7g-6g98).
    assert!(legacy.is_err() || Evidence::parse(text).is_err());
    match legacy {
        Ok(legacy) => {
            assert!(!legacy.signature.is_empty());
            assert!(!legacy.is_logged || shows_upload(text));
            is_made_into_a_bundle(legacy.signature, text);
        }
        Err(why) => is_one_plain_line(&why.to_string()),
    }
    match Evidence::parse(text) {
        Ok(evidence) => is_read_whole(&evidence, text),
        Err(why) => is_one_plain_line(&why.to_string()),
    }
}

fn is_read_whole(evidence: &Evidence, text: &[u8]) {
    let written = evidence.to_json();
    assert_eq!(Evidence::parse(&written).as_ref(), Ok(evidence));
    let value = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).ok();
    assert!(value(text).is_some() && value(text) == value(&written));
    assert!(json::is_unambiguous(text));

    let is_recorded = evidence.log_entry().is_some() || evidence.timestamp().is_some();
    assert_eq!(shows_upload(&written), is_recorded, "{}", String::from_utf8_lossy(&written));
    let bare = evidence.with_only(false, false);
    assert!(!shows_upload(&bare.to_json()));
    assert!(bare.log_entry().is_none() && bare.timestamp().is_none());
    let same = |one: &Evidence| (one.digest(), one.signer().clone(), one.signature_base64());
    assert_eq!(same(&bare), same(evidence));
    match evidence.signer() {
        SignedBy::Key(_) => assert_eq!(Evidence::parse(&bare.to_json()), Ok(bare)),
        // Such a signature needs a signing time.
        SignedBy::Certificate(identity) => {
            assert!(is_recorded && Evidence::parse(&bare.to_json()).is_err());
            assert!(!identity.identity().is_empty() && !identity.issuer().is_empty());
        }
    }
    if let Some(why) = evidence.log_entry().and_then(|entry| entry.misfit(evidence)) {
        is_one_plain_line(why);
    }
}

/// The output of 2.0 to 2.3 becomes a file in the one form.
fn is_made_into_a_bundle(signature: Vec<u8>, text: &[u8]) {
    let digest = Sha256Digest::of(text);
    let made = Evidence::by_key(signature, digest, Sha256Digest::of(b"key"));
    let Ok(made) = made else { panic!("{made:?}") };
    assert_eq!(Evidence::parse(&made.to_json()).as_ref(), Ok(&made));
    assert_eq!((made.digest(), made.signer()), (digest, &SignedBy::Key(Sha256Digest::of(b"key"))));
}
