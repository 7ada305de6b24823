//! `--force` when nothing changed: if the bundle that would be made is the one that exists, and its signature
//! is as wanted, nothing is replaced or signed. So a Makefile may always use `--force`.

use crate::commands::bundle_check::{check_files, signature_file};
use crate::commands::signing::{SignatureOwner, Signing, signature_report};
use crate::context::Context;
use crate::error::{Class, Result};
use crate::report::{BundleReport, ManifestReport, Verdict};
use crate::tree::SIGNATURE;
use crate::tree::check::Keep;
use crate::tree::copy::Built;
use crate::tree::inputs::Collected;
use crate::tree::layout::Layout;
use crate::tree::manifest::Manifest;
use crate::tree::publish::has_manifest;
use crate::tree::rooted_dir::RootedDir;

/// Whether `existing` has exactly the files of the new bundle in `tree`, whose manifest has the bytes `text`:
/// the same content, and executable or not. Times are not compared.
pub(crate) fn has_same_files(
    existing: &RootedDir,
    tree: &RootedDir,
    text: &[u8],
    built: &Built,
    collected: &Collected,
    context: &Context,
) -> Result<bool> {
    // aicr has just written it.
    let Ok(manifest) = Manifest::unproven(text) else { return Ok(false) };
    if !has_manifest(existing, built.manifest) {
        return Ok(false);
    }
    // Both are on the same medium, which may not keep modes.
    let is_executable =
        |top: &RootedDir, name: &str| top.stat(name.as_bytes()).is_ok_and(|stat| stat.st_mode & 0o100 != 0);
    let mut names = collected.files.iter().map(|file| file.name.as_str());
    if names.any(|name| is_executable(existing, name) != is_executable(tree, name)) {
        return Ok(false);
    }
    let checked =
        check_files(existing, &manifest, Layout::Bundle, None, Keep::Nothing, context, &context.interrupt)?;
    Ok(checked.findings.total == 0)
}

/// The report about a bundle with exactly the files that it should have, if its signature is as wanted. `text`
/// is its manifest.
pub(crate) fn report(
    existing: &RootedDir,
    text: &[u8],
    built: &Built,
    signing: Option<&Signing<'_>>,
) -> Result<Option<BundleReport>> {
    let evidence = match signature_file(existing) {
        Err(failure) if failure.class() == Class::Rejected => None,
        evidence => evidence?,
    };
    let Built { manifest, files, bytes } = *built;
    let path = existing.path();
    let mut report = BundleReport::new(path, Verdict::Unchanged);
    report.manifest = Some(ManifestReport { sha256: Some(manifest), files, bytes, absent: None });
    match (signing, evidence) {
        (None, evidence) => {
            report.signatures =
                evidence.iter().map(|there| signature_report(SIGNATURE, there, false, false)).collect();
        }
        (Some(signing), Some(there))
            if there.digest() == manifest && signing.owner(&there, text)? == SignatureOwner::AsWanted =>
        {
            report.verdict = Verdict::AlreadySigned;
            report.signatures = signing.reports(&there);
            report.commands = vec![signing.verify_command(path, &there)];
        }
        (Some(_), _) => return Ok(None),
    }
    Ok(Some(report))
}
