//! Foreign text made safe to print: file names, lines of manifests, what is on media. Showing only;
//! which names are allowed is `name.rs`.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Any bytes as one line of printable text. Control characters, and format characters that turn
/// text around or hide in it, become `\u{202e}`; bytes that are not UTF-8 become `\xff`; a
/// backslash is doubled, so that two different names never look the same.
pub(crate) fn show(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' {
                shown.push_str("\\\\");
            } else if is_hidden(letter) {
                shown.extend(letter.escape_unicode());
            } else {
                shown.push(letter);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// `text` with what a terminal would obey or hide escaped, and all else as it is: for text that was
/// put together from parts that should have been shown by [`show`] already.
pub(crate) fn tame(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut tame, letter| {
        if is_hidden(letter) {
            tame.extend(letter.escape_unicode());
        } else {
            tame.push(letter);
        }
        tame
    })
}

/// The same for a path of the operating system.
pub(crate) fn show_path(path: impl AsRef<Path>) -> String {
    show(path.as_ref().as_os_str().as_bytes())
}

/// Whether a terminal obeys or hides this character instead of showing it: control characters, the
/// Unicode category Cf with its bidirectional controls (CVE-2021-42574), the line and paragraph
/// separators, and the fillers that are drawn as nothing.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_stays_and_the_rest_is_escaped() {
        for (bytes, shown) in [
            (&b"release/a b.txt"[..], "release/a b.txt"),
            ("größe/日本".as_bytes(), "größe/日本"),
            (b"a\nb\x1b[31m\x7f", "a\\u{a}b\\u{1b}[31m\\u{7f}"),
            ("\u{85}\u{2028}".as_bytes(), "\\u{85}\\u{2028}"),
            ("cod\u{202e}gpj.exe".as_bytes(), "cod\\u{202e}gpj.exe"),
            ("a\u{200b}b\u{feff}".as_bytes(), "a\\u{200b}b\\u{feff}"),
            (b"a\xff\xc3", "a\\xff\\xc3"),
            (b"a\\xff", "a\\\\xff"),
            (b"", ""),
        ] {
            assert_eq!(show(bytes), shown);
        }
    }

    #[test]
    fn what_was_shown_already_is_not_escaped_again() {
        assert_eq!(tame(&show(b"a\x1b\\b")), show(b"a\x1b\\b"));
        assert_eq!(tame("error\nerror: forged \u{202e}"), "error\\u{a}error: forged \\u{202e}");
    }
}
