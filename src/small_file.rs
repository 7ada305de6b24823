//! Reads small regular files: keys, and the files that cosign writes. It refuses a FIFO, a device and an
//! endless file without blocking. Also what is piped in.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

use camino::Utf8Path;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::Result as OrFailure;
use crate::interrupt::Interrupt;
use crate::printable::human_bytes;
use crate::system_error::reason;

/// Whether the path may be a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// The user typed the path, and may have meant a link.
    Follow,
    /// A program wrote the file, and would not create a link.
    Refuse,
}

/// The content of the regular file at `path`, which has at most `limit` bytes. The error is the end of
/// a sentence that begins with the path.
pub(crate) fn read(path: &Utf8Path, limit: u64, links: Links) -> Result<Vec<u8>, String> {
    let file = open(path, links)?;
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| cannot_be_read(&error))?;
    at_most(limit, content)
}

/// The first bytes of the regular file at `path`, at most this many; none if it cannot be read.
pub(crate) fn head(path: &Utf8Path, length: u64) -> Vec<u8> {
    let mut head = Vec::new();
    match open(path, Links::Follow).map(|file| file.take(length).read_to_end(&mut head)) {
        Ok(Ok(_)) => head,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Opens a regular file, without blocking at anything else.
pub(crate) fn open(path: &Utf8Path, links: Links) -> Result<File, String> {
    let flags = match links {
        Links::Follow => OFlags::NONBLOCK | OFlags::NOCTTY,
        Links::Refuse => OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW,
    };
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => "does not exist".to_owned(),
            Some(Errno::LOOP) if links == Links::Follow => "is a symbolic link to itself".to_owned(),
            Some(Errno::LOOP) => "is a symbolic link".to_owned(),
            // A socket.
            Some(Errno::NXIO) => "is not a regular file".to_owned(),
            _ => cannot_be_read(&error),
        })?;
    let metadata = file.metadata().map_err(|error| cannot_be_read(&error))?;
    if metadata.is_dir() {
        return Err("is a directory".into());
    }
    if !metadata.is_file() {
        return Err("is not a regular file".into());
    }
    Ok(file)
}

/// What is piped in, at most `limit` bytes. A signal ends the wait for it. The inner error is the end
/// of a sentence, as that of [`read`].
pub(crate) fn read_standard_input(limit: u64, interrupt: &Interrupt) -> OrFailure<Result<Vec<u8>, String>> {
    let stdin = rustix::stdio::stdin();
    let mut content = Vec::new();
    let mut buffer = [0; 4096];
    while content.len() as u64 <= limit {
        interrupt.wait_for_input(stdin)?;
        match rustix::io::read(stdin, &mut buffer) {
            Ok(0) => break,
            Ok(count) => content.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Ok(Err(cannot_be_read(&errno.into()))),
        }
    }
    Ok(at_most(limit, content))
}

fn at_most(limit: u64, content: Vec<u8>) -> Result<Vec<u8>, String> {
    if content.len() as u64 > limit {
        return Err(format!("is larger than {}", human_bytes(limit)));
    }
    Ok(content)
}

fn cannot_be_read(error: &io::Error) -> String {
    format!("cannot be read: {}", reason(error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn only_a_small_regular_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| Utf8PathBuf::try_from(directory.path().join(name)).unwrap();
        fs::write(at("file"), "1234").unwrap();
        fs::create_dir(at("directory")).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        drop(std::os::unix::net::UnixListener::bind(at("socket")).unwrap());
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo").as_std_path(), rustix::fs::Mode::RUSR).unwrap();

        assert_eq!(read(&at("file"), 4, Links::Refuse), Ok(b"1234".to_vec()));
        assert_eq!(read(&at("link"), 4, Links::Follow), Ok(b"1234".to_vec()));
        for (name, links, why) in [
            ("file", Links::Follow, "is larger than 3 bytes"),
            ("link", Links::Refuse, "is a symbolic link"),
            ("fifo", Links::Follow, "is not a regular file"),
            ("directory", Links::Follow, "is a directory"),
            ("missing", Links::Follow, "does not exist"),
            ("loop", Links::Follow, "is a symbolic link to itself"),
            ("socket", Links::Follow, "is not a regular file"),
        ] {
            assert_eq!(read(&at(name), 3, links), Err(why.into()), "{name}");
        }
        assert_eq!(read("/dev/zero".into(), 3, Links::Follow), Err("is not a regular file".into()));
    }
}
