//! Recognizes a PEM private key in the first bytes of a file. `copy.rs` calls it for each file.

/// How much of a file is searched. A key is at the beginning, perhaps after a text about it.
pub(crate) const SEARCHED: usize = 64 * 1024;

const BEGIN: &[u8] = b"-----BEGIN ";

/// What is at least there of a key after its label: no text about keys has such a word.
const MIN_BODY: usize = 16;

/// Whether `head` has a PEM block whose label ends in `PRIVATE KEY`, or, as in `OpenPGP`, in `PRIVATE KEY
/// BLOCK`. It begins a line, or has a body: it may be indented, or a string in YAML, JSON or a program.
pub(crate) fn is_in(head: &[u8]) -> bool {
    let head = &head[..head.len().min(SEARCHED)];
    // One of every five bytes is enough to find five dashes in a row, and saves time on every payload file.
    let mut at = 0;
    while at < head.len() {
        if head[at] == b'-' {
            let start = at - head[..at].iter().rev().take_while(|byte| **byte == b'-').count();
            if let Some(rest) = head[start..].strip_prefix(BEGIN)
                && let Some(rest) = after_private(rest)
            {
                let at_line_start = matches!(head[..start], [] | [0xef, 0xbb, 0xbf] | [.., b'\n' | b'\r']);
                if at_line_start || has_body(rest) {
                    return true;
                }
            }
        }
        at += 5;
    }
    false
}

/// What follows the label of a private key, if `rest`, which follows `-----BEGIN `, is one.
fn after_private(rest: &[u8]) -> Option<&[u8]> {
    // Labels are short.
    let length = rest[..rest.len().min(128)].windows(5).position(|five| five == b"-----")?;
    let label = &rest[..length];
    let is_private =
        !label.contains(&b'\n') && (label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK"));
    is_private.then(|| &rest[length + 5..])
}

/// Whether this begins with a line break, perhaps an escaped one, and base64 or a header of a PEM block.
fn has_body(rest: &[u8]) -> bool {
    const HEADERS: [&[u8]; 4] = [b"Proc-Type:", b"Version:", b"Comment:", b"Hash:"];
    let mut body = rest;
    loop {
        body = match body {
            [b' ' | b'\t' | b'\n' | b'\r', after @ ..] | [b'\\', b'n' | b'r' | b'\n' | b'\r', after @ ..] => {
                after
            }
            _ => break,
        };
    }
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    HEADERS.iter().any(|header| body.starts_with(header))
        || body.iter().take(MIN_BODY).filter(is_base64).count() == MIN_BODY
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The label is separate from the dashes, so that this file itself does not look like a key.
    fn block(label: &str) -> Vec<u8> {
        format!("-----BEGIN {label}-----\nMII=\n").into_bytes()
    }

    #[test]
    fn private_keys_are_found_at_the_beginning_of_any_line() {
        for label in [
            "PRIVATE KEY",
            "EC PRIVATE KEY",
            "RSA PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "ENCRYPTED SIGSTORE PRIVATE KEY",
            "ENCRYPTED COSIGN PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        ] {
            assert!(is_in(&block(label)), "{label}");
        }
        for before in 0..12 {
            let mut head = vec![b'x'; before];
            head.push(b'\n');
            head.extend(block("PRIVATE KEY"));
            assert!(is_in(&head), "{before}");
            *head.get_mut(before).unwrap() = b'\r';
            assert!(is_in(&head), "{before}");
        }
        assert!(is_in(&[b"\xef\xbb\xbf".as_slice(), &block("PRIVATE KEY")].concat()));
    }

    #[test]
    fn private_keys_are_found_inside_other_files() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
        for (before, line_break, body) in [
            ("    ", "\n    ", body),
            ("\t", "\r\n\t", body),
            ("tls:\n  key: |\n    ", "\n    ", body),
            ("{\"private_key\": \"", "\\n", body),
            ("{\"private_key\": \"", "\\r\\n", body),
            ("key: \"", "\\n\\\n  ", body),
            ("KEY='", "\n", body),
            ("<key>", "\n", body),
            ("# ", " ", body),
            ("  ", "\n  ", "Proc-Type: 4,ENCRYPTED"),
            ("  ", "\n  ", "Version: GnuPG v1"),
        ] {
            let head = format!("{before}-----BEGIN RSA {}-----{line_break}{body}", "PRIVATE KEY");
            assert!(is_in(head.as_bytes()), "{head}");
            let other = head.replace("PRIVATE", "PUBLIC");
            assert!(!is_in(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn public_keys_and_texts_about_keys_are_not_private_keys() {
        for label in ["PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK", "PRIVATE KEY CERTIFICATE"] {
            assert!(!is_in(&block(label)), "{label}");
        }
        let mut quoted = b"it begins with ".to_vec();
        quoted.extend(block("PRIVATE KEY"));
        let mut far = vec![b'\n'; SEARCHED];
        far.extend(block("PRIVATE KEY"));
        let unfinished = b"-----BEGIN PRIVATE KEY";
        let text = |after: &str| format!("a key has -----BEGIN {}-----{after}", "PRIVATE KEY").into_bytes();
        let texts =
            [" in its first line", "\n", "\\n\" +\n", "`, and then base64", "\nfollowed by base64"].map(text);
        assert!(texts.iter().all(|text| !is_in(text)));
        for head in [&quoted[..], &far, unfinished, b"", b"-----", b"------BEGIN PRIVATE KEY-----\n"] {
            assert!(!is_in(head));
        }
    }
}
