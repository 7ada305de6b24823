//! The forms of others: what becomes of each, and which are refused for which reason.

use serde_json::{Value, json};
use spki::der::pem::{LineEnding, encode_string};

use super::*;
use crate::sigstore::public_key::PublicKey;

const FIRST: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const SECOND: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
const THIRD: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";
const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

fn form(text: &str) -> Result<SignatureForm, String> {
    SignatureForm::parse(text.as_bytes()).map_err(|why| why.to_string())
}

fn complete(text: &str) -> Evidence {
    match form(text) {
        Ok(SignatureForm::Complete(evidence)) => evidence,
        other => panic!("{other:?}: {text}"),
    }
}

fn without_hint(text: &str) -> WithoutHint {
    match form(text) {
        Ok(SignatureForm::WithoutHint(signature)) => signature,
        other => panic!("{other:?}: {text}"),
    }
}

fn why_not(text: &str) -> String {
    form(text).expect_err(text)
}

fn key(name: &str) -> PublicKey {
    let path = format!("{}/fixtures/keys/{name}.pub", env!("CARGO_MANIFEST_DIR"));
    PublicKey::from_pem(&std::fs::read(path).unwrap()).unwrap()
}

/// A v0.3 bundle as one of an earlier version.
fn earlier(text: &str, media_type: &str) -> String {
    let mut bundle: Value = serde_json::from_str(text).unwrap();
    bundle["mediaType"] = json!(media_type);
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    if let Some(certificate) = material.remove("certificate") {
        material.insert("x509CertificateChain".into(), json!({ "certificates": [certificate] }));
    }
    bundle.to_string()
}

/// A v0.3 bundle with an entry of Rekor v1 in cosign's old form.
fn old(text: &str) -> Value {
    let bundle: Value = serde_json::from_str(text).unwrap();
    let at = |pointer: &str| bundle.pointer(pointer).cloned();
    let number = |name: &str| {
        let number = at(&format!("{ENTRY}/{name}"));
        number.map_or(0, |number| number.as_str().unwrap().parse().unwrap())
    };
    let bytes = |value: Option<Value>| STANDARD.decode(value.unwrap().as_str().unwrap()).unwrap();
    let log_id = <[u8; 32]>::try_from(bytes(at(&format!("{ENTRY}/logId/keyId")))).unwrap();
    let mut old = json!({
        "base64Signature": at("/messageSignature/signature"),
        "rekorBundle": {
            "SignedEntryTimestamp": at(&format!("{ENTRY}/inclusionPromise/signedEntryTimestamp")),
            "Payload": {
                "body": at(&format!("{ENTRY}/canonicalizedBody")),
                "integratedTime": number("integratedTime"),
                "logIndex": number("logIndex"),
                "logID": Sha256Digest::from(log_id).to_string(),
            },
        },
    });
    if let Some(certificate) = at("/verificationMaterial/certificate/rawBytes") {
        old["cert"] = json!(STANDARD.encode(pem(&bytes(Some(certificate)))));
    }
    old
}

fn pem(certificate: &[u8]) -> String {
    encode_string("CERTIFICATE", LineEnding::LF, certificate).unwrap()
}

/// The certificate of an old bundle, as PEM.
fn certificate(old: &Value) -> String {
    String::from_utf8(STANDARD.decode(old["cert"].as_str().unwrap()).unwrap()).unwrap()
}

fn with_cert(old: &Value, cert: &str) -> String {
    let mut other = old.clone();
    other["cert"] = json!(cert);
    other.to_string()
}

#[test]
fn every_version_becomes_the_latest_one() {
    for text in [KEY_ONLY, REKOR_V1, KEYLESS, REKOR_V2_TIMESTAMP, KEYLESS_TIMESTAMP] {
        let evidence = complete(text);
        assert_eq!(evidence, parsed(text));
        let second = complete(&earlier(text, SECOND));
        assert_eq!((&second, second.to_json().as_slice()), (&evidence, text.as_bytes()));
        let third = changed(text, "/mediaType", Some(json!(THIRD)));
        assert_eq!(complete(&third), evidence);
    }
    for text in [KEY_ONLY, REKOR_V1, KEYLESS, TIMESTAMP, KEYLESS_TIMESTAMP] {
        assert_eq!(complete(&earlier(text, FIRST)), parsed(text));
    }
}

#[test]
fn an_entry_without_a_proof_is_written_as_the_first_version() {
    for text in [REKOR_V1, KEYLESS] {
        let first = changed(&earlier(text, FIRST), &format!("{ENTRY}/inclusionProof"), None);
        let evidence = complete(&first);
        let written = String::from_utf8(evidence.to_json()).unwrap();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&written), value(&first));
        assert_eq!(complete(&written), evidence);
        // Without the entry it is of the latest version, which has no log entry to promise.
        let bare = evidence.with_only(false, false).to_json();
        assert!(String::from_utf8(bare).unwrap().contains(Version::LATEST.media_type()));
    }
}

#[test]
fn what_an_earlier_version_must_not_have() {
    let chain = "/verificationMaterial/x509CertificateChain";
    let keyless = earlier(KEYLESS, FIRST);
    let one = serde_json::from_str::<Value>(&keyless).unwrap().pointer(chain).unwrap().clone();
    let two = json!({ "certificates": [one["certificates"][0], one["certificates"][0]] });
    let proof = format!("{ENTRY}/inclusionProof");
    let promise = format!("{ENTRY}/inclusionPromise");
    for (text, why) in [
        (changed(KEYLESS, "/mediaType", Some(json!(FIRST))), OUTSIDE),
        (changed(KEYLESS, "/mediaType", Some(json!(SECOND))), OUTSIDE),
        (
            changed(&keyless, "/mediaType", Some(json!(THIRD))),
            "has a certificate chain, which a v0.3 bundle must not have",
        ),
        (changed(&keyless, chain, Some(two)), "has a certificate chain of other than one certificate"),
        (
            changed(&keyless, &format!("{chain}/certificates"), Some(json!([]))),
            "has a certificate chain of other than one certificate",
        ),
        (changed(&keyless, &promise, None), "has a log entry without an inclusion promise"),
        (changed(&earlier(KEYLESS, SECOND), &proof, None), "has a log entry without an inclusion proof"),
        (changed(KEYLESS, &proof, None), "has a log entry without an inclusion proof"),
        (
            changed(KEYLESS, &format!("{ENTRY}/kindVersion/version"), Some(json!("0.0.2"))),
            "has a log entry of Rekor v2 with an integrated time",
        ),
        (
            changed(KEYLESS, &format!("{ENTRY}/canonicalizedBody"), Some(json!(STANDARD.encode("{}")))),
            "has a log entry of another kind or version than its body says",
        ),
        (
            changed(KEY_ONLY, "/mediaType", Some(json!("application/json"))),
            "has a media type other than those of a Sigstore bundle",
        ),
        (
            changed(
                KEY_ONLY,
                "/mediaType",
                Some(json!("application/vnd.dev.sigstore.bundle+json;version=0.4")),
            ),
            "is newer than this aicr knows (its media type is application/vnd.dev.sigstore.bundle+json;version=0.4)",
        ),
        (KEY_ONLY[..300].to_owned(), "is cut off or damaged"),
        (
            include_str!("../../../../fixtures/bundles/dsse.json").to_owned(),
            "is a DSSE attestation about the manifest, not a signature over it",
        ),
    ] {
        assert_eq!(why_not(&text), why, "{text}");
    }
}

const OUTSIDE: &str = "has a certificate outside of a chain, which only a v0.3 bundle may have";

#[test]
fn the_old_form_of_an_identity() {
    let old = old(KEYLESS);
    let evidence = complete(&old.to_string());
    let whole = parsed(KEYLESS);
    assert_eq!((evidence.digest(), evidence.signer()), (whole.digest(), whole.signer()));
    assert_eq!(evidence.log_entry().unwrap().misfit(&evidence), None);
    let first = changed(&earlier(KEYLESS, FIRST), &format!("{ENTRY}/inclusionProof"), None);
    assert_eq!(evidence, complete(&first));
    // PEM instead of its base64, and other line ends.
    let pem = certificate(&old);
    for cert in [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
        STANDARD.encode(pem.replace('\n', "\r\n")),
    ] {
        assert_eq!(complete(&with_cert(&old, &cert)), evidence, "{cert}");
    }
}

#[test]
fn the_old_form_of_a_key() {
    let (ours, other) = (key("throwaway"), key("other"));
    let manifest = Sha256Digest::of(b"manifest");
    let logged = old(REKOR_V1);
    // Without an entry, only the verifier knows what was signed.
    let without_entry = without_hint(LEGACY);
    assert_eq!((without_entry.signed(), without_entry.has_log_entry()), (None, false));
    let with_entry = without_hint(&logged.to_string());
    assert_eq!((with_entry.signed(), with_entry.has_log_entry()), (Some(parsed(REKOR_V1).digest()), true));
    let alone = without_entry.by(&ours, manifest).unwrap();
    assert_eq!((alone.digest(), alone.signer()), (manifest, &SignedBy::Key(ours.sha256())));
    assert!(alone.log_entry().is_none());
    assert_eq!(LEGACY, format!(r#"{{"base64Signature":"{}"}}"#, alone.signature_base64()));

    let evidence = with_entry.by(&ours, manifest).unwrap();
    assert_eq!(evidence.digest(), parsed(REKOR_V1).digest());
    assert_eq!(evidence.log_entry().unwrap().misfit(&evidence), None);
    assert!(!evidence.log_entry().unwrap().has_proof());

    // A key in the file is compared, and is no signer.
    for form in [&logged, &serde_json::from_str(LEGACY).unwrap()] {
        let same = without_hint(&with_cert(form, &STANDARD.encode(ours.pem())));
        let with = same.by(&ours, manifest).unwrap();
        assert_eq!(with, without_hint(&form.to_string()).by(&ours, manifest).unwrap());
        assert_eq!(
            same.by(&other, manifest).unwrap_err().to_string(),
            format!("has the public key {}, and --key is {}", ours.sha256(), other.sha256())
        );
    }
}

#[test]
fn old_forms_that_are_refused() {
    let (keyless, logged) = (old(KEYLESS), old(REKOR_V1));
    let other = old(REKOR_V1)["base64Signature"].clone();
    let set = |pointer: &str, value: Value| changed(&keyless.to_string(), pointer, Some(value));
    let payload = |name: &str, value: Value| set(&format!("/rekorBundle/Payload/{name}"), value);
    let body = |from: &str, to: &str| {
        let body = STANDARD.decode(keyless["rekorBundle"]["Payload"]["body"].as_str().unwrap()).unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(from), "{body}");
        payload("body", json!(STANDARD.encode(body.replace(from, to))))
    };
    let neither = "has a `cert` that is neither one certificate nor one public key";
    let pem = certificate(&keyless);
    let public = key("throwaway").pem().to_owned();
    let form = |why: &str| format!("is not a bundle of cosign's old form: {why}");
    for (text, why) in [
        (r#"{"base64Signature":""}"#.to_owned(), "has an empty signature".to_owned()),
        (r#"{"base64Signature":"!"}"#.into(), form("a value that is not standard base64")),
        (r#"{"base64Signature":null}"#.into(), form("invalid type: null, expected a string")),
        (
            r#"{"base64Signature":"AA==","Cert":"x"}"#.into(),
            form("unknown field `Cert`, expected one of `base64Signature`, `cert`, `rekorBundle`"),
        ),
        (r#"{"base64Signature":"AA==","cert":null}"#.into(), form("invalid type: null, expected a string")),
        (
            r#"{"base64Signature":"AA==","rekorBundle":null}"#.into(),
            form("invalid type: null, expected struct RekorBundle"),
        ),
        (
            r#"{"base64Signature":"AA==","base64Signature":"AA=="}"#.into(),
            form("duplicate field `base64Signature`"),
        ),
        (
            r#"{"base64Signature":"AA==","mediaType":"x"}"#.into(),
            "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)".into(),
        ),
        (with_cert(&keyless, ""), neither.into()),
        (with_cert(&keyless, "AAAA"), neither.into()),
        (with_cert(&keyless, &format!("{pem}{pem}")), neither.into()),
        (with_cert(&keyless, &format!("{pem}{public}")), neither.into()),
        (with_cert(&keyless, &format!("{public}{pem}")), neither.into()),
        (with_cert(&keyless, &format!("text\n{pem}")), neither.into()),
        (with_cert(&keyless, &pem.replace("CERTIFICATE", "PRIVATE KEY")), neither.into()),
        (with_cert(&keyless, &pem.replacen("MII", "MIJ", 1)), "has a certificate that cannot be read".into()),
        (
            changed(&keyless.to_string(), "/rekorBundle", None),
            "has a certificate, which is valid for minutes, but no trusted signing time: there is no log entry"
                .into(),
        ),
        (set("/base64Signature", other), "has a log entry about another signature".into()),
        (
            set("/rekorBundle/Payload", logged["rekorBundle"]["Payload"].clone()),
            "has a log entry about another signature".into(),
        ),
        (payload("body", json!("AA==")), "has a log entry with a body that cannot be read".into()),
        (
            body("\"hashedrekord\"", "\"rekord\""),
            "has a log entry of kind `rekord` 0.0.1, not hashedrekord 0.0.1".into(),
        ),
        (
            body("\"0.0.1\"", "\"0.0.2\""),
            "has a log entry of kind `hashedrekord` 0.0.2, not hashedrekord 0.0.1".into(),
        ),
        (body("\"sha256\"", "\"sha512\""), "has a log entry with a body that cannot be read".into()),
        (payload("logID", json!("AA")), "has a log entry with a log ID that is not a SHA-256".into()),
        (payload("logIndex", json!(u64::MAX)), "has a log entry with a number that is too large".into()),
        (payload("integratedTime", json!(0)), "has a log entry of Rekor v1 without an integrated time".into()),
        (
            payload("integratedTime", json!("1")),
            form("invalid type: string \"1\", expected u64"),
        ),
        (
            set("/rekorBundle/SignedEntryTimestamp", json!("")),
            "has a log entry with an empty inclusion promise".into(),
        ),
    ] {
        assert_eq!(why_not(&text), why, "{text}");
    }
}

#[test]
fn a_bare_signature() {
    let (key, manifest) = (key("throwaway"), Sha256Digest::of(b"manifest"));
    let base64 = parsed(KEY_ONLY).signature_base64();
    let wrapped = format!("{}\r\n{}\n", &base64[..64], &base64[64..]);
    for text in [base64.clone(), format!("{base64}\n"), format!("{base64}\r\n"), wrapped] {
        let evidence = without_hint(&text).by(&key, manifest).unwrap();
        assert_eq!((evidence.digest(), evidence.signature_base64()), (manifest, base64.clone()));
        assert_eq!(Evidence::parse(&evidence.to_json()), Ok(evidence));
    }
    for (text, why) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("-----BEGIN PGP SIGNATURE-----\n\niQ==\n", "is a signature of OpenPGP, not of cosign"),
        ("-----BEGIN SSH SIGNATURE-----\nU1NI\n", "is a signature of SSH, not of cosign"),
        ("untrusted comment: x\nRWQ=\n", "is a signature of minisign or signify, not of cosign"),
        ("AA== AA==", "is neither a Sigstore bundle nor a signature in base64"),
        ("AA", "is neither a Sigstore bundle nor a signature in base64"),
        ("A_-=", "is neither a Sigstore bundle nor a signature in base64"),
        ("\u{feff}AA==", "is neither a Sigstore bundle nor a signature in base64"),
        ("[]", "is not a Sigstore bundle: invalid length 0, expected struct SigstoreBundle with 3 elements"),
        ("{}", "is not a Sigstore bundle: missing field `mediaType`"),
    ] {
        assert_eq!(why_not(text), why, "{text}");
    }
    // Digits are base64, and JSON too.
    assert!(form("1234").is_err());
    assert!(form(&"A".repeat(1 << 20)).is_ok());
    assert_eq!(why_not(&"A".repeat(1 + (1 << 20))), "is larger than 1048576 bytes");
}
