//! The manifest: one grammar, read strictly and written as a stream. Pure: who reads the disk, and
//! whether the bytes deserve belief, is decided elsewhere.
//!
//! What is deliberately not here: any of the other forms that checksum tools accept. A line that
//! two programs read differently is a forged line.

use std::fmt;
use std::io::{self, Write};

use super::MAX_ENTRIES;
use super::name::{self, NameError};
use crate::digest::{Hashing, Sha256Digest};
use crate::error::Failure;
use crate::printable::show;

/// The largest manifest that is read, in bytes: 10 million entries with names of 40 bytes.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// Where the name begins in a line: after 64 digits and two blanks.
const NAME_AT: usize = 66;

/// The entries of a manifest: at least one, in ascending byte order of their names, each once.
///
/// The text is kept as it is; an entry costs four bytes beside it.
#[derive(Debug)]
pub(crate) struct Manifest<'a> {
    text: &'a [u8],
    /// Where each line begins. [`MAX_BYTES`] fits.
    starts: Vec<u32>,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The digest that the file must have.
    pub(crate) digest: Sha256Digest,
    /// The checked name of the file.
    pub(crate) name: &'a str,
}

impl<'a> Manifest<'a> {
    /// The entries of bytes that nobody vouches for. Only for those who say so: `--checksums-only`,
    /// the replacement of an old bundle, `bundle-sign`, where we are about to vouch ourselves, and `verify`,
    /// which keeps what comes of it in an [`Early`](crate::cosign::verify_blob::Early).
    pub(crate) fn unproven(text: &'a [u8]) -> Result<Self, ManifestError> {
        let whole = |problem| ManifestError { line: None, problem };
        if text.len() as u64 > MAX_BYTES {
            return Err(whole(Problem::TooLarge));
        }
        if let Some(encoding) = foreign_encoding(text) {
            return Err(whole(encoding));
        }
        // No line is shorter than 68 bytes, so this never grows, and never outgrows the text.
        let mut starts = Vec::with_capacity(text.len() / (NAME_AT + 2));
        let mut start = 0;
        let mut last = "";
        while start < text.len() {
            let wrong = |problem| ManifestError { line: Some(starts.len() + 1), problem };
            if starts.len() == MAX_ENTRIES {
                return Err(whole(Problem::TooMany));
            }
            let Some(length) = text[start..].iter().position(|byte| *byte == b'\n') else {
                return Err(wrong(line(&text[start..]).err().unwrap_or(Problem::NoNewline)));
            };
            let name = line(&text[start..start + length]).map_err(wrong)?;
            if name <= last {
                return Err(wrong(if name == last { Problem::Duplicate } else { Problem::OutOfOrder }));
            }
            last = name;
            // The length was held against MAX_BYTES.
            starts.push(u32::try_from(start).unwrap_or(u32::MAX));
            start += length + 1;
        }
        if starts.is_empty() { Err(whole(Problem::NoEntries)) } else { Ok(Self { text, starts }) }
    }

    /// How many files are listed.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The entry at a place below [`Self::len`].
    pub(crate) fn entry(&self, place: usize) -> Entry<'a> {
        // Lines were checked when they were read.
        let digest = Sha256Digest::parse(&self.line(place)[..64]).unwrap_or_default();
        Entry { digest, name: self.name(place) }
    }

    /// The name at a place below [`Self::len`].
    pub(crate) fn name(&self, place: usize) -> &'a str {
        std::str::from_utf8(&self.line(place)[NAME_AT..]).unwrap_or_default()
    }

    /// The place of a name, if it is listed.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let named = |start: &u32| {
            let rest = &self.text[*start as usize + NAME_AT..];
            rest.split(|byte| *byte == b'\n').next().unwrap_or_default()
        };
        self.starts.binary_search_by(|start| named(start).cmp(name)).ok()
    }

    fn line(&self, place: usize) -> &'a [u8] {
        let end = self.starts.get(place + 1).map_or(self.text.len(), |start| *start as usize);
        &self.text[self.starts[place] as usize..end - 1]
    }
}

/// Writes entries, which come in order, as a manifest; gives the digest of what was written.
pub(crate) fn render<'a>(
    entries: impl Iterator<Item = (&'a str, Sha256Digest)>,
    out: impl Write,
) -> io::Result<Sha256Digest> {
    // Without the buffer this would be three small writes a line.
    let mut out = io::BufWriter::with_capacity(64 * 1024, Hashing::new(out));
    for (name, digest) in entries {
        writeln!(out, "{digest}  {name}")?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
}

/// Why bytes are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManifestError {
    /// The line, counted from one, if it is about a line.
    line: Option<usize>,
    problem: Problem,
}

impl ManifestError {
    /// The rejection of the manifest at `path`, which is fit to print.
    pub(crate) fn rejects(&self, path: impl fmt::Display) -> Failure {
        Failure::rejected(format!("{path}: {self}"))
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line} ")?;
        }
        write!(f, "{}", self.problem)
    }
}

/// What is wrong; displayed, it ends a sentence that begins with the file or the line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    TooLarge,
    TooMany,
    NoEntries,
    ByteOrderMark,
    Utf16,
    CarriageReturn,
    Nul,
    Blank,
    Comment,
    Escaped,
    Bsd,
    UpperCase,
    Digits(usize),
    NotADigest,
    Binary,
    Tab,
    Separator,
    NoNewline,
    Duplicate,
    OutOfOrder,
    Name(String, NameError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "is larger than 1 GiB",
            Self::TooMany => "has more than 10,000,000 entries",
            Self::NoEntries => "has no entries",
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::Utf16 => "is UTF-16, not UTF-8",
            Self::CarriageReturn => "ends in a carriage return (CRLF)",
            Self::Nul => "has a NUL byte",
            Self::Blank => "is blank",
            Self::Comment => "is a comment",
            Self::Escaped => "begins with a backslash, which marks an escaped name",
            Self::Bsd => "is in the BSD form (`SHA256 (name) = ...`)",
            Self::UpperCase => "has a digest in upper case",
            Self::Digits(count) => {
                return write!(f, "has a digest of {count} digits, where SHA-256 has 64");
            }
            Self::NotADigest => "does not begin with a SHA-256 digest",
            Self::Binary => "marks the file as binary (`*`), where two blanks belong",
            Self::Tab => "has a tab between digest and name, where two blanks belong",
            Self::Separator => "has no two blanks between digest and name",
            Self::NoNewline => "does not end in a newline",
            Self::Duplicate => "lists the same file as the line before",
            Self::OutOfOrder => "is out of order: lines are sorted by the bytes of the name",
            Self::Name(_, NameError::Empty) => "has no name",
            Self::Name(name, problem) => return write!(f, "lists `{name}`, which {problem}"),
        })
    }
}

/// Signs of a text that is not plain UTF-8, at its very beginning.
fn foreign_encoding(text: &[u8]) -> Option<Problem> {
    match text {
        [0xef, 0xbb, 0xbf, ..] => Some(Problem::ByteOrderMark),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(Problem::Utf16),
        _ => None,
    }
}

/// The checked name in a line without its newline.
fn line(line: &[u8]) -> Result<&str, Problem> {
    let well_formed = line.len() >= NAME_AT
        && line[..64].iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && line[64..NAME_AT] == *b"  ";
    if !well_formed {
        return Err(diagnose(line));
    }
    let name = &line[NAME_AT..];
    name::check(name).map_err(|problem| match (problem, name) {
        (_, name) if name.contains(&0) => Problem::Nul,
        (NameError::Control, [.., b'\r']) => Problem::CarriageReturn,
        (problem, name) => Problem::Name(show(&name[..name.len().min(name::MAX_COMPONENT)]), problem),
    })
}

/// The words for a line that has not the form. The first that fits is said.
fn diagnose(line: &[u8]) -> Problem {
    let digits = line.iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
    match line {
        _ if line.contains(&0) => Problem::Nul,
        [.., b'\r'] => Problem::CarriageReturn,
        _ if line.trim_ascii().is_empty() => Problem::Blank,
        [b'#' | b';', ..] => Problem::Comment,
        [b'\\', ..] => Problem::Escaped,
        [b'S' | b'M' | b'B', ..] if line.windows(2).any(|two| two == b" (") => Problem::Bsd,
        _ if !matches!(line.get(digits), None | Some(b' ' | b'\t' | b'*')) || digits == 0 => {
            Problem::NotADigest
        }
        _ if digits != 64 => Problem::Digits(digits),
        _ if line[..64].iter().any(u8::is_ascii_uppercase) => Problem::UpperCase,
        _ if line[64..].starts_with(b" *") => Problem::Binary,
        _ if line[64..].iter().take(2).any(|byte| *byte == b'\t') => Problem::Tab,
        _ => Problem::Separator,
    }
}

#[cfg(test)]
mod tests;
