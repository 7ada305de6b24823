//! Gets written files to the disk, and finds out whether all of them arrived. A write succeeds when the
//! bytes are in memory; an error on the way to the disk is reported later, by a sync call, or never.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rustix::io::Errno;

use super::cannot;
use super::file_system::{BTRFS, EXFAT, EXT, F2FS, FAT, Magic, TMPFS, XFS};
use super::rooted_dir::RootedDir;
use crate::error::Result;

/// File systems on which `syncfs` reports a file that could not be written. On overlayfs it reports success
/// (seen on Linux 6.18), and on FUSE the kernel does not ask the file system.
const SYNCFS_REPORTS: [Magic; 7] = [EXT, XFS, BTRFS, F2FS, FAT, EXFAT, TMPFS];

/// The first Linux release on which `syncfs` reports files that could not be written (`syncfs(2)`).
const SYNCFS_REPORTS_SINCE: (u32, u32) = (5, 8);

/// A sync starts in the background each time this many bytes have been written, while more files are read
/// and hashed.
const SYNC_EVERY: u64 = 64 << 20;

/// What a file adds to the number of bytes, for its inode and its name.
const BYTES_OF_INODE: u64 = 8 << 10;

/// Syncs the files that are written to a staging directory.
#[derive(Debug)]
pub(crate) struct WriteBack {
    /// Opened before the first byte is written. A directory that is opened after an error would not get
    /// that error, if another program has already got it.
    dir: OwnedFd,
    /// Whether each file is synced by itself, because `syncfs` would not report its loss.
    sync_each: bool,
    written: AtomicU64,
    background: OnceLock<Option<BackgroundSync>>,
}

/// A thread that syncs when it is woken, and keeps the first error.
#[derive(Debug)]
struct BackgroundSync {
    wake: SyncSender<()>,
    thread: JoinHandle<rustix::io::Result<()>>,
}

impl WriteBack {
    /// For files that will be written to `dir`.
    pub(crate) fn of(dir: &RootedDir) -> Result<Self> {
        let failed = |error| cannot("open", dir.show(b""), &error);
        let dir = dir.as_fd().try_clone_to_owned().map_err(failed)?;
        let sync_each = !syncfs_reports_losses(&dir);
        Ok(Self { dir, sync_each, written: AtomicU64::new(0), background: OnceLock::new() })
    }

    /// Counts bytes that were written, and starts a sync in the background after [`SYNC_EVERY`] of them.
    pub(super) fn count_written(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if !self.sync_each
            && before / SYNC_EVERY != (before + bytes) / SYNC_EVERY
            && let Some(background) = self.background.get_or_init(|| self.start_background().ok())
        {
            // Fails if a sync is waiting already, or if one has failed.
            let _ = background.wake.try_send(());
        }
    }

    /// Syncs a complete file, or leaves that to a later sync of all files.
    pub(super) fn complete_file(&self, file: &File) -> io::Result<()> {
        if self.sync_each {
            sync_file(file)?;
        }
        self.count_written(BYTES_OF_INODE);
        Ok(())
    }

    fn start_background(&self) -> io::Result<BackgroundSync> {
        // A copy of the descriptor, because the kernel reports an error once for each open directory.
        let dir = self.dir.try_clone()?;
        let (wake, woken) = sync_channel(1);
        let sync = move || woken.into_iter().try_for_each(|()| rustix::fs::syncfs(&dir));
        Ok(BackgroundSync { wake, thread: thread::Builder::new().spawn(sync)? })
    }

    /// Waits until everything is on the disk. One call for all files is many times faster than one for each
    /// file, and as reliable where `syncfs` reports losses.
    pub(super) fn finish(self) -> io::Result<()> {
        if let Some(BackgroundSync { wake, thread }) = self.background.into_inner().flatten() {
            drop(wake);
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(rustix::fs::syncfs(&self.dir)?)
    }
}

/// Whether `syncfs` on this directory is as reliable as `fsync` on each file.
fn syncfs_reports_losses(directory: impl AsFd) -> bool {
    let system = rustix::system::uname();
    let reports = Magic::of(directory).is_some_and(|magic| SYNCFS_REPORTS.contains(&magic));
    reports && version(system.release().to_bytes()) >= SYNCFS_REPORTS_SINCE
}

/// Waits until a file is on the disk, if its file system can sync one.
pub(super) fn sync_file(file: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fsync(file) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => synced,
    }
}

/// The first two numbers of a Linux release, or 0 for a part that is not a number.
fn version(release: &[u8]) -> (u32, u32) {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit());
    let mut next = || std::str::from_utf8(numbers.next()?).ok()?.parse().ok();
    (next().unwrap_or(0), next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_linux_release() {
        for (release, expected) in [
            ("6.18.44-generic", (6, 18)),
            ("5.8", (5, 8)),
            ("5.7.19-rc1+", (5, 7)),
            ("4.18.0-553.el8.x86_64", (4, 18)),
            ("10.0-x", (10, 0)),
            ("5", (5, 0)),
            ("next", (0, 0)),
            ("99999999999.1", (0, 1)),
            ("", (0, 0)),
        ] {
            assert_eq!(version(release.as_bytes()), expected, "{release}");
        }
    }
}
