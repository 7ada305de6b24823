//! What an archive says of itself: its manifest, its signatures and its release. Nothing after these is read.

use super::bundle::trust_flags;
use crate::commands::received::AGAIN;
use crate::commands::received_archive::ReceivedArchive;
use crate::commands::signatures::SignatureFile;
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::Result;
use crate::printable::quoted_path;
use crate::report::description::{BundleDescription, Description};
use crate::report::{BundleReport, ManifestReport, ReleaseReport, Verdict};
use crate::tree::MANIFEST;
use crate::tree::manifest::Manifest;

/// The report about an archive.
pub(super) fn describe(archive: &ReceivedArchive, context: &Context) -> Result<BundleReport> {
    let text = archive.manifest_text()?;
    let manifest =
        Manifest::unproven(&text).map_err(|error| error.rejects(archive.show(MANIFEST)).hint(AGAIN))?;
    let signatures = archive.any_signatures()?;
    let release = archive.release(&manifest, context)?;
    let digest = Sha256Digest::of(&text);
    let mut report = BundleReport::new(archive.path(), Verdict::Described);
    let bytes = release.as_ref().map_or(0, |release| release.bytes + release.to_json().len() as u64);
    report.manifest =
        Some(ManifestReport { sha256: Some(digest), files: manifest.len() as u64, bytes, absent: None });
    report.release = release.map(ReleaseReport::from);
    report.signatures = signatures.iter().map(SignatureFile::unchecked).collect();
    let mut description = BundleDescription::default();
    let path = quoted_path(archive.path());
    if let Some(SignatureFile { evidence, .. }) = signatures.first() {
        description.signature(evidence, digest);
        let over_others = signatures[1..].iter().filter(|file| file.evidence.digest() != digest);
        description.further_over_others = over_others.count() as u64;
        report.commands = vec![format!("aicr verify {path} {}", trust_flags(evidence))];
    } else {
        report.commands = vec![format!("aicr verify {path} --checksums-only")];
    }
    report.description = Some(Description::Archive(description));
    Ok(report)
}
