//! `--public-key-out`: the public key, left for the receivers. A different key that is already there is
//! somebody's trust anchor, and is never overwritten.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, AtFlags};

use super::ancestry::lies_in;
use super::rooted_dir::{OpenError, RootedDir, SmallError};
use super::{PLAIN, cannot, reason};
use crate::error::{Failure, Result};
use crate::printable::{is_hidden, show};

/// More than any public key has, in bytes.
const LIMIT: u64 = 64 * 1024;

/// The place of the file, checked.
#[derive(Debug)]
pub(crate) struct PublicKeyOut {
    path: Utf8PathBuf,
}

impl PublicKeyOut {
    /// Checks the place before any work: its directory exists, it is not below a bundle or an input, and
    /// nothing but a file is there. All else is exit 2.
    pub(crate) fn new(path: &Utf8Path, never_below: &[&Utf8Path]) -> Result<Self> {
        let out = Self { path: path.to_owned() };
        let shown = out.shown();
        if path.as_str().ends_with('/') || path.file_name().is_none() {
            return Err(Failure::usage(format!("{shown} does not name a file")));
        }
        // It is typed again, by people, as the key to verify with.
        if path.as_str().contains(is_hidden) {
            return Err(Failure::usage(format!("{shown} has a character in it that is not shown")));
        }
        let directory = out.directory()?;
        for holder in never_below {
            // An output that is yet to be made holds nothing that could be looked at.
            let absolute =
                |path| camino::absolute_utf8(path).map_err(|error| cannot("look at", &shown, &error));
            let inside = absolute(path)?.starts_with(absolute(holder)?)
                || lies_in(path, holder).map_err(|error| cannot("look at", &shown, &error))?;
            if inside {
                let holder = show(holder.as_str().as_bytes());
                return Err(Failure::usage(format!("{shown} lies in {holder}"))
                    .hint("write the key elsewhere: a key that comes with the files proves nothing"));
            }
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

    /// Whether this key may be written: nothing is there, or just that. Another content is exit 2.
    pub(crate) fn admits(&self, key: &[u8]) -> Result<()> {
        self.is_there(key).map(drop)
    }

    /// Writes the key, unless it is there already.
    pub(crate) fn write(&self, key: &[u8]) -> Result<()> {
        if self.is_there(key)? {
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
        // The umask does not count.
        file.as_file().set_permissions(mode).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        match file.persist_noclobber(&self.path) {
            Ok(_) => Ok(()),
            // Two runs at once, perhaps with one key.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => self.admits(key),
            Err(error) => Err(failed(error.error)),
        }
    }

    fn is_there(&self, key: &[u8]) -> Result<bool> {
        match self.directory()?.read_small(self.name(), LIMIT) {
            Ok(content) if content == key => Ok(true),
            Err(SmallError::Open(OpenError::Missing)) => Ok(false),
            Err(SmallError::Open(OpenError::System(error))) => Err(cannot("read", self.shown(), &error)),
            _ => Err(Failure::usage(format!("{} has another content than this public key", self.shown()))
                .hint("choose another file: a key that somebody may trust is not overwritten")),
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

/// An empty path is the working directory.
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
            assert!(failure.message().ends_with("has another content than this public key"));
            assert_eq!(failure.class().code(), 2);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
    }

    #[test]
    fn places_that_are_refused_before_any_work() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        std::fs::create_dir_all(path.join("in/sub")).unwrap();
        symlink("in/sub", path.join("link")).unwrap();
        symlink("x", path.join("dangling")).unwrap();
        for (name, words) in [
            ("in/sub/k", "lies in"),
            ("link/k", "lies in"),
            ("none/k", "there is no directory"),
            ("in", "lies in"),
            ("link", "lies in"),
            ("dangling", "is a symbolic link"),
            ("x/", "does not name a file"),
            ("two\nlines", "two\\u{a}lines has a character in it that is not shown"),
            ("hidden\u{200b}.pub", "hidden\\u{200b}.pub has a character in it that is not shown"),
        ] {
            let failure = PublicKeyOut::new(&path.join(name), &[&path.join("in")]).unwrap_err();
            assert!(failure.message().contains(words), "{name}: {}", failure.message());
            assert_eq!(failure.class().code(), 2);
        }
    }
}
