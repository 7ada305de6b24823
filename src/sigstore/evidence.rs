//! The signature file: a Sigstore bundle v0.3 over the manifest, read strictly and written in one
//! form. Pure: what it says is held against a plan elsewhere, and whether it is true is cosign's.
//!
//! cosign accepts far more than this: other media types, snake case, URL-safe base64, a DSSE
//! statement whose subject is the blob, any key hint, on most releases any digest, and beside all
//! that the fields of the legacy form, which then win (GHSA-fx35-mq7g-6g98). Here every field has
//! one name, one form and one place; a field that is not known is refused.

mod form;
mod identity;
mod log_entry;
#[cfg(test)]
mod tests;
mod timestamp;

use self::form::{
    Algorithm, LegacyBundle, MessageDigest, MessageSignature, PublicKeyIdentifier, SignedTimestamp,
    SigstoreBundle, TimestampVerificationData, VerificationMaterial, strict,
};
pub(crate) use self::identity::Identity;
pub(crate) use self::log_entry::LogEntry;
pub(crate) use self::timestamp::Timestamp;
use super::file::Base64;
use crate::digest::Sha256Digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The largest signature file that is read, in bytes. Real ones have 383 to some 5,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A signature over a manifest, and everything that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    bundle: SigstoreBundle,
    digest: Sha256Digest,
    signer: SignedBy,
    log_entry: Option<LogEntry>,
    timestamp: Option<Timestamp>,
}

/// Who made the signature, by the file's own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedBy {
    /// A key with this hint: the SHA-256 of its DER `SubjectPublicKeyInfo`.
    Key(Sha256Digest),
    /// Whoever had the key that was certified for this identity.
    Certificate(Identity),
}

/// What a strict reader says of a signature file that it refuses: the end of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Evidence {
    /// Reads a Sigstore bundle v0.3 with a message signature.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let bundle: SigstoreBundle = strict(text)?;
        Self::of(bundle)
    }

    /// The bundle that 2.0 to 2.3 do not write: a signature by a key over the blob with this
    /// digest, without log entry or timestamp.
    pub(crate) fn by_key(
        signature: Vec<u8>,
        digest: Sha256Digest,
        key: Sha256Digest,
    ) -> Result<Self, Malformed> {
        Self::of(SigstoreBundle {
            media_type: MEDIA_TYPE.into(),
            verification_material: VerificationMaterial {
                public_key: Some(PublicKeyIdentifier { hint: STANDARD.encode(key.as_bytes()) }),
                certificate: None,
                tlog_entries: None,
                timestamp_verification_data: None,
            },
            message_signature: MessageSignature {
                message_digest: MessageDigest {
                    algorithm: Algorithm::Sha256,
                    digest: Base64(digest.as_bytes().to_vec()),
                },
                signature: Base64(signature),
            },
        })
    }

    fn of(bundle: SigstoreBundle) -> Result<Self, Malformed> {
        let refuse = |why: &str| Err(Malformed(why.into()));
        if bundle.media_type != MEDIA_TYPE {
            return refuse("has a media type other than that of a Sigstore bundle v0.3");
        }
        let Ok(digest) = <[u8; 32]>::try_from(bundle.message_signature.message_digest.digest.0.as_slice())
        else {
            return refuse("has a message digest that is not 32 bytes");
        };
        if bundle.message_signature.signature.0.is_empty() {
            return refuse("has an empty signature");
        }
        let material = &bundle.verification_material;
        let signer = match (&material.public_key, &material.certificate) {
            (Some(key), None) => {
                let hint = STANDARD.decode(&key.hint).ok().and_then(|hint| <[u8; 32]>::try_from(hint).ok());
                let Some(hint) = hint else {
                    return refuse("has a key hint that is not the base64 of a SHA-256");
                };
                SignedBy::Key(Sha256Digest::from(hint))
            }
            (None, Some(certificate)) => match Identity::of_certificate(&certificate.raw_bytes.0) {
                Ok(identity) => SignedBy::Certificate(identity),
                Err(why) => return refuse(why),
            },
            (Some(_), Some(_)) => return refuse("names both a key and a certificate"),
            (None, None) => return refuse("names neither a key nor a certificate"),
        };
        let log_entry = log_entry(material.tlog_entries.as_deref())?;
        let timestamp = timestamp(material.timestamp_verification_data.as_ref())?;
        if matches!(signer, SignedBy::Certificate(_)) && log_entry.is_none() && timestamp.is_none() {
            return refuse(
                "has a certificate, which counts for minutes, and neither a log entry nor a timestamp that shows when it signed",
            );
        }
        Ok(Self { bundle, digest: Sha256Digest::from(digest), signer, log_entry, timestamp })
    }

    /// The SHA-256 that the file claims for what it signs.
    pub(crate) fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// Who made it, by its own account.
    pub(crate) fn signer(&self) -> &SignedBy {
        &self.signer
    }

    /// The bare signature, base64.
    pub(crate) fn signature_base64(&self) -> String {
        STANDARD.encode(&self.bundle.message_signature.signature.0)
    }

    /// The entry of a transparency log that it carries.
    pub(crate) fn log_entry(&self) -> Option<&LogEntry> {
        self.log_entry.as_ref()
    }

    /// The timestamp that it carries.
    pub(crate) fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// The same signature with its log entry and timestamp or without: what cosign gets when they are to be
    /// ignored, since 2.4.1 refuses some real ones even so.
    #[must_use]
    pub(crate) fn with_only(&self, log_entry: bool, timestamp: bool) -> Self {
        let mut only = self.clone();
        if !log_entry {
            only.bundle.verification_material.tlog_entries = None;
            only.log_entry = None;
        }
        if !timestamp {
            only.bundle.verification_material.timestamp_verification_data = None;
            only.timestamp = None;
        }
        only
    }

    /// The file, in the one form aicr writes: compact JSON, fields in cosign's order, no newline.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Structs of strings and lists of them: there is no map key or number to fail on.
        serde_json::to_vec(&self.bundle).unwrap_or_default()
    }
}

/// The log entry, if there is one. Of several cosign wants one to be true, and says nothing of the others.
fn log_entry(forms: Option<&[form::LogEntry]>) -> Result<Option<LogEntry>, Malformed> {
    match forms {
        None => Ok(None),
        Some([]) => Err(Malformed("has an empty list of log entries".into())),
        Some([form]) => LogEntry::of(form).map(Some),
        Some(_) => Err(Malformed("has more than one log entry".into())),
    }
}

/// The timestamp, if there is one.
fn timestamp(form: Option<&TimestampVerificationData>) -> Result<Option<Timestamp>, Malformed> {
    let Some(form) = form else { return Ok(None) };
    match &form.rfc3161_timestamps[..] {
        [] => Err(Malformed("has an empty list of timestamps".into())),
        [SignedTimestamp { signed_timestamp }] => Timestamp::from_der(&signed_timestamp.0)
            .map(Some)
            .ok_or_else(|| Malformed("has a timestamp that cannot be read".into())),
        _ => Err(Malformed("has more than one timestamp".into())),
    }
}

/// Whether a text that is no evidence nevertheless tells of an upload: it has the name of a field in
/// which a log entry or a timestamp stands.
pub(crate) fn tells_of_upload(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    ["\"rekorbundle\"", "\"tlogentries\"", "\"rfc3161timestamps\""].iter().any(|field| text.contains(field))
}

/// What `--bundle` of 2.0 to 2.3 writes for a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Legacy {
    /// The bare signature.
    pub(crate) signature: Vec<u8>,
    /// Whether it was told to a transparency log.
    pub(crate) is_logged: bool,
}

impl Legacy {
    /// Reads `{"base64Signature":"…"}`, with a `rekorBundle` or without, and with nothing else.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let LegacyBundle { signature, rekor_bundle } = strict(text)?;
        if signature.0.is_empty() {
            return Err(Malformed("has an empty signature".into()));
        }
        Ok(Self { signature: signature.0, is_logged: rekor_bundle.is_some() })
    }
}
