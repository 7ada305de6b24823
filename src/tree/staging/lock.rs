//! Acquires a staging directory: creates it or takes it over from a killed run, locks it, empties it, and
//! marks it.

use std::io;
use std::os::fd::OwnedFd;

use camino::Utf8Path;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::medium::set_mode;
use super::super::rooted_dir::{FileKind, RootedDir};
use super::super::{cannot, remove};
use super::OLD;
use super::mark::{self, MARK, Mark, State};
use crate::error::{Class, Failure, Result};
use crate::printable::{quoted_path, show};

/// The result of trying to acquire a staging directory.
pub(super) enum Acquired {
    /// This run has locked and marked it, and it is empty otherwise.
    Locked(RootedDir, Mark),
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
    output: Option<&[u8]>,
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
        let prepare = |dir: RootedDir| {
            let mark = prepare(&dir, parent, &path, shown, output, created)?;
            Ok(Acquired::Locked(dir, mark))
        };
        match lock(parent, name, &path, shown, created).and_then(|dir| dir.map(prepare).transpose()) {
            Ok(Some(acquired)) => return Ok(acquired),
            // It was removed meanwhile.
            Ok(None) => {}
            Err(failure) => {
                // Exit 2 means that it belongs to another run or user.
                if created && failure.class() != Class::Usage {
                    // The disk may have been full.
                    let _ = rustix::fs::unlinkat(parent, format!("{name}/{MARK}"), AtFlags::empty());
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
    // On FAT and some network file systems, a new directory has another owner too: see `prepare`.
    if !created && !is_own(stat.st_uid) {
        return Err(of_another_user(path));
    }
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(of_another_run(shown)),
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
    set_mode(&directory, &stat, Mode::RWXU).map_err(failed)?;
    Ok(Some(RootedDir::of(directory, path)))
}

/// Prepares a locked directory for this run. What a killed run has left in it is removed; if a run on another
/// machine may still use it, that is exit 2.
fn prepare(
    dir: &RootedDir,
    parent: &OwnedFd,
    path: &Utf8Path,
    shown: &str,
    output: Option<&[u8]>,
    created: bool,
) -> Result<Mark> {
    let shown_path = show(path.as_str());
    let failed = |doing: &str, error: &io::Error| cannot(doing, &shown_path, error);
    let state = if created { Ok(State::New) } else { mark::state(dir) };
    let state = state.map_err(|error| failed("read", &error))?;
    if state == State::Unknown {
        return Err(Failure::usage(format!(
            "{shown_path} was left by an aicr run on another machine or before a restart, and that run may \
             still be active"
        ))
        .hint(format!(
            "if it has ended, remove the directory: `rm -r {}`; after 24 hours without a change, aicr \
             removes it",
            quoted_path(path)
        )));
    }
    if state == State::Abandoned {
        if let Some(output) = output {
            restore(dir, parent, output).map_err(|error| failed("restore the old bundle from", &error))?;
        }
        remove::empty(dir, MARK).map_err(|error| failed("empty the staging directory", &error))?;
    }
    let mark = Mark::new(dir, state == State::New).map_err(|error| match error.kind() {
        // On another machine, a run has marked it first.
        io::ErrorKind::AlreadyExists => of_another_run(shown),
        _ => failed("write in", &error),
    })?;
    // A new directory has the owner that new files have, or somebody has put another one in its place.
    let owner = dir.stat(b"").map_err(|error| failed("access", &error))?.st_uid;
    if !is_own(owner) && owner != mark.stat.st_uid {
        let _ = rustix::fs::unlinkat(dir, MARK, AtFlags::empty());
        return Err(of_another_user(path));
    }
    Ok(mark)
}

fn is_own(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw()
}

fn of_another_run(shown: &str) -> Failure {
    Failure::usage(format!("another aicr run is writing {shown}"))
        .hint("wait until that run has ended, then try again")
}

fn of_another_user(path: &Utf8Path) -> Failure {
    let shown = show(path.as_str());
    Failure::usage(format!("{shown} belongs to another user, and aicr needs a directory of that name"))
        .hint(format!("ask that user, or root, to remove it: `rm -r {}`", quoted_path(path)))
}

/// Moves the old bundle back to its name, if a run was killed before the new bundle had that name.
fn restore(dir: &RootedDir, parent: &OwnedFd, output: &[u8]) -> io::Result<()> {
    match rustix::fs::statat(parent, output, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        _ => return Ok(()),
    }
    match rustix::fs::renameat(dir, OLD, parent, output) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
