//! `--force` when nothing changed: nothing is replaced or signed, so a Makefile may always use it.

use std::os::unix::fs::MetadataExt as _;

use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox, UNSIGNED};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";
const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";

/// What identifies the bundle `B`, and its signature.
fn state(sandbox: &Sandbox) -> (u64, Option<String>) {
    let signature = std::fs::read_to_string(sandbox.path(SIGNATURE)).ok();
    (sandbox.path("B").metadata().unwrap().ino(), signature)
}

/// Runs this, and `B` and its signature stay as they are.
#[track_caller]
fn stays(sandbox: &Sandbox, words: &str, stdout: &str) {
    let before = state(sandbox);
    let names = sandbox.tree("");
    sandbox.aicr(words).stdout(stdout).succeeds();
    assert_eq!((state(sandbox), sandbox.tree("")), (before, names));
}

fn already_signed() -> String {
    format!(
        "already signed B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
verify it with:
  {{root}}/bin/cosign public-key --key=cosign.key --outfile=B.pub && aicr verify B --key B.pub --insecure-ignore-tlog
"
    )
}

#[test]
fn a_bundle_with_the_same_files_and_signer_stays() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    // Times are not compared.
    let file = std::fs::File::options().write(true).open(sandbox.path("dist/a")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    stays(&sandbox, &format!("bundle dist --output B --force {SIGN}"), &already_signed());
    // The key is written for the receivers all the same.
    let words = format!("bundle dist --output B --force --quiet {SIGN} --public-key-out out.pub");
    sandbox.aicr(&words).succeeds();
    assert_eq!(sandbox.read("out.pub"), sandbox.read("cosign.pub"));
}

#[test]
fn without_a_signer_all_signatures_stay() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let stdout = format!(
        "unchanged B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
"
    );
    stays(&sandbox, "bundle dist --output B --force", &stdout);
    let json = sandbox.aicr("bundle dist --output B --force --format json").whatever_it_prints().succeeds();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["bundles"][0]["verdict"], "unchanged");

    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let stdout = format!(
        "unchanged B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
UNSIGNED: nothing proves who made it until it is signed
"
    );
    stays(&sandbox, "bundle dist --output B --force", &stdout);
}

#[test]
fn in_place_it_is_the_same() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    std::fs::rename(sandbox.path("dist"), sandbox.path("B")).unwrap();
    sandbox.aicr(&format!("bundle B --in-place --quiet {SIGN}")).succeeds();
    stays(&sandbox, &format!("bundle B --in-place --force {SIGN}"), &already_signed());
    let before = state(&sandbox);
    sandbox.aicr("bundle B --in-place --force").whatever_it_prints().succeeds();
    assert_eq!(state(&sandbox), before);
    let other = "--signing-key other.key --tlog-upload=false";
    sandbox.aicr(&format!("bundle B --in-place --force --quiet {other}")).succeeds();
    assert_ne!(state(&sandbox), before);
}

#[test]
fn everything_else_is_replaced() {
    type Act = fn(&Sandbox) -> &Sandbox;
    let changes: [(&str, Act, &str); 7] = [
        ("another input", |sandbox| sandbox.file("dist/a", "other\n"), SIGN),
        ("a damaged bundle", |sandbox| sandbox.file("B/a", "wrong\n"), SIGN),
        ("a file that is missing", |sandbox| sandbox.remove("B/a"), ""),
        ("an executable input", |sandbox| sandbox.chmod("dist/a", 0o755), SIGN),
        ("an executable file", |sandbox| sandbox.chmod("B/a", 0o755), ""),
        ("a broken signature", |sandbox| sandbox.file(SIGNATURE, "{"), SIGN),
        ("another signer", |sandbox| sandbox, "--signing-key other.key --tlog-upload=false"),
    ];
    for (what, change, signer) in changes {
        let sandbox = Sandbox::new();
        sandbox.signed();
        change(&sandbox);
        let before = state(&sandbox);
        let warning = if signer.is_empty() { UNSIGNED } else { "" };
        sandbox.aicr(&format!("bundle dist --output B --force --quiet {signer}")).stderr(warning).succeeds();
        let after = state(&sandbox);
        assert_ne!(before.0, after.0, "{what}");
        assert_ne!(before.1, after.1, "{what}");
        sandbox.aicr("verify B --checksums-only --quiet").succeeds();
    }
}
