//! Printable text is one plain line from which the bytes can be recovered, so that no two names look the same.

use super::is_one_plain_line;
use crate::printable::{is_hidden, show, show_path, tame};
use crate::system_error::reason;

pub(super) fn holds(bytes: &[u8]) {
    let shown = show(bytes);
    if !bytes.is_empty() {
        is_one_plain_line(&shown);
    }
    assert_eq!(unescaped(&shown).as_deref(), Some(bytes), "{shown}");
    assert_eq!(tame(&shown), shown);
    use std::os::unix::ffi::OsStrExt as _;
    assert_eq!(show_path(std::ffi::OsStr::from_bytes(bytes)), shown);

    let text = String::from_utf8_lossy(bytes);
    let tamed = tame(&text);
    assert!(!tamed.contains(is_hidden));
    assert_eq!(tame(&tamed), tamed);
    // Other characters do not change.
    let plain = |text: &str| text.chars().filter(|letter| !is_hidden(*letter)).collect::<String>();
    if !text.contains(is_hidden) {
        assert_eq!(tamed, text);
    }
    assert!(tamed.len() >= plain(&text).len());
    let words = reason(&std::io::Error::other(text.clone().into_owned()));
    assert!(words.len() <= text.len());
    if !text.contains("(os error ") {
        assert_eq!(words, text);
    }
}

/// The bytes of a printable text.
fn unescaped(shown: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = shown;
    while let Some((before, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = match escaped.as_bytes().first()? {
            b'\\' => {
                bytes.push(b'\\');
                &escaped[1..]
            }
            b'x' => {
                bytes.push(u8::from_str_radix(escaped.get(1..3)?, 16).ok()?);
                &escaped[3..]
            }
            b'u' => {
                let (number, after) = escaped.strip_prefix("u{")?.split_once('}')?;
                let letter = char::from_u32(u32::from_str_radix(number, 16).ok()?)?;
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                after
            }
            _ => return None,
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}
