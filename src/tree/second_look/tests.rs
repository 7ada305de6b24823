//! What the second look finds, and what it allows.

use std::fs;
use std::path::Path;

use camino::Utf8Path;

use super::*;
use crate::tree::inputs::{Options, collect};
use crate::tree::manifest::Manifest;

const NAMES: [&str; 4] = ["a", "d/.hidden", "d/b", "e"];

/// What `change` makes of a tree with these files and its own ones, as a second look sees it.
fn second_look(change: impl Fn(&Path)) -> Option<String> {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    for name in NAMES {
        fs::write(top.path().join(name), name).unwrap();
    }
    let path = Utf8Path::from_path(top.path()).unwrap().to_owned();
    let interrupt = Interrupt::default();
    let collected = collect(&[path], Options::default(), &interrupt).unwrap();
    let files: Vec<_> =
        collected.files.iter().map(|file| FileId { size: file.size, inode: file.inode.1 }).collect();
    fs::create_dir(top.path().join("attestation")).unwrap();
    for name in [MANIFEST, SIGNATURE] {
        fs::write(top.path().join(name), "").unwrap();
    }
    change(top.path());
    Expected { names: Names::Collected(&collected), files: &files, pending: None }
        .first_change(&collected.roots[0], &interrupt)
        .unwrap()
}

#[test]
fn every_change_of_names_and_sizes_is_found() {
    type Change = fn(&Path);
    let changes: [(Change, &str); 8] = [
        (|top| fs::remove_file(top.join("d/b")).unwrap(), "d/b was removed"),
        (|top| fs::remove_dir_all(top.join("d")).unwrap(), "d/.hidden was removed"),
        (|top| fs::write(top.join("d/b"), "longer").unwrap(), "d/b has another size"),
        (|top| fs::write(top.join("d/c"), "").unwrap(), "d/c was added"),
        (|top| std::os::unix::fs::symlink("a", top.join("link")).unwrap(), "link was added"),
        (|top| fs::write(top.join("attestation/x"), "").unwrap(), "attestation/x was added"),
        (
            |top| {
                fs::remove_file(top.join("a")).unwrap();
                fs::create_dir(top.join("a")).unwrap();
            },
            "a was replaced",
        ),
        (
            |top| {
                fs::rename(top.join("d"), top.join("attestation/elsewhere")).unwrap();
                std::os::unix::fs::symlink("attestation/elsewhere", top.join("d")).unwrap();
            },
            "d was added",
        ),
    ];
    for (change, expected) in changes {
        let found = second_look(change);
        // A directory is read in any order.
        if expected == "d was added" {
            assert!(found.is_some_and(|found| found.ends_with(" was added")));
        } else {
            assert_eq!(found.as_deref(), Some(expected));
        }
    }
}

#[test]
fn a_file_of_the_same_size_in_its_place_is_found() {
    let found = second_look(|top| {
        fs::write(top.join("other"), "e").unwrap();
        fs::rename(top.join("other"), top.join("e")).unwrap();
    });
    let top = tempfile::tempdir().unwrap();
    let is_stable = has_stable_inodes(fs::File::open(top.path()).unwrap());
    assert_eq!(found.as_deref(), is_stable.then_some("e was replaced"));
}

#[test]
fn directories_and_own_files_may_change() {
    let changes: [fn(&Path); 4] = [
        |_| {},
        |top| fs::create_dir(top.join("empty")).unwrap(),
        |top| fs::remove_dir_all(top.join("attestation")).unwrap(),
        |top| {
            for name in [".x.aicr-staging", "attestation/.aicr-staging", "d/.y.aicr-staging"] {
                fs::create_dir(top.join(name)).unwrap();
                fs::write(top.join(name).join("f"), "").unwrap();
            }
        },
    ];
    for change in changes {
        assert_eq!(second_look(change), None);
    }
}

#[test]
fn listed_files_in_a_directory_of_that_name_are_looked_at() {
    let text = format!("{}  .x.aicr-staging/f\n", "0".repeat(64));
    let manifest = Manifest::unproven(text.as_bytes()).unwrap();
    let top = tempfile::tempdir().unwrap();
    let file = top.path().join(".x.aicr-staging/f");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, "x").unwrap();
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    let files = [FileId::new(&bundle.stat(b".x.aicr-staging/f").unwrap(), 1)];
    let expected = Expected { names: Names::Listed(&manifest), files: &files, pending: None };
    let look = || expected.first_change(&bundle, &Interrupt::default()).unwrap();
    assert_eq!(look(), None);
    fs::remove_file(&file).unwrap();
    assert_eq!(look().as_deref(), Some(".x.aicr-staging/f was removed"));
}

#[test]
fn own_files_are_compared_with_what_they_were() {
    let top = tempfile::tempdir().unwrap();
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    let failure = |before: &OwnFiles| {
        before.check(&bundle, "B", Activity::Signing).err().map(|failure| failure.message().to_owned())
    };
    let none = OwnFiles::of(&bundle);
    assert_eq!(failure(&none), None);
    fs::write(top.path().join(MANIFEST), "x").unwrap();
    let message = "B changed while it was being signed: checksums.txt is not the same";
    assert_eq!(failure(&none).as_deref(), Some(message));
    let one = OwnFiles::of(&bundle);
    assert_eq!(failure(&one), None);
    fs::create_dir(top.path().join("attestation")).unwrap();
    fs::write(top.path().join(SIGNATURE), "x").unwrap();
    let message =
        "B changed while it was being signed: attestation/checksums.txt.sigstore.json is not the same";
    assert_eq!(failure(&one).as_deref(), Some(message));
}
