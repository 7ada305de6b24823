//! A keyless signature with signatures by keys next to it: each receiver checks those of the signers whom he trusts.

use serde_json::{Value, json};

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256};
use crate::site::{ALL, FULCIO, ISSUER, PERSON, REKOR_1, Site};

const ROOT: &str = "--trusted-root site/trusted-root.json";

/// The path of the signature by `other.key`.
fn by_other() -> String {
    format!("B/attestation/checksums.txt.{}.sigstore.json", &OTHER_KEY_SHA256[..16])
}

#[test]
fn an_identity_and_two_keys() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    let log = format!("--rekor-url {REKOR_1} {ROOT}");
    let keyless = format!("--keyless --identity-token token --fulcio-url {FULCIO}");
    site.aicr(&format!("bundle dist --output B {keyless} {log} -q")).whatever_it_prints().succeeds();
    let add = "bundle-sign B --add -q --signing-key";
    let before = site.entries("rekor1");
    site.aicr(&format!("{add} cosign.key {log}")).whatever_it_prints().succeeds();
    assert_eq!(site.entries("rekor1"), before + 1);
    site.aicr(&format!("{add} other.key --tlog-upload=false")).succeeds();
    assert_eq!(site.entries("rekor1"), before + 1);
    site.stop(&ALL);

    let identity = format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER} {ROOT}");
    let two = "--key other.pub --key cosign.pub";
    // Who signed, whether it was checked, and its log entry.
    let person = |checked: bool, log: &str| json!([PERSON, null, checked, log]);
    let key = |digest: &str, checked: bool, log: &str| json!([null, digest, checked, log]);
    let [one, other] = [KEY_SHA256, OTHER_KEY_SHA256];
    let rows = [
        (
            identity.clone(),
            [person(true, "checked"), key(one, false, "unchecked"), key(other, false, "none")],
        ),
        (
            format!("{two} --insecure-ignore-tlog --require 2"),
            [person(false, "unchecked"), key(one, true, "unchecked"), key(other, true, "none")],
        ),
        (
            format!("--key cosign.pub {ROOT}"),
            [person(false, "unchecked"), key(one, true, "checked"), key(other, false, "none")],
        ),
    ];
    for (trust, mut expected) in rows {
        let output = site.aicr(&format!("verify B {trust} --format json")).whatever_it_prints().succeeds();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let signatures = report["bundles"][0]["signatures"].as_array().unwrap();
        let found = signatures.iter().map(|s| json!([s["identity"], s["keySha256"], s["checked"], s["log"]]));
        // Further signatures are in the order of their names.
        expected[1..].sort_by_key(|row| row[1].to_string());
        assert_eq!(found.collect::<Vec<_>>(), expected, "{trust}");
    }
    // The flags about logs hold for the signature of each key that is given.
    site.aicr(&format!("verify B {two} {ROOT}"))
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: {} is not accepted: there is no transparency log entry, and this command line requires one\n\
             hint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false\n",
            by_other()
        ))
        .exits(5);
    // Further signatures need the first one, whoever signed that.
    site.remove("B/attestation/checksums.txt.sigstore.json");
    site.aicr(&format!("verify B {two} --insecure-ignore-tlog"))
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B has attestation/checksums.txt.{}.sigstore.json, but no attestation/checksums.txt.sigstore.json\n\
             hint: restore the first file, or remove the others\n",
            &KEY_SHA256[..16]
        ))
        .exits(5);
}
