//! The files of one run of cosign, where nobody else can put or read any.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::error::Result;

/// A private directory for one run: 0700, removed with everything in it.
#[derive(Debug)]
pub(crate) struct PrivateDirectory {
    directory: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl PrivateDirectory {
    /// Makes one below `parent`, or below the system's temporary directory.
    pub(crate) fn new(parent: Option<&Utf8Path>) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("aicr-").permissions(Permissions::from_mode(0o700));
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent),
            None => builder.tempdir(),
        }
        .context("make a private directory for cosign")?;
        let path = directory.path().canonicalize().context("resolve the private directory")?;
        let path =
            Utf8PathBuf::try_from(path).context("the temporary directory has a name that is not UTF-8")?;
        for name in ["home", "tmp"] {
            let below = path.join(name);
            std::fs::create_dir(&below).with_context(|| format!("make {below}"))?;
        }
        Ok(Self { directory, path })
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
        Ok(self.directory.close().context("remove the private directory of cosign")?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_private_directory_is_private_and_goes() {
        let private = PrivateDirectory::new(None).unwrap();
        let path = private.path().to_owned();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        private.write("file", b"x").unwrap();
        private.close().unwrap();
        assert!(!path.exists());
    }
}
