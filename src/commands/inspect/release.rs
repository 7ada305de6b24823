//! What a release that aicr did not build says of itself: its checksum file, the signature next to it, and
//! how many of the listed files are there. Only sizes of those are looked at.

use super::bundle::trust_flags;
use crate::commands::foreign_release::read_manifest;
use crate::commands::signatures::SignatureFile;
use crate::digest::Sha256Digest;
use crate::error::{Class, Result};
use crate::printable::{quoted, quoted_path};
use crate::report::description::{BundleDescription, Description, ReleaseDescription};
use crate::report::{BundleReport, ManifestReport, SignatureReport, Verdict, Witness};
use crate::sigstore::evidence::{SIZE_LIMIT, SignatureForm};
use crate::tree::manifest::MAX_BYTES;
use crate::tree::manifest::foreign::ForeignManifest;
use crate::tree::misplaced::signature_next_to;
use crate::tree::rooted_dir::{FileKind, RootedDir, size};

/// The report about the release with this manifest, which has a signature next to it.
pub(super) fn describe(directory: &RootedDir, name: &str) -> Result<BundleReport> {
    let shown = directory.show(name.as_bytes());
    let text = directory.read_small(name.as_bytes(), MAX_BYTES).map_err(|error| error.rejects(&shown))?;
    let manifest = read_manifest(directory, &text, name)?;
    let digest = Sha256Digest::of(&text);
    let mut content = BundleDescription::default();
    let (files, bytes, absent) = listed(directory, &manifest);
    let (signature, trust) = signature(directory, name, digest, &mut content)?;
    let mut report = BundleReport::new(directory.path(), Verdict::Described);
    report.manifest = Some(ManifestReport { sha256: Some(digest), files, bytes, absent });
    report.signatures = vec![signature];
    let allow = if absent.is_some_and(|absent| absent < files) { " --allow-missing" } else { "" };
    let (path, manifest) = (quoted_path(directory.path()), quoted(name));
    report.commands = vec![format!("aicr verify {path} --manifest {manifest}{allow} {trust}")];
    let manifest = name.to_owned();
    report.description = Some(Description::Release(ReleaseDescription { manifest, content }));
    Ok(report)
}

/// How many files are listed, how many bytes those that exist have, and how many do not exist as files.
fn listed(directory: &RootedDir, manifest: &ForeignManifest) -> (u64, u64, Option<u64>) {
    let manifest = manifest.manifest();
    let files = manifest.len() as u64;
    let stats = (0..manifest.len()).filter_map(|line| directory.stat(manifest.name(line).as_bytes()).ok());
    let sizes = stats.filter(|stat| FileKind::of(stat) == FileKind::File).map(|stat| size(&stat));
    let (there, bytes) = sizes.fold((0, 0), |(there, bytes): (u64, u64), size| (there + 1, bytes + size));
    (files, bytes, (there < files).then(|| files - there))
}

/// The report about the first signature next to the manifest, and the flags with which `verify` may accept it.
fn signature(
    directory: &RootedDir,
    name: &str,
    digest: Sha256Digest,
    description: &mut BundleDescription,
) -> Result<(SignatureReport, String)> {
    let path = signature_next_to(directory, name).unwrap_or_default();
    let shown = directory.show(path.as_bytes());
    let text = directory.read_small(path.as_bytes(), SIZE_LIMIT).map_err(|error| error.rejects(&shown))?;
    match SignatureForm::parse(&text).map_err(|why| why.failure(Class::Rejected, &shown))? {
        SignatureForm::Complete(evidence) => {
            description.signature(&evidence, digest);
            let flags = trust_flags(&evidence);
            Ok((SignatureFile { path, evidence }.unchecked(), flags))
        }
        SignatureForm::WithoutHint(signature) => {
            description.signed(signature.signed(), digest);
            let is_logged = signature.has_log_entry();
            let report = SignatureReport {
                path,
                key_sha256: None,
                identity: None,
                issuer: None,
                checked: false,
                log: Witness::of(is_logged, false),
                timestamp: Witness::None,
            };
            let trust = if is_logged {
                "--key cosign.pub --trusted-root trusted_root.json"
            } else {
                "--key cosign.pub --insecure-ignore-tlog"
            };
            Ok((report, trust.to_owned()))
        }
    }
}
