//! The manifest as `sha256sum --check --strict` reads it: GNU's `digest_check` and `split_3`
//! (coreutils 9.1, `src/digest.c`), written down once more.

/// A digest as it stands there, and the name of the file that it is held against.
pub(super) type Line<'a> = (&'a [u8], &'a [u8]);

/// What would be checked; nothing if a line is misread or none is read, which `--strict` does not accept.
pub(super) fn reads(text: &[u8]) -> Option<Vec<Line<'_>>> {
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line[0] == b'#' {
            continue;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        lines.push(read(line).filter(|(_, name)| name != b"-")?);
    }
    (!lines.is_empty()).then_some(lines)
}

/// One line. An escaped name, the BSD form and its reverse, which aicr does not know, are not read here.
fn read(line: &[u8]) -> Option<Line<'_>> {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (digest, rest) = line[blanks..].split_at_checked(64)?;
    let ([b' ' | b'\t', b' ' | b'*', name @ ..], true) = (rest, digest.iter().all(u8::is_ascii_hexdigit))
    else {
        return None;
    };
    // To C the name ends there.
    let name = name.split(|byte| *byte == 0).next()?;
    (!name.is_empty()).then_some((digest, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    #[test]
    fn it_reads_more_than_aicr_does() {
        for (text, names) in [
            (format!("{A}  a\n"), Some(vec!["a"])),
            (format!("# made by\n\n  {A} *a\r\n{}\t b", A.to_uppercase()), Some(vec!["a", "b"])),
            (format!("{A}   a \n"), Some(vec![" a "])),
            (format!("{A}  a\0b\n"), Some(vec!["a"])),
            (format!("{A}  -\n"), None),
            (format!("{A} a\n"), None),
            (format!("{A}  a\n{}  b\n", &A[1..]), None),
            ("# nothing\n".to_owned(), None),
        ] {
            let names = names.map(|names| names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>());
            let read = reads(text.as_bytes()).map(|lines| lines.iter().map(|(_, name)| *name).collect());
            assert_eq!(read, names, "{text:?}");
        }
    }
}
