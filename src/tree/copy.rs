//! Copies and hashes the files of a new bundle. Each file is read once: in one pass it is hashed and copied,
//! or the copy shares its bytes (a reflink) and is hashed. `copies.rs` writes the copies, `staging.rs` decides
//! where they are, and `publish.rs` moves them into place.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::copies::{Copies, Times, create};
use super::inputs::Collected;
use super::manifest::render;
use super::medium::set_mode_of_new;
use super::names::Names;
use super::rooted_dir::{RootedDir, change_stamp};
use super::second_look::{Expected, FileId};
use super::workers::{self, Order, Turn};
use super::write_back::WriteBack;
use super::{MANIFEST, PLAIN, Work, cannot, private_key};
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::error::{Class, Failure, Result};

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
    files: Vec<FileId>,
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
    let name = into.show(MANIFEST.as_bytes());
    let copies = Copies::new(Names::Collected(collected), into, write_back, Times::OfSources)?;
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
    let is_kept_by_medium = reading.copies.is_none_or(|copies| copies.is_kept_by_medium());
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

    /// The files that the bundle has to have when it is published.
    pub(crate) fn expected<'a>(&'a self, collected: &'a Collected) -> Expected<'a> {
        Expected { names: Names::Collected(collected), files: &self.files, pending: None }
    }
}

fn write_manifest(collected: &Collected, read: &[Read], to: impl Write) -> io::Result<Sha256Digest> {
    let names = Names::Collected(collected);
    render(names.iter().zip(read.iter().map(|(digest, _)| *digest)), to)
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
            .file(self.collected.place(source))
            .map_err(|error| Failure::new(Class::Broken, format!("{} {error}", shown())))?;
        if (opened.stat.st_dev, opened.stat.st_ino) != source.inode {
            return Err(changed(&shown(), "was replaced after the inputs were listed"));
        }
        if opened.has_capabilities() {
            return Err(refusals::capabilities(self.collected, source, self.copies.is_some()));
        }
        let copy = match &self.copies {
            Some(copies) if !self.has_keys() => {
                Some((copies, copies.begin(name, source.executable, &opened)?))
            }
            _ => None,
        };
        let from = copy.as_ref().and_then(|(_, copy)| copy.shared()).unwrap_or(&opened.file);
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
                copy.write(piece).map_err(|error| copies.cannot_write(name, &error))?;
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
            Some((copies, copy)) => copy.finish(&after).map_err(|error| copies.cannot_write(name, &error))?,
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
