//! Whether there is room for a bundle, asked before the first byte is read.

use camino::Utf8Path;
use rustix::fs::StatVfs;

use super::cannot;
use crate::error::{Class, Failure, Result};
use crate::printable::show;

/// Fails, naming both figures, when the file system of `directory` has no room for so many bytes in so
/// many files: exit 1.
pub(crate) fn enough_space(directory: &Utf8Path, bytes: u64, files: u64) -> Result<()> {
    let shown = show(directory.as_str().as_bytes());
    let place = if directory.as_str().is_empty() { "." } else { directory.as_str() };
    let system = rustix::fs::statvfs(place).map_err(|errno| cannot("look at", &shown, &errno.into()))?;
    match lacking(&system, bytes, files) {
        None => Ok(()),
        Some(lack) => Err(Failure::new(Class::Broken, format!("not enough space in {shown}: {lack}"))
            .hint("free some, or choose a directory on another file system")),
    }
}

/// What is lacking, in words. Files fill whole blocks, and have a line in the manifest.
fn lacking(system: &StatVfs, bytes: u64, files: u64) -> Option<String> {
    let block = system.f_frsize.max(1);
    let needed = bytes.saturating_add(files.saturating_mul(block / 2 + 128));
    let free = system.f_bavail.saturating_mul(block);
    if needed > free {
        return Some(format!("{needed} bytes are needed and {free} are free"));
    }
    // Btrfs and others have no fixed number of inodes, and say 0.
    (system.f_files > 0 && files > system.f_favail)
        .then(|| format!("{files} inodes are needed and {} are free", system.f_favail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_enough_for_little_and_not_for_everything() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        enough_space(path, 1, 1).unwrap();
        let failure = enough_space(path, u64::MAX / 2, 1).unwrap_err();
        assert_eq!(failure.class().code(), 1);
        assert!(failure.message().contains(" bytes are needed and "), "{}", failure.message());
    }

    #[test]
    fn inodes_count_where_they_are_counted() {
        let mut system = rustix::fs::statvfs("/proc").unwrap();
        (system.f_bavail, system.f_frsize, system.f_files, system.f_favail) = (1 << 40, 4096, 100, 3);
        assert_eq!(lacking(&system, 5, 3), None);
        assert_eq!(lacking(&system, 5, 4), Some("4 inodes are needed and 3 are free".to_owned()));
        system.f_files = 0;
        assert_eq!(lacking(&system, 5, 4), None);
    }
}
