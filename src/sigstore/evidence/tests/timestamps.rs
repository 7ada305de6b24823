//! Timestamps: their authority, and which are refused.

use serde_json::{Value, json};

use super::*;

const ROOT: &str = include_str!("../../../../fixtures/sigstore/trusted-root.json");
const FIRST: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
const CHAIN: &str = "/timestampAuthorities/0/certChain/certificates";

fn stamp(text: &str) -> Vec<u8> {
    let bundle: Value = serde_json::from_str(text).unwrap();
    STANDARD.decode(bundle.pointer(FIRST).unwrap().as_str().unwrap()).unwrap()
}

fn root(text: &str) -> TrustedRoot {
    TrustedRoot::parse(text.as_bytes()).expect(text)
}

/// The certificates of the timestamp authority: its own, and its issuer's.
fn chain() -> [Value; 2] {
    let root: Value = serde_json::from_str(ROOT).unwrap();
    [0, 1].map(|n| root.pointer(&format!("{CHAIN}/{n}")).unwrap().clone())
}

#[test]
fn a_timestamp_names_its_authority() {
    let [own, above] = chain();
    let fulcio = serde_json::from_str::<Value>(ROOT).unwrap()["certificateAuthorities"].clone();
    for text in [TIMESTAMP, REKOR_V2_TIMESTAMP, KEYLESS_TIMESTAMP, KEYLESS_V2_TIMESTAMP] {
        let evidence = parsed(text);
        let timestamp = evidence.timestamp().unwrap();
        for (root, known) in [
            (ROOT.to_owned(), true),
            (changed(ROOT, CHAIN, Some(json!([own]))), true),
            // The authority's own certificate may come with the timestamp.
            (changed(ROOT, CHAIN, Some(json!([above]))), true),
            (changed(ROOT, CHAIN, Some(fulcio[0]["certChain"]["certificates"].clone())), false),
            (changed(ROOT, "/timestampAuthorities", Some(json!([]))), false),
            (changed(ROOT, "/timestampAuthorities", Some(fulcio.clone())), false),
        ] {
            assert_eq!(self::root(&root).knows(timestamp), known, "{root}");
        }
    }
}

#[test]
fn an_authority_needs_the_right_issuer_and_serial_number() {
    let [own, _] = chain();
    let mut der = STANDARD.decode(own["rawBytes"].as_str().unwrap()).unwrap();
    // The serial number, after the version.
    let at = der.windows(6).position(|bytes| bytes == [0xa0, 3, 2, 1, 2, 2]).unwrap() + 7;
    assert_eq!(der[at], 3);
    der[at] = 4;
    let other = changed(ROOT, CHAIN, Some(json!([{"rawBytes": STANDARD.encode(der)}])));
    assert!(!root(&other).knows(parsed(TIMESTAMP).timestamp().unwrap()));
}

/// The values in `bytes`.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut fields = DerFields::of(bytes).unwrap();
    std::iter::from_fn(|| fields.next()).map(|field| field.whole).collect()
}

/// The content of the only value in `bytes`.
fn inside(bytes: &[u8]) -> &[u8] {
    DerFields::of(bytes).unwrap().next().unwrap().content
}

/// The real timestamp with another list of signers, made from its one signer.
fn with_signers(list: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let whole = stamp(TIMESTAMP);
    let [status, token] = parts(inside(&whole))[..] else { panic!("a response") };
    let [oid, content] = parts(inside(token))[..] else { panic!("a token") };
    let mut signed = parts(inside(inside(content)));
    let signers = der(0x31, &[&list(inside(signed.pop().unwrap()))]);
    signed.push(&signers);
    let content = der(0xa0, &[&der(0x30, &signed)]);
    der(0x30, &[status, &der(0x30, &[oid, &content])])
}

/// The real timestamp with another name for its signer.
fn signed_by(name: &[u8]) -> Option<Timestamp> {
    Timestamp::from_der(&with_signers(|signer| {
        let mut parts = parts(inside(signer));
        parts[1] = name;
        der(0x30, &parts)
    }))
}

#[test]
fn an_authority_may_be_named_by_its_key() {
    let [own, above] = chain().map(|certificate| {
        let der = STANDARD.decode(certificate["rawBytes"].as_str().unwrap()).unwrap();
        Certificate::from_der(&der).unwrap().subject_key_identifier().unwrap().to_vec()
    });
    for (identifier, known) in [(&own[..], true), (&above, false), (&own[1..], false), (&[], false)] {
        let timestamp = signed_by(&der(0x80, &[identifier])).unwrap();
        assert_eq!(root(ROOT).knows(&timestamp), known, "{identifier:x?}");
    }
    for name in [der(0x81, &[&own]), der(0xa0, &[&own]), der(0x04, &[&own]), der(0x30, &[&own]), vec![5, 0]] {
        assert_eq!(signed_by(&name), None, "{name:x?}");
    }
}

#[test]
fn a_timestamp_has_one_signature() {
    assert_eq!(with_signers(<[u8]>::to_vec), stamp(TIMESTAMP));
    assert_eq!(Timestamp::from_der(&with_signers(|_| Vec::new())), None);
    assert_eq!(Timestamp::from_der(&with_signers(|signer| [signer, signer].concat())), None);
    // No token: the authority refused, whatever its status.
    let whole = stamp(TIMESTAMP);
    let status = parts(inside(&whole))[0];
    assert_eq!(Timestamp::from_der(&der(0x30, &[status])), None);
}

#[test]
fn a_damaged_timestamp_is_refused() {
    let whole = stamp(TIMESTAMP);
    let reason = "has a timestamp that cannot be read";
    let with = |bytes: &[u8]| changed(TIMESTAMP, FIRST, Some(json!(STANDARD.encode(bytes))));
    assert_eq!(parsed(&with(&whole)), parsed(TIMESTAMP));
    for length in 0..whole.len() {
        assert_eq!(refused(&with(&whole[..length])), reason, "{length}");
    }
    assert_eq!(refused(&with(&[&whole[..], &[0]].concat())), reason);
    // The status: granted is 0, granted with modifications 1, and from 2 on it is refused.
    assert_eq!(whole[4..9], [0x30, 3, 2, 1, 0]);
    for (status, good) in [(0, true), (1, true), (2, false), (5, false), (0xff, false)] {
        let mut other = whole.clone();
        other[8] = status;
        assert_eq!(Timestamp::from_der(&other).is_some(), good, "{status}");
    }
    // The type of the token, and of its content.
    for oid in [&b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"[..], b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04"]
    {
        let at = whole.windows(oid.len()).position(|bytes| bytes == oid).unwrap() + oid.len() - 1;
        let mut other = whole.clone();
        other[at] ^= 1;
        assert_eq!(refused(&with(&other)), reason);
    }
}

#[test]
fn no_changed_bit_makes_the_reader_panic() {
    let whole = stamp(TIMESTAMP);
    let good = Timestamp::from_der(&whole);
    let mut same = 0;
    for position in 0..whole.len() {
        for bit in 0..8 {
            let mut other = whole.clone();
            other[position] ^= 1 << bit;
            same += u32::from(Timestamp::from_der(&other) == good);
        }
    }
    // Most of it is the time, the digest and the signature, which are not read.
    assert!(same > 1000, "{same}");
}

#[test]
fn there_is_at_most_one_timestamp() {
    let bundle: Value = serde_json::from_str(TIMESTAMP).unwrap();
    let list = FIRST.strip_suffix("/0/signedTimestamp").unwrap();
    let one = bundle.pointer(list).unwrap()[0].clone();
    let other = json!({"signedTimestamp": STANDARD.encode(stamp(KEYLESS_TIMESTAMP))});
    for second in [&one, &other] {
        let two = changed(TIMESTAMP, list, Some(json!([one, second])));
        assert_eq!(refused(&two), "has more than one timestamp");
    }
}
