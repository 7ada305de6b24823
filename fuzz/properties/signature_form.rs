//! Whatever the form of a signature file, what cosign gets is a Sigstore bundle of the same signature, which is
//! read again as the same evidence.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{is_one_plain_line, json};
use crate::digest::Sha256Digest;
use crate::sigstore::evidence::{Evidence, SignatureForm, SignedBy, shows_upload};
use crate::sigstore::public_key::PublicKey;

const KEY: &[u8] = include_bytes!("../../fixtures/keys/throwaway.pub");

pub(super) fn holds(text: &[u8]) {
    match SignatureForm::parse(text) {
        Ok(SignatureForm::Complete(evidence)) => {
            is_the_signature(&evidence, text);
            is_read_again(&evidence);
        }
        Ok(SignatureForm::WithoutHint(signature)) => {
            assert!(Evidence::parse(text).is_err());
            let digest = Sha256Digest::of(text);
            let Ok(key) = PublicKey::from_pem(KEY) else { panic!("a good key") };
            match signature.by(&key, digest) {
                Ok(evidence) => {
                    assert_eq!(evidence.signer(), &SignedBy::Key(key.sha256()));
                    assert!(evidence.log_entry().is_some() || evidence.digest() == digest);
                    is_the_signature(&evidence, text);
                    is_read_again(&evidence);
                }
                Err(why) => is_one_plain_line(&why.to_string()),
            }
        }
        Err(why) => is_one_plain_line(&why.to_string()),
    }
}

/// What was read is in the file, where no other reader finds something else.
fn is_the_signature(evidence: &Evidence, text: &[u8]) {
    let signature = evidence.signature_base64();
    let Ok(value) = serde_json::from_slice::<Value>(text) else {
        let joined: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
        assert_eq!(STANDARD.decode(&joined).ok(), STANDARD.decode(&signature).ok());
        return;
    };
    assert!(json::is_unambiguous(text));
    let fields = ["/base64Signature", "/messageSignature/signature"];
    let found: Vec<_> = fields.iter().filter_map(|field| value.pointer(field)).collect();
    assert_eq!(found, [&Value::String(signature)]);
    if evidence
        .log_entry()
        .is_some_and(|entry| value.get("base64Signature").is_some() && entry.misfit(evidence).is_some())
    {
        panic!("an entry about another signature: {value}");
    }
}

fn is_read_again(evidence: &Evidence) {
    for (entry, timestamp) in [(true, true), (false, false)] {
        let seen = evidence.with_only(entry, timestamp);
        let written = seen.to_json();
        assert_eq!(shows_upload(&written), seen.log_entry().is_some() || seen.timestamp().is_some());
        let again = SignatureForm::parse(&written);
        match seen.signer() {
            // Such a signature needs a signing time.
            SignedBy::Certificate(_) if !shows_upload(&written) => assert!(again.is_err()),
            _ => assert_eq!(again, Ok(SignatureForm::Complete(seen))),
        }
    }
}
