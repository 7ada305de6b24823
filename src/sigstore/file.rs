//! What the JSON files of Sigstore have in common: why one is refused, how bytes are written, and
//! the media type that names a trusted root or a signing config.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::error::{Class, Failure};
use crate::printable::show;

/// The largest trusted root or signing config that is read, in bytes. The public Sigstore's has
/// 7,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

/// Why a strict reader refuses a file: the end of a sentence that begins with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    problem: String,
    hint: Option<&'static str>,
}

impl Malformed {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: None }
    }

    /// A text that ends too early.
    pub(super) fn cut_off() -> Self {
        Self { problem: "is cut off or damaged".into(), hint: Some("copy it again") }
    }

    /// A form of a later version.
    pub(super) fn newer(media_type: &str) -> Self {
        let media_type = show(media_type);
        Self {
            problem: format!("is newer than this aicr knows (its media type is {media_type})"),
            hint: Some("use a later aicr"),
        }
    }

    /// The failure of the file with this name, which a person gave.
    pub(crate) fn failure(self, class: Class, name: &str) -> Failure {
        let failure = Failure::new(class, format!("{name} {}", self.problem));
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

/// A kind of file, identified by its media type.
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

    /// The one version that every cosign reads (sigstore-go 0.6 to 1.2). No cosign reads what the
    /// specification calls version 0.2 of the trusted root.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::SigningConfig => "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            Self::TrustedRoot => "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        }
    }

    /// The JSON value in `text`, which is an object with the media type of this kind.
    pub(super) fn open(self, text: &[u8]) -> Result<Value, Malformed> {
        if text.len() as u64 > SIZE_LIMIT {
            return Err(Malformed::new(format!("is larger than {SIZE_LIMIT} bytes")));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            return Err(Malformed::new("is empty"));
        }
        let name = self.name();
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            if error.is_eof() {
                Malformed::cut_off()
            } else {
                Malformed::new(format!("is not {name}: it is not JSON ({error})"))
            }
        })?;
        match value.get("mediaType").and_then(Value::as_str) {
            Some(media_type) if media_type == self.media_type() => Ok(value),
            Some(media_type) => Err(Malformed::new(self.is_not(media_type))),
            None => Err(Malformed::new(format!("is not {name}: it has no media type"))),
        }
    }

    /// The sentence about a file with another media type.
    fn is_not(self, media_type: &str) -> String {
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
                    "is {name} of a version that cosign does not read: its media type must be {expected}"
                );
            }
            return format!("is {other}, not {name}");
        }
        format!("is not {name}: its media type is `{}`", show(media_type))
    }
}

/// Bytes in JSON: standard base64 with padding. No other form is read.
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
