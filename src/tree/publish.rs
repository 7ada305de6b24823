//! The last step: what has been made, and signed if it is to be, moves to where it is seen. Everything
//! here is renames within one mount; what is to be renamed is on the disk before.

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
use crate::digest::{BUFFER, PourError, pour};
use crate::error::{Class, Failure, Result};
use crate::printable::show;

mod replacement;

/// The signature's own name, in the room and in `attestation`.
const SIGNATURE_NAME: &str = "checksums.txt.sigstore.json";

/// What may be published, and nothing else may: complete, on the disk, with its signature if it has one.
#[derive(Debug)]
pub(crate) struct Sealed<'a> {
    staging: Staging,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    /// A whole new bundle.
    Tree(&'a Target),
    /// A manifest for the bundle that is there, which `changes` its bytes, and a signature or none.
    Manifest { bundle: &'a RootedDir, changes: bool, signed: bool },
    /// A signature for the bundle that is there.
    Signature(&'a RootedDir),
}

impl<'a> Sealed<'a> {
    /// Seals the tree in the room, with this signature or as an unsigned bundle.
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
            rustix::fs::renameat(&staging.room, SIGNATURE_NAME, &directory, SIGNATURE_NAME)
                .map_err(|errno| cannot("write", tree.show(SIGNATURE.as_bytes()), &errno.into()))?;
        }
        write_back.finish().map_err(|error| cannot("write", tree.show(b""), &error))?;
        Ok(Self { staging, content: Content::Tree(target) })
    }

    /// Seals the manifest that was written to the room's `checksums.txt` for a bundle in place. Without a
    /// signature the bundle will be unsigned, whatever it was.
    pub(crate) fn manifest(
        staging: Staging,
        bundle: &'a RootedDir,
        built: &Built,
        signature: Option<&[u8]>,
    ) -> Result<Self> {
        let file = staging.room.file(MANIFEST.as_bytes());
        let shown = staging.room.show(MANIFEST.as_bytes());
        let file =
            file.map_err(|error| Failure::new(Class::Broken, format!("cannot read {shown}: {error}")))?;
        file.file.sync_all().map_err(|error| cannot("write", shown, &error))?;
        if let Some(signature) = signature {
            write_signature(&staging, signature)?;
        }
        let changes = !is_there_already(bundle, built);
        Ok(Self { staging, content: Content::Manifest { bundle, changes, signed: signature.is_some() } })
    }

    /// Seals a signature for a bundle that is there.
    pub(crate) fn signature(staging: Staging, bundle: &'a RootedDir, signature: &[u8]) -> Result<Self> {
        write_signature(&staging, signature)?;
        Ok(Self { staging, content: Content::Signature(bundle) })
    }

    /// Moves it into place. Afterwards nothing of the run is left but what was published.
    pub(crate) fn publish(self, work: &Work<'_>) -> Result<()> {
        match self.content {
            Content::Tree(target) => publish_tree(&self.staging, target, work),
            Content::Manifest { bundle, changes: false, signed: true } => {
                publish_signature(&self.staging, bundle)
            }
            Content::Manifest { bundle, changes, signed } => {
                Replacement::new(&self.staging, bundle).make(changes, signed)
            }
            Content::Signature(bundle) => publish_signature(&self.staging, bundle),
        }
    }
}

/// Writes the signature to the room, and to the disk.
fn write_signature(staging: &Staging, signature: &[u8]) -> Result<()> {
    let mut file = staging.file(SIGNATURE_NAME)?;
    let written = file.write_all(signature).and_then(|()| file.sync_all());
    written.map_err(|error| cannot("write", staging.room.show(SIGNATURE_NAME.as_bytes()), &error))
}

/// Whether the bundle's manifest has these very bytes.
fn is_there_already(bundle: &RootedDir, built: &Built) -> bool {
    let Ok(opened) = bundle.file(MANIFEST.as_bytes()) else {
        return false;
    };
    let poured: Result<_, PourError> =
        pour(&opened.file, opened.size(), &mut vec![0; BUFFER], false, |_| Ok(()));
    poured.is_ok_and(|(digest, _)| digest == built.manifest)
}

fn publish_tree(staging: &Staging, target: &Target, work: &Work<'_>) -> Result<()> {
    target.recheck(work)?;
    let moved = match target.occupant() {
        // Takes the place of an empty directory too, and of nothing that is not empty.
        Occupant::Nothing | Occupant::Empty => {
            rustix::fs::renameat(&staging.room, TREE, &staging.parent, target.name())
        }
        Occupant::Bundle => exchange(staging, target.name(), rename_exchanging),
    };
    let shown = show(target.path().as_str().as_bytes());
    moved.map_err(|errno| match errno {
        Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR => {
            Failure::usage(format!("--output {shown} has appeared meanwhile"))
        }
        _ => cannot("make", &shown, &errno.into()),
    })?;
    sync(&staging.parent).map_err(|error| cannot("write", shown, &error))
}

/// A rename that swaps, where the file system has one.
fn rename_exchanging(staging: &Staging, name: &str) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(&staging.room, TREE, &staging.parent, name, RenameFlags::EXCHANGE)
}

/// Puts the new tree in the place of the old one, which goes with the room; at once, or in two steps of
/// which the first is taken back if the second fails.
fn exchange(
    staging: &Staging,
    name: &str,
    at_once: impl FnOnce(&Staging, &str) -> rustix::io::Result<()>,
) -> rustix::io::Result<()> {
    match at_once(staging, name) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
        other => return other,
    }
    rustix::fs::renameat(&staging.parent, name, &staging.room, OLD)?;
    rustix::fs::renameat(&staging.room, TREE, &staging.parent, name).inspect_err(|_| {
        // The first failure is the one to tell.
        let _ = rustix::fs::renameat(&staging.room, OLD, &staging.parent, name);
    })
}

fn publish_signature(staging: &Staging, bundle: &RootedDir) -> Result<()> {
    let directory = move_signature_in(staging, bundle)?;
    let failed = |error: io::Error| cannot("write", bundle.show(SIGNATURE.as_bytes()), &error);
    sync(&directory).and_then(|()| sync(bundle)).map_err(failed)
}

/// Moves a signature to where it is seen, and gives its directory. Where that fails, an `attestation` that
/// was made for it goes again.
fn move_signature_in(staging: &Staging, bundle: &RootedDir) -> Result<OwnedFd> {
    let (directory, made) = attestation(bundle)?;
    if let Err(errno) = rustix::fs::renameat(&staging.room, SIGNATURE_NAME, &directory, SIGNATURE_NAME) {
        if made {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
        return Err(cannot("write", bundle.show(SIGNATURE.as_bytes()), &errno.into()));
    }
    Ok(directory)
}

/// Brings a directory's entries to the disk. Some file systems have nothing to bring, and some directories
/// may be written to but not read, which is all that can be asked of them.
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
