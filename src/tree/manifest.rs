//! The manifest: one grammar, read strictly and written as a stream. Pure: other files read the disk,
//! and decide whether the bytes can be trusted.
//!
//! Deliberately absent: the other forms that checksum tools accept. A line that two programs read
//! differently can be used for a forgery. `foreign.rs` has the grammar for releases of others.

use std::fmt;
use std::io::{self, Write};

use super::MAX_ENTRIES;
use super::name::{self, NameError};
use crate::digest::{HashingWriter, Sha256Digest};
use crate::error::Failure;
use crate::printable::show;

pub(crate) mod foreign;

/// The largest manifest that is read, in bytes: 10 million entries with names of 40 bytes.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// Where the name begins in a line: after 64 digits and two spaces.
const NAME_AT: usize = 66;

/// The entries of a manifest: at least one, in ascending byte order of their names, each once.
///
/// The text is kept as it is, and each entry costs four more bytes.
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
    /// The entries of bytes that no signature has been verified for. The only callers are
    /// `--checksums-only`, the replacement of an old bundle, the refusal of a bundle as an input,
    /// `bundle-sign`, `sheet`, `inspect`, and `verify`, which keeps the result in an
    /// [`Early`](crate::cosign::verify_blob::Early) until cosign has accepted the signature.
    pub(crate) fn unproven(text: &'a [u8]) -> Result<Self, ManifestError> {
        let whole = |problem| ManifestError { line: None, problem };
        if text.len() as u64 > MAX_BYTES {
            return Err(whole(Problem::TooLarge));
        }
        if let Some(encoding) = foreign_encoding(text) {
            return Err(whole(encoding));
        }
        // No line is shorter than 68 bytes, so this capacity is enough.
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
            // MAX_BYTES fits in 32 bits.
            starts.push(u32::try_from(start).unwrap_or(u32::MAX));
            start += length + 1;
        }
        if starts.is_empty() { Err(whole(Problem::NoEntries)) } else { Ok(Self { text, starts }) }
    }

    /// The bytes.
    pub(crate) fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The number of listed files.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The entry of a line, counted from zero.
    pub(crate) fn entry(&self, line: usize) -> Entry<'a> {
        // The constructor has checked all lines.
        let digest = Sha256Digest::parse(&self.line(line)[..64]).unwrap_or_default();
        Entry { digest, name: self.name(line) }
    }

    /// The name in a line, counted from zero.
    pub(crate) fn name(&self, line: usize) -> &'a str {
        std::str::from_utf8(&self.line(line)[NAME_AT..]).unwrap_or_default()
    }

    /// The line of a name, if it is listed.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        let named = |start: &u32| {
            let rest = &self.text[*start as usize + NAME_AT..];
            rest.split(|byte| *byte == b'\n').next().unwrap_or_default()
        };
        self.starts.binary_search_by(|start| named(start).cmp(name)).ok()
    }

    fn line(&self, line: usize) -> &'a [u8] {
        let end = self.starts.get(line + 1).map_or(self.text.len(), |start| *start as usize);
        &self.text[self.starts[line] as usize..end - 1]
    }
}

/// Writes entries, which are sorted, as a manifest, and returns the digest of the manifest.
pub(crate) fn render<'a>(
    entries: impl Iterator<Item = (&'a str, Sha256Digest)>,
    out: impl Write,
) -> io::Result<Sha256Digest> {
    // Without the buffer, each line would be three small writes.
    let mut out = io::BufWriter::with_capacity(64 * 1024, HashingWriter::new(out));
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
    /// What is wrong with the manifest at `path`, which is ready to print.
    pub(crate) fn message(&self, path: impl fmt::Display) -> String {
        match self.line {
            Some(line) => format!("{path}: line {line} {}", self.problem),
            None => format!("{path} {}", self.problem),
        }
    }

    /// The rejection of the manifest at `path`, which is ready to print.
    pub(crate) fn rejects(&self, path: impl fmt::Display) -> Failure {
        Failure::rejected(self.message(path))
    }
}

/// What is wrong; displayed, the end of a sentence that begins with the file or the line.
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
    /// Lists the same file as another line, which has this number.
    SameAs(usize),
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
                return write!(f, "has a digest of {count} digits; a SHA-256 digest has 64");
            }
            Self::NotADigest => "does not begin with a SHA-256 digest",
            Self::Binary => "marks the file as binary (`*`); write two spaces between digest and name",
            Self::Tab => "has a tab between digest and name; write two spaces",
            Self::Separator => "does not have two spaces between digest and name",
            Self::NoNewline => "does not end in a newline",
            Self::Duplicate => "lists the same file as the line before",
            Self::SameAs(line) => return write!(f, "lists the same file as line {line}"),
            Self::OutOfOrder => "is out of order; lines are sorted by the bytes of the name",
            Self::Name(_, NameError::Empty) => "has no name",
            Self::Name(name, problem) => return write!(f, "lists `{name}`, which {problem}"),
        })
    }
}

/// An encoding other than plain UTF-8, recognized by the first bytes.
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
    checked_name(name, name::check(name))
}

/// The result of checking a name, with what is wrong with the line.
fn checked_name<'a>(name: &[u8], checked: Result<&'a str, NameError>) -> Result<&'a str, Problem> {
    checked.map_err(|problem| match (problem, name) {
        (_, name) if name.contains(&0) => Problem::Nul,
        (NameError::Control, [.., b'\r']) => Problem::CarriageReturn,
        (problem, name) => Problem::Name(show(&name[..name.len().min(name::MAX_COMPONENT)]), problem),
    })
}

/// What is wrong with a malformed line: the first problem that applies.
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
