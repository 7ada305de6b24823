//! Log entries: their log, their version, what they are about, and which are refused.

use serde_json::{Value, json};

use super::*;
use crate::sigstore::RekorVersion;
use crate::sigstore::trusted_root::Log;

const ROOT: &[u8] = include_bytes!("../../../../fixtures/sigstore/trusted-root.json");

/// The fixture with another value at `pointer` below its log entry, or with none there.
fn with(text: &str, pointer: &str, value: Option<Value>) -> String {
    changed(text, &format!("/verificationMaterial/tlogEntries/0{pointer}"), value)
}

fn entry(text: &str) -> LogEntry {
    parsed(text).log_entry().unwrap().clone()
}

#[test]
fn an_entry_has_its_log_its_version_and_its_time() {
    let root = TrustedRoot::parse(ROOT).unwrap();
    for (text, version, is_first, time) in [
        (REKOR_V1, RekorVersion::V1, true, Some(1_795_401_259)),
        (REKOR_V2_TIMESTAMP, RekorVersion::V2, false, None),
        (KEYLESS, RekorVersion::V1, false, Some(1_795_401_262)),
        (KEYLESS_V2_TIMESTAMP, RekorVersion::V2, false, None),
    ] {
        let entry = entry(text);
        assert_eq!((entry.version(), entry.is_first()), (version, is_first));
        assert_eq!(entry.integrated_time(), time);
        assert_eq!(root.log_with_id(entry.log_id()).map(Log::version), Some(version));
        assert_eq!(entry.misfit(&parsed(text)), None);
    }
}

#[test]
fn an_entry_about_another_signature_is_well_formed() {
    let signature = "is about another signature";
    let [key, keyless] = [REKOR_V1, KEYLESS].map(parsed);
    assert_eq!(key.log_entry().unwrap().misfit(&keyless), Some(signature));
    assert_eq!(keyless.log_entry().unwrap().misfit(&key), Some(signature));
    assert_eq!(entry(REKOR_V2_TIMESTAMP).misfit(&key), Some(signature));

    let digest = Sha256Digest::of(b"another");
    let other = Evidence::by_key(vec![7], digest, digest).unwrap();
    let manifest = "is about another file than the manifest";
    assert_eq!(key.log_entry().unwrap().misfit(&other), Some(manifest));
    assert_eq!(entry(REKOR_V2_TIMESTAMP).misfit(&other), Some(manifest));
}

#[test]
fn an_entry_with_a_changed_body_cannot_be_read() {
    for text in [REKOR_V1, REKOR_V2_TIMESTAMP] {
        let pointer = "/verificationMaterial/tlogEntries/0/canonicalizedBody";
        let bundle: Value = serde_json::from_str(text).unwrap();
        let body = STANDARD.decode(bundle.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
        let body = String::from_utf8(body).unwrap();
        let about = |body: &str| {
            let text = changed(text, pointer, Some(json!(STANDARD.encode(body))));
            parsed(&text).log_entry().unwrap().misfit(&parsed(&text))
        };
        assert_eq!(about(&body), None);
        for other in [
            "x".to_owned(),
            "{}".to_owned(),
            "[".repeat(1000),
            body.replace("hashedrekord\"", "dsse\""),
            body.replace("0.0.", "0.1."),
            body.replace("sha256", "sha512").replace("SHA2_256", "SHA2_512"),
            body.replace("\"value\":\"", "\"value\":\"00").replace("\"digest\":\"", "\"digest\":\"AAAA"),
            body.replace("\"content\":", "\"contents\":"),
            body.replace("\"content\":\"", "\"content\":\"!"),
            body.replace("\"signature\":{", "\"signature\":[{").replace("}}}}", "}}}]}"),
        ] {
            assert_ne!(other, body);
            assert_eq!(about(&other), Some("has a body that cannot be read"), "{other}");
        }
    }
}

/// cosign compares none of these for a Rekor 2 entry.
#[test]
fn the_parts_of_an_entry_must_match() {
    let mismatch = Some("has an inclusion proof that does not match its checkpoint or index");
    let misfit = |text: &str| entry(text).misfit(&parsed(text));
    for (text, index) in [(KEYLESS, None), (REKOR_V2_TIMESTAMP, mismatch)] {
        let root = json!(STANDARD.encode([7; 32]));
        let pointer = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
        let bundle: Value = serde_json::from_str(text).unwrap();
        let checkpoint = bundle.pointer(pointer).unwrap().as_str().unwrap();
        let mut lines: Vec<_> = checkpoint.lines().collect();
        lines[1] = "07";
        for (pointer, value, expected) in [
            ("/inclusionProof/rootHash", root, mismatch),
            ("/inclusionProof/treeSize", json!("7"), mismatch),
            ("/inclusionProof/checkpoint/envelope", json!("x"), mismatch),
            ("/inclusionProof/checkpoint/envelope", json!(lines.join("\n")), mismatch),
            ("/inclusionProof/checkpoint/envelope", json!(format!("\n{checkpoint}")), mismatch),
            ("/inclusionProof/logIndex", json!("7"), index),
            ("/logIndex", json!("7"), index),
            ("/inclusionProof/checkpoint/envelope", json!(checkpoint), None),
        ] {
            assert_eq!(misfit(&with(text, pointer, Some(value))), expected, "{pointer}");
        }
    }
}

#[test]
fn what_may_be_left_out() {
    // The promise of Rekor 1 is not needed, because there is a proof.
    let entry_alone = entry(&with(KEYLESS, "/inclusionPromise", None));
    assert_eq!(entry_alone, entry(KEYLESS));
    // The first entry of a log: protobuf leaves out 0.
    for pointer in ["/logIndex", "/inclusionProof/logIndex", "/inclusionProof/hashes"] {
        for text in [KEYLESS, REKOR_V2_TIMESTAMP] {
            let text = with(text, pointer, None);
            assert_eq!(entry(&text).is_first(), pointer == "/logIndex");
        }
    }
}

#[test]
fn a_malformed_entry_is_refused_with_its_reason() {
    let short = json!("AAAA");
    for (text, pointer, value, reason) in [
        (KEYLESS, "/kindVersion/kind", Some(json!("dsse")), "of kind `dsse`, not hashedrekord"),
        (KEYLESS, "/kindVersion/kind", Some(json!("\u{1b}")), "of kind `\\u{1b}`, not hashedrekord"),
        (KEYLESS, "/kindVersion/version", Some(json!("0.0.3")), "of version `0.0.3`, not 0.0.1 or 0.0.2"),
        (KEYLESS, "/kindVersion/version", Some(json!("")), "of version ``, not 0.0.1 or 0.0.2"),
        (KEYLESS, "/logId/keyId", Some(short.clone()), "with a log ID that is not 32 bytes"),
        (KEYLESS, "/inclusionProof", None, "without an inclusion proof"),
        (REKOR_V2_TIMESTAMP, "/inclusionProof", None, "without an inclusion proof"),
        (KEYLESS, "/inclusionProof/hashes", Some(json!([])), "with an empty list of hashes"),
        (KEYLESS, "/inclusionProof/hashes", Some(json!(vec![short.clone(); 65])), "with more than 64 hashes"),
        (KEYLESS, "/inclusionProof/hashes/0", Some(short.clone()), "with a hash that is not 32 bytes"),
        (KEYLESS, "/inclusionProof/rootHash", Some(short), "with a hash that is not 32 bytes"),
        (KEYLESS, "/inclusionProof/checkpoint/envelope", Some(json!("")), "with an empty checkpoint"),
        (KEYLESS, "/integratedTime", None, "of Rekor v1 without an integrated time"),
        (
            KEYLESS,
            "/inclusionPromise/signedEntryTimestamp",
            Some(json!("")),
            "with an empty inclusion promise",
        ),
        (KEYLESS, "/kindVersion/version", Some(json!("0.0.2")), "of Rekor v2 with an integrated time"),
        (
            REKOR_V2_TIMESTAMP,
            "/kindVersion/version",
            Some(json!("0.0.1")),
            "of Rekor v1 without an integrated time",
        ),
        (KEYLESS, "/canonicalizedBody", Some(json!("")), "with an empty body"),
    ] {
        assert_eq!(refused(&with(text, pointer, value)), format!("has a log entry {reason}"));
    }
    let v2 = with(&with(KEYLESS, "/integratedTime", None), "/kindVersion/version", Some(json!("0.0.2")));
    assert_eq!(refused(&v2), "has a log entry of Rekor v2 with an inclusion promise");
    for (pointer, number) in [
        ("/logIndex", json!("0")),
        ("/inclusionProof/logIndex", json!("0")),
        ("/inclusionProof/treeSize", json!("0")),
        ("/integratedTime", json!("-1")),
        ("/integratedTime", json!("9223372036854775808")),
        ("/logIndex", json!("+2")),
        ("/logIndex", json!(" 2")),
        ("/logIndex", json!("02")),
        ("/logIndex", json!("")),
    ] {
        let reason = "is not a Sigstore bundle: a number that is not a decimal string above 0";
        assert_eq!(refused(&with(KEYLESS, pointer, Some(number))), reason);
    }
    assert!(refused(&with(KEYLESS, "/logIndex", Some(json!(2)))).contains("invalid type: integer `2`"));
}

/// cosign accepts several if one of them verifies.
#[test]
fn there_is_at_most_one_entry() {
    let bundle: Value = serde_json::from_str(KEYLESS).unwrap();
    let one = bundle.pointer("/verificationMaterial/tlogEntries/0").unwrap().clone();
    let mut other = one.clone();
    other["logIndex"] = json!("7");
    for second in [&one, &other] {
        let two = changed(KEYLESS, "/verificationMaterial/tlogEntries", Some(json!([one, second])));
        assert_eq!(refused(&two), "has more than one log entry");
    }
}
