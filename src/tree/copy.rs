//! Makes the content of a bundle: every file is read once, and hashed and copied in that one pass, or its
//! bytes are shared with the copy, which is then hashed.
//! Where the copy goes, and when it may be seen, is `staging.rs` and `publish.rs`.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};

use super::inputs::{Collected, SourceFile};
use super::manifest::render;
use super::reflink::Sharing;
use super::rooted_dir::{Opened, RootedDir, stamp};
use super::workers::{self, Order, Turn};
use super::write_back::WriteBack;
use super::{EXECUTABLE, MANIFEST, PLAIN, Work, cannot, private_key};
use crate::digest::{BUFFER, PourError, Sha256Digest, pour};
use crate::error::{Class, Failure, Result};

/// What has been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Built {
    /// The digest of the manifest.
    pub(crate) manifest: Sha256Digest,
    /// How many files it lists.
    pub(crate) files: u64,
    /// How many bytes they have.
    pub(crate) bytes: u64,
}

/// Copies all files into the empty directory `into`, and writes the manifest there. All of it is on the disk
/// when `write_back` is finished.
pub(crate) fn copy(
    collected: &Collected,
    into: &RootedDir,
    write_back: &WriteBack,
    allow_private_keys: bool,
    work: &Work<'_>,
) -> Result<Built> {
    make_directories(collected, into)?;
    let name = into.show(MANIFEST.as_bytes());
    let copies = Copies { into, write_back, sharing: Sharing::below(into) };
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

/// Hashes all files where they are, and writes the manifest to `manifest`, called `shown` in errors.
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

/// Makes the directories that the files need, each once: the names are sorted.
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
                        .map_err(|error| cannot("make", into.show(directory.as_bytes()), &error))?;
                }
            }
            last = parent;
        }
    }
    Ok(())
}

fn make_directory(into: &RootedDir, directory: &str) -> io::Result<()> {
    match rustix::fs::mkdirat(into, directory, EXECUTABLE) {
        // Where names that collide are allowed, the file system of the output may take two for one.
        Err(rustix::io::Errno::EXIST) => return Ok(()),
        made => made?,
    }
    // The umask, or an access list that is inherited, may have taken bits away.
    Ok(rustix::fs::chmodat(into, directory, EXECUTABLE, AtFlags::empty())?)
}

fn create(into: &RootedDir, name: &[u8]) -> rustix::io::Result<rustix::fd::OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(into, name, flags, Mode::RUSR | Mode::WUSR)
}

/// Where the copies go, and by which way to the disk.
struct Copies<'a> {
    into: &'a RootedDir,
    write_back: &'a WriteBack,
    sharing: Sharing,
}

/// One copy in the making.
struct Copy<'a> {
    write_back: &'a WriteBack,
    file: File,
    /// Whether it has all bytes of its source already, and only wants to be hashed.
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
    /// Takes the next piece of the source.
    fn take(&self, piece: &[u8]) -> io::Result<()> {
        if !self.is_shared {
            (&self.file).write_all(piece)?;
            self.write_back.wrote(piece.len() as u64);
        }
        Ok(())
    }

    /// Gives it its mode and the time of its source.
    fn finish(&self, source: &SourceFile, stat: &Stat) -> io::Result<()> {
        rustix::fs::fchmod(&self.file, if source.executable { EXECUTABLE } else { PLAIN })?;
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let modified = Timespec {
            tv_sec: stat.st_mtime,
            // Below a thousand million in every inode.
            tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or_default(),
        };
        rustix::fs::futimens(&self.file, &Timestamps { last_access: omit, last_modification: modified })?;
        self.write_back.completed(&self.file)
    }
}

/// One pass over all files.
struct Reading<'a> {
    collected: &'a Collected,
    /// None if the files stay where they are.
    copies: Option<Copies<'a>>,
    allow_private_keys: bool,
    work: &'a Work<'a>,
}

impl Reading<'_> {
    /// The digests of all files in their order, and how many bytes were read.
    fn all(&self) -> Result<(Vec<Sha256Digest>, u64)> {
        let count = self.collected.files.len();
        self.work.bar.inc_length(self.collected.bytes);
        // One lock a file: nothing beside the system calls that a file costs.
        let digests = Mutex::new(vec![Sha256Digest::default(); count]);
        let state = || (vec![0; BUFFER], 0);
        let order = if self.copies.is_some() { Order::Apart } else { Order::InTurn };
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
            .map_err(|error| Failure::new(Class::Broken, format!("cannot read {}: {error}", shown())))?;
        if (opened.stat.st_dev, opened.stat.st_ino) != source.inode {
            return Err(moved(&shown(), "was replaced since the inputs were looked at"));
        }
        let unwritten =
            |copies: &Copies<'_>, error: &io::Error| cannot("write", copies.into.show(name), error);
        let copy = match &self.copies {
            Some(copies) => {
                let copy = copies.begin(name, &opened).map_err(|error| unwritten(copies, &error))?;
                Some((copies, copy))
            }
            None => None,
        };
        // Whoever writes to the source from here on: what is hashed is what the copy has.
        let shared = copy.as_ref().map(|(_, copy)| copy).filter(|copy| copy.is_shared);
        let from = shared.map_or(&opened.file, |copy| &copy.file);
        let mut looked = self.allow_private_keys;
        let poured = pour(from, opened.size(), buffer, turn.has_company(), |piece| {
            // The first piece is larger than what is looked at.
            if !std::mem::replace(&mut looked, true) && private_key::is_in(piece) {
                return Err(Failure::usage(format!("{} holds a private key", shown()))
                    .hint("take it out of the inputs, or let it in with `--allow-private-keys`"));
            }
            if let Some((copies, copy)) = &copy {
                copy.take(piece).map_err(|error| unwritten(copies, &error))?;
            }
            self.work.bar.inc(piece.len() as u64);
            turn.go_on()
        });
        let (digest, bytes) = poured.map_err(|error| match error {
            PourError::Stopped(failure) => failure,
            PourError::Read(error) => cannot("read", shown(), &error),
        })?;
        let after =
            rustix::fs::fstat(&opened.file).map_err(|errno| cannot("look at", shown(), &errno.into()))?;
        if bytes != opened.size() || stamp(&opened.stat) != stamp(&after) {
            return Err(moved(&shown(), "changed while it was read"));
        }
        if let Some((copies, copy)) = &copy {
            copy.finish(source, &after).map_err(|error| unwritten(copies, &error))?;
        }
        Ok((digest, bytes))
    }
}

fn moved(shown: &str, how: &str) -> Failure {
    Failure::new(Class::Broken, format!("{shown} {how}"))
        .hint("run it again when nothing writes to the inputs")
}

#[cfg(test)]
mod tests;
