//! The manifest of a release that aicr did not build, as checksum tools write it. It becomes a text
//! in the one grammar of [`super::Manifest`].
//!
//! More than in a manifest of aicr is accepted only where all tools read it alike: lines in any
//! order, a leading `./`, `*` for binary mode, and a last line without a newline.

use std::io::Write as _;

use super::{Manifest, ManifestError, NAME_AT, Problem, checked_name, diagnose, foreign_encoding, render};
use crate::digest::Sha256Digest;
use crate::tree::MAX_ENTRIES;
use crate::tree::name;

/// A manifest in the grammar of aicr, made from one in a wider grammar.
#[derive(Debug)]
pub(crate) struct ForeignManifest {
    /// Sorted lines.
    text: Vec<u8>,
    /// Whether a line lists the manifest itself, which no digest can be right for.
    pub(crate) lists_itself: bool,
}

/// One line: its number, counted from one, its digest and its name.
struct Line<'a> {
    number: usize,
    digits: &'a [u8],
    name: &'a str,
}

impl ForeignManifest {
    /// The entries of bytes that no signature has been verified for, as those of
    /// [`Manifest::unproven`]. `own_name` is the name of the manifest.
    pub(crate) fn unproven(text: &[u8], own_name: &str) -> Result<Self, ManifestError> {
        let whole = |problem| ManifestError { line: None, problem };
        if text.len() as u64 > super::MAX_BYTES {
            return Err(whole(Problem::TooLarge));
        }
        if let Some(encoding) = foreign_encoding(text) {
            return Err(whole(encoding));
        }
        let mut lines = Vec::new();
        let mut lists_itself = false;
        for (before, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = before + 1;
            if lines.len() == MAX_ENTRIES {
                return Err(whole(Problem::TooMany));
            }
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let (digits, name) =
                parts(line).map_err(|problem| ManifestError { line: Some(number), problem })?;
            if name == own_name {
                lists_itself = true;
            } else {
                lines.push(Line { number, digits, name });
            }
        }
        // A stable sort, so that of two lines with one name the later one is reported.
        lines.sort_by_key(|line| line.name);
        if let Some(two) = lines.windows(2).find(|two| two[0].name == two[1].name) {
            let problem = Problem::SameAs(two[0].number);
            return Err(ManifestError { line: Some(two[1].number), problem });
        }
        if lines.is_empty() {
            return Err(whole(Problem::NoEntries));
        }
        let mut sorted = Vec::with_capacity(text.len() + 1);
        for Line { digits, name, .. } in &lines {
            sorted.extend_from_slice(digits);
            // Writing to a vector cannot fail.
            let _ = writeln!(sorted, "  {name}");
        }
        Ok(Self { text: sorted, lists_itself })
    }

    /// The same with further entries. Those that are listed already stay as they are.
    #[must_use]
    pub(crate) fn with<'a>(&'a self, others: impl Iterator<Item = (&'a str, Sha256Digest)>) -> Self {
        let manifest = self.manifest();
        let mut entries: Vec<_> = (0..manifest.len())
            .map(|line| manifest.entry(line))
            .map(|entry| (entry.name, entry.digest))
            .chain(others.filter(|(name, _)| manifest.find(name.as_bytes()).is_none()))
            .collect();
        entries.sort_by_key(|(name, _)| *name);
        Self::of(&entries, self.lists_itself)
    }

    /// Only the entries with these line numbers, counted from zero.
    #[must_use]
    pub(crate) fn only(manifest: &Manifest<'_>, lines: impl Iterator<Item = usize>) -> Self {
        let entries: Vec<_> =
            lines.map(|line| manifest.entry(line)).map(|entry| (entry.name, entry.digest)).collect();
        Self::of(&entries, false)
    }

    /// These entries, which are sorted.
    fn of(entries: &[(&str, Sha256Digest)], lists_itself: bool) -> Self {
        let mut text = Vec::new();
        // Writing to a vector cannot fail.
        let _ = render(entries.iter().copied(), &mut text);
        Self { text, lists_itself }
    }

    /// The entries.
    pub(crate) fn manifest(&self) -> Manifest<'_> {
        let ends = self.text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let nexts = ends.map(|(end, _)| end + 1).take_while(|next| *next < self.text.len());
        // MAX_BYTES fits in 32 bits, and no line has become longer.
        let starts = std::iter::once(0).chain(nexts).map(|start| u32::try_from(start).unwrap_or(u32::MAX));
        Manifest { text: &self.text, starts: starts.collect() }
    }
}

/// The digest and the checked name in a line without its newline.
fn parts(line: &[u8]) -> Result<(&[u8], &str), Problem> {
    let well_formed = line.len() >= NAME_AT
        && line[..64].iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        && matches!(&line[64..NAME_AT], b"  " | b" *");
    if !well_formed {
        return Err(diagnose(line));
    }
    let (digits, name) = (&line[..64], &line[NAME_AT..]);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    checked_name(name, name::check_foreign(name)).map(|name| (digits, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const B: &str = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";

    fn read(text: &str) -> Result<(String, bool), String> {
        let read = ForeignManifest::unproven(text.as_bytes(), "SUMS").map_err(|why| why.message("SUMS"))?;
        let manifest = read.manifest();
        let mut again = Vec::new();
        let entries = (0..manifest.len()).map(|line| manifest.entry(line));
        super::super::render(entries.map(|entry| (entry.name, entry.digest)), &mut again).unwrap();
        assert_eq!(again, read.text);
        for line in 0..manifest.len() {
            assert_eq!(manifest.find(manifest.name(line).as_bytes()), Some(line));
        }
        Ok((String::from_utf8(again).unwrap(), read.lists_itself))
    }

    #[test]
    fn what_checksum_tools_write() {
        let two = format!("{A}  a\n{B}  b/c\n");
        for (text, expected, lists_itself) in [
            (two.clone(), two.clone(), false),
            (format!("{B}  b/c\n{A}  a\n"), two.clone(), false),
            (format!("{B} *b/c\n{A} *a"), two.clone(), false),
            (format!("{A}  ./a\n{B} *./b/c\n"), two.clone(), false),
            (format!("{A}  a\n{B}  SUMS\n{B}  b/c\n"), two.clone(), true),
            (format!("{A}  a\n{A}  ./SUMS\n{B} *SUMS\n{B}  b/c"), two, true),
            (format!("{A}  *a\n{A} **b\n"), format!("{A}  *a\n{A}  *b\n"), false),
            // What is reserved in a bundle of aicr is not reserved here.
            (
                format!("{A}  checksums.txt\n{A}  attestation/a\n"),
                format!("{A}  attestation/a\n{A}  checksums.txt\n"),
                false,
            ),
            (format!("{A}  sub/SUMS\n"), format!("{A}  sub/SUMS\n"), false),
            (format!("{A}   a \n"), format!("{A}   a \n"), false),
        ] {
            assert_eq!(read(&text), Ok((expected, lists_itself)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        let upper = A.to_uppercase();
        for (text, why) in [
            (String::new(), "SUMS has no entries"),
            (format!("{A}  SUMS\n"), "SUMS has no entries"),
            (format!("\u{feff}{A}  a\n"), "SUMS begins with a byte order mark"),
            (format!("{A}  a\r\n"), "SUMS: line 1 ends in a carriage return (CRLF)"),
            (format!("{A} *a\n{B}  b\r"), "SUMS: line 2 ends in a carriage return (CRLF)"),
            (format!("{upper}  a\n"), "SUMS: line 1 has a digest in upper case"),
            (format!("SHA256 (a) = {A}\n"), "SUMS: line 1 is in the BSD form (`SHA256 (name) = ...`)"),
            (format!("\\{A}  a\\nb\n"), "SUMS: line 1 begins with a backslash, which marks an escaped name"),
            (format!("{A}  a\n\n"), "SUMS: line 2 is blank"),
            (format!("# made by\n{A}  a\n"), "SUMS: line 1 is a comment"),
            (format!("{A}{A}  a\n"), "SUMS: line 1 has a digest of 128 digits; a SHA-256 digest has 64"),
            (format!("{A}\ta\n"), "SUMS: line 1 has a tab between digest and name; write two spaces"),
            (format!("{A} a\n"), "SUMS: line 1 does not have two spaces between digest and name"),
            (format!("{A}  b\n{A}  a\n{B}  b\n"), "SUMS: line 3 lists the same file as line 1"),
            (format!("{A}  a\n{A} *./a\n"), "SUMS: line 2 lists the same file as line 1"),
            (format!("{A}  \n"), "SUMS: line 1 has no name"),
            (format!("{A}  ./\n"), "SUMS: line 1 has no name"),
            (format!("{A}  ././a\n"), "SUMS: line 1 lists `./a`, which has a component `.` or `..`"),
            (format!("{A}  ../a\n"), "SUMS: line 1 lists `../a`, which has a component `.` or `..`"),
            (format!("{A}  /a\n"), "SUMS: line 1 lists `/a`, which is an absolute path"),
            (format!("{A}  .//a\n"), "SUMS: line 1 lists `/a`, which is an absolute path"),
            (
                format!("{A}  -\n"),
                "SUMS: line 1 lists `-`, which has a name that makes sha256sum read standard input",
            ),
            (format!("{A}  a\\b\n"), r"SUMS: line 1 lists `a\\b`, which has a backslash in its name"),
            (format!("{A}  a\0\n"), "SUMS: line 1 has a NUL byte"),
        ] {
            assert_eq!(read(&text), Err(why.to_owned()), "{text}");
        }
    }
}
