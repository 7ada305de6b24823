//! Lists everything in a bundle without following links or opening files. Names are bytes, because a
//! medium may contain any; `audit.rs` decides which are wrong.
//!
//! Limits: at most [`MAX_ENTRIES`] entries with [`MAX_NAMES`] bytes of names, checked while
//! a directory is read, before it is in memory. Paths longer than [`MAX_PATH`] are not entered. There is
//! no recursion, and each thread has one directory open.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use listing::{Content, Directory, Entry};
pub(crate) use listing::{Listing, Place, Seen};
use rustix::io::Errno;

use super::name::MAX_PATH;
use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir, WORLD_WRITABLE};
use super::{MAX_ENTRIES, Work, cannot};
use crate::error::{Failure, Result};
use crate::system_error::{is_exhaustion, number};

mod cursor;
mod listing;

/// The maximum size of all names of a tree together, in bytes: no manifest can list more.
const MAX_NAMES: usize = 1 << 30;

/// The budget and the signals are checked after this many entries of a directory.
const STRIDE: usize = 1024;

/// What the threads share.
struct Progress {
    directories: Vec<Directory>,
    /// The numbers of directories that no thread has read yet.
    waiting: Vec<u32>,
    /// How many threads are reading a directory.
    busy: usize,
    unreadable: Vec<u32>,
    failure: Option<Failure>,
}

/// Lists everything in a bundle, on several threads. Fails when there are too many entries (a rejection)
/// and when it is interrupted; the listing has every other problem of the tree.
pub(crate) fn list(bundle: &RootedDir, work: &Work<'_>) -> Result<Listing> {
    list_within(bundle, work, MAX_ENTRIES)
}

/// [`list`] with another maximum number of entries.
fn list_within(bundle: &RootedDir, work: &Work<'_>, max_entries: usize) -> Result<Listing> {
    let progress = Mutex::new(Progress {
        directories: vec![Directory { place: Place::TOP, content: Err(0) }],
        waiting: vec![0],
        busy: 0,
        unreadable: Vec::new(),
        failure: None,
    });
    let changed = Condvar::new();
    let budget = Budget::new(bundle, work, max_entries);
    thread::scope(|scope| {
        for _ in 1..work.jobs.get() {
            let another = || read_directories(bundle, &budget, &progress, &changed);
            // Without another thread, the existing ones do the work.
            if thread::Builder::new().spawn_scoped(scope, another).is_err() {
                break;
            }
        }
        read_directories(bundle, &budget, &progress, &changed);
    });
    let progress = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    match progress.failure {
        Some(failure) => Err(failure),
        None => {
            Ok(Listing::new(progress.directories, progress.unreadable, budget.world_writable.into_inner()))
        }
    }
}

/// One thread: reads waiting directories until no thread can add another one.
fn read_directories(bundle: &RootedDir, budget: &Budget<'_>, progress: &Mutex<Progress>, changed: &Condvar) {
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reader =
        DirectoryReader { buffer: DirectoryBuffer::new(), names: Vec::new(), entries: Vec::new() };
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
            Ok(content) => now.add(number, content),
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
    /// Stores the content of a directory, and queues the directories in it.
    fn add(&mut self, number: u32, content: Result<Content, u8>) {
        let mut content = match content {
            Ok(content) => content,
            Err(error) => {
                self.unreadable.push(number);
                self.directories[number as usize].content = Err(error);
                return;
            }
        };
        for entry in &mut content.entries {
            if entry.seen == Seen::Entry(FileKind::Directory) && self.failure.is_none() {
                // MAX_ENTRIES fits in 32 bits.
                entry.directory = u32::try_from(self.directories.len()).unwrap_or(u32::MAX);
                let place = Place { directory: number, start: entry.start, length: entry.length };
                self.waiting.push(entry.directory);
                self.directories.push(Directory { place, content: Err(0) });
            }
        }
        self.directories[number as usize].content = Ok(content);
    }
}

/// What all threads together have found, and how much that may be.
struct Budget<'a> {
    bundle: &'a RootedDir,
    work: &'a Work<'a>,
    max_entries: usize,
    entries: AtomicUsize,
    names: AtomicUsize,
    /// How many directories everybody can write to.
    world_writable: AtomicU64,
}

impl<'a> Budget<'a> {
    fn new(bundle: &'a RootedDir, work: &'a Work<'a>, max_entries: usize) -> Self {
        let [entries, names] = [const { AtomicUsize::new(0) }; 2];
        Self { bundle, work, max_entries, entries, names, world_writable: AtomicU64::new(0) }
    }

    /// Adds this many entries, with this many bytes of names. Fails when that is too much, and when
    /// a signal has arrived.
    fn spend(&self, entries: usize, names: usize) -> Result<()> {
        self.work.interrupt.check()?;
        let too_many = if self.entries.fetch_add(entries, Ordering::Relaxed) + entries > self.max_entries {
            "more than 10,000,000 files and directories"
        } else if self.names.fetch_add(names, Ordering::Relaxed) + names > MAX_NAMES {
            "files and directories with more than 1 GiB of names"
        } else {
            return Ok(());
        };
        let name = self.bundle.show(b"");
        Err(Failure::rejected(format!("{name} contains {too_many}")).hint("give the directory of one bundle"))
    }
}

/// The memory of one thread, used for one directory after the other.
struct DirectoryReader {
    buffer: DirectoryBuffer,
    names: Vec<u8>,
    entries: Vec<Entry>,
}

impl DirectoryReader {
    /// The content of a directory, or the number of the error if it cannot be read.
    fn read(&mut self, bundle: &RootedDir, path: &[u8], budget: &Budget<'_>) -> Result<Result<Content, u8>> {
        let Self { buffer, names, entries } = self;
        names.clear();
        entries.clear();
        // How many entries, and bytes of names, the budget knows of.
        let mut counted = (0, 0);
        let mut spent = Ok(());
        let listed = bundle.entries(path, buffer, |_, name, kind| {
            if entries.len() - counted.0 == STRIDE {
                spent = budget.spend(STRIDE, names.len() - counted.1);
                counted = (entries.len(), names.len());
                if spent.is_err() {
                    return ControlFlow::Break(());
                }
            }
            let too_long = path.len() + 1 + name.len() > MAX_PATH;
            entries.push(Entry {
                // MAX_NAMES fits in 32 bits, and the kernel has 16 bits for the length of a name.
                start: u32::try_from(names.len()).unwrap_or(u32::MAX),
                length: u16::try_from(name.len()).unwrap_or(u16::MAX),
                seen: if too_long {
                    Seen::Unreadable(number(&Errno::NAMETOOLONG.into()))
                } else {
                    Seen::Entry(kind)
                },
                directory: 0,
            });
            names.extend_from_slice(name);
            ControlFlow::Continue(())
        });
        spent?;
        budget.spend(entries.len() - counted.0, names.len() - counted.1)?;
        match listed {
            Err(error) if is_exhaustion(&error) => Err(cannot("read", bundle.show(path), &error)),
            Err(error) => Ok(Err(number(&error))),
            Ok(directory) => {
                let is_writable = u64::from(directory.st_mode & WORLD_WRITABLE != 0);
                budget.world_writable.fetch_add(is_writable, Ordering::Relaxed);
                Ok(Ok(Content::new(names, entries)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
