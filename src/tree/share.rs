//! Copies that share the bytes of their source until one of the two is changed (reflinks): where the file
//! system can do that (XFS, Btrfs), a large copy is not written at all.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

use super::beneath::Opened;

/// From this size on it is worth it: below, the system spends more on the record of what is shared, and on
/// waiting until the source is on the disk, than on writing the copy.
const WORTH_SHARING: u64 = 1 << 20;

/// Which roots of the inputs are on a file system that can share with that of the output: all, until it is
/// tried in vain.
#[derive(Debug)]
pub(super) struct Sharing(Vec<AtomicBool>);

impl Sharing {
    /// Nothing was tried yet for so many roots.
    pub(super) fn of(roots: usize) -> Self {
        Self((0..roots).map(|_| AtomicBool::new(true)).collect())
    }

    /// Gives the empty file `to` the bytes that `from`, below this root, has at this moment. If not, `to` has
    /// to be written.
    pub(super) fn share(&self, root: u32, from: &Opened, to: &File) -> bool {
        let Some(can) = self.0.get(root as usize) else { return false };
        if from.size() < WORTH_SHARING || !can.load(Ordering::Relaxed) {
            return false;
        }
        let shared = rustix::fs::ioctl_ficlone(to, &from.file).is_ok();
        if !shared {
            can.store(false, Ordering::Relaxed);
        }
        shared
    }
}
