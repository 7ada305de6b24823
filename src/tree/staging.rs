//! The private staging directory in which a bundle is built. A killed run leaves it unlocked, and the next
//! run for the same output removes it. `publish.rs` moves the result out of it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use lock::{Acquired, acquire};
use mark::{MARK, Mark};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::medium::set_mode_of_new;
use super::rooted_dir::{FileKind, RootedDir};
use super::target::Target;
use super::{ATTESTATION, EXECUTABLE, INNER_STAGING, PLAIN, STAGING_SUFFIX, cannot, mount, remove};
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::printable::show;

mod lock;
mod mark;

/// The name of the tree that is built.
pub(super) const TREE: &str = "bundle";

/// The name of the old bundle, if it is replaced in two steps.
pub(super) const OLD: &str = "old";

/// A staging directory of mode 0700, which this run alone uses. It is removed when the value is dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    /// The directory that contains it: the parent of the output, or the `attestation` of the bundle.
    pub(super) parent: OwnedFd,
    name: String,
    /// Open and locked.
    pub(super) dir: RootedDir,
    _mark: Mark,
    /// The bundle, if `attestation` was created in it for the staging directory.
    attestation_created_in: Option<OwnedFd>,
}

impl Staging {
    /// A staging directory next to an output that does not exist yet. If another run has it, that is
    /// exit 2.
    pub(crate) fn for_output(target: &Target) -> Result<Self> {
        let shown = show(target.path().as_str().as_bytes());
        Self::next_to(&target.parent(), target.name(), &shown, Some(target.name().as_bytes()))
    }

    /// A staging directory next to a file that does not exist yet, or that is replaced by a rename.
    pub(super) fn for_file(parent: &Utf8Path, name: &str, shown: &str) -> Result<Self> {
        Self::next_to(parent, name, shown, None)
    }

    fn next_to(directory: &Utf8Path, output: &str, shown: &str, restored: Option<&[u8]>) -> Result<Self> {
        let parent = open_parent(directory)?;
        let path = absolute(directory);
        let name = staging_name(output.as_bytes());
        match acquire(&parent, &name, &path, shown, restored)? {
            Acquired::Locked(dir, mark) => {
                Ok(Self { parent, name, dir, _mark: mark, attestation_created_in: None })
            }
            Acquired::NotCreated(errno) => {
                Err(cannot("write in", show(or_here(directory).as_str()), &errno.into()))
            }
        }
    }

    /// A staging directory for a change to an existing bundle. It is next to the bundle or, if it cannot be
    /// created there or the bundle is a mount point, in `attestation`. If `attestation` is a link or a file,
    /// that is exit 2.
    pub(crate) fn for_bundle(bundle: &RootedDir) -> Result<Self> {
        // Another run may have its staging directory there.
        Self::sweep_inside(bundle)?;
        let shown = bundle.show(b"");
        let path = or_here(bundle.path());
        let failed = |errno: Errno| cannot("access", &shown, &errno.into());
        let real = path.as_std_path().canonicalize();
        let real = real.map_err(|error| cannot("resolve", show(path.as_str()), &error))?;
        if let Some(output) = real.file_name() {
            let parent = rustix::fs::openat(bundle, "..", PARENT, Mode::empty()).map_err(failed)?;
            let output = output.as_bytes();
            let (name, around) = (staging_name(output), absolute(&path.join("..")));
            let is_on_same_mount =
                mount::of(&parent).map_err(failed)? == mount::of(bundle).map_err(failed)?;
            if is_on_same_mount
                && let Acquired::Locked(dir, mark) = acquire(&parent, &name, &around, &shown, Some(output))?
            {
                return Ok(Self { parent, name, dir, _mark: mark, attestation_created_in: None });
            }
        }
        let (parent, is_new) = attestation(bundle)?;
        let created_in = if is_new { Some(bundle.as_fd().try_clone_to_owned()) } else { None };
        let attestation_created_in =
            created_in.transpose().map_err(|error| cannot("open", &shown, &error))?;
        let name = INNER_STAGING.to_owned();
        let failure = match acquire(&parent, &name, &absolute(path).join(ATTESTATION), &shown, None) {
            Ok(Acquired::Locked(dir, mark)) => {
                return Ok(Self { parent, name, dir, _mark: mark, attestation_created_in });
            }
            Ok(Acquired::NotCreated(errno)) => {
                cannot("write in", bundle.show(ATTESTATION.as_bytes()), &errno.into())
            }
            Err(failure) => failure,
        };
        if attestation_created_in.is_some() {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
        Err(failure)
    }

    /// Removes the staging directory that a killed run has left next to a bundle. It stays if a run still
    /// uses it, or if it cannot be removed.
    pub(crate) fn sweep(bundle: &RootedDir) {
        let Ok(real) = or_here(bundle.path()).as_std_path().canonicalize() else { return };
        if let Some(name) = real.file_name()
            && real.with_file_name(staging_name(name.as_bytes())).symlink_metadata().is_ok()
        {
            drop(Self::for_bundle(bundle));
        }
    }

    /// Removes the staging directory that a killed run has left in `attestation`, because its files are
    /// unlisted. If a run still uses it, or it belongs to another user, that is exit 2. If it cannot be
    /// removed, it stays and is unlisted.
    pub(crate) fn sweep_inside(bundle: &RootedDir) -> Result<()> {
        let Ok(attestation) = bundle.directory(ATTESTATION.as_bytes()) else { return Ok(()) };
        if !attestation
            .stat(INNER_STAGING.as_bytes())
            .is_ok_and(|stat| FileKind::of(&stat) == FileKind::Directory)
        {
            return Ok(());
        }
        let Ok(parent) = attestation.as_fd().try_clone_to_owned() else { return Ok(()) };
        match acquire(&parent, INNER_STAGING, attestation.path(), &bundle.show(b""), None) {
            Ok(Acquired::Locked(dir, mark)) => {
                let name = INNER_STAGING.to_owned();
                drop(Self { parent, name, dir, _mark: mark, attestation_created_in: None });
            }
            Err(failure) if failure.class() == Class::Usage => return Err(failure),
            Ok(Acquired::NotCreated(_)) | Err(_) => {}
        }
        Ok(())
    }

    /// The staging directory.
    pub(crate) fn staging_dir(&self) -> &RootedDir {
        &self.dir
    }

    /// The directory of the tree that is built. The first call creates it.
    pub(crate) fn tree(&self) -> Result<RootedDir> {
        let failed = |error: std::io::Error| cannot("create", self.dir.show(TREE.as_bytes()), &error);
        match rustix::fs::mkdirat(&self.dir, TREE, EXECUTABLE) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        let tree = self.dir.directory(TREE.as_bytes()).map_err(failed)?;
        set_mode_of_new(&tree, EXECUTABLE).map_err(|errno| failed(errno.into()))?;
        Ok(tree)
    }

    /// A new file in the staging directory, with mode 0644 whatever the umask, open for writing.
    pub(crate) fn file(&self, name: &str) -> Result<File> {
        self.create_file(name).map_err(|error| cannot("write", self.dir.show(name.as_bytes()), &error))
    }

    /// The same with the error of the system.
    pub(super) fn create_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, name, flags, PLAIN)?;
        set_mode_of_new(&file, PLAIN)?;
        Ok(File::from(file))
    }
}

impl Drop for Staging {
    /// The lock is released last, with the open directory. The next run removes what cannot be removed now.
    fn drop(&mut self) {
        // What cannot be removed keeps its mark, or it would be taken for that of another machine.
        if remove::empty(&self.dir, MARK).is_ok() {
            let _ = rustix::fs::unlinkat(&self.dir, MARK, AtFlags::empty());
        }
        let _ = rustix::fs::unlinkat(&self.parent, self.name.as_str(), AtFlags::REMOVEDIR);
        if let Some(bundle) = &self.attestation_created_in {
            // Fails if it has the signature now, and then it has to stay.
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
    }
}

/// Opens or creates `attestation` in a bundle without following a link, and returns whether it was created.
pub(super) fn attestation(bundle: &RootedDir) -> Result<(OwnedFd, bool)> {
    let shown = || bundle.show(ATTESTATION.as_bytes());
    let created = match rustix::fs::mkdirat(bundle, ATTESTATION, EXECUTABLE) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(cannot("create", shown(), &errno.into())),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory =
        rustix::fs::openat(bundle, ATTESTATION, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => Failure::usage(format!("{} is not a directory", shown()))
                .hint(FileKind::File.removal_hint(&bundle.path().join(ATTESTATION))),
            _ => cannot("open", shown(), &errno.into()),
        })?;
    if created {
        set_mode_of_new(&directory, EXECUTABLE).map_err(|errno| cannot("create", shown(), &errno.into()))?;
    }
    Ok((directory, created))
}

/// `.NAME.aicr-staging`. If that is too long for a file name or NAME is not UTF-8, the digest of NAME takes its
/// place.
fn staging_name(name: &[u8]) -> String {
    let plain = std::str::from_utf8(name).map(|name| format!(".{name}{STAGING_SUFFIX}"));
    plain
        .ok()
        .filter(|plain| plain.len() <= super::name::MAX_COMPONENT)
        .unwrap_or_else(|| format!(".{}{STAGING_SUFFIX}", Sha256Digest::of(name)))
}

const PARENT: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn open_parent(path: &Utf8Path) -> Result<OwnedFd> {
    let path = or_here(path).as_str();
    rustix::fs::openat(CWD, path, PARENT, Mode::empty())
        .map_err(|errno| cannot("open", show(path), &errno.into()))
}

/// The absolute path for messages, or the path as it is if a directory above is not UTF-8.
fn absolute(path: &Utf8Path) -> Utf8PathBuf {
    let path = or_here(path);
    path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned())
}

/// The empty path is the working directory.
fn or_here(path: &Utf8Path) -> &Utf8Path {
    if path.as_str().is_empty() { Utf8Path::new(".") } else { path }
}

#[cfg(test)]
mod tests;
