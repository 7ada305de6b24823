//! `pack`: one file of a bundle, or volumes. It runs no cosign. In this order:
//!
//! 1. The bundle is a directory, and the place of the archive is free (exit 2).
//! 2. The manifest and the signatures are well-formed, and the signatures are over this manifest. The names in the
//!    bundle are those of the manifest.
//! 3. There are not too many volumes, and there is space.
//! 4. The files are read once, and written. If one is not as the manifest says, nothing stays behind.
//! 5. The archive is on the disk, and moved into place.

use crate::archive::volume::MAX_VOLUMES;
use crate::commands::bundle_check::{
    self, MAKE_AGAIN, MAKE_ONE, check_files, check_only_names, manifest_text, report as report_of,
};
use crate::commands::not_a_bundle;
use crate::commands::signatures::{self, SignatureFile};
use crate::context::Context;
use crate::digest::Sha256Digest;
use crate::error::{Class, Failure, Result};
use crate::plan::pack::PackPlan;
use crate::printable::{human_bytes, show};
use crate::progress::Progress;
use crate::recipes::unpack;
use crate::report::{ArchiveReport, BundleReport, ReleaseReport, Report, Verdict};
use crate::tree::archive_target::ArchiveTarget;
use crate::tree::audit::Findings;
use crate::tree::check::{Checked, Keep};
use crate::tree::layout::Layout;
use crate::tree::manifest::Manifest;
use crate::tree::pack::{Contents, PackError};
use crate::tree::pending_archive::PendingArchive;
use crate::tree::rooted_dir::RootedDir;
use crate::tree::{FAT_LIMIT, MANIFEST};

/// Packs the bundle of the plan.
pub(crate) fn run(plan: &PackPlan, context: &Context, report: &mut Report) -> Result<()> {
    let PackPlan { bundle: path, output, volume_size, force } = plan;
    let bundle = not_a_bundle::open_one(path)?;
    let target = ArchiveTarget::new(output, path, volume_size.is_some(), *force)?;
    report.bundles.push(match pack(&bundle, &target, *volume_size, context) {
        // Nothing is wrong with the bundle.
        Err(failure) if matches!(failure.class(), Class::Signal(_) | Class::Usage) => return Err(failure),
        Err(failure) => BundleReport::failed(path, failure),
        Ok(done) => done,
    });
    Ok(())
}

fn pack(
    bundle: &RootedDir,
    target: &ArchiveTarget,
    volume_size: Option<u64>,
    context: &Context,
) -> Result<BundleReport> {
    let top = bundle.show(b"");
    let text = manifest_text(bundle, || MAKE_ONE.to_owned())?;
    let digest = Sha256Digest::of(&text);
    let manifest = Manifest::unproven(&text)
        .map_err(|error| error.rejects(bundle.show(MANIFEST.as_bytes())).hint(MAKE_AGAIN))?;
    let files = signatures::contents(bundle)?;
    let signatures = signatures::of(|path| bundle.show(path.as_bytes()), &files)?;
    signatures::are_over(&signatures, &top, MANIFEST, &text, digest)?;
    if check_only_names(bundle, &manifest, context)?.findings.total > 0 {
        return wrong(bundle, &manifest, digest, context);
    }
    let unseen = Progress::hidden();
    let contents = Contents::new(bundle, &manifest, &files, &context.work(&unseen))?;
    let length = contents.length();
    let volumes = volumes(length, volume_size)?;
    target.has_space(length, volumes)?;
    if is_too_large_for_fat(length, volume_size) {
        context.printer.warning(&format!(
            "{}: FAT cannot store a file of 4 GiB or more; --volume-size 4GB makes smaller ones",
            show(target.path().as_str())
        ));
    }
    if signatures.is_empty() {
        context
            .printer
            .warning(&format!("{top} is unsigned: sign it with `aicr bundle-sign` before you pack it"));
    }
    let bar = context.printer.progress("pack");
    let archive = PendingArchive::begin(target, volume_size)?;
    let written = contents.write(archive, &context.work(bar.progress()));
    bar.finish();
    let volumes = match written {
        Ok(archive) => archive.publish()?,
        Err(PackError::Failed(failure)) => return Err(failure),
        Err(PackError::Write(error)) => return Err(target.cannot_write(&error)),
        Err(PackError::Wrong) => return wrong(bundle, &manifest, digest, context),
    };
    let checked = Checked {
        findings: Findings::default(),
        warnings: Vec::new(),
        files: manifest.len() as u64,
        bytes: contents.bytes(),
    };
    let mut done = report_of(bundle, digest, checked, Verdict::Packed, context);
    done.signatures = signatures.iter().map(SignatureFile::unchecked).collect();
    done.release = bundle_check::release(bundle, &manifest).map(ReleaseReport::from);
    done.archive = Some(ArchiveReport { volumes, offset: None });
    done.written_to = Some(target.path().to_owned());
    done.commands = vec![unpack::command(target.name(), volume_size.is_some())];
    Ok(done)
}

/// Whether a file of an archive of this length is too large for FAT.
fn is_too_large_for_fat(length: u64, volume_size: Option<u64>) -> bool {
    length.min(volume_size.unwrap_or(u64::MAX)) >= FAT_LIMIT
}

/// How many volumes an archive of this length has; too many are exit 2.
fn volumes(length: u64, volume_size: Option<u64>) -> Result<u64> {
    let Some(size) = volume_size else { return Ok(1) };
    let volumes = length.div_ceil(size);
    if volumes <= u64::from(MAX_VOLUMES) {
        return Ok(volumes);
    }
    let enough = length.div_ceil(u64::from(MAX_VOLUMES)).div_ceil(1_000_000);
    Err(Failure::usage(format!(
        "--volume-size makes {volumes} volumes of an archive of {}, and {MAX_VOLUMES} are possible",
        human_bytes(length)
    ))
    .hint(format!("--volume-size {enough}MB is enough")))
}

/// The report about a bundle that is not what its manifest says.
fn wrong(
    bundle: &RootedDir,
    manifest: &Manifest<'_>,
    digest: Sha256Digest,
    context: &Context,
) -> Result<BundleReport> {
    let release = bundle_check::release(bundle, manifest);
    let interrupt = &context.interrupt;
    let checked =
        check_files(bundle, manifest, Layout::Bundle, release.as_ref(), Keep::Nothing, context, interrupt)?;
    if checked.findings.total == 0 {
        return Err(Failure::new(
            Class::Broken,
            format!("{} changed while it was being packed", bundle.show(b"")),
        )
        .hint("find the program that changes it, and run aicr again without it"));
    }
    Ok(report_of(bundle, digest, checked, Verdict::Rejected, context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fat_ends_one_byte_before_4_gib() {
        for (length, volume_size, expected) in [
            (FAT_LIMIT - 1, None, false),
            (FAT_LIMIT, None, true),
            (FAT_LIMIT, Some(FAT_LIMIT - 1), false),
            (u64::MAX, Some(FAT_LIMIT), true),
            // What is written decides, not what could be.
            (1 << 20, Some(1 << 40), false),
        ] {
            assert_eq!(is_too_large_for_fat(length, volume_size), expected, "{length} {volume_size:?}");
        }
    }

    #[test]
    fn there_are_at_most_999_volumes() {
        for (length, size, expected) in [
            (5_000_000, None, Ok(1)),
            (5_000_000, Some(5_000_000), Ok(1)),
            (5_000_001, Some(5_000_000), Ok(2)),
            (999_000_000, Some(1_000_000), Ok(999)),
            (
                2_000_000_000,
                Some(1_000_000),
                Err(
                    "--volume-size makes 2000 volumes of an archive of 1.8 GiB, and 999 are possible; --volume-size 3MB is enough",
                ),
            ),
        ] {
            let found = volumes(length, size).map_err(|failure| {
                assert_eq!(failure.class().code(), 2);
                format!("{}; {}", failure.message(), failure.way_out().unwrap())
            });
            assert_eq!(found, expected.map_err(ToOwned::to_owned));
        }
    }
}
