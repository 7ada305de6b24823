//! A log entry belongs to a signature only if the recorded body has its digest and its signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::is_one_plain_line;
use super::sample::LOGGED;
use crate::sigstore::evidence::Evidence;

pub(super) fn holds(body: &[u8]) {
    for sample in &*LOGGED {
        let evidence = match Evidence::parse(&sample.with(body)) {
            Ok(evidence) => evidence,
            Err(why) => {
                assert!(body.is_empty());
                is_one_plain_line(&why.to_string());
                continue;
            }
        };
        let Some(entry) = evidence.log_entry() else { panic!("{evidence:?}") };
        if let Some(why) = entry.misfit(&evidence) {
            is_one_plain_line(why);
            assert_ne!(body, sample.value);
            continue;
        }
        let body = serde_json::from_slice(body).unwrap_or_default();
        let digest = evidence.digest();
        let digest_is_there =
            contains(&body, &digest.to_string()) || contains(&body, &STANDARD.encode(digest.as_bytes()));
        assert!(digest_is_there && contains(&body, &evidence.signature_base64()), "{body}");
    }
}

/// Whether this text is a value anywhere in it.
fn contains(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string == text,
        Value::Array(items) => items.iter().any(|item| contains(item, text)),
        Value::Object(fields) => fields.values().any(|field| contains(field, text)),
        _ => false,
    }
}
