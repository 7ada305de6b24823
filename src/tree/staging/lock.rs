//! Holding a room: made or taken over, locked, and cleared of what a killed run has left in it.

use std::os::fd::OwnedFd;

use camino::Utf8Path;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::rooted_dir::{FileKind, RootedDir};
use super::super::{cannot, remove};
use super::OLD;
use crate::error::{Class, Failure, Result};
use crate::printable::show;

/// What trying to hold a room came to.
pub(super) enum Lock {
    /// It is ours, empty and locked.
    Held(String, RootedDir),
    /// The directory that it should be in does not take it.
    NotMade(Errno),
}

/// Puts the old bundle back, if a run was killed when it had moved that away and the new one not in.
fn rescue(room: &RootedDir, parent: &OwnedFd, name: &str) -> std::io::Result<()> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        _ => return Ok(()),
    }
    match rustix::fs::renameat(room, OLD, parent, name) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Makes or takes over the room `name` in `parent`, whose path is `path`, for the target `shown`, which
/// stands `beside` it under that name, or holds it.
pub(super) fn claim(
    parent: &OwnedFd,
    name: &str,
    path: &Utf8Path,
    shown: &str,
    beside: Option<&str>,
) -> Result<Lock> {
    let path = path.join(name);
    loop {
        let made = match rustix::fs::mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) => {
                return Ok(Lock::NotMade(errno));
            }
            Err(errno) => return Err(cannot("make", show(path.as_str().as_bytes()), &errno.into())),
        };
        match hold(parent, name, &path, shown, beside, made) {
            Ok(Some(held)) => return Ok(Lock::Held(name.to_owned(), held)),
            Ok(None) => {}
            Err(failure) => {
                // What another run holds, or another user has, is theirs.
                if made && failure.class() != Class::Usage {
                    let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
                }
                return Err(failure);
            }
        }
    }
}

/// Opens, locks and clears a room, which was `made` just now or is there; nothing if it has gone meanwhile.
fn hold(
    parent: &OwnedFd,
    name: &str,
    path: &Utf8Path,
    shown: &str,
    beside: Option<&str>,
    made: bool,
) -> Result<Option<RootedDir>> {
    let room = show(path.as_str().as_bytes());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => directory,
        // The run that held it has just ended.
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => {
            let kind =
                rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| FileKind::of(&stat));
            return Err(match kind {
                Ok(kind) if kind != FileKind::Directory => {
                    Failure::usage(format!("{room} is in the way: it is {kind}")).hint("remove it")
                }
                _ => cannot("open", room, &errno.into()),
            });
        }
    };
    let failed = |errno: Errno| cannot("lock", &room, &errno.into());
    let stat = rustix::fs::fstat(&directory).map_err(failed)?;
    // FAT and some network file systems give everything an owner of their own.
    if !made && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Failure::usage(format!("{room} is in the way: it belongs to another user"))
            .hint("have that user, or root, remove it"));
    }
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(
                Failure::usage(format!("another aicr is writing {shown}")).hint("wait until it has ended")
            );
        }
        Err(errno) => return Err(failed(errno)),
    }
    // It may have been removed, and even made again, before the lock was ours.
    let now = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(now) => now,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    if (now.st_dev, now.st_ino) != (stat.st_dev, stat.st_ino) {
        return Ok(None);
    }
    rustix::fs::fchmod(&directory, Mode::RWXU).map_err(failed)?;
    let held = RootedDir::of(directory, path);
    if let Some(name) = beside {
        rescue(&held, parent, name)
            .map_err(|error| cannot("put back what a killed run had moved to", &room, &error))?;
    }
    remove::empty(&held).map_err(|error| cannot("remove what a killed run left in", &room, &error))?;
    Ok(Some(held))
}
