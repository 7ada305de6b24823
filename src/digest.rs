//! SHA-256: the digest as a value, and the one loop that reads a file to its end and hashes it. What
//! is opened, and what else is done with the bytes, is the caller's business.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::error::Failure;

/// The size of the buffer that a file is read with. Larger ones leave the second-level cache.
pub(crate) const BUFFER: usize = 256 * 1024;

/// From this size on a second thread that reads ahead costs less than it gains.
const WORTH_READING_AHEAD: u64 = 8 * 1024 * 1024;

/// How many buffers are under way between the thread that reads and the one that hashes.
const BUFFERS_AHEAD: usize = 4;

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

/// Hashes what is written through it on its way to `inner`.
pub(crate) struct Hashing<W> {
    inner: W,
    hasher: Sha256,
}

impl<W: io::Write> Hashing<W> {
    /// Begins with nothing written.
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    /// Flushes, and gives the digest of all that was written.
    pub(crate) fn finish(mut self) -> io::Result<Sha256Digest> {
        self.inner.flush()?;
        Ok(Sha256Digest(self.hasher.finalize().into()))
    }
}

impl<W: io::Write> io::Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Why a file was not read to its end.
#[derive(Debug)]
pub(crate) enum PourError {
    /// The file cannot be read.
    Read(io::Error),
    /// Whoever was handed the bytes does not want more.
    Stopped(Failure),
}

/// Reads `file`, of which `fstat` said `size`, to its end; hands every piece to `each`; gives the
/// digest and the number of bytes. All pieces but the last fill `buffer`, which is not empty.
///
/// `file` is a regular file: a short read that ends exactly at `size` is taken for the end, which
/// saves a system call a file. With `ahead`, a large file is read on a thread of its own.
pub(crate) fn pour(
    file: &File,
    size: u64,
    buffer: &mut [u8],
    ahead: bool,
    mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(Sha256Digest, u64), PourError> {
    let mut hasher = Sha256::new();
    let mut total = 0;
    let mut take = |piece: &[u8]| {
        each(piece).map_err(PourError::Stopped)?;
        hasher.update(piece);
        total += piece.len() as u64;
        Ok(())
    };
    let ahead = ahead && size >= WORTH_READING_AHEAD;
    if !ahead || !pour_ahead(file, size, buffer.len(), &mut take)? {
        let mut left = size;
        loop {
            let (filled, ended) = fill(file, left, buffer).map_err(PourError::Read)?;
            take(&buffer[..filled])?;
            if ended {
                break;
            }
            left = left.saturating_sub(filled as u64);
        }
    }
    Ok((Sha256Digest(hasher.finalize().into()), total))
}

/// The same with the reading on a second thread, a few buffers ahead. Where there cannot be one, nothing
/// is read, and the answer is no.
fn pour_ahead(
    file: &File,
    size: u64,
    length: usize,
    take: &mut impl FnMut(&[u8]) -> Result<(), PourError>,
) -> Result<bool, PourError> {
    thread::scope(|scope| {
        let (give_back, free) = channel::<Vec<u8>>();
        let (hand_on, filled) = sync_channel(BUFFERS_AHEAD);
        for _ in 0..BUFFERS_AHEAD {
            // The receiver is alive: it is in this function.
            let _ = give_back.send(vec![0; length]);
        }
        let read_ahead = move || {
            let mut left = size;
            // Ends with the file, or when the hashing side has gone and dropped its ends.
            for mut buffer in free {
                let outcome = fill(file, left, &mut buffer);
                let over = !matches!(outcome, Ok((_, false)));
                left = left.saturating_sub(outcome.as_ref().map_or(0, |(filled, _)| *filled as u64));
                if hand_on.send(outcome.map(|(filled, _)| (buffer, filled))).is_err() || over {
                    break;
                }
            }
        };
        if thread::Builder::new().spawn_scoped(scope, read_ahead).is_err() {
            return Ok(false);
        }
        for outcome in filled {
            let (buffer, filled) = outcome.map_err(PourError::Read)?;
            take(&buffer[..filled])?;
            // Fails only when the reader has finished, and then it needs no buffer.
            let _ = give_back.send(buffer);
        }
        Ok(true)
    })
}

/// Fills `buffer` or comes to the end of the file, of which `left` bytes are expected. Gives the
/// number of bytes and whether that was the end.
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
    fn hexadecimal_there_and_back() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256Digest::of(b"").to_string(), empty);
        assert_eq!(Sha256Digest::parse(empty.as_bytes()), Some(Sha256Digest::of(b"")));
        for wrong in [&empty[1..], &empty.to_uppercase(), &empty.replace('e', "g"), "", &format!("{empty}0")]
        {
            assert_eq!(Sha256Digest::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_is_read_whole_whatever_size_was_expected() {
        let bytes: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut buffer = [0; 512];
        for length in [0, 1, 511, 512, 513, 1024, bytes.len()] {
            for expected in [0, 1, length as u64, length as u64 + 1, 9_000_000] {
                for ahead in [false, true] {
                    let mut seen = Vec::new();
                    let poured = pour(&file_of(&bytes[..length]), expected, &mut buffer, ahead, |piece| {
                        seen.extend_from_slice(piece);
                        Ok(())
                    });
                    assert_eq!(poured.unwrap(), (Sha256Digest::of(&bytes[..length]), length as u64));
                    assert_eq!(seen, bytes[..length]);
                }
            }
        }
    }

    #[test]
    fn the_receiver_of_the_bytes_can_end_it() {
        let file = file_of(&[7; 4096]);
        for ahead in [false, true] {
            let stopped =
                pour(&file, WORTH_READING_AHEAD, &mut [0; 64], ahead, |_| Err(Failure::usage("enough")));
            assert!(matches!(stopped, Err(PourError::Stopped(failure)) if failure.message() == "enough"));
        }
    }

    #[test]
    fn what_is_written_through_is_hashed() {
        let mut written = Vec::new();
        let mut hashing = Hashing::new(&mut written);
        hashing.write_all(b"ab").unwrap();
        hashing.write_all(b"c").unwrap();
        assert_eq!(hashing.finish().unwrap(), Sha256Digest::of(b"abc"));
        assert_eq!(written, b"abc");
    }
}
