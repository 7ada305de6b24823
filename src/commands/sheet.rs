//! `sheet`: a page for the receivers of a bundle. It runs no cosign. In this order:
//!
//! 1. The bundle is a directory, the place of the sheet is free, and the key can be read (exit 2).
//! 2. The manifest and the signatures are well-formed. They are over this manifest, and the hint of one is
//!    this key's. Whoever verifies with that key proves the rest.
//! 3. The names in the bundle are those of the manifest. No payload is read.

use camino::Utf8Path;

use crate::commands::bundle_check::{self, check_only_names, manifest_text, report as report_of};
use crate::commands::not_a_bundle;
use crate::commands::signatures::{self, SignatureFile};
use crate::commands::trusted_key;
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::sheet::{KeyOfSheet, SheetPlan};
use crate::printable::{is_hidden, quoted_path, show};
use crate::report::printer::Printer;
use crate::report::sheet::Sheet;
use crate::report::{BundleReport, ReleaseReport, Report, Verdict};
use crate::sigstore::public_key::PublicKey;
use crate::tree::MANIFEST;
use crate::tree::handout::{Handout, HandoutKind};
use crate::tree::manifest::Manifest;
use crate::tree::rooted_dir::RootedDir;

/// The hints for the maker of the bundle.
const MAKE_ONE: &str = "`aicr bundle` makes a bundle";
const MAKE_AGAIN: &str = "build it again with `aicr bundle`";

/// The name of the key file on the sheet if the key is piped in.
const KEY_NAME: &str = "cosign.pub";

/// Writes or prints the sheet of the plan.
pub(crate) fn run(plan: &SheetPlan, context: &Context, report: &mut Report) -> Result<()> {
    let SheetPlan { bundle: path, key, output } = plan;
    let paths = std::slice::from_ref(path);
    let bundles = not_a_bundle::open(paths)?;
    let file = output.as_deref().map(|file| Handout::new(HandoutKind::Sheet, file, &[path])).transpose()?;
    let names = (name_of_bundle(path)?, name_of_key(key));
    let key = match key {
        KeyOfSheet::File(path) => trusted_key::in_file(path, paths, &[])?,
        KeyOfSheet::StandardInput => trusted_key::in_standard_input(&context.interrupt, &[])?,
    };
    for bundle in &bundles {
        let names = (names.0.as_str(), names.1);
        report.bundles.push(match sheet(bundle, names, &key, context) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => BundleReport::failed(bundle.path(), failure),
            Ok((rejected, None)) => rejected,
            Ok((mut written, Some(page))) => {
                match &file {
                    Some(file) => file.write(page.as_bytes())?,
                    None => Printer::raw(page.as_bytes())?,
                }
                written.written_to.clone_from(output);
                written
            }
        });
    }
    Ok(())
}

/// The report about a bundle, and its sheet if nothing is wrong.
fn sheet(
    bundle: &RootedDir,
    (name, key_name): (&str, &str),
    key: &PublicKey,
    context: &Context,
) -> Result<(BundleReport, Option<String>)> {
    let top = bundle.show(b"");
    let text = manifest_text(bundle, || MAKE_ONE.to_owned())?;
    let signatures = signatures::read(bundle)?;
    if signatures.is_empty() {
        let sign = format!(
            "sign it with: `aicr bundle-sign {} --signing-key REF --tlog-upload=false`",
            quoted_path(bundle.path())
        );
        return Err(not_a_bundle::unsigned(bundle, &sign));
    }
    trusted_key::check_signers(std::slice::from_ref(key), &top, &signatures)?;
    let digest = Sha256Digest::of(&text);
    signatures::are_over(&signatures, &top, MANIFEST, &text, digest)?;
    let manifest = Manifest::unproven(&text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(MAKE_AGAIN))?;
    let checked = check_only_names(bundle, &manifest, context)?;
    let (files, bytes) = (checked.files, checked.bytes);
    let mut report = report_of(bundle, digest, checked, Verdict::Written, context);
    report.signatures = signatures.iter().map(SignatureFile::unchecked).collect();
    let release = bundle_check::release(bundle, &manifest);
    let page = Sheet {
        bundle: name,
        key: key_name,
        release: release.as_ref(),
        manifest: digest,
        files,
        bytes,
        key_sha256: key.sha256(),
    };
    let page = report.error.is_none().then(|| page.markdown());
    report.release = release.filter(|_| page.is_some()).map(ReleaseReport::from);
    Ok((report, page))
}

/// The name of the directory. People type it from the sheet.
fn name_of_bundle(path: &Utf8Path) -> Result<String> {
    let name = path.file_name().map(ToOwned::to_owned);
    // `.` is a name of the place where the sheet is made only.
    let name = name.or_else(|| path.canonicalize_utf8().ok()?.file_name().map(ToOwned::to_owned));
    let name = name.unwrap_or_else(|| "bundle".to_owned());
    if name.contains(is_hidden) {
        return Err(Failure::usage(format!(
            "the name of {} contains an invisible character",
            show(path.as_str())
        ))
        .hint("rename the directory; the receivers type its name"));
    }
    Ok(name)
}

/// The name of the key file, which has no invisible characters: the plan refuses those.
fn name_of_key(key: &KeyOfSheet) -> &str {
    match key {
        KeyOfSheet::File(path) => path.file_name().unwrap_or(KEY_NAME),
        KeyOfSheet::StandardInput => KEY_NAME,
    }
}
