//! The signature file: a Sigstore bundle v0.3 over the manifest, read strictly and written in one
//! form. Pure. Other modules compare it with the plan, and cosign verifies it. The earlier versions
//! and the other forms, which releases of others have, become the same [`Evidence`].
//!
//! cosign accepts far more than this: other media types, snake case, URL-safe base64, a DSSE
//! statement whose subject is the blob, any key hint, and on most releases any digest. It also
//! accepts the fields of the legacy form next to the new ones, and then uses those
//! (GHSA-fx35-mq7g-6g98). Here every field has one name, one form and one place, and an unknown
//! field is refused.

mod certificate_identity;
mod certificate_or_key;
mod form;
mod log_entry;
mod old_bundle;
mod other_forms;
#[cfg(test)]
mod tests;
mod timestamp;
mod version;

pub(crate) use self::certificate_identity::CertificateIdentity;
use self::form::{
    Algorithm, LegacyBundle, MessageDigest, MessageSignature, PublicKeyIdentifier, Rfc3161SignedTimestamp,
    SigstoreBundle, TimestampVerificationData, TransparencyLogEntry, VerificationMaterial, X509Certificate,
    strict,
};
pub(crate) use self::log_entry::LogEntry;
pub(crate) use self::other_forms::{SignatureForm, WithoutHint};
pub(crate) use self::timestamp::Timestamp;
use self::version::Version;
use super::file::{Base64, Malformed};
use crate::digest::Sha256Digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The largest signature file that is read, in bytes. Real ones have 383 to some 5,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

/// A signature over a manifest, with its log entry and timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// In the form of version 0.3, whatever was read.
    bundle: SigstoreBundle,
    digest: Sha256Digest,
    signer: SignedBy,
    log_entry: Option<LogEntry>,
    timestamp: Option<Timestamp>,
}

/// The signer that the signature file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignedBy {
    /// A key with this hint: the SHA-256 of its DER `SubjectPublicKeyInfo`.
    Key(Sha256Digest),
    /// The holder of the key that was certified for this identity.
    Certificate(CertificateIdentity),
}

impl Evidence {
    /// Reads a Sigstore bundle v0.3 with a message signature.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let read = |bundle| Self::of(bundle, Version::LATEST);
        strict(text).and_then(read).map_err(|why| or_newer(text, why))
    }

    /// Reads a Sigstore bundle v0.1, v0.2 or v0.3 with a message signature.
    fn parse_any_version(text: &[u8]) -> Result<Self, Malformed> {
        let read = |bundle: SigstoreBundle| {
            let Some(version) = Version::of(&bundle.media_type) else {
                return Err(Malformed::new("has a media type other than those of a Sigstore bundle"));
            };
            Self::of(version.into_latest(bundle)?, version)
        };
        let evidence = strict(text).and_then(read).map_err(|why| or_newer(text, why))?;
        match &evidence.log_entry {
            Some(entry) if !entry.is_what_its_body_says() => {
                Err(Malformed::new("has a log entry of another kind or version than its body says"))
            }
            _ => Ok(evidence),
        }
    }

    /// The bundle that 2.0 to 2.3 cannot write: a signature by a key over the blob with this
    /// digest, without log entry or timestamp.
    pub(crate) fn by_key(
        signature: Vec<u8>,
        digest: Sha256Digest,
        key: Sha256Digest,
    ) -> Result<Self, Malformed> {
        Self::of_parts(signature, digest, NamedBy::Hint(key), None)
    }

    /// A signature over the blob with this digest, without a timestamp.
    fn of_parts(
        signature: Vec<u8>,
        digest: Sha256Digest,
        by: NamedBy,
        entry: Option<TransparencyLogEntry>,
    ) -> Result<Self, Malformed> {
        let (public_key, certificate) = match by {
            NamedBy::Hint(key) => (Some(PublicKeyIdentifier { hint: STANDARD.encode(key.as_bytes()) }), None),
            NamedBy::Certificate(der) => (None, Some(X509Certificate { raw_bytes: Base64(der) })),
        };
        // An entry of cosign's old form has a promise and no proof, like one of the first version.
        let bundle = SigstoreBundle {
            media_type: Version::LATEST.media_type().into(),
            verification_material: VerificationMaterial {
                public_key,
                certificate,
                x509_certificate_chain: None,
                tlog_entries: entry.map(|entry| vec![entry]),
                timestamp_verification_data: None,
            },
            message_signature: MessageSignature {
                message_digest: MessageDigest {
                    algorithm: Algorithm::Sha256,
                    digest: Base64(digest.as_bytes().to_vec()),
                },
                signature: Base64(signature),
            },
        };
        Self::of(bundle, Version::FIRST)
    }

    /// The evidence in `bundle`, which has the form of the latest version and was read `from` this one.
    fn of(bundle: SigstoreBundle, from: Version) -> Result<Self, Malformed> {
        let refuse = |why: &str| Err(Malformed::new(why));
        if bundle.media_type != Version::LATEST.media_type() {
            return refuse("has a media type other than that of a Sigstore bundle v0.3");
        }
        if bundle.verification_material.x509_certificate_chain.is_some() {
            return refuse("has a certificate chain, which a v0.3 bundle must not have");
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
            (None, Some(certificate)) => {
                SignedBy::Certificate(CertificateIdentity::of_certificate(&certificate.raw_bytes.0)?)
            }
            (Some(_), Some(_)) => return refuse("names both a key and a certificate"),
            (None, None) => return refuse("names neither a key nor a certificate"),
        };
        let log_entry = log_entry(material.tlog_entries.as_deref(), from)?;
        let timestamp = timestamp(material.timestamp_verification_data.as_ref())?;
        if matches!(signer, SignedBy::Certificate(_)) && log_entry.is_none() && timestamp.is_none() {
            return refuse(
                "has a certificate, which is valid for minutes, but no trusted signing time: neither a log entry nor a timestamp",
            );
        }
        Ok(Self { bundle, digest: Sha256Digest::from(digest), signer, log_entry, timestamp })
    }

    /// The SHA-256 that the file gives for what it signs.
    pub(crate) fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The signer that the file names.
    pub(crate) fn signer(&self) -> &SignedBy {
        &self.signer
    }

    /// The bare signature, base64.
    pub(crate) fn signature_base64(&self) -> String {
        STANDARD.encode(&self.bundle.message_signature.signature.0)
    }

    /// Its entry of a transparency log.
    pub(crate) fn log_entry(&self) -> Option<&LogEntry> {
        self.log_entry.as_ref()
    }

    /// Its timestamp.
    pub(crate) fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// The same signature, with or without its log entry and timestamp. cosign does not get what it
    /// has to ignore, because 2.4.1 refuses some real ones all the same.
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

    /// The file in the one form that aicr writes: compact JSON, fields in cosign's order, no
    /// newline. It is version 0.3, or 0.1 if the log entry has a promise and no proof: cosign
    /// verifies such an entry in that version only.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let is_promised_only = self.log_entry.as_ref().is_some_and(|entry| !entry.has_proof());
        // Structs, strings and lists only: there is no map key or number to fail on.
        if is_promised_only {
            serde_json::to_vec(&Version::first_form_of(self.bundle.clone())).unwrap_or_default()
        } else {
            serde_json::to_vec(&self.bundle).unwrap_or_default()
        }
    }
}

/// The signer that a signature of another form gets.
enum NamedBy {
    /// The key with this SHA-256.
    Hint(Sha256Digest),
    /// The certificate in this DER.
    Certificate(Vec<u8>),
}

/// The log entry, if there is one. Several are refused: cosign accepts them if one of them
/// verifies.
fn log_entry(forms: Option<&[TransparencyLogEntry]>, from: Version) -> Result<Option<LogEntry>, Malformed> {
    match forms {
        None => Ok(None),
        Some([]) => Err(Malformed::new("has an empty list of log entries")),
        Some([form]) => LogEntry::of(form, from).map(Some),
        Some(_) => Err(Malformed::new("has more than one log entry")),
    }
}

/// The timestamp, if there is one.
fn timestamp(form: Option<&TimestampVerificationData>) -> Result<Option<Timestamp>, Malformed> {
    let Some(form) = form else { return Ok(None) };
    match &form.rfc3161_timestamps[..] {
        [] => Err(Malformed::new("has an empty list of timestamps")),
        [Rfc3161SignedTimestamp { signed_timestamp }] => Timestamp::from_der(&signed_timestamp.0)
            .map(Some)
            .ok_or_else(|| Malformed::new("has a timestamp that cannot be read")),
        _ => Err(Malformed::new("has more than one timestamp")),
    }
}

/// Why a text is refused: a newer form may have fields that are unknown here.
fn or_newer(text: &[u8], why: Malformed) -> Malformed {
    match newer_media_type(text) {
        Some(media_type) => Malformed::newer(&media_type),
        None => why,
    }
}

/// Whether a text is a Sigstore bundle of a later version than 0.3.
pub(crate) fn is_newer(text: &[u8]) -> bool {
    newer_media_type(text).is_some()
}

/// The media type of a text that is a Sigstore bundle of a later version, in either spelling:
/// `…bundle.v0.4+json` or `…bundle+json;version=0.4`.
fn newer_media_type(text: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    let media_type = value.get("mediaType")?.as_str()?;
    let rest = media_type.strip_prefix("application/vnd.dev.sigstore.bundle")?;
    let in_name = rest.strip_prefix(".v").and_then(|rest| rest.strip_suffix("+json"));
    let version = in_name.or_else(|| rest.strip_prefix("+json;version="))?;
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    let version: (u32, u32) = (numbers.next()??, numbers.next().unwrap_or(Some(0))?);
    (version > (0, 3)).then(|| media_type.to_owned())
}

/// Whether a text shows an upload even though it is not a valid signature file: it has the name of
/// a field for a log entry or a timestamp.
pub(crate) fn shows_upload(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    ["\"rekorbundle\"", "\"tlogentries\"", "\"rfc3161timestamps\""].iter().any(|field| text.contains(field))
}

/// The bundle that 2.0 to 2.3 write for a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Legacy {
    /// The bare signature.
    pub(crate) signature: Vec<u8>,
    /// Whether it was recorded in a transparency log.
    pub(crate) is_logged: bool,
}

impl Legacy {
    /// Reads `{"base64Signature":"…"}`, with a `rekorBundle` or without, and with nothing else.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let LegacyBundle { signature, rekor_bundle } = strict(text)?;
        if signature.0.is_empty() {
            return Err(Malformed::new("has an empty signature"));
        }
        Ok(Self { signature: signature.0, is_logged: rekor_bundle.is_some() })
    }
}
