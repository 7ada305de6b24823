//! `--force` when nothing changed: if the bundle that would be made is the one that exists, and the signer's
//! signature is as wanted, nothing is replaced or signed, and other signatures stay. So a Makefile may always
//! use `--force`.

use crate::commands::bundle_check::check_files;
use crate::commands::signatures::{self, SignatureFile};
use crate::commands::signing::{SignatureOwner, Signing};
use crate::context::Context;
use crate::error::{Class, Result};
use crate::report::{BundleReport, ManifestReport, Verdict};
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

/// The report about a bundle with exactly the files that it should have, if the signature of this signer is as
/// wanted. Only a signer needs the `text` of its manifest, which may be large.
pub(crate) fn report(
    existing: &RootedDir,
    text: impl FnOnce() -> Result<Vec<u8>>,
    built: &Built,
    signing: Option<&Signing<'_>>,
) -> Result<Option<BundleReport>> {
    let there = match signatures::read(existing) {
        Err(failure) if failure.class() == Class::Rejected => Vec::new(),
        there => there?,
    };
    let Built { manifest, files, bytes } = *built;
    let path = existing.path();
    let mut report = BundleReport::new(path, Verdict::Unchanged);
    report.manifest = Some(ManifestReport { sha256: Some(manifest), files, bytes, absent: None });
    let Some(signing) = signing else {
        report.signatures = there.iter().map(SignatureFile::unchecked).collect();
        return Ok(Some(report));
    };
    let are_over_it = there.iter().all(|file| file.evidence.digest() == manifest);
    match signing.own(&there).filter(|_| are_over_it) {
        Some(own) if signing.owner(&own.evidence, &text()?)? == SignatureOwner::AsWanted => {
            report.verdict = Verdict::AlreadySigned;
            report.signatures = signing.reports(own, &there);
            report.commands = vec![signing.verify_command(path, &own.evidence)];
            Ok(Some(report))
        }
        _ => Ok(None),
    }
}
