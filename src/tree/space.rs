//! Whether there is enough space for a bundle, checked before the first byte is read.

use std::io;

use camino::Utf8Path;
use rustix::fs::StatVfs;

use super::cannot;
use super::target::Target;
use crate::error::{Class, Failure, Result};
use crate::printable::{larger_and_smaller, show};

/// Fails with exit 1, and with both figures, when the file system of `target` has no space for this many bytes in
/// this many files.
pub(crate) fn enough_space(target: &Target, bytes: u64, files: u64) -> Result<()> {
    enough_space_in(&target.parent(), target.flag(), bytes, files)
}

/// The same for files in the directory `parent`, which are named by `flag`.
pub(super) fn enough_space_in(parent: &Utf8Path, flag: &str, bytes: u64, files: u64) -> Result<()> {
    let place = if parent.as_str().is_empty() { Utf8Path::new(".") } else { parent };
    let shown = show(place.as_str().as_bytes());
    let failed = |error: io::Error| cannot("get the free space of", &shown, &error);
    let system = rustix::fs::statvfs(place.as_str()).map_err(|errno| failed(errno.into()))?;
    match shortage(&system, bytes, files) {
        None => Ok(()),
        Some(shortage) => {
            Err(Failure::new(Class::Broken, format!("not enough space in {shown}: {shortage}"))
                .hint(format!("free some space, or choose {flag} on another file system")))
        }
    }
}

/// What is needed and what is free, if that is less. A file takes half a block more than its bytes on
/// average, and a line of the manifest.
fn shortage(system: &StatVfs, bytes: u64, files: u64) -> Option<String> {
    let block = system.f_frsize.max(1);
    let needed = bytes.saturating_add(files.saturating_mul(block / 2 + 128));
    let free = system.f_bavail.saturating_mul(block);
    // Some FUSE and network file systems do not know their size, and report 0.
    if system.f_blocks > 0 && needed > free {
        let (needed, free) = larger_and_smaller(needed, free);
        return Some(format!("{needed} are needed and {free} are free"));
    }
    // Btrfs and other file systems without a fixed number of inodes report 0.
    (system.f_files > 0 && files > system.f_favail)
        .then(|| format!("{files} inodes are needed and {} are free", system.f_favail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_inodes_are_compared() {
        let mut system = rustix::fs::statvfs("/proc").unwrap();
        (system.f_bavail, system.f_frsize, system.f_files, system.f_favail) = (1 << 40, 4096, 100, 3);
        system.f_blocks = 1 << 40;
        assert_eq!(shortage(&system, 5, 3), None);
        assert_eq!(shortage(&system, 5, 4), Some("4 inodes are needed and 3 are free".to_owned()));
        system.f_files = 0;
        assert_eq!(shortage(&system, 5, 4), None);
        system.f_bavail = 2;
        assert_eq!(shortage(&system, 5000, 1), None);
        assert_eq!(shortage(&system, 8000, 1), Some("10.0 KiB are needed and 8.0 KiB are free".to_owned()));
        system.f_bavail = 0;
        assert_eq!(shortage(&system, 1, 1), Some("2.2 KiB are needed and 0 bytes are free".to_owned()));
        system.f_blocks = 0;
        assert_eq!(shortage(&system, 8000, 1), None);
    }
}
