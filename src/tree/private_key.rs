//! Recognizes a PEM private key in the first bytes of a file. `copy.rs` calls it for each file.

/// How much of a file is searched. A key is at the beginning, perhaps after a text about it.
pub(crate) const SEARCHED: usize = 64 * 1024;

const BEGIN: &[u8] = b"-----BEGIN ";

/// Whether a line of `head` begins a PEM block whose label ends in `PRIVATE KEY`, or, as in `OpenPGP`,
/// in `PRIVATE KEY BLOCK`.
pub(crate) fn is_in(head: &[u8]) -> bool {
    let head = &head[..head.len().min(SEARCHED)];
    // One of every five bytes is enough to find five dashes in a row, and saves time on every payload file.
    let mut at = 0;
    while at < head.len() {
        if head[at] == b'-' {
            let start = at - head[..at].iter().rev().take_while(|byte| **byte == b'-').count();
            let at_line_start = matches!(head[..start], [] | [0xef, 0xbb, 0xbf] | [.., b'\n' | b'\r']);
            if at_line_start && head[start..].starts_with(BEGIN) && is_private(&head[start + BEGIN.len()..]) {
                return true;
            }
        }
        at += 5;
    }
    false
}

/// Whether what follows `-----BEGIN ` is the label of a private key.
fn is_private(rest: &[u8]) -> bool {
    // Labels are short.
    let line = &rest[..rest.len().min(128)];
    let Some(length) = line.windows(5).position(|five| five == b"-----") else {
        return false;
    };
    let label = &line[..length];
    !label.contains(&b'\n') && (label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK"))
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
    fn public_keys_and_texts_about_keys_are_not_private_keys() {
        for label in ["PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK", "PRIVATE KEY CERTIFICATE"] {
            assert!(!is_in(&block(label)), "{label}");
        }
        let mut quoted = b"it begins with ".to_vec();
        quoted.extend(block("PRIVATE KEY"));
        let mut far = vec![b'\n'; SEARCHED];
        far.extend(block("PRIVATE KEY"));
        let unfinished = b"-----BEGIN PRIVATE KEY";
        for head in [&quoted[..], &far, unfinished, b"", b"-----", b"------BEGIN PRIVATE KEY-----\n"] {
            assert!(!is_in(head));
        }
    }
}
