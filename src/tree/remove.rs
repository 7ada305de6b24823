//! Empties a directory that aicr created. It follows no links and has no limit on depth: a directory that is
//! not empty is first moved to the top level, so that every path has one component.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::medium::set_mode_of_new;
use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir};

/// Removes everything in `top` but the file `kept`, and leaves `top` itself.
pub(crate) fn empty(top: &RootedDir, kept: &str) -> io::Result<()> {
    let mut buffer = DirectoryBuffer::new();
    let mut waiting = clear(top, top, kept, &mut buffer, &mut 0)?;
    let mut number = 0;
    while let Some(name) = waiting.pop() {
        let below = open_to_change(top, &name)?;
        waiting.extend(clear(&below, top, kept, &mut buffer, &mut number)?);
        rustix::fs::unlinkat(top, &name, AtFlags::REMOVEDIR)?;
    }
    Ok(())
}

/// Removes everything in `top`, where no path is too long to be opened, without moving anything; the file
/// `last` after everything else.
pub(crate) fn empty_without_moving(top: &RootedDir, last: &str) -> io::Result<()> {
    let mut buffer = DirectoryBuffer::new();
    let mut directories = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = directories.get(next).cloned() {
        next += 1;
        let directory = top.directory(&path)?;
        let mut files = Vec::new();
        directory.entries(b"", &mut buffer, |_, name, kind| {
            if kind == FileKind::Directory {
                directories.push(if path.is_empty() {
                    name.to_vec()
                } else {
                    [&path, &b"/"[..], name].concat()
                });
            } else if !path.is_empty() || name != last.as_bytes() {
                files.push(name.to_vec());
            }
            ControlFlow::Continue(())
        })?;
        for name in files {
            rustix::fs::unlinkat(&directory, &name, AtFlags::empty())?;
        }
    }
    // A directory is in the list before those in it.
    for path in directories[1..].iter().rev() {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) =
            slash.map_or((&b""[..], &path[..]), |slash| (&path[..slash], &path[slash + 1..]));
        rustix::fs::unlinkat(top.directory(parent)?, name, AtFlags::REMOVEDIR)?;
    }
    Ok(rustix::fs::unlinkat(top, last, AtFlags::empty())?)
}

/// Removes the entries of `directory`. It moves directories that are not empty to `top`, and returns their
/// names there.
fn clear(
    directory: &RootedDir,
    top: &RootedDir,
    kept: &str,
    buffer: &mut DirectoryBuffer,
    number: &mut u64,
) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    directory.entries(b"", buffer, |_: BorrowedFd<'_>, name, kind| {
        if name != kept.as_bytes() || !std::ptr::eq(directory, top) {
            found.push((name.to_vec(), kind));
        }
        ControlFlow::Continue(())
    })?;
    let mut left = Vec::new();
    for (name, kind) in found {
        let flags = if kind == FileKind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match rustix::fs::unlinkat(directory, &name, flags) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) if std::ptr::eq(directory, top) => left.push(name),
            Err(Errno::NOTEMPTY | Errno::EXIST) => left.push(lift(directory, &name, top, number)?),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(left)
}

/// Moves a directory to `top`, under a name that is free there.
fn lift(directory: &RootedDir, name: &[u8], top: &RootedDir, number: &mut u64) -> io::Result<Vec<u8>> {
    drop(open_to_change(directory, name)?);
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

/// Opens a directory, never through a link, and gives its owner the permissions without which it cannot be
/// moved or emptied. The mode is changed through the descriptor: whoever may write to `parent` can put
/// something else in its place at any time.
fn open_to_change(parent: &RootedDir, name: &[u8]) -> io::Result<RootedDir> {
    let directory = match parent.directory(name) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_readable(parent, name)?;
            parent.directory(name)?
        }
        opened => opened?,
    };
    if directory.stat(b"")?.st_mode & Mode::RWXU.bits() != Mode::RWXU.bits() {
        set_mode_of_new(&directory, Mode::RWXU)?;
    }
    Ok(directory)
}

/// The kernel changes no mode through a descriptor that was opened without the permission to read. The path
/// of that descriptor leads to the same directory, whatever has its name by now.
fn make_readable(parent: &RootedDir, name: &[u8]) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
    Ok(rustix::fs::chmodat(CWD, path, Mode::RWXU, AtFlags::empty())?)
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
        for name in ["mark", "a/mark"] {
            std::fs::write(at(name), "").unwrap();
        }
        for (name, mode) in [("locked/in", 0o000), ("locked", 0o500)] {
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut deep = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        for _ in 0..60 {
            let name = "d".repeat(200);
            rustix::fs::mkdirat(&deep, &name, Mode::RWXU).unwrap();
            deep = deep.directory(name.as_bytes()).unwrap();
        }
        empty(&RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap(), "mark").unwrap();
        let left: Vec<_> =
            std::fs::read_dir(top.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["mark"]);
        assert!(outside.path().join("precious").exists());
    }

    #[test]
    fn no_mode_is_changed_through_a_link() {
        let top = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let mode =
            |mode| std::fs::set_permissions(outside.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o750);
        symlink(outside.path(), top.path().join("link")).unwrap();
        let parent = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        assert!(open_to_change(&parent, b"link").is_err());
        assert!(make_readable(&parent, b"link").is_err());
        let found = std::fs::metadata(outside.path()).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, 0o750);
    }
}
