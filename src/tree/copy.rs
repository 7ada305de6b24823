//! Copies and hashes the files of a bundle. Each file is read once: in one pass it is hashed and copied,
//! or the copy shares its bytes (a reflink) and is hashed. `staging.rs` decides where the copies are, and
//! `publish.rs` moves them into place.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};

use super::inputs::{Collected, SourceFile};
use super::manifest::render;
use super::reflink::Sharing;
use super::rooted_dir::{Opened, RootedDir, change_stamp};
use super::workers::{self, Order, Turn};
use super::write_back::WriteBack;
use super::{EXECUTABLE, MANIFEST, PLAIN, Work, cannot, exclude, private_key};
use crate::digest::{BUFFER, HashError, Sha256Digest, hash_file};
use crate::error::{Class, Failure, Result};

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

/// Copies all files into the empty directory `into`, and writes the manifest there. Everything is on the
/// disk after [`WriteBack::finish`].
pub(crate) fn copy(
    collected: &Collected,
    into: &RootedDir,
    write_back: &WriteBack,
    allow_private_keys: bool,
    work: &Work<'_>,
) -> Result<Built> {
    make_directories(collected, into)?;
    let name = into.show(MANIFEST.as_bytes());
    let copies = Copies { into, write_back, sharing: Sharing::in_directory(into) };
    let (digests, bytes) = Reading { collected, copies: Some(copies), allow_private_keys, work }.all()?;
    let write = || {
        let file = File::from(create(into, MANIFEST.as_bytes())?);
        let digest = write_manifest(collected, &digests, &file)?;
        rustix::fs::fchmod(&file, PLAIN)?;
        file.sync_all()?;
        Ok(digest)
    };
    let manifest = write().map_err(|error| cannot("write", name, &error))?;
    Ok(Built { manifest, files: collected.files.len() as u64, bytes })
}

/// Hashes all files in place, and writes the manifest to `manifest`, which errors call `shown`.
pub(crate) fn hash_in_place(
    collected: &Collected,
    manifest: impl Write,
    shown: &str,
    allow_private_keys: bool,
    work: &Work<'_>,
) -> Result<Built> {
    let (digests, bytes) = Reading { collected, copies: None, allow_private_keys, work }.all()?;
    let manifest =
        write_manifest(collected, &digests, manifest).map_err(|error| cannot("write", shown, &error))?;
    Ok(Built { manifest, files: collected.files.len() as u64, bytes })
}

fn write_manifest(
    collected: &Collected,
    digests: &[Sha256Digest],
    to: impl Write,
) -> io::Result<Sha256Digest> {
    let names = collected.files.iter().map(|file| file.name.as_str());
    render(names.zip(digests.iter().copied()), to)
}

/// Creates the directories of the files. Because the names are sorted, each is created once.
fn make_directories(collected: &Collected, into: &RootedDir) -> Result<()> {
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
                    make_directory(into, directory)
                        .map_err(|error| cannot("create", into.show(directory.as_bytes()), &error))?;
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
    Ok(rustix::fs::chmodat(into, directory, EXECUTABLE, AtFlags::empty())?)
}

fn create(into: &RootedDir, name: &[u8]) -> rustix::io::Result<rustix::fd::OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(into, name, flags, Mode::RUSR | Mode::WUSR)
}

/// The directory of the copies, and how their bytes get there.
struct Copies<'a> {
    into: &'a RootedDir,
    write_back: &'a WriteBack,
    sharing: Sharing,
}

/// A copy that is not complete.
struct Copy<'a> {
    write_back: &'a WriteBack,
    file: File,
    /// Whether it shares all bytes of its source already, and only has to be hashed.
    is_shared: bool,
}

impl Copies<'_> {
    fn begin(&self, name: &[u8], source: &Opened) -> io::Result<Copy<'_>> {
        let file = File::from(create(self.into, name)?);
        let is_shared = self.sharing.share(source, &file)?;
        Ok(Copy { write_back: self.write_back, file, is_shared })
    }
}

impl Copy<'_> {
    /// Writes the next piece of the source.
    fn write(&self, piece: &[u8]) -> io::Result<()> {
        if !self.is_shared {
            (&self.file).write_all(piece)?;
            self.write_back.count_written(piece.len() as u64);
        }
        Ok(())
    }

    /// Sets its mode, and the modification time of its source.
    fn finish(&self, source: &SourceFile, stat: &Stat) -> io::Result<()> {
        rustix::fs::fchmod(&self.file, if source.executable { EXECUTABLE } else { PLAIN })?;
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let modified = Timespec {
            tv_sec: stat.st_mtime,
            // Less than 1,000,000,000 in every inode.
            tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or_default(),
        };
        rustix::fs::futimens(&self.file, &Timestamps { last_access: omit, last_modification: modified })?;
        self.write_back.complete_file(&self.file)
    }
}

/// One pass over all files.
struct Reading<'a> {
    collected: &'a Collected,
    /// None if the files are hashed in place.
    copies: Option<Copies<'a>>,
    allow_private_keys: bool,
    work: &'a Work<'a>,
}

impl Reading<'_> {
    /// The digests of all files, in the order of the files, and how many bytes were read.
    fn all(&self) -> Result<(Vec<Sha256Digest>, u64)> {
        let count = self.collected.files.len();
        self.work.progress.expect(self.collected.bytes);
        // One lock for each file costs little compared with its system calls.
        let digests = Mutex::new(vec![Sha256Digest::default(); count]);
        let state = || (vec![0; BUFFER], 0);
        let order = if self.copies.is_some() { Order::Spread } else { Order::InTurn };
        let states = workers::each(self.work, count, order, state, |(buffer, bytes), turn| {
            let (digest, length) = self.one(buffer, turn)?;
            *bytes += length;
            digests.lock().unwrap_or_else(PoisonError::into_inner)[turn.index] = digest;
            Ok(())
        })?;
        let bytes = states.into_iter().map(|(_, bytes)| bytes).sum();
        Ok((digests.into_inner().unwrap_or_else(PoisonError::into_inner), bytes))
    }

    fn one(&self, buffer: &mut [u8], turn: &Turn<'_>) -> Result<(Sha256Digest, u64)> {
        let source = &self.collected.files[turn.index];
        let name = source.name.as_str().as_bytes();
        let shown = || self.collected.source(source);
        let opened = self.collected.roots[source.root as usize]
            .file(name)
            .map_err(|error| Failure::new(Class::Broken, format!("{} {error}", shown())))?;
        if (opened.stat.st_dev, opened.stat.st_ino) != source.inode {
            return Err(changed(&shown(), "was replaced after the inputs were listed"));
        }
        let failed = |copies: &Copies<'_>, error: &io::Error| cannot("write", copies.into.show(name), error);
        let copy = match &self.copies {
            Some(copies) => {
                let copy = copies.begin(name, &opened).map_err(|error| failed(copies, &error))?;
                Some((copies, copy))
            }
            None => None,
        };
        // A shared copy is hashed itself, because its source may change from now on.
        let shared = copy.as_ref().map(|(_, copy)| copy).filter(|copy| copy.is_shared);
        let from = shared.map_or(&opened.file, |copy| &copy.file);
        let mut is_checked = self.allow_private_keys;
        let hashed = hash_file(from, opened.size(), buffer, turn.has_idle_thread(), |piece| {
            // The first piece has all the bytes in which a key is looked for.
            if !std::mem::replace(&mut is_checked, true) && private_key::is_in(piece) {
                return Err(self.private_key(source));
            }
            if let Some((copies, copy)) = &copy {
                copy.write(piece).map_err(|error| failed(copies, &error))?;
            }
            self.work.progress.read(piece.len());
            turn.go_on()
        });
        let (digest, bytes) = hashed.map_err(|error| match error {
            HashError::Stopped(failure) => failure,
            HashError::Read(error) => cannot("read", shown(), &error),
        })?;
        let after =
            rustix::fs::fstat(&opened.file).map_err(|errno| cannot("read", shown(), &errno.into()))?;
        if bytes != opened.size() || change_stamp(&opened.stat) != change_stamp(&after) {
            return Err(changed(&shown(), "changed while it was read"));
        }
        if let Some((copies, copy)) = &copy {
            copy.finish(source, &after).map_err(|error| failed(copies, &error))?;
        }
        self.work.progress.file_done();
        Ok((digest, bytes))
    }

    fn private_key(&self, source: &SourceFile) -> Failure {
        let instead = match &self.copies {
            Some(_) => format!("leave it out with `{}`", exclude::flag_for(source.name.as_str())),
            None => "move it away".to_owned(),
        };
        Failure::usage(format!("{} contains a private key", self.collected.source(source)))
            .hint(format!("{instead}, or allow it with `--allow-private-keys`"))
    }
}

fn changed(shown: &str, how: &str) -> Failure {
    Failure::new(Class::Broken, format!("{shown} {how}"))
        .hint("run it again when no program writes to the inputs")
}

#[cfg(test)]
mod tests;
