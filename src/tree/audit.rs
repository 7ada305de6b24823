//! What a tree is against its manifest: a closed world, in which the files are those that are listed,
//! the manifest and the signature, and no others. Directories are not content. Pure: in two stages,
//! between which somebody else (`check.rs`) reads the files.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use super::manifest::Manifest;
use super::name;
use super::rooted_dir::FileKind;
use super::walk::{Listing, Place, Seen};
use super::{ATTESTATION, MANIFEST, SIGNATURE};
use crate::digest::Sha256Digest;

/// How many findings are kept; the rest is only counted.
pub(crate) const KEPT: usize = 10_000;

/// What is wrong at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindingKind {
    /// Listed, and not there.
    Missing,
    /// Listed, and of other content.
    Changed,
    /// There, and not listed.
    Unlisted,
    /// Listed, not there, and there under another, unlisted name.
    Renamed,
    /// A link, FIFO, socket or device; or a directory where a file is listed.
    NotRegular,
    /// Cannot be opened or read.
    Unreadable,
    /// There, with a name that no manifest can list.
    BadName,
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
    /// What.
    pub(crate) kind: FindingKind,
    /// Where, below the bundle; any bytes. For a renamed file the listed name.
    pub(crate) path: Vec<u8>,
    /// The name that a renamed file has now.
    pub(crate) to: Option<Vec<u8>>,
}

/// Everything that is wrong, in byte order of the paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// The first [`KEPT`].
    pub(crate) kept: Vec<Finding>,
    /// How many there are in all.
    pub(crate) total: u64,
    /// What may help, if the paths say so.
    pub(crate) hint: Option<String>,
}

/// What reading one listed file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The digest is the listed one.
    Right,
    /// It is another.
    Changed,
    /// It has gone since it was listed.
    Gone,
    /// It is no regular file any more.
    NotRegular,
    /// It cannot be opened or read.
    Unreadable,
}

/// A file or more that no line of the manifest explains. Its path stands in the listing: media can make
/// millions of them, and each path long.
#[derive(Debug)]
struct Stranger {
    place: Place,
    /// How many lines of the manifest come before it.
    before: u32,
    kind: FindingKind,
}

/// A manifest held against a listing, before any file has been read.
#[derive(Debug)]
pub(crate) struct Comparison<'m> {
    manifest: &'m Manifest<'m>,
    listing: &'m Listing,
    /// One for each entry. `Right` stands for what is there and waits to be read.
    outcomes: Vec<Outcome>,
    /// In the order of their paths.
    strangers: Vec<Stranger>,
    hint: Option<String>,
}

impl<'m> Comparison<'m> {
    /// Joins the two; both are sorted.
    pub(crate) fn new(manifest: &'m Manifest<'m>, listing: &'m Listing) -> Self {
        let mut outcomes = vec![Outcome::Gone; manifest.len()];
        let mut strangers = Vec::new();
        let mut hint = None;
        let mut line = 0;
        let mut cursor = listing.cursor();
        while let Some((path, seen)) = cursor.next() {
            if seen == Seen::Entry(FileKind::Directory) {
                // Only now and then one stands where a file should; its order is not that of files.
                if let Some(line) = manifest.find(path) {
                    outcomes[line] = Outcome::NotRegular;
                }
                continue;
            }
            let is_next = |line: &usize| manifest.name(*line).as_bytes() >= path;
            line = (line..manifest.len()).find(is_next).unwrap_or(manifest.len());
            if line < manifest.len() && manifest.name(line).as_bytes() == path {
                outcomes[line] = match seen {
                    Seen::Entry(FileKind::File) => Outcome::Right,
                    Seen::Entry(_) => Outcome::NotRegular,
                    Seen::Unreadable => Outcome::Unreadable,
                };
                continue;
            }
            let kind = match seen {
                Seen::Entry(FileKind::File)
                    if path == MANIFEST.as_bytes() || path == SIGNATURE.as_bytes() =>
                {
                    continue;
                }
                Seen::Entry(FileKind::File) => match name::check(path) {
                    Err(error) if !error.is_about_ours() => FindingKind::BadName,
                    _ => FindingKind::Unlisted,
                },
                Seen::Entry(_) => FindingKind::NotRegular,
                Seen::Unreadable => FindingKind::Unreadable,
            };
            hint = hint.or_else(|| hint_about(path));
            // No manifest has more lines than MAX_ENTRIES.
            let before = u32::try_from(line).unwrap_or(u32::MAX);
            strangers.push(Stranger { place: cursor.place(), before, kind });
        }
        Self { manifest, listing, outcomes, strangers, hint }
    }

    /// Whether the entry at this line is a file that is there, to be read.
    pub(crate) fn is_there(&self, line: usize) -> bool {
        self.outcomes[line] == Outcome::Right
    }

    /// The numbers of the unlisted files to be read, by which their digests are told: none, unless a
    /// listed file is missing and may have been renamed.
    pub(crate) fn to_recognise(&self) -> Vec<usize> {
        if !self.outcomes.contains(&Outcome::Gone) {
            return Vec::new();
        }
        let unlisted = |number: &usize| self.strangers[*number].kind == FindingKind::Unlisted;
        (0..self.strangers.len()).filter(unlisted).collect()
    }

    /// The path of an unlisted file by its number.
    pub(crate) fn unlisted(&self, number: usize) -> Vec<u8> {
        self.listing.path(self.strangers[number].place)
    }

    /// Whether nothing is there that the manifest does not list, whatever it contains.
    pub(crate) fn first_stranger(&self) -> Option<(FindingKind, Vec<u8>)> {
        if let Some(stranger) = self.strangers.first() {
            return Some((stranger.kind, self.unlisted(0)));
        }
        let not_regular = self.outcomes.iter().position(|outcome| *outcome == Outcome::NotRegular);
        not_regular.map(|line| (FindingKind::NotRegular, self.manifest.name(line).into()))
    }

    /// The verdict. `read` tells the outcome of every file that was there, those that came out
    /// [`Outcome::Right`] may be left out; `recognised` the digests of unlisted files.
    pub(crate) fn conclude(
        mut self,
        read: impl IntoIterator<Item = (usize, Outcome)>,
        recognised: impl IntoIterator<Item = (usize, Sha256Digest)>,
    ) -> Findings {
        for (line, outcome) in read {
            self.outcomes[line] = outcome;
        }
        let renamed = self.renamed(recognised);
        let taken: HashSet<usize> = renamed.values().copied().collect();
        let mut findings = Findings { kept: Vec::new(), total: 0, hint: self.hint.take() };
        let mut strangers = (0..self.strangers.len()).filter(|number| !taken.contains(number)).peekable();
        for (line, outcome) in self.outcomes.iter().enumerate() {
            let kind = match outcome {
                Outcome::Right => continue,
                Outcome::Changed => FindingKind::Changed,
                Outcome::Gone if renamed.contains_key(&line) => FindingKind::Renamed,
                Outcome::Gone => FindingKind::Missing,
                Outcome::NotRegular => FindingKind::NotRegular,
                Outcome::Unreadable => FindingKind::Unreadable,
            };
            while let Some(number) =
                strangers.next_if(|number| self.strangers[*number].before as usize <= line)
            {
                self.add_stranger(&mut findings, number);
            }
            let path = || self.manifest.name(line).into();
            findings.add(kind, path, || renamed.get(&line).map(|number| self.unlisted(*number)));
        }
        strangers.for_each(|number| self.add_stranger(&mut findings, number));
        findings
    }

    fn add_stranger(&self, findings: &mut Findings, number: usize) {
        findings.add(self.strangers[number].kind, || self.unlisted(number), || None);
    }

    /// For missing entries the number of the unlisted file with their digest; each is used once.
    fn renamed(&self, recognised: impl IntoIterator<Item = (usize, Sha256Digest)>) -> HashMap<usize, usize> {
        let mut by_digest: HashMap<Sha256Digest, BTreeSet<usize>> = HashMap::new();
        for (number, digest) in recognised {
            by_digest.entry(digest).or_default().insert(number);
        }
        if by_digest.is_empty() {
            return HashMap::new();
        }
        let missing = (0..self.manifest.len()).filter(|line| self.outcomes[*line] == Outcome::Gone);
        missing
            .filter_map(|line| {
                Some((line, by_digest.get_mut(&self.manifest.entry(line).digest)?.pop_first()?))
            })
            .collect()
    }
}

/// Words for an unlisted file that is there through no fault of the one who made the bundle.
fn hint_about(path: &[u8]) -> Option<String> {
    const LITTER: [&[u8]; 8] = [
        b"System Volume Information",
        b".fseventsd",
        b".Spotlight-V100",
        b".Trashes",
        b".DS_Store",
        b"$RECYCLE.BIN",
        b"Thumbs.db",
        b"lost+found",
    ];
    // What a trash, and what macOS keeps beside a file, is named after whom or what it is of.
    const LITTER_OF: [&[u8]; 2] = [b".Trash-", b"._"];
    let mut components = path.split(|byte| *byte == b'/');
    let top = components.next().unwrap_or_default();
    if LITTER.contains(&top) || LITTER_OF.iter().any(|start| top.starts_with(start)) {
        let name = crate::printable::show(top);
        return Some(format!(
            "the system made `{name}`: keep the bundle in a directory of its own on the medium"
        ));
    }
    let below = components.next().unwrap_or_default();
    (top == ATTESTATION.as_bytes() && below == super::INSIDE.as_bytes())
        .then(|| {
            let room = super::INSIDE;
            format!("`{ATTESTATION}/{room}` is of an aicr that is at work here, or was killed: run that again, or remove it")
        })
}

impl Findings {
    /// Counts one, and makes its paths only if it is kept.
    fn add(
        &mut self,
        kind: FindingKind,
        path: impl FnOnce() -> Vec<u8>,
        to: impl FnOnce() -> Option<Vec<u8>>,
    ) {
        self.total += 1;
        if self.kept.len() < KEPT {
            self.kept.push(Finding { kind, path: path(), to: to() });
        }
    }
}

#[cfg(test)]
mod tests;
