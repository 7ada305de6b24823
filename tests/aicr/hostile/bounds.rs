//! A12: what is large, long or deep costs a bounded amount of memory and time, and has its words.

use std::fs::File;
use std::process::Command;

use rustix::fs::{Mode, OFlags};

use super::{VERIFY, accepted, attacked, finds, rejected, sign_by_hand, stage};
use crate::scene::{KEY_SHA256, Scene};

const ALPHA: &str = "b6a98d9ce9a2d9149288fa3df42d377c3e42737afdcdaf714e33c0a100b51060";

#[test]
fn manifests_that_are_too_much() {
    let scene = stage();
    let (component, path) = ("n".repeat(256), "p/".repeat(2048) + "p");
    for (manifest, lists, why) in [
        (format!("{ALPHA}  {component}\n"), &component[..255], "has a component of more than 255 bytes"),
        (format!("{ALPHA}  {path}\n"), &path[..255], "has a path of more than 4,095 bytes"),
        (
            format!("{ALPHA}  {}\n", "n".repeat(16 << 20)),
            &component[..255],
            "has a path of more than 4,095 bytes",
        ),
    ] {
        sign_by_hand(&scene, manifest.as_bytes());
        rejected(
            &scene,
            &format!(
                "error: B/checksums.txt: line 1 lists `{lists}`, which {why}\nhint: build it anew with `aicr bundle`"
            ),
        );
    }
    // More than is ever read, and so it is not.
    attacked(&scene, |s| s);
    File::create(scene.path("B/checksums.txt")).unwrap().set_len((1 << 30) + 1).unwrap();
    rejected(&scene, "error: B/checksums.txt: it is larger than 1073741824 bytes");

    // The longest name there is.
    let name = "n".repeat(255);
    std::fs::remove_dir_all(attacked(&scene, |s| s).path("B/sub")).unwrap();
    sign_by_hand(
        &scene,
        format!(
            "{ALPHA}  a
{ALPHA}  {name}
"
        )
        .as_bytes(),
    );
    scene.file(
        &format!("B/{name}"),
        "alpha
",
    );
    scene.aicr(&format!("{VERIFY} --quiet")).succeeds();
}

/// Everything wrong is counted, and the first 10,000 are listed.
#[test]
fn a_manifest_of_100_000_files_of_which_none_is_there() {
    let scene = stage();
    let line = |number| format!("{ALPHA}  files/{number:06}\n");
    let manifest: String = (0..100_000).map(line).collect();
    sign_by_hand(&scene, manifest.as_bytes());
    let digest = Command::new("sha256sum").arg(scene.path("B/checksums.txt")).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    let listed: Vec<_> = (1..10_000).map(|number| format!("  missing      files/{number:06}")).collect();
    let listed = listed.join("\n");
    scene
        .aicr(VERIFY)
        .stdout(&format!(
            "rejected B
  manifest sha256 {}
  100000 files, 0 bytes
  key sha256 {KEY_SHA256}, log none, timestamp none
  renamed      files/000000 -> a
{listed}
  and 90001 more
",
            &digest[..64]
        ))
        .stderr("error: B is not what its manifest says: 100001 files are wrong\n")
        .exits(5);
}

#[test]
fn a_tree_deeper_than_any_path() {
    let scene = stage();
    attacked(&scene, |s| nest(s, 1000));
    accepted(&scene, "");
    attacked(&scene, |s| nest(s, 3000));
    let deepest = format!("unreadable   {}d", "d/".repeat(2048));
    finds(&scene, 11, &[&deepest], "");
    // Too deep for what the stage is cleared with.
    assert!(Command::new("rm").arg("-r").arg(scene.path("B/d")).status().unwrap().success());
}

/// So many directories `d`, one in the other.
fn nest(scene: &Scene, depth: usize) -> &Scene {
    let mut directory = File::open(scene.path("B")).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
        directory = rustix::fs::openat(&directory, "d", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .unwrap()
            .into();
    }
    scene
}
