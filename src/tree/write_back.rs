//! Whether the system tells what it has lost: a write succeeds when the bytes are in memory, and what goes
//! wrong on their way to the disk is heard of later, or never.

use std::os::fd::AsFd;

use rustix::io::Errno;

/// File systems on which `syncfs` fails when a file could not be written, by their magic numbers
/// (`statfs(2)`): ext2 to ext4, XFS, Btrfs, F2FS, FAT, exFAT, tmpfs. On overlayfs it is said to have
/// succeeded (seen on Linux 6.18), and below FUSE nobody is asked at all.
const TELL: [u64; 7] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x4d44, 0x2011_bab0, 0x0102_1994];

/// The first Linux on which `syncfs` fails for what it has lost (`syncfs(2)`).
const SINCE: (u32, u32) = (5, 8);

/// Whether one `syncfs` on this directory is as sure as an `fsync` of each file.
pub(super) fn is_told_at_once(directory: impl AsFd) -> bool {
    let system = rustix::system::uname();
    let magic = rustix::fs::fstatfs(directory).map(|system| system.f_type);
    // The type of the field is another on each architecture.
    let magic = magic.ok().and_then(|magic| u64::try_from(magic).ok());
    version(system.release().to_bytes()) >= SINCE && magic.is_some_and(|magic| TELL.contains(&magic))
}

/// Waits until a file is on the disk, if its file system can say that.
pub(super) fn wait_for(file: impl AsFd) -> rustix::io::Result<()> {
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
