//! A file that a run creates for people to keep, such as a receipt: in a directory that exists, outside every bundle,
//! and never in place of another file.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, AtFlags, CWD, OFlags};
use rustix::io::Errno;

use super::ancestry::place_of;
use super::rooted_dir::RootedDir;
use super::{PLAIN, cannot, reason};
use crate::error::{Failure, Result};
use crate::printable::{is_hidden, show};

/// The path of the file, checked as far as that goes without looking for the file.
#[derive(Debug)]
pub(super) struct NewFile {
    flag: &'static str,
    path: Utf8PathBuf,
}

impl NewFile {
    /// Checks the path before any work: its directory exists, and it is in none of the `places`. `why` is the way out
    /// if it is. Otherwise it is exit 2.
    pub(super) fn new(flag: &'static str, path: &Utf8Path, places: &[&Utf8Path], why: &str) -> Result<Self> {
        let file = Self { flag, path: path.to_owned() };
        let shown = file.shown();
        if path.as_str().ends_with('/') || path.file_name().is_none() {
            return Err(Failure::usage(format!("{shown} does not name a file")));
        }
        // People type the path again.
        if path.as_str().contains(is_hidden) {
            return Err(Failure::usage(format!("{shown} contains an invisible character")));
        }
        file.directory()?;
        if let Some(place) = place_of(path, places).map_err(|error| cannot("access", &shown, &error))? {
            return Err(Failure::usage(format!("{shown} is inside {}", show(place.as_str()))).hint(why));
        }
        Ok(file)
    }

    /// Checks that a file can be created in the directory. Otherwise it is exit 2.
    pub(super) fn is_creatable(&self) -> Result<()> {
        rustix::fs::accessat(self.directory()?, ".", Access::WRITE_OK, AtFlags::EACCESS).map_err(|errno| {
            Failure::usage(format!("{} cannot be written: {}", self.shown(), reason(&errno.into())))
                .hint("choose a file in another directory")
        })
    }

    /// Creates the file with this content, which is on the disk afterwards. Returns false, and changes nothing, if
    /// another program has created it.
    pub(super) fn create(&self, content: &[u8]) -> Result<bool> {
        let directory = self.directory()?;
        let created = self.written(&directory, content);
        created.map_err(|error| cannot("write", show(self.path.as_str().as_bytes()), &error))
    }

    fn written(&self, directory: &RootedDir, content: &[u8]) -> io::Result<bool> {
        let is_created = if let Some(mut file) = unnamed(directory)? {
            fill(&mut file, content)?;
            let source = format!("/proc/self/fd/{}", file.as_raw_fd());
            match rustix::fs::linkat(CWD, source, directory, self.name(), AtFlags::SYMLINK_FOLLOW) {
                Err(Errno::EXIST) => false,
                linked => linked.map(|()| true)?,
            }
        } else {
            let place = if directory.path().as_str().is_empty() { "." } else { directory.path().as_str() };
            let mut file = tempfile::Builder::new().prefix(".aicr-new-").tempfile_in(place)?;
            fill(file.as_file_mut(), content)?;
            match file.persist_noclobber(&self.path) {
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => false,
                persisted => persisted.map(|_| true).map_err(|error| error.error)?,
            }
        };
        if is_created && let Err(error) = super::publish::sync(directory) {
            // The first error is reported, not one from here.
            let _ = rustix::fs::unlinkat(directory, self.name(), AtFlags::empty());
            return Err(error);
        }
        Ok(is_created)
    }

    /// Its directory.
    pub(super) fn directory(&self) -> Result<RootedDir> {
        RootedDir::open(self.path.parent().unwrap_or(Utf8Path::new("")))
    }

    /// Its name in its directory.
    pub(super) fn name(&self) -> &[u8] {
        self.path.file_name().unwrap_or_default().as_bytes()
    }

    /// The flag and the path, ready to print.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.flag, show(self.path.as_str().as_bytes()))
    }
}

/// A new file without a name, of which a killed run leaves nothing. None where the file system has no such files, or
/// where there is no `/proc` through which one gets a name.
fn unnamed(directory: &RootedDir) -> io::Result<Option<File>> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, ".", flags, PLAIN) {
        Ok(file) => Ok(std::fs::exists("/proc/self/fd")?.then(|| File::from(file))),
        Err(Errno::NOTSUP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Writes the content, which is on the disk afterwards.
fn fill(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    // The umask may have removed bits.
    file.set_permissions(Permissions::from_mode(PLAIN.bits()))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        let file = NewFile::new("--file", &path.join("f"), &[], "").unwrap();
        assert!(file.create(b"one").unwrap());
        assert!(!file.create(b"two").unwrap());
        assert_eq!(std::fs::read(path.join("f")).unwrap(), b"one");
        assert_eq!(std::fs::metadata(path.join("f")).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(std::fs::read_dir(path).unwrap().count(), 1);
        // As where there are no files without a name.
        let proc = NewFile::new("--file", Utf8Path::new("/proc/f"), &[], "").unwrap();
        assert_eq!(proc.create(b"").unwrap_err().class().code(), 1);
    }
}
