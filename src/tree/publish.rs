//! The last step: moves a finished bundle, manifest or signature into place. Only renames within one mount
//! happen here, and everything is on the disk before it is renamed.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use replacement::Replacement;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::copy::Built;
use super::rooted_dir::RootedDir;
use super::staging::{OLD, Staging, TREE, attestation};
use super::target::{Occupant, Target};
use super::write_back::WriteBack;
use super::{ATTESTATION, MANIFEST, SIGNATURE, Work, cannot};
use crate::digest::{BUFFER, HashError, hash_file};
use crate::error::{Class, Failure, Result};
use crate::printable::show;

mod replacement;

/// The file name of the signature, in the staging directory and in `attestation`.
const SIGNATURE_NAME: &str = "checksums.txt.sigstore.json";

/// Content that may be published: complete and on the disk, with its signature if it has one. Nothing else
/// can be published.
#[derive(Debug)]
pub(crate) struct Sealed<'a> {
    staging: Staging,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    /// A whole new bundle.
    Tree(&'a Target),
    /// A manifest for an existing directory, with a signature or without; `changes` if its bytes are not
    /// those of the manifest that exists.
    Manifest { bundle: &'a RootedDir, changes: bool, signed: bool },
    /// A signature for an existing bundle.
    Signature(&'a RootedDir),
}

impl<'a> Sealed<'a> {
    /// Seals the tree in the staging directory, with this signature or as an unsigned bundle.
    pub(crate) fn tree(
        staging: Staging,
        write_back: WriteBack,
        target: &'a Target,
        signature: Option<&[u8]>,
    ) -> Result<Self> {
        let tree = staging.tree()?;
        if let Some(signature) = signature {
            write_signature(&staging, signature)?;
            let (directory, _) = attestation(&tree)?;
            rustix::fs::renameat(&staging.dir, SIGNATURE_NAME, &directory, SIGNATURE_NAME)
                .map_err(|errno| cannot("write", tree.show(SIGNATURE.as_bytes()), &errno.into()))?;
        }
        write_back.finish().map_err(|error| cannot("write", tree.show(b""), &error))?;
        Ok(Self { staging, content: Content::Tree(target) })
    }

    /// Seals the manifest that was written to `checksums.txt` in the staging directory, for a bundle in
    /// place. Without a signature the bundle will be unsigned, even if it was signed before.
    pub(crate) fn manifest(
        staging: Staging,
        bundle: &'a RootedDir,
        built: &Built,
        signature: Option<&[u8]>,
    ) -> Result<Self> {
        let file = staging.dir.file(MANIFEST.as_bytes());
        let shown = staging.dir.show(MANIFEST.as_bytes());
        let file = file.map_err(|error| Failure::new(Class::Broken, format!("{shown} {error}")))?;
        file.file.sync_all().map_err(|error| cannot("write", shown, &error))?;
        if let Some(signature) = signature {
            write_signature(&staging, signature)?;
        }
        let changes = !has_manifest(bundle, built);
        Ok(Self { staging, content: Content::Manifest { bundle, changes, signed: signature.is_some() } })
    }

    /// Seals a signature for an existing bundle.
    pub(crate) fn signature(staging: Staging, bundle: &'a RootedDir, signature: &[u8]) -> Result<Self> {
        write_signature(&staging, signature)?;
        Ok(Self { staging, content: Content::Signature(bundle) })
    }

    /// Moves it into place, and removes everything else that the run has written.
    pub(crate) fn publish(self, work: &Work<'_>) -> Result<()> {
        match self.content {
            Content::Tree(target) => publish_tree(&self.staging, target, work),
            Content::Manifest { bundle, changes: false, signed: true } => {
                publish_signature(&self.staging, bundle)
            }
            Content::Manifest { bundle, changes, signed } => {
                Replacement::new(&self.staging, bundle).run(changes, signed)
            }
            Content::Signature(bundle) => publish_signature(&self.staging, bundle),
        }
    }
}

/// Writes the signature to the staging directory, and syncs it.
fn write_signature(staging: &Staging, signature: &[u8]) -> Result<()> {
    let mut file = staging.file(SIGNATURE_NAME)?;
    let written = file.write_all(signature).and_then(|()| file.sync_all());
    written.map_err(|error| cannot("write", staging.dir.show(SIGNATURE_NAME.as_bytes()), &error))
}

/// Whether the manifest of the bundle has exactly these bytes.
fn has_manifest(bundle: &RootedDir, built: &Built) -> bool {
    let Ok(opened) = bundle.file(MANIFEST.as_bytes()) else {
        return false;
    };
    let hashed: Result<_, HashError> =
        hash_file(&opened.file, opened.size(), &mut vec![0; BUFFER], false, |_| Ok(()));
    hashed.is_ok_and(|(digest, _)| digest == built.manifest)
}

fn publish_tree(staging: &Staging, target: &Target, work: &Work<'_>) -> Result<()> {
    target.recheck(work)?;
    let moved = match target.occupant() {
        // The rename replaces an empty directory, and fails if it is not empty.
        Occupant::Nothing | Occupant::Empty => {
            rustix::fs::renameat(&staging.dir, TREE, &staging.parent, target.name())
        }
        Occupant::Bundle => exchange(staging, target.name(), rename_exchanging),
    };
    let shown = show(target.path().as_str().as_bytes());
    moved.map_err(|errno| match errno {
        Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR => {
            Failure::usage(format!("--output {shown} was created by another program during this run"))
        }
        _ => cannot("create", &shown, &errno.into()),
    })?;
    sync(&staging.parent).map_err(|error| cannot("write", shown, &error))
}

/// Swaps the new tree and the old one in one step, if the file system can.
fn rename_exchanging(staging: &Staging, name: &str) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(&staging.dir, TREE, &staging.parent, name, RenameFlags::EXCHANGE)
}

/// Moves the new tree into place, and the old one into the staging directory, where it is removed. That is
/// one step, or two steps of which the first is undone if the second fails.
fn exchange(
    staging: &Staging,
    name: &str,
    at_once: impl FnOnce(&Staging, &str) -> rustix::io::Result<()>,
) -> rustix::io::Result<()> {
    match at_once(staging, name) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
        other => return other,
    }
    rustix::fs::renameat(&staging.parent, name, &staging.dir, OLD)?;
    rustix::fs::renameat(&staging.dir, TREE, &staging.parent, name).inspect_err(|_| {
        // The first error is reported, not one from here.
        let _ = rustix::fs::renameat(&staging.dir, OLD, &staging.parent, name);
    })
}

fn publish_signature(staging: &Staging, bundle: &RootedDir) -> Result<()> {
    let directory = move_signature_in(staging, bundle)?;
    let failed = |error: io::Error| cannot("write", bundle.show(SIGNATURE.as_bytes()), &error);
    sync(&directory).and_then(|()| sync(bundle)).map_err(failed)
}

/// Moves a signature into place, and returns its directory. If that fails, an `attestation` that was
/// created for it is removed.
fn move_signature_in(staging: &Staging, bundle: &RootedDir) -> Result<OwnedFd> {
    let (directory, made) = attestation(bundle)?;
    if let Err(errno) = rustix::fs::renameat(&staging.dir, SIGNATURE_NAME, &directory, SIGNATURE_NAME) {
        if made {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
        return Err(cannot("write", bundle.show(SIGNATURE.as_bytes()), &errno.into()));
    }
    Ok(directory)
}

/// Syncs the entries of a directory. Some file systems cannot do that, and a directory that may be written
/// but not read cannot be opened for it.
fn sync(directory: impl AsFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable: OwnedFd = match rustix::fs::openat(&directory, ".", flags, Mode::empty()) {
        Ok(readable) => readable,
        Err(Errno::ACCESS) => return Ok(()),
        Err(errno) => return Err(errno.into()),
    };
    match rustix::fs::fsync(&readable) {
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}

#[cfg(test)]
mod tests;
