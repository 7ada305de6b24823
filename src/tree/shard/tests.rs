//! Which entries belong to which shard, and that all shards together find what one run finds: in random listings, which
//! have what no test can put on a disk, and in random trees on a disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use camino::Utf8Path;
use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::digest::Sha256Digest;
use crate::tree::audit::{Comparison, Detail, Finding, FindingKind, Outcome};
use crate::tree::check::{Keep, check};
use crate::tree::manifest::render;
use crate::tree::rooted_dir::{FileKind, RootedDir};
use crate::tree::walk::{self, Listing, Seen};
use crate::tree::{MANIFEST, with_two_threads};

const FOREIGN: Layout<'_> = Layout::Foreign { manifest: "SUMS", signature: None, allow_missing: false };

/// The shards of `of` that report the unlisted entries `paths`, which are sorted.
fn owners(layout: Layout<'_>, listed: &[&str], of: u32, paths: &[&str]) -> Vec<Vec<u32>> {
    let mut text = Vec::new();
    render(listed.iter().map(|name| (*name, Sha256Digest::of(b""))), &mut text).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let mut owners = vec![Vec::new(); paths.len()];
    for index in 1..=of {
        let mut directories = ShardDirectories::new(Shard::new(index, of).unwrap(), &manifest, layout);
        for (path, owners) in paths.iter().zip(&mut owners) {
            let before = listed.iter().filter(|name| *name < path).count();
            if directories.has(path.as_bytes(), before) {
                owners.push(index);
            }
        }
    }
    owners
}

#[test]
fn an_entry_belongs_to_the_nearest_directory_that_leads_to_a_listed_file() {
    // The places: the top 0, a-b/ 1, a/ 2, a/x/ 3, a/x/y/ 4, b/ 5. `e/` leads to nothing.
    let listed = ["a-b/f", "a.b", "a/f", "a/x/y/f", "a/z", "b/f"];
    for (path, place) in [
        ("!", 0),
        ("a", 0),
        ("a-b", 0),
        ("a-b/e", 1),
        ("a-b/e/e/e", 1),
        ("a-b/g", 1),
        ("a-c/e", 0),
        ("a/a", 2),
        ("a/f/below a file", 2),
        ("a/g", 2),
        ("a/w/y/f", 2),
        ("a/x", 2),
        ("a/x/a", 3),
        ("a/x/y", 3),
        ("a/x/y/e", 4),
        ("a/x/y/g", 4),
        ("a/x/yy", 3),
        ("a/x/z/f", 3),
        ("a/y", 2),
        ("a/z/e", 2),
        ("ab", 0),
        ("b", 0),
        ("b/e/f", 5),
        ("b/g", 5),
        ("c", 0),
        ("c/f", 0),
    ] {
        // More shards than directories: the first round is in order.
        assert_eq!(owners(Layout::Bundle, &listed, 9, &[path]), [[place + 1]], "{path}");
    }
}

#[test]
fn every_entry_belongs_to_one_shard_whatever_came_before() {
    let listed = ["a-b/f", "a.b", "a/f", "a/x/y/f", "a/z", "b/f"];
    let paths = ["!", "a", "a-b/e", "a-c", "a/a", "a/x/a", "a/x/y/g", "a/x/z", "ab", "b", "b/g", "c/f", "d"];
    for of in 1..10 {
        let all = owners(Layout::Bundle, &listed, of, &paths);
        for (path, together) in paths.iter().zip(all) {
            assert_eq!(together.len(), 1, "{path} {of}");
            assert_eq!(owners(Layout::Bundle, &listed, of, &[path]), [together], "{path} {of}");
        }
    }
}

#[test]
fn the_signatures_of_a_bundle_belong_to_every_shard() {
    let paths = ["attestation", "attestation/x/y", "attestation2", "d/attestation/x"];
    let every = vec![1, 2, 3];
    assert_eq!(owners(Layout::Bundle, &["f"], 3, &paths), [every.clone(), every, vec![1], vec![1]]);
    assert_eq!(owners(FOREIGN, &["f"], 3, &paths), [[1]; 4]);
}

/// Fails if the findings of all shards together are not those of one run. A shard has no renamed files, and every shard
/// has what is wrong with the signatures.
fn assert_together(case: &str, whole: Vec<Finding>, shards: &[Vec<Finding>], layout: Layout<'_>) {
    let belongs_to_all = |finding: &&Finding| {
        let path = finding.path.as_slice();
        layout == Layout::Bundle && (path == b"attestation" || path.starts_with(b"attestation/"))
    };
    let lines = |findings: &mut dyn Iterator<Item = &Finding>| {
        let mut lines: Vec<String> = findings.map(|finding| format!("{finding:?}")).collect();
        lines.sort();
        lines
    };
    let split = |finding: Finding| match finding.to {
        Some(to) if finding.kind == FindingKind::Renamed => {
            vec![Finding::new(FindingKind::Missing, finding.path), Finding::new(FindingKind::Unlisted, to)]
        }
        _ => vec![finding],
    };
    let whole: Vec<Finding> = whole.into_iter().flat_map(split).collect();
    for shard in shards {
        assert!(shard.iter().all(|finding| finding.kind != FindingKind::Renamed), "{case}");
        assert!(shard.is_sorted_by(|one, other| one.path <= other.path), "{case}");
        let of_all = lines(&mut shard.iter().filter(belongs_to_all));
        assert_eq!(of_all, lines(&mut whole.iter().filter(belongs_to_all)), "{case}");
    }
    let own = lines(&mut shards.iter().flatten().filter(|finding| !belongs_to_all(finding)));
    assert_eq!(own, lines(&mut whole.iter().filter(|finding| !belongs_to_all(finding))), "{case}");
}

/// A random path of up to four components, of which many are neighbours or lead to each other.
fn path(random: &mut fastrand::Rng) -> String {
    const WORDS: [&str; 9] = ["a", "a-b", "a.b", "b", "B", "\u{fc}", "attestation", "c", "checksums.txt"];
    let components: Vec<&str> = (0..=random.usize(..4)).map(|_| WORDS[random.usize(..WORDS.len())]).collect();
    components.join("/")
}

/// The text of a manifest that lists some of these names, at least one.
fn manifest(random: &mut fastrand::Rng, names: &[(String, Sha256Digest)]) -> Vec<u8> {
    let mut listed: Vec<_> = names.iter().filter(|_| random.u8(..4) > 0).collect();
    if listed.is_empty() {
        listed.push(&names[0]);
    }
    let mut text = Vec::new();
    render(listed.into_iter().map(|(name, digest)| (name.as_str(), *digest)), &mut text).unwrap();
    text
}

/// Whether a manifest can list this name.
fn can_be_listed(name: &str) -> bool {
    crate::tree::name::check(name.as_bytes()).is_ok()
}

#[test]
fn together_the_shards_of_random_listings_find_what_one_run_finds() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut found = 0;
    for number in 0..3000 {
        let random = &mut random;
        let mut names: Vec<(String, Sha256Digest)> = (0..=random.usize(..12))
            .map(|_| path(random))
            .filter(|name| can_be_listed(name))
            .map(|name| (name, Sha256Digest::of(b"")))
            .chain([("x".to_owned(), Sha256Digest::of(b""))])
            .collect();
        names.sort();
        names.dedup();
        let text = manifest(random, &names);
        let manifest = Manifest::unproven(&text).unwrap();
        let mut entries: Vec<(String, Seen)> = Vec::new();
        for listed in (0..manifest.len()).filter(|_| random.u8(..6) > 0).collect::<Vec<_>>() {
            entries.push((manifest.name(listed).to_owned(), Seen::Entry(FileKind::File)));
        }
        for _ in 0..random.usize(..6) {
            let path = path(random);
            match random.u8(..8) {
                0 => entries.push((path, Seen::Entry(FileKind::Link))),
                1 => entries.push((path, Seen::Unreadable(13))),
                2 => entries.push((path + "/", Seen::Unreadable(13))),
                3 => entries.push((path + "/", Seen::Entry(FileKind::Directory))),
                4 => entries.push((path + "\n", Seen::Entry(FileKind::File))),
                // Some of them twice.
                5 => entries.extend([
                    (path.clone(), Seen::Entry(FileKind::File)),
                    (path, Seen::Entry(FileKind::Fifo)),
                ]),
                _ => entries.push((path, Seen::Entry(FileKind::File))),
            }
        }
        let entries: Vec<(&[u8], Seen)> =
            entries.iter().map(|(path, seen)| (path.as_bytes(), *seen)).collect();
        let listing = Listing::of(&entries);
        let layout = if random.bool() { Layout::Bundle } else { FOREIGN };
        let changed = Detail::Found(Sha256Digest::of(b"other"));
        let is_changed: Vec<bool> = (0..manifest.len()).map(|_| random.u8(..5) == 0).collect();
        let findings = |shard: Option<Shard>| {
            let comparison = Comparison::of(&manifest, &listing, layout, shard);
            let lines: Vec<usize> =
                (0..manifest.len()).filter(|line| comparison.exists(*line) && is_changed[*line]).collect();
            // Every unlisted file may be a renamed one.
            let candidates: Vec<_> =
                comparison.rename_candidates().into_iter().map(|one| (one, Sha256Digest::of(b""))).collect();
            let read = lines.iter().map(|line| (*line, Outcome::Changed));
            let found =
                comparison.conclude(read, lines.iter().map(|line| (*line, changed.clone())), candidates);
            assert_eq!(found.total, found.kept.len() as u64);
            found.kept
        };
        let whole = findings(None);
        found += whole.len();
        for of in 1..=u32::try_from(manifest.len()).unwrap() + 3 {
            let shards: Vec<_> = (1..=of).map(|index| findings(Shard::new(index, of))).collect();
            let case = format!("{number}: {entries:?}\n{}of {of}", String::from_utf8_lossy(&text));
            assert_together(&case, whole.clone(), &shards, layout);
        }
    }
    assert!(found > 10_000, "{found}");
}

#[test]
fn together_the_shards_of_random_trees_find_what_one_run_finds() {
    let mut random = fastrand::Rng::with_seed(2);
    let mut found = std::collections::BTreeMap::new();
    for number in 0..100 {
        let top = tempfile::tempdir().unwrap();
        let (text, done) = damaged_tree(&mut random, top.path());
        let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        let manifest = Manifest::unproven(&text).unwrap();
        let checked = |keep: Keep<'_>| {
            with_two_threads(|work| {
                let listing = walk::list(&bundle, work)?;
                check(&bundle, &manifest, &listing, Layout::Bundle, None, keep, work)
            })
            .unwrap()
        };
        let whole = checked(Keep::Nothing);
        for finding in &whole.findings.kept {
            *found.entry(finding.kind.word()).or_insert(0) += 1;
        }
        for of in 1..=u32::try_from(manifest.len()).unwrap() + 2 {
            let shards: Vec<_> =
                (1..=of).map(|index| checked(Keep::NothingOf(Shard::new(index, of).unwrap()))).collect();
            assert_eq!(shards.iter().map(|shard| shard.files).sum::<u64>(), whole.files);
            assert_eq!(shards.iter().map(|shard| shard.bytes).sum::<u64>(), whole.bytes);
            let findings: Vec<_> = shards.into_iter().map(|shard| shard.findings.kept).collect();
            let case = format!("{number}: {done:?} of {of}");
            assert_together(&case, whole.findings.kept.clone(), &findings, Layout::Bundle);
        }
    }
    let kinds: Vec<_> = found.keys().copied().collect();
    assert_eq!(kinds, ["bad-name", "changed", "missing", "not-regular", "renamed", "unlisted"], "{found:?}");
}

/// Writes a random tree and its manifest, and damages it. Returns the manifest, and what was done.
fn damaged_tree(random: &mut fastrand::Rng, top: &Path) -> (Vec<u8>, Vec<String>) {
    for number in 0..=random.usize(..10) {
        let name = path(random);
        let file = top.join(&name);
        if can_be_listed(&name) && !file.exists() && fs::create_dir_all(file.parent().unwrap()).is_ok() {
            fs::write(&file, [b'x'; 10].repeat(number)).unwrap();
        }
    }
    fs::write(top.join("x"), "always there").unwrap();
    let mut names: Vec<(String, Sha256Digest)> = paths(top)
        .into_iter()
        .filter(|path| path.is_file())
        .map(|path| {
            let digest = Sha256Digest::of(&fs::read(&path).unwrap());
            (path.strip_prefix(top).unwrap().to_str().unwrap().to_owned(), digest)
        })
        .collect();
    names.sort();
    let text = manifest(random, &names);
    fs::write(top.join(MANIFEST), &text).unwrap();
    let done = (0..random.usize(..5)).filter_map(|_| damage(random, top)).collect();
    (text, done)
}

/// Changes something in the tree.
fn damage(random: &mut fastrand::Rng, top: &Path) -> Option<String> {
    let paths = paths(top);
    let one = &paths[random.usize(..paths.len())];
    let shown = one.strip_prefix(top).unwrap().display();
    let remove = || if one.is_dir() { fs::remove_dir_all(one) } else { fs::remove_file(one) };
    Some(match random.u8(..9) {
        0 => {
            remove().ok()?;
            format!("removed {shown}")
        }
        1 => {
            remove().ok()?;
            symlink("x", one).ok()?;
            format!("a link at {shown}")
        }
        2 => {
            remove().ok()?;
            fs::create_dir_all(one.join("a/c")).ok()?;
            fs::write(one.join("a/new"), "").ok()?;
            format!("a directory at {shown}")
        }
        3 => {
            remove().ok()?;
            rustix::fs::mknodat(CWD, one, FileType::Fifo, Mode::RUSR, 0).ok()?;
            format!("a FIFO at {shown}")
        }
        4 => {
            fs::write(one, "changed").ok()?;
            format!("changed {shown}")
        }
        5 | 6 => {
            let to = path(random);
            fs::create_dir_all(top.join(&to).parent().unwrap()).ok()?;
            fs::rename(one, top.join(&to)).ok()?;
            format!("renamed {shown} to {to}")
        }
        7 => {
            let new = one.parent().unwrap().join("new");
            fs::create_dir_all(&new).ok()?;
            fs::write(new.join("bad\nname"), "").ok()?;
            format!("a new directory next to {shown}")
        }
        _ => {
            let to = top.join(path(random));
            fs::create_dir_all(to.parent().unwrap()).ok()?;
            fs::write(&to, "new").ok()?;
            format!("wrote {}", to.strip_prefix(top).unwrap().display())
        }
    })
}

/// Everything in a tree, sorted; no link is followed.
fn paths(top: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
