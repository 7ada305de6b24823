//! Writes copies of files into a new directory: creates directories and files, shares bytes where the file
//! system can do that, keeps holes, and leaves the rest to a later sync. The callers read the sources, and
//! decide which files are copied.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use holes::{data, is_sparse};
use rustix::fs::{Mode, OFlags, Stat};

use super::medium::{clear_set_gid, set_mode, set_mode_of_new, set_modified};
use super::names::Names;
use super::reflink::Sharing;
use super::rooted_dir::{Opened, RootedDir};
use super::second_look::FileId;
use super::write_back::WriteBack;
use super::{EXECUTABLE, PLAIN, cannot};
use crate::error::{Class, Failure, Result};

mod holes;

/// The directory of the copies, and how their bytes get there.
pub(crate) struct Copies<'a> {
    into: &'a RootedDir,
    write_back: &'a WriteBack,
    sharing: Sharing,
    times: Times,
    /// Whether the medium has kept all modes and times so far.
    is_kept: AtomicBool,
    is_abandoned: AtomicBool,
}

/// Which modification times the copies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    /// Those of the sources.
    OfSources,
    /// When they were copied.
    OfCopies,
}

/// A copy that is not complete.
pub(super) struct Copy<'a> {
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

impl<'a> Copies<'a> {
    /// Creates the directories of the files with these names in the empty directory `into`.
    pub(crate) fn new(
        names: Names<'_>,
        into: &'a RootedDir,
        write_back: &'a WriteBack,
        times: Times,
    ) -> Result<Self> {
        each_directory(names, |directory| {
            make_directory(into, directory).map_err(|error| cannot_create(into, directory.as_bytes(), &error))
        })?;
        let sharing = Sharing::in_directory(into);
        Ok(Self {
            into,
            write_back,
            sharing,
            times,
            is_kept: AtomicBool::new(true),
            is_abandoned: AtomicBool::new(false),
        })
    }

    /// Whether the modes and modification times of all copies are as they should be.
    pub(crate) fn is_kept_by_medium(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    /// From now on, no copy is needed any more.
    pub(super) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether no copy is needed any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    /// Creates the copy of an open file.
    pub(super) fn begin(&self, name: &[u8], is_executable: bool, source: &Opened) -> Result<Copy<'_>> {
        self.create_copy(name, is_executable, |file| {
            Ok((self.sharing.share(source, file)?, is_sparse(&source.stat)))
        })
    }

    /// Creates the copy of a file that is in an archive.
    pub(super) fn begin_unpacked(&self, name: &[u8], is_executable: bool) -> Result<Copy<'_>> {
        self.create_copy(name, is_executable, |_| Ok((false, false)))
    }

    /// Creates a copy; `kind` says whether it shares the bytes of its source, and whether that has holes.
    fn create_copy(
        &self,
        name: &[u8],
        is_executable: bool,
        kind: impl FnOnce(&File) -> io::Result<(bool, bool)>,
    ) -> Result<Copy<'_>> {
        let begin = || {
            let mode = if is_executable { EXECUTABLE } else { PLAIN };
            let file = create(self.into, name, mode)?;
            let stat = rustix::fs::fstat(&file)?;
            // The umask, or an inherited access control list, may have removed bits.
            self.keep(set_mode(&file, &stat, mode)?);
            let (is_shared, is_sparse) = kind(&file)?;
            Ok(Copy { copies: self, file, stat, is_shared, is_sparse, length: Cell::new(0) })
        };
        begin().map_err(|error| cannot_create(self.into, name, &error))
    }

    /// The failure to write the copy of this name.
    pub(super) fn cannot_write(&self, name: &[u8], error: &io::Error) -> Failure {
        cannot("write", self.into.show(name), error)
    }

    fn keep(&self, is_kept: bool) {
        if !is_kept {
            self.is_kept.store(false, Ordering::Relaxed);
        }
    }
}

impl Copy<'_> {
    /// The copy itself if it shares the bytes of its source, which may change from now on. Then the copy has to
    /// be hashed.
    pub(super) fn shared(&self) -> Option<&File> {
        self.is_shared.then_some(&self.file)
    }

    /// Writes the next piece of the source.
    pub(super) fn write(&self, piece: &[u8]) -> io::Result<()> {
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

    /// Gives it its length and modification time, and returns its identity. `source` is as it was after it was
    /// read.
    pub(super) fn finish(&self, source: &Stat) -> io::Result<FileId> {
        if self.is_sparse && !self.is_shared {
            self.file.set_len(self.length.get())?;
        }
        if self.copies.times == Times::OfSources {
            self.copies.keep(set_modified(&self.file, source)?);
        }
        self.finish_unpacked()
    }

    /// Completes the copy of a file that is in an archive, and returns its identity.
    pub(super) fn finish_unpacked(&self) -> io::Result<FileId> {
        self.copies.write_back.complete_file(&self.file)?;
        Ok(FileId::new(&self.stat, self.length.get()))
    }
}

/// Removes the set-group-ID bit from the directories of a complete bundle, which they have inherited if the
/// directory of the output has it. A directory that does not exist any more is no failure here.
pub(super) fn clear_set_gid_of_directories(names: Names<'_>, tree: &RootedDir) -> Result<()> {
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
        each_directory(names, |directory| clear(directory).map(drop))?;
    }
    Ok(())
}

/// Calls `each` with the directories of the files, a directory before those in it. Because the names are
/// sorted, that is once for each.
fn each_directory(names: Names<'_>, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let mut last = "";
    for name in names.iter() {
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
    rustix::fs::mkdirat(into, directory, EXECUTABLE)?;
    // The umask, or an inherited access control list, may have removed bits.
    set_mode_of_new(&into.directory(directory.as_bytes())?, EXECUTABLE)?;
    Ok(())
}

pub(super) fn create(into: &RootedDir, name: &[u8], mode: Mode) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(into, name, flags, mode)?))
}

/// The failure to create a file or directory in `into`, which was empty: if the name exists, then because the
/// file system takes two names for one.
fn cannot_create(into: &RootedDir, name: &[u8], error: &io::Error) -> Failure {
    let shown = into.show(name);
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Failure::new(
            Class::Broken,
            format!("cannot write {shown}: another name is the same name on this file system"),
        )
        .hint("choose a directory on a file system that is case-sensitive");
    }
    cannot("write", shown, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::manifest::Manifest;

    /// A file system that ignores case has the second name already when it is created.
    #[test]
    fn two_names_that_are_one_on_the_file_system() {
        let top = tempfile::tempdir().unwrap();
        let path = camino::Utf8Path::from_path(top.path()).unwrap();
        std::fs::create_dir_all(path.join("out/d")).unwrap();
        std::fs::write(path.join("out/a"), "").unwrap();
        let (from, into) = (RootedDir::open(path).unwrap(), RootedDir::open(&path.join("out")).unwrap());
        let write_back = WriteBack::of(&into).unwrap();
        let hint = "choose a directory on a file system that is case-sensitive";
        let refused = |failure: Failure, name: &str| {
            let message =
                format!("cannot write {path}/out/{name}: another name is the same name on this file system");
            assert_eq!((failure.class().code(), failure.message()), (1, message.as_str()));
            assert_eq!(failure.way_out(), Some(hint));
        };
        let copies = |name: &str| {
            let text = format!("{}  {name}\n", "0".repeat(64));
            let manifest = Manifest::unproven(text.as_bytes()).unwrap();
            Copies::new(Names::Listed(&manifest), &into, &write_back, Times::OfCopies)
        };
        refused(copies("d/x").err().unwrap(), "d");
        let copies = copies("a").unwrap();
        let source = from.file(b"out/a").unwrap();
        refused(copies.begin(b"a", false, &source).err().unwrap(), "a");
    }
}
