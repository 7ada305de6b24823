//! `inspect`: what a bundle, an archive or a receipt says of itself. Nothing is proven: no cosign is run, and
//! no payload is read. First every PATH is looked at by its names or first bytes alone, so that one of another kind is
//! exit 2 before any is read. Then each is read; one that cannot be read as what it is is exit 5.

mod archive;
mod bundle;
mod receipt;
mod release;

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::not_a_bundle;
use crate::commands::received_archive::ReceivedArchive;
use crate::context::Context;
use crate::error::{Class, Failure, Result};
use crate::plan::inspect::InspectPlan;
use crate::report::{BundleReport, Report};
use crate::tree::rooted_dir::RootedDir;
use crate::tree::{MANIFEST, SIGNATURE, misplaced};

/// What `inspect` can describe. A new kind gets a variant, a condition in [`Subject::at`], and a file
/// of its own that describes it.
enum Subject {
    /// A bundle of aicr, however spoiled.
    Bundle(RootedDir),
    /// An archive of one.
    Archive(ReceivedArchive),
    /// A file that begins like a receipt.
    Receipt(Utf8PathBuf),
    /// A release that aicr did not build, and the name of its manifest.
    Release(RootedDir, String),
}

/// Describes every path of the plan.
pub(crate) fn run(plan: &InspectPlan, context: &Context, report: &mut Report) -> Result<()> {
    let subjects = plan.paths.iter().map(|path| Subject::at(path, context)).collect::<Result<Vec<_>>>()?;
    for subject in &subjects {
        report.bundles.push(match subject.describe(context) {
            Err(failure) if matches!(failure.class(), Class::Signal(_)) => return Err(failure),
            Err(failure) => BundleReport::failed(subject.path(), failure),
            Ok(described) => described,
        });
    }
    Ok(())
}

impl Subject {
    /// What lies at `path`, by the names of its files; exit 2 if it is nothing that can be described.
    fn at(path: &Utf8PathBuf, context: &Context) -> Result<Self> {
        if receipt::is_one(path) {
            return Ok(Self::Receipt(path.clone()));
        }
        if let Some(archive) = ReceivedArchive::open(path, context)? {
            return Ok(Self::Archive(archive));
        }
        let directory = not_a_bundle::open_one(path)?;
        let is_there = |name: &str| directory.stat(name.as_bytes()).is_ok();
        let foreign = misplaced::foreign_manifest(&directory);
        if !is_there(SIGNATURE)
            && let Some(manifest) = foreign.filter(|name| name == MANIFEST || !is_there(MANIFEST))
        {
            return Ok(Self::Release(directory, manifest));
        }
        if is_there(MANIFEST) || is_there(SIGNATURE) || misplaced::manifest(&directory).is_some() {
            return Ok(Self::Bundle(directory));
        }
        let top = directory.show(b"");
        Err(Failure::usage(format!(
            "{top} is not a bundle: it has no {MANIFEST}, and no checksum file with a signature next to it"
        ))
        .hint("give the directory that holds it"))
    }

    fn describe(&self, context: &Context) -> Result<BundleReport> {
        match self {
            Self::Bundle(directory) => bundle::describe(directory, context),
            Self::Archive(archive) => {
                let mut described = archive::describe(archive, context)?;
                archive.complete(&mut described, context)?;
                Ok(described)
            }
            Self::Receipt(path) => receipt::describe(path),
            Self::Release(directory, manifest) => release::describe(directory, manifest),
        }
    }

    fn path(&self) -> &Utf8Path {
        match self {
            Self::Bundle(directory) | Self::Release(directory, _) => directory.path(),
            Self::Archive(archive) => archive.path(),
            Self::Receipt(path) => path,
        }
    }
}
