//! Accepted names are relative paths without `..`, and every program reads them in the same way.

use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization as _;

use super::is_one_plain_line;
use crate::tree::name::{EntryName, check, is_denormal, windows_refuses};

pub(super) fn holds(bytes: &[u8]) {
    let name = match (check(bytes), EntryName::new(bytes)) {
        (Ok(name), Ok(entry)) => {
            assert_eq!((name.as_bytes(), entry.as_str()), (bytes, name));
            name
        }
        (Err(error), Err(again)) => {
            assert!(error == again && !is_allowed(bytes), "{error}");
            is_one_plain_line(&error.to_string());
            return;
        }
        (one, other) => panic!("{one:?} and {other:?}"),
    };
    assert!(is_allowed(bytes));
    let components: Vec<Component<'_>> = Path::new(name).components().collect();
    assert!(components.iter().all(|component| matches!(component, Component::Normal(_))));
    assert_eq!(components.len(), name.split('/').count());
    assert_eq!(is_denormal(name), name.nfc().collect::<String>() != name);
    if name.contains(['<', '>', ':', '"', '|', '?', '*']) {
        assert!(windows_refuses(name));
    }
}

/// The rules for names, written a second time.
pub(super) fn is_allowed(bytes: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(bytes) else { return false };
    let is_reserved = |name: &str| {
        let top = name.split('/').next().unwrap_or_default().trim_end_matches(['.', ' ']);
        // Only in Turkish is a dotless i the lower case of I.
        let folded = top.to_uppercase().to_lowercase();
        !top.contains('ı') && (folded == "checksums.txt" || folded == "attestation")
    };
    let is_control =
        |letter: char| matches!(letter, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\\');
    name.len() <= 4095
        && name != "-"
        && name.split('/').all(|part| !["", ".", ".."].contains(&part) && part.len() <= 255)
        && !name.contains(is_control)
        && !is_reserved(name)
}
