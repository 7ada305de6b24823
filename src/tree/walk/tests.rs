//! Trees and their listings.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use camino::Utf8Path;
use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::printable::show;
use crate::tree::with_two_threads;

fn listed(path: &std::path::Path) -> Vec<String> {
    let bundle = RootedDir::open(Utf8Path::from_path(path).unwrap()).unwrap();
    let listing = with_two_threads(|work| list(&bundle, work)).unwrap();
    let mut cursor = listing.cursor();
    let mut lines = Vec::new();
    while let Some((path, seen)) = cursor.next() {
        lines.push(match seen {
            Seen::Entry(FileKind::File) => show(path),
            Seen::Entry(kind) => format!("{}: {kind}", show(path)),
            Seen::Unreadable(_) => format!("{}: unreadable", show(path)),
            Seen::Duplicate => format!("{}: duplicate", show(path)),
        });
    }
    lines
}

#[test]
fn all_entries_are_listed_in_order_and_no_link_is_followed() {
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
fn the_order_does_not_depend_on_the_threads() {
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
fn a_path_too_long_to_open_is_listed_as_unreadable() {
    let top = tempfile::tempdir().unwrap();
    let name = "d".repeat(200);
    let mut directory = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
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
fn a_deep_entry_costs_only_its_own_name() {
    let top = tempfile::tempdir().unwrap();
    let mut deep = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    for _ in 0..18 {
        rustix::fs::mkdirat(&deep, "d".repeat(200), Mode::RWXU).unwrap();
        deep = deep.directory("d".repeat(200).as_bytes()).unwrap();
    }
    for number in 0..2000 {
        rustix::fs::mkdirat(&deep, format!("{number:04}"), Mode::RWXU).unwrap();
    }
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    let listing = with_two_threads(|work| list(&bundle, work)).unwrap();
    let names =
        listing.directories.iter().filter_map(|one| one.content.as_ref().ok()).map(|one| one.names.len());
    assert_eq!(names.sum::<usize>(), 18 * 200 + 2000 * 4);
    let (mut cursor, mut number) = (listing.cursor(), 0);
    while let Some((path, seen)) = cursor.next() {
        let path = path.to_vec();
        assert_eq!((listing.path(cursor.place()), seen), (path, Seen::Entry(FileKind::Directory)));
        number += 1;
    }
    assert_eq!(number, 2018);
}

#[test]
fn an_unreadable_directory_is_sorted_like_a_file() {
    let entry = |seen| move |name: &'static str| (name.as_bytes(), seen);
    let file = entry(Seen::Entry(FileKind::File));
    let unreadable = entry(Seen::Unreadable(13));
    let listing = Listing::of(&[file("d/a"), file("d/b-c/x"), unreadable("d/b/"), file("d/c/x"), file("e")]);
    let mut cursor = listing.cursor();
    let mut paths = Vec::new();
    while let Some((path, seen)) = cursor.next() {
        if seen != Seen::Entry(FileKind::Directory) {
            paths.push(show(path));
        }
    }
    assert_eq!(paths, ["d/a", "d/b", "d/b-c/x", "d/c/x", "e"]);

    let top = Listing::of(&[unreadable("")]);
    assert_eq!(top.cursor().next(), Some((&b"."[..], Seen::Unreadable(13))));
}

/// The content of a directory with these entries, of which those that end in `/` are directories.
fn content(entries: &[&str]) -> Vec<String> {
    let (mut names, mut found) = (Vec::new(), Vec::new());
    for entry in entries {
        let name = entry.trim_end_matches('/');
        let kind = if name == *entry { FileKind::File } else { FileKind::Directory };
        let start = names.len().try_into().unwrap();
        let length = name.len().try_into().unwrap();
        names.extend_from_slice(name.as_bytes());
        found.push(Entry { start, length, seen: Seen::Entry(kind), directory: 0 });
    }
    let content = Content::new(&names, &found);
    let lines = content.entries.iter().map(|entry| {
        let name = show(content.name(entry));
        match entry.seen {
            Seen::Entry(FileKind::Directory) => name + "/",
            Seen::Duplicate => name + " again",
            _ => name,
        }
    });
    lines.collect()
}

#[test]
fn a_second_entry_of_one_name_is_a_duplicate() {
    for (entries, expected) in [
        (&["b", "a", "ab", "a-"][..], &["a", "a-", "ab", "b"][..]),
        (&["a/", "a-", "a0", "b"], &["a-", "a/", "a0", "b"]),
        (&["a", "b", "a"], &["a", "a again", "b"]),
        (&["a", "a", "a"], &["a", "a again", "a again"]),
        (&["a/", "b/", "a/"], &["a again", "a/", "b/"]),
        // A file and a directory, which are not sorted next to each other.
        (&["a/", "a-", "a!", "a"], &["a", "a again", "a!", "a-"]),
        (&["a/", "a-", "a/", "a"], &["a", "a again", "a again", "a-"]),
    ] {
        let mut found = content(entries);
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{entries:?}");
    }
}

#[test]
fn directories_that_everybody_can_write_to_are_counted() {
    use std::fs::{Permissions, create_dir_all, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let top = tempfile::tempdir().unwrap();
    create_dir_all(top.path().join("a/b")).unwrap();
    create_dir_all(top.path().join("c")).unwrap();
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    for (directory, mode, count) in [("a", 0o775, 0), ("a/b", 0o1777, 1), ("", 0o707, 2), ("c", 0o777, 3)] {
        set_permissions(top.path().join(directory), Permissions::from_mode(mode)).unwrap();
        let listing = with_two_threads(|work| list(&bundle, work)).unwrap();
        assert_eq!(listing.world_writable, count, "{directory}");
    }
}

#[test]
fn too_many_entries_are_refused_before_they_are_in_memory() {
    let top = tempfile::tempdir().unwrap();
    for number in 0..5000 {
        std::fs::write(top.path().join(number.to_string()), "").unwrap();
    }
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    with_two_threads(|work| {
        list_within(&bundle, work, 5000).unwrap();
        let failure = list_within(&bundle, work, 4999).unwrap_err();
        assert_eq!(
            failure.message(),
            format!("{} contains more than 10,000,000 files and directories", top.path().display())
        );
        assert_eq!(failure.class().code(), 5);

        let budget = Budget::new(&bundle, work, 1500);
        let mut reader =
            DirectoryReader { buffer: DirectoryBuffer::new(), names: Vec::new(), entries: Vec::new() };
        reader.read(&bundle, b"", &budget).unwrap_err();
        assert_eq!(reader.entries.len(), 2 * STRIDE);

        budget.entries.store(0, Ordering::Relaxed);
        budget.names.store(0, Ordering::Relaxed);
        budget.spend(1, MAX_NAMES).unwrap();
        let failure = budget.spend(1, 1).unwrap_err();
        assert!(failure.message().ends_with("contains files and directories with more than 1 GiB of names"));
    });
}

impl Listing {
    /// The listing of these entries and of their directories. A path that ends in `/` is a directory,
    /// which was entered unless it is unreadable.
    pub(crate) fn of(entries: &[(&[u8], Seen)]) -> Self {
        let mut progress = Progress {
            directories: vec![Directory { place: Place::TOP, content: Err(0) }],
            waiting: vec![0],
            busy: 0,
            unreadable: Vec::new(),
            failure: None,
        };
        while let Some(number) = progress.waiting.pop() {
            let above = {
                let mut path = Vec::new();
                progress.directories[number as usize].place.write_path(&progress.directories, &mut path);
                if number == 0 { path } else { [&path, &b"/"[..]].concat() }
            };
            let unreadable = entries.iter().find_map(|(path, seen)| match seen {
                Seen::Unreadable(error) if *path == above => Some(*error),
                _ => None,
            });
            let mut children: Vec<(&[u8], Seen)> = Vec::new();
            for (path, seen) in entries {
                let Some(rest) = path.strip_prefix(&*above).filter(|rest| !rest.is_empty()) else { continue };
                match rest.iter().position(|byte| *byte == b'/') {
                    Some(end) => {
                        let directory = (&rest[..end], Seen::Entry(FileKind::Directory));
                        if !children.contains(&directory) {
                            children.push(directory);
                        }
                    }
                    None => children.push((rest, *seen)),
                }
            }
            let (mut names, mut found) = (Vec::new(), Vec::new());
            for (name, seen) in children {
                let start = names.len().try_into().unwrap();
                let length = name.len().try_into().unwrap();
                names.extend_from_slice(name);
                found.push(Entry { start, length, seen, directory: 0 });
            }
            progress.add(number, unreadable.map_or_else(|| Ok(Content::new(&names, &found)), Err));
        }
        Listing::new(progress.directories, progress.unreadable, 0)
    }
}
