//! Whether the system tells what it has lost: a write succeeds when the bytes are in memory, and what goes
//! wrong on their way to the disk is heard of later, or never. And when the disk is given its work.

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

/// File systems on which `syncfs` fails when a file could not be written. On overlayfs it is said to have
/// succeeded (seen on Linux 6.18), and below FUSE nobody is asked at all.
const TELL: [Magic; 7] = [EXT, XFS, BTRFS, F2FS, FAT, EXFAT, TMPFS];

/// The first Linux on which `syncfs` fails for what it has lost (`syncfs(2)`).
const SINCE: (u32, u32) = (5, 8);

/// After so many bytes the disk is given its work, while there is more to be read and hashed.
const WORTH_A_START: u64 = 64 << 20;

/// What a file costs the disk beside its bytes: its inode, its name.
const OF_A_FILE: u64 = 8 << 10;

/// The way to the disk of all that is written below a room.
#[derive(Debug)]
pub(crate) struct WriteBack {
    /// Open since before the first byte was written: what is opened after a loss that somebody else was
    /// told of is told nothing.
    room: OwnedFd,
    /// Whether each file has to be waited for, because later nobody would tell.
    each: bool,
    written: AtomicU64,
    ahead: OnceLock<Option<Ahead>>,
}

/// A thread that has the disk write when it is woken, and notes what it is told.
#[derive(Debug)]
struct Ahead {
    wake: SyncSender<()>,
    thread: JoinHandle<rustix::io::Result<()>>,
}

impl WriteBack {
    /// That of what is about to be written below `room`.
    pub(crate) fn of(room: &RootedDir) -> Result<Self> {
        let failed = |error| cannot("open", room.show(b""), &error);
        let room = room.as_fd().try_clone_to_owned().map_err(failed)?;
        let each = !is_told_at_once(&room);
        Ok(Self { room, each, written: AtomicU64::new(0), ahead: OnceLock::new() })
    }

    /// Hears of so many bytes that were written.
    pub(super) fn wrote(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if !self.each
            && before / WORTH_A_START != (before + bytes) / WORTH_A_START
            && let Some(ahead) = self.ahead.get_or_init(|| self.start_ahead().ok())
        {
            // Fails while the last call waits to be heard, and after a loss.
            let _ = ahead.wake.try_send(());
        }
    }

    /// Hears of a file that is complete.
    pub(super) fn completed(&self, file: &File) -> io::Result<()> {
        if self.each {
            wait_for(file)?;
        }
        self.wrote(OF_A_FILE);
        Ok(())
    }

    fn start_ahead(&self) -> io::Result<Ahead> {
        // Not opened anew: one loss is told once, to all who share what is open.
        let room = self.room.try_clone()?;
        let (wake, woken) = sync_channel(1);
        let write = move || woken.into_iter().try_for_each(|()| rustix::fs::syncfs(&room));
        Ok(Ahead { wake, thread: thread::Builder::new().spawn(write)? })
    }

    /// Waits until everything is on the disk. One call for all files: as sure as one for each where the
    /// system tells, and many times faster.
    pub(super) fn finish(self) -> io::Result<()> {
        if let Some(Ahead { wake, thread }) = self.ahead.into_inner().flatten() {
            drop(wake);
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(rustix::fs::syncfs(&self.room)?)
    }
}

/// Whether one `syncfs` on this directory is as sure as an `fsync` of each file.
fn is_told_at_once(directory: impl AsFd) -> bool {
    let system = rustix::system::uname();
    let tells = Magic::of(directory).is_some_and(|magic| TELL.contains(&magic));
    tells && version(system.release().to_bytes()) >= SINCE
}

/// Waits until a file is on the disk, if its file system can say that.
fn wait_for(file: impl AsFd) -> rustix::io::Result<()> {
    match rustix::fs::fsync(file) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => synced,
    }
}

/// The first two numbers of a release of Linux; 0 for what is none.
fn version(release: &[u8]) -> (u32, u32) {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit());
    let mut next = || std::str::from_utf8(numbers.next()?).ok()?.parse().ok();
    (next().unwrap_or(0), next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_linux() {
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
