//! What several commands read of a bundle: its manifest, its `release.json`, and its files compared with the
//! manifest. Whether the manifest may be believed is decided by the callers.

use camino::Utf8Path;

use crate::commands::not_a_bundle;
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::release::{self, RELEASE, Release};
use crate::report::{BundleReport, ManifestReport, Verdict};
use crate::tree::audit::Findings;
use crate::tree::check::{Checked, Keep, check, check_names};
use crate::tree::layout::Layout;
use crate::tree::manifest::{self, Manifest};
use crate::tree::rooted_dir::{OpenError, RootedDir, SmallError};
use crate::tree::{MANIFEST, Work, walk};

/// The hints for the maker of a bundle without a manifest, or with a malformed one.
pub(crate) const MAKE_ONE: &str = "`aicr bundle` makes a bundle";
pub(crate) const MAKE_AGAIN: &str = "build it again with `aicr bundle`";

/// Compares every file with a manifest, reading it, unless there is more than the `release` says.
pub(crate) fn check_files(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    layout: Layout<'_>,
    release: Option<&Release>,
    keep: Keep<'_>,
    context: &Context,
    interrupt: &Interrupt,
) -> Result<Checked> {
    let bar = context.printer.progress("verify");
    let work = Work { interrupt, ..context.work(bar.progress()) };
    let listing = walk::list(bundle, &work)?;
    let checked = check(bundle, manifest, &listing, layout, release, keep, &work);
    bar.finish();
    checked
}

/// Compares the names with a manifest, reading no file.
pub(crate) fn check_only_names(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    context: &Context,
) -> Result<Checked> {
    let unseen = Progress::hidden();
    let listing = walk::list(bundle, &context.work(&unseen))?;
    Ok(check_names(bundle, manifest, &listing))
}

/// The report about a bundle: `good` if nothing is wrong with any file.
pub(crate) fn report(
    bundle: &RootedDir,
    digest: Sha256Digest,
    checked: Checked,
    good: Verdict,
    context: &Context,
) -> BundleReport {
    report_at(bundle.path(), &bundle.show(b""), digest, checked, good, context)
}

/// The same about what is at `path`; `top` is that path, ready to print.
pub(crate) fn report_at(
    path: &Utf8Path,
    top: &str,
    digest: Sha256Digest,
    checked: Checked,
    good: Verdict,
    context: &Context,
) -> BundleReport {
    let Checked { findings, warnings, files, bytes } = checked;
    for warning in warnings {
        context.printer.warning(&warning);
    }
    let mut result = BundleReport::new(path, good);
    let Findings { kept, total, absent, hint } = findings;
    result.manifest = Some(ManifestReport { sha256: Some(digest), files, bytes, absent });
    if total > 0 {
        let files = if total == 1 { "file is" } else { "files are" };
        let mut failure =
            Failure::rejected(format!("{top} is not what its manifest says: {total} {files} wrong"));
        if let Some(hint) = hint {
            failure = failure.hint(hint);
        }
        result.verdict = Verdict::Rejected;
        result.error = Some(failure);
    }
    result.findings = kept;
    result.findings_total = total;
    result
}

/// The release that a bundle is. None if its manifest lists no `release.json`, or one that aicr has not written, or if
/// the file is not the listed one.
pub(crate) fn release(bundle: &RootedDir, manifest: &Manifest<'_>) -> Option<Release> {
    let line = manifest.find(RELEASE.as_bytes())?;
    let text = bundle.read_small(RELEASE.as_bytes(), release::SIZE_LIMIT).ok()?;
    let is_listed = Sha256Digest::of(&text) == manifest.entry(line).digest;
    is_listed.then(|| Release::parse(&text)).flatten()
}

/// The bytes of the manifest. `hint` is for a directory without one, which is not a bundle.
pub(crate) fn manifest_text(bundle: &RootedDir, hint: impl FnOnce() -> String) -> Result<Vec<u8>> {
    bundle.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
        SmallError::Open(OpenError::Missing) => not_a_bundle::without_manifest(bundle, hint),
        error => error.rejects(bundle.show(MANIFEST.as_bytes())),
    })
}
