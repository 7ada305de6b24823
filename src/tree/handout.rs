//! A file for the receivers: the public key (`--public-key-out`), or the sheet (`sheet --output`). It
//! never overwrites different content, because somebody may trust that key, or have filled in that
//! sheet.

use camino::Utf8Path;

use super::cannot;
use super::new_file::NewFile;
use super::rooted_dir::{OpenError, SmallError};
use crate::error::{Failure, Result};

/// Larger than any public key and any sheet, in bytes.
const LIMIT: u64 = 64 * 1024;

/// What a file for the receivers holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HandoutKind {
    PublicKey,
    Sheet,
}

impl HandoutKind {
    /// The flag that names the file.
    fn flag(self) -> &'static str {
        match self {
            Self::PublicKey => "--public-key-out",
            Self::Sheet => "--output",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "public key",
            Self::Sheet => "sheet",
        }
    }

    /// The hint about a place in a bundle.
    fn elsewhere(self) -> &'static str {
        match self {
            Self::PublicKey => {
                "write the key to another directory; a key that comes with the files proves nothing"
            }
            Self::Sheet => {
                "write the sheet to another directory; a sheet that comes with the files proves nothing"
            }
        }
    }

    /// The hint about a file with other content.
    fn never_overwritten(self) -> &'static str {
        match self {
            Self::PublicKey => "choose another file; aicr does not overwrite a key that somebody may trust",
            Self::Sheet => {
                "choose another file; aicr does not overwrite a sheet that somebody may have filled in"
            }
        }
    }
}

/// The path of the file, checked.
#[derive(Debug)]
pub(crate) struct Handout {
    kind: HandoutKind,
    file: NewFile,
}

impl Handout {
    /// Checks the path before any work: its directory exists, it is not in a bundle or an input, and it is
    /// free or a regular file. Otherwise it is exit 2.
    pub(crate) fn new(kind: HandoutKind, path: &Utf8Path, never_below: &[&Utf8Path]) -> Result<Self> {
        let file = NewFile::new(kind.flag(), path, never_below, kind.elsewhere())?;
        let shown = file.shown();
        match file.directory()?.file(file.name()) {
            Ok(_) => Ok(Self { kind, file }),
            Err(OpenError::Missing) => file.is_creatable().map(|()| Self { kind, file }),
            Err(OpenError::NotRegular(kind)) => Err(Failure::usage(format!("{shown} is {kind}"))),
            Err(OpenError::System(error)) => Err(cannot("read", shown, &error)),
        }
    }

    /// Checks that the file does not exist, or has this content already. Other content is exit 2.
    pub(crate) fn admits(&self, content: &[u8]) -> Result<()> {
        self.has(content).map(drop)
    }

    /// Writes the content, unless the file has it already.
    pub(crate) fn write(&self, content: &[u8]) -> Result<()> {
        // Another run may write it meanwhile, perhaps with the same content.
        if self.has(content)? || self.file.create(content)? { Ok(()) } else { self.admits(content) }
    }

    fn has(&self, content: &[u8]) -> Result<bool> {
        let shown = self.file.shown();
        match self.file.directory()?.read_small(self.file.name(), LIMIT) {
            Ok(found) if found == content => Ok(true),
            Err(SmallError::Open(OpenError::Missing)) => Ok(false),
            Err(SmallError::Open(OpenError::System(error))) => Err(cannot("read", shown, &error)),
            _ => Err(Failure::usage(format!("{shown} exists and is not this {}", self.kind.name()))
                .hint(self.kind.never_overwritten())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn a_key_is_written_once_and_never_over_another() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap().join("cosign.pub");
        let out = Handout::new(HandoutKind::PublicKey, &path, &[]).unwrap();
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
            let failure =
                Handout::new(HandoutKind::PublicKey, &path.join(name), &[&path.join("in")]).unwrap_err();
            assert!(failure.message().contains(words), "{name}: {}", failure.message());
            assert_eq!(failure.class().code(), 2);
        }
    }
}
