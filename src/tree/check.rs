//! Reads the files that `audit.rs` asks for, on several threads. Whether the manifest is trusted is decided elsewhere.

use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::audit::{Comparison, Detail, FindingKind, Findings, Outcome, has_room};
use super::copies::Copies;
use super::layout::Layout;
use super::manifest::Manifest;
use super::pending_copy::PendingCopy;
use super::rooted_dir::{OpenError, Opened, RootedDir, WORLD_WRITABLE};
use super::second_look::FileId;
use super::walk::Listing;
use super::workers::{self, Order, Turn};
use super::{Work, cannot, reason};
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::error::Result;
use crate::release::{RELEASE, Release};
use crate::shard::Shard;
use crate::system_error::is_exhaustion;

pub(super) mod totals;

/// Unlisted files are read, to find renamed ones, only if they have at most this many bytes together.
const MAX_CANDIDATE_BYTES: u64 = 4 << 30;

/// The result of checking a tree.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What is wrong. If there are none, the tree matches its manifest exactly.
    pub(crate) findings: Findings,
    /// Unsafe properties of the listed files that a manifest does not cover: one line for each kind.
    pub(crate) warnings: Vec<String>,
    /// The number of listed files; in a shard, of its own.
    pub(crate) files: u64,
    /// How many bytes of them could be read.
    pub(crate) bytes: u64,
}

/// The files that were read, in the order of the manifest: what a bundle has to have when it is signed.
pub(crate) type Record = Mutex<Vec<FileId>>;

/// What is made of the files that are read.
#[derive(Clone, Copy)]
pub(crate) enum Keep<'a> {
    /// Nothing.
    Nothing,
    /// Nothing, and only what belongs to this shard is checked. A shard has neither a record nor copies.
    NothingOf(Shard),
    /// A record, which has an entry for each line of the manifest.
    Record(&'a Record),
    /// A copy of each file, until one file is wrong.
    Copies(&'a PendingCopy<'a>),
}

/// Checks all files of `manifest`, and that `listing` has no others but the own ones of `layout`. Wrong files
/// are findings; the only errors are a signal, exhausted resources, and copies that cannot be written. If the
/// tree has more than the `release` says, no file is read.
pub(crate) fn check(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    listing: &Listing,
    layout: Layout<'_>,
    release: Option<&Release>,
    keep: Keep<'_>,
    work: &Work<'_>,
) -> Result<Checked> {
    let shard = if let Keep::NothingOf(shard) = keep { Some(shard) } else { None };
    let comparison = Comparison::of(manifest, listing, layout, shard);
    let files = comparison.files();
    let needs_size = release.is_some() || matches!(keep, Keep::Copies(_)) || !work.progress.is_hidden();
    let size = if needs_size { expected_bytes(bundle, manifest, &comparison, work)? } else { 0 };
    let difference = release.and_then(|release| match shard {
        None => totals::difference(release, manifest.len(), size),
        Some(shard) => {
            let has_release = manifest.find(RELEASE.as_bytes()).is_some_and(|line| shard.has(line));
            totals::difference_of_shard(release, manifest.len(), size, has_release)
        }
    });
    if difference.as_ref().is_some_and(|finding| finding.kind == FindingKind::MoreThanSigned) {
        let mut findings = comparison.conclude([], [], []);
        findings.add_difference(difference);
        findings.hint = Some("`aicr verify --checksums-only` reads every file, however large".to_owned());
        return Ok(Checked { findings, warnings: Vec::new(), files, bytes: 0 });
    }
    work.progress.expect(size);
    let sink = match keep {
        Keep::Nothing | Keep::NothingOf(_) => Sink { record: None, copies: None },
        Keep::Record(record) => Sink { record: Some(record), copies: None },
        Keep::Copies(copy) => {
            Sink { record: Some(copy.record()), copies: Some(copy.begin_files(manifest, size)?) }
        }
    };
    if comparison.has_wrong_names() {
        // Copies are of use only if all files are right.
        sink.copies.iter().for_each(Copies::abandon);
    }
    let readers =
        workers::each(work, manifest.len(), Order::InTurn, FileChecker::default, |reader, turn| {
            if comparison.exists(turn.index) {
                reader.check(bundle, manifest, &sink, work, turn)?;
            }
            Ok(())
        })?;
    let mut unsafe_files = UnsafeFiles { open_directories: listing.world_writable, ..UnsafeFiles::default() };
    let mut bytes = 0;
    let mut read = Vec::new();
    let mut details = Vec::new();
    for reader in readers {
        unsafe_files.add(&reader.unsafe_files);
        bytes += reader.bytes;
        read.extend(reader.wrong);
        details.extend(reader.details);
    }
    if sink.copies.is_none() {
        unsafe_files.executable = 0;
    }
    let candidates = hash_candidates(bundle, &comparison, work)?;
    let mut findings = comparison.conclude(read, details, candidates);
    findings.add_difference(difference);
    Ok(Checked { findings, warnings: unsafe_files.warnings(bundle), files, bytes })
}

/// Checks that a bundle has exactly the files of `manifest`, without reading any of them.
pub(crate) fn check_names(bundle: &RootedDir, manifest: &Manifest<'_>, listing: &Listing) -> Checked {
    let sizes = (0..manifest.len()).filter_map(|place| bundle.stat(manifest.name(place).as_bytes()).ok());
    Checked {
        bytes: sizes.map(|stat| super::rooted_dir::size(&stat)).sum(),
        findings: Comparison::new(manifest, listing, Layout::Bundle).conclude([], [], []),
        warnings: Vec::new(),
        files: manifest.len() as u64,
    }
}

/// The number of bytes to read, for the progress bar.
fn expected_bytes(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    comparison: &Comparison<'_>,
    work: &Work<'_>,
) -> Result<u64> {
    let sums = workers::each(work, manifest.len(), Order::InTurn, u64::default, |sum, turn| {
        if comparison.exists(turn.index) {
            let stat = bundle.stat(manifest.name(turn.index).as_bytes());
            *sum += stat.map_or(0, |stat| super::rooted_dir::size(&stat));
        }
        Ok(())
    })?;
    Ok(sums.into_iter().sum())
}

/// The digests of the unlisted files that may be renamed listed files.
fn hash_candidates(
    bundle: &RootedDir,
    comparison: &Comparison<'_>,
    work: &Work<'_>,
) -> Result<Vec<(usize, Sha256Digest)>> {
    let candidates = comparison.rename_candidates();
    // The digests only decide between two words of a report, and a hostile medium can have huge sparse
    // files.
    let sizes = candidates.iter().filter_map(|number| bundle.stat(&comparison.unlisted_path(*number)).ok());
    if sizes.map(|stat| super::rooted_dir::size(&stat)).fold(0, u64::saturating_add) > MAX_CANDIDATE_BYTES {
        return Ok(Vec::new());
    }
    let readers = workers::each(
        work,
        candidates.len(),
        Order::InTurn,
        <(Vec<_>, Vec<u8>)>::default,
        |(digests, buffer), turn| {
            let number = candidates[turn.index];
            if let Ok(opened) = bundle.file(&comparison.unlisted_path(number)) {
                match hash_whole(&opened.file, opened.size(), buffer, work, turn, |_| Ok(())) {
                    Ok((digest, _)) => digests.push((number, digest)),
                    Err(HashError::Stopped(failure)) => return Err(failure),
                    // The file is unlisted whether it can be read or not.
                    Err(HashError::Read(_)) => {}
                }
            }
            Ok(())
        },
    )?;
    Ok(readers.into_iter().flat_map(|(digests, _)| digests).collect())
}

/// Hashes a whole file, and advances the progress bar. `each` gets the pieces.
fn hash_whole(
    file: &File,
    size: u64,
    buffer: &mut Vec<u8>,
    work: &Work<'_>,
    turn: &Turn<'_>,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<(Sha256Digest, u64), HashError> {
    buffer.resize(BUFFER, 0);
    let hashed = hash_file(file, size, buffer, turn.has_idle_thread(), |piece| {
        each(piece)?;
        work.progress.read(piece.len());
        turn.go_on()
    })?;
    work.progress.file_done();
    Ok(hashed)
}

/// Where the files go that are read.
struct Sink<'a> {
    record: Option<&'a Record>,
    copies: Option<Copies<'a>>,
}

/// The buffer and the results of one thread.
#[derive(Default)]
struct FileChecker {
    buffer: Vec<u8>,
    wrong: Vec<(usize, Outcome)>,
    /// About the first [`KEPT`](super::audit::KEPT) of them. Each thread reads its files in the order of
    /// the manifest, so the first of all threads are among these.
    details: Vec<(usize, Detail)>,
    bytes: u64,
    unsafe_files: UnsafeFiles,
}

impl FileChecker {
    fn check(
        &mut self,
        bundle: &RootedDir,
        manifest: &Manifest<'_>,
        sink: &Sink<'_>,
        work: &Work<'_>,
        turn: &Turn<'_>,
    ) -> Result<()> {
        let entry = manifest.entry(turn.index);
        let name = entry.name.as_bytes();
        let unreadable = |error: &io::Error| {
            // If this process has no descriptors or memory left, that says nothing about the file.
            if is_exhaustion(error) {
                return Err(cannot("read", bundle.show(name), error));
            }
            Ok((Outcome::Unreadable, Some(Detail::Reason(reason(error)))))
        };
        let (outcome, detail) = match bundle.file(name) {
            Err(OpenError::Missing) => (Outcome::Missing, None),
            Err(OpenError::NotRegular(_)) => (Outcome::NotRegular, None),
            Err(OpenError::System(error)) => unreadable(&error)?,
            Ok(opened) => {
                self.unsafe_files.count(&opened);
                let copy = match &sink.copies {
                    Some(copies) if !copies.is_abandoned() => {
                        Some((copies, copies.begin(name, opened.is_executable(), &opened)?))
                    }
                    _ => None,
                };
                let from = copy.as_ref().and_then(|(_, copy)| copy.shared()).unwrap_or(&opened.file);
                let hashed = hash_whole(from, opened.size(), &mut self.buffer, work, turn, |piece| {
                    copy.as_ref().map_or(Ok(()), |(copies, copy)| {
                        copy.write(piece).map_err(|error| copies.cannot_write(name, &error))
                    })
                });
                match hashed {
                    Err(HashError::Stopped(failure)) => return Err(failure),
                    Err(HashError::Read(error)) => unreadable(&error)?,
                    Ok((digest, bytes)) => {
                        self.bytes += bytes;
                        if let Some(record) = sink.record {
                            let file = match &copy {
                                Some((copies, copy)) => copy
                                    .finish(&opened.stat)
                                    .map_err(|error| copies.cannot_write(name, &error))?,
                                None => FileId::new(&opened.stat, opened.size()),
                            };
                            record.lock().unwrap_or_else(PoisonError::into_inner)[turn.index] = file;
                        }
                        if digest != entry.digest {
                            (Outcome::Changed, Some(Detail::Found(digest)))
                        } else if opened.is_unchanged() {
                            (Outcome::Intact, None)
                        } else {
                            (Outcome::Changed, Some(Detail::Reason("it changed while it was read".into())))
                        }
                    }
                }
            }
        };
        if outcome != Outcome::Intact {
            sink.copies.iter().for_each(Copies::abandon);
            self.wrong.push((turn.index, outcome));
            if has_room(self.details.len()) {
                self.details.extend(detail.map(|detail| (turn.index, detail)));
            }
        }
        Ok(())
    }
}

/// How many files and directories have unsafe properties, which a manifest does not list.
#[derive(Default)]
struct UnsafeFiles {
    set_id: u64,
    capable: u64,
    world_writable: u64,
    open_directories: u64,
    linked: u64,
    /// Reported only of copies, which are executable too.
    executable: u64,
}

impl UnsafeFiles {
    fn count(&mut self, opened: &Opened) {
        let has = |bits: u32| u64::from(opened.stat.st_mode & bits != 0);
        self.set_id += has(0o6000);
        self.capable += u64::from(opened.has_capabilities());
        self.world_writable += has(WORLD_WRITABLE);
        self.linked += u64::from(opened.stat.st_nlink > 1);
        self.executable += u64::from(opened.is_executable());
    }

    fn add(&mut self, other: &Self) {
        let Self { set_id, capable, world_writable, open_directories, linked, executable } = other;
        self.set_id += set_id;
        self.capable += capable;
        self.world_writable += world_writable;
        self.open_directories += open_directories;
        self.linked += linked;
        self.executable += executable;
    }

    fn warnings(&self, bundle: &RootedDir) -> Vec<String> {
        let top = bundle.show(b"");
        let Self { set_id, capable, world_writable, open_directories, linked, executable } = *self;
        let file = ["file is", "files are"];
        [
            (set_id, file, "set-user-ID or set-group-ID; the signature does not cover modes"),
            (capable, ["file has", "files have"], "file capabilities; the signature does not cover them"),
            (world_writable, file, "writable by everybody"),
            (open_directories, ["directory is", "directories are"], "writable by everybody"),
            (linked, file, "hard-linked and can be changed through another name"),
            (executable, file, EXECUTABLE_COPY),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, [one, many], what)| {
            format!("{top}: {count} {} {what}", if count == 1 { one } else { many })
        })
        .collect()
    }
}

const EXECUTABLE_COPY: &str = "executable, as in the copy; the signature does not cover modes";

/// The warning about executable files in a copy of an archive.
pub(super) fn executable_warning(top: &str, count: u64) -> String {
    format!("{top}: {count} {} {EXECUTABLE_COPY}", if count == 1 { "file is" } else { "files are" })
}

#[cfg(test)]
mod tests;
