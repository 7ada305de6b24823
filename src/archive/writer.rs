//! Writes an archive as a stream: headers, contents, and the zeros between and after them.

use std::io::{self, Write};

use super::header::{Properties, header};
use super::{BLOCK, padding};

/// How many blocks of zeros end an archive.
const END: usize = 2 * BLOCK;

/// An archive that is being written.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes an archive to `out`, which has a buffer if it needs one.
    pub(crate) fn new(out: W) -> Self {
        Self { out }
    }

    /// Begins an entry. Its content follows: exactly as many bytes as its size.
    pub(crate) fn begin(&mut self, name: &str, properties: Properties) -> io::Result<()> {
        self.out.write_all(&header(name, properties))
    }

    /// Writes a piece of the content.
    pub(crate) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.out.write_all(piece)
    }

    /// Ends an entry of this size.
    pub(crate) fn end(&mut self, size: u64) -> io::Result<()> {
        self.out.write_all(&[0; BLOCK][..padding(size)])
    }

    /// Writes the end of the archive, and returns what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; END])?;
        Ok(self.out)
    }
}

/// How many bytes an archive of these entries has.
pub(crate) fn length<'a>(entries: impl Iterator<Item = (&'a str, Properties)>) -> u64 {
    let of_entry = |(name, properties): (&str, Properties)| {
        let size = properties.size;
        (header(name, properties).len() as u64).saturating_add(size).saturating_add(padding(size) as u64)
    };
    entries.map(of_entry).fold(END as u64, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// What another program reads.
    #[test]
    fn the_crate_tar_reads_the_same() {
        let long = "n".repeat(101);
        let deep = format!("{}/{}", "d".repeat(120), "e".repeat(90));
        let entries: [(&str, &[u8], i64, bool); 5] = [
            ("checksums.txt", b"manifest", 1_700_000_000, false),
            ("app", &[7; 512], 0, true),
            (&long, b"", 1 << 33, false),
            (&deep, b"deep", 1, false),
            ("gr\u{fc}\u{df}e", &[8; 1025], 2, false),
        ];
        let properties = |content: &[u8], modified, is_executable| Properties {
            size: content.len() as u64,
            modified,
            is_executable,
        };
        let mut writer = Writer::new(Vec::new());
        for (name, content, modified, is_executable) in entries {
            writer.begin(name, properties(content, modified, is_executable)).unwrap();
            writer.write(content).unwrap();
            writer.end(content.len() as u64).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let of =
            |(name, content, modified, is_executable)| (name, properties(content, modified, is_executable));
        assert_eq!(length(entries.into_iter().map(of)), bytes.len() as u64);
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut read = archive.entries().unwrap();
        for (name, content, modified, is_executable) in entries {
            let mut entry = read.next().unwrap().unwrap();
            assert_eq!(entry.path_bytes(), name.as_bytes());
            assert_eq!(entry.header().mode().unwrap(), if is_executable { 0o755 } else { 0o644 });
            assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
            assert_eq!(entry.header().entry_type(), tar::EntryType::Regular);
            if modified < 1 << 33 {
                assert_eq!(entry.header().mtime().unwrap(), modified.unsigned_abs());
            }
            let mut found = Vec::new();
            entry.read_to_end(&mut found).unwrap();
            assert_eq!(found, content);
        }
        assert!(read.next().is_none());
    }
}
