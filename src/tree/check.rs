//! Checks a tree against its manifest: reads what `audit.rs` wants read, on several threads, and has
//! it conclude. Who made the manifest is not asked here.

use std::io;

use super::audit::{Comparison, Findings, Outcome};
use super::manifest::Manifest;
use super::rooted_dir::{OpenError, Opened, RootedDir};
use super::walk::Listing;
use super::workers::{self, Order, Turn};
use super::{Work, cannot};
use crate::digest::{BUFFER, PourError, Sha256Digest, pour};
use crate::error::Result;
use crate::system_error::is_exhaustion;

/// The most bytes of unlisted files that are read to see which of them were renamed.
const RECOGNISED: u64 = 4 << 30;

/// What checking a tree came to.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What is wrong; nothing means that the tree is exactly its manifest.
    pub(crate) findings: Findings,
    /// What is odd about the listed files that no manifest can tell: one line a kind, with a count.
    pub(crate) warnings: Vec<String>,
    /// How many files are listed.
    pub(crate) files: u64,
    /// How many bytes the listed files have that could be read.
    pub(crate) bytes: u64,
}

/// Checks all files of `manifest` and that `listing` has no others. Wrong files are findings; an error is
/// only an interrupt.
pub(crate) fn check(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    listing: &Listing,
    work: &Work<'_>,
) -> Result<Checked> {
    let comparison = Comparison::new(manifest, listing);
    if !work.bar.is_hidden() {
        work.bar.inc_length(expected_bytes(bundle, manifest, &comparison, work)?);
    }
    let readers =
        workers::each(work, manifest.len(), Order::InTurn, FileChecker::default, |reader, turn| {
            if comparison.is_there(turn.index) {
                reader.check(bundle, manifest, work, turn)?;
            }
            Ok(())
        })?;
    let mut odd = Odd::default();
    let mut bytes = 0;
    let mut read = Vec::new();
    for reader in readers {
        odd.add(&reader.odd);
        bytes += reader.bytes;
        read.extend(reader.wrong);
    }
    let recognised = recognise(bundle, &comparison, work)?;
    let findings = comparison.conclude(read, recognised);
    Ok(Checked { findings, warnings: odd.warnings(bundle), files: manifest.len() as u64, bytes })
}

/// Checks that the files of `manifest` are there and no others, reading none of them.
pub(crate) fn check_names(bundle: &RootedDir, manifest: &Manifest<'_>, listing: &Listing) -> Checked {
    let sizes = (0..manifest.len()).filter_map(|place| bundle.stat(manifest.name(place).as_bytes()).ok());
    Checked {
        bytes: sizes.map(|stat| super::rooted_dir::size(&stat)).sum(),
        findings: Comparison::new(manifest, listing).conclude([], []),
        warnings: Vec::new(),
        files: manifest.len() as u64,
    }
}

/// How much there is to read, for the bar.
fn expected_bytes(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    comparison: &Comparison<'_>,
    work: &Work<'_>,
) -> Result<u64> {
    let sums = workers::each(work, manifest.len(), Order::InTurn, u64::default, |sum, turn| {
        if comparison.is_there(turn.index) {
            let stat = bundle.stat(manifest.name(turn.index).as_bytes());
            *sum += stat.map_or(0, |stat| super::rooted_dir::size(&stat));
        }
        Ok(())
    })?;
    Ok(sums.into_iter().sum())
}

/// The digests of unlisted files, if one of them may be a listed file that was renamed.
fn recognise(
    bundle: &RootedDir,
    comparison: &Comparison<'_>,
    work: &Work<'_>,
) -> Result<Vec<(usize, Sha256Digest)>> {
    let strangers = comparison.to_recognise();
    // It only chooses a word, and a sparse file costs a medium nothing.
    let sizes = strangers.iter().filter_map(|number| bundle.stat(&comparison.unlisted(*number)).ok());
    if sizes.map(|stat| super::rooted_dir::size(&stat)).fold(0, u64::saturating_add) > RECOGNISED {
        return Ok(Vec::new());
    }
    let readers = workers::each(
        work,
        strangers.len(),
        Order::InTurn,
        <(Vec<_>, Vec<u8>)>::default,
        |(digests, buffer), turn| {
            let number = strangers[turn.index];
            if let Ok(opened) = bundle.file(&comparison.unlisted(number)) {
                match read_whole(&opened, buffer, work, turn) {
                    Ok((digest, _)) => digests.push((number, digest)),
                    Err(PourError::Stopped(failure)) => return Err(failure),
                    // It is unlisted, read or not.
                    Err(PourError::Read(_)) => {}
                }
            }
            Ok(())
        },
    )?;
    Ok(readers.into_iter().flat_map(|(digests, _)| digests).collect())
}

/// Reads a file to its end; the bar follows.
fn read_whole(
    opened: &Opened,
    buffer: &mut Vec<u8>,
    work: &Work<'_>,
    turn: &Turn<'_>,
) -> Result<(Sha256Digest, u64), PourError> {
    buffer.resize(BUFFER, 0);
    pour(&opened.file, opened.size(), buffer, turn.has_company(), |piece| {
        work.bar.inc(piece.len() as u64);
        turn.go_on()
    })
}

/// One thread's buffer and what it has seen.
#[derive(Default)]
struct FileChecker {
    buffer: Vec<u8>,
    wrong: Vec<(usize, Outcome)>,
    bytes: u64,
    odd: Odd,
}

impl FileChecker {
    fn check(
        &mut self,
        bundle: &RootedDir,
        manifest: &Manifest<'_>,
        work: &Work<'_>,
        turn: &Turn<'_>,
    ) -> Result<()> {
        let entry = manifest.entry(turn.index);
        let outcome = match bundle.file(entry.name.as_bytes()) {
            Err(OpenError::Missing) => Outcome::Gone,
            Err(OpenError::NotRegular(_)) => Outcome::NotRegular,
            Err(OpenError::System(error)) => unreadable(bundle, turn, manifest, &error)?,
            Ok(opened) => {
                self.odd.count(&opened);
                match read_whole(&opened, &mut self.buffer, work, turn) {
                    Err(PourError::Stopped(failure)) => return Err(failure),
                    Err(PourError::Read(error)) => unreadable(bundle, turn, manifest, &error)?,
                    Ok((digest, bytes)) => {
                        self.bytes += bytes;
                        let right = digest == entry.digest && opened.is_unmoved();
                        if right { Outcome::Right } else { Outcome::Changed }
                    }
                }
            }
        };
        if outcome != Outcome::Right {
            self.wrong.push((turn.index, outcome));
        }
        Ok(())
    }
}

/// What a file is that cannot be opened or read. That there are no more descriptors is not its fault.
fn unreadable(
    bundle: &RootedDir,
    turn: &Turn<'_>,
    manifest: &Manifest<'_>,
    error: &io::Error,
) -> Result<Outcome> {
    if is_exhaustion(error) {
        return Err(cannot("read", bundle.show(manifest.name(turn.index).as_bytes()), error));
    }
    Ok(Outcome::Unreadable)
}

/// Counts of what the format of sha256sum has no place for: modes and links.
#[derive(Default)]
struct Odd {
    set_id: u64,
    world_writable: u64,
    linked: u64,
}

impl Odd {
    fn count(&mut self, opened: &Opened) {
        let has = |bits: u32| u64::from(opened.stat.st_mode & bits != 0);
        self.set_id += has(0o6000);
        self.world_writable += has(0o002);
        self.linked += u64::from(opened.stat.st_nlink > 1);
    }

    fn add(&mut self, other: &Self) {
        let Self { set_id, world_writable, linked } = other;
        self.set_id += set_id;
        self.world_writable += world_writable;
        self.linked += linked;
    }

    fn warnings(&self, bundle: &RootedDir) -> Vec<String> {
        let top = bundle.show(b"");
        let Self { set_id, world_writable, linked } = *self;
        [
            (set_id, "set-user-ID or set-group-ID, which no signature covers"),
            (world_writable, "writable by everybody"),
            (linked, "hard-linked from elsewhere, where they can be changed"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{top}: files that are {what}: {count}"))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use camino::Utf8Path;
    use rustix::fs::{CWD, FileType, Mode};

    use super::*;
    use crate::printable::show;
    use crate::tree::manifest::render;
    use crate::tree::{MANIFEST, at_work, walk};

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
        at_work(|work| {
            let listing = walk::list(&bundle, work)?;
            check(&bundle, &manifest, &listing, work)
        })
        .unwrap()
    }

    fn findings(top: &Path, text: &[u8]) -> Vec<String> {
        let findings = checked(top, text).findings;
        findings.kept.iter().map(|finding| format!("{} {}", finding.kind, show(&finding.path))).collect()
    }

    #[test]
    fn what_is_too_large_to_be_looked_at_is_unlisted_and_not_read() {
        let (top, text) = tree();
        std::fs::remove_file(top.path().join("a")).unwrap();
        let huge = std::fs::File::create(top.path().join("huge")).unwrap();
        huge.set_len(RECOGNISED + 1).unwrap();
        let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        let manifest = Manifest::unproven(&text).unwrap();
        let checked = at_work(|work| {
            let listing = walk::list(&bundle, work)?;
            check(&bundle, &manifest, &listing, work)
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
    fn damage_is_found_and_never_waited_for() {
        type Damage = fn(&Path);
        let damage: [(&str, Damage, &[&str]); 8] = [
            ("one byte", |top| flip(&top.join("d/b"), 299_999), &["changed d/b"]),
            ("shorter", |top| shorten(&top.join("a")), &["changed a"]),
            ("longer", |top| std::fs::write(top.join("empty"), "x").unwrap(), &["changed empty"]),
            ("gone", |top| std::fs::remove_file(top.join("a")).unwrap(), &["missing a"]),
            ("renamed", |top| std::fs::rename(top.join("a"), top.join("z")).unwrap(), &["renamed a"]),
            ("swapped", |top| swap(&top.join("a"), &top.join("d/c")), &["changed a", "changed d/c"]),
            (
                "a link",
                |top| replace(top, "a", |path| symlink("/dev/zero", path).unwrap()),
                &["not-regular a"],
            ),
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
        let checked = at_work(|work| {
            let listing = walk::list(&bundle, work).unwrap();
            // The same content, but reached over a link, of the file and of its directory.
            std::fs::rename(top.path().join("a"), top.path().join("copy")).unwrap();
            symlink("copy", top.path().join("a")).unwrap();
            std::fs::rename(top.path().join("d"), top.path().join("e")).unwrap();
            symlink("e", top.path().join("d")).unwrap();
            check(&bundle, &manifest, &listing, work).unwrap()
        });
        let kinds: Vec<_> = checked.findings.kept.iter().map(|finding| finding.kind.word()).collect();
        assert_eq!(kinds, ["not-regular", "not-regular", "not-regular"]);
    }

    #[test]
    fn modes_and_hard_links_are_one_line_each() {
        let (top, text) = tree();
        let mode = |name: &str, mode| {
            std::fs::set_permissions(top.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("a", 0o4755);
        mode("d/b", 0o2666);
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::hard_link(top.path().join("d/c"), elsewhere.path().join("c")).unwrap();
        let Checked { findings, warnings, .. } = checked(top.path(), &text);
        assert_eq!(findings.total, 0);
        let ends: Vec<_> = warnings.iter().map(|line| line.rsplit(": ").next().unwrap()).collect();
        assert_eq!(ends, ["2", "1", "1"], "{warnings:?}");
    }
}
