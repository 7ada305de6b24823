//! The forms in which others sign a file with cosign: Sigstore bundles of each version, cosign's
//! old bundle, and a bare signature. Each is read strictly, and becomes the one [`Evidence`].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::form::TransparencyLogEntry;
use super::{Evidence, NamedBy, SIZE_LIMIT, old_bundle};
use crate::digest::Sha256Digest;
use crate::sigstore::file::Malformed;
use crate::sigstore::public_key::PublicKey;

/// A signature file in one of the forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureForm {
    /// It names its signer.
    Complete(Evidence),
    /// It does not say by which key it was made.
    WithoutHint(WithoutHint),
}

/// A signature that does not say by which key it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WithoutHint {
    pub(super) signature: Vec<u8>,
    /// The SHA-256 of what was signed, if there is a log entry that records it.
    pub(super) signed: Option<Sha256Digest>,
    pub(super) entry: Option<TransparencyLogEntry>,
    /// The public key that the file has. It proves nothing.
    pub(super) key_in_file: Option<PublicKey>,
}

impl SignatureForm {
    /// Reads a signature file.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        if text.len() as u64 > SIZE_LIMIT {
            return Err(Malformed::new(format!("is larger than {SIZE_LIMIT} bytes")));
        }
        match serde_json::from_slice::<Value>(text) {
            Ok(value) if old_bundle::is_one(&value) => old_bundle::parse(text),
            // A bare signature that is a number or a word of JSON is not one of a key.
            Ok(_) => Evidence::parse_any_version(text).map(Self::Complete),
            Err(_) if text.trim_ascii_start().starts_with(b"{") => {
                Evidence::parse_any_version(text).map(Self::Complete)
            }
            Err(_) => bare(text).map(Self::WithoutHint),
        }
    }
}

impl WithoutHint {
    /// The SHA-256 of what was signed, if there is a log entry that records it.
    pub(crate) fn signed(&self) -> Option<Sha256Digest> {
        self.signed
    }

    /// Whether it has an entry of a transparency log.
    pub(crate) fn has_log_entry(&self) -> bool {
        self.entry.is_some()
    }

    /// The same as a signature by this key over a file with this digest.
    pub(crate) fn by(&self, key: &PublicKey, digest: Sha256Digest) -> Result<Evidence, Malformed> {
        let Self { signature, signed, entry, key_in_file } = self;
        if let Some(other) = key_in_file
            && other != key
        {
            return Err(Malformed::new(format!(
                "has the public key {}, and --key is {}",
                other.sha256(),
                key.sha256()
            )));
        }
        let by = NamedBy::Hint(key.sha256());
        Evidence::of_parts(signature.clone(), signed.unwrap_or(digest), by, entry.clone())
    }
}

/// Reads a signature in base64. Line ends do not matter: `base64` and `openssl` break long lines.
fn bare(text: &[u8]) -> Result<WithoutHint, Malformed> {
    let refuse = |why: &str| Err(Malformed::new(why));
    if text.trim_ascii().is_empty() {
        return refuse("is empty");
    }
    for (beginning, why) in [
        (&b"-----BEGIN PGP "[..], "is a signature of OpenPGP, not of cosign"),
        (b"-----BEGIN SSH ", "is a signature of SSH, not of cosign"),
        (b"untrusted comment:", "is a signature of minisign or signify, not of cosign"),
    ] {
        if text.starts_with(beginning) {
            return refuse(why);
        }
    }
    let joined: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    match STANDARD.decode(joined) {
        Ok(signature) => Ok(WithoutHint { signature, signed: None, entry: None, key_in_file: None }),
        Err(_) => refuse("is neither a Sigstore bundle nor a signature in base64"),
    }
}
