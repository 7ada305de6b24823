//! Compares a tree with its manifest. The files must be exactly the listed ones and the release's own
//! (`layout.rs`); directories do not matter. Pure: the comparison has two stages, and `check.rs` reads the
//! files between them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::layout::Layout;
use super::litter;
use super::manifest::Manifest;
use super::name;
use super::rooted_dir::FileKind;
use super::shard::ShardDirectories;
use super::walk::{Listing, Place, Seen};
use crate::digest::Sha256Digest;
use crate::shard::Shard;
use crate::system_error::reason_of;

/// How many findings are kept; the others are only counted.
pub(crate) const KEPT: usize = 10_000;

/// Whether one more is kept when there are so many.
pub(super) fn has_room(kept: usize) -> bool {
    kept < KEPT
}

/// What is wrong at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindingKind {
    /// Listed, but it does not exist.
    Missing,
    /// Listed, but with different content.
    Changed,
    /// It exists, but is not listed.
    Unlisted,
    /// Listed, but it exists only under another name, which is not listed.
    Renamed,
    /// A link, FIFO, socket or device; or a directory where a file is listed.
    NotRegular,
    /// Cannot be opened or read.
    Unreadable,
    /// It exists, with a name that no manifest can list.
    BadName,
    /// Its name exists twice in its directory, or in its archive.
    DuplicateEntry,
    /// From here on, an archive is not one that `aicr pack` writes.
    BadArchive,
    /// The bundle has more files or bytes than its `release.json` says.
    MoreThanSigned,
    /// It has fewer.
    FewerThanSigned,
}

impl FindingKind {
    /// The word that is printed, in text and in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Unlisted => "unlisted",
            Self::Renamed => "renamed",
            Self::NotRegular => "not-regular",
            Self::Unreadable => "unreadable",
            Self::BadName => "bad-name",
            Self::DuplicateEntry => "duplicate-entry",
            Self::BadArchive => "bad-archive",
            Self::MoreThanSigned => "more-than-signed",
            Self::FewerThanSigned => "fewer-than-signed",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong.
    pub(crate) kind: FindingKind,
    /// The path in the bundle, as any bytes. For a renamed file it is the listed name.
    pub(crate) path: Vec<u8>,
    /// The present name of a renamed file.
    pub(crate) to: Option<Vec<u8>>,
    /// The digest of a changed file.
    pub(crate) found: Option<Sha256Digest>,
    /// Why, in words.
    pub(crate) reason: Option<String>,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, path: impl Into<Vec<u8>>) -> Self {
        Self { kind, path: path.into(), to: None, found: None, reason: None }
    }
}

/// What reading a wrong file has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// It has this digest.
    Found(Sha256Digest),
    /// The reason that the system gives, or another one.
    Reason(String),
}

/// Everything that is wrong, in byte order of the paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// The first [`KEPT`].
    pub(crate) kept: Vec<Finding>,
    /// The number of all findings.
    pub(crate) total: u64,
    /// The number of listed files that do not exist; `None` if each must exist.
    pub(crate) absent: Option<u64>,
    /// What may help, if the paths show it.
    pub(crate) hint: Option<String>,
}

/// The state of one listed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has the listed digest.
    Intact,
    /// It has another digest.
    Changed,
    /// It does not exist, or has been removed since the tree was listed.
    Missing,
    /// It is not a regular file, or no longer one.
    NotRegular,
    /// It cannot be opened or read.
    Unreadable,
    /// It belongs to another shard, whatever its state.
    Elsewhere,
}

/// An entry of the tree that is not listed in the manifest. Its path stays in the listing, because
/// a medium can have millions of such entries, each with a long path.
#[derive(Debug)]
struct UnlistedEntry {
    place: Place,
    /// The number of manifest lines that sort before it.
    before: u32,
    kind: FindingKind,
    /// The number of the system's error, if it is unreadable.
    error: u8,
}

/// A manifest compared with a listing, before any file has been read.
#[derive(Debug)]
pub(crate) struct Comparison<'m> {
    manifest: &'m Manifest<'m>,
    listing: &'m Listing,
    layout: Layout<'m>,
    shard: Option<Shard>,
    /// One for each line of the manifest. `Intact` means that the file exists and has to be read.
    outcomes: Vec<Outcome>,
    /// What is known of the first [`KEPT`] lines that are not `Intact`.
    details: HashMap<usize, Detail>,
    /// In the order of their paths.
    unlisted: Vec<UnlistedEntry>,
    hint: Option<String>,
}

impl<'m> Comparison<'m> {
    /// Goes through both, which have the same order.
    pub(crate) fn new(manifest: &'m Manifest<'m>, listing: &'m Listing, layout: Layout<'m>) -> Self {
        Self::of(manifest, listing, layout, None)
    }

    /// The same for what belongs to a shard, or for everything.
    pub(crate) fn of(
        manifest: &'m Manifest<'m>,
        listing: &'m Listing,
        layout: Layout<'m>,
        shard: Option<Shard>,
    ) -> Self {
        let is_here = |line: usize| shard.is_none_or(|shard| shard.has(line));
        let first = |line| if is_here(line) { Outcome::Missing } else { Outcome::Elsewhere };
        let mut outcomes: Vec<Outcome> = (0..manifest.len()).map(first).collect();
        let mut directories = shard.map(|shard| ShardDirectories::new(shard, manifest, layout));
        let mut details = HashMap::new();
        let mut unlisted = Vec::new();
        let mut hint = None;
        let mut line = 0;
        let mut cursor = listing.cursor();
        while let Some((path, seen)) = cursor.next() {
            if seen == Seen::Entry(FileKind::Directory) {
                // A directory in the place of a listed file is rare, and directories sort differently.
                if let Some(line) = manifest.find(path).filter(|line| is_here(*line)) {
                    outcomes[line] = Outcome::NotRegular;
                }
                continue;
            }
            let is_next = |line: &usize| manifest.name(*line).as_bytes() >= path;
            line = (line..manifest.len()).find(is_next).unwrap_or(manifest.len());
            let is_listed = line < manifest.len() && manifest.name(line).as_bytes() == path;
            let kind = match seen {
                Seen::Entry(_) | Seen::Unreadable(_) if is_listed && !is_here(line) => continue,
                // Beside what is seen of the first entry of this name.
                Seen::Duplicate => FindingKind::DuplicateEntry,
                Seen::Entry(FileKind::File) if is_listed => {
                    outcomes[line] = Outcome::Intact;
                    continue;
                }
                Seen::Entry(_) if is_listed => {
                    outcomes[line] = Outcome::NotRegular;
                    continue;
                }
                Seen::Unreadable(error) if is_listed => {
                    outcomes[line] = Outcome::Unreadable;
                    if has_room(details.len()) {
                        details.insert(line, Detail::Reason(reason_of(error)));
                    }
                    continue;
                }
                Seen::Entry(FileKind::File) if layout.is_own(path) => continue,
                Seen::Entry(FileKind::File) => match name::check(path) {
                    Err(error) if !error.is_reserved() => FindingKind::BadName,
                    _ => FindingKind::Unlisted,
                },
                Seen::Entry(_) => FindingKind::NotRegular,
                Seen::Unreadable(_) => FindingKind::Unreadable,
            };
            if directories.as_mut().is_some_and(|directories| !directories.has(path, line)) {
                continue;
            }
            hint = hint.or_else(|| litter::hint(path));
            // MAX_ENTRIES fits in 32 bits.
            let before = u32::try_from(line).unwrap_or(u32::MAX);
            let error = if let Seen::Unreadable(error) = seen { error } else { 0 };
            unlisted.push(UnlistedEntry { place: cursor.place(), before, kind, error });
        }
        Self { manifest, listing, layout, shard, outcomes, details, unlisted, hint }
    }

    /// Whether the file of this line exists and has to be read.
    pub(crate) fn exists(&self, line: usize) -> bool {
        self.outcomes[line] == Outcome::Intact
    }

    /// The number of listed files that are compared.
    pub(crate) fn files(&self) -> u64 {
        self.outcomes.iter().filter(|outcome| **outcome != Outcome::Elsewhere).count() as u64
    }

    /// Whether the names alone show that something is wrong.
    pub(crate) fn has_wrong_names(&self) -> bool {
        let is_wrong = |outcome: &Outcome| match outcome {
            Outcome::Intact | Outcome::Elsewhere => false,
            Outcome::Missing => !self.layout.allows_missing(),
            Outcome::Changed | Outcome::NotRegular | Outcome::Unreadable => true,
        };
        !self.unlisted.is_empty() || self.outcomes.iter().any(is_wrong)
    }

    /// The numbers of the unlisted files whose digests [`conclude`](Self::conclude) needs to find
    /// renamed files. None if no listed file is missing. A shard has none: the file may be in another one.
    pub(crate) fn rename_candidates(&self) -> Vec<usize> {
        if self.shard.is_some() || !self.outcomes.contains(&Outcome::Missing) {
            return Vec::new();
        }
        let is_file = |number: &usize| self.unlisted[*number].kind == FindingKind::Unlisted;
        (0..self.unlisted.len()).filter(is_file).collect()
    }

    /// The path of the unlisted entry with this number.
    pub(crate) fn unlisted_path(&self, number: usize) -> Vec<u8> {
        self.listing.path(self.unlisted[number].place)
    }

    /// The first entry of the tree that is not a listed file, whatever the content of the others.
    pub(crate) fn first_unlisted(&self) -> Option<(FindingKind, Vec<u8>)> {
        if let Some(entry) = self.unlisted.first() {
            return Some((entry.kind, self.unlisted_path(0)));
        }
        let not_regular = self.outcomes.iter().position(|outcome| *outcome == Outcome::NotRegular);
        not_regular.map(|line| (FindingKind::NotRegular, self.manifest.name(line).into()))
    }

    /// All findings. `read` has the outcome of every file that exists, where [`Outcome::Intact`] may be
    /// left out, and `details` what is known of the first [`KEPT`] of them; `candidates` has the digests of
    /// the [`rename_candidates`](Self::rename_candidates).
    pub(crate) fn conclude(
        mut self,
        read: impl IntoIterator<Item = (usize, Outcome)>,
        details: impl IntoIterator<Item = (usize, Detail)>,
        candidates: impl IntoIterator<Item = (usize, Sha256Digest)>,
    ) -> Findings {
        for (line, outcome) in read {
            self.outcomes[line] = outcome;
        }
        let mut known = std::mem::take(&mut self.details);
        known.extend(details);
        let renamed = self.renamed(candidates);
        let new_names: HashSet<usize> = renamed.values().copied().collect();
        let may_be_missing = self.layout.allows_missing() && self.has_payload();
        let absent = self.layout.allows_missing().then_some(0);
        let mut findings = Findings { absent, hint: self.hint.take(), ..Findings::default() };
        let mut unlisted = (0..self.unlisted.len()).filter(|number| !new_names.contains(number)).peekable();
        for (line, outcome) in self.outcomes.iter().enumerate() {
            let kind = match outcome {
                Outcome::Intact | Outcome::Elsewhere => continue,
                Outcome::Changed => FindingKind::Changed,
                Outcome::Missing if renamed.contains_key(&line) => FindingKind::Renamed,
                Outcome::Missing if may_be_missing => {
                    findings.absent = findings.absent.map(|count| count + 1);
                    continue;
                }
                Outcome::Missing => FindingKind::Missing,
                Outcome::NotRegular => FindingKind::NotRegular,
                Outcome::Unreadable => FindingKind::Unreadable,
            };
            while let Some(number) = unlisted.next_if(|number| self.unlisted[*number].before as usize <= line)
            {
                self.add_unlisted(&mut findings, number);
            }
            findings.add(|| {
                let mut finding = Finding::new(kind, self.manifest.name(line));
                match known.remove(&line) {
                    Some(Detail::Found(digest)) => finding.found = Some(digest),
                    Some(Detail::Reason(reason)) => finding.reason = Some(reason),
                    None => {}
                }
                if let Some(number) = renamed.get(&line) {
                    let to = self.unlisted_path(*number);
                    finding.reason = name::difference(&finding.path, &to).map(ToOwned::to_owned);
                    finding.to = Some(to);
                }
                finding
            });
        }
        unlisted.for_each(|number| self.add_unlisted(&mut findings, number));
        findings
    }

    /// Whether a listed file exists that is none of the release's own, which a copy lists too.
    fn has_payload(&self) -> bool {
        let exists = |line: &usize| self.outcomes[*line] != Outcome::Missing;
        let is_own = |line: usize| self.layout.is_own(self.manifest.name(line).as_bytes());
        (0..self.outcomes.len()).filter(exists).any(|line| !is_own(line))
    }

    fn add_unlisted(&self, findings: &mut Findings, number: usize) {
        let UnlistedEntry { kind, error, .. } = self.unlisted[number];
        let reason = || (kind == FindingKind::Unreadable).then(|| reason_of(error));
        findings.add(|| Finding { reason: reason(), ..Finding::new(kind, self.unlisted_path(number)) });
    }

    /// For each renamed line, the number of the unlisted file that has its digest. Each file is used
    /// once.
    fn renamed(&self, candidates: impl IntoIterator<Item = (usize, Sha256Digest)>) -> HashMap<usize, usize> {
        let mut by_digest: HashMap<Sha256Digest, BTreeSet<usize>> = HashMap::new();
        for (number, digest) in candidates {
            by_digest.entry(digest).or_default().insert(number);
        }
        if by_digest.is_empty() {
            return HashMap::new();
        }
        let missing = (0..self.manifest.len()).filter(|line| self.outcomes[*line] == Outcome::Missing);
        missing
            .filter_map(|line| {
                Some((line, by_digest.get_mut(&self.manifest.entry(line).digest)?.pop_first()?))
            })
            .collect()
    }
}

impl Findings {
    /// Counts a finding, and makes it only if it is kept.
    fn add(&mut self, finding: impl FnOnce() -> Finding) {
        self.total += 1;
        if has_room(self.kept.len()) {
            self.kept.push(finding());
        }
    }

    /// Adds the finding about the totals of a release, if there is one.
    pub(super) fn add_difference(&mut self, difference: Option<Finding>) {
        if let Some(finding) = difference {
            self.insert(finding);
        }
    }

    /// Adds a finding at its place.
    pub(super) fn insert(&mut self, finding: Finding) {
        self.total += 1;
        let place = self.kept.partition_point(|kept| kept.path <= finding.path);
        self.kept.insert(place, finding);
        self.kept.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests;
