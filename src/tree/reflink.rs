//! Copies that share the bytes of their source until one of the two is changed (reflinks): where the file
//! system can do that, a large copy is not written at all.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use camino::Utf8Path;

use super::file_system::{BTRFS, Magic, XFS};
use super::inputs::{Collected, SourceFile};
use super::rooted_dir::{Opened, size};

/// From this size on it is worth it: below, the system spends more on the record of what is shared, and on
/// waiting until the source is on the disk, than on writing the copy.
const WORTH_SHARING: u64 = 1 << 20;

/// Whether a file system shares; those on which that was seen to work. Others claim to as well, and some have
/// left a part out.
fn can(magic: Option<Magic>) -> bool {
    magic.is_some_and(|magic| [XFS, BTRFS].contains(&magic))
}

/// How many bytes copies into the directory `into` take: those that will be shared take none. An error is
/// that `into` cannot be looked at.
pub(super) fn bytes_to_write(collected: &Collected, into: &Utf8Path) -> io::Result<u64> {
    if !can(Magic::of_path(into)) {
        return Ok(collected.bytes);
    }
    let device = rustix::fs::stat(into.as_str())?.st_dev;
    let is_shared = |file: &&SourceFile| file.size >= WORTH_SHARING && file.inode.0 == device;
    let shared: u64 = collected.files.iter().filter(is_shared).map(|file| file.size).sum();
    Ok(collected.bytes.saturating_sub(shared))
}

/// Whether copies in some directory can share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sharing(bool);

impl Sharing {
    /// Copies below this directory.
    pub(super) fn below(directory: impl AsFd) -> Self {
        Self(can(Magic::of(directory)))
    }

    /// Gives the empty file `to` the bytes that `from` has at this moment. If not, `to` is empty, and has to be
    /// written.
    pub(super) fn share(self, from: &Opened, to: &File) -> io::Result<bool> {
        if !self.0 || from.size() < WORTH_SHARING {
            return Ok(false);
        }
        // XFS before Linux 6.13 may say that it shared everything when it ran out of room on the way.
        let shared =
            rustix::fs::ioctl_ficlone(to, &from.file).is_ok() && size(&rustix::fs::fstat(to)?) == from.size();
        if !shared {
            rustix::fs::ftruncate(to, 0)?;
        }
        Ok(shared)
    }
}
