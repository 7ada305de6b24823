//! What is read as a trusted root, and what is refused for which reason.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const ROOT: &str = include_str!("../../../fixtures/sigstore/trusted-root.json");

fn parsed(text: &str) -> TrustedRoot {
    TrustedRoot::parse(text.as_bytes()).expect(text)
}

fn url(text: &str) -> ServiceUrl {
    ServiceUrl::parse(text).expect(text)
}

/// The root of the fixtures with another value at `pointer`, or with none there.
fn with(pointer: &str, value: Option<Value>) -> String {
    let mut root: Value = serde_json::from_str(ROOT).unwrap();
    assert!(root.pointer(pointer).is_some(), "{pointer}");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match (root.pointer_mut(parent).unwrap(), value) {
        (Value::Object(fields), None) => drop(fields.remove(name)),
        (Value::Array(list), None) => drop(list.remove(name.parse().unwrap())),
        (_, Some(value)) => *root.pointer_mut(pointer).unwrap() = value,
        _ => panic!("{pointer}"),
    }
    root.to_string()
}

fn public_key(name: &str) -> PublicKey {
    let file = format!("{}/fixtures/keys/types/{name}.pub", env!("CARGO_MANIFEST_DIR"));
    PublicKey::from_pem(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn what_cosign_writes_is_read() {
    let root = parsed(ROOT);
    assert_eq!(root.text(), ROOT.as_bytes());
    let logs: Vec<_> =
        root.logs().iter().map(|log| (log.version(), log.key().key_type().to_string())).collect();
    assert_eq!(logs, [(RekorVersion::V2, "Ed25519".into()), (RekorVersion::V1, "ECDSA P-256".into())]);
    let expected: Vec<_> = ["/tlogs/0", "/tlogs/1"].map(|log| at(&format!("{log}/logId/keyId"))).into();
    let ids: Vec<_> = root.logs().iter().map(|log| STANDARD.encode(log.id().as_bytes())).collect();
    assert_eq!(ids, expected);
    let authorities = [root.certificate_authorities(), root.timestamp_authorities()];
    assert_eq!(authorities.map(<[Authority]>::len), [1, 1]);
    assert_eq!(root.ct_logs().len(), 1);
}

/// The text at this place in the root of the fixtures.
fn at(pointer: &str) -> String {
    let root: Value = serde_json::from_str(ROOT).unwrap();
    root.pointer(pointer).and_then(Value::as_str).expect(pointer).to_owned()
}

#[test]
fn keys_and_certificates_become_pem() {
    let body = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let root = parsed(ROOT);
    for (pem, label, pointer) in [
        (root.logs()[0].key().pem().to_owned(), "PUBLIC KEY", "/tlogs/0/publicKey/rawBytes"),
        (root.ct_logs()[0].key().pem().to_owned(), "PUBLIC KEY", "/ctlogs/0/publicKey/rawBytes"),
        (
            root.certificate_authorities()[0].to_pem(),
            "CERTIFICATE",
            "/certificateAuthorities/0/certChain/certificates/0/rawBytes",
        ),
    ] {
        assert!(pem.starts_with(&format!("-----BEGIN {label}-----\n")), "{pem}");
        assert!(pem.ends_with(&format!("\n-----END {label}-----\n")), "{pem}");
        assert_eq!(body(&pem), at(pointer));
    }
    let chain = root.timestamp_authorities()[0].to_pem();
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----\n").count(), 2);
    let [leaf, above] =
        [0, 1].map(|n| format!("/timestampAuthorities/0/certChain/certificates/{n}/rawBytes"));
    assert_eq!(body(&chain), at(&leaf) + &at(&above));
}

#[test]
fn a_root_may_be_empty() {
    for text in [EMPTY, r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#] {
        let root = parsed(text);
        assert!(root.logs().is_empty() && root.ct_logs().is_empty());
        assert!(root.certificate_authorities().is_empty() && root.timestamp_authorities().is_empty());
    }
}

#[test]
fn fields_that_are_not_needed_are_ignored() {
    for (pointer, value) in [
        ("/certificateAuthorities/0/subject", None),
        ("/certificateAuthorities/0/uri", Some(json!(7))),
        ("/certificateAuthorities/0/validFor", Some(json!("ever"))),
        ("/tlogs/0/hashAlgorithm", Some(json!("SHA2_512"))),
        ("/tlogs/0/publicKey/validFor", Some(json!({"start": "2024-01-01T00:00:00Z", "by": "me"}))),
    ] {
        assert_eq!(parsed(&with(pointer, value)).logs(), parsed(ROOT).logs(), "{pointer}");
    }
    let more = ROOT.replacen('{', r#"{"operators":[{"x":1}],"#, 1);
    assert_eq!(parsed(&more).logs(), parsed(ROOT).logs());
}

#[test]
fn logs_are_found_by_address_and_by_id() {
    let root = parsed(ROOT);
    for (address, version) in [
        ("http://localhost:3000", Some(RekorVersion::V1)),
        ("HTTP://LocalHost:3003/", Some(RekorVersion::V2)),
        ("https://localhost:3000", None),
        ("http://127.0.0.1:3000", None),
        ("http://localhost:3000/log", None),
    ] {
        let found: Vec<_> = root.logs_at(&url(address)).map(Log::version).collect();
        assert_eq!(found, Vec::from_iter(version), "{address}");
    }
    for log in root.logs() {
        assert_eq!(root.log_with_id(log.id()), Some(log));
    }
    assert_eq!(root.log_with_id(Sha256Digest::default()), None);
}

#[test]
fn a_log_whose_key_was_changed_has_both_keys() {
    let root = parsed(&with("/tlogs/0/baseUrl", Some(json!("http://localhost:3000/"))));
    let found: Vec<_> = root.logs_at(&url("http://localhost:3000")).map(Log::id).collect();
    assert_eq!(found, [root.logs()[0].id(), root.logs()[1].id()]);
}

#[test]
fn a_log_without_a_usable_address_is_found_by_its_id_only() {
    for value in [None, Some(json!("")), Some(json!("http://rekor.example.com")), Some(json!("rekor"))] {
        let root = parsed(&with("/tlogs/1/baseUrl", value));
        assert_eq!(root.logs_at(&url("http://localhost:3000")).count(), 0);
        assert!(root.log_with_id(parsed(ROOT).logs()[1].id()).is_some());
    }
}

#[test]
fn a_key_is_valid_from_start_to_end() {
    let root = parsed(&with(
        "/tlogs/0/publicKey/validFor",
        Some(json!({"start": "1970-01-01T00:00:10Z", "end": "1970-01-01T00:00:20Z"})),
    ));
    assert_eq!([9, 10, 20, 21].map(|time| root.logs()[0].is_valid_at(time)), [false, true, true, false]);
}

#[test]
fn the_id_of_a_log_shows_its_version() {
    for (name, id, version) in [
        ("p256", None, RekorVersion::V1),
        ("p384", None, RekorVersion::V1),
        ("rsa2048", None, RekorVersion::V1),
        ("ed25519", None, RekorVersion::V1),
        ("ed25519", Some([7; 32]), RekorVersion::V2),
        ("p256", Some([7; 32]), RekorVersion::V2),
    ] {
        let key = public_key(name);
        let id = id.unwrap_or(*key.sha256().as_bytes());
        let der = key.pem().lines().filter(|line| !line.starts_with('-')).collect::<String>();
        let text = with("/tlogs/0/publicKey/rawBytes", Some(json!(der)));
        let text = text.replacen(&at("/tlogs/0/logId/keyId"), &STANDARD.encode(id), 1);
        let root = parsed(&text);
        let log = &root.logs()[0];
        assert_eq!((log.version(), log.key()), (version, &key), "{name}");
    }
}

#[test]
fn a_bare_rsa_key_is_read_where_the_file_says_so() {
    let whole = public_key("rsa2048");
    let info = spki::der::pem::decode_vec(whole.pem().as_bytes()).unwrap().1;
    // The bare key is the end of the SubjectPublicKeyInfo, after 24 bytes for the algorithm.
    let bare = json!({"rawBytes": STANDARD.encode(&info[24..]), "keyDetails": "PKCS1_RSA_PKCS1V5",
        "validFor": {"start": "2024-01-01T00:00:00Z"}});
    assert_eq!(parsed(&with("/ctlogs/0/publicKey", Some(bare.clone()))).ct_logs()[0].key(), &whole);
    let text =
        with("/ctlogs/0/publicKey", Some(bare)).replace("PKCS1_RSA_PKCS1V5", "PKIX_RSA_PKCS1V15_2048_SHA256");
    assert_eq!(
        refused(&text),
        "is a damaged trusted root: certificate transparency log 1 has a damaged public key"
    );
}

fn refused(text: &str) -> String {
    TrustedRoot::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn other_files_are_refused_with_their_kind() {
    let version = "is a trusted root of a version that cosign does not read: its media type must be application/vnd.dev.sigstore.trustedroot+json;version=0.1";
    for (text, reason) in [
        (String::new(), "is empty"),
        (
            "-----BEGIN PUBLIC KEY-----".into(),
            "is not a trusted root: it is not JSON (invalid number at line 1 column 2)",
        ),
        (ROOT[..99].into(), "is cut off or damaged"),
        (" ".repeat(1 << 20) + ROOT, "is larger than 1048576 bytes"),
        ("{}".into(), "is not a trusted root: it has no media type"),
        (
            include_str!("../../../fixtures/sigstore/signing-config-timestamp.json").into(),
            "is a signing config, not a trusted root",
        ),
        (
            include_str!("../../../fixtures/evidence/key.json").into(),
            "is a signature file, not a trusted root",
        ),
        (
            r#"{"mediaType":"application/json"}"#.into(),
            "is not a trusted root: its media type is `application/json`",
        ),
        (ROOT.replacen("trustedroot+json;version=0.1", "trustedroot.v0.2+json", 1), version),
        (ROOT.replacen("version=0.1", "version=0.3", 1), version),
    ] {
        assert_eq!(refused(&text), reason, "{text}");
    }
}

#[test]
fn a_damaged_root_is_refused_with_what_is_damaged() {
    let certificate = at("/timestampAuthorities/0/certChain/certificates/1/rawBytes");
    for (pointer, value, reason) in [
        ("/tlogs/1/publicKey/rawBytes", json!(""), "log 2 has a damaged public key"),
        ("/tlogs/1/publicKey/rawBytes", json!("MFkw"), "log 2 has a damaged public key"),
        ("/tlogs/0/publicKey/rawBytes", json!(certificate), "log 1 has a damaged public key"),
        ("/tlogs/0/logId/keyId", json!(""), "log 1 has an ID that is not 32 bytes"),
        ("/tlogs/0/logId/keyId", json!("r94l3g=="), "log 1 has an ID that is not 32 bytes"),
        ("/tlogs/0/publicKey/validFor", json!(null), "log 1 has no start of its validity"),
        ("/tlogs/0/publicKey/validFor/start", json!(null), "log 1 has no start of its validity"),
        (
            "/ctlogs/0/publicKey/rawBytes",
            json!("AAAA"),
            "certificate transparency log 1 has a damaged public key",
        ),
        (
            "/ctlogs/0/publicKey/validFor",
            json!({}),
            "certificate transparency log 1 has no start of its validity",
        ),
        (
            "/certificateAuthorities/0/certChain/certificates",
            json!([]),
            "certificate authority 1 has no certificate",
        ),
        ("/certificateAuthorities/0/certChain", json!({}), "certificate authority 1 has no certificate"),
        (
            "/timestampAuthorities/0/certChain/certificates/1/rawBytes",
            json!(certificate[..96]),
            "timestamp authority 1 has a damaged certificate",
        ),
        (
            "/timestampAuthorities/0/certChain/certificates/1/rawBytes",
            json!(STANDARD.encode([STANDARD.decode(&certificate).unwrap(), vec![0]].concat())),
            "timestamp authority 1 has a damaged certificate",
        ),
    ] {
        assert_eq!(refused(&with(pointer, Some(value))), format!("is a damaged trusted root: {reason}"));
    }
    for (pointer, value, start) in [
        ("/tlogs", Some(json!(null)), "invalid type: null, expected a sequence"),
        ("/tlogs/0", Some(json!("x")), "invalid type: string \"x\", expected a log"),
        ("/tlogs/0/publicKey", None, "missing field `publicKey`"),
        ("/tlogs/0/publicKey/rawBytes", Some(json!("MCow-_")), "a value that is not standard base64"),
        (
            "/tlogs/0/publicKey/validFor/start",
            Some(json!(2024)),
            "invalid type: integer `2024`, expected a string",
        ),
        (
            "/tlogs/0/publicKey/validFor/start",
            Some(json!("2024")),
            "a time that is not written as 2026-01-31T00:00:00Z",
        ),
        ("/tlogs/0/logId", None, "missing field `logId`"),
        ("/tlogs/0/logId/keyId", None, "missing field `keyId`"),
        ("/certificateAuthorities/0/certChain", None, "missing field `certChain`"),
        ("/timestampAuthorities/0/certChain/certificates/0/rawBytes", None, "missing field `rawBytes`"),
    ] {
        let refused = refused(&with(pointer, value));
        assert!(refused.starts_with(&format!("is a damaged trusted root: {start}")), "{refused}");
    }
    let twice = ROOT.replacen("\"tlogs\":", "\"tlogs\":[],\"tlogs\":", 1);
    assert!(refused(&twice).starts_with("is a damaged trusted root: duplicate field `tlogs`"));
}
