//! What a tree is against its manifest: a closed world, in which the files are those that are listed,
//! the manifest and the signature, and no others. Directories are not content. Pure: in two stages,
//! between which somebody else (`check.rs`) reads the files.

use std::collections::HashMap;
use std::fmt;

use super::beneath::Kind;
use super::manifest::Manifest;
use super::name;
use super::walk::{Listing, Seen};
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

/// A file or more that no line of the manifest explains.
#[derive(Debug)]
struct Stranger {
    path: Box<[u8]>,
    kind: FindingKind,
    digest: Option<Sha256Digest>,
}

/// A manifest held against a listing, before any file has been read.
#[derive(Debug)]
pub(crate) struct Comparison<'m> {
    manifest: &'m Manifest<'m>,
    /// One for each entry. `Right` stands for what is there and waits to be read.
    outcomes: Vec<Outcome>,
    strangers: Vec<Stranger>,
}

impl<'m> Comparison<'m> {
    /// Joins the two; both are sorted.
    pub(crate) fn new(manifest: &'m Manifest<'m>, listing: &Listing) -> Self {
        let mut outcomes = vec![Outcome::Gone; manifest.len()];
        let mut strangers = Vec::new();
        let mut place = 0;
        let mut cursor = listing.cursor();
        while let Some((path, seen)) = cursor.next() {
            if seen == Seen::Entry(Kind::Directory) {
                // Only now and then one stands where a file should; its order is not that of files.
                if let Some(place) = manifest.find(path) {
                    outcomes[place] = Outcome::NotRegular;
                }
                continue;
            }
            while place < manifest.len() && manifest.name(place).as_bytes() < path {
                place += 1;
            }
            if place < manifest.len() && manifest.name(place).as_bytes() == path {
                outcomes[place] = match seen {
                    Seen::Entry(Kind::File) => Outcome::Right,
                    Seen::Entry(_) => Outcome::NotRegular,
                    Seen::Unreadable => Outcome::Unreadable,
                };
                continue;
            }
            let kind = match seen {
                Seen::Entry(Kind::File) if path == MANIFEST.as_bytes() || path == SIGNATURE.as_bytes() => {
                    continue;
                }
                Seen::Entry(Kind::File) => match name::check(path) {
                    Err(error) if !error.is_about_ours() => FindingKind::BadName,
                    _ => FindingKind::Unlisted,
                },
                Seen::Entry(_) => FindingKind::NotRegular,
                Seen::Unreadable => FindingKind::Unreadable,
            };
            strangers.push(Stranger { path: path.into(), kind, digest: None });
        }
        // A directory that cannot be entered stands, in the listing, where no file is looked for.
        strangers.sort_by(|one, other| one.path.cmp(&other.path));
        Self { manifest, outcomes, strangers }
    }

    /// Whether the entry at this place is a file that is there, to be read.
    pub(crate) fn is_there(&self, place: usize) -> bool {
        self.outcomes[place] == Outcome::Right
    }

    /// The unlisted files to be read, with the numbers by which their digests are told: none, unless a
    /// listed file is missing and may have been renamed.
    pub(crate) fn to_recognise(&self) -> Vec<(usize, &[u8])> {
        if !self.outcomes.contains(&Outcome::Gone) {
            return Vec::new();
        }
        let strangers = self.strangers.iter().enumerate();
        strangers
            .filter(|(_, one)| one.kind == FindingKind::Unlisted)
            .map(|(number, one)| (number, &*one.path))
            .collect()
    }

    /// Whether nothing is there that the manifest does not list, whatever it contains.
    pub(crate) fn first_stranger(&self) -> Option<&[u8]> {
        let not_regular = self.outcomes.iter().position(|outcome| *outcome == Outcome::NotRegular);
        let stranger = self.strangers.first().map(|stranger| &*stranger.path);
        stranger.or(not_regular.map(|place| self.manifest.name(place).as_bytes()))
    }

    /// The verdict. `read` tells the outcome of every file that was there, those that came out
    /// [`Outcome::Right`] may be left out; `recognised` the digests of unlisted files.
    pub(crate) fn conclude(
        mut self,
        read: impl IntoIterator<Item = (usize, Outcome)>,
        recognised: impl IntoIterator<Item = (usize, Sha256Digest)>,
    ) -> Findings {
        for (place, outcome) in read {
            self.outcomes[place] = outcome;
        }
        for (number, digest) in recognised {
            self.strangers[number].digest = Some(digest);
        }
        let hint = self.hint();
        let renamed = self.renamed();
        let taken: std::collections::HashSet<usize> = renamed.values().copied().collect();
        let mut findings = Findings { kept: Vec::new(), total: 0, hint };
        let mut strangers = (0..self.strangers.len()).filter(|number| !taken.contains(number)).peekable();
        for (place, outcome) in self.outcomes.iter().enumerate() {
            let kind = match outcome {
                Outcome::Right => continue,
                Outcome::Changed => FindingKind::Changed,
                Outcome::Gone if renamed.contains_key(&place) => FindingKind::Renamed,
                Outcome::Gone => FindingKind::Missing,
                Outcome::NotRegular => FindingKind::NotRegular,
                Outcome::Unreadable => FindingKind::Unreadable,
            };
            let path = self.manifest.name(place).as_bytes();
            while let Some(number) = strangers.next_if(|number| *self.strangers[*number].path < *path) {
                findings.add_stranger(&self.strangers[number]);
            }
            findings.add(kind, path, renamed.get(&place).map(|number| &*self.strangers[*number].path));
        }
        strangers.for_each(|number| findings.add_stranger(&self.strangers[number]));
        findings
    }

    /// For missing entries the number of the unlisted file with their digest; each is used once.
    fn renamed(&self) -> HashMap<usize, usize> {
        let mut by_digest: HashMap<Sha256Digest, Vec<usize>> = HashMap::new();
        // Backwards, so that the first of several is taken first.
        for (number, stranger) in self.strangers.iter().enumerate().rev() {
            if let Some(digest) = stranger.digest {
                by_digest.entry(digest).or_default().push(number);
            }
        }
        if by_digest.is_empty() {
            return HashMap::new();
        }
        let missing = (0..self.manifest.len()).filter(|place| self.outcomes[*place] == Outcome::Gone);
        missing
            .filter_map(|place| Some((place, by_digest.get_mut(&self.manifest.entry(place).digest)?.pop()?)))
            .collect()
    }

    /// Words for files that are there through no fault of the one who made the bundle.
    fn hint(&self) -> Option<String> {
        const LITTER: [&[u8]; 5] =
            [b"System Volume Information", b".fseventsd", b".Spotlight-V100", b"$RECYCLE.BIN", b"lost+found"];
        self.strangers.iter().find_map(|stranger| {
            let mut components = stranger.path.split(|byte| *byte == b'/');
            let top = components.next().unwrap_or_default();
            if LITTER.contains(&top) || top.starts_with(b".Trash-") {
                let name = crate::printable::show(top);
                return Some(format!(
                    "the system made `{name}`: keep the bundle in a directory of its own on the medium"
                ));
            }
            let below = components.next().unwrap_or_default();
            (top == ATTESTATION.as_bytes() && below == super::INSIDE.as_bytes()).then(|| {
                format!("`{ATTESTATION}/{}` was left by an aicr that was killed: remove it", super::INSIDE)
            })
        })
    }
}

impl Findings {
    fn add(&mut self, kind: FindingKind, path: &[u8], to: Option<&[u8]>) {
        self.total += 1;
        if self.kept.len() < KEPT {
            self.kept.push(Finding { kind, path: path.to_vec(), to: to.map(<[u8]>::to_vec) });
        }
    }

    fn add_stranger(&mut self, stranger: &Stranger) {
        self.add(stranger.kind, &stranger.path, None);
    }
}

#[cfg(test)]
mod tests;
