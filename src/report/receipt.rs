//! The receipt of a verification: an in-toto Statement v1 about the manifest, for an auditor.
//! `docs/receipt.schema.json` describes it. It is not signed.

use serde::{Deserialize, Serialize};

use super::{FindingForm, ManifestReport, ReleaseReport, SignatureReport};
use crate::digest::Sha256Digest;
use crate::printable::quoted;

/// The largest receipt that is read, in bytes: 10,000 findings with long names.
pub(crate) const SIZE_LIMIT: u64 = 128 << 20;

/// How many bytes at the begin of a file show whether it is a receipt.
pub(crate) const HEAD: u64 = 4096;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://aicr.example/verification-receipt/v1";

/// What a receipt says of itself.
const NOTICE: &str =
    "This receipt is not signed: it proves nothing about who wrote it. `cosign sign-blob` can sign it.";

/// The whole receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Statement {
    #[serde(rename = "_type")]
    type_: String,
    subject: [Subject; 1],
    predicate_type: String,
    pub(crate) predicate: Receipt,
}

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: Sha256Digest,
}

/// What was verified, by which program, under which policy, and with which result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Receipt {
    pub(crate) verifier: Verifier,
    /// RFC 3339, UTC.
    pub(crate) time_verified: String,
    pub(crate) policy: Policy,
    /// The path as it was given.
    pub(crate) bundle: String,
    /// Absent if the signature was not accepted: then the manifest was not read.
    pub(crate) manifest: Option<ManifestReport>,
    pub(crate) signatures: Vec<SignatureReport>,
    pub(crate) release: Option<ReleaseReport>,
    pub(crate) verification_result: VerificationResult,
    /// The first 10,000.
    pub(crate) findings: Vec<FindingForm>,
    pub(crate) findings_total: u64,
    /// Why it failed.
    pub(crate) error: Option<String>,
    pub(crate) notice: String,
}

/// The programs and the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verifier {
    /// The version of aicr.
    pub(crate) aicr: String,
    pub(crate) cosign: CosignForm,
    /// The name of the machine.
    pub(crate) host: String,
}

/// The cosign that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CosignForm {
    pub(crate) path: String,
    pub(crate) version: String,
    /// Of its file; `None` if that may be run but not read.
    pub(crate) sha256: Option<Sha256Digest>,
}

/// Every flag that can reject a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) flags: Vec<PolicyFlag>,
    /// Of `flags` as compact JSON: two receipts with the same digest were written under the same policy.
    sha256: Sha256Digest,
}

/// One flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyFlag {
    pub(crate) name: String,
    /// Absent if the flag has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// Of the key or the trusted root that the value names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256Digest>,
}

/// The words of in-toto's verification predicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum VerificationResult {
    Passed,
    Failed,
}

impl VerificationResult {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "accepted",
            Self::Failed => "rejected",
        }
    }
}

impl Policy {
    /// The policy of these flags.
    pub(crate) fn new(flags: Vec<PolicyFlag>) -> Self {
        let sha256 = Self::digest(&flags);
        Self { flags, sha256 }
    }

    /// The digest of the flags.
    pub(crate) fn sha256(&self) -> Sha256Digest {
        self.sha256
    }

    /// The flags as they would be typed.
    pub(crate) fn command_line(&self) -> String {
        let words = self.flags.iter().flat_map(|PolicyFlag { name, value, sha256: _ }| {
            std::iter::once(quoted(name)).chain(value.as_deref().map(quoted))
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn digest(flags: &[PolicyFlag]) -> Sha256Digest {
        // Strings only: there is nothing to fail on.
        Sha256Digest::of(&serde_json::to_vec(flags).unwrap_or_default())
    }
}

impl Receipt {
    /// The notice that every receipt has.
    pub(crate) fn notice() -> String {
        NOTICE.to_owned()
    }
}

impl Statement {
    /// The statement about the manifest with this name and digest.
    pub(crate) fn new((name, sha256): (&str, Sha256Digest), predicate: Receipt) -> Self {
        let subject = Subject { name: name.to_owned(), digest: SubjectDigest { sha256 } };
        Self {
            type_: STATEMENT.to_owned(),
            subject: [subject],
            predicate_type: PREDICATE.to_owned(),
            predicate,
        }
    }

    /// Whether a file that begins with these bytes is a receipt, perhaps a damaged one.
    pub(crate) fn is_begun_by(head: &[u8]) -> bool {
        let head = String::from_utf8_lossy(head);
        head.starts_with(&format!(r#"{{"_type":"{STATEMENT}","#)) && head.contains(PREDICATE)
    }

    /// Reads a receipt of this form. `None` if it is another one, or damaged.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let statement: Self = serde_json::from_slice(text).ok()?;
        let Self { type_, subject: [subject], predicate_type, predicate } = &statement;
        let is_ours = type_ == STATEMENT && predicate_type == PREDICATE && !subject.name.is_empty();
        let read = predicate.manifest.as_ref().and_then(|manifest| manifest.sha256);
        let is_about_subject = read.is_none_or(|digest| digest == subject.digest.sha256);
        let is_whole = predicate.policy.sha256 == Policy::digest(&predicate.policy.flags);
        (is_ours && is_about_subject && is_whole).then_some(statement)
    }

    /// The SHA-256 of the manifest that it is about.
    pub(crate) fn manifest_sha256(&self) -> Sha256Digest {
        let [subject] = &self.subject;
        subject.digest.sha256
    }

    /// Compact JSON with a newline at its end.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Structs, strings and numbers only: there is nothing to fail on.
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }
}
