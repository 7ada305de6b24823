//! The type of a public key: whether cosign can use it, and whether every cosign signs and verifies
//! correctly with it. Pure.

use std::fmt;

use spki::der::{Decode, Tag, Tagged};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned};

/// The types of public keys that cosign treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// ECDSA on P-256.
    P256,
    /// RSA with a modulus of this many bits.
    Rsa(usize),
    /// ECDSA on P-384 or P-521.
    OtherCurve(&'static str),
    /// Ed25519.
    Ed25519,
    /// A key in a form that cosign does not read: another form of the same key works.
    Form(&'static str),
    /// A type that cosign cannot use, by its usual name.
    Unusable(&'static str),
    /// Anything else.
    Unknown,
}

/// Types by their object identifier, which cosign cannot use.
const UNUSABLE: [(&str, &str); 8] = [
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

/// Curves by their object identifier.
const CURVES: [(&str, KeyType); 6] = [
    ("1.2.840.10045.3.1.7", KeyType::P256),
    ("1.3.132.0.34", KeyType::OtherCurve("P-384")),
    ("1.3.132.0.35", KeyType::OtherCurve("P-521")),
    ("1.3.132.0.33", KeyType::Unusable("ECDSA P-224")),
    ("1.2.840.10045.3.1.1", KeyType::Unusable("ECDSA P-192")),
    ("1.3.132.0.10", KeyType::Unusable("ECDSA secp256k1")),
];

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::OtherCurve(name) => write!(f, "ECDSA {name}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Form(name) | Self::Unusable(name) => f.write_str(name),
            Self::Unknown => f.write_str("of an unknown type"),
        }
    }
}

impl KeyType {
    /// The type of the key in a DER `SubjectPublicKeyInfo`.
    pub(super) fn of(info: &SubjectPublicKeyInfoOwned) -> Self {
        const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
        const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
        match info.algorithm.oid {
            EC => elliptic(info).unwrap_or(Self::Unusable("ECDSA on an unknown curve")),
            RSA => rsa(info).unwrap_or(Self::Unknown),
            ED25519 => Self::Ed25519,
            oid => {
                let oid = oid.to_string();
                let known = UNUSABLE.iter().find(|(known, _)| *known == oid);
                known.map_or(Self::Unknown, |(_, name)| Self::Unusable(name))
            }
        }
    }

    /// Whether every cosign verifies its signatures. With P-384, P-521 and Ed25519, cosign 2.6 and
    /// later sign with exit 0, and `verify-blob` then rejects the signature.
    pub(crate) fn is_safe(self) -> bool {
        matches!(self, Self::P256 | Self::Rsa(2048..=4096))
    }

    /// Whether some cosign verifies bundles with it.
    pub(crate) fn is_usable(self) -> bool {
        matches!(self, Self::P256 | Self::OtherCurve(_) | Self::Ed25519 | Self::Rsa(2048..))
    }
}

/// An elliptic curve that is named. Go reads only points that are not compressed.
fn elliptic(info: &SubjectPublicKeyInfoOwned) -> Option<KeyType> {
    let parameters = info.algorithm.parameters.as_ref()?;
    if parameters.tag() == Tag::Sequence {
        return Some(KeyType::Form("ECDSA with explicit parameters"));
    }
    let curve = parameters.decode_as::<ObjectIdentifier>().ok()?.to_string();
    let (_, curve) = CURVES.iter().find(|(known, _)| *known == curve)?;
    let is_compressed = matches!(info.subject_public_key.raw_bytes().first(), Some(2 | 3));
    Some(if is_compressed && curve.is_usable() {
        KeyType::Form("ECDSA with a compressed point")
    } else {
        *curve
    })
}

fn rsa(info: &SubjectPublicKeyInfoOwned) -> Option<KeyType> {
    let key = pkcs1::RsaPublicKeyRef::from_der(info.subject_public_key.as_bytes()?).ok()?;
    let modulus = key.modulus.as_bytes();
    let zeros = modulus.first()?.leading_zeros();
    Some(KeyType::Rsa(modulus.len() * 8 - usize::try_from(zeros).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigstore::public_key::PublicKey;

    #[test]
    fn every_key_type_is_recognized() {
        for (name, shown, safe, usable) in [
            ("p256", "ECDSA P-256", true, true),
            ("p384", "ECDSA P-384", false, true),
            ("p521", "ECDSA P-521", false, true),
            ("p224", "ECDSA P-224", false, false),
            ("secp256k1", "ECDSA secp256k1", false, false),
            ("brainpool", "ECDSA on an unknown curve", false, false),
            ("compressed", "ECDSA with a compressed point", false, false),
            ("explicit", "ECDSA with explicit parameters", false, false),
            ("ed25519", "Ed25519", false, true),
            ("ed448", "Ed448", false, false),
            ("x25519", "X25519", false, false),
            ("rsa-pss", "RSA-PSS", false, false),
            ("rsa1024", "RSA 1024", false, false),
            ("rsa2048", "RSA 2048", true, true),
            ("rsa3072", "RSA 3072", true, true),
            ("rsa4096", "RSA 4096", true, true),
        ] {
            let file = format!("{}/fixtures/keys/types/{name}.pub", env!("CARGO_MANIFEST_DIR"));
            let key = PublicKey::from_pem(&std::fs::read(file).unwrap()).unwrap();
            let found = key.key_type();
            assert_eq!(
                (found.to_string().as_str(), found.is_safe(), found.is_usable()),
                (shown, safe, usable),
                "{name}"
            );
        }
    }

    #[test]
    fn an_algorithm_has_a_name_where_it_is_known() {
        for (oid, shown) in [
            (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12][..], "ML-DSA-65"),
            (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "DSA"),
            (&[0x2a, 0x03], "of an unknown type"),
        ] {
            let length = u8::try_from(oid.len()).unwrap();
            let oid =
                [&[0x30, length + 7, 0x30, length + 2, 0x06, length], oid, &[0x03, 0x01, 0x00]].concat();
            let info = SubjectPublicKeyInfoOwned::from_der(&oid).unwrap();
            let found = KeyType::of(&info);
            assert_eq!((found.to_string().as_str(), found.is_usable()), (shown, false));
        }
    }
}
