//! The header of an entry: the only form that is written, and the only one that is accepted. It is a ustar header. If
//! something does not fit in it, a pax header comes before it, with only the keys that do not fit.
//!
//! A size of 8 GiB or more is in both: busybox 1.35 ignores the pax header, unpacks an empty file and loses everything
//! after it.

use std::ops::Range;

use super::{BLOCK, padding};

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MODIFIED: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: Range<usize> = 257..265;
const DEVICE_MAJOR: Range<usize> = 329..337;
const DEVICE_MINOR: Range<usize> = 337..345;
const PREFIX: Range<usize> = 345..500;

const FILE: u8 = b'0';
const PAX: u8 = b'x';
const USTAR: &[u8] = b"ustar\x0000";

/// The name of every pax header.
const PAX_NAME: &[u8] = b"././@PaxHeader";

/// The largest number in a field of eleven octal digits.
const MAX_OCTAL: u64 = (1 << 33) - 1;

/// The largest content of a pax header that is read, in bytes. A path of 4,095 bytes, a size and a time have less.
const MAX_PAX: u64 = 9 * BLOCK as u64;

/// The largest header, in bytes.
pub(crate) const MAX_HEADER: usize = BLOCK + 9 * BLOCK + BLOCK;

/// What an archive says of a file, besides its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was modified: seconds since 1970, rounded down.
    pub(crate) modified: i64,
    pub(crate) is_executable: bool,
}

/// The header of a file with this name.
pub(crate) fn header(name: &str, properties: Properties) -> Vec<u8> {
    let Properties { size, modified, is_executable } = properties;
    let mut records = Vec::new();
    let (prefix, last) = split(name.as_bytes()).unwrap_or_else(|| {
        records.extend(record("path", name.as_bytes()));
        (b"", &name.as_bytes()[..NAME.len()])
    });
    let size_field = if size > MAX_OCTAL {
        records.extend(record("size", size.to_string().as_bytes()));
        base_256(size)
    } else {
        octal(size)
    };
    let seconds = u64::try_from(modified).ok().filter(|seconds| *seconds <= MAX_OCTAL).unwrap_or_else(|| {
        records.extend(record("mtime", modified.to_string().as_bytes()));
        0
    });
    let mut header = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        let length = records.len() as u64;
        header.extend_from_slice(&block(b"", PAX_NAME, false, octal(length), 0, PAX));
        header.extend_from_slice(&records);
        header.resize(header.len() + padding(length), 0);
    }
    header.extend_from_slice(&block(prefix, last, is_executable, size_field, seconds, FILE));
    header
}

/// The properties in the header of a file with this name; `None` if it is not exactly the header that [`header`] makes.
pub(crate) fn properties(bytes: &[u8], name: &str) -> Option<Properties> {
    let last = bytes.last_chunk::<BLOCK>()?;
    let is_pax_size = last[SIZE][0] & 0x80 != 0;
    let in_pax =
        |key: &str| records(bytes).find(|(found, _)| *found == key.as_bytes()).map(|(_, value)| value);
    let size = if is_pax_size { decimal(in_pax("size")?)? } else { number(&last[SIZE])? };
    let modified = match in_pax("mtime") {
        Some(value) => decimal(value)?,
        None => i64::try_from(number(&last[MODIFIED])?).ok()?,
    };
    let found = Properties { size, modified, is_executable: last[MODE][4..7] == *b"755" };
    // Whatever was not looked at above is compared here.
    (header(name, found) == bytes).then_some(found)
}

/// The name in a header, if it is one that [`header`] makes.
pub(crate) fn name(bytes: &[u8]) -> Option<String> {
    let last = bytes.last_chunk::<BLOCK>()?;
    let name = match records(bytes).find(|(key, _)| *key == b"path") {
        Some((_, path)) => path.to_vec(),
        None => match text(&last[PREFIX]) {
            b"" => text(&last[NAME]).to_vec(),
            prefix => [prefix, b"/", text(&last[NAME])].concat(),
        },
    };
    let name = String::from_utf8(name).ok()?;
    properties(bytes, &name).map(|_| name)
}

/// How long the header is that begins with this block, if it may be one.
pub(crate) fn length(first: &[u8; BLOCK]) -> Option<usize> {
    if first[KIND] != PAX {
        return Some(BLOCK);
    }
    let content = number(&first[SIZE]).filter(|content| (1..=MAX_PAX).contains(content))?;
    Some(BLOCK + usize::try_from(content).ok()? + padding(content) + BLOCK)
}

/// Whether a file that begins with these bytes may be an archive: whether its first entry has this name.
pub(crate) fn begins_with(head: &[u8], name: &str) -> bool {
    let header = head.first_chunk().and_then(length).and_then(|length| head.get(..length));
    let Some(last) = header.and_then(<[u8]>::last_chunk::<BLOCK>) else { return false };
    last[MAGIC] == *USTAR && text(&last[NAME]) == name.as_bytes() && text(&last[PREFIX]).is_empty()
}

/// Prefix and name of a path that fits in them. A short path has no prefix.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME.len() {
        return Some((b"", path));
    }
    // A slash after the last byte of the prefix is not stored.
    let slash = path.iter().take(PREFIX.len() + 1).rposition(|byte| *byte == b'/')?;
    let (prefix, name) = (&path[..slash], &path[slash + 1..]);
    (!prefix.is_empty() && !name.is_empty() && name.len() <= NAME.len()).then_some((prefix, name))
}

fn block(
    prefix: &[u8],
    name: &[u8],
    is_executable: bool,
    size: [u8; 12],
    modified: u64,
    kind: u8,
) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |field: &Range<usize>, value: &[u8]| {
        block[field.start..field.start + value.len()].copy_from_slice(value);
    };
    put(&NAME, name);
    put(&MODE, if is_executable { b"0000755" } else { b"0000644" });
    for field in [UID, GID, DEVICE_MAJOR, DEVICE_MINOR] {
        put(&field, b"0000000");
    }
    put(&SIZE, &size);
    put(&MODIFIED, &octal(modified));
    put(&MAGIC, USTAR);
    put(&PREFIX, prefix);
    // The checksum counts its own field as blanks.
    put(&CHECKSUM, b"        ");
    block[KIND] = kind;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Eleven octal digits and NUL, for a number up to [`MAX_OCTAL`].
fn octal(number: u64) -> [u8; 12] {
    let mut field = [0; 12];
    field[..11].copy_from_slice(format!("{number:011o}").as_bytes());
    field
}

/// The form of GNU tar for larger numbers: a bit, and then the number in binary.
fn base_256(number: u64) -> [u8; 12] {
    let mut field = [0; 12];
    field[0] = 0x80;
    field[4..].copy_from_slice(&number.to_be_bytes());
    field
}

/// A number in octal digits, up to the first NUL.
fn number(field: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text(field)).ok()?, 8).ok()
}

fn decimal<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A line of a pax header. It begins with its own length.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let with = |digits: usize| rest.len() + digits;
    // One more digit can make the length one digit longer.
    let digits = (1..9).find(|digits| with(*digits).to_string().len() == *digits).unwrap_or_default();
    [with(digits).to_string().as_bytes(), &rest].concat()
}

/// Keys and values of a pax header in front of the last block, up to the first line that is malformed.
fn records(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let content = header.get(BLOCK..header.len().saturating_sub(BLOCK)).unwrap_or_default();
    let mut rest = content;
    std::iter::from_fn(move || {
        let blank = rest.iter().position(|byte| *byte == b' ')?;
        let length: usize = decimal(&rest[..blank])?;
        let line = rest.get(blank + 1..length)?.strip_suffix(b"\n")?;
        rest = &rest[length..];
        let equals = line.iter().position(|byte| *byte == b'=')?;
        Some((&line[..equals], &line[equals + 1..]))
    })
}

#[cfg(test)]
mod tests;
