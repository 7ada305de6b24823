//! Whether there is room for a bundle, asked before the first byte is read.

use std::io;

use camino::Utf8Path;
use rustix::fs::StatVfs;

use super::cannot;
use super::inputs::Collected;
use super::reflink::bytes_to_write;
use crate::error::{Class, Failure, Result};
use crate::printable::show;

/// Fails, naming both figures, when the file system of `directory` has no room for copies of these files:
/// exit 1.
pub(crate) fn enough_space(directory: &Utf8Path, collected: &Collected) -> Result<()> {
    let place = if directory.as_str().is_empty() { Utf8Path::new(".") } else { directory };
    let shown = show(place.as_str().as_bytes());
    let unseen = |error: io::Error| cannot("look at", &shown, &error);
    let system = rustix::fs::statvfs(place.as_str()).map_err(|errno| unseen(errno.into()))?;
    let bytes = bytes_to_write(collected, place).map_err(unseen)?;
    match lacking(&system, bytes, collected.files.len() as u64) {
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
    fn bytes_count_and_inodes_where_they_are_counted() {
        let mut system = rustix::fs::statvfs("/proc").unwrap();
        (system.f_bavail, system.f_frsize, system.f_files, system.f_favail) = (1 << 40, 4096, 100, 3);
        assert_eq!(lacking(&system, 5, 3), None);
        assert_eq!(lacking(&system, 5, 4), Some("4 inodes are needed and 3 are free".to_owned()));
        system.f_files = 0;
        assert_eq!(lacking(&system, 5, 4), None);
        system.f_bavail = 2;
        assert_eq!(lacking(&system, 5000, 1), None);
        assert_eq!(lacking(&system, 8000, 1), Some("10176 bytes are needed and 8192 are free".to_owned()));
    }
}
