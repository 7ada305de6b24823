//! Trees that are walked, and what is found in them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use camino::Utf8Path;
use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::printable::show;
use crate::tree::at_work;

fn listed(path: &std::path::Path) -> Vec<String> {
    let bundle = Beneath::open(Utf8Path::from_path(path).unwrap()).unwrap();
    let listing = at_work(|work| list(&bundle, work)).unwrap();
    let mut cursor = listing.cursor();
    let mut lines = Vec::new();
    while let Some((path, seen)) = cursor.next() {
        lines.push(match seen {
            Seen::Entry(Kind::File) => show(path),
            Seen::Entry(kind) => format!("{}: {kind}", show(path)),
            Seen::Unreadable => format!("{}: unreadable", show(path)),
        });
    }
    lines
}

#[test]
fn everything_is_listed_in_order_and_nothing_is_followed() {
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    assert_eq!(listed(top.path()), [""; 0]);
    for directory in ["a", "a/b/c", ".hidden", "z"] {
        std::fs::create_dir_all(at(directory)).unwrap();
    }
    for file in ["a/x", "a/b/y", "a-b", "a.b", "ab", ".hidden/f", "a/b/c/d"] {
        std::fs::write(at(file), "").unwrap();
    }
    std::fs::write(top.path().join(OsStr::from_bytes(b"\xff\n")), "").unwrap();
    symlink("/etc", at("a/etc")).unwrap();
    symlink("..", at("z/loop")).unwrap();
    rustix::fs::mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(
        listed(top.path()),
        [
            ".hidden: a directory",
            ".hidden/f",
            "a-b",
            "a.b",
            "a: a directory",
            "a/b: a directory",
            "a/b/c: a directory",
            "a/b/c/d",
            "a/b/y",
            "a/etc: a symbolic link",
            "a/x",
            "ab",
            "fifo: a FIFO",
            "z: a directory",
            "z/loop: a symbolic link",
            "\\xff\\u{a}",
        ]
    );
}

#[test]
fn many_directories_come_out_as_if_read_by_one_thread() {
    let top = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for one in 0..12 {
        for two in 0..12 {
            let directory = format!("d{one}/e{two}");
            std::fs::create_dir_all(top.path().join(&directory)).unwrap();
            for three in 0..3 {
                std::fs::write(top.path().join(&directory).join(three.to_string()), "").unwrap();
                expected.push(format!("{directory}/{three}"));
            }
        }
    }
    expected.sort_unstable();
    let mut files = listed(top.path());
    files.retain(|line| !line.ends_with(": a directory"));
    assert_eq!(files, expected);
}

#[test]
fn a_tree_too_deep_to_open_is_a_line_and_not_a_crash() {
    let top = tempfile::tempdir().unwrap();
    let name = "d".repeat(200);
    let mut directory = Beneath::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    for _ in 0..25 {
        rustix::fs::mkdirat(&directory, &name, Mode::RWXU).unwrap();
        directory = directory.directory(name.as_bytes()).unwrap();
    }
    let lines = listed(top.path());
    assert_eq!(lines.len(), 21);
    assert!(lines[19].ends_with(": a directory"));
    assert!(lines[20].ends_with(": unreadable"));
    assert!(lines[20].len() > MAX_PATH);
}

#[test]
fn paths_share_what_they_share() {
    let long = "x".repeat(4000);
    let names = [long.as_str(), &format!("{long}y"), "z"];
    let entries = names.map(|name| (name.as_bytes(), Seen::Entry(Kind::File)));
    let listing = Listing::of(&entries);
    let mut cursor = listing.cursor();
    for name in names {
        assert_eq!(cursor.next().unwrap().0, name.as_bytes());
    }
    assert!(cursor.next().is_none());
}
