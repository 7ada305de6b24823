//! `bundle`: builds a bundle of copies, or a manifest in place, and has it signed when a signer is
//! named. Everything that can be refused is refused before the first byte of payload is read.

use camino::{Utf8Path, Utf8PathBuf};
use indicatif::ProgressBar;

use crate::context::Context;
use crate::cosign::evidence::Evidence;
use crate::cosign::process::quoted_path;
use crate::error::{Class, Failure, Result};
use crate::plan::bundle::{BundlePlan, Destination, Run};
use crate::plan::sign::KeySigner;
use crate::report::{BundleReport, ManifestReport, Report, Verdict};
use crate::sign::{Signing, supported};
use crate::tree::beneath::Beneath;
use crate::tree::copy::{Built, copy, hash_in_place};
use crate::tree::inputs::{Collected, Options, collect};
use crate::tree::publish::Sealed;
use crate::tree::space::enough_space;
use crate::tree::staging::Staging;
use crate::tree::target::Target;
use crate::tree::{MANIFEST, manifest};

/// Builds what the plan says.
pub(crate) fn run(plan: &BundlePlan, context: &Context, report: &mut Report) -> Result<()> {
    let signer = plan.signer.as_ref().map(|signer| supported(signer, context)).transpose()?;
    let done = match &plan.destination {
        Destination::Output { inputs, directory, exclude } => {
            output(plan, inputs, directory, exclude, signer, context, report)
        }
        Destination::InPlace { directory } => in_place(plan, directory, signer, context, report),
    }?;
    report.bundles.push(done);
    Ok(())
}

/// A new directory, from copies.
fn output(
    plan: &BundlePlan,
    inputs: &[Utf8PathBuf],
    directory: &Utf8Path,
    exclude: &[String],
    signer: Option<&KeySigner>,
    context: &Context,
    report: &mut Report,
) -> Result<BundleReport> {
    let Run { dry_run, force } = plan.run;
    let collected = look(plan, inputs, exclude, false, context)?;
    let unseen = ProgressBar::hidden();
    let target = Target::new(directory, inputs, force, &context.work(&unseen))?;
    let mut untrusted = inputs.to_vec();
    untrusted.push(directory.to_owned());
    let session = context.session(&untrusted);
    let signing = signer
        .map(|signer| Signing::prepare(signer, &untrusted, dry_run, &session, context, report))
        .transpose()?;
    enough_space(&target.parent(), collected.bytes, collected.files.len() as u64)?;
    if dry_run {
        return Ok(planned(directory, &collected, signing.as_ref()));
    }

    let staging = Staging::beside(&target)?;
    let tree = staging.tree()?;
    let bar = context.printer.progress("copy", 0);
    let built = copy(&collected, &tree, plan.allow_private_keys, &context.work(&bar))?;
    bar.finish_and_clear();
    let evidence = match &signing {
        Some(signing) => Some(signing.sign(read_back(&tree)?, &staging.scratch()?)?),
        None => None,
    };
    let signature = evidence.as_ref().map(Evidence::to_json);
    Sealed::tree(staging, &target, signature.as_deref())?.publish(&context.work(&unseen))?;
    finish(directory, &built, signing.as_ref().zip(evidence.as_ref()))
}

/// The input itself: nothing is copied.
fn in_place(
    plan: &BundlePlan,
    directory: &Utf8Path,
    signer: Option<&KeySigner>,
    context: &Context,
    report: &mut Report,
) -> Result<BundleReport> {
    let Run { dry_run, force } = plan.run;
    let inputs = [directory.to_owned()];
    let collected = look(plan, &inputs, &[], true, context)?;
    if collected.has_manifest && !force {
        return Err(
            Failure::usage(format!("{directory} has a {MANIFEST} already")).hint("--force replaces it")
        );
    }
    let session = context.session(&inputs);
    let signing = signer
        .map(|signer| Signing::prepare(signer, &inputs, dry_run, &session, context, report))
        .transpose()?;
    if dry_run {
        return Ok(planned(directory, &collected, signing.as_ref()));
    }

    let bundle = &collected.roots[0];
    let staging = Staging::for_bundle(bundle)?;
    let bar = context.printer.progress("hash", 0);
    let manifest = staging.file(MANIFEST)?;
    let built = hash_in_place(&collected, manifest, MANIFEST, plan.allow_private_keys, &context.work(&bar))?;
    bar.finish_and_clear();
    let evidence = match &signing {
        Some(signing) => Some(signing.sign(read_back(staging.room())?, &staging.scratch()?)?),
        None => None,
    };
    let signature = evidence.as_ref().map(Evidence::to_json);
    let unseen = ProgressBar::hidden();
    Sealed::manifest(staging, bundle, &built, signature.as_deref())?.publish(&context.work(&unseen))?;
    finish(directory, &built, signing.as_ref().zip(evidence.as_ref()))
}

fn look(
    plan: &BundlePlan,
    inputs: &[Utf8PathBuf],
    exclude: &[String],
    in_place: bool,
    context: &Context,
) -> Result<Collected> {
    let options = Options { exclude, in_place, allow_name_collisions: plan.allow_name_collisions };
    let collected = collect(inputs, options, &context.interrupt)?;
    for warning in &collected.warnings {
        context.printer.warning(warning);
    }
    Ok(collected)
}

fn planned(directory: &Utf8Path, collected: &Collected, signing: Option<&Signing<'_>>) -> BundleReport {
    BundleReport {
        manifest: Some(ManifestReport {
            sha256: None,
            files: collected.files.len() as u64,
            bytes: collected.bytes,
        }),
        commands: signing.map(Signing::planned_command).into_iter().collect(),
        ..BundleReport::new(directory, Verdict::Planned)
    }
}

/// The manifest that was just written, to be signed.
fn read_back(directory: &Beneath) -> Result<Vec<u8>> {
    directory.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| {
        Failure::new(
            Class::Broken,
            format!("{} cannot be read back: {error}", directory.show(MANIFEST.as_bytes())),
        )
    })
}

/// What was made, and what to do with it.
fn finish(
    directory: &Utf8Path,
    built: &Built,
    signed: Option<(&Signing<'_>, &Evidence)>,
) -> Result<BundleReport> {
    let Built { manifest, files, bytes } = *built;
    let manifest = Some(ManifestReport { sha256: Some(manifest), files, bytes });
    Ok(match signed {
        Some((signing, evidence)) => {
            signing.leave_public_key()?;
            BundleReport {
                manifest,
                signatures: signing.reports(evidence),
                commands: vec![signing.verify_command(directory)],
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
    })
}
