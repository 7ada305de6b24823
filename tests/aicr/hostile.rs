//! Attacks of a hostile medium on `verify`. Each changes a bundle that is accepted without it. `corpus.rs`
//! is a table of attacks and the messages about them; the other files have attacks that need more than a row.

mod archives;
mod attacks;
mod bounds;
mod corpus;
mod identity;
mod old_kernel;
mod reads;
mod several;
mod signature;
mod special;
mod tree;

use std::fs;
use std::process::Command;

use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox};
use crate::without_aicr;

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";
const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";

/// A test directory with a signed bundle `B`, and a copy of it, `kept`.
fn test_dir() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed();
    copy(&sandbox, "B", "kept");
    sandbox
}

/// Restores `B` from `kept`, and attacks it.
fn attacked(sandbox: &Sandbox, attack: impl FnOnce(&Sandbox) -> &Sandbox) -> &Sandbox {
    fs::remove_dir_all(sandbox.path("B")).unwrap();
    copy(sandbox, "kept", "B");
    attack(sandbox)
}

/// Writes a manifest to `B`, with a valid signature of our key.
fn sign_without_aicr<'a>(sandbox: &'a Sandbox, manifest: &[u8]) -> &'a Sandbox {
    let signature = without_aicr::signature(sandbox, "cosign.key", manifest);
    let bundle = without_aicr::sigstore_bundle(&signature, manifest);
    sandbox.file("B/checksums.txt", manifest).file(SIGNATURE, bundle)
}

fn copy(sandbox: &Sandbox, from: &str, to: &str) {
    let copied = Command::new("cp").arg("-a").args([sandbox.path(from), sandbox.path(to)]).status().unwrap();
    assert!(copied.success());
}

/// The lines after the first in a report about a signed `B`; `payload` is [`ALL`] or [`listed`].
fn report(payload: &str) -> String {
    format!(
        "  manifest sha256\n    {SMALL_SHA256}\n  {payload}\n  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n"
    )
}

/// The same about files that are not what was signed, of which `bytes` could be read.
fn report_of_rejected(bytes: u64) -> String {
    report(&listed(bytes)).replace("  key sha256", "  signature accepted\n  key sha256")
}

/// The payload of an accepted `B`.
const ALL: &str = "2 files, 11 bytes";

/// The payload of a rejected `B`, of which `bytes` could be read.
fn listed(bytes: u64) -> String {
    format!("2 files listed, {bytes} bytes could be read")
}

/// Expects exit 0, and these warnings on stderr.
#[track_caller]
fn accepted(sandbox: &Sandbox, warnings: &str) {
    sandbox.aicr(VERIFY).stdout(&format!("accepted B\n{}", report(ALL))).stderr(warnings).succeeds();
}

/// Expects exit 5, and these lines on stderr. No file is compared.
#[track_caller]
fn rejected(sandbox: &Sandbox, stderr: &str) {
    sandbox.aicr(VERIFY).stdout("rejected B\n").stderr(&format!("{stderr}\n")).exits(5);
}

/// Expects exit 5 with these findings and this hint, if any. `bytes` of the payload could be read.
#[track_caller]
fn finds(sandbox: &Sandbox, bytes: u64, findings: &[&str], hint: &str) {
    // Lines with more indentation say more about the finding before them.
    let count = findings.iter().filter(|line| !line.starts_with(' ')).count();
    let wrong = if count == 1 { "1 file is".into() } else { format!("{count} files are") };
    let lines = findings.join("\n  ");
    sandbox
        .aicr(VERIFY)
        .stdout(&format!("rejected B\n{}  {lines}\n", report_of_rejected(bytes)))
        .stderr(&format!("error: B is not what its manifest says: {wrong} wrong\n{hint}"))
        .exits(5);
}

fn rename<'a>(sandbox: &'a Sandbox, from: &str, to: &str) -> &'a Sandbox {
    fs::rename(sandbox.path(from), sandbox.path(to)).unwrap();
    sandbox
}
