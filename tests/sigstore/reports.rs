//! `--format json` for signatures with identities, logs and timestamps, in the form of
//! `docs/report.schema.json`.

use std::fs;

use serde_json::{Value, json};

use crate::loopback::cosign;
use crate::sandbox::{KEY_SHA256, SMALL_SHA256, repository};
use crate::site::{ALL, FULCIO, ISSUER, PERSON, REKOR_1, REKOR_2, Site, TSA};
use crate::validator::validate;

const ROOT: &str = "--trusted-root site/trusted-root.json";
const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";

/// The report of a run that exits with this code. It matches the schema.
#[track_caller]
fn report(site: &Site, words: &str, code: i32) -> Value {
    let schema = fs::read_to_string(repository().join("docs/report.schema.json")).unwrap();
    let output = site.aicr(&format!("{words} --format json")).whatever_it_prints().exits(code);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    validate(&serde_json::from_str(&schema).unwrap(), &report)
        .unwrap_or_else(|why| panic!("{why}: {report}"));
    assert_eq!(report["exit"], json!(code));
    report
}

/// The one bundle of a report is made from `dist`, and has this verdict and this one signature.
#[track_caller]
fn signed(report: &Value, verdict: &str, signature: &Value) {
    let bundle = &report["bundles"][0];
    assert_eq!(report["bundles"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(bundle["verdict"], json!(verdict), "{report}");
    assert_eq!(bundle["manifest"], json!({"sha256": SMALL_SHA256, "files": 2, "bytes": 11}), "{report}");
    assert_eq!(bundle["signatures"], json!([signature]), "{report}");
    assert_eq!(report["error"], Value::Null);
}

fn by_key(log: &str, timestamp: &str) -> Value {
    json!({"path": SIGNATURE, "keySha256": KEY_SHA256, "identity": null, "issuer": null, "checked": true, "log": log, "timestamp": timestamp})
}

fn by_person(log: &str, timestamp: &str) -> Value {
    json!({"path": SIGNATURE, "keySha256": null, "identity": PERSON, "issuer": ISSUER, "checked": true, "log": log, "timestamp": timestamp})
}

#[test]
fn a_report_has_the_signer_and_the_evidence() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    let key = format!("--signing-key cosign.key --rekor-url {REKOR_1} {ROOT}");
    let keyless = format!(
        "--keyless --identity-token token --fulcio-url {FULCIO} --rekor-url {REKOR_2} --timestamp-server-url {TSA} {ROOT}"
    );
    let whom = format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER} {ROOT}");

    let planned = report(&site, &format!("bundle dist --output K --dry-run {key}"), 0);
    assert_eq!(
        (&planned["bundles"][0]["verdict"], &planned["bundles"][0]["signatures"]),
        (&json!("planned"), &json!([]))
    );
    let made = report(&site, &format!("bundle dist --output K {key}"), 0);
    signed(&made, "signed", &by_key("checked", "none"));
    let cosign_here = site.path("bin/cosign").display().to_string();
    let export = format!("{cosign_here} public-key --key=cosign.key --outfile=K.pub");
    let command = format!("{export} && aicr verify K --key K.pub {ROOT}");
    assert_eq!(made["bundles"][0]["commands"], json!([command]));
    let made = report(&site, &format!("bundle dist --output P {keyless}"), 0);
    signed(&made, "signed", &by_person("checked", "checked"));
    assert_eq!(made["bundles"][0]["commands"], json!([format!("aicr verify P {whom} --require-timestamp")]));
    signed(&report(&site, &format!("bundle-sign K {key}"), 0), "already-signed", &by_key("checked", "none"));
    signed(
        &report(&site, &format!("bundle-sign P {keyless}"), 0),
        "already-signed",
        &by_person("checked", "checked"),
    );

    site.stop(&ALL);
    let verify = |words: &str, code| report(&site, &format!("verify {words}"), code);
    signed(&verify(&format!("K --key cosign.pub {ROOT}"), 0), "accepted", &by_key("checked", "none"));
    signed(&verify("K --key cosign.pub --insecure-ignore-tlog", 0), "accepted", &by_key("unchecked", "none"));
    signed(&verify(&format!("P {whom}"), 0), "accepted", &by_person("checked", "checked"));
    let stamp = verify(&format!("P {whom} --insecure-ignore-tlog --require-timestamp"), 0);
    signed(&stamp, "accepted", &by_person("unchecked", "checked"));

    // Rejections: by aicr, by cosign, or because this cosign does not support the form.
    let mut changed: Value = serde_json::from_str(&site.read(&format!("P/{SIGNATURE}"))).unwrap();
    let entry = &mut changed["verificationMaterial"]["tlogEntries"][0];
    for index in ["/logIndex", "/inclusionProof/logIndex"] {
        *entry.pointer_mut(index).unwrap() = json!("77");
    }
    let rejected = |verdict: &str, report: &Value| {
        let bundle = &report["bundles"][0];
        assert_eq!((&bundle["verdict"], &bundle["signatures"]), (&json!(verdict), &json!([])), "{report}");
        bundle["error"].clone()
    };
    let error = rejected("rejected", &verify(&format!("K {whom}"), 5));
    let by = format!("K is signed by key {KEY_SHA256}, not by an identity (keyless)");
    assert_eq!(error, json!({"exit": 5, "message": by, "cosign": null, "hint": null}));
    let oldest = cosign("v2.4.1");
    let error = rejected("failed", &verify(&format!("P {whom} --cosign {oldest}"), 3));
    let beyond = format!("{oldest} (v2.4.1) cannot verify log entries of Rekor v2");
    assert_eq!((&error["message"], &error["cosign"]), (&json!(beyond), &Value::Null));
    site.file(&format!("P/{SIGNATURE}"), changed.to_string());
    let error = rejected("rejected", &verify(&format!("P {whom}"), 5));
    assert_eq!(error["message"], json!("P: cosign does not accept the signature"));
    let words = error["cosign"].as_str().unwrap();
    assert!(words.starts_with("failed to verify log inclusion: ") && !words.contains('\n'), "{words}");
}
