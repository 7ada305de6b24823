//! Reads an archive once, from the beginning to the end, and never goes back: it may be a stream. The caller says which
//! entry comes next. Memory does not depend on the archive: one buffer, and a header.

use std::fmt;
use std::io::{self, BufRead};

use super::header::{self, Properties};
use super::{BLOCK, padding};
use crate::error::Failure;
use crate::printable::{human_bytes, show};

/// An archive that is being read.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: R,
    /// How many bytes were read.
    offset: u64,
    /// What comes next, if that was looked at.
    next: Option<Next>,
    /// Where the entry begins that was accepted last.
    entry: u64,
}

/// What comes next in an archive.
#[derive(Debug)]
struct Next {
    /// Where it begins.
    offset: u64,
    /// A header, or a block of zeros.
    bytes: Vec<u8>,
}

/// Why an archive cannot be read further.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It is not an archive that `aicr pack` writes.
    Bad(BadArchive),
    /// It cannot be read.
    Read(io::Error),
    /// The callback has stopped it.
    Stopped(Failure),
}

/// What is wrong with an archive; displayed, a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadArchive {
    /// Where its entry begins, or where it was cut off.
    pub(crate) offset: u64,
    pub(crate) problem: Problem,
    /// The entry that was due; empty if it was the end.
    pub(crate) due: String,
}

/// A way in which an archive is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It ends in the middle of an entry, or without its end.
    CutOff,
    /// Another header than `aicr pack` would write.
    Header,
    /// A good header, of another entry.
    Another(String),
    /// Its end comes before an entry.
    EndsEarly,
    /// After the content of the entry, there is something other than zeros.
    Padding,
    /// The entry has more than this many bytes.
    TooLarge(u64),
    /// One block of zeros, and then something else.
    End,
    /// More bytes after the end.
    Trailing,
    /// This volume has no bytes.
    EmptyVolume(String),
    /// This volume is missing, and a later one is there.
    MissingVolume(String),
    /// This volume comes after the end of the archive.
    VolumeBeyondEnd(String),
}

impl fmt::Display for BadArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, problem, due } = self;
        let due = show(due);
        match problem {
            Problem::CutOff => write!(f, "it is cut off after {offset} bytes"),
            Problem::Header if due.is_empty() => write!(f, "at offset {offset}, it does not end"),
            Problem::Header => {
                write!(f, "at offset {offset}, there is not the header that aicr writes for {due}")
            }
            Problem::Another(name) if due.is_empty() => {
                write!(f, "at offset {offset}, it does not end, but has {}", show(name))
            }
            Problem::Another(name) => {
                write!(f, "at offset {offset}, it has {} in place of {due}", show(name))
            }
            Problem::EndsEarly => write!(f, "at offset {offset}, it ends before {due}"),
            Problem::Padding => {
                write!(f, "at offset {offset}, the last block of {due} is not filled with zeros")
            }
            Problem::TooLarge(limit) => {
                write!(f, "at offset {offset}, {due} is larger than {}", human_bytes(*limit))
            }
            Problem::End => write!(f, "at offset {offset}, it does not end with two blocks of zeros"),
            Problem::Trailing => write!(f, "at offset {offset}, it goes on after its end"),
            Problem::EmptyVolume(volume) => write!(f, "{} is empty", show(volume)),
            Problem::MissingVolume(volume) => write!(f, "{} is missing", show(volume)),
            Problem::VolumeBeyondEnd(volume) => write!(f, "{} comes after its end", show(volume)),
        }
    }
}

impl From<BadArchive> for ReadError {
    fn from(bad: BadArchive) -> Self {
        Self::Bad(bad)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads an archive from its beginning.
    pub(crate) fn new(input: R) -> Self {
        Self { input, offset: 0, next: None, entry: 0 }
    }

    /// Where the bytes come from.
    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// Where the bytes come from, to change how they are read.
    pub(crate) fn input_mut(&mut self) -> &mut R {
        &mut self.input
    }

    /// The name of the next entry; `None` if it has no header that `aicr pack` writes.
    pub(crate) fn next_name(&mut self, due: &str) -> Result<Option<String>, ReadError> {
        let next = self.look(due)?;
        let name = header::name(&next.bytes);
        self.next = Some(next);
        Ok(name)
    }

    /// Reads the header of the next entry, which must have this name.
    pub(crate) fn accept(&mut self, name: &str) -> Result<Properties, ReadError> {
        let next = self.look(name)?;
        self.entry = next.offset;
        header::properties(&next.bytes, name).ok_or_else(|| next.is_wrong(name).into())
    }

    /// The same for an entry that is never executable.
    pub(crate) fn accept_plain(&mut self, name: &str) -> Result<Properties, ReadError> {
        let properties = self.accept(name)?;
        if properties.is_executable {
            return Err(bad(self.entry, Problem::Header, name));
        }
        Ok(properties)
    }

    /// Reads the content of the entry that was accepted last, which has this many bytes, and calls `each` with its
    /// pieces.
    pub(crate) fn content(
        &mut self,
        name: &str,
        size: u64,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), ReadError> {
        let mut left = size;
        while left > 0 {
            let piece = self.piece(name)?;
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            each(&piece[..length]).map_err(ReadError::Stopped)?;
            self.consume(length);
            left -= length as u64;
        }
        let mut block = [0; BLOCK];
        let end = &mut block[..padding(size)];
        self.fill(end, name)?;
        if end.iter().any(|byte| *byte != 0) {
            return Err(bad(self.entry, Problem::Padding, name));
        }
        Ok(())
    }

    /// The content of the entry that was accepted last, if it has at most `limit` bytes.
    pub(crate) fn small_content(&mut self, name: &str, size: u64, limit: u64) -> Result<Vec<u8>, ReadError> {
        if size > limit {
            return Err(bad(self.entry, Problem::TooLarge(limit), name));
        }
        // The archive may be cut off, so no memory is reserved for what it says.
        let mut content = Vec::new();
        self.content(name, size, |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    /// Reads the end: two blocks of zeros, and nothing more.
    pub(crate) fn finish(&mut self) -> Result<(), ReadError> {
        let first = self.look("")?;
        if !is_zero(&first.bytes) {
            return Err(first.is_wrong("").into());
        }
        let mut second = [0; BLOCK];
        let offset = self.offset;
        self.fill(&mut second, "")?;
        if !is_zero(&second) {
            return Err(bad(offset, Problem::End, ""));
        }
        if !self.is_at_end()? {
            return Err(bad(self.offset, Problem::Trailing, ""));
        }
        Ok(())
    }

    /// The next header, or block of zeros.
    fn look(&mut self, due: &str) -> Result<Next, ReadError> {
        if let Some(next) = self.next.take() {
            return Ok(next);
        }
        let offset = self.offset;
        let mut first = [0; BLOCK];
        self.fill(&mut first, due)?;
        let mut bytes = first.to_vec();
        // If it has no length, it is not a header, whatever comes next.
        if let Some(length) = header::length(&first) {
            bytes.resize(length, 0);
            self.fill(&mut bytes[BLOCK..], due)?;
        }
        Ok(Next { offset, bytes })
    }

    fn fill(&mut self, mut into: &mut [u8], due: &str) -> Result<(), ReadError> {
        while !into.is_empty() {
            let piece = self.piece(due)?;
            let length = into.len().min(piece.len());
            into[..length].copy_from_slice(&piece[..length]);
            into = &mut into[length..];
            self.consume(length);
        }
        Ok(())
    }

    /// The next bytes, at least one.
    fn piece(&mut self, due: &str) -> Result<&[u8], ReadError> {
        if self.is_at_end()? {
            return Err(bad(self.offset, Problem::CutOff, due));
        }
        self.input.fill_buf().map_err(ReadError::Read)
    }

    fn is_at_end(&mut self) -> Result<bool, ReadError> {
        loop {
            match self.input.fill_buf() {
                Ok(piece) => return Ok(piece.is_empty()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::Read(error)),
            }
        }
    }

    fn consume(&mut self, length: usize) {
        self.input.consume(length);
        self.offset += length as u64;
    }
}

impl Next {
    /// Why it is not the entry that was due.
    fn is_wrong(&self, due: &str) -> BadArchive {
        let problem = match header::name(&self.bytes) {
            _ if is_zero(&self.bytes) => Problem::EndsEarly,
            Some(name) => Problem::Another(name),
            None => Problem::Header,
        };
        BadArchive { offset: self.offset, problem, due: due.to_owned() }
    }
}

fn bad(offset: u64, problem: Problem, due: &str) -> ReadError {
    ReadError::Bad(BadArchive { offset, problem, due: due.to_owned() })
}

fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests;
