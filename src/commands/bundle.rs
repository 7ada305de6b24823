//! `bundle`: builds a bundle from copies, or a manifest in place, and signs it when there is a signer. Everything that
//! can be refused is refused before the first byte of payload is read.

use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::signatures::SignatureFile;
use crate::commands::signing::Signing;
use crate::commands::unchanged;
use crate::context::Context;
use crate::cosign::Session;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::bundle::{BundlePlan, Destination, Run};
use crate::plan::sign::Signer;
use crate::printable::{quoted_path, show};
use crate::progress::Progress;
use crate::release::{RELEASE, Release};
use crate::report::{BundleReport, ManifestReport, Report, Verdict};
use crate::sigstore::evidence::Evidence;
use crate::tree::copy::{Built, copy, hash_in_place};
use crate::tree::inputs::{Collected, Options, collect};
use crate::tree::misplaced::foreign_release_hint;
use crate::tree::publish::{Sealed, has_manifest, has_same_release};
use crate::tree::reflink::bytes_to_write;
use crate::tree::rooted_dir::RootedDir;
use crate::tree::second_look::OwnFiles;
use crate::tree::space::enough_space;
use crate::tree::staging::Staging;
use crate::tree::target::{Occupant, Purpose, Target};
use crate::tree::write_back::WriteBack;
use crate::tree::{MANIFEST, SIGNATURE, cannot, manifest};

/// Builds what the plan says.
pub(crate) fn run(plan: &BundlePlan, context: &Context, report: &mut Report) -> Result<()> {
    let signer = plan.signer.as_ref();
    match &plan.destination {
        Destination::Output { inputs, directory, exclude } => {
            output(plan, inputs, directory, exclude, signer, context, report)
        }
        Destination::InPlace { directory } => in_place(plan, directory, signer, context, report),
    }
}

/// A new directory, from copies.
fn output(
    plan: &BundlePlan,
    inputs: &[Utf8PathBuf],
    directory: &Utf8Path,
    exclude: &[String],
    signer: Option<&Signer>,
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let Run { dry_run, force } = plan.run;
    let mut collected = look(plan, inputs, exclude, false, context)?;
    let unseen = Progress::hidden();
    let target = Target::new(Purpose::Bundle { force }, directory, inputs, &context.work(&unseen))?;
    let mut untrusted = inputs.to_vec();
    untrusted.push(directory.to_owned());
    let session = signer.map(|_| context.session(&untrusted)).transpose()?;
    let signing = prepare(signer, &untrusted, dry_run, session.as_ref(), context, report)?;
    enough_space(&target, bytes_to_write(&collected, &target.parent())?, collected.files.len() as u64)?;
    if dry_run {
        report.bundles.push(planned(plan, directory, &collected, signing.as_ref()));
        return Ok(());
    }

    let staging = Staging::for_output(&target)?;
    let release = add_release(plan, &mut collected, &staging)?;
    let tree = staging.tree()?;
    let bar = context.printer.progress("copy");
    let write_back = WriteBack::of(staging.staging_dir())?;
    let hashed =
        copy(&collected, &tree, &write_back, plan.allow_private_keys, &context.work(bar.progress()))?;
    bar.finish();
    let built = &hashed.built;
    has_totals(release.as_ref(), built)?;
    if !hashed.is_kept_by_medium {
        let shown = show(directory.as_str());
        context
            .printer
            .warning(&format!("{shown}: this file system does not keep modes or modification times"));
    }
    if target.occupant() == Occupant::Bundle {
        let existing = RootedDir::open(directory)?;
        let text = read_back(&tree, built)?;
        if unchanged::has_same_files(&existing, &tree, &text, built, &collected, context)?
            && let Some(done) = unchanged::report(&existing, || Ok(text), built, signing.as_ref())?
        {
            report.bundles.push(done);
            return signing.as_ref().map_or(Ok(()), Signing::write_public_key);
        }
    }
    let evidence = match &signing {
        Some(signing) => Some(signing.sign(&read_back(&tree, built)?)?),
        None => None,
    };
    let signature = evidence.as_ref().map(Evidence::to_json);
    let expected = hashed.expected(&collected);
    Sealed::tree(staging, write_back, &target, expected, built.manifest, signature.as_deref())?
        .publish(&context.work(&unseen))?;
    finish(directory, built, signing.as_ref().zip(evidence.as_ref()), report)
}

/// The input itself: nothing is copied.
fn in_place(
    plan: &BundlePlan,
    directory: &Utf8Path,
    signer: Option<&Signer>,
    context: &Context,
    report: &mut Report,
) -> Result<()> {
    let Run { dry_run, force } = plan.run;
    let inputs = [directory.to_owned()];
    let mut collected = look(plan, &inputs, &[], true, context)?;
    let refused = |collected: &Collected| {
        let root = &collected.roots[0];
        Failure::usage(format!("{} already has a {MANIFEST}", root.show(b"")))
            .hint(foreign_release_hint(root).unwrap_or_else(|| "--force replaces it".to_owned()))
    };
    if collected.has_manifest && !force {
        return Err(refused(&collected));
    }
    let session = signer.map(|_| context.session(&inputs)).transpose()?;
    let signing = prepare(signer, &inputs, dry_run, session.as_ref(), context, report)?;
    if dry_run {
        report.bundles.push(planned(plan, directory, &collected, signing.as_ref()));
        return Ok(());
    }

    let staging = Staging::for_bundle(&collected.roots[0])?;
    // Another run may have made one meanwhile; the lock of the staging directory prevents that from here on.
    if !force && collected.roots[0].stat(MANIFEST.as_bytes()).is_ok() {
        return Err(refused(&collected));
    }
    let release = add_release(plan, &mut collected, &staging)?;
    let bundle = &collected.roots[0];
    let own_files = OwnFiles::of(bundle);
    let bar = context.printer.progress("hash");
    let manifest = staging.file(MANIFEST)?;
    let hashed = hash_in_place(
        &collected,
        manifest,
        MANIFEST,
        plan.allow_private_keys,
        &context.work(bar.progress()),
    )?;
    bar.finish();
    let built = &hashed.built;
    has_totals(release.as_ref(), built)?;
    let has_same_release = || release.is_none() || has_same_release(bundle, staging.staging_dir());
    if has_manifest(bundle, built.manifest) && has_same_release() {
        let text = || read_back(staging.staging_dir(), built);
        if let Some(done) = unchanged::report(bundle, text, built, signing.as_ref())? {
            report.bundles.push(done);
            return signing.as_ref().map_or(Ok(()), Signing::write_public_key);
        }
    }
    let evidence = match &signing {
        Some(signing) => Some(signing.sign(&read_back(staging.staging_dir(), built)?)?),
        None => None,
    };
    let signature = evidence.as_ref().map(Evidence::to_json);
    let unseen = Progress::hidden();
    Sealed::manifest(staging, &collected, &hashed, own_files, signature.as_deref())?
        .publish(&context.work(&unseen))?;
    finish(directory, built, signing.as_ref().zip(evidence.as_ref()), report)
}

/// Prepares the signer, if there is one.
fn prepare<'a>(
    signer: Option<&Signer>,
    untrusted: &[Utf8PathBuf],
    dry_run: bool,
    session: Option<&'a Session<'a>>,
    context: &Context,
    report: &mut Report,
) -> Result<Option<Signing<'a>>> {
    let both = signer.zip(session);
    both.map(|(signer, session)| Signing::prepare(signer, untrusted, dry_run, session, context, report))
        .transpose()
}

fn look(
    plan: &BundlePlan,
    inputs: &[Utf8PathBuf],
    exclude: &[String],
    in_place: bool,
    context: &Context,
) -> Result<Collected> {
    let BundlePlan { allow_name_collisions, release, follow_links, .. } = plan;
    let (allow_name_collisions, has_release) = (*allow_name_collisions, release.is_some());
    let follow_links = *follow_links;
    let options = Options { exclude, in_place, allow_name_collisions, has_release, follow_links };
    let collected = collect(inputs, options, &context.interrupt)?;
    for warning in &collected.warnings {
        context.printer.warning(warning);
    }
    Ok(collected)
}

/// The release that the plan names, with the files of the bundle.
fn release(plan: &BundlePlan, collected: &Collected) -> Option<Release> {
    let (name, version) = plan.release.clone()?;
    Some(Release::new(name, version, collected.files.len() as u64, collected.bytes))
}

/// Writes the `release.json` of the plan to the staging directory, and adds it to the files.
fn add_release(plan: &BundlePlan, collected: &mut Collected, staging: &Staging) -> Result<Option<Release>> {
    let Some(release) = release(plan, collected) else { return Ok(None) };
    let text = release.to_json();
    let directory = staging.staging_dir();
    let failed = |error: io::Error| cannot("write", directory.show(RELEASE.as_bytes()), &error);
    staging.file(RELEASE)?.write_all(text.as_bytes()).map_err(failed)?;
    collected.add_release(directory.directory(b"").map_err(failed)?, RELEASE, text.len() as u64)?;
    Ok(Some(release))
}

/// Checks that the files that were read have the size that the release says.
fn has_totals(release: Option<&Release>, built: &Built) -> Result<()> {
    match release {
        Some(release) if release.bytes + release.to_json().len() as u64 != built.bytes => {
            Err(Failure::new(Class::Broken, "the inputs changed while they were read")
                .hint("run it again when no program writes to the inputs"))
        }
        _ => Ok(()),
    }
}

fn planned(
    plan: &BundlePlan,
    directory: &Utf8Path,
    collected: &Collected,
    signing: Option<&Signing<'_>>,
) -> BundleReport {
    let release = release(plan, collected);
    let own = release.as_ref().map_or(0, |release| release.to_json().len() as u64);
    BundleReport {
        manifest: Some(ManifestReport {
            sha256: None,
            files: collected.files.len() as u64 + u64::from(release.is_some()),
            bytes: collected.bytes + own,
            absent: None,
        }),
        commands: signing.map(Signing::planned_command).into_iter().collect(),
        ..BundleReport::new(directory, Verdict::Planned)
    }
}

/// Reads the manifest that was just written: the disk must have what was hashed.
fn read_back(directory: &RootedDir, built: &Built) -> Result<Vec<u8>> {
    let shown = || directory.show(MANIFEST.as_bytes());
    let text = directory
        .read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES)
        .map_err(|error| Failure::new(Class::Broken, format!("{} cannot be read back: {error}", shown())))?;
    if Sha256Digest::of(&text) != built.manifest {
        return Err(Failure::new(Class::Broken, format!("{} differs from what was written", shown())));
    }
    Ok(text)
}

/// Reports what was made. The bundle stays even if the public key cannot be written.
fn finish(
    directory: &Utf8Path,
    built: &Built,
    signed: Option<(&Signing<'_>, &Evidence)>,
    report: &mut Report,
) -> Result<()> {
    let Built { manifest, files, bytes } = *built;
    let manifest = Some(ManifestReport { sha256: Some(manifest), files, bytes, absent: None });
    report.bundles.push(match signed {
        Some((signing, evidence)) => {
            let file = SignatureFile { path: SIGNATURE.to_owned(), evidence: evidence.clone() };
            BundleReport {
                manifest,
                signatures: signing.reports(&file, std::slice::from_ref(&file)),
                commands: vec![signing.verify_command(directory, evidence)],
                ..BundleReport::new(directory, Verdict::Signed)
            }
        }
        None => BundleReport {
            manifest,
            commands: vec![format!(
                "aicr bundle-sign {} --signing-key REF --tlog-upload=false",
                quoted_path(directory)
            )],
            ..BundleReport::new(directory, Verdict::Unsigned)
        },
    });
    signed.map_or(Ok(()), |(signing, _)| signing.write_public_key())
}
