//! Goes through a [`Listing`] from its first entry to its last, and puts each path together from that
//! of the entry before.

use super::listing::{Listing, Place, Seen};

/// A position in a listing.
pub(crate) struct Cursor<'a> {
    listing: &'a Listing,
    /// The directories that lead to the position, the top-level one first.
    levels: Vec<Level>,
    path: Vec<u8>,
    place: Place,
}

/// A directory on the way to the position.
struct Level {
    directory: u32,
    /// The length of its path.
    path: usize,
    /// The index of its next entry.
    entry: usize,
}

impl Listing {
    /// A cursor before the first entry.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        let top = Level { directory: 0, path: 0, entry: 0 };
        Cursor { listing: self, levels: vec![top], path: Vec::new(), place: Place::TOP }
    }
}

impl Cursor<'_> {
    /// The next entry: its path, which is valid until the next call, and what the walk saw there.
    pub(crate) fn next(&mut self) -> Option<(&[u8], Seen)> {
        loop {
            let level = self.levels.last_mut()?;
            let content = self.listing.directories[level.directory as usize].content.as_ref().ok();
            let Some(entry) = content.and_then(|content| content.entries.get(level.entry)) else {
                self.levels.pop();
                continue;
            };
            level.entry += 1;
            self.place = Place { directory: level.directory, start: entry.start, length: entry.length };
            self.path.truncate(level.path);
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(self.place.name(&self.listing.directories));
            if entry.directory != 0 {
                self.levels.push(Level { directory: entry.directory, path: self.path.len(), entry: 0 });
            }
            return Some((&self.path, entry.seen));
        }
    }

    /// The place of the entry that [`next`](Self::next) returned last.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}
