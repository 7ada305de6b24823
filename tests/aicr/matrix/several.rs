//! Bundles with several signatures, with every release of cosign, and by two of them.

use std::fs;

use crate::sandbox::{OTHER_KEY_SHA256, Sandbox, cosigns};
use crate::several_keys::accepted;
use crate::several_signatures::{FIRST, add_other, further};
use crate::without_aicr::release;

const BOTH: &str = "verify B --key cosign.pub --key other.pub --insecure-ignore-tlog";

#[test]
fn two_signatures_by_each_release() {
    for cosign in cosigns() {
        let release = release(&cosign);
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        add_other(&sandbox);
        sandbox.aicr(&format!("{BOTH} --require 2")).stdout(&accepted("")).succeeds();
        // A false signature of a trusted key, next to a good one.
        let signature = |path: &str| {
            let value: serde_json::Value = serde_json::from_str(&sandbox.read(path)).unwrap();
            value["messageSignature"]["signature"].as_str().unwrap().to_owned()
        };
        let forged = sandbox
            .read(&further(OTHER_KEY_SHA256))
            .replace(&signature(&further(OTHER_KEY_SHA256)), &signature(FIRST));
        sandbox.file(&further(OTHER_KEY_SHA256), forged);
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
