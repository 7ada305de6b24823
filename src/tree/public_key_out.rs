//! `--public-key-out`: writes the public key for the receivers. It never overwrites a different key,
//! because somebody may trust that one.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, AtFlags};

use super::ancestry::place_of;
use super::rooted_dir::{OpenError, RootedDir, SmallError};
use super::{PLAIN, cannot, reason};
use crate::error::{Failure, Result};
use crate::printable::{is_hidden, show};

/// Larger than any public key, in bytes.
const LIMIT: u64 = 64 * 1024;

/// The path of the file, checked.
#[derive(Debug)]
pub(crate) struct PublicKeyOut {
    path: Utf8PathBuf,
}

impl PublicKeyOut {
    /// Checks the path before any work: its directory exists, it is not in a bundle or an input, and it is
    /// free or a regular file. Otherwise it is exit 2.
    pub(crate) fn new(path: &Utf8Path, never_below: &[&Utf8Path]) -> Result<Self> {
        let out = Self { path: path.to_owned() };
        let shown = out.shown();
        if path.as_str().ends_with('/') || path.file_name().is_none() {
            return Err(Failure::usage(format!("{shown} does not name a file")));
        }
        // People type the path again, as the key to verify with.
        if path.as_str().contains(is_hidden) {
            return Err(Failure::usage(format!("{shown} contains an invisible character")));
        }
        let directory = out.directory()?;
        if let Some(place) = place_of(path, never_below).map_err(|error| cannot("access", &shown, &error))? {
            return Err(Failure::usage(format!("{shown} is inside {}", show(place.as_str())))
                .hint("write the key to another directory; a key that comes with the files proves nothing"));
        }
        match directory.file(out.name()) {
            Ok(_) => Ok(out),
            Err(OpenError::Missing) => {
                rustix::fs::accessat(&directory, ".", Access::WRITE_OK, AtFlags::EACCESS).map_err(
                    |errno| {
                        Failure::usage(format!("{shown} cannot be written: {}", reason(&errno.into())))
                            .hint("choose a file in another directory")
                    },
                )?;
                Ok(out)
            }
            Err(OpenError::NotRegular(kind)) => Err(Failure::usage(format!("{shown} is {kind}"))),
            Err(OpenError::System(error)) => Err(cannot("read", shown, &error)),
        }
    }

    /// Checks that the file does not exist, or has this key already. Other content is exit 2.
    pub(crate) fn admits(&self, key: &[u8]) -> Result<()> {
        self.has(key).map(drop)
    }

    /// Writes the key, unless the file has it already.
    pub(crate) fn write(&self, key: &[u8]) -> Result<()> {
        if self.has(key)? {
            return Ok(());
        }
        let failed = |error: io::Error| cannot("write", show(self.path.as_str().as_bytes()), &error);
        let directory = self.directory()?;
        let mode = Permissions::from_mode(PLAIN.bits());
        let mut file = tempfile::Builder::new()
            .prefix(".aicr-key-")
            .permissions(mode.clone())
            .tempfile_in(place(directory.path()))
            .map_err(failed)?;
        file.write_all(key).map_err(failed)?;
        // The umask may have removed bits.
        file.as_file().set_permissions(mode).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        match file.persist_noclobber(&self.path) {
            Ok(_) => Ok(()),
            // Another run has written it meanwhile, perhaps with the same key.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => self.admits(key),
            Err(error) => Err(failed(error.error)),
        }
    }

    fn has(&self, key: &[u8]) -> Result<bool> {
        match self.directory()?.read_small(self.name(), LIMIT) {
            Ok(content) if content == key => Ok(true),
            Err(SmallError::Open(OpenError::Missing)) => Ok(false),
            Err(SmallError::Open(OpenError::System(error))) => Err(cannot("read", self.shown(), &error)),
            _ => Err(Failure::usage(format!("{} exists and is not this public key", self.shown()))
                .hint("choose another file; aicr does not overwrite a key that somebody may trust")),
        }
    }

    fn directory(&self) -> Result<RootedDir> {
        RootedDir::open(self.path.parent().unwrap_or(Utf8Path::new("")))
    }

    fn name(&self) -> &[u8] {
        self.path.file_name().unwrap_or_default().as_bytes()
    }

    fn shown(&self) -> String {
        format!("--public-key-out {}", show(self.path.as_str().as_bytes()))
    }
}

/// The empty path is the working directory.
fn place(directory: &Utf8Path) -> &Utf8Path {
    if directory.as_str().is_empty() { Utf8Path::new(".") } else { directory }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn a_key_is_written_once_and_never_over_another() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap().join("cosign.pub");
        let out = PublicKeyOut::new(&path, &[]).unwrap();
        out.admits(b"one").unwrap();
        assert!(!path.exists());
        for _ in 0..2 {
            out.write(b"one").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"one");
        }
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        for refused in [out.write(b"two"), out.admits(b"two")] {
            let failure = refused.unwrap_err();
            assert!(failure.message().ends_with("exists and is not this public key"));
            assert_eq!(failure.class().code(), 2);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
    }

    #[test]
    fn wrong_paths_are_refused_before_any_work() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        std::fs::create_dir_all(path.join("in/sub")).unwrap();
        symlink("in/sub", path.join("link")).unwrap();
        symlink("x", path.join("dangling")).unwrap();
        for (name, words) in [
            ("in/sub/k", "is inside"),
            ("link/k", "is inside"),
            ("none/k", "/none does not exist"),
            ("in", "is inside"),
            ("link", "is inside"),
            ("dangling", "is a symbolic link"),
            ("x/", "does not name a file"),
            ("two\nlines", "two\\u{a}lines contains an invisible character"),
            ("hidden\u{200b}.pub", "hidden\\u{200b}.pub contains an invisible character"),
        ] {
            let failure = PublicKeyOut::new(&path.join(name), &[&path.join("in")]).unwrap_err();
            assert!(failure.message().contains(words), "{name}: {}", failure.message());
            assert_eq!(failure.class().code(), 2);
        }
    }
}
