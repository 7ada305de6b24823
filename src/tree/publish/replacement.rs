//! In place: another manifest, and with it another signature or none. Never is there a new manifest beside
//! an old signature, whenever the power goes: each step is on the disk before the next one. When a step
//! fails, those before it are taken back, and the old bundle stands as it did.

use std::io;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::super::rooted_dir::{OpenError, RootedDir};
use super::super::staging::{Staging, attestation};
use super::super::{ATTESTATION, MANIFEST, SIGNATURE, cannot};
use super::{SIGNATURE_NAME, move_signature_in, sync};
use crate::error::{Failure, Result};

/// The old signature, in the room, until the new bundle stands.
const OLD_SIGNATURE: &str = "old.sigstore.json";

/// What has been done so far.
pub(super) struct Replacement<'a> {
    staging: &'a Staging,
    bundle: &'a RootedDir,
    /// Whether the old signature lies in the room.
    signature_out: bool,
    manifest: ManifestStep,
    /// Whether `attestation` was made.
    attestation_made: bool,
    /// Whether the new bundle stands.
    done: bool,
}

/// Which manifest the bundle has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ManifestStep {
    /// The old one, or none.
    Old,
    /// The new one; there was none.
    First,
    /// The new one; the old one lies in the room.
    Exchanged,
    /// The new one; of the old one nothing is left, on file systems that cannot exchange two files.
    Gone,
}

impl<'a> Replacement<'a> {
    /// Nothing has been done yet.
    pub(super) fn new(staging: &'a Staging, bundle: &'a RootedDir) -> Self {
        let manifest = ManifestStep::Old;
        Self { staging, bundle, signature_out: false, manifest, attestation_made: false, done: false }
    }

    /// Puts the room's manifest in, if it `changes` the bundle's, and its signature if there is one.
    pub(super) fn make(mut self, changes: bool, signed: bool) -> Result<()> {
        let made = self.steps(changes, signed);
        if made.is_err() && !self.done {
            self.take_back();
        }
        made
    }

    fn steps(&mut self, changes: bool, signed: bool) -> Result<()> {
        if signed {
            // What a full disk has no room for is made while the old bundle is whole.
            self.attestation_made = attestation(self.bundle)?.1;
        }
        self.take_signature_out()?;
        if changes {
            let failed = |error: io::Error| cannot("write", self.bundle.show(MANIFEST.as_bytes()), &error);
            self.manifest = self.put_manifest_in().map_err(|errno| failed(errno.into()))?;
            sync(self.bundle).map_err(failed)?;
        }
        if signed {
            let directory = move_signature_in(self.staging, self.bundle)?;
            // From here on the new bundle stands, whatever is said of the disk.
            self.done = true;
            let failed = |error: io::Error| cannot("write", self.bundle.show(SIGNATURE.as_bytes()), &error);
            sync(&directory).and_then(|()| sync(self.bundle)).map_err(failed)?;
        }
        Ok(())
    }

    /// Moves the signature, if there is one, from an `attestation` that is a directory to the room.
    fn take_signature_out(&mut self) -> Result<()> {
        let shown = || self.bundle.show(SIGNATURE.as_bytes());
        match self.bundle.file(SIGNATURE.as_bytes()) {
            Err(OpenError::Missing) => return Ok(()),
            Err(error @ OpenError::NotRegular(_)) => {
                return Err(Failure::usage(format!("cannot replace {}: {error}", shown())).hint("remove it"));
            }
            // What cannot be read can still be moved.
            Ok(_) | Err(OpenError::System(_)) => {}
        }
        let failed = |error: io::Error| cannot("remove", shown(), &error);
        let directory = self.bundle.directory(ATTESTATION.as_bytes()).map_err(failed)?;
        rustix::fs::renameat(&directory, SIGNATURE_NAME, &self.staging.room, OLD_SIGNATURE)
            .map_err(|errno| failed(errno.into()))?;
        self.signature_out = true;
        sync(&directory).map_err(|error| cannot("remove", self.bundle.show(SIGNATURE.as_bytes()), &error))
    }

    fn put_manifest_in(&self) -> rustix::io::Result<ManifestStep> {
        let (room, bundle) = (&self.staging.room, self.bundle);
        match rustix::fs::renameat_with(room, MANIFEST, bundle, MANIFEST, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(ManifestStep::Exchanged),
            Err(Errno::NOENT) => {
                return rustix::fs::renameat(room, MANIFEST, bundle, MANIFEST).map(|()| ManifestStep::First);
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
        rustix::fs::renameat(room, MANIFEST, bundle, MANIFEST).map(|()| ManifestStep::Gone)
    }

    /// Undoes what was done, the last first. What cannot be undone leaves the bundle unsigned; the failure
    /// to tell is the one that came before.
    fn take_back(&self) {
        let (room, bundle) = (&self.staging.room, self.bundle);
        let back = match self.manifest {
            ManifestStep::Old => Ok(()),
            ManifestStep::First => rustix::fs::renameat(bundle, MANIFEST, room, MANIFEST),
            ManifestStep::Exchanged => {
                rustix::fs::renameat_with(room, MANIFEST, bundle, MANIFEST, RenameFlags::EXCHANGE)
            }
            ManifestStep::Gone => return,
        };
        if back.is_err() || (self.manifest != ManifestStep::Old && sync(bundle).is_err()) {
            return;
        }
        if self.signature_out
            && let Ok(directory) = bundle.directory(ATTESTATION.as_bytes())
            && rustix::fs::renameat(room, OLD_SIGNATURE, &directory, SIGNATURE_NAME).is_ok()
        {
            let _ = sync(&directory);
        } else if self.attestation_made {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
    }
}
