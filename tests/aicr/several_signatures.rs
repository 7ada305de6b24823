//! Bundles with several signatures: what each command does with them.

use std::fs;

use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox};

const FIRST: &str = "attestation/checksums.txt.sigstore.json";
const OTHER: &str = "--signing-key other.key --tlog-upload=false";
const OWN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The path of the further signature by `other.key`.
fn further() -> String {
    format!("attestation/checksums.txt.{}.sigstore.json", &OTHER_KEY_SHA256[..16])
}

/// A test directory with a bundle `B`, signed by `cosign.key` and by `other.key`.
fn signed_twice() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.shell("cp -r B C && rm -r C/attestation").succeeds();
    sandbox.aicr(&format!("bundle-sign C {OTHER} --quiet")).succeeds();
    fs::copy(sandbox.path("C").join(FIRST), sandbox.path("B").join(further())).unwrap();
    sandbox.shell("rm -r C").succeeds();
    sandbox
}

/// The lines about both signatures, that of the key which was checked or made first.
fn both(checked: &str, unchecked: &str) -> String {
    format!(
        "  key sha256
    {checked}
  log none, timestamp none
  unchecked signature
  key sha256
    {unchecked}
  log none, timestamp none
"
    )
}

#[test]
fn a_copy_has_all_signatures() {
    let sandbox = signed_twice();
    sandbox
        .aicr("verify B --key cosign.pub --insecure-ignore-tlog --copy-to D")
        .stdout(&format!(
            "accepted B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n{}  copied to D\n",
            both(KEY_SHA256, OTHER_KEY_SHA256)
        ))
        .succeeds();
    assert_eq!(sandbox.tree("D"), sandbox.tree("B"));
    for path in [FIRST, &further()] {
        assert_eq!(sandbox.read(&format!("D/{path}")), sandbox.read(&format!("B/{path}")));
    }
}

#[test]
fn inspect_describes_all_signatures() {
    let sandbox = signed_twice();
    sandbox
        .aicr("inspect B")
        .stdout(&format!(
            "described B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  key sha256
    {OTHER_KEY_SHA256}
  log none, timestamp none
unproven: anybody can write this; if you trust that signer, verify it with:
  aicr verify B --key cosign.pub --insecure-ignore-tlog
"
        ))
        .succeeds();
}

#[test]
fn each_signer_has_signed_already() {
    let sandbox = signed_twice();
    let files = sandbox.tree("B");
    for (sign, report) in [
        (OWN, both(KEY_SHA256, OTHER_KEY_SHA256)),
        (
            OTHER,
            format!(
                "  unchecked signature\n  key sha256\n    {KEY_SHA256}\n  log none, timestamp none
  key sha256\n    {OTHER_KEY_SHA256}\n  log none, timestamp none\n"
            ),
        ),
    ] {
        for more in ["", " --force"] {
            sandbox
                .aicr(&format!("bundle-sign B {sign} --public-key-out k.pub{more}"))
                .stdout(&format!(
                    "already signed B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n{report}verify it with:\n  \
                     aicr verify B --key k.pub --insecure-ignore-tlog\n"
                ))
                .succeeds();
        }
        sandbox.remove("k.pub");
    }
    // The same bundle, built again.
    sandbox.small_dist().aicr(&format!("bundle dist --output B --force {OTHER} --quiet")).succeeds();
    assert_eq!(sandbox.tree("B"), files);
    sandbox.aicr("bundle dist --output B --force --quiet").succeeds();
    assert_eq!(sandbox.tree("B"), files);
    sandbox.aicr(&format!("bundle B --in-place --force {OTHER} --quiet")).succeeds();
    assert_eq!(sandbox.tree("B"), files);
}

/// A new manifest has none of the old signatures.
#[test]
fn a_new_manifest_is_signed_by_one() {
    let sandbox = signed_twice();
    sandbox.file("B/new", "new").aicr(&format!("bundle B --in-place --force {OTHER} --quiet")).succeeds();
    assert!(!sandbox.path("B").join(further()).exists());
    sandbox.aicr("verify B --key other.pub --insecure-ignore-tlog --quiet").succeeds();
}

/// `--force` by a third key leaves its signature alone, and says how many it has replaced.
#[test]
fn force_by_another_key_replaces_all_signatures() {
    let sandbox = signed_twice();
    sandbox.shell("mkdir third && cd third && cosign generate-key-pair").whatever_it_prints().succeeds();
    let third = "--signing-key third/cosign.key --tlog-upload=false";
    sandbox
        .aicr(&format!("bundle-sign B {third} --quiet"))
        .stderr("error: B is signed by another signer\nhint: --force replaces that signature\n")
        .exits(2);
    assert!(sandbox.path("B").join(further()).exists());
    let output = sandbox.aicr(&format!("bundle-sign B --force {third}")).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.as_str()),
        (Some(0), "warning: B: the new signature replaces 2 others\n")
    );
    assert_eq!(sandbox.tree("B/attestation"), ["checksums.txt.sigstore.json"]);
    sandbox.aicr("verify B --key third/cosign.pub --insecure-ignore-tlog -q").succeeds();
}
