//! Bundles with several signatures, with every release of cosign, and by two of them.

use std::fs;

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox, cosigns};
use crate::without_aicr::release;

const FIRST: &str = "B/attestation/checksums.txt.sigstore.json";
const BOTH: &str = "verify B --key cosign.pub --key other.pub --insecure-ignore-tlog";

/// The path of the further signature by `other.key`.
fn further() -> String {
    format!("B/attestation/checksums.txt.{}.sigstore.json", &OTHER_KEY_SHA256[..16])
}

#[test]
fn two_signatures_by_each_release() {
    for cosign in cosigns() {
        let release = release(&cosign);
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        sandbox.aicr("bundle-sign B --add --signing-key other.key --tlog-upload=false --quiet").succeeds();
        sandbox
            .aicr(&format!("{BOTH} --require 2"))
            .stdout(&format!(
                "accepted B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  key sha256
    {OTHER_KEY_SHA256}
  log none, timestamp none
"
            ))
            .succeeds();
        // A false signature of a trusted key, next to a good one.
        let signature = |path: &str| {
            let value: serde_json::Value = serde_json::from_str(&sandbox.read(path)).unwrap();
            value["messageSignature"]["signature"].as_str().unwrap().to_owned()
        };
        let forged = sandbox.read(&further()).replace(&signature(&further()), &signature(FIRST));
        sandbox.file(&further(), forged);
        sandbox.aicr(BOTH).whatever_it_prints().exits(5);
        sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
        // The further one alone is none.
        fs::remove_file(sandbox.path(FIRST)).unwrap();
        let output = sandbox.aicr(BOTH).output();
        assert_eq!(output.status.code(), Some(5), "{release}");
    }
}

/// Two people need not have the same cosign, and receivers may have a third one.
#[test]
fn two_signatures_by_two_releases() {
    let cosigns = cosigns();
    for (one, other) in cosigns.iter().zip(cosigns.iter().cycle().skip(1)) {
        let sandbox = Sandbox::with_cosign(one);
        sandbox.signed();
        sandbox
            .aicr("bundle-sign B --add --signing-key other.key --tlog-upload=false --quiet")
            .env("AICR_COSIGN", other.to_str().unwrap())
            .succeeds();
        for cosign in &cosigns {
            sandbox
                .aicr(&format!("{BOTH} --require 2 --quiet"))
                .env("AICR_COSIGN", cosign.to_str().unwrap())
                .succeeds();
        }
    }
}
