//! `sheet`: a page for the receivers of a bundle. It runs no cosign. In this order:
//!
//! 1. The bundle is a directory or an archive, the place of the sheet is free, and the keys can be read (exit 2).
//! 2. The manifest and the signatures are well-formed. They are over this manifest, and each key has signed, by
//!    the hints of the signatures. Whoever verifies with these keys proves the rest.
//! 3. The names in the bundle are those of the manifest. No payload is read, but an archive, as a whole.

use std::collections::{HashMap, HashSet};

use camino::Utf8Path;

use crate::archive::volume;
use crate::commands::bundle_check::{self, MAKE_AGAIN, MAKE_ONE, check_only_names, manifest_text};
use crate::commands::not_a_bundle;
use crate::commands::received::{self, BundlePlace, Received};
use crate::commands::signatures::{self, SignatureFile};
use crate::commands::trusted_key::{self, TrustedKeys};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::sheet::{KeyOfSheet, SheetPlan};
use crate::plan::verify::ExpectedRelease;
use crate::printable::{is_hidden, quoted_path, show};
use crate::recipes::{KeyName, unpack};
use crate::report::printer::Printer;
use crate::report::sheet::{Sheet, SheetKey};
use crate::report::{BundleReport, ReleaseReport, Report, Verdict};
use crate::sigstore::evidence::SignedBy;
use crate::sigstore::public_key::PublicKey;
use crate::tree::MANIFEST;
use crate::tree::check::Keep;
use crate::tree::handout::{Handout, HandoutKind};
use crate::tree::manifest::Manifest;

/// The name of the key file on the sheet if the key is piped in.
const KEY_NAME: &str = "cosign.pub";

/// Writes or prints the sheet of the plan.
pub(crate) fn run(plan: &SheetPlan, context: &Context, report: &mut Report) -> Result<()> {
    let SheetPlan { bundle: path, keys, output } = plan;
    let paths = std::slice::from_ref(path);
    let bundles = received::open(paths, false, context)?;
    let file = output.as_deref().map(|file| Handout::new(HandoutKind::Sheet, file, &[path])).transpose()?;
    let name = name_of_bundle(path)?;
    let archive = matches!(bundles[..], [BundlePlace::Archive(_)]).then(|| archive_of(&name));
    let unpacked = archive.map(|(archive, _)| unpack::directory(archive));
    let names = NamesOfBundle { directory: unpacked.as_deref().unwrap_or(&name), archive };
    let files: Vec<&str> = keys.iter().map(name_of_key).collect();
    let read = |key: &KeyOfSheet| match key {
        KeyOfSheet::File(path) => trusted_key::in_file(path, paths, &[]),
        KeyOfSheet::StandardInput => trusted_key::in_standard_input(&context.interrupt, &[]),
    };
    let keys = keys.iter().map(read).collect::<Result<Vec<_>>>()?;
    refuse_twice(&files, &keys)?;
    let all = keys.len();
    let keys = TrustedKeys::new(keys, all)?;
    for bundle in &bundles {
        let bundle = Received::new(bundle, None)?;
        let mut done = match sheet(&bundle, names, &files, &keys, context) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => bundle.failed(failure),
            Ok((rejected, None)) => rejected,
            Ok((mut written, Some(page))) => {
                match &file {
                    Some(file) => file.write(page.as_bytes())?,
                    None => Printer::raw(page.as_bytes())?,
                }
                written.written_to.clone_from(output);
                written
            }
        };
        bundle.complete(&mut done, context)?;
        report.bundles.push(done);
    }
    Ok(())
}

/// The names of a bundle on the sheet.
#[derive(Clone, Copy)]
struct NamesOfBundle<'a> {
    directory: &'a str,
    /// The archive in which it comes, and whether that has volumes.
    archive: Option<(&'a str, bool)>,
}

/// What was read of a bundle, before its files.
struct Head {
    text: Vec<u8>,
    signatures: Vec<SignatureFile>,
}

impl Head {
    fn of(bundle: &Received<'_>) -> Result<Self> {
        match bundle {
            Received::Bundle(directory) | Received::Foreign(directory, _) => {
                let text = manifest_text(directory, || MAKE_ONE.to_owned())?;
                let signatures = signatures::read(directory)?;
                if signatures.is_empty() {
                    let sign = format!(
                        "sign it with: `aicr bundle-sign {} --signing-key REF --tlog-upload=false`",
                        quoted_path(directory.path())
                    );
                    return Err(not_a_bundle::unsigned(directory, &sign));
                }
                Ok(Self { text, signatures })
            }
            Received::Archive(archive) => {
                Ok(Self { text: archive.manifest_text()?, signatures: archive.signatures()? })
            }
        }
    }
}

/// The report about a bundle, and its sheet if nothing is wrong.
fn sheet(
    bundle: &Received<'_>,
    names: NamesOfBundle<'_>,
    files_of_keys: &[&str],
    keys: &TrustedKeys,
    context: &Context,
) -> Result<(BundleReport, Option<String>)> {
    let top = bundle.top();
    let Head { text, signatures } = Head::of(bundle)?;
    keys.have_signed(&top, &signatures)?;
    let digest = Sha256Digest::of(&text);
    signatures::are_over(&signatures, &top, MANIFEST, &text, digest)?;
    let manifest =
        Manifest::unproven(&text).map_err(|error| error.rejects(bundle.show(MANIFEST)).hint(MAKE_AGAIN))?;
    let (checked, release, bad) = match bundle {
        Received::Bundle(directory) | Received::Foreign(directory, _) => {
            let checked = check_only_names(directory, &manifest, context)?;
            (checked, bundle_check::release(directory, &manifest), None)
        }
        Received::Archive(archive) => {
            let any = ExpectedRelease::default();
            let seen = archive.look(&text, Some(&any), Keep::Nothing, context, &context.interrupt)?;
            (seen.checked, seen.release, seen.bad)
        }
    };
    let (files, bytes) = (checked.files, checked.bytes);
    let mut report = bundle.report(digest, checked, bad, Verdict::Written, context);
    report.signatures = signatures.iter().map(SignatureFile::unchecked).collect();
    let keys = files_of_keys.iter().zip(keys.given()).filter_map(|(file, sha256)| {
        let by_key = |other: &&SignatureFile| *other.evidence.signer() == SignedBy::Key(*sha256);
        let signature = &signatures.iter().find(by_key)?.path;
        Some(SheetKey { name: KeyName { file, signature }, sha256: *sha256 })
    });
    let keys: Vec<_> = keys.collect();
    let release_of = release.as_ref();
    let NamesOfBundle { directory, archive } = names;
    let page = Sheet {
        bundle: directory,
        archive,
        keys: &keys,
        release: release_of,
        manifest: digest,
        files,
        bytes,
    };
    let page = report.error.is_none().then(|| page.markdown());
    report.release = release.filter(|_| page.is_some()).map(ReleaseReport::from);
    Ok((report, page))
}

/// The name of an archive, and whether it has volumes.
fn archive_of(name: &str) -> (&str, bool) {
    volume::parse(name).map_or((name, false), |(archive, _)| (archive, true))
}

/// Refuses a key that is given twice, and two files of one name: the commands on the sheet name the file of each key.
fn refuse_twice(files: &[&str], keys: &[PublicKey]) -> Result<()> {
    let (mut digests, mut names) = (HashMap::new(), HashSet::new());
    for (file, key) in files.iter().zip(keys) {
        if let Some(first) = digests.insert(key.sha256(), file) {
            return Err(Failure::usage(format!("{first} and {file} are the same key")).hint("give it once"));
        }
        if !names.insert(file) {
            return Err(Failure::usage(format!("two different keys are in files named {file}"))
                .hint("rename one of the files; the commands on the sheet name both"));
        }
    }
    Ok(())
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
