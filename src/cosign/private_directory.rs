//! The files of one run of cosign, in a directory that no other user can read or write.

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

/// How the name of each begins.
const PREFIX: &str = "aicr-";
/// The marker file in each, written once it is locked. The marker identifies a private directory,
/// not its name.
const MARKER: &str = "private-directory-of-aicr";
/// How the name of one ends while it is being removed.
const GONE: &str = "-gone";
/// From this age on, one of another machine, or from before the last boot, is no longer in use.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A private directory for one run: mode 0700, locked during the run, removed after it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    /// Open for its lock, which shows [`sweep`] that the run is active. It is closed before the
    /// directory is removed, because that needs descriptors.
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
            .map_err(|error| Failure::from(error).hint("set TMPDIR to a writable directory"))?;
        let lock = File::open(directory.path()).context("open the private directory of cosign")?;
        // Without locks on this file system, no other run can see this one either way.
        let _ = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        let path = directory.path().canonicalize().context("resolve the private directory")?;
        let path = Utf8PathBuf::try_from(path).context("use a temporary directory that is not UTF-8")?;
        let marker = std::fs::write(path.join(MARKER), boot());
        marker.with_context(|| format!("write {}", path.join(MARKER)))?;
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

    /// Removes it, and reports a failure.
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

/// Removes one, its marker last, so that the rest of an interrupted removal can be identified.
/// Another run may remove it at the same time, and a cosign that is still running may create a file
/// in it.
fn remove(path: &Utf8Path) -> io::Result<()> {
    match remove_once(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => remove_once(path),
        removed => removed,
    }
}

fn remove_once(path: &Utf8Path) -> io::Result<()> {
    let if_present = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    };
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return if_present(Err(error)),
    };
    for entry in entries {
        let entry = entry?;
        let is_directory = entry.file_type().is_ok_and(|file_type| file_type.is_dir());
        if is_directory {
            if_present(std::fs::remove_dir_all(entry.path()))?;
        } else if entry.file_name() != MARKER {
            if_present(std::fs::remove_file(entry.path()))?;
        }
    }
    if_present(std::fs::remove_file(path.join(MARKER)))?;
    if_present(std::fs::remove_dir(path))
}

/// The ID of this machine since its last boot. Other machines may share the temporary directory,
/// but not the locks.
fn boot() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Removes the private directories of killed runs in `place`: those of this user that no run has
/// locked. One that cannot be removed stays. So does one without a marker, because it may have
/// another owner.
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
        let Ok(marker) = std::fs::read(path.join(MARKER)) else { continue };
        let old = || metadata.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        // A run that was killed while it wrote the marker has left an empty one.
        if !marker.is_empty() && marker != boot && !old() {
            continue;
        }
        let Ok(directory) = File::open(path) else { continue };
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // A cosign that is still running would create its files again.
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
    fn it_is_private_and_removed() {
        let (_place, path) = place();
        let private = PrivateDirectory::new(&path).unwrap();
        let path = private.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        private.write("file", b"x").unwrap();
        private.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn only_directories_of_dead_runs_are_removed() {
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
        let dead = make("aicr-dead00", MARKER, &boot, 0o700);
        let half_gone = make("aicr-dead01-gone", MARKER, &boot, 0o700);
        let half_made = make("aicr-dead03", MARKER, b"", 0o700);
        let forgotten = make("aicr-dead02", MARKER, b"elsewhere", 0o700);
        age(&forgotten);
        let elsewhere = make("aicr-alive0", MARKER, b"elsewhere", 0o700);
        let open = make("aicr-open00", MARKER, &boot, 0o755);
        let other = make("other", MARKER, &boot, 0o700);
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
    fn removing_one_that_is_gone_succeeds() {
        let (_place, path) = place();
        let made = path.join("aicr-half00");
        std::fs::create_dir(&made).unwrap();
        std::fs::write(made.join(MARKER), boot()).unwrap();
        remove(&made).unwrap();
        assert!(!made.exists());
        remove(&made).unwrap();
    }
}
