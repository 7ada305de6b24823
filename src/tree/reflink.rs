//! Reflinks: copies that share the bytes of their source until one of the two changes. On file systems that
//! support them, large copies are not written at all.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use camino::Utf8Path;

use super::cannot;
use super::file_system::{BTRFS, Magic, XFS};
use super::inputs::{Collected, SourceFile};
use super::rooted_dir::{Opened, size};
use crate::error::Result;
use crate::printable::show;

/// The minimum size of a shared copy. For a smaller file, writing the copy takes less time than recording
/// what is shared and waiting until the source is on the disk.
const MIN_SHARED: u64 = 1 << 20;

/// Whether a file system supports reflinks: only those on which it was tested. Others claim it too, and some
/// of them have left out a part of the file.
fn supports_reflinks(magic: Option<Magic>) -> bool {
    magic.is_some_and(|magic| [XFS, BTRFS].contains(&magic))
}

/// How many bytes are written to copy the files into the directory `into`; the empty path is the working directory.
/// Shared copies and holes take none.
pub(crate) fn bytes_to_write(collected: &Collected, into: &Utf8Path) -> Result<u64> {
    let into = if into.as_str().is_empty() { Utf8Path::new(".") } else { into };
    let shares = supports_reflinks(Magic::of_path(into));
    let stat = || {
        rustix::fs::stat(into.as_str()).map_err(|errno| cannot("access", show(into.as_str()), &errno.into()))
    };
    let device = if shares { Some(stat()?.st_dev) } else { None };
    let is_shared = |file: &SourceFile| file.size >= MIN_SHARED && Some(file.inode.0) == device;
    Ok(collected.files.iter().filter(|file| !is_shared(file)).map(|file| file.stored).sum())
}

/// Whether copies in a directory can share the bytes of their sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sharing(bool);

impl Sharing {
    /// For copies in this directory.
    pub(super) fn in_directory(directory: impl AsFd) -> Self {
        Self(supports_reflinks(Magic::of(directory)))
    }

    /// Lets the empty file `to` share the bytes that `from` has now. If the answer is no, `to` is still empty
    /// and has to be written.
    pub(super) fn share(self, from: &Opened, to: &File) -> io::Result<bool> {
        if !self.0 || from.size() < MIN_SHARED {
            return Ok(false);
        }
        // XFS before Linux 6.13 can report success after it has run out of space.
        let shared =
            rustix::fs::ioctl_ficlone(to, &from.file).is_ok() && size(&rustix::fs::fstat(to)?) == from.size();
        if !shared {
            rustix::fs::ftruncate(to, 0)?;
        }
        Ok(shared)
    }
}
