//! A cosign that cannot say no (A37), and one that cannot say yes: neither is one, and nothing is
//! decided by it.

use super::SIGN;
use crate::fake::SIGNATURE;
use crate::sandbox::{Sandbox, UNSIGNED};
use crate::without_aicr::sigstore_bundle;

const VERIFY: &str = "--key cosign.pub --insecure-ignore-tlog";

/// A test directory with a signed bundle `B`, a bundle `F` with a signature that is wrong, and a wrapper of
/// the real cosign.
fn test_dir(wrapper: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.aicr("bundle dist --output F --quiet").stderr(UNSIGNED).succeeds();
    let signed: serde_json::Value = serde_json::from_str(&sandbox.read(SIGNATURE)).unwrap();
    let signature = signed["messageSignature"]["signature"].as_str().unwrap();
    let forged = "0000000000000000000000000000000000000000000000000000000000000000  a\n";
    sandbox
        .file("F/checksums.txt", forged)
        .file("F/attestation/checksums.txt.sigstore.json", sigstore_bundle(signature, forged));
    let real = sandbox.cosign().display().to_string();
    let script = wrapper.replace("REAL", &format!("'{real}'"));
    sandbox.remove("bin/cosign").program("bin/cosign", &format!("PATH=/usr/bin:/bin\n{script}"));
    sandbox
}

/// Every command ends with this error and exit 3.
#[track_caller]
fn unusable(sandbox: &Sandbox, commands: &[String], error: &str) {
    for words in commands {
        let output = sandbox.aicr(words).whatever_it_prints().exits(3);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stderr = stderr.replace(sandbox.path("").to_str().unwrap(), "{root}/");
        let version = crate::without_aicr::release(sandbox.cosign());
        assert_eq!(stderr, error.replace("VERSION", &version), "{words}");
    }
    assert!(!sandbox.path("C").exists());
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}

#[test]
fn a_wrapper_that_loses_the_exit_status() {
    let sandbox = test_dir("REAL \"$@\" 2>&1 | tee -a \"${0%/bin/*}/log\"");
    unusable(
        &sandbox,
        &[
            format!("verify B {VERIFY}"),
            format!("verify F {VERIFY}"),
            format!("bundle dist --output C {SIGN}"),
            format!("bundle dist --output C {SIGN} --dry-run"),
            format!("bundle-sign B {SIGN}"),
            format!("bundle-sign F {SIGN} --force"),
            "doctor".to_owned(),
        ],
        "error: {root}/bin/cosign (VERSION) does not refuse a wrong signature
hint: a wrapper that loses the exit status of cosign is the usual cause: name the cosign binary itself with --cosign
",
    );
}

#[test]
fn a_wrapper_that_keeps_the_exit_status() {
    let sandbox = test_dir("REAL \"$@\"; exit $?");
    sandbox.aicr(&format!("verify B {VERIFY} --quiet")).succeeds();
    sandbox.aicr(&format!("verify F {VERIFY}")).whatever_it_prints().exits(5);
    sandbox.aicr(&format!("bundle dist --output C {SIGN} --quiet")).succeeds();
    sandbox.aicr("doctor --quiet").succeeds();
}

/// A container that does not see the files of aicr: the question whether it knows the flags is
/// answered.
#[test]
fn one_that_refuses_everything() {
    let sandbox = test_dir(
        "case $* in verify-blob*' --help') ;; verify-blob*) echo 'Error: no such file or directory' >&2; exit 1 ;; esac
exec REAL \"$@\"",
    );
    unusable(
        &sandbox,
        &[
            format!("verify B {VERIFY}"),
            format!("verify F {VERIFY}"),
            format!("bundle dist --output C {SIGN}"),
            format!("bundle-sign B {SIGN}"),
        ],
        "error: {root}/bin/cosign (VERSION) does not accept a signature that is right
    no such file or directory
hint: a container that does not see the files of aicr is the usual cause: name the cosign binary itself with --cosign
",
    );
}
