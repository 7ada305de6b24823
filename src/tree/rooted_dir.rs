//! An open directory, in which no link is followed. Bundles and inputs are only opened through it, so
//! that nothing can make the program read a symbolic link, a FIFO or a device, at any time.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat};
use rustix::io::Errno;

use super::{cannot, reason};
use crate::error::{Failure, Result};
use crate::printable::{human_bytes, quoted_path, show};
use crate::system_error::is_exhaustion;

mod opened;

pub(crate) use opened::{Opened, WORLD_WRITABLE, change_stamp, size, stored};

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileKind {
    /// A regular file, the only kind that is read.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
}

impl FileKind {
    /// The kind according to the mode of an inode.
    pub(crate) fn of(stat: &Stat) -> Self {
        Self::of_type(FileType::from_raw_mode(stat.st_mode)).unwrap_or(Self::Device)
    }

    /// The kind according to a directory entry; nothing if the file system does not report it.
    fn of_type(file_type: FileType) -> Option<Self> {
        match file_type {
            FileType::RegularFile => Some(Self::File),
            FileType::Directory => Some(Self::Directory),
            FileType::Symlink => Some(Self::Link),
            FileType::Fifo => Some(Self::Fifo),
            FileType::Socket => Some(Self::Socket),
            FileType::CharacterDevice | FileType::BlockDevice => Some(Self::Device),
            FileType::Unknown => None,
        }
    }
}

impl FileKind {
    /// The hint to remove an entry of this kind.
    pub(crate) fn removal_hint(self, path: &Utf8Path) -> String {
        let command = if self == Self::Directory { "rm -r" } else { "rm" };
        format!("remove it: `{command} {}`", quoted_path(path))
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// An open directory, and its path as the user gave it.
#[derive(Debug)]
pub(crate) struct RootedDir {
    directory: OwnedFd,
    path: Utf8PathBuf,
    /// Whether the kernel has `openat2` (Linux 5.6 and later, unless a sandbox forbids it).
    has_openat2: bool,
}

/// Why a file cannot be opened; displayed, the end of a sentence that begins with its path.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// It does not exist.
    Missing,
    /// It is not a regular file.
    NotRegular(FileKind),
    /// An error of the operating system.
    System(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotRegular(kind) => write!(f, "is {kind}"),
            Self::System(error) => write!(f, "cannot be read: {}", reason(error)),
        }
    }
}

/// Why a small file was not read; displayed, the end of a sentence that begins with its path.
#[derive(Debug)]
pub(crate) enum SmallError {
    /// It cannot be opened.
    Open(OpenError),
    /// It is larger than this many bytes.
    TooLarge(u64),
}

impl SmallError {
    /// The rejection of the file at `path`, which is ready to print. It is exit 1 if this process has run
    /// out of resources, which says nothing about the file.
    pub(crate) fn rejects(&self, path: impl fmt::Display) -> Failure {
        match self {
            Self::Open(OpenError::System(error)) if is_exhaustion(error) => cannot("read", path, error),
            _ => Failure::rejected(format!("{path} {self}")),
        }
    }
}

impl fmt::Display for SmallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::TooLarge(limit) => write!(f, "is larger than {}", human_bytes(*limit)),
        }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opening a FIFO must not wait for a writer, and a terminal must not become the controlling terminal.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl RootedDir {
    /// Opens a directory by a path that may have links. If it does not exist, or is not a directory, that
    /// is exit 2.
    pub(crate) fn open(path: &Utf8Path) -> Result<Self> {
        let shown = show(path.as_str().as_bytes());
        // The empty path, which is the parent of a name without a directory, is the working directory.
        let place = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
        let directory = rustix::fs::openat(CWD, place.as_str(), DIRECTORY, Mode::empty()).map_err(
            |errno| match errno {
                Errno::NOENT => Failure::usage(format!("{shown} does not exist")),
                Errno::NOTDIR => Failure::usage(format!("{shown} is not a directory")),
                Errno::LOOP | Errno::NAMETOOLONG => {
                    Failure::usage(format!("{shown} is not a directory: {}", reason(&errno.into())))
                }
                _ => cannot("open", &shown, &errno.into()),
            },
        )?;
        Ok(Self::of(directory, path))
    }

    /// A directory that is open already; messages call it `path`.
    pub(crate) fn of(directory: OwnedFd, path: &Utf8Path) -> Self {
        // A sandbox that does not know the call answers EPERM, and an old kernel ENOSYS.
        let probe = rustix::fs::openat2(&directory, ".", LOOK, Mode::empty(), ResolveFlags::BENEATH);
        let has_openat2 = probe.map_or_else(|errno| is_exhaustion(&errno.into()), |_| true);
        Self { directory, path: path.to_owned(), has_openat2 }
    }

    /// The path of the directory, as the user gave it.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The path of an entry, ready to print.
    pub(crate) fn show(&self, path: &[u8]) -> String {
        let top = self.path.as_str();
        let slash = if top.is_empty() || top.ends_with('/') || path.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", show(top.as_bytes()), show(path))
    }

    /// Opens a regular file without blocking. The caller has seen, in a directory or by `stat`, that it is one.
    pub(crate) fn file(&self, path: &[u8]) -> Result<Opened, OpenError> {
        let opened = match self.resolve(path, READ) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Err(OpenError::Missing),
            // The second system call is only for the message.
            Err(errno) => return Err(self.is_file(path).err().unwrap_or(OpenError::System(errno.into()))),
        };
        let stat = rustix::fs::fstat(&opened).map_err(|errno| OpenError::System(errno.into()))?;
        match FileKind::of(&stat) {
            FileKind::File => Ok(Opened { file: File::from(opened), stat }),
            kind => Err(OpenError::NotRegular(kind)),
        }
    }

    /// Looks whether this is a regular file, without opening it: opening a device can have an effect already
    /// (a tape rewinds, a watchdog starts).
    fn is_file(&self, path: &[u8]) -> Result<(), OpenError> {
        match self.stat(path).map(|stat| FileKind::of(&stat)) {
            Ok(FileKind::File) => Ok(()),
            Ok(kind) => Err(OpenError::NotRegular(kind)),
            Err(error) => Err(match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) => OpenError::Missing,
                Some(Errno::LOOP) => OpenError::NotRegular(FileKind::Link),
                _ => OpenError::System(error),
            }),
        }
    }

    /// The content of a regular file, if it has at most `limit` bytes, when it is opened and while it is
    /// read.
    pub(crate) fn read_small(&self, path: &[u8], limit: u64) -> Result<Vec<u8>, SmallError> {
        let opened = self.is_file(path).and_then(|()| self.file(path)).map_err(SmallError::Open)?;
        if opened.size() > limit {
            return Err(SmallError::TooLarge(limit));
        }
        let mut bytes = Vec::new();
        // A file on a medium may be larger than the free memory.
        let size = usize::try_from(opened.size()).unwrap_or_default();
        let read = match bytes.try_reserve_exact(size.saturating_add(1)) {
            Ok(()) => opened.file.take(limit + 1).read_to_end(&mut bytes),
            Err(_) => Err(Errno::NOMEM.into()),
        };
        read.map_err(|error| SmallError::Open(OpenError::System(error)))?;
        if bytes.len() as u64 > limit { Err(SmallError::TooLarge(limit)) } else { Ok(bytes) }
    }

    /// The properties of an entry, or of the directory itself for the empty path. Links are not followed.
    pub(crate) fn stat(&self, path: &[u8]) -> io::Result<Stat> {
        if path.is_empty() {
            return Ok(rustix::fs::fstat(&self.directory)?);
        }
        // A path of one component has no directory that could be a link.
        if !path.contains(&b'/') {
            return Ok(rustix::fs::statat(&self.directory, path, AtFlags::SYMLINK_NOFOLLOW)?);
        }
        Ok(rustix::fs::fstat(self.resolve(path, LOOK)?)?)
    }

    /// Opens a directory in this one. The empty path opens this directory a second time.
    pub(crate) fn directory(&self, path: &[u8]) -> io::Result<Self> {
        let directory =
            self.resolve(if path.is_empty() { b"." } else { path }, DIRECTORY | OFlags::NOFOLLOW)?;
        let path = self.path.join(String::from_utf8_lossy(path).as_ref());
        Ok(Self { directory, path, has_openat2: self.has_openat2 })
    }

    /// Calls `each` with the name and kind of all entries of a directory, in no order, until it breaks. An
    /// entry that is removed meanwhile is left out. Returns the properties of the directory.
    pub(crate) fn entries(
        &self,
        path: &[u8],
        buffer: &mut DirectoryBuffer,
        mut each: impl FnMut(BorrowedFd<'_>, &[u8], FileKind) -> ControlFlow<()>,
    ) -> io::Result<Stat> {
        let directory =
            self.resolve(if path.is_empty() { b"." } else { path }, DIRECTORY | OFlags::NOFOLLOW)?;
        let stat = rustix::fs::fstat(&directory)?;
        let mut entries = RawDir::new(directory.as_fd(), &mut buffer.0);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let kind = match FileKind::of_type(entry.file_type()) {
                Some(kind) => kind,
                None => match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileKind::of(&stat),
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(errno.into()),
                },
            };
            if each(directory.as_fd(), name, kind).is_break() {
                break;
            }
        }
        Ok(stat)
    }

    /// Opens a relative path of plain components, without following links.
    fn resolve(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        if self.has_openat2 {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            return rustix::fs::openat2(&self.directory, path, flags, Mode::empty(), resolve);
        }
        let mut reached: Option<OwnedFd> = None;
        let mut rest = path;
        while let Some(slash) = rest.iter().position(|byte| *byte == b'/') {
            let from = reached.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
            reached = Some(step(from, plain(&rest[..slash])?)?);
            rest = &rest[slash + 1..];
        }
        let from = reached.as_ref().map_or(self.directory.as_fd(), AsFd::as_fd);
        let last = if path == b"." { rest } else { plain(rest)? };
        rustix::fs::openat(from, last, flags | OFlags::NOFOLLOW, Mode::empty())
    }
}

impl AsFd for RootedDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Opens one directory of a path. A link in its place gives the error that `openat2` gives.
fn step(from: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(from, name, flags, Mode::empty());
    if let Err(Errno::NOTDIR) = opened
        && let Ok(stat) = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)
        && FileKind::of(&stat) == FileKind::Link
    {
        return Err(Errno::LOOP);
    }
    opened
}

/// The component, unless it is empty, `.` or `..`.
fn plain(component: &[u8]) -> rustix::io::Result<&[u8]> {
    if matches!(component, b"" | b"." | b"..") { Err(Errno::XDEV) } else { Ok(component) }
}

/// A buffer that is reused for each directory.
pub(crate) struct DirectoryBuffer(Vec<MaybeUninit<u8>>);

impl DirectoryBuffer {
    /// 64 KiB, for about a thousand entries in each system call.
    pub(crate) fn new() -> Self {
        Self(vec![MaybeUninit::uninit(); 64 * 1024])
    }
}

#[cfg(test)]
mod tests;
