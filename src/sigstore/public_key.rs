//! The public half of a key: its type, its hint in Sigstore bundles, and whether every cosign signs
//! and verifies correctly with it. Pure: other modules read the files.

use std::fmt;

use spki::der::pem::LineEnding;
use spki::der::referenced::OwnedToRef;
use spki::der::{Decode, EncodePem};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned};

use super::file::Malformed;
use crate::digest::Sha256Digest;

/// The kind of a key file, by its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PemKind {
    /// `PUBLIC KEY`.
    Public,
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
    /// Looks at the first PEM boundary of `text`.
    pub(crate) fn of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let label =
            text.lines().find_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
        match label {
            Some("PUBLIC KEY") => Self::Public,
            Some("ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY") => Self::CosignPrivate,
            Some("OPENSSH PRIVATE KEY") => Self::OpenSsh,
            Some(label) if label.ends_with("PRIVATE KEY") => Self::OtherPrivate,
            Some("CERTIFICATE") => Self::Certificate,
            _ => Self::Unknown,
        }
    }
}

/// The types of public keys that cosign treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// ECDSA on P-256.
    P256,
    /// RSA with a modulus of this many bits.
    Rsa(usize),
    /// ECDSA on another curve, by its usual name.
    OtherCurve(&'static str),
    /// Ed25519.
    Ed25519,
    /// Anything else.
    Other,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::OtherCurve(name) => write!(f, "ECDSA {name}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other => f.write_str("of an unknown type"),
        }
    }
}

impl KeyType {
    /// Whether every cosign verifies its signatures. With P-384, P-521 and Ed25519, cosign 2.6 and
    /// later sign with exit 0, and `verify-blob` then rejects the signature.
    pub(crate) fn is_safe(self) -> bool {
        matches!(self, Self::P256 | Self::Rsa(2048..=4096))
    }
}

/// A public key, read strictly from PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pem: String,
    sha256: Sha256Digest,
    key_type: KeyType,
}

impl PublicKey {
    /// Reads exactly one PEM block `PUBLIC KEY` with a DER `SubjectPublicKeyInfo` (RFC 5280).
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, Malformed> {
        let refuse = |why: &str| Err(Malformed::new(why));
        match PemKind::of(text) {
            PemKind::Public => {}
            PemKind::CosignPrivate | PemKind::OpenSsh | PemKind::OtherPrivate => {
                return refuse("is a private key");
            }
            PemKind::Certificate => return refuse("is a certificate"),
            PemKind::Unknown => return refuse("is not a PEM public key"),
        }
        let Ok(text) = std::str::from_utf8(text) else { return refuse("is not a PEM public key") };
        if text.matches("-----BEGIN ").count() != 1 {
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
        Some(Self { pem, sha256: Sha256Digest::of(der), key_type: key_type(&info) })
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

fn key_type(info: &SubjectPublicKeyInfoOwned) -> KeyType {
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
    match info.algorithm.oid {
        EC => {
            let curve = info.algorithm.owned_to_ref().parameters_oid().map(|oid| oid.to_string());
            match curve.as_deref() {
                Ok("1.2.840.10045.3.1.7") => KeyType::P256,
                Ok("1.3.132.0.34") => KeyType::OtherCurve("P-384"),
                Ok("1.3.132.0.35") => KeyType::OtherCurve("P-521"),
                Ok("1.3.132.0.10") => KeyType::OtherCurve("secp256k1"),
                _ => KeyType::Other,
            }
        }
        RSA => info
            .subject_public_key
            .as_bytes()
            .and_then(|bytes| pkcs1::RsaPublicKeyRef::from_der(bytes).ok())
            .and_then(|key| {
                let modulus = key.modulus.as_bytes();
                let zeros = modulus.first()?.leading_zeros();
                Some(KeyType::Rsa(modulus.len() * 8 - usize::try_from(zeros).ok()?))
            })
            .unwrap_or(KeyType::Other),
        ED25519 => KeyType::Ed25519,
        _ => KeyType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn every_key_type_is_recognized() {
        for (name, shown, safe) in [
            ("p256", "ECDSA P-256", true),
            ("p384", "ECDSA P-384", false),
            ("p521", "ECDSA P-521", false),
            ("secp256k1", "ECDSA secp256k1", false),
            ("ed25519", "Ed25519", false),
            ("x25519", "of an unknown type", false),
            ("rsa1024", "RSA 1024", false),
            ("rsa2048", "RSA 2048", true),
            ("rsa3072", "RSA 3072", true),
            ("rsa4096", "RSA 4096", true),
        ] {
            let key = PublicKey::from_pem(&fixture(&format!("types/{name}.pub"))).unwrap();
            assert_eq!(
                (key.key_type().to_string().as_str(), key.key_type().is_safe()),
                (shown, safe),
                "{name}"
            );
        }
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
}
