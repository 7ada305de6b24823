//! Copies and hashes the files of a bundle. Each file is read once: in one pass it is hashed and copied,
//! or the copy shares its bytes (a reflink) and is hashed. `staging.rs` decides where the copies are, and
//! `publish.rs` moves them into place.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use holes::{data, is_sparse};
use rustix::fs::{Mode, OFlags, Stat};

use super::inputs::{Collected, SourceFile};
use super::manifest::render;
use super::medium::{clear_set_gid, set_mode, set_mode_of_new, set_modified};
use super::reflink::Sharing;
use super::rooted_dir::{Opened, RootedDir, change_stamp};
use super::second_look::FileId;
use super::workers::{self, Order, Turn};
use super::write_back::WriteBack;
use super::{EXECUTABLE, MANIFEST, PLAIN, Work, cannot, private_key};
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::error::{Class, Failure, Result};

mod holes;
mod refusals;

/// A manifest that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Built {
    /// The digest of the manifest.
    pub(crate) manifest: Sha256Digest,
    /// The number of listed files.
    pub(crate) files: u64,
    /// Their size together, in bytes.
    pub(crate) bytes: u64,
}

/// What was hashed, and copied or not.
#[derive(Debug)]
pub(crate) struct Hashed {
    pub(crate) built: Built,
    /// The files of the bundle, in the order of their names.
    pub(crate) files: Vec<FileId>,
    /// Whether the modes and modification times of all copies are as they should be.
    pub(crate) is_kept_by_medium: bool,
}

/// Copies all files into the empty directory `into`, and writes the manifest there. Everything is on the
/// disk after [`WriteBack::finish`].
pub(crate) fn copy(
    collected: &Collected,
    into: &RootedDir,
    write_back: &WriteBack,
    allow_private_keys: bool,
    work: &Work<'_>,
) -> Result<Hashed> {
    make_directories(collected, into)?;
    let name = into.show(MANIFEST.as_bytes());
    let sharing = Sharing::in_directory(into);
    let copies = Copies { into, write_back, sharing, is_kept: AtomicBool::new(true) };
    let keys = Mutex::default();
    let reading = Reading { collected, copies: Some(copies), allow_private_keys, keys, work };
    let (read, bytes) = reading.all()?;
    let write = || {
        let file = create(into, MANIFEST.as_bytes(), PLAIN)?;
        let digest = write_manifest(collected, &read, &file)?;
        set_mode_of_new(&file, PLAIN)?;
        file.sync_all()?;
        Ok(digest)
    };
    let manifest = write().map_err(|error| cannot("write", name, &error))?;
    let is_kept_by_medium = reading.copies.is_none_or(|copies| copies.is_kept.into_inner());
    Ok(Hashed::new(manifest, read, bytes, is_kept_by_medium))
}

/// Hashes all files in place, and writes the manifest to `manifest`, which errors call `shown`.
pub(crate) fn hash_in_place(
    collected: &Collected,
    manifest: impl Write,
    shown: &str,
    allow_private_keys: bool,
    work: &Work<'_>,
) -> Result<Hashed> {
    let keys = Mutex::default();
    let (read, bytes) = Reading { collected, copies: None, allow_private_keys, keys, work }.all()?;
    let manifest =
        write_manifest(collected, &read, manifest).map_err(|error| cannot("write", shown, &error))?;
    Ok(Hashed::new(manifest, read, bytes, true))
}

impl Hashed {
    fn new(manifest: Sha256Digest, read: Vec<Read>, bytes: u64, is_kept_by_medium: bool) -> Self {
        let built = Built { manifest, files: read.len() as u64, bytes };
        let files = read.into_iter().map(|(_, file)| file).collect();
        Self { built, files, is_kept_by_medium }
    }
}

fn write_manifest(collected: &Collected, read: &[Read], to: impl Write) -> io::Result<Sha256Digest> {
    let names = collected.files.iter().map(|file| file.name.as_str());
    render(names.zip(read.iter().map(|(digest, _)| *digest)), to)
}

/// Creates the directories of the files.
fn make_directories(collected: &Collected, into: &RootedDir) -> Result<()> {
    each_directory(collected, |directory| {
        make_directory(into, directory)
            .map_err(|error| cannot("create", into.show(directory.as_bytes()), &error))
    })
}

/// Removes the set-group-ID bit from the directories of a complete bundle, which they have inherited if the
/// directory of the output has it. A directory that does not exist any more is no failure here.
pub(super) fn clear_set_gid_of_directories(collected: &Collected, tree: &RootedDir) -> Result<()> {
    let clear = |directory: &str| {
        let opened = tree.directory(directory.as_bytes());
        match opened.and_then(|directory| Ok(clear_set_gid(&directory)?)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(cannot("change the mode of", tree.show(directory.as_bytes()), &error))
            }
            Ok(false) | Err(_) => Ok(false),
            Ok(true) => Ok(true),
        }
    };
    if clear("")? {
        each_directory(collected, |directory| clear(directory).map(drop))?;
    }
    Ok(())
}

/// Calls `each` with the directories of the files, a directory before those in it. Because the names are
/// sorted, that is once for each.
fn each_directory(collected: &Collected, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut last = "";
    for file in &collected.files {
        let name = file.name.as_str();
        let parent = name.rfind('/').map_or("", |slash| &name[..slash]);
        if parent != last {
            for (end, _) in parent.match_indices('/').chain([(parent.len(), "")]) {
                let directory = &parent[..end];
                let known =
                    last.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                if !directory.is_empty() && !known {
                    each(directory)?;
                }
            }
            last = parent;
        }
    }
    Ok(())
}

fn make_directory(into: &RootedDir, directory: &str) -> io::Result<()> {
    match rustix::fs::mkdirat(into, directory, EXECUTABLE) {
        // With --allow-name-collisions, two names can be one on the file system of the output.
        Err(rustix::io::Errno::EXIST) => return Ok(()),
        made => made?,
    }
    // The umask, or an inherited access control list, may have removed bits.
    set_mode_of_new(&into.directory(directory.as_bytes())?, EXECUTABLE)?;
    Ok(())
}

fn create(into: &RootedDir, name: &[u8], mode: Mode) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(into, name, flags, mode)?))
}

/// The directory of the copies, and how their bytes get there.
struct Copies<'a> {
    into: &'a RootedDir,
    write_back: &'a WriteBack,
    sharing: Sharing,
    /// Whether the medium has kept all modes and times so far.
    is_kept: AtomicBool,
}

/// A copy that is not complete.
struct Copy<'a> {
    copies: &'a Copies<'a>,
    file: File,
    stat: Stat,
    /// Whether it shares all bytes of its source already, and only has to be hashed.
    is_shared: bool,
    /// Whether its source has holes, so that blocks of zeros are not written.
    is_sparse: bool,
    /// How many bytes it has so far.
    length: Cell<u64>,
}

impl Copies<'_> {
    fn begin(&self, source: &SourceFile, opened: &Opened) -> io::Result<Copy<'_>> {
        let mode = if source.executable { EXECUTABLE } else { PLAIN };
        let file = create(self.into, source.name.as_str().as_bytes(), mode)?;
        let stat = rustix::fs::fstat(&file)?;
        // The umask, or an inherited access control list, may have removed bits.
        self.keep(set_mode(&file, &stat, mode)?);
        let is_shared = self.sharing.share(opened, &file)?;
        let is_sparse = is_sparse(&opened.stat);
        Ok(Copy { copies: self, file, stat, is_shared, is_sparse, length: Cell::new(0) })
    }

    fn keep(&self, is_kept: bool) {
        if !is_kept {
            self.is_kept.store(false, Ordering::Relaxed);
        }
    }
}

impl Copy<'_> {
    /// Writes the next piece of the source.
    fn write(&self, piece: &[u8]) -> io::Result<()> {
        let start = self.length.replace(self.length.get() + piece.len() as u64);
        if self.is_shared {
            return Ok(());
        }
        if !self.is_sparse {
            (&self.file).write_all(piece)?;
            self.copies.write_back.count_written(piece.len() as u64);
            return Ok(());
        }
        for (offset, run) in data(piece) {
            self.file.write_all_at(run, start + offset as u64)?;
            self.copies.write_back.count_written(run.len() as u64);
        }
        Ok(())
    }

    /// Gives it its length and the modification time of its source, and returns its identity.
    fn finish(&self, source: &Stat) -> io::Result<FileId> {
        let length = self.length.get();
        if self.is_sparse && !self.is_shared {
            self.file.set_len(length)?;
        }
        self.copies.keep(set_modified(&self.file, source)?);
        self.copies.write_back.complete_file(&self.file)?;
        Ok(FileId::new(&self.stat, length))
    }
}

/// The digest of a file, and the file of the bundle.
type Read = (Sha256Digest, FileId);

/// One pass over all files.
struct Reading<'a> {
    collected: &'a Collected,
    /// None if the files are hashed in place.
    copies: Option<Copies<'a>>,
    allow_private_keys: bool,
    /// The indexes of the files that contain a private key.
    keys: Mutex<BTreeSet<usize>>,
    work: &'a Work<'a>,
}

impl Reading<'_> {
    /// All files in their order, and how many bytes were read.
    fn all(&self) -> Result<(Vec<Read>, u64)> {
        let count = self.collected.files.len();
        self.work.progress.expect(self.collected.bytes);
        // One lock for each file costs little compared with its system calls.
        let read = Mutex::new(vec![Read::default(); count]);
        let state = || (vec![0; BUFFER], 0);
        let order = if self.copies.is_some() { Order::Spread } else { Order::InTurn };
        let states = workers::each(self.work, count, order, state, |(buffer, bytes), turn| {
            let (digest, file) = self.one(buffer, turn)?;
            *bytes += file.size();
            read.lock().unwrap_or_else(PoisonError::into_inner)[turn.index] = (digest, file);
            Ok(())
        })?;
        if self.has_keys() {
            return Err(self.private_keys());
        }
        let bytes = states.into_iter().map(|(_, bytes)| bytes).sum();
        Ok((read.into_inner().unwrap_or_else(PoisonError::into_inner), bytes))
    }

    fn one(&self, buffer: &mut [u8], turn: &Turn<'_>) -> Result<Read> {
        let source = &self.collected.files[turn.index];
        let name = source.name.as_str().as_bytes();
        let shown = || self.collected.source(source);
        let opened = self.collected.roots[source.root as usize]
            .file(name)
            .map_err(|error| Failure::new(Class::Broken, format!("{} {error}", shown())))?;
        if (opened.stat.st_dev, opened.stat.st_ino) != source.inode {
            return Err(changed(&shown(), "was replaced after the inputs were listed"));
        }
        if opened.has_capabilities() {
            return Err(refusals::capabilities(self.collected, source, self.copies.is_some()));
        }
        let failed = |copies: &Copies<'_>, error: &io::Error| cannot("write", copies.into.show(name), error);
        let copy = match &self.copies {
            Some(copies) if !self.has_keys() => {
                let copy = copies.begin(source, &opened).map_err(|error| failed(copies, &error))?;
                Some((copies, copy))
            }
            _ => None,
        };
        // A shared copy is hashed itself, because its source may change from now on.
        let shared = copy.as_ref().map(|(_, copy)| copy).filter(|copy| copy.is_shared);
        let from = shared.map_or(&opened.file, |copy| &copy.file);
        let (mut is_checked, mut is_refused) = (self.allow_private_keys, false);
        let hashed = hash_file(from, opened.size(), buffer, turn.has_idle_thread(), |piece| {
            // The first piece has all the bytes in which a key is looked for.
            if !std::mem::replace(&mut is_checked, true) && private_key::is_in(piece) {
                self.keys().insert(turn.index);
            }
            if self.has_keys() {
                is_refused = true;
                return Err(self.private_keys());
            }
            if let Some((copies, copy)) = &copy {
                copy.write(piece).map_err(|error| failed(copies, &error))?;
            }
            self.work.progress.read(piece.len());
            turn.go_on()
        });
        if is_refused {
            return Ok(Read::default());
        }
        let (digest, bytes) = hashed.map_err(|error| match error {
            HashError::Stopped(failure) => failure,
            HashError::Read(error) => cannot("read", shown(), &error),
        })?;
        let after =
            rustix::fs::fstat(&opened.file).map_err(|errno| cannot("read", shown(), &errno.into()))?;
        if bytes != opened.size() || change_stamp(&opened.stat) != change_stamp(&after) {
            return Err(changed(&shown(), "changed while it was read"));
        }
        let file = match &copy {
            Some((copies, copy)) => copy.finish(&after).map_err(|error| failed(copies, &error))?,
            None => FileId::new(&after, bytes),
        };
        self.work.progress.file_done();
        Ok((digest, file))
    }

    /// Whether a private key was found. Then no file is copied any more, and the others are only searched for
    /// more keys.
    fn has_keys(&self) -> bool {
        !self.keys().is_empty()
    }

    fn keys(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn private_keys(&self) -> Failure {
        refusals::private_keys(self.collected, &self.keys(), self.copies.is_some())
    }
}

fn changed(shown: &str, how: &str) -> Failure {
    Failure::new(Class::Broken, format!("{shown} {how}"))
        .hint("run it again when no program writes to the inputs")
}

#[cfg(test)]
mod tests;
