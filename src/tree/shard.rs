//! Which entries of a tree belong to a shard, if the manifest does not list them. Each shard walks the whole tree, and
//! reports only its own entries, so that together the shards report what one run does. Pure.
//!
//! The directories that lead to a listed file have places, in the order of the manifest; that of the top-level directory
//! is 0. An entry belongs to the shard of the nearest such directory above it. What lies in `attestation/` belongs to
//! every shard, because each verifies the signatures there.

use super::ATTESTATION;
use super::layout::Layout;
use super::manifest::Manifest;
use crate::shard::Shard;

/// The directories that lead to a listed file, as far as the entries have come. Entries come in byte order.
pub(super) struct ShardDirectories<'m> {
    shard: Shard,
    manifest: &'m Manifest<'m>,
    /// Whether this is a bundle of aicr, with its signatures in a directory of their own.
    is_bundle: bool,
    /// The next line of the manifest.
    line: usize,
    /// How many directories lead to the lines before.
    count: usize,
    /// The directories that lead to the last of these lines, and to the one before it.
    last: Vec<Directory>,
    before_last: Vec<Directory>,
}

/// A directory that leads to a listed file.
#[derive(Clone, Copy)]
struct Directory {
    /// The length of its path, with the `/` at its end.
    length: usize,
    place: usize,
}

impl<'m> ShardDirectories<'m> {
    pub(super) fn new(shard: Shard, manifest: &'m Manifest<'m>, layout: Layout<'_>) -> Self {
        Self {
            shard,
            manifest,
            is_bundle: layout == Layout::Bundle,
            line: 0,
            // The top-level directory.
            count: 1,
            last: Vec::new(),
            before_last: Vec::new(),
        }
    }

    /// Whether the unlisted entry at `path` belongs to the shard. `before` lines of the manifest sort before it.
    pub(super) fn has(&mut self, path: &[u8], before: usize) -> bool {
        if self.is_bundle
            && path.strip_prefix(ATTESTATION.as_bytes()).is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
        {
            return true;
        }
        while self.line <= before && self.line < self.manifest.len() {
            self.next_line();
        }
        // All names in a directory are next to each other, so a name in it is next to the path too.
        let next = (self.line == before + 1).then_some((before, &self.last));
        let previous = before
            .checked_sub(1)
            .map(|line| (line, if self.line == before + 1 { &self.before_last } else { &self.last }));
        let nearest = [next, previous].into_iter().flatten().filter_map(|(line, directories)| {
            let name = self.manifest.name(line).as_bytes();
            let shared = shared(name, path);
            directories.iter().rfind(|directory| directory.length <= shared)
        });
        let nearest = nearest.max_by_key(|directory| directory.length);
        self.shard.has(nearest.map_or(0, |directory| directory.place))
    }

    /// Counts the directories that lead to the next line, and to none before.
    fn next_line(&mut self) {
        let name = self.manifest.name(self.line).as_bytes();
        let shared =
            self.line.checked_sub(1).map_or(0, |line| shared(self.manifest.name(line).as_bytes(), name));
        std::mem::swap(&mut self.last, &mut self.before_last);
        self.last.clear();
        self.last.extend(self.before_last.iter().filter(|directory| directory.length <= shared));
        for (at, _) in name.iter().enumerate().skip(shared).filter(|(_, byte)| **byte == b'/') {
            self.last.push(Directory { length: at + 1, place: self.count });
            self.count += 1;
        }
        self.line += 1;
    }
}

/// The length of the longest beginning that both have.
fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
