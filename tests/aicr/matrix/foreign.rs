//! Releases that aicr did not build: signatures by a key, in every form that others publish, and forgeries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::foreign_release::sample::{Foreign, ONLY, TRUST};
use crate::sandbox::{KEY_SHA256, Sandbox, cosigns};

#[test]
fn every_form_of_a_signature_by_a_key_is_accepted() {
    for cosign in cosigns() {
        every_form(&Foreign::within(Sandbox::with_cosign(&cosign)));
    }
}

fn every_form(foreign: &Foreign) {
    for (end, content) in foreign.forms() {
        let path = format!("R/SUMS.{end}");
        foreign.sandbox.file(&path, &content);
        foreign.is_accepted("");
        // The same signature by another key.
        let stderr = if content.contains("hint") {
            format!(
                "error: R is signed by key {}, not by --key ({})\nhint: a rotated key is the usual cause: use the public key of the version that signed\n",
                foreign.key_sha256, KEY_SHA256
            )
        } else if content.contains("cert") {
            format!("error: {path} has the public key {}, and --key is {}\n", foreign.key_sha256, KEY_SHA256)
        } else {
            format!("error: R: cosign does not accept the signature\n    (what cosign said)\n{ONLY}")
        };
        foreign.is_rejected("--key cosign.pub --insecure-ignore-tlog", &stderr);
        foreign.sandbox.remove(&path);
    }
}

/// A key that comes with the signature is no signer (GHSA-fx35-mq7g-6g98).
#[test]
fn a_forged_signature_is_rejected() {
    for cosign in cosigns() {
        forgeries(&Foreign::within(Sandbox::with_cosign(&cosign)));
    }
}

fn forgeries(foreign: &Foreign) {
    let sandbox = &foreign.sandbox;
    // The twin of every forgery below.
    sandbox.file("R/SUMS.bundle", json!({ "base64Signature": foreign.bare() }).to_string());
    foreign.is_accepted("");

    sandbox.shell("openssl ecparam -name prime256v1 -genkey -noout -out evil.pem && openssl pkey -in evil.pem -pubout -out evil.pub").whatever_it_prints().succeeds();
    let evil =
        |line: &str| String::from_utf8(sandbox.shell(line).whatever_it_prints().succeeds().stdout).unwrap();
    let signature = evil("openssl dgst -sha256 -sign evil.pem R/SUMS | openssl base64 -A");
    let key = evil("openssl pkey -pubin -in evil.pub -outform DER | sha256sum | head -c 64");
    let public = sandbox.read("evil.pub");
    let refused = format!("error: R: cosign does not accept the signature\n    (what cosign said)\n{ONLY}");
    let other =
        format!("error: R/SUMS.bundle has the public key {key}, and --key is {}\n", foreign.key_sha256);
    let neither =
        "error: R/SUMS.bundle has a `cert` that is neither one certificate nor one public key\n".to_owned();
    let two = format!("{}{public}", sandbox.read("signer.pub"));
    for (bundle, stderr) in [
        (json!({ "base64Signature": signature }), &refused),
        (json!({ "base64Signature": signature, "cert": public }), &other),
        (json!({ "base64Signature": signature, "cert": STANDARD.encode(&public) }), &other),
        (json!({ "base64Signature": signature, "cert": sandbox.read("signer.pub") }), &refused),
        (json!({ "base64Signature": signature, "cert": two }), &neither),
        (json!({ "base64Signature": foreign.bare(), "cert": public }), &other),
    ] {
        sandbox.file("R/SUMS.bundle", bundle.to_string());
        foreign.is_rejected(TRUST, stderr);
    }
    // Both forms in one file.
    let mut both: Value = serde_json::from_str(&foreign.bundle(".v0.3+json")).unwrap();
    both["base64Signature"] = json!(signature);
    both["cert"] = json!(public);
    sandbox.file("R/SUMS.bundle", both.to_string());
    foreign.is_rejected(
        TRUST,
        "error: R/SUMS.bundle has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)\n",
    );

    // Another manifest under a good signature.
    let (sums, v3) = (foreign.manifest_sha256(), foreign.bundle(".v0.3+json"));
    sandbox.file("R/SUMS.bundle", json!({ "base64Signature": foreign.bare() }).to_string());
    let good = sandbox.read("R/SUMS");
    sandbox.file("R/SUMS", good.replace("  a", "  A"));
    foreign.is_rejected(TRUST, &refused);
    sandbox.file("R/SUMS.bundle", v3);
    let changed = foreign.manifest_sha256();
    foreign.is_rejected(
        TRUST,
        &format!(
            "error: R: SUMS was changed after it was signed (SHA-256 {changed}, signed was {sums})\n{ONLY}"
        ),
    );
    sandbox.file("R/SUMS", good.replace('\n', "\r\n"));
    let changed = foreign.manifest_sha256();
    foreign.is_rejected(
        TRUST,
        &format!("error: R: SUMS was changed after it was signed: its line ends are CRLF now (SHA-256 {changed}, signed was {sums})
hint: a transfer or a checkout in text mode does that: copy the bundle again in binary mode, or as a tar file\n"),
    );
}
