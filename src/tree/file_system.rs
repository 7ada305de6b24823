//! The type of a file system, by its magic number (`statfs(2)`).

use std::os::fd::AsFd;

use camino::Utf8Path;
use rustix::fs::StatFs;

/// A magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magic(u64);

/// ext2 to ext4.
pub(super) const EXT: Magic = Magic(0xef53);
pub(super) const XFS: Magic = Magic(0x5846_5342);
pub(super) const BTRFS: Magic = Magic(0x9123_683e);
pub(super) const F2FS: Magic = Magic(0xf2f5_2010);
pub(super) const FAT: Magic = Magic(0x4d44);
pub(super) const EXFAT: Magic = Magic(0x2011_bab0);
pub(super) const TMPFS: Magic = Magic(0x0102_1994);
const NFS: Magic = Magic(0x6969);
const OVERLAY: Magic = Magic(0x794c_7630);

/// File systems on which a file keeps the number of its inode. FAT and many others make up a new one when the
/// file is no longer in memory.
const STABLE_INODES: [Magic; 7] = [EXT, XFS, BTRFS, F2FS, TMPFS, NFS, OVERLAY];

/// Whether the number of an inode identifies a file.
pub(super) fn has_stable_inodes(file: impl AsFd) -> bool {
    Magic::of(file).is_some_and(|magic| STABLE_INODES.contains(&magic))
}

impl Magic {
    /// The type of the file system of an open file, if the system reports it.
    pub(super) fn of(file: impl AsFd) -> Option<Self> {
        Self::in_answer(rustix::fs::fstatfs(file))
    }

    /// The type of the file system of a path, if the system reports it.
    pub(super) fn of_path(path: &Utf8Path) -> Option<Self> {
        Self::in_answer(rustix::fs::statfs(path.as_str()))
    }

    fn in_answer(answer: rustix::io::Result<StatFs>) -> Option<Self> {
        // The type of the field depends on the architecture.
        u64::try_from(answer.ok()?.f_type).ok().map(Self)
    }
}
