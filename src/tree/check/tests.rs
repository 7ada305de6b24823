//! Which files of a tree are wrong, and what is reported about them.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use camino::Utf8Path;
use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::printable::show;
use crate::tree::manifest::render;
use crate::tree::{MANIFEST, walk, with_two_threads};

const NAMES: [&str; 4] = ["a", "d/b", "d/c", "empty"];

fn tree() -> (tempfile::TempDir, Vec<u8>) {
    let top = tempfile::tempdir().unwrap();
    std::fs::create_dir(top.path().join("d")).unwrap();
    let content = |name: &str| if name == "empty" { String::new() } else { name.repeat(100_000) };
    let mut text = Vec::new();
    let entries = NAMES.map(|name| (name, Sha256Digest::of(content(name).as_bytes())));
    render(entries.into_iter(), &mut text).unwrap();
    for name in NAMES {
        std::fs::write(top.path().join(name), content(name)).unwrap();
    }
    std::fs::write(top.path().join(MANIFEST), &text).unwrap();
    (top, text)
}

fn checked(top: &Path, text: &[u8]) -> Checked {
    let bundle = RootedDir::open(Utf8Path::from_path(top).unwrap()).unwrap();
    let manifest = Manifest::unproven(text).unwrap();
    with_two_threads(|work| {
        let listing = walk::list(&bundle, work)?;
        check(&bundle, &manifest, &listing, Layout::Bundle, None, Keep::Nothing, work)
    })
    .unwrap()
}

fn findings(top: &Path, text: &[u8]) -> Vec<String> {
    let findings = checked(top, text).findings;
    findings.kept.iter().map(|finding| format!("{} {}", finding.kind, show(&finding.path))).collect()
}

#[test]
fn a_huge_unlisted_file_is_not_read() {
    let (top, text) = tree();
    std::fs::remove_file(top.path().join("a")).unwrap();
    let huge = std::fs::File::create(top.path().join("huge")).unwrap();
    huge.set_len(MAX_CANDIDATE_BYTES + 1).unwrap();
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let checked = with_two_threads(|work| {
        let listing = walk::list(&bundle, work)?;
        check(&bundle, &manifest, &listing, Layout::Bundle, None, Keep::Nothing, work)
    });
    let kinds: Vec<_> =
        checked.unwrap().findings.kept.into_iter().map(|one| (one.kind.word(), one.path)).collect();
    assert_eq!(kinds, [("missing", b"a".to_vec()), ("unlisted", b"huge".to_vec())]);
}

#[test]
fn a_good_tree_has_no_findings() {
    let (top, text) = tree();
    let checked = checked(top.path(), &text);
    assert_eq!(checked.findings, Findings::default());
    assert_eq!((checked.files, checked.bytes, checked.warnings.len()), (4, 700_000, 0));
}

#[test]
fn every_kind_of_damage_is_found_without_blocking() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage, &[&str]); 8] = [
        ("one byte", |top| flip(&top.join("d/b"), 299_999), &["changed d/b"]),
        ("shorter", |top| shorten(&top.join("a")), &["changed a"]),
        ("longer", |top| std::fs::write(top.join("empty"), "x").unwrap(), &["changed empty"]),
        ("missing", |top| std::fs::remove_file(top.join("a")).unwrap(), &["missing a"]),
        ("renamed", |top| std::fs::rename(top.join("a"), top.join("z")).unwrap(), &["renamed a"]),
        ("swapped", |top| swap(&top.join("a"), &top.join("d/c")), &["changed a", "changed d/c"]),
        ("a link", |top| replace(top, "a", |path| symlink("/dev/zero", path).unwrap()), &["not-regular a"]),
        ("a FIFO", |top| replace(top, "a", fifo), &["not-regular a"]),
    ];
    for (what, damage, expected) in damage {
        let (top, text) = tree();
        damage(top.path());
        assert_eq!(findings(top.path(), &text), expected, "{what}");
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn shorten(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[1..]).unwrap();
}

fn swap(one: &Path, other: &Path) {
    let aside = one.with_extension("aside");
    std::fs::rename(one, &aside).unwrap();
    std::fs::rename(other, one).unwrap();
    std::fs::rename(aside, other).unwrap();
}

fn replace(top: &Path, name: &str, with: fn(&Path)) {
    std::fs::remove_file(top.join(name)).unwrap();
    with(&top.join(name));
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR, 0).unwrap();
}

#[test]
fn a_file_that_turns_into_a_link_after_it_was_listed_is_not_followed() {
    let (top, text) = tree();
    let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let checked = with_two_threads(|work| {
        let listing = walk::list(&bundle, work).unwrap();
        // The content is the same, but the file, and a directory, are now links.
        std::fs::rename(top.path().join("a"), top.path().join("copy")).unwrap();
        symlink("copy", top.path().join("a")).unwrap();
        std::fs::rename(top.path().join("d"), top.path().join("e")).unwrap();
        symlink("e", top.path().join("d")).unwrap();
        check(&bundle, &manifest, &listing, Layout::Bundle, None, Keep::Nothing, work).unwrap()
    });
    let kinds: Vec<_> = checked.findings.kept.iter().map(|finding| finding.kind.word()).collect();
    assert_eq!(kinds, ["not-regular", "not-regular", "not-regular"]);
}

#[test]
fn unsafe_modes_and_hard_links_are_one_warning_each() {
    let (top, text) = tree();
    let mode = |name: &str, mode| {
        std::fs::set_permissions(top.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("a", 0o4755);
    mode("d/b", 0o2666);
    let shown = top.path().display();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::hard_link(top.path().join("d/c"), elsewhere.path().join("c")).unwrap();
    let Checked { findings, warnings, .. } = checked(top.path(), &text);
    assert_eq!(findings.total, 0);
    assert_eq!(
        warnings,
        [
            format!("{shown}: 2 files are set-user-ID or set-group-ID; the signature does not cover modes"),
            format!("{shown}: 1 file is writable by everybody"),
            format!("{shown}: 1 file is hard-linked and can be changed through another name"),
        ]
    );
}
