//! The public half of a key: its type, and its hint in Sigstore bundles. Pure: other modules read
//! the files.

use spki::SubjectPublicKeyInfoOwned;
use spki::der::pem::LineEnding;
use spki::der::{Decode, EncodePem};

use super::file::Malformed;
use super::key_type::KeyType;
use super::pem::{self, PemKind, Spoiled};
use crate::digest::Sha256Digest;

/// The label of a PEM block with a `SubjectPublicKeyInfo`.
const LABEL: &str = "PUBLIC KEY";

/// A public key, read strictly from PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pem: String,
    sha256: Sha256Digest,
    key_type: KeyType,
}

impl PublicKey {
    /// Reads a key in any form in which people hand one on: PEM, with text around it; DER; base64 of
    /// DER.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, Malformed> {
        let refuse = |why: String| Err(Malformed::new(why));
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let text = &*String::from_utf8_lossy(content);
        if text.trim().is_empty() {
            return refuse("is empty".into());
        }
        match PemKind::of(content) {
            PemKind::Public if pem::blocks(text) == 1 => {
                if let Some(how) = Spoiled::of(content) {
                    return refuse(format!("{how}: the PEM cannot be read"));
                }
                Self::from_pem(pem::block(text, LABEL).unwrap_or_default().as_bytes())
            }
            PemKind::Unknown => {
                let der = pem::base64(text).filter(|der| !der.is_empty());
                let der = der.as_deref().unwrap_or(content);
                match (Self::from_der(der), Spoiled::of(content)) {
                    (Some(key), _) => Ok(key),
                    (None, _) if is_private(der) => refuse("is a private key".into()),
                    (None, Some(how)) => refuse(how.to_string()),
                    (None, None) => refuse("is not a public key".into()),
                }
            }
            _ => Self::from_pem(content),
        }
    }

    /// Reads exactly one PEM block `PUBLIC KEY` with a DER `SubjectPublicKeyInfo` (RFC 5280).
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, Malformed> {
        let refuse = |why: &str| Err(Malformed::new(why));
        match PemKind::of(text) {
            PemKind::Public => {}
            PemKind::CosignPrivate | PemKind::OpenSsh | PemKind::OtherPrivate => {
                return refuse("is a private key");
            }
            PemKind::RsaPublic => return refuse("is an RSA public key in the form of PKCS#1"),
            PemKind::Certificate => return refuse("is a certificate"),
            PemKind::Unknown => return refuse("is not a PEM public key"),
        }
        let Ok(text) = std::str::from_utf8(text) else { return refuse("is not a PEM public key") };
        if pem::blocks(text) != 1 {
            return refuse("contains more than one PEM block");
        }
        let der = spki::der::pem::decode_vec(text.trim().as_bytes()).ok();
        let key = der.and_then(|(_, der)| Self::from_der(&der));
        key.ok_or_else(|| Malformed::new("is a damaged PEM public key"))
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let info = SubjectPublicKeyInfoOwned::from_der(der).ok()?;
        let pem = info.to_pem(LineEnding::LF).ok()?;
        Some(Self { pem, sha256: Sha256Digest::of(der), key_type: KeyType::of(&info) })
    }

    /// The key as PEM with `\n` line ends.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of the DER `SubjectPublicKeyInfo`: the key hint of a Sigstore bundle.
    pub(crate) fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    /// Its type.
    pub(crate) fn key_type(&self) -> KeyType {
        self.key_type
    }
}

/// Whether DER is the beginning of a private key: PKCS#8, SEC1 or PKCS#1, all of which begin with a
/// version, and of which a public key has none.
fn is_private(der: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = der else { return false };
    let more = usize::from(length.checked_sub(0x80).unwrap_or_default());
    matches!(rest.get(more..), Some([0x02, 0x01, 0 | 1, ..]))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_hint_is_the_digest_of_the_der() {
        let key = PublicKey::from_pem(&fixture("throwaway.pub")).unwrap();
        let expected = "1e9fc1b5f1ff2aaccac79d66c2feff86234d8d3b3e069614ed3eddf7ba30ffee";
        assert_eq!(key.sha256().to_string(), expected);
        assert_eq!(key.pem().as_bytes(), fixture("throwaway.pub"));
    }

    #[test]
    fn white_space_around_a_key_does_not_matter_and_crlf_becomes_lf() {
        let text = String::from_utf8(fixture("throwaway.pub")).unwrap();
        let key = PublicKey::from_pem(text.as_bytes()).unwrap();
        for same in [format!("\n\n{text}\n"), text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
            assert_eq!(PublicKey::from_pem(same.as_bytes()).unwrap(), key, "{same:?}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        let public = String::from_utf8(fixture("throwaway.pub")).unwrap();
        let damaged = public.replacen("MFkw", "MFkx", 1);
        for (text, why) in [
            (String::new(), "is not a PEM public key"),
            ("ssh-rsa AAAA".into(), "is not a PEM public key"),
            (String::from_utf8(fixture("throwaway.key")).unwrap(), "is a private key"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".into(), "is a private key"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".into(), "is a certificate"),
            (format!("{public}{public}"), "contains more than one PEM block"),
            (damaged, "is a damaged PEM public key"),
            (public.replace("-----END PUBLIC KEY-----", ""), "is a damaged PEM public key"),
        ] {
            assert_eq!(PublicKey::from_pem(text.as_bytes()).unwrap_err().to_string(), why, "{text}");
        }
    }

    #[test]
    fn a_key_is_the_same_in_every_form() {
        let text = String::from_utf8(fixture("throwaway.pub")).unwrap();
        let key = PublicKey::from_pem(text.as_bytes()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let encoded = lines[1..lines.len() - 1].concat();
        let der = STANDARD.decode(&encoded).unwrap();
        for same in [
            text.clone().into_bytes(),
            text.trim_end().into(),
            text.replace('\n', "\r\n").into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            format!("Our release key:\n\n{text}\n-- \nRelease team\n").into_bytes(),
            [&b"caf\xe9\n"[..], text.as_bytes()].concat(),
            der,
            encoded.clone().into_bytes(),
            format!("{encoded}\r\n").into_bytes(),
            lines[1..lines.len() - 1].join("\n").into_bytes(),
        ] {
            let found = PublicKey::parse(&same);
            assert_eq!(found.as_ref(), Ok(&key), "{}", String::from_utf8_lossy(&same));
        }
    }

    #[test]
    fn other_content_is_refused_with_its_reason() {
        let text = String::from_utf8(fixture("throwaway.pub")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let der = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        let private = [&[0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13][..], &der].concat();
        let utf16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (content, why) in [
            (Vec::new(), "is empty"),
            (b" \r\n".to_vec(), "is empty"),
            (b"ssh-rsa AAAA".to_vec(), "is not a public key"),
            (der[..40].to_vec(), "is not a public key"),
            (STANDARD.encode(&der[..40]).into_bytes(), "is not a public key"),
            ([&der[..], &[0]].concat(), "is not a public key"),
            (STANDARD.encode(&private).into_bytes(), "is a private key"),
            (private, "is a private key"),
            (vec![0x30, 0x25, 0x02, 0x01, 0x01, 0x04], "is a private key"),
            (fixture("throwaway.key"), "is a private key"),
            (utf16, "is text in UTF-16"),
            (STANDARD.encode(&text).into_bytes(), "is encoded in base64 once more"),
            (b"/etc/release/cosign.pub\n".to_vec(), "is a path, not the key itself"),
            (lines.concat().into_bytes(), "has lost its line breaks: the PEM cannot be read"),
            (lines.join("\n  ").into_bytes(), "is indented: the PEM cannot be read"),
            (lines[..2].join("\n").into_bytes(), "is cut off: the PEM cannot be read"),
            (format!("{text}{text}").into_bytes(), "contains more than one PEM block"),
            ([&fixture("throwaway.key")[..], text.as_bytes()].concat(), "is a private key"),
            (text.replacen("MFkw", "MFkx", 1).into_bytes(), "is a damaged PEM public key"),
            (text.replace("PUBLIC", "RSA PUBLIC").into_bytes(), "is an RSA public key in the form of PKCS#1"),
        ] {
            let refused = PublicKey::parse(&content).unwrap_err();
            assert_eq!(refused.to_string(), why, "{}", String::from_utf8_lossy(&content));
        }
    }
}
