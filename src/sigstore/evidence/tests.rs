//! What is read as evidence, and what is refused for which reason.

mod identities;
mod log_entries;
mod mutations;
mod other_forms;
mod timestamps;

use serde_json::Value;

use super::*;
use crate::error::Class;
use crate::sigstore::certificate::Certificate;
use crate::sigstore::der_fields::{DerFields, constructed};
use crate::sigstore::trusted_root::TrustedRoot;

const KEY_ONLY: &str = include_str!("../../../fixtures/evidence/key.json");
const REKOR_V1: &str = include_str!("../../../fixtures/evidence/key-rekor-v1.json");
const REKOR_V2_TIMESTAMP: &str = include_str!("../../../fixtures/evidence/key-rekor-v2-timestamp.json");
const TIMESTAMP: &str = include_str!("../../../fixtures/evidence/key-timestamp.json");
const KEYLESS: &str = include_str!("../../../fixtures/evidence/keyless-rekor-v1.json");
const KEYLESS_V2_TIMESTAMP: &str = include_str!("../../../fixtures/evidence/keyless-rekor-v2-timestamp.json");
const KEYLESS_TIMESTAMP: &str = include_str!("../../../fixtures/evidence/keyless-timestamp.json");
const LEGACY: &str = include_str!("../../../fixtures/evidence/legacy.json");

fn parsed(text: &str) -> Evidence {
    Evidence::parse(text.as_bytes()).expect(text)
}

/// JSON with another value at `pointer`, or with none there.
fn changed(text: &str, pointer: &str, value: Option<Value>) -> String {
    let mut whole: Value = serde_json::from_str(text).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match (whole.pointer_mut(parent).expect(pointer), value) {
        (Value::Object(fields), None) => drop(fields.remove(name).expect(pointer)),
        (Value::Array(list), None) => drop(list.remove(name.parse().unwrap())),
        (_, Some(value)) => *whole.pointer_mut(pointer).expect(pointer) = value,
        (other, None) => panic!("{pointer}: {other}"),
    }
    whole.to_string()
}

/// The DER of a value, by its tag.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}

fn refused(text: &str) -> String {
    Evidence::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_cosign_writes_is_read_and_written_again_to_the_byte() {
    for (text, entry, timestamp) in [
        (KEY_ONLY, false, false),
        (REKOR_V1, true, false),
        (REKOR_V2_TIMESTAMP, true, true),
        (TIMESTAMP, false, true),
        (KEYLESS, true, false),
        (KEYLESS_V2_TIMESTAMP, true, true),
        (KEYLESS_TIMESTAMP, false, true),
    ] {
        let evidence = parsed(text);
        assert_eq!((evidence.log_entry().is_some(), evidence.timestamp().is_some()), (entry, timestamp));
        assert_eq!(String::from_utf8(evidence.to_json()).unwrap(), text);
    }
}

#[test]
fn cosign_gets_only_what_it_has_to_verify() {
    let whole = parsed(REKOR_V2_TIMESTAMP);
    for (log_entries, timestamps) in [(true, true), (true, false), (false, true), (false, false)] {
        let only = whole.with_only(log_entries, timestamps);
        assert_eq!(only.log_entry().is_some(), log_entries);
        assert_eq!(only.timestamp().is_some(), timestamps);
        assert_eq!(Evidence::parse(&only.to_json()), Ok(only));
    }
    assert_eq!(whole.with_only(true, true), whole);
    assert_eq!(KEY_ONLY.len(), 383);
    assert_eq!(parsed(KEY_ONLY).with_only(false, false).to_json(), KEY_ONLY.as_bytes());
}

#[test]
fn the_old_form_becomes_the_new_one() {
    let Legacy { signature, is_logged } = Legacy::parse(LEGACY.as_bytes()).unwrap();
    assert!(!is_logged);
    let (digest, key) = (Sha256Digest::of(b"blob"), Sha256Digest::of(b"key"));
    let evidence = Evidence::by_key(signature, digest, key).unwrap();
    assert_eq!(evidence.digest(), digest);
    assert_eq!(evidence.signer(), &SignedBy::Key(key));
    assert_eq!(Evidence::parse(&evidence.to_json()).unwrap(), evidence);
    assert_eq!(LEGACY, format!(r#"{{"base64Signature":"{}"}}"#, evidence.signature_base64()));
}

#[test]
fn an_upload_shows_in_the_old_form() {
    let text = r#"{"base64Signature":"AA==","rekorBundle":{"SignedEntryTimestamp":"AA=="}}"#;
    assert_eq!(Legacy::parse(text.as_bytes()), Ok(Legacy { signature: vec![0], is_logged: true }));
}

#[test]
fn the_old_form_with_anything_more_is_refused() {
    for text in [
        r#"{"base64Signature":"AA==","cert":"AA=="}"#,
        r#"{"base64Signature":"AA==","rekorBundle":null}"#,
        r#"{"base64Signature":""}"#,
        r#"{"base64Signature":"A"}"#,
        r#"["AA=="]"#,
        "",
        "{}",
    ] {
        assert!(Legacy::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn an_upload_shows_in_invalid_files_too() {
    for text in [
        REKOR_V1,
        TIMESTAMP,
        r#"{"base64Signature":"AA==","rekorBundle":null}"#,
        r#"{"TLOGENTRIES":["#,
        "\"rfc3161timestamps\" \u{fffd}",
    ] {
        assert!(shows_upload(text.as_bytes()), "{text}");
    }
    for text in [KEY_ONLY, LEGACY, "", "rekorBundle", "{\"tlogEntry\":[]}"] {
        assert!(!shows_upload(text.as_bytes()), "{text}");
    }
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    let legacy = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";
    let with = |from: &str, to: &str| {
        assert!(KEY_ONLY.contains(from), "{from}");
        KEY_ONLY.replacen(from, to, 1)
    };
    let hint = "E/4wUBhZMrHsQDfo+RQjZBQyAR2A2/1vlJTHEgQFLZA=";
    for (text, reason) in [
        (String::new(), "is empty"),
        (" \n".into(), "is empty"),
        (format!("\u{feff}{KEY_ONLY}"), "begins with a byte order mark"),
        (LEGACY.into(), legacy),
        (r#"{"base64Signature":"AA==","cert":"AA=="}"#.into(), legacy),
        (with("{\"mediaType\"", "{\"base64Signature\":\"AA==\",\"mediaType\""), legacy),
        (with("{\"mediaType\"", "{\"CERT\":\"AA==\",\"mediaType\""), legacy),
        (
            r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{}}"#.into(),
            "is a DSSE attestation about the manifest, not a signature over it",
        ),
        (with("v0.3+json", "v0.2+json"), "has a media type other than that of a Sigstore bundle v0.3"),
        (with("SHA2_256", "SHA2_512"), "is not a Sigstore bundle: unknown variant `SHA2_512`, expected `SHA2_256`"),
        (with("\"SHA2_256\"", "1"), "is not a Sigstore bundle: expected value"),
        (with("\"SHA2_256\"", "{\"SHA2_256\":null}"), "is not written in the form of a Sigstore bundle"),
        (with("DqRxSAapuBK+mIDE/w56rWqP0jk8/wzI3Fd4MTyaeQM=", ""), "has a message digest that is not 32 bytes"),
        (with("DqRxSAapuBK+", "DqRxSAapuBK-"), "is not a Sigstore bundle: a value that is not standard base64"),
        (with("eQM=", "eQM"), "is not a Sigstore bundle: a value that is not standard base64"),
        (with(hint, ""), "has a key hint that is not the base64 of a SHA-256"),
        (with(hint, "AAAA"), "has a key hint that is not the base64 of a SHA-256"),
        (with("{\"publicKey\":", "{\"tlogEntries\":[],\"publicKey\":"), "has an empty list of log entries"),
        (with("{\"publicKey\":", "{\"tlogEntries\":null,\"publicKey\":"), "is not a Sigstore bundle: invalid type: null, expected a sequence"),
        (with("{\"publicKey\":", "{\"timestampVerificationData\":{\"rfc3161Timestamps\":[]},\"publicKey\":"), "has an empty list of timestamps"),
        (with("{\"publicKey\":", "{\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\":"), "names both a key and a certificate"),
        (with("\"publicKey\":{\"hint\":\"E/4wUBhZMrHsQDfo+RQjZBQyAR2A2/1vlJTHEgQFLZA=\"}", ""), "names neither a key nor a certificate"),
        (format!("{KEY_ONLY}x"), "is not a Sigstore bundle: trailing characters"),
        (format!("[{KEY_ONLY}]"), "is not a Sigstore bundle: invalid type: map, expected a string"),
        (KEY_ONLY[..200].into(), "is cut off or damaged"),
        (KEY_ONLY[..1].into(), "is cut off or damaged"),
        (KEY_ONLY[..KEY_ONLY.len() - 1].into(), "is cut off or damaged"),
    ] {
        assert_eq!(refused(&text), reason, "{text}");
    }
    let snake = with("mediaType", "media_type");
    assert!(refused(&snake).starts_with("is not a Sigstore bundle: unknown field `media_type`"));
    let twice = with("{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\"");
    assert!(refused(&twice).starts_with("is not a Sigstore bundle: duplicate field `mediaType`"));
    let large = " ".repeat((1 << 20) - KEY_ONLY.len()) + KEY_ONLY;
    assert_eq!(parsed(&large), parsed(KEY_ONLY));
    assert_eq!(refused(&format!(" {large}")), "is larger than 1048576 bytes");
    let deep = "[".repeat(1 << 19);
    assert!(refused(&deep).starts_with("is not a Sigstore bundle: "));
    let cut_off = Evidence::parse(&KEY_ONLY.as_bytes()[..200]).unwrap_err();
    let failure = cut_off.failure(Class::Rejected, "B/signature");
    assert_eq!(
        (failure.message(), failure.way_out()),
        ("B/signature is cut off or damaged", Some("copy it again"))
    );
}

#[test]
fn an_array_in_place_of_an_object_is_refused() {
    let text = KEY_ONLY.replacen("{\"hint\":", "[", 1).replacen("LZA=\"}", "LZA=\"]", 1);
    assert_eq!(refused(&text), "is not written in the form of a Sigstore bundle");
}

#[test]
fn a_malformed_log_entry_is_refused() {
    for (from, to) in [
        ("\"treeSize\":\"2\"", "\"treeSize\":2"),
        ("\"treeSize\":\"2\"", "\"treeSize\":\"02\""),
        ("\"treeSize\":\"2\"", "\"treeSize\":\"-2\""),
        ("\"logId\":{", "\"logId\":{\"x\":1,"),
        ("\"kindVersion\":", "\"kindversion\":"),
        ("\"signedTimestamp\":\"", "\"signedTimestamp\":\"!"),
    ] {
        assert!(REKOR_V2_TIMESTAMP.contains(from), "{from}");
        assert!(Evidence::parse(REKOR_V2_TIMESTAMP.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_later_version_is_named_in_either_spelling() {
    let known = "application/vnd.dev.sigstore.bundle.v0.3+json";
    for (media_type, newer) in [
        ("application/vnd.dev.sigstore.bundle.v0.4+json", true),
        ("application/vnd.dev.sigstore.bundle.v0.10+json", true),
        ("application/vnd.dev.sigstore.bundle.v1+json", true),
        ("application/vnd.dev.sigstore.bundle+json;version=0.4", true),
        ("application/vnd.dev.sigstore.bundle+json;version=1.0", true),
        (known, false),
        ("application/vnd.dev.sigstore.bundle+json;version=0.3", false),
        ("application/vnd.dev.sigstore.bundle.v0.2+json", false),
        ("application/vnd.dev.sigstore.bundle.v0.x+json", false),
        ("application/vnd.dev.sigstore.bundle.v0.4", false),
        ("application/vnd.dev.sigstore.trustedroot+json;version=0.4", false),
        ("text/plain", false),
    ] {
        let text = KEY_ONLY.replace(known, media_type);
        assert_eq!(is_newer(text.as_bytes()), newer, "{media_type}");
        // Whatever other fields it has.
        let more = text.replacen('{', "{\"extra\":1,", 1);
        assert_eq!(is_newer(more.as_bytes()), newer, "{media_type}");
        let why = format!("is newer than this aicr knows (its media type is {media_type})");
        assert_eq!(Evidence::parse(more.as_bytes()).unwrap_err().to_string() == why, newer, "{media_type}");
    }
    for text in ["", "{}", "{\"mediaType\":4}", "[]"] {
        assert!(!is_newer(text.as_bytes()), "{text}");
    }
}
