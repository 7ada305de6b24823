//! Trees against manifests, as tables.

use super::*;
use crate::tree::manifest::render;

const FILE: Seen = Seen::Entry(FileKind::File);
const DIRECTORY: Seen = Seen::Entry(FileKind::Directory);
const LINK: Seen = Seen::Entry(FileKind::Link);

/// What is wrong when these are listed and those are there. The content of a file is its name up to `=`,
/// so that `b=a` is a file `b` with the content of `a`.
fn found(listed: &[&str], there: &[(&str, Seen)]) -> Findings {
    fn content(path: &[u8]) -> Sha256Digest {
        let path = String::from_utf8_lossy(path);
        Sha256Digest::of(path.split_once('=').map_or(&*path, |(_, content)| content).as_bytes())
    }
    let mut text = Vec::new();
    render(listed.iter().map(|name| (*name, content(name.as_bytes()))), &mut text).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let entries: Vec<(&[u8], Seen)> = there.iter().map(|(path, seen)| (path.as_bytes(), *seen)).collect();
    let listing = Listing::of(&entries);
    let comparison = Comparison::new(&manifest, &listing);
    let recognised: Vec<_> = comparison
        .to_recognise()
        .into_iter()
        .map(|number| (number, content(&comparison.unlisted(number))))
        .collect();
    comparison.conclude([], recognised)
}

fn check(listed: &[&str], there: &[(&str, Seen)], expected: &[&str]) {
    let findings = found(listed, there);
    let lines: Vec<String> = findings
        .kept
        .iter()
        .map(|Finding { kind, path, to }| {
            let to = to.as_ref().map(|to| format!(" -> {}", String::from_utf8_lossy(to)));
            format!("{kind} {}{}", String::from_utf8_lossy(path), to.unwrap_or_default())
        })
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(findings.total, expected.len() as u64);
}

#[test]
fn a_tree_that_is_its_manifest() {
    let there = [
        ("a", FILE),
        ("attestation/", DIRECTORY),
        (SIGNATURE, FILE),
        (MANIFEST, FILE),
        ("d/", DIRECTORY),
        ("d/b", FILE),
        ("empty/", DIRECTORY),
        ("empty/\n/", DIRECTORY),
    ];
    check(&["a", "d/b"], &there, &[]);
}

#[test]
fn every_kind_of_finding_in_byte_order() {
    let there = [
        (".hidden", FILE),
        ("bad\nname", FILE),
        ("d/", DIRECTORY),
        ("d/x=m2", FILE),
        ("fifo", Seen::Entry(FileKind::Fifo)),
        ("l", LINK),
        ("n/", Seen::Unreadable),
        ("o", FILE),
        ("t/", DIRECTORY),
        ("t/u", FILE),
        ("zz", LINK),
    ];
    check(
        &["l", "m1", "m2", "n/k", "o", "t"],
        &there,
        &[
            "unlisted .hidden",
            "bad-name bad\nname",
            "not-regular fifo",
            "not-regular l",
            "missing m1",
            "renamed m2 -> d/x=m2",
            "unreadable n",
            "missing n/k",
            "not-regular t",
            "unlisted t/u",
            "not-regular zz",
        ],
    );
}

#[test]
fn only_two_names_are_ours() {
    let there = [
        ("Checksums.txt", FILE),
        ("a", FILE),
        ("attestation/", DIRECTORY),
        ("attestation/checksums.txt", FILE),
        ("attestation/x", LINK),
        (SIGNATURE, LINK),
        (MANIFEST, LINK),
        ("d/checksums.txt", FILE),
        ("-", FILE),
    ];
    check(
        &["a"],
        &there,
        &[
            "unlisted -",
            "unlisted Checksums.txt",
            "unlisted attestation/checksums.txt",
            "not-regular attestation/checksums.txt.sigstore.json",
            "not-regular attestation/x",
            "not-regular checksums.txt",
            "unlisted d/checksums.txt",
        ],
    );
    check(&["a"], &[("a", FILE), ("attestation", FILE)], &["unlisted attestation"]);
    check(&["a"], &[("a", FILE), ("attestation", LINK)], &["not-regular attestation"]);
}

#[test]
fn swapped_and_renamed_files() {
    check(&["a", "b"], &[("a", FILE), ("c=b", FILE)], &["renamed b -> c=b"]);
    // Two files of one content: each name is used once, the first for the first.
    check(&["m=1", "n=1"], &[("x=1", FILE), ("y=1", FILE)], &["renamed m=1 -> x=1", "renamed n=1 -> y=1"]);
    check(&["m=1", "n=1"], &[("x=1", FILE)], &["renamed m=1 -> x=1", "missing n=1"]);
    check(&["m=1"], &[("x=1", FILE), ("y=1", FILE)], &["renamed m=1 -> x=1", "unlisted y=1"]);
    // Nothing is missing: a copy is just unlisted.
    check(&["m=1"], &[("m=1", FILE), ("x=1", FILE)], &["unlisted x=1"]);
}

#[test]
fn what_reading_came_to_is_told() {
    let mut text = Vec::new();
    let names = ["a", "b", "c", "d", "e"];
    render(names.iter().map(|name| (*name, Sha256Digest::of(b""))), &mut text).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let listing = Listing::of(&names.map(|name| (name.as_bytes(), FILE)));
    let comparison = Comparison::new(&manifest, &listing);
    assert!((0..5).all(|place| comparison.is_there(place)));
    let read =
        [(1, Outcome::Changed), (2, Outcome::Gone), (3, Outcome::NotRegular), (4, Outcome::Unreadable)];
    let findings = comparison.conclude(read, []);
    let kinds: Vec<_> = findings.kept.iter().map(|finding| finding.kind.word()).collect();
    assert_eq!(kinds, ["changed", "missing", "not-regular", "unreadable"]);
}

#[test]
fn what_is_known_before_anything_is_read() {
    for (there, to_read, stranger) in [
        (&[("a", FILE), ("b", FILE)][..], [true, true], None),
        // What is missing is no stranger.
        (&[("b", FILE)], [false, true], None),
        (&[("a", Seen::Unreadable), ("b", FILE)], [false, true], None),
        (&[("a", LINK), ("b", FILE)], [false, true], Some((FindingKind::NotRegular, "a"))),
        (&[("a", FILE), ("b/", DIRECTORY)], [true, false], Some((FindingKind::NotRegular, "b"))),
        (&[("a", FILE), ("b", FILE), ("c", FILE)], [true, true], Some((FindingKind::Unlisted, "c"))),
        (&[("a", LINK), ("b", FILE), ("c", FILE)], [false, true], Some((FindingKind::Unlisted, "c"))),
        (&[("a", LINK), ("b", LINK)], [false, false], Some((FindingKind::NotRegular, "a"))),
    ] {
        let mut text = Vec::new();
        render(["a", "b"].map(|name| (name, Sha256Digest::of(b""))).into_iter(), &mut text).unwrap();
        let manifest = Manifest::unproven(&text).unwrap();
        let entries: Vec<(&[u8], Seen)> = there.iter().map(|(path, seen)| (path.as_bytes(), *seen)).collect();
        let listing = Listing::of(&entries);
        let comparison = Comparison::new(&manifest, &listing);
        assert_eq!([0, 1].map(|line| comparison.is_there(line)), to_read, "{there:?}");
        let expected = stranger.map(|(kind, path)| (kind, path.as_bytes().to_vec()));
        assert_eq!(comparison.first_stranger(), expected, "{there:?}");
    }
}

#[test]
fn the_first_ten_thousand_are_kept_and_all_are_counted() {
    let names: Vec<String> = (0..12_000).map(|number| format!("{number:05}")).collect();
    let there: Vec<(&str, Seen)> = names.iter().map(|name| (name.as_str(), FILE)).collect();
    let findings = found(&["x"], &there);
    assert_eq!((findings.kept.len(), findings.total), (KEPT, 12_001));
    assert_eq!(findings.kept[KEPT - 1].path, b"09999");
}

#[test]
fn what_systems_leave_on_media_has_a_hint() {
    for (path, named) in [
        ("System Volume Information/IndexerVolumeGuid", "System Volume Information"),
        (".Trash-1000/info/a", ".Trash-1000"),
        (".Trashes/501/a", ".Trashes"),
        (".fseventsd/x", ".fseventsd"),
        (".Spotlight-V100/x", ".Spotlight-V100"),
        (".DS_Store", ".DS_Store"),
        ("._a", "._a"),
        ("$RECYCLE.BIN/desktop.ini", "$RECYCLE.BIN"),
        ("Thumbs.db", "Thumbs.db"),
        ("lost+found/#1", "lost+found"),
    ] {
        let hint = found(&["a"], &[("a", FILE), (path, FILE)]).hint.unwrap();
        let expected =
            format!("the system made `{named}`: keep the bundle in a directory of its own on the medium");
        assert_eq!(hint, expected);
    }
    let ours = found(&["a"], &[("a", FILE), ("attestation/.aicr-staging/x", FILE)]).hint.unwrap();
    assert!(ours.contains("is of an aicr that is at work here, or was killed"), "{ours}");
    for path in ["attestation/x", "attestation", "x/.aicr-staging", "x/lost+found", ".DS_Stores", ".Trash"] {
        assert_eq!(found(&["a"], &[("a", FILE), (path, FILE)]).hint, None, "{path}");
    }
}
