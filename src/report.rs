//! The result of a command as data, from which text and JSON are made. Nothing is decided here. Only the files below
//! print.

mod color;
pub(crate) mod description;
pub(crate) mod json;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod receipt;
pub(crate) mod sheet;
mod text;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8PathBuf;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use self::description::Description;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure};
use crate::printable::show;
use crate::release::{Label, Release};
use crate::shard::Shard;
use crate::tree::audit::Finding;

/// The result of a whole run: one JSON object.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) cosign: Option<CosignReport>,
    pub(crate) bundles: Vec<BundleReport>,
    /// The checks of `doctor`; absent for other commands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checks: Vec<Check>,
    /// A failure that belongs to no bundle.
    pub(crate) error: Option<Failure>,
}

/// The cosign that was used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CosignReport {
    pub(crate) path: Utf8PathBuf,
    pub(crate) version: String,
    pub(crate) dialect: &'static str,
}

/// The result for one bundle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BundleReport {
    pub(crate) path: Utf8PathBuf,
    pub(crate) verdict: Verdict,
    pub(crate) manifest: Option<ManifestReport>,
    pub(crate) signatures: Vec<SignatureReport>,
    /// The release that an accepted bundle is, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<ReleaseReport>,
    /// What is known of the archive that it comes from, or was packed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<ArchiveReport>,
    /// Where the bundle was copied to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copied_to: Option<Utf8PathBuf>,
    /// Which part of the files was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shard: Option<Shard>,
    /// The first 10,000, in byte order.
    pub(crate) findings: Vec<Finding>,
    /// How many there are.
    pub(crate) findings_total: u64,
    pub(crate) error: Option<Failure>,
    /// What it says of itself: only of `inspect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Description>,
    /// The file of `sheet --output` and `pack --output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written_to: Option<Utf8PathBuf>,
    /// Commands for the reader of the text: how to verify, what a dry run would do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) commands: Vec<String>,
}

impl BundleReport {
    /// A report about the bundle at `path`, with a verdict and nothing else yet.
    pub(crate) fn new(path: impl Into<Utf8PathBuf>, verdict: Verdict) -> Self {
        Self {
            path: path.into(),
            verdict,
            manifest: None,
            signatures: Vec::new(),
            release: None,
            archive: None,
            copied_to: None,
            shard: None,
            findings: Vec::new(),
            findings_total: 0,
            error: None,
            description: None,
            written_to: None,
            commands: Vec::new(),
        }
    }

    /// A report about a bundle with a failure: rejected if the failure says so, else failed.
    pub(crate) fn failed(path: impl Into<Utf8PathBuf>, failure: Failure) -> Self {
        let verdict = Self::verdict_of(&failure);
        Self { error: Some(failure), ..Self::new(path, verdict) }
    }

    /// Whether a bundle was built, or left as it is, that has no signature.
    fn is_unsigned(&self) -> bool {
        match self.verdict {
            Verdict::Unsigned => true,
            Verdict::Unchanged => self.signatures.is_empty(),
            _ => false,
        }
    }

    /// The verdict of a failure.
    pub(crate) fn verdict_of(failure: &Failure) -> Verdict {
        if failure.class() == Class::Rejected { Verdict::Rejected } else { Verdict::Failed }
    }
}

/// The verdict on a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Exactly what the holder of the key signed.
    Accepted,
    /// The files of one shard are, and the others were not read.
    AcceptedShard,
    /// Anything else.
    Rejected,
    /// Files as listed, and nothing proves who listed them.
    Unproven,
    /// Signed now.
    Signed,
    /// Signed before, by this key, as wanted.
    AlreadySigned,
    /// Built, and not signed.
    Unsigned,
    /// The bundle that would be built exists already.
    Unchanged,
    /// A dry run: this would be done.
    Planned,
    /// This is what it says of itself.
    Described,
    /// Its sheet was written or printed.
    Written,
    /// An archive of it was written.
    Packed,
    /// Something else went wrong.
    Failed,
    /// Left alone because an earlier one failed.
    NotAttempted,
}

impl Verdict {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AcceptedShard => "accepted-shard",
            Self::Rejected => "rejected",
            Self::Unproven => "unproven",
            Self::Signed => "signed",
            Self::AlreadySigned => "already signed",
            Self::Unsigned => "UNSIGNED",
            Self::Unchanged => "unchanged",
            Self::Planned => "dry run",
            Self::Described => "described",
            Self::Written => "written",
            Self::Packed => "packed",
            Self::Failed => "failed",
            Self::NotAttempted => "not attempted",
        }
    }
}

/// The manifest of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManifestReport {
    /// Unknown in a dry run, which reads no payload.
    pub(crate) sha256: Option<Sha256Digest>,
    /// In a shard, only its own.
    pub(crate) files: u64,
    /// Bytes of payload.
    pub(crate) bytes: u64,
    /// How many of the files are not there, where that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) absent: Option<u64>,
}

/// An archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ArchiveReport {
    /// How many volumes it has, or how many were read: one for a single file.
    pub(crate) volumes: u64,
    /// Where it is not as `aicr pack` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseReport {
    pub(crate) name: Label,
    pub(crate) version: Label,
}

impl From<Release> for ReleaseReport {
    fn from(release: Release) -> Self {
        Self { name: release.name, version: release.version }
    }
}

/// A signature over the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SignatureReport {
    /// Below the bundle; as typed if it lies elsewhere.
    pub(crate) path: String,
    pub(crate) key_sha256: Option<Sha256Digest>,
    pub(crate) identity: Option<String>,
    pub(crate) issuer: Option<String>,
    /// Whether cosign accepted it in this run.
    pub(crate) checked: bool,
    pub(crate) log: Witness,
    pub(crate) timestamp: Witness,
}

/// The log entry or timestamp of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Witness {
    /// There is none.
    None,
    /// There is one, and it was not checked.
    Unchecked,
    /// There is one, and cosign verified it.
    Checked,
}

impl Witness {
    /// From whether there is one, and whether cosign checked it.
    pub(crate) fn of(is_there: bool, checked: bool) -> Self {
        match (is_there, checked) {
            (false, _) => Self::None,
            (true, false) => Self::Unchecked,
            (true, true) => Self::Checked,
        }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unchecked => "unchecked",
            Self::Checked => "checked",
        }
    }
}

/// One check of `doctor`.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    /// What was checked.
    pub(crate) name: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// Further values, by name.
    pub(crate) details: BTreeMap<String, String>,
    /// What is wrong with it.
    pub(crate) error: Option<Failure>,
}

impl Check {
    /// A check that passed.
    pub(crate) fn new(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, found: found.into(), details: BTreeMap::new(), error: None }
    }

    /// A check that failed.
    pub(crate) fn failed(name: &'static str, found: impl Into<String>, failure: Failure) -> Self {
        Self { error: Some(failure), ..Self::new(name, found) }
    }

    /// With this value.
    #[must_use]
    pub(crate) fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }
}

/// A finding as JSON holds it: a path is escaped, and also whole in base64 if it is not UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FindingForm {
    pub(crate) kind: String,
    pub(crate) path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Sha256Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Finding> for FindingForm {
    fn from(finding: &Finding) -> Self {
        let Finding { kind, path, to, found, reason } = finding;
        let whole = |path: &[u8]| std::str::from_utf8(path).is_err().then(|| STANDARD.encode(path));
        let text = |path: &[u8]| std::str::from_utf8(path).map_or_else(|_| show(path), ToOwned::to_owned);
        Self {
            kind: kind.word().to_owned(),
            path: text(path),
            path_base64: whole(path),
            to: to.as_deref().map(text),
            to_base64: to.as_deref().and_then(whole),
            found: *found,
            reason: reason.clone(),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FindingForm::from(self).serialize(serializer)
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("exit", &self.class().code())?;
        map.serialize_entry("message", self.message())?;
        map.serialize_entry("cosign", &self.cosign_output())?;
        map.serialize_entry("hint", &self.way_out())?;
        map.end()
    }
}

impl Report {
    /// The class that decides the exit code: the worst of all, or none when all is well.
    pub(crate) fn class(&self) -> Option<Class> {
        let errors = self.bundles.iter().map(|bundle| &bundle.error);
        let errors = errors.chain(self.checks.iter().map(|check| &check.error)).chain([&self.error]);
        errors.flatten().map(Failure::class).reduce(Class::worse)
    }

    /// A failure to write this report, with what was made all the same.
    pub(crate) fn in_spite_of(&self, failure: Failure) -> Failure {
        match self.made() {
            Some(made) => failure.and(&format!("; {made} all the same")),
            None => failure,
        }
    }

    /// What was made, as in "B is signed"; `None` if nothing was.
    fn made(&self) -> Option<String> {
        let is_made = |bundle: &&BundleReport| {
            matches!(bundle.verdict, Verdict::Signed | Verdict::Unsigned | Verdict::Packed)
        };
        let mut made = self.bundles.iter().filter(is_made);
        let first = made.next()?;
        let path = show(first.path.as_str());
        let how = match first.verdict {
            Verdict::Unsigned => "built",
            Verdict::Packed => "packed",
            _ => "signed",
        };
        Some(match made.count() {
            0 => format!("{path} is {how}"),
            more => format!("{path} and {more} more are {how}"),
        })
    }
}
