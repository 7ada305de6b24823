//! A12: large, long or deep input needs a limited amount of memory and time, and is reported.

use std::fs::File;
use std::process::Command;

use rustix::fs::{Mode, OFlags};

use super::attacks::ALPHA;
use super::{VERIFY, accepted, attacked, finds, sign_without_aicr, test_dir};
use crate::sandbox::{KEY_SHA256, Sandbox};

/// All findings are counted, and the first 10,000 are listed.
#[test]
fn a_manifest_of_100_000_files_that_do_not_exist() {
    let sandbox = test_dir();
    let line = |number| format!("{ALPHA}  files/{number:06}\n");
    let manifest: String = (0..100_000).map(line).collect();
    sign_without_aicr(&sandbox, manifest.as_bytes());
    let digest = Command::new("sha256sum").arg(sandbox.path("B/checksums.txt")).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    let listed: Vec<_> = (1..10_000).map(|number| format!("  missing      files/{number:06}")).collect();
    let listed = listed.join("\n");
    sandbox
        .aicr(VERIFY)
        .stdout(&format!(
            "rejected B
  manifest sha256
    {}
  100000 files listed, 0 bytes could be read
  signature accepted
  key sha256
    {KEY_SHA256}
  log none, timestamp none
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
    let sandbox = test_dir();
    attacked(&sandbox, |s| nest(s, 1000));
    accepted(&sandbox, "");
    attacked(&sandbox, |s| nest(s, 3000));
    let deepest = format!("unreadable   {}d", "d/".repeat(2048));
    finds(&sandbox, 11, &[&deepest, "  file name too long"], "");
    // The tree is too deep for the code that removes the test directory.
    assert!(Command::new("rm").arg("-r").arg(sandbox.path("B/d")).status().unwrap().success());
}

/// Creates directories `d` inside each other.
fn nest(sandbox: &Sandbox, depth: usize) -> &Sandbox {
    let mut directory = File::open(sandbox.path("B")).unwrap();
    for _ in 0..depth {
        rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
        directory = rustix::fs::openat(&directory, "d", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .unwrap()
            .into();
    }
    sandbox
}
