//! Trees and manifests, and the findings of their comparison.

use super::*;
use crate::tree::manifest::render;
use crate::tree::{MANIFEST, SIGNATURE};

const FILE: Seen = Seen::Entry(FileKind::File);
const DIRECTORY: Seen = Seen::Entry(FileKind::Directory);
const LINK: Seen = Seen::Entry(FileKind::Link);

/// The findings when the manifest lists `listed` and the tree has `existing`. The content of a file is
/// the part of its name after `=`, so that `b=a` has the content of `a`.
fn found(listed: &[&str], existing: &[(&str, Seen)]) -> Findings {
    found_in(Layout::Bundle, listed, existing)
}

/// The same in a tree of another layout.
fn found_in(layout: Layout<'_>, listed: &[&str], existing: &[(&str, Seen)]) -> Findings {
    compared(layout, None, listed, existing, |comparison| {
        let candidates: Vec<_> = comparison
            .rename_candidates()
            .into_iter()
            .map(|number| (number, content(&comparison.unlisted_path(number))))
            .collect();
        comparison.conclude([], [], candidates)
    })
}

/// What `look` returns of the comparison.
fn compared<R>(
    layout: Layout<'_>,
    shard: Option<Shard>,
    listed: &[&str],
    existing: &[(&str, Seen)],
    look: impl FnOnce(Comparison<'_>) -> R,
) -> R {
    let mut text = Vec::new();
    render(listed.iter().map(|name| (*name, content(name.as_bytes()))), &mut text).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let entries: Vec<(&[u8], Seen)> = existing.iter().map(|(path, seen)| (path.as_bytes(), *seen)).collect();
    let listing = Listing::of(&entries);
    look(Comparison::of(&manifest, &listing, layout, shard))
}

fn content(path: &[u8]) -> Sha256Digest {
    let path = String::from_utf8_lossy(path);
    Sha256Digest::of(path.split_once('=').map_or(&*path, |(_, content)| content).as_bytes())
}

fn check(listed: &[&str], existing: &[(&str, Seen)], expected: &[&str]) {
    let findings = found(listed, existing);
    assert_eq!(findings.absent, None);
    is(&findings, expected);
}

fn is(findings: &Findings, expected: &[&str]) {
    let lines: Vec<String> = findings
        .kept
        .iter()
        .map(|Finding { kind, path, to, .. }| {
            let to = to.as_ref().map(|to| format!(" -> {}", String::from_utf8_lossy(to)));
            format!("{kind} {}{}", String::from_utf8_lossy(path), to.unwrap_or_default())
        })
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(findings.total, expected.len() as u64);
}

#[test]
fn a_tree_that_matches_its_manifest() {
    let existing = [
        ("a", FILE),
        ("attestation/", DIRECTORY),
        (SIGNATURE, FILE),
        (MANIFEST, FILE),
        ("d/", DIRECTORY),
        ("d/b", FILE),
        ("empty/", DIRECTORY),
        ("empty/\n/", DIRECTORY),
    ];
    check(&["a", "d/b"], &existing, &[]);
}

#[test]
fn every_kind_of_finding_in_byte_order() {
    let existing = [
        (".hidden", FILE),
        ("bad\nname", FILE),
        ("d/", DIRECTORY),
        ("d/x=m2", FILE),
        ("fifo", Seen::Entry(FileKind::Fifo)),
        ("l", LINK),
        ("n/", Seen::Unreadable(13)),
        ("o", FILE),
        ("t/", DIRECTORY),
        ("t/u", FILE),
        ("zz", LINK),
    ];
    check(
        &["l", "m1", "m2", "n/k", "o", "t"],
        &existing,
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
fn an_unreadable_directory_has_the_reason_of_the_system() {
    for (listed, existing) in [("a", ("n/", Seen::Unreadable(13))), ("n", ("n/", Seen::Unreadable(13)))] {
        let findings = found(&[listed], &[existing]);
        let unreadable =
            findings.kept.iter().find(|finding| finding.kind == FindingKind::Unreadable).unwrap();
        assert_eq!(unreadable.reason.as_deref(), Some("permission denied"), "{listed}");
    }
}

#[test]
fn only_the_manifest_and_the_signature_may_be_unlisted() {
    let existing = [
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
        &existing,
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
    // Of two files with the same content, each name is used once, in order.
    check(&["m=1", "n=1"], &[("x=1", FILE), ("y=1", FILE)], &["renamed m=1 -> x=1", "renamed n=1 -> y=1"]);
    check(&["m=1", "n=1"], &[("x=1", FILE)], &["renamed m=1 -> x=1", "missing n=1"]);
    check(&["m=1"], &[("x=1", FILE), ("y=1", FILE)], &["renamed m=1 -> x=1", "unlisted y=1"]);
    let reason = |listed, existing| found(&[listed], &[(existing, FILE)]).kept[0].reason.clone();
    assert_eq!(reason("m=1", "M=1").as_deref(), Some("the names differ only in upper and lower case"));
    assert_eq!(reason("m=1", "x=1"), None);
    // If nothing is missing, a copy is unlisted, not renamed.
    check(&["m=1"], &[("m=1", FILE), ("x=1", FILE)], &["unlisted x=1"]);
}

#[test]
fn the_outcomes_of_reading_become_findings() {
    let names = ["a", "b", "c", "d", "e"];
    let read =
        [(1, Outcome::Changed), (2, Outcome::Missing), (3, Outcome::NotRegular), (4, Outcome::Unreadable)];
    let details = HashMap::from([
        (1, Detail::Found(Sha256Digest::of(b"other"))),
        (4, Detail::Reason("permission denied".into())),
    ]);
    let findings = compared(Layout::Bundle, None, &names, &names.map(|name| (name, FILE)), |comparison| {
        assert!((0..5).all(|line| comparison.exists(line)));
        comparison.conclude(read, details, [])
    });
    let lines: Vec<_> = findings
        .kept
        .iter()
        .map(|finding| (finding.kind.word(), finding.found, finding.reason.as_deref()))
        .collect();
    assert_eq!(
        lines,
        [
            ("changed", Some(Sha256Digest::of(b"other")), None),
            ("missing", None, None),
            ("not-regular", None, None),
            ("unreadable", None, Some("permission denied")),
        ]
    );
}

#[test]
fn the_names_are_compared_before_any_file_is_read() {
    for (existing, to_read, unlisted) in [
        (&[("a", FILE), ("b", FILE)][..], [true, true], None),
        // A missing file is not an unlisted one.
        (&[("b", FILE)], [false, true], None),
        (&[("a", Seen::Unreadable(13)), ("b", FILE)], [false, true], None),
        (&[("a", LINK), ("b", FILE)], [false, true], Some((FindingKind::NotRegular, "a"))),
        (&[("a", FILE), ("b/", DIRECTORY)], [true, false], Some((FindingKind::NotRegular, "b"))),
        (&[("a", FILE), ("b", FILE), ("c", FILE)], [true, true], Some((FindingKind::Unlisted, "c"))),
        (&[("a", LINK), ("b", FILE), ("c", FILE)], [false, true], Some((FindingKind::Unlisted, "c"))),
        (&[("a", LINK), ("b", LINK)], [false, false], Some((FindingKind::NotRegular, "a"))),
    ] {
        let expected = unlisted.map(|(kind, path)| (kind, path.as_bytes().to_vec()));
        compared(Layout::Bundle, None, &["a", "b"], existing, |comparison| {
            assert_eq!([0, 1].map(|line| comparison.exists(line)), to_read, "{existing:?}");
            assert_eq!(comparison.first_unlisted(), expected, "{existing:?}");
        });
    }
}

#[test]
fn copies_are_of_no_use_when_a_name_is_wrong() {
    let foreign = |allow_missing| Layout::Foreign { manifest: "SUMS", signature: None, allow_missing };
    for (layout, existing, is_wrong) in [
        (Layout::Bundle, &[("a", FILE), ("b", FILE)][..], false),
        (Layout::Bundle, &[("a", FILE)], true),
        (foreign(false), &[("a", FILE)], true),
        (foreign(true), &[("a", FILE)], false),
        (Layout::Bundle, &[("a", FILE), ("b", LINK)], true),
        (Layout::Bundle, &[("a", FILE), ("b", Seen::Unreadable(13))], true),
        (Layout::Bundle, &[("a", FILE), ("b", FILE), ("c", FILE)], true),
    ] {
        let found = compared(layout, None, &["a", "b"], existing, |comparison| comparison.has_wrong_names());
        assert_eq!(found, is_wrong, "{existing:?}");
    }
}

#[test]
fn only_a_whole_run_looks_for_renamed_files() {
    let shard = Shard::new(1, 1);
    for (existing, in_all, in_shard) in
        [(&[("b", FILE)][..], 1, 0), (&[("a", FILE), ("b", FILE)], 0, 0), (&[], 0, 0)]
    {
        let candidates = |shard| {
            compared(Layout::Bundle, shard, &["a"], existing, |comparison| {
                comparison.rename_candidates().len()
            })
        };
        assert_eq!([candidates(None), candidates(shard)], [in_all, in_shard], "{existing:?}");
    }
}

#[test]
fn a_later_finding_has_its_place_among_the_others() {
    let mut findings = Findings::default();
    for (kind, path) in [
        (FindingKind::Missing, "b"),
        (FindingKind::Changed, "a"),
        (FindingKind::Unlisted, "b"),
        (FindingKind::Missing, "c"),
        (FindingKind::BadName, "aa"),
    ] {
        findings.add_difference(Some(Finding::new(kind, path)));
        findings.add_difference(None);
    }
    is(&findings, &["changed a", "bad-name aa", "missing b", "unlisted b", "missing c"]);
}

#[test]
fn the_first_ten_thousand_are_kept_and_all_are_counted() {
    let names: Vec<String> = (0..12_000).map(|number| format!("{number:05}")).collect();
    let existing: Vec<(&str, Seen)> = names.iter().map(|name| (name.as_str(), FILE)).collect();
    let findings = found(&["x"], &existing);
    assert_eq!((findings.kept.len(), findings.total), (KEPT, 12_001));
    assert_eq!(findings.kept[KEPT - 1].path, b"09999");
    assert_eq!([KEPT - 1, KEPT].map(has_room), [true, false]);
}

#[test]
fn the_first_unlisted_name_that_is_litter_has_a_hint() {
    let existing = [("a", FILE), ("b", FILE), ("c/.DS_Store", FILE), ("d/Thumbs.db", FILE)];
    let hint = found(&["a"], &existing).hint;
    assert_eq!(
        hint.as_deref(),
        Some(
            "operating systems leave `.DS_Store` behind: remove it, and keep the bundle in a directory of its own"
        )
    );
    assert_eq!(found(&["a"], &existing[..2]).hint, None);
    // A listed file is payload, whatever its name.
    assert_eq!(found(&["a", "c/.DS_Store"], &existing[..3]).hint, None);
}

#[test]
fn two_entries_of_one_name_are_a_finding() {
    check(&["a", "b"], &[("a", FILE), ("b", FILE), ("b", FILE)], &["duplicate-entry b"]);
    check(&["a"], &[("a", FILE), ("b", FILE), ("b", FILE)], &["unlisted b", "duplicate-entry b"]);
    check(&["a"], &[("a", FILE), (MANIFEST, FILE), (MANIFEST, FILE)], &["duplicate-entry checksums.txt"]);
    check(
        &["a"],
        &[("a", FILE), (SIGNATURE, FILE), (SIGNATURE, FILE), (SIGNATURE, FILE)],
        &[
            "duplicate-entry attestation/checksums.txt.sigstore.json",
            "duplicate-entry attestation/checksums.txt.sigstore.json",
        ],
    );
    // The directory is not entered.
    check(&["a"], &[("a", FILE), ("a/x", FILE), ("a-", FILE)], &["duplicate-entry a", "unlisted a-"]);
    check(&["a/x"], &[("a", FILE), ("a/x", FILE)], &["unlisted a", "duplicate-entry a", "missing a/x"]);
}

const SUMS: Layout<'_> = Layout::Foreign { manifest: "SUMS", signature: None, allow_missing: false };
const PART: Layout<'_> = Layout::Foreign { manifest: "SUMS", signature: None, allow_missing: true };

#[test]
fn the_files_of_a_foreign_release() {
    let own = [("a", FILE), ("SUMS", FILE), ("SUMS.sig", FILE), ("SUMS.pem/", DIRECTORY)];
    is(&found_in(SUMS, &["a"], &own), &[]);
    // The files of a bundle of aicr are unlisted here.
    let others = [("a", FILE), (MANIFEST, FILE), (SIGNATURE, FILE), ("SUMS.pem/x", FILE)];
    let unlisted =
        ["unlisted SUMS.pem/x", "unlisted attestation/checksums.txt.sigstore.json", "unlisted checksums.txt"];
    is(&found_in(SUMS, &["a"], &others), &unlisted);
    is(&found_in(SUMS, &["a"], &[("a", FILE), ("SUMS.sig", LINK)]), &["not-regular SUMS.sig"]);
    // A companion that is listed is a file like any other.
    is(&found_in(SUMS, &["SUMS.pem", "a"], &[("a", FILE)]), &["missing SUMS.pem"]);
}

#[test]
fn a_part_of_a_foreign_release() {
    for (listed, existing, absent, expected) in [
        (&["a", "b", "c"][..], &[("b", FILE)][..], 2, &[][..]),
        (&["a", "b"], &[("a", FILE), ("b", FILE)], 0, &[]),
        // One file must exist.
        (&["a", "b"], &[("SUMS", FILE)], 0, &["missing a", "missing b"]),
        (&["a", "b"], &[("b/", DIRECTORY)], 1, &["not-regular b"]),
        (&["a", "b"], &[("b", LINK)], 1, &["not-regular b"]),
        (&["a", "b"], &[("a", FILE), ("x", FILE)], 1, &["unlisted x"]),
        (&["SUMS", "a"], &[("SUMS", FILE)], 0, &["missing a"]),
        (&["a", "m=1"], &[("a", FILE), ("x=1", FILE)], 0, &["renamed m=1 -> x=1"]),
    ] {
        let findings = found_in(PART, listed, existing);
        is(&findings, expected);
        assert_eq!(findings.absent, Some(absent), "{listed:?} {existing:?}");
    }
}
