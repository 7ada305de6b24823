//! The dialect follows from the flags that the help defines, anywhere in it, and from no other
//! text.

use std::collections::BTreeSet;

use super::is_one_plain_line;
use crate::cosign::capability::Dialect;

pub(super) fn holds(help: &[u8]) {
    let read = Dialect::of_help(help);
    let flags = flags(help);
    let has = |flag: &str| flags.contains(flag);
    let expected = match (has("--signing-config"), has("--new-bundle-format"), has("--tlog-upload")) {
        _ if !has("--key") || !has("--bundle") => None,
        (true, _, _) => Some(Dialect::SigningConfig),
        (_, true, _) => Some(Dialect::BundleFlag),
        (_, _, true) => Some(Dialect::LegacyBundle),
        _ => None,
    };
    assert_eq!(read.as_ref().ok().copied(), expected);
    if let Err(failure) = &read {
        is_one_plain_line(failure.message());
        assert_eq!(failure.class().code(), 3);
    }
    // The order of the lines, their ends and prose below a flag change nothing.
    let mut lines: Vec<&[u8]> = help.split(|byte| *byte == b'\n').collect();
    lines.reverse();
    let prose = b"\r\n\tprose about --signing-config and --key\r\n".as_slice();
    assert_eq!(Dialect::of_help(&lines.join(prose)).ok(), expected);
}

/// The words with two dashes that are the first or second of a line, without their values.
fn flags(help: &[u8]) -> BTreeSet<String> {
    let mut flags = BTreeSet::new();
    for line in String::from_utf8_lossy(help).split('\n') {
        let mut words =
            line.split(|letter: char| letter.is_ascii_whitespace()).filter(|word| !word.is_empty());
        for word in [words.next(), words.next()].into_iter().flatten().filter(|word| word.starts_with("--")) {
            let end = word.find([':', '=']).unwrap_or(word.len());
            flags.insert(word[..end].to_owned());
        }
    }
    flags
}
