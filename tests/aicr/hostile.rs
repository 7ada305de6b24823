//! What media may do to a bundle: the attacks on `verify`, each on a bundle that is accepted without it.
//! `corpus.rs` is the table of them, with the words that the reader gets; the rest is what takes more than
//! a row.

mod attacks;
mod bounds;
mod corpus;
mod old_kernel;
mod reads;
mod signature;
mod special;
mod tree;

use std::fs;
use std::process::Command;

use crate::by_hand;
use crate::scene::{KEY_SHA256, SMALL_SHA256, Scene};

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";
const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";

/// A stage with a signed bundle `B`, and `kept`, which is the same.
fn stage() -> Scene {
    let scene = Scene::new();
    scene.signed();
    copy(&scene, "B", "kept");
    scene
}

/// Does this to a fresh `B`.
fn attacked(scene: &Scene, attack: impl FnOnce(&Scene) -> &Scene) -> &Scene {
    fs::remove_dir_all(scene.path("B")).unwrap();
    copy(scene, "kept", "B");
    attack(scene)
}

/// Puts this manifest into `B`, validly signed, as who has the key could.
fn sign_by_hand<'a>(scene: &'a Scene, manifest: &[u8]) -> &'a Scene {
    let signature = by_hand::signature(scene, "cosign.key", manifest);
    let bundle = by_hand::sigstore_bundle(&signature, manifest);
    scene.file("B/checksums.txt", manifest).file(SIGNATURE, bundle)
}

fn copy(scene: &Scene, from: &str, to: &str) {
    let copied = Command::new("cp").arg("-a").args([scene.path(from), scene.path(to)]).status().unwrap();
    assert!(copied.success());
}

/// What stands below the first line of a report about a signed `B` with so many bytes of payload.
fn found(bytes: u64) -> String {
    format!(
        "  manifest sha256 {SMALL_SHA256}\n  2 files, {bytes} bytes\n  key sha256 {KEY_SHA256}, log none, timestamp none\n"
    )
}

/// Exit 0 and these lines on stderr, for what is odd and no reason to reject.
#[track_caller]
fn accepted(scene: &Scene, warnings: &str) {
    scene.aicr(VERIFY).stdout(&format!("accepted B\n{}", found(11))).stderr(warnings).succeeds();
}

/// Exit 5 and these lines on stderr, before any file is compared.
#[track_caller]
fn rejected(scene: &Scene, stderr: &str) {
    scene.aicr(VERIFY).stdout("rejected B\n").stderr(&format!("{stderr}\n")).exits(5);
}

/// Exit 5 with these findings and this hint, if any; `bytes` is the payload that could be read.
#[track_caller]
fn finds(scene: &Scene, bytes: u64, findings: &[&str], hint: &str) {
    let wrong =
        if findings.len() == 1 { "1 file is".into() } else { format!("{} files are", findings.len()) };
    let lines = findings.join("\n  ");
    scene
        .aicr(VERIFY)
        .stdout(&format!("rejected B\n{}  {lines}\n", found(bytes)))
        .stderr(&format!("error: B is not what its manifest says: {wrong} wrong\n{hint}"))
        .exits(5);
}

fn rename<'a>(scene: &'a Scene, from: &str, to: &str) -> &'a Scene {
    fs::rename(scene.path(from), scene.path(to)).unwrap();
    scene
}
