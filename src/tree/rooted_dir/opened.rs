//! An open regular file, and what its inode says about it.

use std::fs::File;

use rustix::fs::{RawMode, Stat};

/// An open regular file, and its properties when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The file, at its beginning.
    pub(crate) file: File,
    /// The properties of its inode.
    pub(crate) stat: Stat,
}

impl Opened {
    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        size(&self.stat)
    }

    /// Whether its owner may execute it.
    pub(crate) fn is_executable(&self) -> bool {
        self.stat.st_mode & 0o100 != 0
    }

    /// Whether it has file capabilities: whoever runs it has rights that he otherwise has not.
    /// A file without an x bit is not asked for them, because that system call would cost a tenth of the time
    /// for a small file. A file system without attributes has none.
    pub(crate) fn has_capabilities(&self) -> bool {
        self.stat.st_mode & 0o111 != 0
            && rustix::fs::fgetxattr_query(&self.file, "security.capability").is_ok_and(|size| size > 0)
    }

    /// Whether it has not changed since it was opened. If a program writes to a file while it is read, the
    /// bytes that were read may mix old and new content. One page is read at once, so a file of that size
    /// needs no check. (Before Linux 6.13, the times of a file have a resolution of some milliseconds.)
    pub(crate) fn is_unchanged(&self) -> bool {
        let has_same_stamp = |now: Stat| change_stamp(&now) == change_stamp(&self.stat);
        self.size() <= PAGE || rustix::fs::fstat(&self.file).is_ok_and(has_same_stamp)
    }
}

/// The bit in the mode of an inode that everybody can write to.
pub(crate) const WORLD_WRITABLE: RawMode = 0o002;

/// The size of the smallest page, in bytes.
const PAGE: u64 = 4096;

/// The properties of an inode that change when a program writes to the file.
pub(crate) fn change_stamp(stat: &Stat) -> impl PartialEq + use<> {
    (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
}

/// The size of a file, in bytes.
pub(crate) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// How many bytes of a file take space on its medium; the others are holes.
pub(crate) fn stored(stat: &Stat) -> u64 {
    const UNIT: u64 = 512;
    u64::try_from(stat.st_blocks).unwrap_or_default().saturating_mul(UNIT).min(size(stat))
}
