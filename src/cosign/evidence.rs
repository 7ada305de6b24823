//! The signature file: a Sigstore bundle v0.3 over the manifest, read strictly and written in one
//! form. Pure: what it says is held against a plan elsewhere, and whether it is true is cosign's.
//!
//! cosign accepts far more than this: other media types, snake case, URL-safe base64, a DSSE
//! statement whose subject is the blob, any key hint, on most releases any digest, and beside all
//! that the fields of the legacy form, which then win (GHSA-fx35-mq7g-6g98). Here every field has
//! one name, one form and one place; a field that is not known is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use crate::digest::Sha256Digest;

/// The largest signature file that is read, in bytes. Real ones have 383 to some 5,000.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A signature over a manifest, and everything that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    bundle: SigstoreBundle,
    digest: Sha256Digest,
    signer: SignedBy,
}

/// Who made the signature, by the file's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedBy {
    /// A key with this hint: the SHA-256 of its DER `SubjectPublicKeyInfo`.
    Key(Sha256Digest),
    /// A Fulcio certificate.
    Certificate,
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
            (None, Some(certificate)) if !certificate.raw_bytes.0.is_empty() => SignedBy::Certificate,
            (None, Some(_)) => return refuse("has an empty certificate"),
            (Some(_), Some(_)) => return refuse("names both a key and a certificate"),
            (None, None) => return refuse("names neither a key nor a certificate"),
        };
        if material.tlog_entries.as_ref().is_some_and(Vec::is_empty) {
            return refuse("has an empty list of log entries");
        }
        let timestamps = material.timestamp_verification_data.as_ref();
        if timestamps.is_some_and(|data| data.rfc3161_timestamps.is_empty()) {
            return refuse("has an empty list of timestamps");
        }
        Ok(Self { bundle, digest: Sha256Digest::from(digest), signer })
    }

    /// The SHA-256 that the file claims for what it signs.
    pub(crate) fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// Who made it, by its own account.
    pub(crate) fn signer(&self) -> SignedBy {
        self.signer
    }

    /// The bare signature, base64.
    pub(crate) fn signature_base64(&self) -> String {
        STANDARD.encode(&self.bundle.message_signature.signature.0)
    }

    /// How many entries of transparency logs it carries.
    pub(crate) fn log_entries(&self) -> usize {
        self.bundle.verification_material.tlog_entries.as_ref().map_or(0, Vec::len)
    }

    /// How many timestamps it carries.
    pub(crate) fn timestamps(&self) -> usize {
        let data = &self.bundle.verification_material.timestamp_verification_data;
        data.as_ref().map_or(0, |data| data.rfc3161_timestamps.len())
    }

    /// The same signature without log entries and timestamps: what cosign gets when they are to
    /// be ignored, since 2.4.1 refuses some real ones even so.
    #[must_use]
    pub(crate) fn bare(&self) -> Self {
        let mut bare = self.clone();
        bare.bundle.verification_material.tlog_entries = None;
        bare.bundle.verification_material.timestamp_verification_data = None;
        bare
    }

    /// The file, in the one form aicr writes: compact JSON, fields in cosign's order, no newline.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Structs of strings and lists of them: there is no map key or number to fail on.
        serde_json::to_vec(&self.bundle).unwrap_or_default()
    }
}

/// Reads what `--bundle` of 2.0 to 2.3 writes for a key without a log: `{"base64Signature":"…"}`
/// and nothing else. Gives the signature.
pub(crate) fn parse_legacy(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Legacy {
        #[serde(rename = "base64Signature")]
        signature: Base64,
    }
    let legacy: Legacy = strict(text)?;
    if legacy.signature.0.is_empty() {
        return Err(Malformed("has an empty signature".into()));
    }
    Ok(legacy.signature.0)
}

/// Reads `text` as a `T`, and as nothing that merely can be read as one: serde takes an array for a
/// struct, for example. What was read, written again, must be the same JSON value.
fn strict<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<T, Malformed> {
    if text.len() as u64 > SIZE_LIMIT {
        return Err(Malformed(format!("is larger than {SIZE_LIMIT} bytes")));
    }
    let read: T = serde_json::from_slice(text).map_err(|error| explain(text, &error))?;
    let as_written: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| explain(text, &error))?;
    if serde_json::to_value(&read).is_ok_and(|again| again == as_written) {
        Ok(read)
    } else {
        Err(Malformed("is not written as a Sigstore bundle is".into()))
    }
}

/// Words for the forms that are met in the wild or in an attack, and serde's for the rest.
fn explain(text: &[u8], error: &serde_json::Error) -> Malformed {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Malformed("is empty".into());
    }
    if text.starts_with(b"\xef\xbb\xbf") {
        return Malformed("begins with a byte order mark".into());
    }
    const LEGACY: &str = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";
    let error = crate::printable::show(error.to_string().as_bytes());
    // The file is one line, so a position in it helps nobody.
    let error = error.split(" at line ").next().unwrap_or(&error);
    let lower_case = error.to_ascii_lowercase();
    for (field, why) in [
        // cosign takes these fields in any letter case.
        ("base64signature", LEGACY),
        ("cert", LEGACY),
        ("rekorbundle", LEGACY),
        ("dsseenvelope", "is a DSSE attestation about the manifest, not a signature of it"),
        ("x509certificatechain", "has a certificate chain, which a v0.3 bundle does not carry"),
    ] {
        if lower_case.starts_with(&format!("unknown field `{field}`")) {
            return Malformed(why.into());
        }
    }
    Malformed(format!("is not a Sigstore bundle: {error}"))
}

/// Bytes as standard base64 with padding; no other form is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Base64(Vec<u8>);

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

/// A protobuf int64 in JSON: a string of decimal digits without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Int64(String);

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let canonical = text.parse::<i64>().is_ok_and(|number| number >= 0 && number.to_string() == text);
        if canonical {
            Ok(Self(text))
        } else {
            Err(D::Error::custom("a number that is not a decimal string"))
        }
    }
}

/// A field that may be absent but not `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SigstoreBundle {
    media_type: String,
    verification_material: VerificationMaterial,
    message_signature: MessageSignature,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerificationMaterial {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyIdentifier>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    tlog_entries: Option<Vec<LogEntry>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<TimestampVerificationData>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicKeyIdentifier {
    hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Certificate {
    raw_bytes: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageSignature {
    message_digest: MessageDigest,
    signature: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageDigest {
    algorithm: Algorithm,
    digest: Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Algorithm {
    #[serde(rename = "SHA2_256")]
    Sha256,
}

/// An entry of Rekor v1 (with an integrated time and a promise) or v2. The first entry of a log
/// has neither `logIndex` nor `hashes`: protobuf leaves out what is zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogEntry {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    log_index: Option<Int64>,
    log_id: LogId,
    kind_version: KindVersion,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    integrated_time: Option<Int64>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    inclusion_promise: Option<InclusionPromise>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    inclusion_proof: Option<InclusionProof>,
    canonicalized_body: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LogId {
    key_id: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindVersion {
    kind: String,
    version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InclusionPromise {
    signed_entry_timestamp: Base64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InclusionProof {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    log_index: Option<Int64>,
    root_hash: Base64,
    tree_size: Int64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    hashes: Option<Vec<Base64>>,
    checkpoint: Checkpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    envelope: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimestampVerificationData {
    #[serde(rename = "rfc3161Timestamps")]
    rfc3161_timestamps: Vec<SignedTimestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignedTimestamp {
    signed_timestamp: Base64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_ONLY: &str = include_str!("../../fixtures/evidence/key.json");
    const REKOR_V1: &str = include_str!("../../fixtures/evidence/key-rekor-v1.json");
    const REKOR_V2_TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-rekor-v2-timestamp.json");
    const TIMESTAMP: &str = include_str!("../../fixtures/evidence/key-timestamp.json");
    const KEYLESS: &str = include_str!("../../fixtures/evidence/keyless-rekor-v1.json");
    const LEGACY: &str = include_str!("../../fixtures/evidence/legacy.json");

    fn refused(text: &str) -> String {
        Evidence::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_cosign_writes_is_read_and_written_again_to_the_byte() {
        for (text, entries, timestamps) in [
            (KEY_ONLY, 0, 0),
            (REKOR_V1, 1, 0),
            (REKOR_V2_TIMESTAMP, 1, 1),
            (TIMESTAMP, 0, 1),
            (KEYLESS, 1, 0),
        ] {
            let evidence = Evidence::parse(text.as_bytes()).unwrap();
            assert_eq!((evidence.log_entries(), evidence.timestamps()), (entries, timestamps));
            assert_eq!(String::from_utf8(evidence.to_json()).unwrap(), text);
        }
    }

    #[test]
    fn a_bare_signature_by_a_key_has_383_bytes() {
        let bare = Evidence::parse(REKOR_V2_TIMESTAMP.as_bytes()).unwrap().bare();
        assert_eq!((bare.log_entries(), bare.timestamps()), (0, 0));
        assert_eq!(KEY_ONLY.len(), 383);
        assert_eq!(Evidence::parse(KEY_ONLY.as_bytes()).unwrap().bare().to_json(), KEY_ONLY.as_bytes());
    }

    #[test]
    fn the_old_form_becomes_the_new_one() {
        let signature = parse_legacy(LEGACY.as_bytes()).unwrap();
        let (digest, key) = (Sha256Digest::of(b"blob"), Sha256Digest::of(b"key"));
        let evidence = Evidence::by_key(signature, digest, key).unwrap();
        assert_eq!(evidence.digest(), digest);
        assert_eq!(evidence.signer(), SignedBy::Key(key));
        assert_eq!(Evidence::parse(&evidence.to_json()).unwrap(), evidence);
        assert!(LEGACY.contains(&evidence.signature_base64()));
    }

    #[test]
    fn the_old_form_with_anything_more_is_refused() {
        for text in [
            r#"{"base64Signature":"AA==","cert":"AA=="}"#,
            r#"{"base64Signature":"AA==","rekorBundle":{}}"#,
            r#"{"base64Signature":""}"#,
            r#"{"base64Signature":"A"}"#,
            r#"["AA=="]"#,
            "",
            "{}",
        ] {
            assert!(parse_legacy(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        let legacy = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";
        let with = |from: &str, to: &str| {
            assert!(KEY_ONLY.contains(from), "{from}");
            KEY_ONLY.replacen(from, to, 1)
        };
        let hint = "E/4wUBhZMrHsQDfo+RQjZBQyAR2A2/1vlJTHEgQFLZA=";
        for (text, reason) in [
            (String::new(), "is empty"),
            (" \n".into(), "is empty"),
            (format!("\u{feff}{KEY_ONLY}"), "begins with a byte order mark"),
            (LEGACY.into(), legacy),
            (r#"{"base64Signature":"AA==","cert":"AA=="}"#.into(), legacy),
            (with("{\"mediaType\"", "{\"base64Signature\":\"AA==\",\"mediaType\""), legacy),
            (with("{\"mediaType\"", "{\"CERT\":\"AA==\",\"mediaType\""), legacy),
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{}}"#.into(),
                "is a DSSE attestation about the manifest, not a signature of it",
            ),
            (with("v0.3+json", "v0.2+json"), "has a media type other than that of a Sigstore bundle v0.3"),
            (with("SHA2_256", "SHA2_512"), "is not a Sigstore bundle: unknown variant `SHA2_512`, expected `SHA2_256`"),
            (with("\"SHA2_256\"", "1"), "is not a Sigstore bundle: expected value"),
            (with("\"SHA2_256\"", "{\"SHA2_256\":null}"), "is not written as a Sigstore bundle is"),
            (with("DqRxSAapuBK+mIDE/w56rWqP0jk8/wzI3Fd4MTyaeQM=", ""), "has a message digest that is not 32 bytes"),
            (with("DqRxSAapuBK+", "DqRxSAapuBK-"), "is not a Sigstore bundle: a value that is not standard base64"),
            (with("eQM=", "eQM"), "is not a Sigstore bundle: a value that is not standard base64"),
            (with(hint, ""), "has a key hint that is not the base64 of a SHA-256"),
            (with(hint, "AAAA"), "has a key hint that is not the base64 of a SHA-256"),
            (with("{\"publicKey\":", "{\"tlogEntries\":[],\"publicKey\":"), "has an empty list of log entries"),
            (with("{\"publicKey\":", "{\"tlogEntries\":null,\"publicKey\":"), "is not a Sigstore bundle: invalid type: null, expected a sequence"),
            (with("{\"publicKey\":", "{\"timestampVerificationData\":{\"rfc3161Timestamps\":[]},\"publicKey\":"), "has an empty list of timestamps"),
            (with("{\"publicKey\":", "{\"certificate\":{\"rawBytes\":\"AA==\"},\"publicKey\":"), "names both a key and a certificate"),
            (with("\"publicKey\":{\"hint\":\"E/4wUBhZMrHsQDfo+RQjZBQyAR2A2/1vlJTHEgQFLZA=\"}", ""), "names neither a key nor a certificate"),
            (format!("{KEY_ONLY}x"), "is not a Sigstore bundle: trailing characters"),
            (format!("[{KEY_ONLY}]"), "is not a Sigstore bundle: invalid type: map, expected a string"),
            (KEY_ONLY[..200].into(), "is not a Sigstore bundle: EOF while parsing a string"),
        ] {
            assert_eq!(refused(&text), reason, "{text}");
        }
        let snake = with("mediaType", "media_type");
        assert!(refused(&snake).starts_with("is not a Sigstore bundle: unknown field `media_type`"));
        let twice = with("{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\"");
        assert!(refused(&twice).starts_with("is not a Sigstore bundle: duplicate field `mediaType`"));
        let large = " ".repeat(1 << 20) + KEY_ONLY;
        assert_eq!(refused(&large), "is larger than 1048576 bytes");
        let deep = "[".repeat(1 << 19);
        assert!(refused(&deep).starts_with("is not a Sigstore bundle: "));
    }

    #[test]
    fn an_array_in_place_of_an_object_is_refused() {
        let text = KEY_ONLY.replacen("{\"hint\":", "[", 1).replacen("LZA=\"}", "LZA=\"]", 1);
        assert_eq!(refused(&text), "is not written as a Sigstore bundle is");
    }

    #[test]
    fn a_malformed_log_entry_is_refused() {
        for (from, to) in [
            ("\"treeSize\":\"2\"", "\"treeSize\":2"),
            ("\"treeSize\":\"2\"", "\"treeSize\":\"02\""),
            ("\"treeSize\":\"2\"", "\"treeSize\":\"-2\""),
            ("\"logId\":{", "\"logId\":{\"x\":1,"),
            ("\"kindVersion\":", "\"kindversion\":"),
            ("\"signedTimestamp\":\"", "\"signedTimestamp\":\"!"),
        ] {
            assert!(REKOR_V2_TIMESTAMP.contains(from), "{from}");
            assert!(Evidence::parse(REKOR_V2_TIMESTAMP.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
        }
    }
}
