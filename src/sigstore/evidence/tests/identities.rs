//! Certificates: the identity in them, and which are refused.

use serde_json::json;

use super::*;

const NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const ISSUER: &[u8] = b"\x2b\x06\x01\x04\x01\x83\xbf\x30\x01\x08";
const OLD_ISSUER: &[u8] = b"\x2b\x06\x01\x04\x01\x83\xbf\x30\x01\x01";
const USERNAME: &[u8] = b"\x2b\x06\x01\x04\x01\x83\xbf\x30\x01\x07";

/// The certificate of a real signature file.
fn certificate() -> Vec<u8> {
    let bundle: serde_json::Value = serde_json::from_str(KEYLESS).unwrap();
    STANDARD.decode(bundle.pointer(CERTIFICATE).unwrap().as_str().unwrap()).unwrap()
}

const CERTIFICATE: &str = "/verificationMaterial/certificate/rawBytes";

/// The same file with this certificate.
fn signed_with(certificate: &[u8]) -> String {
    changed(KEYLESS, CERTIFICATE, Some(json!(STANDARD.encode(certificate))))
}

/// The real certificate with these extensions instead of its own. The signature and all else stay.
fn with_extensions(extensions: &[(&[u8], Vec<u8>)]) -> String {
    let whole = certificate();
    let mut outer = DerFields::of_sequence(&whole).unwrap();
    let mut signed = outer.next().unwrap().fields().unwrap();
    let mut fields = Vec::new();
    while let Some(field) = signed.next().filter(|field| field.tag != constructed(3)) {
        fields.push(field.whole);
    }
    let list: Vec<Vec<u8>> = extensions
        .iter()
        .map(|(name, value)| der(0x30, &[&der(0x06, &[name]), &der(0x04, &[value])]))
        .collect();
    let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    let extensions = der(0xa3, &[&der(0x30, &list)]);
    fields.push(&extensions);
    let [algorithm, signature] = [outer.next().unwrap().whole, outer.next().unwrap().whole];
    signed_with(&der(0x30, &[&der(0x30, &fields), algorithm, signature]))
}

fn names(name: &[u8]) -> (&'static [u8], Vec<u8>) {
    (NAMES, der(0x30, &[name]))
}

fn issuer(text: &str) -> (&'static [u8], Vec<u8>) {
    (ISSUER, der(0x0c, &[text.as_bytes()]))
}

fn identity(text: &str) -> (String, String) {
    let evidence = parsed(text);
    let SignedBy::Certificate(identity) = evidence.signer() else { panic!("no certificate") };
    (identity.identity().to_owned(), identity.issuer().to_owned())
}

#[test]
fn an_identity_and_its_issuer() {
    let expected = ("dev@example.test".to_owned(), "https://localhost:8888".to_owned());
    for text in [KEYLESS, KEYLESS_V2_TIMESTAMP, KEYLESS_TIMESTAMP] {
        assert_eq!(identity(text), expected);
    }
}

#[test]
fn every_kind_of_name() {
    let other_name =
        |oid: &[u8], tag, text: &[u8]| [der(0x06, &[oid]), der(0xa0, &[&der(tag, &[text])])].concat();
    let username = |tag, text: &[u8]| der(0xa0, &[&other_name(USERNAME, tag, text)]);
    let uri = "https://example.com/a/b/.github/workflows/release.yml@refs/tags/v1";
    for (name, identity) in [
        (der(0x81, &[b"me@example.com"]), "me@example.com"),
        (der(0x86, &[uri.as_bytes()]), uri),
        (username(0x0c, "jürgen!example.com".as_bytes()), "jürgen!example.com"),
    ] {
        let text = with_extensions(&[names(&name), issuer("https://id.example.com")]);
        assert_eq!(self::identity(&text), (identity.to_owned(), "https://id.example.com".to_owned()));
    }
    let reason = "has a certificate that does not name exactly one identity";
    for name in [
        vec![],
        der(0x82, &[b"example.com"]),
        der(0x87, &[&[127, 0, 0, 1]]),
        der(0x81, &[b""]),
        der(0x81, &["jürgen@example.com".as_bytes()]),
        der(0x86, &[b"\xff"]),
        username(0x16, b"me"),
        username(0x0c, b""),
        username(0x0c, b"\xff"),
        der(0xa0, &[&other_name(ISSUER, 0x0c, b"me")]),
        der(0xa3, &[&other_name(USERNAME, 0x0c, b"me")]),
        [der(0x81, &[b"me@example.com"]), der(0x81, &[b"you@example.com"])].concat(),
        [der(0x81, &[b"me@example.com"]), der(0x82, &[b"example.com"])].concat(),
        b"\x81\x05me".to_vec(),
    ] {
        assert_eq!(refused(&with_extensions(&[names(&name), issuer("x")])), reason, "{name:x?}");
    }
    assert_eq!(refused(&with_extensions(&[issuer("x")])), reason);
}

#[test]
fn the_issuer_in_its_new_form_and_in_its_old_one() {
    let me = || names(&der(0x81, &[b"me@example.com"]));
    let old = |text: &[u8]| (OLD_ISSUER, text.to_vec());
    for extensions in
        [vec![issuer("https://a")], vec![old(b"https://a")], vec![old(b"https://a"), issuer("https://a")]]
    {
        let extensions = [vec![me()], extensions].concat();
        assert_eq!(identity(&with_extensions(&extensions)).1, "https://a");
    }
    let none = "has a certificate that does not name the issuer of the identity";
    let two = "has a certificate that names two issuers of the identity";
    for (extensions, reason) in [
        (vec![], none),
        (vec![issuer("")], none),
        (vec![old(b"")], none),
        (vec![old(b"\xff")], none),
        (vec![(ISSUER, b"https://a".to_vec())], none),
        (vec![(ISSUER, [der(0x0c, &[b"a"]), vec![0]].concat())], none),
        (vec![issuer("https://a"), old(b"https://b")], two),
        (vec![issuer(""), old(b"https://b")], two),
    ] {
        assert_eq!(refused(&with_extensions(&[vec![me()], extensions].concat())), reason);
    }
}

#[test]
fn a_damaged_certificate_is_refused() {
    let whole = certificate();
    let reason = "has a certificate that cannot be read";
    for damaged in [&[][..], &[0x30, 0], &whole[..whole.len() - 1], &[&whole[..], &[0]].concat()] {
        assert_eq!(refused(&signed_with(damaged)), reason);
    }
    let me = names(&der(0x81, &[b"me@example.com"]));
    assert_eq!(refused(&with_extensions(&[me.clone(), me])), reason);
}

#[test]
fn a_certificate_needs_a_trusted_signing_time() {
    let reason = "has a certificate, which is valid for minutes, but no trusted signing time: neither a log entry nor a timestamp";
    assert_eq!(refused(&changed(KEYLESS, "/verificationMaterial/tlogEntries", None)), reason);
    let timestamps = "/verificationMaterial/timestampVerificationData";
    assert_eq!(refused(&changed(KEYLESS_TIMESTAMP, timestamps, None)), reason);
    // Either is enough.
    assert!(Evidence::parse(changed(KEYLESS_V2_TIMESTAMP, timestamps, None).as_bytes()).is_ok());
    let entries = "/verificationMaterial/tlogEntries";
    assert!(Evidence::parse(changed(KEYLESS_V2_TIMESTAMP, entries, None).as_bytes()).is_ok());
}
