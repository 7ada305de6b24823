//! Checks `pack --output`: whether an archive can be created there, or may replace what exists. It changes nothing;
//! `pending_archive.rs` moves the archive into place.

use std::io;
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::archive_input::is_archive;
use super::new_file::NewFile;
use super::publish::sync;
use super::rooted_dir::{DirectoryBuffer, OpenError, RootedDir};
use super::space::enough_space_in;
use super::{MAX_ENTRIES, cannot};
use crate::archive::volume::{self, MAX_CHECKSUMS};
use crate::error::{Failure, Result};
use crate::printable::show;

/// The flag that names it.
const FLAG: &str = "--output";

/// The path of a new archive, checked.
#[derive(Debug)]
pub(crate) struct ArchiveTarget {
    path: Utf8PathBuf,
    force: bool,
    /// Whether it is written as volumes.
    has_volumes: bool,
}

impl ArchiveTarget {
    /// Checks the path. One that cannot be used is exit 2.
    pub(crate) fn new(path: &Utf8Path, bundle: &Utf8Path, has_volumes: bool, force: bool) -> Result<Self> {
        let file = NewFile::new(FLAG, path, &[bundle], "choose a file outside the bundle")?;
        let target = Self { path: path.to_owned(), force, has_volumes };
        target.old_files(&file.directory()?)?;
        file.is_creatable()?;
        Ok(target)
    }

    /// The path as the user gave it.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Its last component.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().unwrap_or_default()
    }

    /// Its parent directory; empty for the working directory.
    pub(crate) fn parent(&self) -> &Utf8Path {
        self.path.parent().unwrap_or(Utf8Path::new(""))
    }

    /// Whether it is written as volumes.
    pub(super) fn has_volumes(&self) -> bool {
        self.has_volumes
    }

    /// Fails with exit 1 when there is no space for this many bytes in this many files.
    pub(crate) fn has_space(&self, bytes: u64, files: u64) -> Result<()> {
        enough_space_in(self.parent(), FLAG, bytes, files)
    }

    /// The failure to write the archive.
    pub(crate) fn cannot_write(&self, error: &io::Error) -> Failure {
        let failure = cannot("write", show(self.path.as_str()), error);
        match Errno::from_io_error(error) {
            Some(Errno::FBIG) => failure.hint(
                "FAT and `ulimit -f` limit the size of a file: write smaller volumes with `--volume-size`",
            ),
            _ => failure,
        }
    }

    /// The flag and the path, ready to print.
    pub(super) fn shown(&self) -> String {
        format!("{FLAG} {}", show(self.path.as_str()))
    }

    /// The files that `--force` removes, the first volume last. Any other file with a name that is needed is exit 2.
    fn old_files(&self, directory: &RootedDir) -> Result<Vec<String>> {
        let name = self.name();
        let volumes = self.old_volumes(directory)?;
        let checksums = volume::checksums(name);
        let needs_checksums = self.has_volumes || !volumes.is_empty();
        let mut old = Vec::new();
        if needs_checksums
            && self.is_ours(directory, &checksums, |directory| has_checksums(directory, name))?
        {
            old.push(checksums);
        }
        // The first volume says what all of them are.
        let begins = |directory: &RootedDir| begins_like_an_archive(directory, &volume::volume(name, 1));
        for volume in &volumes {
            self.is_ours(directory, volume, begins)?;
        }
        old.extend(volumes.into_iter().rev());
        if !self.has_volumes
            && self.is_ours(directory, name, |directory| begins_like_an_archive(directory, name))?
        {
            old.push(name.to_owned());
        }
        Ok(old)
    }

    /// Whether a file exists that may be replaced; one that may not is exit 2.
    fn is_ours(
        &self,
        directory: &RootedDir,
        name: &str,
        begins: impl FnOnce(&RootedDir) -> bool,
    ) -> Result<bool> {
        let path = self.parent().join(name);
        let shown = show(path.as_str());
        match directory.file(name.as_bytes()) {
            Err(OpenError::Missing) => Ok(false),
            Err(OpenError::NotRegular(kind)) => {
                Err(Failure::usage(format!("{FLAG}: {shown} is {kind}")).hint("choose another name"))
            }
            _ if !self.force => Err(Failure::usage(format!("{FLAG}: {shown} exists"))
                .hint("choose another name, or add `--force` to replace an existing archive")),
            Ok(_) if begins(directory) => Ok(true),
            Ok(_) => Err(Failure::usage(format!(
                "--force replaces only an archive of aicr, and {shown} is not one"
            ))
            .hint("remove it yourself, or choose another name")),
            Err(OpenError::System(error)) => Err(cannot("read", shown, &error)),
        }
    }

    /// The names of the volumes that exist, sorted.
    fn old_volumes(&self, directory: &RootedDir) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut entries = 0;
        directory
            .entries(b"", &mut DirectoryBuffer::new(), |_, name, _| {
                entries += 1;
                let name = std::str::from_utf8(name).unwrap_or_default();
                if volume::parse(name).is_some_and(|(archive, _)| archive == self.name()) {
                    found.push(name.to_owned());
                }
                if entries > MAX_ENTRIES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(|error| cannot("read", show(self.parent().as_str()), &error))?;
        found.sort_unstable();
        Ok(found)
    }

    /// Removes the old archive, just before the new one is moved into place.
    pub(super) fn remove_old(&self) -> Result<()> {
        let directory = RootedDir::open(self.parent())?;
        for name in self.old_files(&directory)? {
            rustix::fs::unlinkat(&directory, name.as_str(), AtFlags::empty())
                .map_err(|errno| cannot("remove", directory.show(name.as_bytes()), &errno.into()))?;
        }
        sync(&directory).map_err(|error| cannot("write in", directory.show(b""), &error))
    }
}

/// Whether a regular file begins like an archive of aicr.
fn begins_like_an_archive(directory: &RootedDir, name: &str) -> bool {
    directory.file(name.as_bytes()).is_ok_and(|opened| is_archive(&opened.file).unwrap_or(false))
}

/// Whether the file with checksums is one that was written for this archive.
fn has_checksums(directory: &RootedDir, archive: &str) -> bool {
    let text = directory.read_small(volume::checksums(archive).as_bytes(), MAX_CHECKSUMS);
    text.is_ok_and(|text| volume::read(archive, &text).is_some())
}
