//! The JSON form of a Sigstore bundle, field by field, and the strict reader for it. The types have
//! the names of sigstore's protobuf-specs. [`super::Evidence`] has the rules for the values, and for
//! what a version does not have.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::super::file::{Base64, Malformed};
use super::SIZE_LIMIT;

/// Reads `text` as a Sigstore bundle in its one form.
pub(super) fn strict<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<T, Malformed> {
    strict_as(text, SIGSTORE_BUNDLE)
}

const SIGSTORE_BUNDLE: &str = "a Sigstore bundle";

const LEGACY: &str = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";

/// Fields that a Sigstore bundle must not have, in lower case, and why. cosign takes those of the
/// legacy form in any letter case.
const KNOWN_FIELDS: [(&str, &str); 4] = [
    ("base64signature", LEGACY),
    ("cert", LEGACY),
    ("rekorbundle", LEGACY),
    ("dsseenvelope", "is a DSSE attestation about the manifest, not a signature over it"),
];

/// Reads `text` as a `T` in its one form, which has this `name`. serde reads more, such as an array
/// for a struct. So what was read must give the same JSON value when it is written again.
pub(super) fn strict_as<T: Serialize + DeserializeOwned>(text: &[u8], name: &str) -> Result<T, Malformed> {
    if text.len() as u64 > SIZE_LIMIT {
        return Err(Malformed::new(format!("is larger than {SIZE_LIMIT} bytes")));
    }
    let read: T = serde_json::from_slice(text).map_err(|error| explain(text, name, &error))?;
    let as_written: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| explain(text, name, &error))?;
    if serde_json::to_value(&read).is_ok_and(|again| again == as_written) {
        Ok(read)
    } else {
        Err(Malformed::new(format!("is not written in the form of {name}")))
    }
}

/// The sentence for the forms that are known from practice or from attacks, and serde's text for
/// the rest.
fn explain(text: &[u8], name: &str, error: &serde_json::Error) -> Malformed {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Malformed::new("is empty");
    }
    if text.starts_with(b"\xef\xbb\xbf") {
        return Malformed::new("begins with a byte order mark");
    }
    if error.is_eof() {
        return Malformed::cut_off();
    }
    let error = crate::printable::show(error.to_string().as_bytes());
    // The file is one line, so a position in it does not help.
    let error = error.split(" at line ").next().unwrap_or(&error);
    let lower_case = error.to_ascii_lowercase();
    let is_unknown = |field: &str| lower_case.starts_with(&format!("unknown field `{field}`"));
    if name == SIGSTORE_BUNDLE
        && let Some((_, why)) = KNOWN_FIELDS.iter().find(|(field, _)| is_unknown(field))
    {
        return Malformed::new(*why);
    }
    Malformed::new(format!("is not {name}: {error}"))
}

/// A positive int64 of protobuf in JSON: a string of decimal digits without leading zeros. Protobuf
/// leaves out 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Int64(String);

impl Int64 {
    /// The number; `None` for 0, which protobuf leaves out.
    pub(super) fn of(number: u64) -> Option<Self> {
        (number > 0).then(|| Self(number.to_string()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let canonical = text.parse::<i64>().is_ok_and(|number| number > 0 && number.to_string() == text);
        if canonical {
            Ok(Self(text))
        } else {
            Err(D::Error::custom("a number that is not a decimal string above 0"))
        }
    }
}

/// A field that may be absent but not `null`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SigstoreBundle {
    pub(super) media_type: String,
    pub(super) verification_material: VerificationMaterial,
    pub(super) message_signature: MessageSignature,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VerificationMaterial {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) public_key: Option<PublicKeyIdentifier>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<X509Certificate>,
    /// The form of a certificate in versions 0.1 and 0.2.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) x509_certificate_chain: Option<X509CertificateChain>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) tlog_entries: Option<Vec<TransparencyLogEntry>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) timestamp_verification_data: Option<TimestampVerificationData>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublicKeyIdentifier {
    pub(super) hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct X509Certificate {
    pub(super) raw_bytes: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct X509CertificateChain {
    pub(super) certificates: Vec<X509Certificate>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MessageSignature {
    pub(super) message_digest: MessageDigest,
    pub(super) signature: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageDigest {
    pub(super) algorithm: Algorithm,
    pub(super) digest: Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    #[serde(rename = "SHA2_256")]
    Sha256,
}

/// An entry of Rekor v1 (with an integrated time and a promise) or v2. The first entry of a log has
/// neither `logIndex` nor `hashes`, because protobuf leaves out 0 and empty lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TransparencyLogEntry {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) log_index: Option<Int64>,
    pub(super) log_id: LogId,
    pub(super) kind_version: KindVersion,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) integrated_time: Option<Int64>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) inclusion_promise: Option<InclusionPromise>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) inclusion_proof: Option<InclusionProof>,
    pub(super) canonicalized_body: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogId {
    pub(super) key_id: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InclusionPromise {
    pub(super) signed_entry_timestamp: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InclusionProof {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) log_index: Option<Int64>,
    pub(super) root_hash: Base64,
    pub(super) tree_size: Int64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) hashes: Option<Vec<Base64>>,
    pub(super) checkpoint: Checkpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) envelope: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimestampVerificationData {
    #[serde(rename = "rfc3161Timestamps")]
    pub(super) rfc3161_timestamps: Vec<Rfc3161SignedTimestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rfc3161SignedTimestamp {
    pub(super) signed_timestamp: Base64,
}

/// The form of 2.0 to 2.3: only the fields of a signature by a key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LegacyBundle {
    #[serde(rename = "base64Signature")]
    pub(super) signature: Base64,
    #[serde(
        rename = "rekorBundle",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) rekor_bundle: Option<serde_json::Map<String, serde_json::Value>>,
}
