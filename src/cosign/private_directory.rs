//! The files of one run of cosign, where nobody else can put or read any.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

use crate::error::{Failure, Result};

/// What the name of each begins with.
const PREFIX: &str = "aicr-";
/// In each as soon as it is locked: by this, and not by its name, one is known to be ours.
const MARK: &str = "private-directory-of-aicr";

/// A private directory for one run: 0700, locked as long as the run lives, removed with everything
/// in it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    /// Held open for its lock, by which [`sweep`] knows that the run is alive. Closed first: to remove
    /// the directory takes descriptors.
    lock: File,
    directory: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl PrivateDirectory {
    /// Makes one in `place`, a directory for temporary files.
    pub(crate) fn new(place: &Utf8Path) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place)
            .context("make a private directory for cosign")
            .map_err(|error| Failure::from(error).hint("set TMPDIR to a directory that can be written to"))?;
        let lock = File::open(directory.path()).context("open the private directory of cosign")?;
        // A file system without locks has no other run to tell either.
        let _ = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        let path = directory.path().canonicalize().context("resolve the private directory")?;
        let path = Utf8PathBuf::try_from(path).context("use a temporary directory that is not UTF-8")?;
        File::create_new(path.join(MARK)).context("write to the private directory of cosign")?;
        for name in ["home", "tmp"] {
            let below = path.join(name);
            std::fs::create_dir(&below).with_context(|| format!("make {below}"))?;
        }
        Ok(Self { lock, directory, path })
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        Ok(std::fs::write(&path, content).with_context(|| format!("write {path}"))?)
    }

    /// Removes it, and says so if that fails.
    pub(crate) fn close(self) -> Result<()> {
        drop(self.lock);
        match self.directory.close() {
            // Another run may have swept it already.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context("remove the private directory of cosign")?
            }
            _ => Ok(()),
        }
    }
}

/// Removes what runs that were killed have left in `place`: directories of ours, of this user, that
/// no run holds. What cannot be removed stays, and so does an empty one of a run that was killed before it
/// could mark it: it may be somebody's. They are in nobody's way.
pub(crate) fn sweep(place: &Utf8Path) {
    let Ok(entries) = place.read_dir_utf8() else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().starts_with(PREFIX)) {
        let path = entry.path();
        let ours = |metadata: &Metadata| {
            let private = metadata.is_dir() && metadata.mode() & 0o7777 == 0o700;
            private && metadata.uid() == rustix::process::geteuid().as_raw() && path.join(MARK).is_file()
        };
        if !path.symlink_metadata().is_ok_and(|metadata| ours(&metadata)) {
            continue;
        }
        let Ok(directory) = File::open(path) else { continue };
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // A cosign that outlives its run would put its files back.
            let gone = Utf8PathBuf::from(format!("{path}-gone"));
            if std::fs::rename(path, &gone).is_ok() {
                let _ = std::fs::remove_dir_all(&gone);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Utf8PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(place.path().canonicalize().unwrap()).unwrap();
        (place, path)
    }

    #[test]
    fn it_is_private_and_goes() {
        let (_place, path) = place();
        let private = PrivateDirectory::new(&path).unwrap();
        let path = private.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        private.write("file", b"x").unwrap();
        private.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_run_left_is_swept_and_nothing_else() {
        let (_place, path) = place();
        let live = PrivateDirectory::new(&path).unwrap();
        let make = |name: &str, mark: &str, mode: u32| {
            let made = path.join(name);
            std::fs::create_dir(&made).unwrap();
            std::fs::write(made.join(mark), "x").unwrap();
            std::fs::set_permissions(&made, Permissions::from_mode(mode)).unwrap();
            made
        };
        let dead = make("aicr-dead00", MARK, 0o700);
        let open = make("aicr-open00", MARK, 0o755);
        let other = make("other", MARK, 0o700);
        let somebodys = make("aicr-release-keys", "private.key", 0o700);
        std::os::unix::fs::symlink(&other, path.join("aicr-link00")).unwrap();
        sweep(&path);
        assert!(!dead.exists());
        for kept in [live.path(), &open, &other, &somebodys, &path.join("aicr-link00")] {
            assert!(kept.exists(), "{kept}");
        }
    }
}
