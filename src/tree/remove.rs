//! Empties a directory that aicr created. It follows no links and has no limit on depth: a directory that is
//! not empty is first moved to the top level, so that every path has one component.

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir};

/// Removes everything in `top`, and leaves `top` itself.
pub(crate) fn empty(top: &RootedDir) -> std::io::Result<()> {
    let mut buffer = DirectoryBuffer::new();
    let mut waiting = clear(top, top, &mut buffer, &mut 0)?;
    let mut number = 0;
    while let Some(name) = waiting.pop() {
        // Without these permissions a directory cannot be moved or emptied.
        let _ = rustix::fs::chmodat(top, &name, Mode::RWXU, AtFlags::empty());
        let below = top.directory(&name)?;
        waiting.extend(clear(&below, top, &mut buffer, &mut number)?);
        rustix::fs::unlinkat(top, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Removes the entries of `directory`. It moves directories that are not empty to `top`, and returns their
/// names there.
fn clear(
    directory: &RootedDir,
    top: &RootedDir,
    buffer: &mut DirectoryBuffer,
    number: &mut u64,
) -> std::io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    directory.entries(b"", buffer, |_: BorrowedFd<'_>, name, kind| {
        found.push((name.to_vec(), kind));
        ControlFlow::Continue(())
    })?;
    let mut kept = Vec::new();
    for (name, kind) in found {
        let flags = if kind == FileKind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match rustix::fs::unlinkat(directory, &name, flags) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) if std::ptr::eq(directory, top) => kept.push(name),
            Err(Errno::NOTEMPTY | Errno::EXIST) => kept.push(lift(directory, &name, top, number)?),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(kept)
}

/// Moves a directory to `top`, under a name that is free there.
fn lift(directory: &RootedDir, name: &[u8], top: &RootedDir, number: &mut u64) -> std::io::Result<Vec<u8>> {
    let _ = rustix::fs::chmodat(directory, name, Mode::RWXU, AtFlags::empty());
    loop {
        *number += 1;
        let free = format!("removed-{number}").into_bytes();
        match rustix::fs::renameat(directory, name, top, &free) {
            Ok(()) => return Ok(free),
            // A removal that was killed has left this name. Its directory is in the queue as well.
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use camino::Utf8Path;

    use super::*;

    #[test]
    fn everything_in_the_directory_is_removed_and_nothing_else() {
        let top = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("precious"), "").unwrap();
        let at = |name: &str| top.path().join(name);
        for directory in ["a/b/c", "removed-1/x/y", "removed-2", "locked/in/deep", "empty"] {
            std::fs::create_dir_all(at(directory)).unwrap();
            std::fs::write(at(directory).join("f"), "").unwrap();
        }
        std::fs::write(at("removed-3"), "").unwrap();
        symlink(outside.path(), at("link")).unwrap();
        symlink(outside.path(), at("a/link")).unwrap();
        for name in ["locked/in", "locked"] {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o500)).unwrap();
        }
        let mut deep = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        for _ in 0..60 {
            let name = "d".repeat(200);
            rustix::fs::mkdirat(&deep, &name, Mode::RWXU).unwrap();
            deep = deep.directory(name.as_bytes()).unwrap();
        }
        empty(&RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap()).unwrap();
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 0);
        assert!(outside.path().join("precious").exists());
    }
}
