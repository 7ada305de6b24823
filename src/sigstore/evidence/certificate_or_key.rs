//! The field `cert` of cosign's old bundle. It should hold a certificate; old releases wrote the
//! public key of the signer there. To take such a key for the signer is GHSA-fx35-mq7g-6g98: the
//! key comes from the same place as the signature.

use spki::der::pem::decode_vec;

use super::super::file::Malformed;
use super::super::pem::{self, PemKind};
use super::super::public_key::PublicKey;
use super::CertificateIdentity;

/// What the field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CertificateOrKey {
    /// The DER of a certificate for an identity.
    Certificate(Vec<u8>),
    /// A public key. It is compared with the key to trust, and used for nothing else.
    Key(PublicKey),
}

impl CertificateOrKey {
    /// Reads the field: PEM, or base64 of PEM, with exactly one block and nothing around it.
    pub(super) fn parse(field: &str) -> Result<Self, Malformed> {
        let decoded;
        let text = if field.contains("-----") {
            field
        } else {
            let bytes = pem::base64(field).unwrap_or_default();
            decoded = String::from_utf8(bytes).unwrap_or_default();
            &decoded
        };
        let text = text.trim_ascii();
        let neither = || Malformed::new("has a `cert` that is neither one certificate nor one public key");
        if !text.starts_with("-----BEGIN ") || pem::blocks(text) != 1 {
            return Err(neither());
        }
        match PemKind::of(text.as_bytes()) {
            PemKind::Certificate => {
                let (_, der) = decode_vec(text.as_bytes()).map_err(|_| neither())?;
                CertificateIdentity::of_certificate(&der)?;
                Ok(Self::Certificate(der))
            }
            PemKind::Public => PublicKey::from_pem(text.as_bytes()).map(Self::Key).map_err(|_| neither()),
            _ => Err(neither()),
        }
    }
}
