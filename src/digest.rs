//! SHA-256: the digest as a value, and the one loop that reads and hashes a whole file. The caller opens
//! the file, and decides what else happens to its bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::error::Failure;

/// The size of the buffer that a file is read with. Larger ones leave the second-level cache.
pub(crate) const BUFFER: usize = 256 * 1024;

/// From this size on, a second thread that reads ahead saves more time than it costs.
const MIN_READ_AHEAD: u64 = 8 * 1024 * 1024;

/// The number of buffers that the reading and the hashing thread pass to each other.
const READ_AHEAD_BUFFERS: usize = 4;

/// A SHA-256 digest.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads exactly 64 lower-case hexadecimal digits.
    pub(crate) fn parse(hex: &[u8]) -> Option<Self> {
        let mut digest = [0; 32];
        if hex.len() != 64 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(digest))
    }

    /// The 32 bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Sha256Digest {
    fn from(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        Self::parse(digits.as_bytes()).ok_or_else(|| D::Error::custom("not a SHA-256"))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes to `inner`, and hashes what it writes.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: io::Write> HashingWriter<W> {
    /// A writer that has written nothing yet.
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    /// Flushes, and returns the digest of everything written.
    pub(crate) fn finish(mut self) -> io::Result<Sha256Digest> {
        self.inner.flush()?;
        Ok(Sha256Digest(self.hasher.finalize().into()))
    }
}

impl<W: io::Write> io::Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Why a file was not hashed to its end.
#[derive(Debug)]
pub(crate) enum HashError {
    /// The file cannot be read.
    Read(io::Error),
    /// The callback stopped the run.
    Stopped(Failure),
}

/// Reads `file`, whose size was `size` when it was opened, to its end. Calls `each` with every piece, and
/// returns the digest and the number of bytes. All pieces but the last fill `buffer`, which is not empty.
///
/// `file` is a regular file: a short read that ends exactly at `size` is the end, which saves one
/// system call for each file. With `read_ahead`, another thread reads a large file.
pub(crate) fn hash_file(
    file: &File,
    size: u64,
    buffer: &mut [u8],
    read_ahead: bool,
    mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(Sha256Digest, u64), HashError> {
    let mut hasher = Sha256::new();
    let mut total = 0;
    let mut take = |piece: &[u8]| {
        each(piece).map_err(HashError::Stopped)?;
        hasher.update(piece);
        total += piece.len() as u64;
        Ok(())
    };
    let read_ahead = read_ahead && size >= MIN_READ_AHEAD;
    if !read_ahead || !read_on_second_thread(file, size, buffer.len(), &mut take)? {
        let mut left = size;
        loop {
            let (filled, is_end) = fill(file, left, buffer).map_err(HashError::Read)?;
            take(&buffer[..filled])?;
            if is_end {
                break;
            }
            left = left.saturating_sub(filled as u64);
        }
    }
    Ok((Sha256Digest(hasher.finalize().into()), total))
}

/// Reads the file on a second thread, a few buffers ahead of `take`. Returns false, and reads nothing, if
/// the system does not start that thread.
fn read_on_second_thread(
    file: &File,
    size: u64,
    length: usize,
    take: &mut impl FnMut(&[u8]) -> Result<(), HashError>,
) -> Result<bool, HashError> {
    thread::scope(|scope| {
        let (return_buffer, free) = channel::<Vec<u8>>();
        let (send_filled, filled) = sync_channel(READ_AHEAD_BUFFERS);
        for _ in 0..READ_AHEAD_BUFFERS {
            // Cannot fail: the receiver is in this function.
            let _ = return_buffer.send(vec![0; length]);
        }
        let read_ahead = move || {
            let mut left = size;
            // Ends with the file, or when the hashing side has dropped its channels.
            for mut buffer in free {
                let outcome = fill(file, left, &mut buffer);
                let is_last = !matches!(outcome, Ok((_, false)));
                left = left.saturating_sub(outcome.as_ref().map_or(0, |(filled, _)| *filled as u64));
                if send_filled.send(outcome.map(|(filled, _)| (buffer, filled))).is_err() || is_last {
                    break;
                }
            }
        };
        if thread::Builder::new().spawn_scoped(scope, read_ahead).is_err() {
            return Ok(false);
        }
        for outcome in filled {
            let (buffer, filled) = outcome.map_err(HashError::Read)?;
            take(&buffer[..filled])?;
            // Fails only after the reader has finished and needs no more buffers.
            let _ = return_buffer.send(buffer);
        }
        Ok(true)
    })
}

/// Fills `buffer`, or reads to the end of the file, which is expected after `left` bytes. Returns the
/// number of bytes, and whether the file has ended.
fn fill(mut file: &File, left: u64, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => return Ok((filled, true)),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled as u64 == left && filled < buffer.len() {
            return Ok((filled, true));
        }
    }
    Ok((filled, false))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        file
    }

    #[test]
    fn a_digest_is_written_and_read_as_hexadecimal() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256Digest::of(b"").to_string(), empty);
        assert_eq!(Sha256Digest::parse(empty.as_bytes()), Some(Sha256Digest::of(b"")));
        for wrong in [&empty[1..], &empty.to_uppercase(), &empty.replace('e', "g"), "", &format!("{empty}0")]
        {
            assert_eq!(Sha256Digest::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_whole_file_is_read_whatever_size_was_expected() {
        let bytes: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut buffer = [0; 512];
        for length in [0, 1, 511, 512, 513, 1024, bytes.len()] {
            for expected in [0, 1, length as u64, length as u64 + 1, 9_000_000] {
                for read_ahead in [false, true] {
                    let mut seen = Vec::new();
                    let file = file_of(&bytes[..length]);
                    let hashed = hash_file(&file, expected, &mut buffer, read_ahead, |piece| {
                        seen.extend_from_slice(piece);
                        Ok(())
                    });
                    assert_eq!(hashed.unwrap(), (Sha256Digest::of(&bytes[..length]), length as u64));
                    assert_eq!(seen, bytes[..length]);
                }
            }
        }
    }

    #[test]
    fn the_callback_can_stop_the_run() {
        let file = file_of(&[7; 4096]);
        for read_ahead in [false, true] {
            let stop = |_: &[u8]| Err(Failure::usage("enough"));
            let stopped = hash_file(&file, MIN_READ_AHEAD, &mut [0; 64], read_ahead, stop);
            assert!(matches!(stopped, Err(HashError::Stopped(failure)) if failure.message() == "enough"));
        }
    }

    #[test]
    fn a_hashing_writer_hashes_what_it_writes() {
        let mut written = Vec::new();
        let mut writer = HashingWriter::new(&mut written);
        writer.write_all(b"ab").unwrap();
        writer.write_all(b"c").unwrap();
        assert_eq!(writer.finish().unwrap(), Sha256Digest::of(b"abc"));
        assert_eq!(written, b"abc");
    }
}
