//! What a small file costs: the system calls that two hundred files take more than one hundred do. Where
//! `openat2` is forbidden (some sandboxes) it costs more, and these fail.

use std::collections::BTreeMap;

use crate::sandbox::Sandbox;

/// How many files the smaller tree has; the larger has as many more.
const FILES: usize = 100;

/// The calls of a run on a tree with so many files.
fn calls(files: usize, words: &str) -> BTreeMap<String, usize> {
    let sandbox = Sandbox::new();
    for number in 0..files {
        sandbox.file(&format!("dist/{number}"), "a few bytes");
    }
    sandbox.directory("out").aicr("bundle dist --output B --quiet").succeeds();
    // Where `/tmp` is an overlay, as in a container, each copy is synced by itself.
    let line = format!(
        "mount -t tmpfs none out && exec strace -f -c -U name,calls -o counts aicr {words} --jobs 1 --quiet"
    );
    sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).succeeds();
    let counts = sandbox.read("counts");
    let rows = counts.lines().filter_map(|line| {
        let (name, count) = line.trim().split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    });
    // Built with debug assertions, the standard library asks before each `close` whether that is open (`fcntl`).
    rows.filter(|(name, _)| name != "total" && name != "fcntl").collect()
}

/// How many of each call a file takes; of what is not a multiple of files, such as the pieces in which a
/// directory is listed, there is little.
fn of_a_file(words: &str) -> Vec<(String, usize)> {
    let (few, many) = (calls(FILES, words), calls(2 * FILES, words));
    let more = many.into_iter().filter_map(|(name, count)| {
        let more = count.checked_sub(few.get(&name).copied().unwrap_or_default())?;
        Some((name, more))
    });
    let (each, other): (Vec<_>, Vec<_>) = more.partition(|(_, more)| *more >= FILES);
    assert!(other.iter().all(|(_, more)| *more < FILES / 10), "{other:?}");
    each.into_iter().map(|(name, more)| (name, more / FILES)).collect()
}

fn all(calls: &[&str]) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry((*call).to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

const READ: [&str; 4] = ["openat2", "fstat", "read", "close"];

#[test]
fn a_file_that_is_verified_takes_four() {
    assert_eq!(of_a_file("verify B --checksums-only"), all(&READ));
}

/// The inputs are looked at as a whole before any of them is read, and each again when it was read.
const LOOK: [&str; 2] = ["newfstatat", "fstat"];

#[test]
fn one_that_is_hashed_in_place_takes_six() {
    assert_eq!(of_a_file("bundle dist --in-place"), all(&[&LOOK[..], &READ].concat()));
}

#[test]
fn one_that_is_copied_takes_eleven() {
    let copy = ["openat", "write", "fchmod", "utimensat", "close"];
    assert_eq!(of_a_file("bundle dist --output out/C"), all(&[&LOOK[..], &READ, &copy].concat()));
}
