//! The files of one run of cosign, in a directory that no other user can read or write.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::temporary_place::TemporaryPlace;
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
/// More than the length of a marker.
const LONGEST_MARKER: u64 = 1 << 10;

/// A private directory for one run: mode 0700, locked during the run, removed after it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory<'p> {
    place: &'p TemporaryPlace,
    name: String,
    path: Utf8PathBuf,
    /// Its lock shows [`sweep`] that the run is active.
    directory: Dir,
    removed: bool,
}

impl<'p> PrivateDirectory<'p> {
    /// Makes one in `place`.
    pub(crate) fn new(place: &'p TemporaryPlace) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place.path())
            .context("make a private directory for cosign")
            .map_err(|error| Failure::from(error).hint("set TMPDIR to a writable directory"))?;
        let path = Utf8PathBuf::try_from(made.keep()).context("use a private directory that is not UTF-8")?;
        let name = path.file_name().unwrap_or_default().to_owned();
        let directory = open(place, &name).context("open the private directory of cosign");
        let directory = File::from(directory.inspect_err(|_| {
            let _ = unlinkat(place, &name, AtFlags::REMOVEDIR);
        })?);
        // Without locks on this file system, no other run can see this one either way.
        let _ = flock(&directory, FlockOperation::NonBlockingLockExclusive);
        let made = directory.metadata().context("look at the private directory of cosign");
        let directory = Dir::new(directory).context("read the private directory of cosign")?;
        let private = Self { place, name, path, directory, removed: false };
        place.refuse_foreign(&private.path, &made?)?;
        let directory = private.directory.fd().context("use the private directory of cosign")?;
        write(directory, MARKER, &boot()).with_context(|| format!("write {}", private.path.join(MARKER)))?;
        for name in ["home", "tmp"] {
            mkdirat(directory, name, Mode::RWXU)
                .with_context(|| format!("make {}", private.path.join(name)))?;
        }
        Ok(private)
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Writes a new file into it.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let directory = self.directory.fd().map_err(io::Error::from);
        let written = directory.and_then(|directory| write(directory, name, content));
        Ok(written.with_context(|| format!("write {}", self.path.join(name)))?)
    }

    /// Removes it, and reports a failure.
    pub(crate) fn close(mut self) -> Result<()> {
        self.removed = true;
        let removed = remove(self.place, &self.name, &mut self.directory);
        Ok(removed.context("remove the private directory of cosign")?)
    }
}

impl Drop for PrivateDirectory<'_> {
    fn drop(&mut self) {
        if !self.removed {
            let _ = remove(self.place, &self.name, &mut self.directory);
        }
    }
}

/// Opens a directory in another directory. Refuses a link.
fn open(above: impl AsFd, name: impl Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(above, name, flags, Mode::empty())
}

/// Creates a file. Refuses one that exists, and a link.
fn write(directory: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    File::from(openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?).write_all(content)
}

/// Removes one, its marker last, so that the rest of an interrupted removal can be identified. A
/// program that cosign has started may create a file in it at the same time.
fn remove(place: &TemporaryPlace, name: &str, directory: &mut Dir) -> io::Result<()> {
    for last in [false, true] {
        empty(directory, Some(MARKER.as_bytes()))?;
        if_present(unlinkat(directory.fd()?, MARKER, AtFlags::empty()))?;
        match unlinkat(place, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) if !last => {}
            removed => return if_present(removed),
        }
    }
    Ok(())
}

/// Removes everything in `directory` except `kept`. It follows no link.
fn empty(directory: &mut Dir, kept: Option<&[u8]>) -> io::Result<()> {
    directory.rewind();
    let entries = directory.by_ref().map(|entry| entry.map(|entry| entry.file_name().to_owned()));
    let names = entries.collect::<rustix::io::Result<Vec<_>>>()?;
    let directory = directory.fd()?;
    for name in names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
        if kept == Some(name.to_bytes()) {
            continue;
        }
        match unlinkat(directory, name, AtFlags::empty()) {
            // The error for a directory, on Linux and in POSIX.
            Err(Errno::ISDIR | Errno::PERM) => {}
            removed => {
                if_present(removed)?;
                continue;
            }
        }
        // This needs no descriptor if the directory is empty.
        match unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            removed => {
                if_present(removed)?;
                continue;
            }
        }
        empty(&mut Dir::new(open(directory, name)?)?, None)?;
        if_present(unlinkat(directory, name, AtFlags::REMOVEDIR))?;
    }
    Ok(())
}

/// A file that does not exist is removed already.
fn if_present(removed: rustix::io::Result<()>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The ID of this machine since its last boot. Other machines may share the temporary directory,
/// but not the locks.
fn boot() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Removes the private directories of killed runs in `place`: those of this user that no run has
/// locked. One that cannot be removed stays. So does one without a marker, because it may have
/// another owner.
pub(crate) fn sweep(place: &TemporaryPlace) {
    let Ok(entries) = place.path().read_dir_utf8() else { return };
    let boot = boot();
    for entry in entries.flatten().filter(|entry| entry.file_name().starts_with(PREFIX)) {
        let name = entry.file_name();
        let Ok(directory) = open(place, name).map(File::from) else { continue };
        let ours = |metadata: &Metadata| {
            let private = metadata.mode() & 0o7777 == 0o700;
            private && metadata.uid() == rustix::process::geteuid().as_raw()
        };
        let Some(metadata) = directory.metadata().ok().filter(ours) else { continue };
        let Some(marker) = marker_of(&directory) else { continue };
        let old = || metadata.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > ABANDONED));
        // A run that was killed while it wrote the marker has left an empty one.
        if !marker.is_empty() && marker != boot && !old() {
            continue;
        }
        if flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // A cosign that is still running would create its files again.
            let gone = format!("{}{GONE}", name.trim_end_matches(GONE));
            if renameat(place, name, place, &gone).is_ok()
                && let Ok(mut directory) = Dir::new(directory)
            {
                let _ = remove(place, &gone, &mut directory);
            }
        }
    }
}

/// The marker in a directory; `None` if there is none, or if it is not a regular file.
fn marker_of(directory: &File) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(directory, MARKER, flags, Mode::empty()).ok()?);
    let mut marker = Vec::new();
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    (is_file && file.take(LONGEST_MARKER).read_to_end(&mut marker).is_ok()).then_some(marker)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn place() -> (tempfile::TempDir, TemporaryPlace) {
        let place = tempfile::tempdir().unwrap();
        let opened = TemporaryPlace::open(Utf8Path::from_path(place.path()).unwrap()).unwrap();
        (place, opened)
    }

    #[test]
    fn it_is_private_and_removed() {
        let (_place, place) = place();
        let private = PrivateDirectory::new(&place).unwrap();
        let path = private.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        private.write("file", b"x").unwrap();
        private.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn only_directories_of_dead_runs_are_removed() {
        let (_place, place) = place();
        let path = place.path();
        let live = PrivateDirectory::new(&place).unwrap();
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
        let readable = make("aicr-open00", MARKER, &boot, 0o755);
        let other = make("other", MARKER, &boot, 0o700);
        let somebodys = make("aicr-release-keys", "private.key", &boot, 0o700);
        for kept in [&readable, &other, &somebodys] {
            age(kept);
        }
        std::os::unix::fs::symlink(&other, path.join("aicr-link00")).unwrap();
        sweep(&place);
        for gone in [&dead, &half_gone, &half_made, &forgotten, &path.join("aicr-dead00-gone")] {
            assert!(!gone.exists(), "{gone}");
        }
        for kept in [live.path(), &elsewhere, &readable, &other, &somebodys, &path.join("aicr-link00")] {
            assert!(kept.exists(), "{kept}");
        }
    }

    #[test]
    fn no_link_is_followed() {
        let (_place, place) = place();
        let outside = tempfile::tempdir().unwrap();
        let precious = outside.path().join("precious");
        std::fs::write(&precious, "").unwrap();
        let private = PrivateDirectory::new(&place).unwrap();
        let at = |name: &str| private.path().join(name);
        for link in ["link", "home/link", "tmp/deep/link"] {
            std::fs::create_dir_all(at(link).parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(outside.path(), at(link)).unwrap();
        }
        std::os::unix::fs::symlink(&precious, at("key.pub")).unwrap();
        assert!(private.write("key.pub", b"x").is_err());
        // A link that replaces it is not followed either.
        std::fs::rename(private.path(), place.path().join("moved")).unwrap();
        std::os::unix::fs::symlink(outside.path(), private.path()).unwrap();
        assert!(private.close().is_err());
        assert_eq!(std::fs::read(&precious).unwrap(), b"");
        assert_eq!(std::fs::read_dir(place.path().join("moved")).unwrap().count(), 0);
    }

    #[test]
    fn removing_one_that_is_gone_succeeds() {
        let (_place, place) = place();
        let private = PrivateDirectory::new(&place).unwrap();
        std::fs::remove_dir_all(private.path()).unwrap();
        private.close().unwrap();
    }
}
