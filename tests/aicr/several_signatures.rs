//! Bundles with several signatures: what each command does with them.

use crate::bundle_sign::OR_ADD;
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox};

/// The first signature of the bundle `B`.
pub(crate) const FIRST: &str = "B/attestation/checksums.txt.sigstore.json";
const OTHER: &str = "--signing-key other.key --tlog-upload=false";
const OWN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The path of the further signature of `B` by the key with this SHA-256.
pub(crate) fn further(key: &str) -> String {
    format!("B/attestation/checksums.txt.{}.sigstore.json", &key[..16])
}

/// A test directory with a bundle `B`, signed by `cosign.key` and by `other.key`.
pub(crate) fn signed_twice() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed();
    add_other(&sandbox);
    sandbox
}

/// Adds the signature of `other.key` to `B`.
pub(crate) fn add_other(sandbox: &Sandbox) {
    sandbox.aicr(&format!("bundle-sign B --add {OTHER} --quiet")).succeeds();
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
    for path in [FIRST, &further(OTHER_KEY_SHA256)] {
        assert_eq!(sandbox.read(&path.replacen('B', "D", 1)), sandbox.read(path));
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
    assert!(!sandbox.path(further(OTHER_KEY_SHA256)).exists());
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
        .stderr(&format!("error: B is signed by another signer\n{OR_ADD}"))
        .exits(2);
    assert!(sandbox.path(further(OTHER_KEY_SHA256)).exists());
    let output = sandbox.aicr(&format!("bundle-sign B --force {third}")).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.as_str()),
        (Some(0), "warning: B: the new signature replaces 2 others\n")
    );
    assert_eq!(sandbox.tree("B/attestation"), ["checksums.txt.sigstore.json"]);
    sandbox.aicr("verify B --key third/cosign.pub --insecure-ignore-tlog -q").succeeds();
}

/// The first signature stays as it is, and receivers with either key accept the bundle.
#[test]
fn add() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let first = sandbox.read(FIRST);
    sandbox
        .aicr(&format!("bundle-sign B --add {OTHER} --public-key-out k.pub"))
        .stdout(&format!(
            "signed B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
{}verify it with:
  aicr verify B --key k.pub --insecure-ignore-tlog
",
            both(OTHER_KEY_SHA256, KEY_SHA256)
        ))
        .stderr("warning: aicr 0.1.0 rejects a bundle that has a second signature\n")
        .succeeds();
    assert_eq!(sandbox.read(FIRST), first);
    let files = sandbox.tree("B");
    let signatures = sandbox.tree("B/attestation");
    let [added, first] =
        [&further(OTHER_KEY_SHA256), FIRST].map(|path| path["B/attestation/".len()..].to_owned());
    assert_eq!(signatures, [added, first]);
    for key in ["cosign.pub", "other.pub"] {
        sandbox.aicr(&format!("verify B --key {key} --insecure-ignore-tlog -q")).succeeds();
    }
    // It is there now, and the third is added without a word about old receivers.
    let signed = sandbox.aicr(&format!("bundle-sign B --add {OTHER}")).output();
    assert!(signed.stdout.starts_with(b"already signed B\n"), "{signed:?}");
    sandbox.shell("mkdir third && cd third && cosign generate-key-pair").whatever_it_prints().succeeds();
    let third =
        sandbox.aicr("bundle-sign B --add --signing-key third/cosign.key --tlog-upload=false").output();
    assert_eq!((third.status.code(), String::from_utf8(third.stderr).unwrap().as_str()), (Some(0), ""));
    let all = "--key cosign.pub --key other.pub --key third/cosign.pub --require 3";
    sandbox.aicr(&format!("verify B {all} --insecure-ignore-tlog -q")).succeeds();
    assert_eq!(sandbox.tree("B").len(), files.len() + 1);
}

/// `--add` to an unsigned bundle makes the first signature.
#[test]
fn add_to_an_unsigned_bundle() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let output = sandbox.aicr(&format!("bundle-sign B --add {OWN}")).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
    assert_eq!(sandbox.tree("B/attestation"), ["checksums.txt.sigstore.json"]);
}

/// A dry run prints the command, and changes nothing.
#[test]
fn a_dry_run_of_add() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let files = sandbox.tree("B");
    let output = sandbox.aicr(&format!("bundle-sign B --add --dry-run {OTHER}")).output();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout.starts_with("dry run: would sign B\n") && stdout.contains(" sign-blob "), "{stdout}");
    assert_eq!(stderr, "warning: aicr 0.1.0 rejects a bundle that has a second signature\n");
    assert_eq!(sandbox.tree("B"), files);
}

/// Each leaves the bundle as it was.
#[test]
fn what_cannot_be_added() {
    let sandbox = signed_twice();
    let files = sandbox.tree("B");
    let refused = |words: &str, stderr: &str, code| {
        let output = sandbox.aicr(&format!("bundle-sign B {words} -q")).output();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr, "{words}");
        assert_eq!(output.status.code(), Some(code), "{words}");
        assert_eq!(sandbox.tree("B"), files);
    };
    refused(
        "--add --signing-key cosign.key --dry-run",
        "notice: the signature goes to the transparency log of the public Sigstore: public and permanent; \
         --tlog-upload=false keeps it out\n\
         error: B is signed by this signer, but recorded with different services than requested\n\
         hint: --force, without --add, replaces that signature\n",
        2,
    );
    refused(
        &format!("--add --force {OTHER}"),
        "error: --add cannot be used with --force: it keeps what --force replaces\n\
         hint: leave out --force to add a signature, or leave out --add to replace the others\n",
        2,
    );
    // A tree that is not what was signed.
    let content = sandbox.read("B/a");
    sandbox.file("B/a", "changed");
    refused(&format!("--add {OTHER}"), "error: B is not what its manifest says: 1 file is wrong\n", 5);
    sandbox.file("B/a", content);
    // A signature over another manifest is not covered by a new one.
    let manifest = sandbox.read("B/checksums.txt");
    sandbox.shell("mv B/attestation A && echo new >B/new").succeeds();
    sandbox.shell("aicr bundle B --in-place --force -q 2>/dev/null && mv A B/attestation").succeeds();
    let again = "hint: find out who changed it; to sign again, remove attestation/checksums.txt.sigstore.json by hand first\n";
    let output = sandbox.aicr(&format!("bundle-sign B --add {OWN} -q")).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(
        stderr.starts_with("error: B: checksums.txt was changed after it was signed ")
            && stderr.ends_with(again),
        "{stderr}"
    );
    sandbox.remove("B/new").file("B/checksums.txt", manifest);
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog -q").succeeds();
}
