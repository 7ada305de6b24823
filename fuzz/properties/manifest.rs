//! An accepted manifest is the only text with its entries, and `sha256sum --check --strict` reads the same
//! entries. A text that sha256sum refuses is refused.

use super::{is_one_plain_line, name, sha256sum};
use crate::digest::Sha256Digest;
use crate::tree::manifest::{Entry, Manifest, render};

pub(super) fn holds(text: &[u8]) {
    let read = Manifest::unproven(text);
    assert_eq!(read.is_ok(), is_manifest(text));
    let manifest = match read {
        Ok(manifest) => manifest,
        Err(error) => {
            let failure = error.rejects("checksums.txt");
            is_one_plain_line(failure.message());
            // The message has at most 255 bytes of a name, and six letters for each byte.
            assert!(failure.message().len() < 1700);
            return;
        }
    };
    let entries: Vec<Entry<'_>> = (0..manifest.len()).map(|place| manifest.entry(place)).collect();

    let mut again = Vec::new();
    let digest = render(entries.iter().map(|entry| (entry.name, entry.digest)), &mut again);
    assert_eq!(again, text);
    assert_eq!(digest.ok(), Some(Sha256Digest::of(text)));

    let theirs = sha256sum::reads(text).unwrap_or_default();
    assert_eq!(theirs.len(), entries.len());
    for (line, (entry, (digest, name))) in entries.iter().zip(theirs).enumerate() {
        assert_eq!((entry.digest.to_string().as_bytes(), entry.name.as_bytes()), (digest, name));
        assert_eq!((manifest.find(name), manifest.name(line)), (Some(line), entry.name));
        assert_eq!(manifest.find(&[name, b"\0"].concat()), None);
    }
}

/// The grammar: lines of `<64 hex>  <path>\n`, sorted by the bytes of the path.
fn is_manifest(text: &[u8]) -> bool {
    let Some(text) = text.strip_suffix(b"\n") else { return false };
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.iter().all(|line| {
        line.len() > 66
            && line[..64].iter().all(|digit| b"0123456789abcdef".contains(digit))
            && line[64..].starts_with(b"  ")
            && name::is_allowed(&line[66..])
    }) && lines.is_sorted_by(|one, next| one[66..] < next[66..])
}
