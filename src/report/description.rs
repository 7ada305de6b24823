//! What `inspect` adds to the report about a bundle: what it says of itself. Nothing of it is proven.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::FindingForm;
use super::receipt::{Policy, VerificationResult, Verifier};
use crate::digest::Sha256Digest;
use crate::printable::{show, tame};
use crate::sigstore::evidence::Evidence;

/// The first second that RFC 3339 cannot write: its years have four digits.
const YEAR_10000: u64 = 253_402_300_800;

/// What something says of itself.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Description {
    /// A bundle of aicr.
    Bundle(BundleDescription),
    /// A bundle of aicr in an archive, of which only the head was read.
    Archive(BundleDescription),
    /// A release that aicr did not build.
    Release(ReleaseDescription),
    /// A receipt of `verify --receipt`.
    Receipt(Box<ReceiptDescription>),
}

/// What a bundle says of itself.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BundleDescription {
    /// How many files are missing, unlisted, or wrong in another way that shows without reading them.
    pub(crate) wrong_names: u64,
    /// How many further signatures are over another manifest.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) further_over_others: u64,
    /// Whether the signature is over this manifest; `None` without a signature.
    over_this_manifest: Option<bool>,
    /// The SHA-256 of the manifest that was signed.
    signed_sha256: Option<Sha256Digest>,
    /// The ID of the transparency log that recorded the signature.
    log_id: Option<Sha256Digest>,
    /// When the log recorded it: RFC 3339, in UTC. Rekor v2 does not say.
    log_time: Option<String>,
}

/// What a release that aicr did not build says of itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReleaseDescription {
    /// The name of its checksum file.
    pub(crate) manifest: String,
    #[serde(flatten)]
    pub(crate) content: BundleDescription,
}

/// What a receipt says, besides the manifest, the signatures and the release.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptDescription {
    pub(crate) verification_result: VerificationResult,
    pub(crate) time_verified: String,
    pub(crate) verifier: Verifier,
    pub(crate) policy: Policy,
    /// The path of the bundle that was verified.
    pub(crate) bundle: String,
    pub(crate) findings: Vec<FindingForm>,
    pub(crate) findings_total: u64,
    pub(crate) error: Option<String>,
}

impl Description {
    /// The lines for people, after those about the manifest and the signature.
    pub(super) fn write(&self, text: &mut String) {
        match self {
            Self::Bundle(bundle) | Self::Archive(bundle) => bundle.write(text),
            Self::Release(ReleaseDescription { manifest, content }) => {
                let _ = writeln!(text, "  not a bundle of aicr; its manifest is {}", show(manifest));
                content.write_signature(text);
            }
            Self::Receipt(receipt) => receipt.write(text),
        }
    }

    /// The last line, before the command: what it is worth.
    pub(super) fn verdict(&self) -> &'static str {
        match self {
            Self::Bundle(BundleDescription { over_this_manifest: None, .. })
            | Self::Archive(BundleDescription { over_this_manifest: None, .. }) => {
                "unproven: anybody can write this; compare the files with:"
            }
            Self::Bundle(_) | Self::Archive(_) | Self::Release(_) => {
                "unproven: anybody can write this; if you trust that signer, verify it with:"
            }
            Self::Receipt(_) => "unproven: anybody can write this; verify the bundle again with:",
        }
    }
}

impl ReceiptDescription {
    fn write(&self, text: &mut String) {
        let Self { verification_result, time_verified, verifier, policy, bundle, findings, .. } = self;
        let Verifier { aicr, cosign, host } = verifier;
        let result = verification_result.word();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  bundle {}", show(bundle));
        let _ = writeln!(text, "  {result} {} on {}", tame(time_verified), tame(host));
        let _ = writeln!(text, "  by aicr {}, cosign {}", tame(aicr), tame(&cosign.version));
        if let Some(sha256) = cosign.sha256 {
            let _ = writeln!(text, "  cosign sha256\n    {sha256}");
        }
        let _ = writeln!(text, "  policy sha256\n    {}", policy.sha256());
        for FindingForm { kind, path, .. } in findings {
            let _ = writeln!(text, "  {:<11}  {}", tame(kind), show(path));
        }
        let more = self.findings_total.saturating_sub(findings.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "  and {more} more");
        }
        if let Some(error) = &self.error {
            let _ = writeln!(text, "  {}", tame(error));
        }
    }
}

impl BundleDescription {
    /// Adds what a signature says, which lies next to the manifest with this digest.
    pub(crate) fn signature(&mut self, evidence: &Evidence, manifest: Sha256Digest) {
        self.signed(Some(evidence.digest()), manifest);
        if let Some(entry) = evidence.log_entry() {
            self.log_id = Some(entry.log_id());
            self.log_time = entry.integrated_time().and_then(rfc3339);
        }
    }

    /// Adds what was signed, if the signature says so.
    pub(crate) fn signed(&mut self, signed: Option<Sha256Digest>, manifest: Sha256Digest) {
        self.signed_sha256 = signed;
        self.over_this_manifest = signed.map(|signed| signed == manifest);
    }

    fn write(&self, text: &mut String) {
        self.write_signature(text);
        if self.over_this_manifest.is_none() {
            text.push_str("  no signature\n");
        }
        let wrong_names = self.wrong_names;
        if wrong_names > 0 {
            let files = if wrong_names == 1 { "file is" } else { "files are" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {wrong_names} {files} not as the manifest lists");
        }
    }

    fn write_signature(&self, text: &mut String) {
        let Self { wrong_names: _, further_over_others, over_this_manifest, signed_sha256, log_id, log_time } =
            self;
        // Writing to a String cannot fail.
        if let Some(log_id) = log_id {
            let _ = writeln!(text, "  log id\n    {log_id}");
        }
        if let Some(log_time) = log_time {
            let _ = writeln!(text, "  log time {log_time}");
        }
        if let (Some(false), Some(signed)) = (over_this_manifest, signed_sha256) {
            let _ = writeln!(text, "  the signature is over another manifest, with sha256\n    {signed}");
        }
        if *further_over_others > 0 {
            let _ = writeln!(text, "  further signatures over another manifest: {further_over_others}");
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Seconds since 1970 as RFC 3339, in UTC.
fn rfc3339(seconds: u64) -> Option<String> {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    (seconds < YEAR_10000).then(|| humantime::format_rfc3339_seconds(time).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_after_the_year_9999_is_left_out() {
        for (seconds, expected) in [
            (1, Some("1970-01-01T00:00:01Z")),
            (1_774_949_213, Some("2026-03-31T09:26:53Z")),
            (YEAR_10000 - 1, Some("9999-12-31T23:59:59Z")),
            (YEAR_10000, None),
            (i64::MAX.unsigned_abs(), None),
        ] {
            assert_eq!(rfc3339(seconds).as_deref(), expected);
        }
    }
}
