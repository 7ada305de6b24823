//! What a walk found, in the order in which it is compared with a manifest. Nothing here touches the
//! disk. [`cursor`](super::cursor) goes through a listing from its first entry to its last.

use super::super::rooted_dir::FileKind;

/// What the walk saw at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An entry of this kind.
    Entry(FileKind),
    /// A directory that cannot be read, or a path too long to open, and the number of the system's error.
    Unreadable(u8),
    /// A second entry with the name of another one in the same directory, which only a damaged or crafted
    /// file system has. Which of them a program opens is chance.
    Duplicate,
}

/// All files and directories of a tree, sorted by the bytes of their paths, where the path of
/// a directory ends in `/`. Without the directories, the files are therefore in byte order.
///
/// An entry costs its own name and 12 bytes, however deep it is: its path is put together from the
/// names of its directories when it is needed.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The top-level directory first.
    pub(super) directories: Vec<Directory>,
    /// How many directories everybody can write to.
    pub(crate) world_writable: u64,
}

/// A directory, and its content once it has been read.
#[derive(Debug)]
pub(super) struct Directory {
    /// Its name in its parent directory.
    pub(super) place: Place,
    /// Its content, or the number of the error why it could not be read.
    pub(super) content: Result<Content, u8>,
}

/// The entries of one directory, sorted as in [`Listing`].
#[derive(Debug)]
pub(super) struct Content {
    /// The names of all entries, one after the other, in the order in which they were read.
    pub(super) names: Box<[u8]>,
    pub(super) entries: Box<[Entry]>,
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its name begins in [`Content::names`].
    pub(super) start: u32,
    /// The length of its name.
    pub(super) length: u16,
    pub(super) seen: Seen,
    /// For a directory that the walk enters, its number among all directories; otherwise 0, which is
    /// the number of the top-level directory.
    pub(super) directory: u32,
}

/// Identifies an entry of a listing: its directory, and the range of its name there. It stays valid
/// when the entries are sorted again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) directory: u32,
    pub(super) start: u32,
    pub(super) length: u16,
}

impl Listing {
    /// The listing of these directories, the top-level one first. The directories with the numbers
    /// `unreadable` have no content and are sorted like files.
    pub(super) fn new(
        mut directories: Vec<Directory>,
        mut unreadable: Vec<u32>,
        world_writable: u64,
    ) -> Self {
        if unreadable == [0]
            && let Err(error) = directories[0].content
        {
            let top = Entry { start: 0, length: 1, seen: Seen::Unreadable(error), directory: 0 };
            directories[0].content = Ok(Content { names: (*b".").into(), entries: [top].into() });
            unreadable.clear();
        }
        let parent = |number: u32| directories[number as usize].place.directory;
        let mut parents: Vec<u32> = unreadable.into_iter().map(parent).collect();
        parents.sort_unstable();
        parents.dedup();
        for parent in parents {
            mark_unreadable(&mut directories, parent);
        }
        Self { directories, world_writable }
    }

    /// The path of an entry.
    pub(crate) fn path(&self, place: Place) -> Vec<u8> {
        let mut path = Vec::new();
        place.write_path(&self.directories, &mut path);
        path
    }
}

/// Marks the entries of `parent` that turned out to be unreadable directories, and sorts it again.
fn mark_unreadable(directories: &mut [Directory], parent: u32) {
    let Ok(mut content) = std::mem::replace(&mut directories[parent as usize].content, Err(0)) else {
        return;
    };
    for entry in &mut content.entries {
        if entry.directory != 0
            && let Err(error) = directories[entry.directory as usize].content
        {
            *entry = Entry { seen: Seen::Unreadable(error), directory: 0, ..*entry };
        }
    }
    content.sort();
    directories[parent as usize].content = Ok(content);
}

impl Content {
    /// The content of a directory with these entries, in any order.
    pub(super) fn new(names: &[u8], entries: &[Entry]) -> Self {
        let mut content = Self { names: names.into(), entries: entries.into() };
        content.sort();
        if content.mark_duplicates() {
            content.sort();
        }
        content
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.start as usize..][..usize::from(entry.length)]
    }

    /// Marks all but one of the entries with the same name, and returns whether there are any. The
    /// entries are sorted.
    fn mark_duplicates(&mut self) -> bool {
        let is_directory = |entry: &Entry| entry.seen == Seen::Entry(FileKind::Directory);
        // A directory is sorted as if its name ended in `/`, so a file of the same name may be far before it.
        let key = |entry: &Entry| self.name(entry).iter().chain(is_directory(entry).then_some(&b'/'));
        let is_duplicate = |place: &usize| {
            let entry = &self.entries[*place];
            let before = &self.entries[..*place];
            before.last().is_some_and(|last| self.name(last) == self.name(entry))
                || is_directory(entry)
                    && before.binary_search_by(|other| key(other).cmp(self.name(entry))).is_ok()
        };
        let duplicates: Vec<usize> = (0..self.entries.len()).filter(is_duplicate).collect();
        for place in &duplicates {
            self.entries[*place].seen = Seen::Duplicate;
        }
        !duplicates.is_empty()
    }

    fn sort(&mut self) {
        let Self { names, entries } = self;
        let name = |entry: &Entry| &names[entry.start as usize..][..usize::from(entry.length)];
        entries.sort_unstable_by(|one, other| {
            let shared = name(one).len().min(name(other).len());
            // A directory is compared as if its name ended in `/`.
            let next = |entry: &Entry| {
                let slash = (entry.seen == Seen::Entry(FileKind::Directory)).then_some(b'/');
                name(entry).get(shared).copied().or(slash)
            };
            let prefixes = name(one)[..shared].cmp(&name(other)[..shared]);
            prefixes.then_with(|| next(one).cmp(&next(other)))
        });
    }
}

impl Place {
    /// The top-level directory.
    pub(super) const TOP: Self = Self { directory: 0, start: 0, length: 0 };

    /// The name of the entry.
    pub(super) fn name(self, directories: &[Directory]) -> &[u8] {
        let content = directories[self.directory as usize].content.as_ref();
        content.map_or(&[], |content| &content.names[self.start as usize..][..usize::from(self.length)])
    }

    /// Writes the path of the entry to `path`, from its last component to its first.
    pub(super) fn write_path(self, directories: &[Directory], path: &mut Vec<u8>) {
        let parent =
            |place: Self| (place.directory != 0).then(|| directories[place.directory as usize].place);
        let ancestors = || std::iter::successors(Some(self), |place| parent(*place));
        let length = ancestors().map(|place| usize::from(place.length) + 1).sum::<usize>() - 1;
        path.clear();
        path.resize(length, b'/');
        let mut end = length;
        for place in ancestors() {
            let name = place.name(directories);
            path[end - name.len()..end].copy_from_slice(name);
            end = end.saturating_sub(name.len() + 1);
        }
    }
}
