//! Acquires a staging directory: creates it or takes it over from a killed run, locks it, and empties it.

use std::os::fd::OwnedFd;

use camino::Utf8Path;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::rooted_dir::{FileKind, RootedDir};
use super::super::{cannot, remove};
use super::OLD;
use crate::error::{Class, Failure, Result};
use crate::printable::{quoted_path, show};

/// The result of trying to acquire a staging directory.
pub(super) enum Acquired {
    /// This run has locked it, and it is empty.
    Locked(String, RootedDir),
    /// It does not exist, and its parent directory cannot be written.
    NotCreated(Errno),
}

/// Acquires the staging directory `name` in the directory `parent`, whose path is `path`. Messages call the
/// bundle `shown`. `output` is the name of the bundle in `parent`, if it is there.
pub(super) fn acquire(
    parent: &OwnedFd,
    name: &str,
    path: &Utf8Path,
    shown: &str,
    output: Option<&str>,
) -> Result<Acquired> {
    let path = path.join(name);
    loop {
        let created = match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
                return Ok(Acquired::NotCreated(errno));
            }
            Err(errno) => return Err(cannot("create", show(path.as_str()), &errno.into())),
        };
        let empty = |dir: RootedDir| clean_up(&dir, parent, &path, output).map(|()| dir);
        match lock(parent, name, &path, shown, created).and_then(|dir| dir.map(empty).transpose()) {
            Ok(Some(dir)) => return Ok(Acquired::Locked(name.to_owned(), dir)),
            // It was removed meanwhile.
            Ok(None) => {}
            Err(failure) => {
                // Exit 2 means that it belongs to another run or user.
                if created && failure.class() != Class::Usage {
                    let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
                }
                return Err(failure);
            }
        }
    }
}

/// Opens and locks a staging directory, which `created` says is new; nothing if it does not exist any more.
fn lock(
    parent: &OwnedFd,
    name: &str,
    path: &Utf8Path,
    shown: &str,
    created: bool,
) -> Result<Option<RootedDir>> {
    let shown_path = show(path.as_str());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => directory,
        // The run that had it has just ended.
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => {
            let kind =
                rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileKind::of(&stat));
            return Err(match kind {
                Ok(kind) if kind != FileKind::Directory => {
                    Failure::usage(format!("{shown_path} is {kind}, and aicr needs a directory of that name"))
                        .hint(kind.removal_hint(path))
                }
                _ => cannot("open", shown_path, &errno.into()),
            });
        }
    };
    let failed = |errno: Errno| cannot("lock", &shown_path, &errno.into());
    let stat = rustix::fs::fstat(&directory).map_err(failed)?;
    // On FAT and some network file systems, a new directory has another owner too.
    if !created && stat.st_uid != rustix::process::geteuid().as_raw() {
        let message =
            format!("{shown_path} belongs to another user, and aicr needs a directory of that name");
        return Err(Failure::usage(message)
            .hint(format!("ask that user, or root, to remove it: `rm -r {}`", quoted_path(path))));
    }
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(Failure::usage(format!("another aicr run is writing {shown}"))
                .hint("wait until that run has ended, then try again"));
        }
        Err(errno) => return Err(failed(errno)),
    }
    // Before it was locked, it may have been removed, and even created again.
    let now = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(now) => now,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    if (now.st_dev, now.st_ino) != (stat.st_dev, stat.st_ino) {
        return Ok(None);
    }
    rustix::fs::fchmod(&directory, Mode::RWXU).map_err(failed)?;
    Ok(Some(RootedDir::of(directory, path)))
}

/// Restores the old bundle that a killed run has moved to the staging directory, and empties the directory.
fn clean_up(dir: &RootedDir, parent: &OwnedFd, path: &Utf8Path, output: Option<&str>) -> Result<()> {
    let shown = show(path.as_str());
    if let Some(output) = output {
        restore(dir, parent, output)
            .map_err(|error| cannot("restore the old bundle from", &shown, &error))?;
    }
    remove::empty(dir).map_err(|error| cannot("empty the staging directory", &shown, &error))
}

/// Moves the old bundle back to its name, if a run was killed before the new bundle had that name.
fn restore(dir: &RootedDir, parent: &OwnedFd, output: &str) -> std::io::Result<()> {
    match rustix::fs::statat(parent, output, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        _ => return Ok(()),
    }
    match rustix::fs::renameat(dir, OLD, parent, output) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
