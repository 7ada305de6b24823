//! Small archives, read whole, cut off, and changed.

use super::super::header::header;
use super::super::writer::Writer;
use super::*;

const NAMES: [&str; 3] = ["checksums.txt", "a", "sub/b"];

fn properties(content: &[u8]) -> Properties {
    Properties { size: content.len() as u64, modified: 1_700_000_000, is_executable: false }
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, content) in entries {
        writer.begin(name, properties(content)).unwrap();
        writer.write(content).unwrap();
        writer.end(content.len() as u64).unwrap();
    }
    writer.finish().unwrap()
}

fn small() -> Vec<u8> {
    archive(&[("checksums.txt", b"manifest"), ("a", &[7; 512]), ("sub/b", b"")])
}

/// Reads an archive in which [`NAMES`] are due; the contents, or what is wrong.
fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    // A small buffer, so that everything goes over its end.
    let mut reader = Reader::new(io::BufReader::with_capacity(100, bytes));
    let mut contents = Vec::new();
    let mut read = || {
        for name in NAMES {
            let size = reader.accept(name)?.size;
            contents.push(reader.small_content(name, size, 600)?);
        }
        reader.finish()
    };
    match read() {
        Ok(()) => Ok(contents),
        Err(ReadError::Bad(bad)) => Err(bad.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn an_archive_is_read_as_it_was_written() {
    let contents = vec![b"manifest".to_vec(), vec![7; 512], Vec::new()];
    assert_eq!(read(&small()), Ok(contents));
}

#[test]
fn an_archive_that_is_cut_off() {
    let bytes = small();
    assert_eq!(bytes.len(), 3584);
    for length in (0..bytes.len()).step_by(128).chain([1, 3583]) {
        let expected = format!("it is cut off after {length} bytes");
        assert_eq!(read(&bytes[..length]), Err(expected));
    }
}

#[test]
fn every_changed_byte_of_headers_and_zeros_is_noticed() {
    let bytes = small();
    let (manifest, a) = (512..520, 1536..2048);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let is_content = manifest.contains(&at) || a.contains(&at);
        let found = read(&changed);
        assert_eq!(found.is_ok(), is_content, "byte {at}");
        let Err(said) = found else { continue };
        let (offset, due) = match at {
            0..512 | 520..1024 => (0, "checksums.txt"),
            1024..1536 => (1024, "a"),
            2048..2560 => (2048, "sub/b"),
            2560..3072 => (2560, "end"),
            _ => (3072, "end"),
        };
        let expected = match (due, at) {
            ("end", 2560..3072) => format!("at offset {offset}, it does not end"),
            ("end", _) => format!("at offset {offset}, it does not end with two blocks of zeros"),
            (due, 520..1024) => {
                format!("at offset {offset}, the last block of {due} is not filled with zeros")
            }
            (due, _) => format!("at offset {offset}, there is not the header that aicr writes for {due}"),
        };
        assert_eq!(said, expected, "byte {at}");
    }
}

#[test]
fn entries_that_are_not_due() {
    const SUMS: (&str, &[u8]) = ("checksums.txt", b"manifest");
    const A: (&str, &[u8]) = ("a", &[7; 512]);
    const B: (&str, &[u8]) = ("sub/b", b"");
    let more = [&small()[..], &[0; 512]].concat();
    let two = [small(), small()].concat();
    let one_zero = small()[..3072].to_vec();
    let large = Properties { size: 1 << 44, ..properties(b"") };
    for (bytes, expected) in [
        (archive(&[A, SUMS, B]), "at offset 0, it has a in place of checksums.txt"),
        (archive(&[SUMS, B, A]), "at offset 1024, it has sub/b in place of a"),
        (archive(&[SUMS, A, A, B]), "at offset 2048, it has a in place of sub/b"),
        (archive(&[SUMS, A]), "at offset 2048, it ends before sub/b"),
        (archive(&[]), "at offset 0, it ends before checksums.txt"),
        (archive(&[SUMS, A, B, B]), "at offset 2560, it does not end, but has sub/b"),
        (archive(&[SUMS, ("a", &[7; 601])]), "at offset 1024, a is larger than 600 bytes"),
        (archive(&[SUMS, ("../a", b"")]), "at offset 1024, it has ../a in place of a"),
        (more, "at offset 3584, it goes on after its end"),
        (two, "at offset 3584, it goes on after its end"),
        (one_zero, "it is cut off after 3072 bytes"),
        (header("checksums.txt", large), "at offset 0, checksums.txt is larger than 600 bytes"),
        (b"not a tar, and less than a block".to_vec(), "it is cut off after 32 bytes"),
        (vec![b'x'; 1024], "at offset 0, there is not the header that aicr writes for checksums.txt"),
    ] {
        assert_eq!(read(&bytes), Err(expected.to_owned()));
    }
}

/// A content of which the archive says that it is longer than the archive takes no memory.
#[test]
fn a_size_without_content() {
    let large = Properties { size: u64::MAX, ..properties(b"") };
    let bytes = header("checksums.txt", large);
    let mut reader = Reader::new(&bytes[..]);
    let size = reader.accept("checksums.txt").unwrap().size;
    let error = reader.small_content("checksums.txt", size, u64::MAX).unwrap_err();
    let ReadError::Bad(bad) = error else { panic!("{error:?}") };
    assert_eq!(bad.to_string(), format!("it is cut off after {} bytes", bytes.len()));
}

#[test]
fn the_next_name_is_not_consumed() {
    let bytes = small();
    let mut reader = Reader::new(&bytes[..]);
    for name in NAMES {
        for _ in 0..2 {
            assert_eq!(reader.next_name(name).unwrap().as_deref(), Some(name));
        }
        let size = reader.accept(name).unwrap().size;
        reader.content(name, size, |_| Ok(())).unwrap();
    }
    assert_eq!(reader.next_name("").unwrap(), None);
    reader.finish().unwrap();
}

#[test]
fn a_callback_stops_the_reading() {
    let bytes = small();
    let mut reader = Reader::new(&bytes[..]);
    reader.accept("checksums.txt").unwrap();
    let stopped = reader.content("checksums.txt", 8, |_| Err(Failure::usage("enough")));
    assert!(matches!(stopped, Err(ReadError::Stopped(failure)) if failure.message() == "enough"));
}
