//! The private room in which a bundle is made, and which no killed run leaves behind for long: the next
//! run for the same target finds its lock free and cleans up. What leaves the room is `publish.rs`.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};

use camino::{Utf8Path, Utf8PathBuf};
use lock::{Lock, claim};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::rooted_dir::{FileKind, RootedDir};
use super::target::Target;
use super::{ATTESTATION, EXECUTABLE, INSIDE, PLAIN, cannot, mount, remove};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::printable::show;

mod lock;

/// The tree under construction.
pub(super) const TREE: &str = "bundle";

/// What an exchange in two steps has moved away.
pub(super) const OLD: &str = "old";

/// A directory of mode 0700 that is ours alone as long as this value lives, and then gone.
#[derive(Debug)]
pub(crate) struct Staging {
    /// The directory that the room is in: the target's parent, or the bundle's `attestation`.
    pub(super) parent: OwnedFd,
    name: String,
    /// Open and locked.
    pub(super) room: RootedDir,
    /// `attestation`, in the bundle, if it was made for the room.
    made: Option<OwnedFd>,
}

impl Staging {
    /// A room beside an output that is yet to be. Held by another run: exit 2.
    pub(crate) fn beside(target: &Target) -> Result<Self> {
        let parent = open_parent(&target.parent())?;
        let path = absolute(&target.parent())?;
        let shown = show(target.path().as_str().as_bytes());
        match claim(&parent, &name_beside(target.name()), &path, &shown, Some(target.name()))? {
            Lock::Held(name, room) => Ok(Self { parent, name, room, made: None }),
            Lock::NotMade(errno) => Err(cannot("make", format!("a directory beside {shown}"), &errno.into())),
        }
    }

    /// A room for a change to a bundle that is there: beside it, or, where that cannot be made or lies on
    /// another mount, inside its `attestation`. An `attestation` that is a link or a file: exit 2.
    pub(crate) fn for_bundle(bundle: &RootedDir) -> Result<Self> {
        // A run that found no place beside it may be in there.
        Self::sweep_inside(bundle)?;
        let shown = bundle.show(b"");
        let real = absolute(bundle.path())?;
        let look = |errno: Errno| cannot("look at", &shown, &errno.into());
        if let (Some(around), Some(name)) = (real.parent(), real.file_name()) {
            let parent = open_parent(around)?;
            let reachable = mount::of(&parent).map_err(look)? == mount::of(bundle).map_err(look)?;
            if reachable
                && let Lock::Held(name, room) =
                    claim(&parent, &name_beside(name), around, &shown, Some(name))?
            {
                return Ok(Self { parent, name, room, made: None });
            }
        }
        let (parent, is_new) = attestation(bundle)?;
        let made = if is_new { Some(bundle.as_fd().try_clone_to_owned()) } else { None };
        let made = made.transpose().map_err(|error| cannot("open", &shown, &error))?;
        let failure = match claim(&parent, INSIDE, &real.join(ATTESTATION), &shown, None) {
            Ok(Lock::Held(name, room)) => return Ok(Self { parent, name, room, made }),
            Ok(Lock::NotMade(errno)) => {
                let place = format!("a directory in {}", bundle.show(ATTESTATION.as_bytes()));
                cannot("make", place, &errno.into())
            }
            Err(failure) => failure,
        };
        if made.is_some() {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
        Err(failure)
    }

    /// Removes what a killed run has left beside a bundle for which there is nothing to do. A room that
    /// a live run holds, or that cannot be removed, stays.
    pub(crate) fn sweep(bundle: &RootedDir) {
        let Ok(real) = absolute(bundle.path()) else { return };
        if let (Some(around), Some(name)) = (real.parent(), real.file_name())
            && around.join(name_beside(name)).as_std_path().symlink_metadata().is_ok()
        {
            drop(Self::for_bundle(bundle));
        }
    }

    /// Removes a room that a killed run has left inside a bundle, where its files would count as unlisted.
    /// One that a live run holds, or that belongs to another user: exit 2. One that cannot be removed
    /// stays, and does count.
    pub(crate) fn sweep_inside(bundle: &RootedDir) -> Result<()> {
        let Ok(attestation) = bundle.directory(ATTESTATION.as_bytes()) else { return Ok(()) };
        if !attestation.stat(INSIDE.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) == FileKind::Directory) {
            return Ok(());
        }
        let Ok(parent) = attestation.as_fd().try_clone_to_owned() else { return Ok(()) };
        match claim(&parent, INSIDE, attestation.path(), &bundle.show(b""), None) {
            Ok(Lock::Held(name, room)) => drop(Self { parent, name, room, made: None }),
            Err(failure) if failure.class() == Class::Usage => return Err(failure),
            Ok(Lock::NotMade(_)) | Err(_) => {}
        }
        Ok(())
    }

    /// The room itself.
    pub(crate) fn staging_dir(&self) -> &RootedDir {
        &self.room
    }

    /// The tree under construction, made when it is first asked for.
    pub(crate) fn tree(&self) -> Result<RootedDir> {
        self.directory(TREE, EXECUTABLE)
    }

    /// A new file in the room, of mode 0644 whatever the umask, to be written.
    pub(crate) fn file(&self, name: &str) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&self.room, name, flags, PLAIN)
            .and_then(|file| rustix::fs::fchmod(&file, PLAIN).map(|()| file));
        made.map(File::from).map_err(|errno| cannot("write", self.room.show(name.as_bytes()), &errno.into()))
    }

    fn directory(&self, name: &str, mode: Mode) -> Result<RootedDir> {
        let failed = |error: std::io::Error| cannot("make", self.room.show(name.as_bytes()), &error);
        match rustix::fs::mkdirat(&self.room, name, mode) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        rustix::fs::chmodat(&self.room, name, mode, AtFlags::empty())
            .map_err(|errno| failed(errno.into()))?;
        self.room.directory(name.as_bytes()).map_err(failed)
    }
}

impl Drop for Staging {
    /// The lock goes last, with the open directory. What cannot be removed is left to the next run.
    fn drop(&mut self) {
        let _ = remove::empty(&self.room);
        let _ = rustix::fs::unlinkat(&self.parent, self.name.as_str(), AtFlags::REMOVEDIR);
        if let Some(bundle) = &self.made {
            // Fails, as it should, when a signature has come in.
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
    }
}

/// The bundle's `attestation`, never over a link, and whether it was made just now.
pub(super) fn attestation(bundle: &RootedDir) -> Result<(OwnedFd, bool)> {
    let shown = || bundle.show(ATTESTATION.as_bytes());
    let made = match rustix::fs::mkdirat(bundle, ATTESTATION, EXECUTABLE) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(cannot("make", shown(), &errno.into())),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory =
        rustix::fs::openat(bundle, ATTESTATION, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => Failure::usage(format!("{} is not a directory", shown()))
                .hint("remove it: only the signature belongs there"),
            _ => cannot("open", shown(), &errno.into()),
        })?;
    if made {
        rustix::fs::fchmod(&directory, EXECUTABLE).map_err(|errno| cannot("make", shown(), &errno.into()))?;
    }
    Ok((directory, made))
}

/// `.NAME.aicr-staging`; with a digest in its place where that is too long for a name.
fn name_beside(name: &str) -> String {
    let plain = format!(".{name}.aicr-staging");
    if plain.len() <= super::name::MAX_COMPONENT {
        return plain;
    }
    format!(".{}.aicr-staging", Sha256Digest::of(name.as_bytes()))
}

fn open_parent(path: &Utf8Path) -> Result<OwnedFd> {
    let place = if path.as_str().is_empty() { "." } else { path.as_str() };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, place, flags, Mode::empty())
        .map_err(|errno| cannot("open", show(place.as_bytes()), &errno.into()))
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf> {
    let place = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
    place.canonicalize_utf8().map_err(|error| cannot("find", show(place.as_str().as_bytes()), &error))
}

#[cfg(test)]
mod tests;
