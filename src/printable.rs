//! Text and numbers in the form in which people read them: file names from untrusted media without
//! control characters, words of a shell command with their quotes, sizes with a unit. Which names a
//! bundle allows is decided in `tree/name.rs`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use camino::Utf8Path;

/// Any bytes as one line of printable text. Control characters, and format characters that reverse
/// or hide text, become `\u{202e}`; bytes that are not UTF-8 become `\xff`; a backslash is doubled,
/// so that two different names never look the same.
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

/// [`show`] for a name that stands alone in a line. It is in quotes if its end would not be seen, or if it
/// could be taken for two names.
pub(crate) fn show_name(name: impl AsRef<[u8]>) -> String {
    let shown = show(name);
    let is_clear = !shown.starts_with(|letter: char| letter.is_whitespace() || letter == '"')
        && !shown.ends_with(char::is_whitespace)
        && !shown.contains(" -> ");
    if is_clear { shown } else { format!("\"{}\"", shown.replace('"', "\\\"")) }
}

/// `text` with each hidden character escaped and everything else unchanged: a second line of defence
/// for text whose parts should have gone through [`show`] already.
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

/// [`show`] for a path.
pub(crate) fn show_path(path: impl AsRef<Path>) -> String {
    show(path.as_ref().as_os_str().as_bytes())
}

/// Whether a terminal executes or hides this character instead of showing it: control characters,
/// the Unicode category Cf with its bidirectional controls (CVE-2021-42574), the line and paragraph
/// separators, and the fillers, which have no visible glyph.
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

/// One word of a shell command, with quotes only where a shell needs them.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // `$'\x1b'` keeps hidden characters out of the terminal; bash, zsh and ksh read this form.
    if word.chars().any(is_hidden) {
        return word.chars().fold(String::from("$'"), |quoted, letter| match letter {
            '\'' | '\\' => quoted + "\\" + letter.encode_utf8(&mut [0; 4]),
            _ if is_hidden(letter) => letter
                .encode_utf8(&mut [0; 4])
                .bytes()
                .fold(quoted, |quoted, byte| quoted + &format!("\\x{byte:02x}")),
            _ => quoted + letter.encode_utf8(&mut [0; 4]),
        }) + "'";
    }
    // shlex refuses only NUL, which no argument can contain.
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), Cow::into_owned)
}

/// A path as an argument in a shell command, which no program takes for a flag.
pub(crate) fn quoted_path(path: &Utf8Path) -> String {
    if path.as_str().starts_with('-') { quoted(&format!("./{path}")) } else { quoted(path.as_str()) }
}

/// A number of bytes with one decimal and a binary unit, for people: `5.0 MiB`. Below 1 KiB it is exact.
pub(crate) fn human_bytes(bytes: u64) -> String {
    in_unit(bytes, u128::div_euclid)
}

/// A part of a number of bytes, in the unit of the whole: `1.5 of 3.0 GiB`.
pub(crate) fn part_of(part: u64, whole: u64) -> String {
    if whole < 1024 {
        return format!("{part} of {}", human_bytes(whole));
    }
    let tenths = u128::from(part) * 10 / (1 << (10 * (whole.ilog2() / 10)));
    format!("{}.{} of {}", tenths / 10, tenths % 10, human_bytes(whole))
}

/// Two sizes, of which the first is larger, with different texts however close they are: the first is
/// rounded up and the second down.
pub(crate) fn larger_and_smaller(larger: u64, smaller: u64) -> (String, String) {
    (in_unit(larger, u128::div_ceil), in_unit(smaller, u128::div_euclid))
}

fn in_unit(bytes: u64, divide: fn(u128, u128) -> u128) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let unit = bytes.ilog2() / 10;
    let tenths = divide(u128::from(bytes) * 10, 1 << (10 * unit));
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit as usize - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unprintable_bytes_are_escaped() {
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
    fn a_name_whose_end_is_not_seen_is_in_quotes() {
        for (name, shown) in [
            ("a b", "a b"),
            ("say \"x\"", "say \"x\""),
            ("a ", "\"a \""),
            (" a", "\" a\""),
            ("a\u{a0}", "\"a\u{a0}\""),
            ("\"a \"", "\"\\\"a \\\"\""),
            ("a -> b", "\"a -> b\""),
            (" \\", "\" \\\\\""),
        ] {
            assert_eq!(show_name(name), shown);
        }
    }

    #[test]
    fn a_part_has_the_unit_of_the_whole() {
        for (part, whole, expected) in [
            (0, 0, "0 of 0 bytes"),
            (1, 1, "1 of 1 byte"),
            (12, 1023, "12 of 1023 bytes"),
            (1, 1 << 20, "0.0 of 1.0 MiB"),
            (3 << 19, 3 << 20, "1.5 of 3.0 MiB"),
            (1 << 40, 1 << 30, "1024.0 of 1.0 GiB"),
            (u64::MAX, u64::MAX, "15.9 of 15.9 EiB"),
        ] {
            assert_eq!(part_of(part, whole), expected);
        }
    }

    #[test]
    fn text_is_escaped_only_once() {
        assert_eq!(tame(&show(b"a\x1b\\b")), show(b"a\x1b\\b"));
        assert_eq!(tame("error\nerror: forged \u{202e}"), "error\\u{a}error: forged \\u{202e}");
    }

    #[test]
    fn a_size_has_one_decimal_and_a_unit() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1535, "1.4 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (3 << 30, "3.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(human_bytes(bytes), expected);
        }
    }

    #[test]
    fn two_sizes_differ_however_close_they_are() {
        for (larger, smaller, expected) in [
            ((5 << 20) + 2180, 4 << 20, ("5.1 MiB", "4.0 MiB")),
            ((5 << 20) + 1, 5 << 20, ("5.1 MiB", "5.0 MiB")),
            (5 << 20, (5 << 20) - 1, ("5.0 MiB", "4.9 MiB")),
            (1024, 1023, ("1.0 KiB", "1023 bytes")),
            ((1 << 20) - 1, (1 << 20) - 2, ("1024.0 KiB", "1023.9 KiB")),
            (1001, 1000, ("1001 bytes", "1000 bytes")),
        ] {
            let (larger, smaller) = larger_and_smaller(larger, smaller);
            assert_eq!((larger.as_str(), smaller.as_str()), expected);
        }
    }
}
