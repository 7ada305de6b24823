//! An entry of a transparency log: from which log it is, and what it is about. cosign verifies that
//! the log has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::RekorVersion;
use super::super::file::Malformed;
use super::{Evidence, Version, form};
use crate::digest::Sha256Digest;
use crate::printable::show;

/// An entry that has the form of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    log_id: Sha256Digest,
    index: Option<form::Int64>,
    integrated_time: Option<form::Int64>,
    version: RekorVersion,
    body: Vec<u8>,
    /// Whether it has an inclusion proof. Without one it has a promise.
    has_proof: bool,
    /// Whether its proof has the tree of its checkpoint and, with Rekor 2, its index.
    is_consistent: bool,
}

/// The kind of entry for a signature over a file.
const KIND: &str = "hashedrekord";

impl LogEntry {
    /// Checks the form of an entry in a signature file.
    ///
    /// Both versions of Rekor prove inclusion. Only Rekor 1 has a time and a promise. Either may be
    /// missing, according to the version of the file that the entry is `from`. Protobuf leaves out
    /// numbers that are 0 and lists that are empty.
    pub(super) fn of(form: &form::TransparencyLogEntry, from: Version) -> Result<Self, Malformed> {
        let refuse = |why: &str| Err(Malformed::new(format!("has a log entry {why}")));
        let form::KindVersion { kind, version } = &form.kind_version;
        if kind != KIND {
            return refuse(&format!("of kind `{}`, not {KIND}", show(kind)));
        }
        let version = match version.as_str() {
            "0.0.1" => RekorVersion::V1,
            "0.0.2" => RekorVersion::V2,
            other => {
                return refuse(&format!("of version `{}`, not 0.0.1 or 0.0.2", show(other)));
            }
        };
        let Ok(log_id) = <[u8; 32]>::try_from(form.log_id.key_id.0.as_slice()) else {
            return refuse("with a log ID that is not 32 bytes");
        };
        let proof = form.inclusion_proof.as_ref();
        match proof.map(check_proof) {
            Some(Err(why)) => return refuse(why),
            None if from.needs_proof() => return refuse("without an inclusion proof"),
            Some(Ok(())) | None => {}
        }
        if form.inclusion_promise.is_none() && from.needs_promise() {
            return refuse("without an inclusion promise");
        }
        match (version, &form.integrated_time, &form.inclusion_promise) {
            (RekorVersion::V1, None, _) => return refuse("of Rekor v1 without an integrated time"),
            (RekorVersion::V1, _, Some(promise)) if promise.signed_entry_timestamp.0.is_empty() => {
                return refuse("with an empty inclusion promise");
            }
            (RekorVersion::V2, Some(_), _) => return refuse("of Rekor v2 with an integrated time"),
            (RekorVersion::V2, _, Some(_)) => return refuse("of Rekor v2 with an inclusion promise"),
            (RekorVersion::V1, Some(_), _) | (RekorVersion::V2, None, None) => {}
        }
        if form.canonicalized_body.0.is_empty() {
            return refuse("with an empty body");
        }
        let (index, body) = (form.log_index.clone(), form.canonicalized_body.0.clone());
        // Rekor 1 numbers an entry among all its trees, and the proof numbers it within one tree.
        let is_consistent = proof.is_none_or(|proof| {
            is_of_its_checkpoint(proof) && (version == RekorVersion::V1 || proof.log_index == index)
        });
        let (has_proof, integrated_time) = (proof.is_some(), form.integrated_time.clone());
        let log_id = log_id.into();
        Ok(Self { log_id, index, integrated_time, version, body, has_proof, is_consistent })
    }

    /// Whether it has an inclusion proof, and not just a promise.
    pub(super) fn has_proof(&self) -> bool {
        self.has_proof
    }

    /// Whether its kind and version are those in its body, which cosign does not compare.
    pub(super) fn is_what_its_body_says(&self) -> bool {
        let version = match self.version {
            RekorVersion::V1 => "0.0.1",
            RekorVersion::V2 => "0.0.2",
        };
        kind_and_version(&self.body).is_some_and(|said| said == (KIND.to_owned(), version.to_owned()))
    }

    /// The ID of its log.
    pub(crate) fn log_id(&self) -> Sha256Digest {
        self.log_id
    }

    /// When the log says that it recorded the entry, in seconds since 1970. Only a Rekor 1 says so.
    pub(crate) fn integrated_time(&self) -> Option<u64> {
        self.integrated_time.as_ref()?.as_str().parse().ok()
    }

    /// The version of its log.
    pub(crate) fn version(&self) -> RekorVersion {
        self.version
    }

    /// Whether it is the first entry of its log, with index 0, which protobuf leaves out. cosign
    /// 2.4 rejects the first entry of a Rekor 1 as damaged.
    pub(crate) fn is_first(&self) -> bool {
        self.index.is_none()
    }

    /// Why it does not belong to the signature in `evidence`: the end of a sentence about the
    /// entry.
    ///
    /// The parts of the entry are compared here because cosign does not: for Rekor 2 it takes the
    /// tree from the checkpoint, and ignores the tree in the proof.
    pub(crate) fn misfit(&self, evidence: &Evidence) -> Option<&'static str> {
        let Some((digest, signature)) = self.subject() else {
            return Some("has a body that cannot be read");
        };
        if digest != evidence.digest() {
            return Some("is about another file than the manifest");
        }
        if signature != evidence.bundle.message_signature.signature.0 {
            return Some("is about another signature");
        }
        (!self.is_consistent).then_some("has an inclusion proof that does not match its checkpoint or index")
    }

    /// The SHA-256 and the signature that the log recorded.
    fn subject(&self) -> Option<(Sha256Digest, Vec<u8>)> {
        hash_and_signature(&self.body, self.version)
    }
}

/// The SHA-256 and the signature in the body of an entry of this version.
pub(super) fn hash_and_signature(body: &[u8], version: RekorVersion) -> Option<(Sha256Digest, Vec<u8>)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |pointer: &str| body.pointer(pointer)?.as_str();
    let bytes = |pointer: &str| STANDARD.decode(text(pointer)?).ok();
    let is = |pointer: &str, expected: &str| (text(pointer)? == expected).then_some(());
    is("/kind", KIND)?;
    match version {
        RekorVersion::V1 => {
            is("/apiVersion", "0.0.1")?;
            is("/spec/data/hash/algorithm", "sha256")?;
            let digest = Sha256Digest::parse(text("/spec/data/hash/value")?.as_bytes())?;
            Some((digest, bytes("/spec/signature/content")?))
        }
        RekorVersion::V2 => {
            is("/apiVersion", "0.0.2")?;
            is("/spec/hashedRekordV002/data/algorithm", "SHA2_256")?;
            let digest = <[u8; 32]>::try_from(bytes("/spec/hashedRekordV002/data/digest")?).ok()?;
            Some((digest.into(), bytes("/spec/hashedRekordV002/signature/content")?))
        }
    }
}

/// The kind and the version that the body of an entry has.
pub(super) fn kind_and_version(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| Some(body.get(name)?.as_str()?.to_owned());
    Some((text("kind")?, text("apiVersion")?))
}

/// Checks the form of a proof. The error is the end of a sentence about the entry.
fn check_proof(proof: &form::InclusionProof) -> Result<(), &'static str> {
    match proof.hashes.as_ref().map(Vec::len) {
        Some(0) => return Err("with an empty list of hashes"),
        // One hash for each level of the tree, whose size has 63 bits.
        Some(65..) => return Err("with more than 64 hashes"),
        _ => {}
    }
    let mut hashes = proof.hashes.iter().flatten().chain([&proof.root_hash]);
    if hashes.any(|hash| hash.0.len() != 32) {
        return Err("with a hash that is not 32 bytes");
    }
    if proof.checkpoint.envelope.is_empty() {
        return Err("with an empty checkpoint");
    }
    Ok(())
}

/// Whether a proof has the tree of its checkpoint. A checkpoint is a text: the log's name, the size
/// of the tree, its root hash, each on a line, and the log's signature.
fn is_of_its_checkpoint(proof: &form::InclusionProof) -> bool {
    let mut lines = proof.checkpoint.envelope.lines().skip(1);
    let (size, root) = (lines.next(), lines.next());
    size == Some(proof.tree_size.as_str()) && root == Some(&STANDARD.encode(&proof.root_hash.0))
}
