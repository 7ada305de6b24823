//! An archive that is read to its end is the only one with its entries: written again, it has the same bytes. What is
//! wrong with any other is one line.

use super::is_one_plain_line;
use crate::archive::BLOCK;
use crate::archive::header::{self, Properties, header};
use crate::archive::reader::{ReadError, Reader};
use crate::archive::writer::Writer;

pub(super) fn holds(input: &[u8]) {
    is_read_and_written(input);
    // Few inputs have right checksums.
    is_read_and_written(&with_checksums(input));
    header_is_read(input);
}

fn is_read_and_written(input: &[u8]) {
    let mut reader = Reader::new(input);
    let mut writer = Writer::new(Vec::new());
    let mut read = || {
        while let Some(name) = reader.next_name("due")? {
            let properties = reader.accept(&name)?;
            let content = reader.small_content(&name, properties.size, u64::MAX)?;
            assert_eq!(content.len() as u64, properties.size);
            let written = writer
                .begin(&name, properties)
                .and_then(|()| writer.write(&content))
                .and_then(|()| writer.end(properties.size));
            assert!(written.is_ok());
        }
        reader.finish()
    };
    match read() {
        Ok(()) => assert!(writer.finish().is_ok_and(|bytes| bytes == input)),
        Err(ReadError::Bad(bad)) => is_one_plain_line(&bad.to_string()),
        Err(error) => panic!("{error:?}"),
    }
}

/// The input with the checksum in each block that a header would have there.
fn with_checksums(input: &[u8]) -> Vec<u8> {
    let mut repaired = input.to_vec();
    for block in repaired.chunks_exact_mut(BLOCK).filter(|block| block.iter().any(|byte| *byte != 0)) {
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    repaired
}

/// The header of a name and properties out of the input is read, and no other name is read from it.
fn header_is_read(input: &[u8]) {
    let Some((size, rest)) = input.split_first_chunk() else { return };
    let Some((modified, rest)) = rest.split_first_chunk() else { return };
    let Some((mode, name)) = rest.split_first() else { return };
    let Ok(name) = std::str::from_utf8(name) else { return };
    if name.is_empty() || name.len() > 4095 || name.contains('\0') {
        return;
    }
    let properties = Properties {
        size: u64::from_le_bytes(*size),
        modified: i64::from_le_bytes(*modified),
        is_executable: mode & 1 == 1,
    };
    let bytes = header(name, properties);
    assert_eq!(header::properties(&bytes, name), Some(properties));
    assert_eq!(header::name(&bytes).as_deref(), Some(name));
    assert_eq!(bytes.first_chunk().and_then(header::length), Some(bytes.len()));
}
