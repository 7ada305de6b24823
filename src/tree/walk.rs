//! Everything below a bundle, looked at and never followed. Names are bytes, because media may hold
//! anything; what is right and wrong is decided in `audit.rs`. No file is opened here.
//!
//! Bounded on purpose: at most [`MAX_ENTRIES`] entries with [`MAX_NAMES`] bytes of names, counted while a
//! directory is read and not when it is in memory; no path over [`MAX_PATH`] is entered, no recursion, one
//! open directory a thread.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use listing::{Content, Directory, Entry, Found};
pub(crate) use listing::{Listing, Place, Seen};

use super::name::MAX_PATH;
use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir};
use super::{MAX_ENTRIES, Work, cannot};
use crate::error::{Failure, Result};
use crate::system_error::is_exhaustion;

mod listing;

/// The most bytes that all names of a tree may have, as no manifest can list more.
const MAX_NAMES: usize = 1 << 30;

/// After how many entries of a directory they are counted, and a signal is looked for.
const STRIDE: usize = 1024;

/// What the threads share.
struct Progress {
    directories: Vec<Directory>,
    waiting: Vec<u32>,
    busy: usize,
    unreadable: Vec<u32>,
    failure: Option<Failure>,
}

/// Lists everything below a bundle, on several threads. Fails with a rejection when there are too many
/// entries, and when interrupted; all else that is wrong with the tree stands in the listing.
pub(crate) fn list(bundle: &RootedDir, work: &Work<'_>) -> Result<Listing> {
    list_within(bundle, work, MAX_ENTRIES)
}

/// The same for a tree of no more than so many entries.
fn list_within(bundle: &RootedDir, work: &Work<'_>, most: usize) -> Result<Listing> {
    let progress = Mutex::new(Progress {
        directories: vec![Directory { place: Place::TOP, content: None }],
        waiting: vec![0],
        busy: 0,
        unreadable: Vec::new(),
        failure: None,
    });
    let changed = Condvar::new();
    let budget = Budget { bundle, work, most, entries: AtomicUsize::new(0), names: AtomicUsize::new(0) };
    thread::scope(|scope| {
        for _ in 1..work.jobs.get() {
            let another = || read_directories(bundle, &budget, &progress, &changed);
            // Those that are there do it all.
            if thread::Builder::new().spawn_scoped(scope, another).is_err() {
                break;
            }
        }
        read_directories(bundle, &budget, &progress, &changed);
    });
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    match progress.failure {
        Some(failure) => Err(failure),
        None => Ok(Listing::new(progress.directories, progress.unreadable)),
    }
}

/// One thread: takes directories that wait until none can come any more.
fn read_directories(bundle: &RootedDir, budget: &Budget<'_>, progress: &Mutex<Progress>, changed: &Condvar) {
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reader = DirectoryReader { buffer: DirectoryBuffer::new(), names: Vec::new(), found: Vec::new() };
    let mut path = Vec::new();
    let mut now = lock();
    loop {
        let Some(number) = now.waiting.pop() else {
            if now.busy == 0 || now.failure.is_some() {
                break;
            }
            now = changed.wait(now).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        now.busy += 1;
        now.directories[number as usize].place.write_path(&now.directories, &mut path);
        drop(now);
        let content = reader.read(bundle, &path, budget);
        now = lock();
        now.busy -= 1;
        match content {
            Ok(content) => now.take_in(number, content),
            Err(failure) => {
                now.failure.get_or_insert(failure);
                now.waiting.clear();
            }
        }
        changed.notify_all();
    }
    drop::<MutexGuard<'_, _>>(now);
    changed.notify_all();
}

impl Progress {
    /// Keeps what one directory holds, and lets those below it wait their turn.
    fn take_in(&mut self, number: u32, content: Option<Content>) {
        let Some(mut content) = content else {
            self.unreadable.push(number);
            return;
        };
        let mut start = 0;
        for entry in &mut content.entries {
            if entry.seen == Seen::Entry(FileKind::Directory) && self.failure.is_none() {
                // There are no more of them than MAX_ENTRIES.
                entry.directory = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
                let place = Place { directory: number, start, length: entry.length };
                self.waiting.push(entry.directory);
                self.directories.push(Directory { place, content: None });
            }
            start += u32::from(entry.length);
        }
        self.directories[number as usize].content = Some(content);
    }
}

/// How much a tree may hold, counted by all threads together.
struct Budget<'a> {
    bundle: &'a RootedDir,
    work: &'a Work<'a>,
    most: usize,
    entries: AtomicUsize,
    names: AtomicUsize,
}

impl Budget<'_> {
    /// Takes so many entries off it, with so many bytes of names; fails too when a signal has come.
    fn take(&self, entries: usize, names: usize) -> Result<()> {
        self.work.interrupt.check()?;
        let too_many = if self.entries.fetch_add(entries, Ordering::Relaxed) + entries > self.most {
            "more than 10,000,000 files and directories"
        } else if self.names.fetch_add(names, Ordering::Relaxed) + names > MAX_NAMES {
            "files and directories with more than 1 GiB of names"
        } else {
            return Ok(());
        };
        let name = self.bundle.show(b"");
        Err(Failure::rejected(format!("{name} holds {too_many}")).hint("give the directory of one bundle"))
    }
}

/// The memory of one thread, used for one directory after the other.
struct DirectoryReader {
    buffer: DirectoryBuffer,
    names: Vec<u8>,
    found: Vec<Found>,
}

impl DirectoryReader {
    /// The content of a directory, or nothing if it cannot be read.
    fn read(&mut self, bundle: &RootedDir, path: &[u8], budget: &Budget<'_>) -> Result<Option<Content>> {
        let Self { buffer, names, found } = self;
        names.clear();
        found.clear();
        let mut counted = (0, 0);
        let mut taken = Ok(());
        let listed = bundle.entries(path, buffer, |_, name, kind| {
            if found.len() - counted.0 == STRIDE {
                taken = budget.take(STRIDE, names.len() - counted.1);
                counted = (found.len(), names.len());
                if taken.is_err() {
                    return ControlFlow::Break(());
                }
            }
            let start = names.len();
            names.extend_from_slice(name);
            let deep = path.len() + 1 + name.len() > MAX_PATH;
            let seen = if deep { Seen::Unreadable } else { Seen::Entry(kind) };
            // The kernel has 16 bits for it.
            let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
            found.push(Found { start, end: names.len(), entry: Entry { length, seen, directory: 0 } });
            ControlFlow::Continue(())
        });
        taken?;
        budget.take(found.len() - counted.0, names.len() - counted.1)?;
        match listed {
            Err(error) if is_exhaustion(&error) => Err(cannot("read", bundle.show(path), &error)),
            listed => Ok(listed.is_ok().then(|| Content::sorted(names, found))),
        }
    }
}

#[cfg(test)]
mod tests;
