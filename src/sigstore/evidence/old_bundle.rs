//! The bundle that cosign 2 writes unless it is asked for a Sigstore bundle: signature, certificate,
//! and the entry of a Rekor 1 with the promise of the log. Releases carry it under many names,
//! `.sigstore.json` too.
//!
//! Nothing of it reaches cosign as it is: what is read here is written again in another form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::certificate_or_key::CertificateOrKey;
use super::form::{InclusionPromise, Int64, KindVersion, LogId, TransparencyLogEntry, present, strict_as};
use super::log_entry::{hash_and_signature, kind_and_version};
use super::{Base64, Evidence, NamedBy, SignatureForm, WithoutHint};
use crate::digest::Sha256Digest;
use crate::printable::show;
use crate::sigstore::RekorVersion;
use crate::sigstore::file::Malformed;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OldBundle {
    #[serde(rename = "base64Signature")]
    signature: Base64,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    cert: Option<String>,
    #[serde(
        rename = "rekorBundle",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    rekor_bundle: Option<RekorBundle>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RekorBundle {
    signed_entry_timestamp: Base64,
    payload: Payload,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Payload {
    body: Base64,
    integrated_time: u64,
    log_index: u64,
    #[serde(rename = "logID")]
    log_id: String,
}

/// Whether JSON is meant as an old bundle: it has its signature, and no media type.
pub(super) fn is_one(value: &Value) -> bool {
    value.get("mediaType").is_none() && value.get("base64Signature").is_some()
}

/// Reads an old bundle.
pub(super) fn parse(text: &[u8]) -> Result<SignatureForm, Malformed> {
    let OldBundle { signature: Base64(signature), cert, rekor_bundle } =
        strict_as(text, "a bundle of cosign's old form")?;
    if signature.is_empty() {
        return Err(Malformed::new("has an empty signature"));
    }
    let signer = cert.as_deref().map(CertificateOrKey::parse).transpose()?;
    let entry = rekor_bundle.map(|bundle| bundle.entry(&signature)).transpose()?;
    let (signed, entry) = match entry {
        Some((digest, entry)) => (Some(digest), Some(entry)),
        None => (None, None),
    };
    match (signer, signed) {
        (Some(CertificateOrKey::Certificate(der)), Some(digest)) => {
            let by = NamedBy::Certificate(der);
            Evidence::of_parts(signature, digest, by, entry).map(SignatureForm::Complete)
        }
        (Some(CertificateOrKey::Certificate(_)), None) => Err(Malformed::new(
            "has a certificate, which is valid for minutes, but no trusted signing time: there is no log entry",
        )),
        (Some(CertificateOrKey::Key(key)), _) => {
            Ok(SignatureForm::WithoutHint(WithoutHint { signature, signed, entry, key_in_file: Some(key) }))
        }
        (None, _) => {
            Ok(SignatureForm::WithoutHint(WithoutHint { signature, signed, entry, key_in_file: None }))
        }
    }
}

impl RekorBundle {
    /// The entry in the form of a Sigstore bundle, and the digest that it is about.
    fn entry(self, signature: &[u8]) -> Result<(Sha256Digest, TransparencyLogEntry), Malformed> {
        let refuse = |why: &str| Err(Malformed::new(format!("has a log entry {why}")));
        let Self { signed_entry_timestamp, payload } = self;
        let Payload { body, integrated_time, log_index, log_id } = payload;
        let Some((kind, version)) = kind_and_version(&body.0) else {
            return refuse("with a body that cannot be read");
        };
        if (kind.as_str(), version.as_str()) != ("hashedrekord", "0.0.1") {
            let said = format!("of kind `{}` {}, not hashedrekord 0.0.1", show(&kind), show(&version));
            return refuse(&said);
        }
        let Some((digest, recorded)) = hash_and_signature(&body.0, RekorVersion::V1) else {
            return refuse("with a body that cannot be read");
        };
        if recorded != signature {
            return refuse("about another signature");
        }
        let Some(log_id) = Sha256Digest::parse(log_id.as_bytes()) else {
            return refuse("with a log ID that is not a SHA-256");
        };
        let number = |number: u64| i64::try_from(number).is_ok().then_some(number);
        let (Some(index), Some(time)) = (number(log_index), number(integrated_time)) else {
            return refuse("with a number that is too large");
        };
        let entry = TransparencyLogEntry {
            log_index: Int64::of(index),
            log_id: LogId { key_id: Base64(log_id.as_bytes().to_vec()) },
            kind_version: KindVersion { kind, version },
            integrated_time: Int64::of(time),
            inclusion_promise: Some(InclusionPromise { signed_entry_timestamp }),
            inclusion_proof: None,
            canonicalized_body: body,
        };
        Ok((digest, entry))
    }
}
