//! Reads a manifest like `sha256sum --check --strict`: the functions `digest_check` and `split_3` of GNU coreutils
//! 9.1 (`src/digest.c`) in Rust.

/// A digest, and the name of its file.
pub(super) type Line<'a> = (&'a [u8], &'a [u8]);

/// The entries that sha256sum would check; nothing if `--strict` refuses a line, or if there is no entry.
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

/// Reads one line. Escaped names, the BSD form and its reverse, which aicr does not accept, are left out.
fn read(line: &[u8]) -> Option<Line<'_>> {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (digest, rest) = line[blanks..].split_at_checked(64)?;
    let ([b' ' | b'\t', b' ' | b'*', name @ ..], true) = (rest, digest.iter().all(u8::is_ascii_hexdigit))
    else {
        return None;
    };
    // In C the name ends at a NUL byte.
    let name = name.split(|byte| *byte == 0).next()?;
    (!name.is_empty()).then_some((digest, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    #[test]
    fn sha256sum_accepts_more_than_aicr() {
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
