//! Everything below a bundle, looked at and never followed. Names are bytes, because media may hold
//! anything; what is right and wrong is decided in `audit.rs`. No file is opened here.
//!
//! Bounded on purpose: at most [`MAX_ENTRIES`] entries, no path over [`MAX_PATH`] is entered, no
//! recursion, one open directory a thread.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::beneath::{Beneath, DirectoryBuffer, Kind};
use super::name::MAX_PATH;
use super::{MAX_ENTRIES, Work};
use crate::error::{Failure, Result};

/// What was seen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An entry of this kind.
    Entry(Kind),
    /// Something that could not be looked into or is too deep to be opened.
    Unreadable,
}

/// All files and directories of a tree, in this order: by the bytes of the path, where that of
/// a directory counts as ending in `/`. So files alone are in byte order.
///
/// A path is kept as what it does not share with the path before it: a name and six bytes an entry.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    suffixes: Vec<u8>,
    shapes: Vec<Shape>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    shared: u16,
    length: u16,
    seen: Seen,
}

impl Listing {
    /// Goes through the entries from the first on.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { listing: self, path: Vec::new(), shape: 0, suffix: 0 }
    }

    /// Adds an entry; `last` is the path before it, and becomes `path`.
    fn push(&mut self, last: &mut Vec<u8>, path: &[u8], seen: Seen) {
        let limit = usize::from(u16::MAX);
        let shared = last.iter().zip(path).take(limit).take_while(|(one, other)| one == other).count();
        let suffix = &path[shared..path.len().min(shared + limit)];
        // Both are within the limit by what the two lines before take.
        let short = |length| u16::try_from(length).unwrap_or(u16::MAX);
        self.shapes.push(Shape { shared: short(shared), length: short(suffix.len()), seen });
        self.suffixes.extend_from_slice(suffix);
        last.truncate(shared);
        last.extend_from_slice(suffix);
    }

    /// The listing of these entries, for tables; a path that ends in `/` is a directory.
    #[cfg(test)]
    pub(crate) fn of(entries: &[(&[u8], Seen)]) -> Self {
        let mut listing = Self::default();
        let mut last = Vec::new();
        let mut entries = entries.to_vec();
        entries.sort_unstable_by_key(|(path, _)| *path);
        for (path, seen) in entries {
            listing.push(&mut last, path.strip_suffix(b"/").unwrap_or(path), seen);
        }
        listing
    }
}

/// A place in a listing.
pub(crate) struct Cursor<'a> {
    listing: &'a Listing,
    path: Vec<u8>,
    shape: usize,
    suffix: usize,
}

impl Cursor<'_> {
    /// The next entry: its path, good until the next call, and what was seen.
    pub(crate) fn next(&mut self) -> Option<(&[u8], Seen)> {
        let shape = *self.listing.shapes.get(self.shape)?;
        let end = self.suffix + usize::from(shape.length);
        self.path.truncate(usize::from(shape.shared));
        self.path.extend_from_slice(&self.listing.suffixes[self.suffix..end]);
        self.shape += 1;
        self.suffix = end;
        Some((&self.path, shape.seen))
    }
}

/// A directory that is known, and what is in it once it has been read.
struct Directory {
    path: Box<[u8]>,
    content: Option<Content>,
}

/// The entries of one directory, sorted as in [`Listing`].
#[derive(Default)]
struct Content {
    names: Box<[u8]>,
    entries: Box<[Entry]>,
}

#[derive(Clone, Copy)]
struct Entry {
    length: u16,
    seen: Seen,
    /// For a directory that is to be entered, its place among all directories; else 0, the top.
    directory: u32,
}

/// What the threads share.
struct Progress {
    directories: Vec<Directory>,
    waiting: Vec<usize>,
    busy: usize,
    entries: usize,
    failure: Option<Failure>,
}

/// Lists everything below a bundle, on several threads. Fails with a rejection when there are too many
/// entries, and when interrupted; all else that is wrong with the tree stands in the listing.
pub(crate) fn list(bundle: &Beneath, work: &Work<'_>) -> Result<Listing> {
    let progress = Mutex::new(Progress {
        directories: vec![Directory { path: Box::default(), content: None }],
        waiting: vec![0],
        busy: 0,
        entries: 0,
        failure: None,
    });
    let changed = Condvar::new();
    thread::scope(|scope| {
        for _ in 1..work.jobs.get() {
            scope.spawn(|| read_directories(bundle, work, &progress, &changed));
        }
        read_directories(bundle, work, &progress, &changed);
    });
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    match progress.failure {
        Some(failure) => Err(failure),
        None => Ok(assemble(progress.directories)),
    }
}

/// One thread: takes directories that wait until none can come any more.
fn read_directories(bundle: &Beneath, work: &Work<'_>, progress: &Mutex<Progress>, changed: &Condvar) {
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reader = Reader { buffer: DirectoryBuffer::new(), names: Vec::new(), found: Vec::new() };
    let mut now = lock();
    loop {
        let Some(place) = now.waiting.pop() else {
            if now.busy == 0 || now.failure.is_some() {
                break;
            }
            now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        now.busy += 1;
        let path = now.directories[place].path.clone();
        drop(now);
        let content = work.interrupt.check().map(|()| reader.read(bundle, &path));
        now = lock();
        now.busy -= 1;
        let outcome = content.and_then(|content| now.take_in(bundle, place, content));
        if let Err(failure) = outcome {
            now.failure.get_or_insert(failure);
            now.waiting.clear();
        }
        changed.notify_all();
    }
    drop::<MutexGuard<'_, _>>(now);
    changed.notify_all();
}

impl Progress {
    /// Keeps what one directory holds, and lets those below it wait their turn.
    fn take_in(&mut self, bundle: &Beneath, place: usize, content: Option<Content>) -> Result<()> {
        let Some(mut content) = content else {
            return Ok(());
        };
        self.entries += content.entries.len();
        if self.entries > MAX_ENTRIES {
            let name = bundle.show(b"");
            return Err(Failure::rejected(format!(
                "{name} holds more than 10,000,000 files and directories"
            ))
            .hint("give the directory of one bundle"));
        }
        let parent = self.directories[place].path.clone();
        let mut start = 0;
        for entry in &mut content.entries {
            let name = &content.names[start..start + usize::from(entry.length)];
            start += name.len();
            if entry.seen == Seen::Entry(Kind::Directory) {
                // There are no more of them than MAX_ENTRIES.
                entry.directory = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
                self.waiting.push(self.directories.len());
                self.directories.push(Directory { path: join(&parent, name).into(), content: None });
            }
        }
        self.directories[place].content = Some(content);
        Ok(())
    }
}

/// The memory of one thread, used for one directory after the other.
struct Reader {
    buffer: DirectoryBuffer,
    names: Vec<u8>,
    found: Vec<Found>,
}

struct Found {
    start: usize,
    end: usize,
    seen: Seen,
}

impl Reader {
    /// The content of a directory, or nothing if it cannot be read.
    fn read(&mut self, bundle: &Beneath, path: &[u8]) -> Option<Content> {
        let Self { buffer, names, found } = self;
        names.clear();
        found.clear();
        let listed = bundle.entries(path, buffer, |_, name, kind| {
            let start = names.len();
            names.extend_from_slice(name);
            let deep = path.len() + 1 + name.len() > MAX_PATH;
            let seen = if deep { Seen::Unreadable } else { Seen::Entry(kind) };
            found.push(Found { start, end: names.len(), seen });
        });
        listed.ok()?;
        // In the listing a directory stands where its content begins.
        let key = |found: &Found| {
            let slash = (found.seen == Seen::Entry(Kind::Directory)).then_some(b'/');
            names[found.start..found.end].iter().copied().chain(slash)
        };
        found.sort_unstable_by(|one, other| key(one).cmp(key(other)));
        let sorted = found.iter().flat_map(|found| &names[found.start..found.end]).copied().collect();
        let entries = found.iter().map(|found| {
            let length = u16::try_from(found.end - found.start).unwrap_or(u16::MAX);
            Entry { length, seen: found.seen, directory: 0 }
        });
        Some(Content { names: sorted, entries: entries.collect() })
    }
}

/// One listing from all directories, each of which is forgotten as soon as it is written out.
fn assemble(mut directories: Vec<Directory>) -> Listing {
    let mut listing = Listing::default();
    let mut last = Vec::new();
    let take = |directories: &mut Vec<Directory>, place: usize| {
        let content = directories[place].content.take();
        content.map(|content| Open { place, content, entry: 0, name: 0 })
    };
    let mut open = Vec::new();
    match take(&mut directories, 0) {
        Some(top) => open.push(top),
        None => listing.push(&mut last, b"", Seen::Unreadable),
    }
    while let Some(current) = open.last_mut() {
        let Some(entry) = current.content.entries.get(current.entry).copied() else {
            open.pop();
            continue;
        };
        let end = current.name + usize::from(entry.length);
        let path = join(&directories[current.place].path, &current.content.names[current.name..end]);
        current.entry += 1;
        current.name = end;
        let below = (entry.directory != 0).then(|| take(&mut directories, entry.directory as usize));
        let seen = if matches!(below, Some(None)) { Seen::Unreadable } else { entry.seen };
        listing.push(&mut last, &path, seen);
        open.extend(below.flatten());
    }
    listing
}

/// A directory that is being written out.
struct Open {
    place: usize,
    content: Content,
    entry: usize,
    name: usize,
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

#[cfg(test)]
mod tests;
