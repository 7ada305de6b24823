//! The trusted root: the keys and certificates of the logs, certificate authorities and timestamp
//! authorities of a Sigstore. cosign gets the operator's file unchanged. It is read here to
//! identify a log or an authority, and for cosigns that sign without `--trusted-root`. Pure.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use spki::der::asn1::BitString;
use spki::der::{Any, Encode};
use spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

use super::RekorVersion;
use super::certificate::Certificate;
use super::evidence::Timestamp;
use super::file::{Base64, Malformed, SigstoreFile};
use super::public_key::PublicKey;
use super::validity::Validity;
use crate::digest::Sha256Digest;
use crate::plan::service::ServiceUrl;
use crate::printable::show;

/// A trusted root without any service. With it, cosign neither fetches the public root (2.4 to 3.1)
/// nor falls back to the old bundle form (GHSA-fx35-mq7g-6g98).
pub(crate) const EMPTY: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;

/// The keys and certificates of the services of a Sigstore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedRoot {
    text: Vec<u8>,
    logs: Vec<Log>,
    certificate_authorities: Vec<Authority>,
    ct_logs: Vec<Log>,
    timestamp_authorities: Vec<Authority>,
}

/// A transparency log and its key. A log whose key was changed has one of these for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    url: Option<ServiceUrl>,
    id: Sha256Digest,
    key: PublicKey,
    validity: Validity,
}

/// An authority: its address, and its certificates up to the root. The one that it signs with may
/// be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    url: Option<ServiceUrl>,
    chain: Vec<Certificate>,
}

impl TrustedRoot {
    /// Reads what `cosign trusted-root create` writes and the public Sigstore publishes. Fields
    /// that are not needed here are ignored.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        SigstoreFile::TrustedRoot.open(text)?;
        let damaged = |why: Malformed| Malformed::new(format!("is a damaged trusted root: {why}"));
        let form: Form =
            serde_json::from_slice(text).map_err(|error| damaged(Malformed::new(show(error.to_string()))))?;
        Ok(Self {
            text: text.to_vec(),
            logs: each(form.tlogs, "log", log).map_err(damaged)?,
            certificate_authorities: each(form.certificate_authorities, "certificate authority", authority)
                .map_err(damaged)?,
            ct_logs: each(form.ctlogs, "certificate transparency log", log).map_err(damaged)?,
            timestamp_authorities: each(form.timestamp_authorities, "timestamp authority", authority)
                .map_err(damaged)?,
        })
    }

    /// The file as it was read. cosign gets it.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The logs at this address, each with a key of its own.
    pub(crate) fn logs_at(&self, url: &ServiceUrl) -> impl Iterator<Item = &Log> {
        self.logs.iter().filter(|log| log.url.as_ref().is_some_and(|other| other.is_same_place(url)))
    }

    /// The log with this ID, which its entries have.
    pub(crate) fn log_with_id(&self, id: Sha256Digest) -> Option<&Log> {
        self.logs.iter().find(|log| log.id == id)
    }

    /// All logs.
    pub(crate) fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The certificate authorities.
    pub(crate) fn certificate_authorities(&self) -> &[Authority] {
        &self.certificate_authorities
    }

    /// The certificate transparency logs.
    pub(crate) fn ct_logs(&self) -> &[Log] {
        &self.ct_logs
    }

    /// The timestamp authorities.
    pub(crate) fn timestamp_authorities(&self) -> &[Authority] {
        &self.timestamp_authorities
    }

    /// Whether `timestamp` names one of these authorities.
    pub(crate) fn knows(&self, timestamp: &Timestamp) -> bool {
        self.timestamp_authorities.iter().any(|authority| timestamp.is_by(&authority.chain))
    }
}

impl Log {
    /// Its address, if the file has a usable one.
    pub(crate) fn url(&self) -> Option<&ServiceUrl> {
        self.url.as_ref()
    }

    /// Its ID.
    pub(crate) fn id(&self) -> Sha256Digest {
        self.id
    }

    /// Whether its key is valid at `time`, in seconds since 1970.
    pub(crate) fn is_valid_at(&self, time: i64) -> bool {
        self.validity.covers(time)
    }

    /// Its key.
    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its version. The file does not have it. But the ID of a Rekor 1 log is the SHA-256 of its
    /// key, while that of a Rekor 2 log depends on the log's name, too. (A Rekor 2 log with an
    /// ECDSA key looks like Rekor 1, because its ID does not depend on the name; rekor-tiles uses
    /// Ed25519.)
    pub(crate) fn version(&self) -> RekorVersion {
        if self.id == self.key.sha256() { RekorVersion::V1 } else { RekorVersion::V2 }
    }
}

impl Authority {
    /// Its address, if the file has a usable one.
    pub(crate) fn url(&self) -> Option<&ServiceUrl> {
        self.url.as_ref()
    }

    /// Its certificates as PEM, the root last.
    pub(crate) fn to_pem(&self) -> String {
        self.chain.iter().map(Certificate::to_pem).collect()
    }
}

/// Reads each item of a list. The error names the item by its number.
fn each<T, U>(
    list: Vec<T>,
    name: &str,
    read: impl Fn(T) -> Result<U, Malformed>,
) -> Result<Vec<U>, Malformed> {
    let numbered = list.into_iter().zip(1..);
    numbered
        .map(|(item, n)| read(item).map_err(|why| Malformed::new(format!("{name} {n} has {why}"))))
        .collect()
}

fn log(form: LogForm) -> Result<Log, Malformed> {
    let key = key(&form.public_key)?;
    let id = <[u8; 32]>::try_from(form.log_id.key_id.0)
        .map_err(|_| Malformed::new("an ID that is not 32 bytes"))?;
    // Without it, cosign refuses the whole file.
    let validity = form.public_key.valid_for.filter(Validity::has_start);
    let validity = validity.ok_or_else(|| Malformed::new("no start of its validity"))?;
    // The address identifies the log to sign with. Verifying needs none.
    let url = form.base_url.and_then(|url| ServiceUrl::parse(&url).ok());
    Ok(Log { url, id: id.into(), key, validity })
}

fn key(form: &KeyForm) -> Result<PublicKey, Malformed> {
    let der = &form.raw_bytes.0;
    let key = match form.key_details.as_deref() {
        // Deprecated, but a log in the staging instance of Sigstore has it.
        Some("PKCS1_RSA_PKCS1V5") => wrapped(der).and_then(|der| PublicKey::from_der(&der)),
        _ => PublicKey::from_der(der),
    };
    key.ok_or_else(|| Malformed::new("a damaged public key"))
}

/// The `SubjectPublicKeyInfo` around a bare RSA key.
fn wrapped(rsa: &[u8]) -> Option<Vec<u8>> {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    pkcs1::RsaPublicKeyRef::try_from(rsa).ok()?;
    let algorithm = AlgorithmIdentifierOwned { oid: RSA, parameters: Some(Any::null()) };
    let subject_public_key = BitString::from_bytes(rsa).ok()?;
    SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der().ok()
}

fn authority(form: AuthorityForm) -> Result<Authority, Malformed> {
    let certificates = form.cert_chain.certificates;
    if certificates.is_empty() {
        return Err(Malformed::new("no certificate"));
    }
    let read = |form: CertificateForm| Certificate::from_der(&form.raw_bytes.0);
    let chain: Option<Vec<Certificate>> = certificates.into_iter().map(read).collect();
    let url = form.uri.and_then(|uri| ServiceUrl::parse(uri.as_str()?).ok());
    Ok(Authority { url, chain: chain.ok_or_else(|| Malformed::new("a damaged certificate"))? })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a trusted root")]
struct Form {
    #[serde(default)]
    tlogs: Vec<LogForm>,
    #[serde(default)]
    certificate_authorities: Vec<AuthorityForm>,
    #[serde(default)]
    ctlogs: Vec<LogForm>,
    #[serde(default)]
    timestamp_authorities: Vec<AuthorityForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a log")]
struct LogForm {
    base_url: Option<String>,
    public_key: KeyForm,
    log_id: LogIdForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a public key")]
struct KeyForm {
    raw_bytes: Base64,
    key_details: Option<String>,
    valid_for: Option<Validity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a log ID")]
struct LogIdForm {
    key_id: Base64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an authority")]
struct AuthorityForm {
    /// Used if it is a usable address.
    uri: Option<serde_json::Value>,
    cert_chain: ChainForm,
}

#[derive(Deserialize)]
#[serde(expecting = "a certificate chain")]
struct ChainForm {
    #[serde(default)]
    certificates: Vec<CertificateForm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a certificate")]
struct CertificateForm {
    raw_bytes: Base64,
}
