//! Names in a bundle: which are allowed, and which cause problems on other systems. Pure. `collision.rs`
//! finds names that collide, and `printable.rs` prints them.

use std::fmt;
use std::str;

use caseless::Caseless as _;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::collision::fold;
use super::{ATTESTATION, MANIFEST};

/// The longest path, in bytes: Linux allows 4,096 with the final NUL.
pub(crate) const MAX_PATH: usize = 4095;

/// The longest component of a path, in bytes: the limit of ext4, XFS and Btrfs.
pub(crate) const MAX_COMPONENT: usize = 255;

/// The path of a file in a bundle, checked: relative UTF-8 with `/` between components, without empty,
/// `.` and `..` components, control characters and backslashes, and not reserved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryName(Box<str>);

impl EntryName {
    /// Checks these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, NameError> {
        check(bytes).map(|name| Self(name.into()))
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with a name; displayed, the end of a sentence that begins with the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameError {
    /// No bytes.
    Empty,
    /// Begins with `/`.
    Absolute,
    /// Two slashes in a row, or one at the end.
    EmptyComponent,
    /// A component `.` or `..`.
    DotComponent,
    /// C0, DEL, C1, or the line and paragraph separators.
    Control,
    /// A backslash, which sha256sum escapes and which is a separator on Windows.
    Backslash,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// Longer than [`MAX_PATH`].
    TooLong,
    /// A component longer than [`MAX_COMPONENT`].
    LongComponent,
    /// `checksums.txt` or `attestation` at the top level, in upper or lower case.
    Reserved,
    /// `-` at the top level, which makes sha256sum read standard input.
    Dash,
}

impl NameError {
    /// Whether the name is well formed, but not allowed for payload.
    pub(crate) fn is_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Dash)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is an empty name",
            Self::Absolute => "is an absolute path",
            Self::EmptyComponent => "has an empty component",
            Self::DotComponent => "has a component `.` or `..`",
            Self::Control => "has a control character in its name",
            Self::Backslash => "has a backslash in its name",
            Self::NotUtf8 => "has a name that is not UTF-8",
            Self::TooLong => "has a path of more than 4,095 bytes",
            Self::LongComponent => "has a component of more than 255 bytes",
            Self::Reserved => "has a name that is reserved in a bundle",
            Self::Dash => "has a name that makes sha256sum read standard input",
        })
    }
}

/// The bytes as text, if they may be the path of a payload file.
pub(crate) fn check(bytes: &[u8]) -> Result<&str, NameError> {
    let name = check_foreign(bytes)?;
    if is_reserved(name) {
        return Err(NameError::Reserved);
    }
    Ok(name)
}

/// The same in a release that aicr did not build, where no name is reserved.
pub(super) fn check_foreign(bytes: &[u8]) -> Result<&str, NameError> {
    match bytes {
        [] => return Err(NameError::Empty),
        [b'/', ..] => return Err(NameError::Absolute),
        b"-" => return Err(NameError::Dash),
        _ if bytes.len() > MAX_PATH => return Err(NameError::TooLong),
        _ => {}
    }
    for component in bytes.split(|byte| *byte == b'/') {
        match component {
            [] => return Err(NameError::EmptyComponent),
            b"." | b".." => return Err(NameError::DotComponent),
            _ if component.len() > MAX_COMPONENT => return Err(NameError::LongComponent),
            _ => {}
        }
    }
    let name = str::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
    if bytes.contains(&b'\\') {
        return Err(NameError::Backslash);
    }
    let control = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    if name.contains(control) {
        return Err(NameError::Control);
    }
    Ok(name)
}

/// Whether the first component is reserved on a file system that ignores case, or that removes dots and
/// spaces at the end of a name.
fn is_reserved(name: &str) -> bool {
    let top = name.split('/').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    // Folding does not change the length of ASCII, so this decides about almost every name.
    if top.is_ascii() && top.len() != MANIFEST.len() && top.len() != ATTESTATION.len() {
        return false;
    }
    let folded = fold(top);
    folded == MANIFEST || folded == ATTESTATION
}

/// Whether Windows does not allow a file with this name: a device, a special character, or a dot or space
/// at the end of a component.
pub(crate) fn windows_refuses(name: &str) -> bool {
    name.split('/').any(|component| {
        let stem = component.split('.').next().unwrap_or_default().trim_end_matches(' ');
        component.ends_with(['.', ' '])
            || component.contains(['<', '>', ':', '"', '|', '?', '*'])
            || is_device(stem)
    })
}

/// Whether this is a device name of Windows, which is reserved with any extension (Microsoft, "Naming
/// Files, Paths, and Namespaces").
fn is_device(stem: &str) -> bool {
    let plain = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    if plain.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let mut letters = stem.chars();
    let numbered = letters.next_back().is_some_and(|last| matches!(last, '0'..='9' | '¹' | '²' | '³'));
    numbered && ["com", "lpt"].iter().any(|device| letters.as_str().eq_ignore_ascii_case(device))
}

/// What two different names have in common, in words, if they differ only in what a file system may change.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> Option<&'static str> {
    let (one, other) = (str::from_utf8(one).ok()?, str::from_utf8(other).ok()?);
    if one.nfd().eq(other.nfd()) {
        Some("the names differ only in their Unicode normal form")
    } else if one.chars().default_case_fold().eq(other.chars().default_case_fold()) {
        Some("the names differ only in upper and lower case")
    } else if one.chars().nfd().default_case_fold().nfd().eq(other.chars().nfd().default_case_fold().nfd()) {
        Some("the names differ only in case and in their Unicode normal form")
    } else {
        None
    }
}

/// Whether the name is not in Unicode normal form C, so that some systems store a different name.
pub(crate) fn is_denormal(name: &str) -> bool {
    !name.is_ascii() && !is_nfc(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_allowed() {
        let longest = ["a".repeat(255).as_str(); 16].join("/");
        assert_eq!(longest.len(), MAX_PATH);
        for name in [
            "a",
            ".hidden",
            "...",
            "a b",
            " a ",
            "*",
            "-x",
            "a/-",
            "größe/日本",
            "checksums.txt.asc",
            "a/checksums.txt",
            "sub/attestation/x",
            "attestations/x",
            "checksums_txt",
            "a:b",
            "\u{200b}",
            &longest,
        ] {
            assert_eq!(check(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn names_that_are_refused() {
        use NameError::*;
        let long_component = "b".repeat(256);
        let long_path = ["a".repeat(255).as_str(); 17].join("/");
        for (name, error) in [
            ("", Empty),
            ("/etc/passwd", Absolute),
            ("a//b", EmptyComponent),
            ("a/", EmptyComponent),
            (".", DotComponent),
            ("../x", DotComponent),
            ("./a", DotComponent),
            ("a/../b", DotComponent),
            ("a\nb", Control),
            ("a\0b", Control),
            ("a\x7f", Control),
            ("a\u{85}", Control),
            ("a\u{2028}b", Control),
            ("a\\b", Backslash),
            (&long_component, LongComponent),
            (&long_path, TooLong),
            ("checksums.txt", Reserved),
            ("Checksums.TXT", Reserved),
            ("checksums.txt.", Reserved),
            ("attestation. ./x", Reserved),
            ("check\u{17f}ums.txt", Reserved),
            ("checksums.txt/a", Reserved),
            ("attestation", Reserved),
            ("ATTESTATION/x", Reserved),
            ("atte\u{17f}tation/x", Reserved),
            ("-", Dash),
        ] {
            assert_eq!(check(name.as_bytes()), Err(error), "{name:?}");
        }
        assert_eq!(check(b"a\xff"), Err(NotUtf8));
    }

    #[test]
    fn a_checked_name_keeps_its_bytes() {
        assert_eq!(EntryName::new(b"a/b").unwrap().as_str(), "a/b");
        assert_eq!(EntryName::new(b"a/"), Err(NameError::EmptyComponent));
    }

    #[test]
    fn names_that_windows_refuses() {
        for name in [
            "CON",
            "nul.txt",
            "a/aux/b",
            "com1",
            "LPT9.tar.gz",
            "com¹",
            "con .x",
            "a.",
            "a ",
            "dir./b",
            "a:b",
            "what?",
            "<x>",
            "a|b",
            "a*",
            "say \"x\"",
            "CONIN$",
        ] {
            assert!(windows_refuses(name), "{name}");
        }
        for name in ["console", "com", "com10", "a.con", ".hidden", "lpt", "größe", " a", "nul-x", "v1", "1"]
        {
            assert!(!windows_refuses(name), "{name}");
        }
    }

    #[test]
    fn names_that_a_file_system_has_changed() {
        let form = Some("the names differ only in their Unicode normal form");
        let case = Some("the names differ only in upper and lower case");
        let both = Some("the names differ only in case and in their Unicode normal form");
        for (one, other, expected) in [
            ("gr\u{f6}\u{df}e", "gro\u{308}\u{df}e", form),
            ("d/caf\u{e9}/x", "d/cafe\u{301}/x", form),
            ("app", "APP", case),
            ("Sub/b", "sub/b", case),
            ("stra\u{df}e", "STRASSE", case),
            ("Gr\u{f6}\u{df}e", "gro\u{308}\u{df}e", both),
            ("app", "program", None),
            ("a", "a ", None),
            ("a/b", "b", None),
        ] {
            assert_eq!(difference(one.as_bytes(), other.as_bytes()), expected, "{one} {other}");
        }
        assert_eq!(difference(b"a\xff", b"A\xff"), None);
    }

    #[test]
    fn normal_form_c() {
        assert!(!is_denormal("gr\u{f6}\u{df}e"));
        assert!(is_denormal("gro\u{308}\u{df}e"));
    }
}
