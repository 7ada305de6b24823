//! The rows of the signing table that are valid and need no service. `signing` has the refused
//! ones, `services` those with services.

use super::{line, test_directory};
use crate::sandbox::Sandbox;

/// Lines that are nearly refused, but valid.
#[test]
fn lines_that_give_an_unsigned_bundle() {
    for words in [
        "bundle dist -o out",
        "AICR_TLOG_UPLOAD=false bundle dist -o out",
        "bundle dist -o out --tlog-upload=true",
        "bundle dist -o out --tlog-upload",
        "AICR_SIGNING_KEY=cosign.key bundle dist -o out --no-sign",
        "AICR_SIGNING_KEY= AICR_TLOG_UPLOAD=x bundle dist -o out --no-sign",
    ] {
        let sandbox = test_directory();
        line(&sandbox, words)
            .stdout(
                "built out
  manifest sha256
    162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8
  2 files, 11 bytes
sign it with:
  aicr bundle-sign out --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
",
            )
            .succeeds();
        assert!(!sandbox.path("started").exists(), "{words}: an unsigned bundle needs no cosign");
    }
}

#[test]
fn lines_that_give_a_signed_bundle() {
    for words in [
        "bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "AICR_SIGNING_KEY=cosign.key AICR_TLOG_UPLOAD=false bundle dist -o out -q",
        "AICR_SIGNING_KEY=other.key bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "AICR_TLOG_UPLOAD=true bundle dist -o out -q --signing-key cosign.key --tlog-upload=false",
        "bundle dist -o out -q --attest --signing-key cosign.key --tlog-upload=false",
        "AICR_SIGNING_KEY=cosign.key bundle dist -o out -q --attest --tlog-upload=false",
        "bundle dist false -o out -q --signing-key cosign.key --tlog-upload=false",
    ] {
        let sandbox = Sandbox::new();
        sandbox.small_dist().file("false/c", "gamma\n");
        line(&sandbox, words).succeeds();
        line(&sandbox, "verify out -q --key cosign.pub --insecure-ignore-tlog").succeeds();
    }
}
