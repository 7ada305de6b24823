//! What all files have in common that tell cosign about a Sigstore: small, JSON, and named by a media
//! type. A file of another kind than was asked for is told by its name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::printable::show;

/// The largest of these files that is read, in bytes. That of the public Sigstore has 7,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

/// A kind of file, as a person calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SigstoreFile {
    /// `cosign signing-config create` writes it.
    SigningConfig,
    /// `cosign trusted-root create` writes it.
    TrustedRoot,
}

impl SigstoreFile {
    fn name(self) -> &'static str {
        match self {
            Self::SigningConfig => "a signing config",
            Self::TrustedRoot => "a trusted root",
        }
    }

    /// The one form in which every cosign reads it (sigstore-go 0.6 to 1.2; what the specification calls
    /// version 0.2 of the trusted root is read by none).
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::SigningConfig => "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            Self::TrustedRoot => "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        }
    }

    /// The JSON value in `text`, which is an object with the media type of this kind. The error is the
    /// end of a sentence about the file.
    pub(super) fn open(self, text: &[u8]) -> Result<Value, String> {
        if text.len() as u64 > SIZE_LIMIT {
            return Err(format!("is larger than {SIZE_LIMIT} bytes"));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err("is empty".into());
        }
        let name = self.name();
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| format!("is not {name}, but no JSON at all: {error}"))?;
        match value.get("mediaType").and_then(Value::as_str) {
            Some(media_type) if media_type == self.media_type() => Ok(value),
            Some(media_type) => Err(self.not(media_type)),
            None => Err(format!("is not {name}: it has no media type")),
        }
    }

    /// Words for a file with another media type.
    fn not(self, media_type: &str) -> String {
        let name = self.name();
        let known = media_type.strip_prefix("application/vnd.dev.sigstore.");
        for (start, other) in [
            ("signingconfig", Self::SigningConfig.name()),
            ("trustedroot", Self::TrustedRoot.name()),
            ("bundle", "a signature file"),
        ] {
            if !known.is_some_and(|known| known.starts_with(start)) {
                continue;
            }
            if other == name {
                let expected = self.media_type();
                return format!(
                    "is {name} of a version that cosign does not read: its media type has to be {expected}"
                );
            }
            return format!("is {other}, not {name}");
        }
        format!("is not {name}: its media type is `{}`", show(media_type))
    }
}

/// Bytes as standard base64 with padding; no other form is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| D::Error::custom("a value that is not standard base64"))
    }
}
