//! The system calls for a small file: the difference between a run with two hundred files and one with one
//! hundred. These tests fail where `openat2` is forbidden, as in some sandboxes, because a file needs more then.

use std::collections::BTreeMap;

use crate::sandbox::{Sandbox, UNSIGNED};

/// The number of files in the smaller tree. The larger tree has twice as many.
const FILES: usize = 100;

/// No call that is made once for each file differs from that by so many.
const OTHER: usize = FILES / 10;

/// The number of system calls of each kind, in a run on a tree with this many files.
fn calls(files: usize, words: &str) -> BTreeMap<String, usize> {
    let sandbox = Sandbox::new();
    for number in 0..files {
        sandbox.file(&format!("dist/{number}"), "a few bytes");
    }
    sandbox.directory("out").aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    let stderr = if words.starts_with("bundle") { UNSIGNED } else { "" };
    // On an overlay, which `/tmp` is in a container, each copy would be synced by itself.
    let line = format!(
        "mount -t tmpfs none out && exec strace -f -c -U name,calls -o counts aicr {words} --jobs 1 --quiet"
    );
    sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).stderr(stderr).succeeds();
    let counts = sandbox.read("counts");
    let rows = counts.lines().filter_map(|line| {
        let (name, count) = line.trim().split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    });
    // With debug assertions, the standard library calls `fcntl` before each `close`.
    rows.filter(|(name, _)| name != "total" && name != "fcntl").collect()
}

/// The number of system calls of each kind for one file. There are only a few others, such as those that list
/// a directory or depend on which thread is first.
fn of_a_file(words: &str) -> Vec<(String, usize)> {
    let (few, many) = (calls(FILES, words), calls(2 * FILES, words));
    let more = many.into_iter().filter_map(|(name, count)| {
        let more = count.checked_sub(few.get(&name).copied().unwrap_or_default())?;
        Some((name, more))
    });
    let (each, other): (Vec<_>, Vec<_>) = more.partition(|(_, more)| *more >= FILES - OTHER);
    assert!(other.iter().all(|(_, more)| *more < OTHER), "{other:?}");
    each.into_iter().map(|(name, more)| (name, (more + OTHER) / FILES)).collect()
}

fn all(calls: &[&str]) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry((*call).to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// An executable file takes one more, which looks for file capabilities.
const READ: [&str; 4] = ["openat2", "fstat", "read", "close"];

#[test]
fn verifying_a_file_takes_four() {
    assert_eq!(of_a_file("verify B --checksums-only"), all(&READ));
}

/// All inputs are listed before the first is read, and each is checked again after it was read.
const LOOK: [&str; 2] = ["newfstatat", "fstat"];

#[test]
fn hashing_a_file_in_place_takes_seven() {
    assert_eq!(of_a_file("bundle dist --in-place"), all(&[&LOOK[..], &READ, &["newfstatat"]].concat()));
}

/// A copy has its mode from its creation. Before it is published, it is looked at a second time.
#[test]
fn copying_a_file_takes_twelve() {
    let copy = ["openat", "fstat", "write", "utimensat", "close", "newfstatat"];
    assert_eq!(of_a_file("bundle dist --output out/C"), all(&[&LOOK[..], &READ, &copy].concat()));
}
