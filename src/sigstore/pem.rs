//! The text of a key file: the kind of its first PEM block, and how the text was spoiled on its way,
//! by an editor, a mail or the settings of a pipeline. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::printable::is_hidden;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The kind of a key file, by its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PemKind {
    /// `PUBLIC KEY`.
    Public,
    /// `RSA PUBLIC KEY`: PKCS#1, without the type of the key.
    RsaPublic,
    /// A private key of cosign, encrypted: `ENCRYPTED SIGSTORE` or `ENCRYPTED COSIGN`.
    CosignPrivate,
    /// A private key of OpenSSH, which cosign cannot import.
    OpenSsh,
    /// Any other private key. cosign rejects it (`unsupported pem type`).
    OtherPrivate,
    /// A certificate.
    Certificate,
    /// Anything else, PEM or not.
    Unknown,
}

impl PemKind {
    /// Looks at the first PEM boundary of `text`, wherever it is.
    pub(crate) fn of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        match label(&text) {
            Some("PUBLIC KEY") => Self::Public,
            Some("RSA PUBLIC KEY") => Self::RsaPublic,
            Some("ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY") => Self::CosignPrivate,
            Some("OPENSSH PRIVATE KEY") => Self::OpenSsh,
            Some(label) if label.ends_with("PRIVATE KEY") => Self::OtherPrivate,
            Some("CERTIFICATE") => Self::Certificate,
            _ => Self::Unknown,
        }
    }
}

/// How the text of a key was spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoiled {
    /// Written by an editor of Windows.
    ByteOrderMark,
    /// Written by `>` of `PowerShell`.
    Utf16,
    /// The whole text is base64 of the key.
    Base64,
    /// The boundaries are not lines of their own.
    LineBreaksLost,
    /// The boundaries do not begin their lines.
    Indented,
    /// One of the boundaries is missing.
    CutOff,
    /// What is between the boundaries is not what was there.
    Damaged,
    /// An absolute path instead of a key.
    Path,
}

/// The end of a sentence that begins with the key.
impl fmt::Display for Spoiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "begins with a byte order mark",
            Self::Utf16 => "is text in UTF-16",
            Self::Base64 => "is encoded in base64 once more",
            Self::LineBreaksLost => "has lost its line breaks",
            Self::Indented => "is indented",
            Self::CutOff => "is cut off",
            Self::Damaged => "is damaged",
            Self::Path => "is a path, not the key itself",
        })
    }
}

impl Spoiled {
    /// How `text`, which should be a PEM, was spoiled, if that can be seen.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
            return Some(Self::Utf16);
        }
        let text = String::from_utf8_lossy(text);
        let Some(label) = label(&text) else {
            return Self::without_boundary(&text);
        };
        if text.starts_with('\u{feff}') {
            return Some(Self::ByteOrderMark);
        }
        let mut lines = text.lines();
        let boundary = lines.find(|line| line.contains(BEGIN))?;
        match boundary.trim_end().strip_suffix(DASHES).and_then(|line| line.split_once(BEGIN)) {
            Some(("", rest)) if rest == label => {}
            Some((before, rest)) if before.trim().is_empty() && rest == label => return Some(Self::Indented),
            _ => return Some(Self::LineBreaksLost),
        }
        let mut body = String::new();
        for line in lines {
            if line.trim() == format!("{END}{label}{DASHES}") {
                let is_indented = line.starts_with(char::is_whitespace);
                return if is_indented { Some(Self::Indented) } else { Self::of_body(label, &body) };
            }
            body.extend(line.chars().filter(|c| !c.is_whitespace()));
        }
        Some(if body.contains(END.trim_end()) { Self::LineBreaksLost } else { Self::CutOff })
    }

    /// The text has no first boundary.
    fn without_boundary(text: &str) -> Option<Self> {
        if text.contains(END) {
            return Some(Self::CutOff);
        }
        let inner = base64(text);
        if inner.is_some_and(|inner| label(&String::from_utf8_lossy(&inner)).is_some()) {
            return Some(Self::Base64);
        }
        let path = text.trim_end_matches(['\r', '\n']);
        (path.starts_with('/') && !path.chars().any(is_hidden)).then_some(Self::Path)
    }

    /// Both boundaries are there. cosign's private keys are JSON in between.
    fn of_body(label: &str, body: &str) -> Option<Self> {
        let is_good = |bytes: Vec<u8>| {
            !label.ends_with("PRIVATE KEY")
                || !label.starts_with("ENCRYPTED ")
                || label == "ENCRYPTED PRIVATE KEY"
                || serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok()
        };
        (!STANDARD.decode(body).is_ok_and(is_good)).then_some(Self::Damaged)
    }
}

/// The first PEM block with this label, from boundary to boundary, without what is around it.
pub(super) fn block<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let begin = format!("{BEGIN}{label}{DASHES}");
    let end = format!("{END}{label}{DASHES}");
    let start = text.find(&begin)?;
    let length = text[start..].find(&end)? + end.len();
    Some(&text[start..start + length])
}

/// How many PEM blocks begin in `text`.
pub(super) fn blocks(text: &str) -> usize {
    text.matches(BEGIN).count()
}

/// What `text` encodes, if all of it is base64, in lines or not.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(joined).ok()
}

/// The label of the first boundary.
fn label(text: &str) -> Option<&str> {
    text.split_once(BEGIN)?.1.split_once(DASHES).map(|(label, _)| label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        std::fs::read_to_string(format!("{}/fixtures/keys/throwaway.key", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    }

    #[test]
    fn a_key_as_it_was_written_is_not_spoiled() {
        for good in [
            key(),
            key().trim_end().to_owned(),
            key().replace('\n', "\r\n"),
            format!("# the release key\n\n{}\n-- \nRelease team\n", key()),
            std::fs::read_to_string(format!("{}/fixtures/keys/throwaway.pub", env!("CARGO_MANIFEST_DIR")))
                .unwrap(),
        ] {
            assert_eq!(Spoiled::of(good.as_bytes()), None, "{good}");
        }
        assert_eq!(PemKind::of(key().as_bytes()), PemKind::CosignPrivate);
    }

    #[test]
    fn how_a_key_was_spoiled() {
        let key = key();
        let lines: Vec<&str> = key.lines().collect();
        let (first, last) = (lines[0], lines[lines.len() - 1]);
        let utf16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(key.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (text, how) in [
            (format!("\u{feff}{key}").into_bytes(), Spoiled::ByteOrderMark),
            (utf16, Spoiled::Utf16),
            (STANDARD.encode(&key).into_bytes(), Spoiled::Base64),
            (format!("{}\n", STANDARD.encode(&key)).into_bytes(), Spoiled::Base64),
            (lines.join(" ").into_bytes(), Spoiled::LineBreaksLost),
            (lines.concat().into_bytes(), Spoiled::LineBreaksLost),
            (lines.join("\\n").into_bytes(), Spoiled::LineBreaksLost),
            (format!("{first}\n{}", lines[1..].concat()).into_bytes(), Spoiled::LineBreaksLost),
            (format!("key: |\n  {}\n", lines.join("\n  ")).into_bytes(), Spoiled::Indented),
            (format!("{}\n {last}\n", lines[..lines.len() - 1].join("\n")).into_bytes(), Spoiled::Indented),
            (lines[..3].join("\n").into_bytes(), Spoiled::CutOff),
            (format!("{first}\n").into_bytes(), Spoiled::CutOff),
            (lines[1..].join("\n").into_bytes(), Spoiled::CutOff),
            (format!("{first}\n{}\n{last}\n", lines[1]).into_bytes(), Spoiled::Damaged),
            (key.replacen(lines[1], "…", 1).into_bytes(), Spoiled::Damaged),
            (b"/builds/release.tmp/RELEASE_KEY".to_vec(), Spoiled::Path),
            (b"/builds/release.tmp/RELEASE_KEY\n".to_vec(), Spoiled::Path),
        ] {
            assert_eq!(Spoiled::of(&text), Some(how), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn other_texts_are_not_spoiled_keys() {
        for text in ["", "s3cret-token", "c2VjcmV0", "/a/path\n/another", "hvs.x"] {
            assert_eq!(Spoiled::of(text.as_bytes()), None, "{text}");
            assert_eq!(PemKind::of(text.as_bytes()), PemKind::Unknown, "{text}");
        }
    }
}
