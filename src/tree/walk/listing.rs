//! What a walk has found, in the order in which it is compared with a manifest. Nothing is looked at here.

use super::super::rooted_dir::FileKind;

/// What was seen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An entry of this kind.
    Entry(FileKind),
    /// Something that could not be looked into or is too deep to be opened.
    Unreadable,
}

/// All files and directories of a tree, in this order: by the bytes of the path, where that of
/// a directory counts as ending in `/`. So files alone are in byte order.
///
/// A path is kept as its last name and the directory that it is in: a name and eight bytes an entry,
/// however deep it lies.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(super) directories: Vec<Directory>,
}

/// A directory that is known, and what is in it once it has been read.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) place: Place,
    pub(super) content: Option<Content>,
}

/// Where the name of an entry stands in a listing: in which directory, and where among its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) directory: u32,
    pub(super) start: u32,
    pub(super) length: u16,
}

/// The entries of one directory, sorted as in [`Listing`].
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) names: Box<[u8]>,
    pub(super) entries: Box<[Entry]>,
}

/// An entry of a directory, of which the name begins where that of the entry before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) length: u16,
    pub(super) seen: Seen,
    /// For a directory that is entered, its number among all directories; else 0, which is the top.
    pub(super) directory: u32,
}

impl Place {
    /// The top itself.
    pub(super) const TOP: Self = Self { directory: 0, start: 0, length: 0 };

    fn name(self, directories: &[Directory]) -> &[u8] {
        let start = self.start as usize;
        let content = directories[self.directory as usize].content.as_ref();
        content.map_or(&[], |content| &content.names[start..start + usize::from(self.length)])
    }

    /// Puts the path of the entry here into `path`.
    pub(super) fn write_path(self, directories: &[Directory], path: &mut Vec<u8>) {
        let parent =
            |place: Self| (place.directory != 0).then(|| directories[place.directory as usize].place);
        let up = || std::iter::successors(Some(self), |place| parent(*place));
        let length = up().map(|place| usize::from(place.length) + 1).sum::<usize>() - 1;
        path.clear();
        path.resize(length, b'/');
        let mut end = length;
        for place in up() {
            let name = place.name(directories);
            path[end - name.len()..end].copy_from_slice(name);
            end = end.saturating_sub(name.len() + 1);
        }
    }
}

impl Listing {
    /// The listing of these directories, the top first. Those of the numbers `unreadable` have no content,
    /// and stand where files would.
    pub(super) fn new(mut directories: Vec<Directory>, mut unreadable: Vec<u32>) -> Self {
        if unreadable == [0] {
            let entry = Entry { length: 1, seen: Seen::Unreadable, directory: 0 };
            directories[0].content = Some(Content { names: (*b".").into(), entries: [entry].into() });
            unreadable.clear();
        }
        let mut parents: Vec<u32> =
            unreadable.into_iter().map(|number| directories[number as usize].place.directory).collect();
        parents.sort_unstable();
        parents.dedup();
        for parent in parents {
            sort_again(&mut directories, parent);
        }
        Self { directories }
    }

    /// Goes through the entries from the first on.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { listing: self, open: vec![Open::new(0, 0)], path: Vec::new(), place: Place::TOP }
    }

    /// The path of an entry that a cursor has passed.
    pub(crate) fn path(&self, place: Place) -> Vec<u8> {
        let mut path = Vec::new();
        place.write_path(&self.directories, &mut path);
        path
    }
}

/// A place in a listing.
pub(crate) struct Cursor<'a> {
    listing: &'a Listing,
    open: Vec<Open>,
    path: Vec<u8>,
    place: Place,
}

/// A directory that a cursor is in.
struct Open {
    directory: u32,
    /// How much of the cursor's path is its own.
    path: usize,
    /// The next entry, and where its name begins.
    entry: usize,
    start: u32,
}

impl Open {
    fn new(directory: u32, path: usize) -> Self {
        Self { directory, path, entry: 0, start: 0 }
    }
}

impl Cursor<'_> {
    /// The next entry: its path, good until the next call, and what was seen.
    pub(crate) fn next(&mut self) -> Option<(&[u8], Seen)> {
        loop {
            let open = self.open.last_mut()?;
            let content = self.listing.directories[open.directory as usize].content.as_ref();
            let Some(entry) = content.and_then(|content| content.entries.get(open.entry)) else {
                self.open.pop();
                continue;
            };
            self.place = Place { directory: open.directory, start: open.start, length: entry.length };
            open.entry += 1;
            open.start += u32::from(entry.length);
            self.path.truncate(open.path);
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(self.place.name(&self.listing.directories));
            if entry.directory != 0 {
                self.open.push(Open::new(entry.directory, self.path.len()));
            }
            return Some((&self.path, entry.seen));
        }
    }

    /// Where the entry stands that came last.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

/// An entry, and where its name stands among those that are not sorted yet.
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) entry: Entry,
}

impl Content {
    /// These entries in order. In a listing a directory stands where its content begins.
    pub(super) fn sorted(names: &[u8], found: &mut [Found]) -> Self {
        let name = |found: &Found| &names[found.start..found.end];
        found.sort_unstable_by(|one, other| {
            let shared = name(one).len().min(name(other).len());
            let next = |found: &Found| {
                let slash = (found.entry.seen == Seen::Entry(FileKind::Directory)).then_some(b'/');
                name(found).get(shared).copied().or(slash)
            };
            let (start, others) = (&name(one)[..shared], &name(other)[..shared]);
            start.cmp(others).then_with(|| next(one).cmp(&next(other)))
        });
        let mut sorted = Vec::with_capacity(names.len());
        for found in &*found {
            sorted.extend_from_slice(name(found));
        }
        Self { names: sorted.into(), entries: found.iter().map(|found| found.entry).collect() }
    }
}

/// Sorts a directory anew in which some turned out to be unreadable.
fn sort_again(directories: &mut [Directory], parent: u32) {
    let content = directories[parent as usize].content.take().unwrap_or_default();
    let mut found = Vec::with_capacity(content.entries.len());
    let mut start = 0;
    for entry in &content.entries {
        let end = start + usize::from(entry.length);
        let closed = entry.directory != 0 && directories[entry.directory as usize].content.is_none();
        let entry = if closed { Entry { seen: Seen::Unreadable, directory: 0, ..*entry } } else { *entry };
        found.push(Found { start, end, entry });
        start = end;
    }
    let content = Content::sorted(&content.names, &mut found);
    let mut start = 0;
    for entry in &content.entries {
        if entry.directory != 0 {
            directories[entry.directory as usize].place.start = start;
        }
        start += u32::from(entry.length);
    }
    directories[parent as usize].content = Some(content);
}
