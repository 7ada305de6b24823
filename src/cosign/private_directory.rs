//! The files of one run of cosign, where nobody else can put or read any.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{FlockOperation, flock};

use crate::error::{Failure, Result};

/// The files in it that a command line names.
pub(super) mod private_file {
    /// A copy of the manifest, which is signed or verified.
    pub(crate) const BLOB: &str = "checksums.txt";
    /// The Sigstore bundle that cosign writes or reads.
    pub(crate) const BUNDLE: &str = "bundle.json";
    /// A bare signature in base64, as 2.0 to 2.3 read it.
    pub(crate) const SIGNATURE: &str = "signature.b64";
    /// The public key, PEM.
    pub(crate) const KEY: &str = "key.pub";
    /// The services that record a signature.
    pub(crate) const SIGNING_CONFIG: &str = "signing-config.json";
    /// The keys and certificates of these services.
    pub(crate) const TRUSTED_ROOT: &str = "trusted-root.json";
    /// An identity token.
    pub(crate) const TOKEN: &str = "identity-token";
    /// The key of a log, PEM: 2.4 and 2.5 sign with it instead of a trusted root.
    pub(crate) const LOG_KEY: &str = "log.pub";
    /// The key of a certificate transparency log, PEM.
    pub(crate) const CT_LOG_KEY: &str = "ct-log.pub";
    /// The chain of a certificate authority, PEM.
    pub(crate) const AUTHORITY: &str = "authority.pem";
}

/// What the name of each begins with.
const PREFIX: &str = "aicr-";
/// In each as soon as it is locked: by this, and not by its name, one is known to be ours.
const MARK: &str = "private-directory-of-aicr";
/// What the name of one ends with that is being swept.
const GONE: &str = "-gone";
/// At this age one of another machine, or of before this one was started, is held by nobody.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A private directory for one run: 0700, locked as long as the run lives, removed with everything
/// in it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    /// Held open for its lock, by which [`sweep`] knows that the run is alive. Closed first: to remove
    /// the directory takes descriptors.
    lock: Option<File>,
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
        let mark = std::fs::write(path.join(MARK), boot());
        mark.context("write to the private directory of cosign")?;
        for name in ["home", "tmp"] {
            let below = path.join(name);
            std::fs::create_dir(&below).with_context(|| format!("make {below}"))?;
        }
        let _ = directory.keep();
        Ok(Self { lock: Some(lock), path })
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
    pub(crate) fn close(mut self) -> Result<()> {
        drop(self.lock.take());
        Ok(remove(&self.path).context("remove the private directory of cosign")?)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        drop(self.lock.take());
        let _ = remove(&self.path);
    }
}

/// Removes one with its mark last, so that of a removal that was cut short the rest is known to be ours.
/// Another run may be sweeping it at the same time, and a cosign that outlived its run may be making a file.
fn remove(path: &Utf8Path) -> io::Result<()> {
    match remove_once(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => remove_once(path),
        removed => removed,
    }
}

fn remove_once(path: &Utf8Path) -> io::Result<()> {
    let there = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return there(Err(error)),
    };
    for entry in entries {
        let entry = entry?;
        let is_directory = entry.file_type().is_ok_and(|file_type| file_type.is_dir());
        if is_directory {
            there(std::fs::remove_dir_all(entry.path()))?;
        } else if entry.file_name() != MARK {
            there(std::fs::remove_file(entry.path()))?;
        }
    }
    there(std::fs::remove_file(path.join(MARK)))?;
    there(std::fs::remove_dir(path))
}

/// What tells this machine, since it was started, from others that may have the same directory for
/// temporary files and not the same locks.
fn boot() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Removes what runs that were killed have left in `place`: directories of ours, of this user, that
/// no run holds. What cannot be removed stays, and so does an empty one of a run that was killed before it
/// could mark it: it may be somebody's. They are in nobody's way.
pub(crate) fn sweep(place: &Utf8Path) {
    let Ok(entries) = place.read_dir_utf8() else { return };
    let boot = boot();
    for entry in entries.flatten().filter(|entry| entry.file_name().starts_with(PREFIX)) {
        let path = entry.path();
        let ours = |metadata: &Metadata| {
            let private = metadata.is_dir() && metadata.mode() & 0o7777 == 0o700;
            private && metadata.uid() == rustix::process::geteuid().as_raw()
        };
        let Some(metadata) = path.symlink_metadata().ok().filter(ours) else { continue };
        let Ok(mark) = std::fs::read(path.join(MARK)) else { continue };
        let old = || metadata.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        // One that was killed while it made its mark has made an empty one.
        if !mark.is_empty() && mark != boot && !old() {
            continue;
        }
        let Ok(directory) = File::open(path) else { continue };
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // A cosign that outlives its run would put its files back.
            let gone = Utf8PathBuf::from(format!("{}{GONE}", path.as_str().trim_end_matches(GONE)));
            if std::fs::rename(path, &gone).is_ok() {
                let _ = remove(&gone);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

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
        let make = |name: &str, mark: &str, content: &[u8], mode: u32| {
            let made = path.join(name);
            std::fs::create_dir_all(made.join("tmp/x")).unwrap();
            std::fs::write(made.join(mark), content).unwrap();
            std::fs::write(made.join("key.pub"), "x").unwrap();
            std::fs::set_permissions(&made, Permissions::from_mode(mode)).unwrap();
            made
        };
        let age = |made: &Utf8Path| {
            File::open(made).unwrap().set_modified(SystemTime::now() - 2 * ABANDONED).unwrap();
        };
        let boot = boot();
        let dead = make("aicr-dead00", MARK, &boot, 0o700);
        let half_gone = make("aicr-dead01-gone", MARK, &boot, 0o700);
        let half_made = make("aicr-dead03", MARK, b"", 0o700);
        let forgotten = make("aicr-dead02", MARK, b"elsewhere", 0o700);
        age(&forgotten);
        let elsewhere = make("aicr-alive0", MARK, b"elsewhere", 0o700);
        let open = make("aicr-open00", MARK, &boot, 0o755);
        let other = make("other", MARK, &boot, 0o700);
        let somebodys = make("aicr-release-keys", "private.key", &boot, 0o700);
        for kept in [&open, &other, &somebodys] {
            age(kept);
        }
        std::os::unix::fs::symlink(&other, path.join("aicr-link00")).unwrap();
        sweep(&path);
        for gone in [&dead, &half_gone, &half_made, &forgotten, &path.join("aicr-dead00-gone")] {
            assert!(!gone.exists(), "{gone}");
        }
        for kept in [live.path(), &elsewhere, &open, &other, &somebodys, &path.join("aicr-link00")] {
            assert!(kept.exists(), "{kept}");
        }
    }

    #[test]
    fn one_that_somebody_else_removed_is_removed() {
        let (_place, path) = place();
        let made = path.join("aicr-half00");
        std::fs::create_dir(&made).unwrap();
        std::fs::write(made.join(MARK), boot()).unwrap();
        remove(&made).unwrap();
        assert!(!made.exists());
        remove(&made).unwrap();
    }
}
