//! In place: replaces the manifest, and with it the signature and the `release.json`. There is never a new manifest
//! with an old signature, even after a power failure, because each step is on the disk before the next one. (The
//! manifest and `release.json` are one step of two renames. A run that is killed between them leaves an unsigned
//! bundle, which `verify` rejects.) If a step fails, the steps before it are undone, and the old bundle is as it was.

use std::io;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::super::rooted_dir::{OpenError, RootedDir};
use super::super::staging::{Staging, attestation};
use super::super::{ATTESTATION, MANIFEST, SIGNATURE, cannot};
use super::{SIGNATURE_NAME, cannot_exchange, move_signature_in, sync};
use crate::error::{Failure, Result};
use crate::release::RELEASE;

/// The name of the old signature in the staging directory.
const OLD_SIGNATURE: &str = "old.sigstore.json";

/// A replacement, and the steps that are done.
pub(super) struct Replacement<'a> {
    staging: &'a Staging,
    bundle: &'a RootedDir,
    /// Whether the old signature is in the staging directory.
    signature_removed: bool,
    has_release: bool,
    release: FileState,
    manifest: FileState,
    /// Whether `attestation` was created.
    attestation_created: bool,
    /// Whether the new bundle is complete.
    complete: bool,
}

/// Which manifest or `release.json` the bundle has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileState {
    /// The old one, or none.
    Old,
    /// The new one; there was none before.
    First,
    /// The new one; the old one is in the staging directory.
    Exchanged,
    /// The new one; the old one is lost, because the file system cannot exchange two files.
    Overwritten,
}

impl<'a> Replacement<'a> {
    /// A replacement of which no step is done.
    pub(super) fn new(staging: &'a Staging, bundle: &'a RootedDir, has_release: bool) -> Self {
        Self {
            staging,
            bundle,
            signature_removed: false,
            has_release,
            release: FileState::Old,
            manifest: FileState::Old,
            attestation_created: false,
            complete: false,
        }
    }

    /// Moves the manifest and `release.json` in the staging directory into place if that `changes` the existing one, and the
    /// signature if the bundle will be `signed`.
    pub(super) fn run(mut self, changes: bool, signed: bool) -> Result<()> {
        let result = self.steps(changes, signed);
        if result.is_err() && !self.complete {
            self.undo();
        }
        result
    }

    fn steps(&mut self, changes: bool, signed: bool) -> Result<()> {
        if signed {
            // On a full disk this fails, and the old bundle is still complete.
            self.attestation_created = attestation(self.bundle)?.1;
        }
        self.remove_signature()?;
        if changes {
            let failed = |error: io::Error| cannot("write", self.bundle.show(MANIFEST.as_bytes()), &error);
            if self.has_release {
                self.release = self.put_in(RELEASE).map_err(|errno| failed(errno.into()))?;
            }
            self.manifest = self.put_in(MANIFEST).map_err(|errno| failed(errno.into()))?;
            sync(self.bundle).map_err(failed)?;
        }
        if signed {
            let directory = move_signature_in(self.staging, self.bundle)?;
            // Nothing is undone from here on, even if the sync fails.
            self.complete = true;
            let failed = |error: io::Error| cannot("write", self.bundle.show(SIGNATURE.as_bytes()), &error);
            sync(&directory).and_then(|()| sync(self.bundle)).map_err(failed)?;
        }
        Ok(())
    }

    /// Moves an existing signature to the staging directory.
    fn remove_signature(&mut self) -> Result<()> {
        let shown = || self.bundle.show(SIGNATURE.as_bytes());
        match self.bundle.file(SIGNATURE.as_bytes()) {
            Err(OpenError::Missing) => return Ok(()),
            Err(OpenError::NotRegular(kind)) => {
                let path = self.bundle.path().join(SIGNATURE);
                return Err(Failure::usage(format!("{} is {kind}, not a signature", shown()))
                    .hint(kind.removal_hint(&path)));
            }
            // An unreadable file can still be moved.
            Ok(_) | Err(OpenError::System(_)) => {}
        }
        let failed = |error: io::Error| cannot("remove", shown(), &error);
        let directory = self.bundle.directory(ATTESTATION.as_bytes()).map_err(failed)?;
        rustix::fs::renameat(&directory, SIGNATURE_NAME, &self.staging.dir, OLD_SIGNATURE)
            .map_err(|errno| failed(errno.into()))?;
        self.signature_removed = true;
        sync(&directory).map_err(|error| cannot("remove", self.bundle.show(SIGNATURE.as_bytes()), &error))
    }

    fn put_in(&self, name: &str) -> rustix::io::Result<FileState> {
        let (staging, bundle) = (&self.staging.dir, self.bundle);
        match rustix::fs::renameat_with(staging, name, bundle, name, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(FileState::Exchanged),
            Err(Errno::NOENT) => {
                return rustix::fs::renameat(staging, name, bundle, name).map(|()| FileState::First);
            }
            Err(errno) if cannot_exchange(errno) => {}
            Err(errno) => return Err(errno),
        }
        rustix::fs::renameat(staging, name, bundle, name).map(|()| FileState::Overwritten)
    }

    /// Undoes the steps that are done, the last one first. If that fails, the bundle is unsigned, and the
    /// error that came before is reported.
    fn undo(&self) {
        let (staging, bundle) = (&self.staging.dir, self.bundle);
        let states = [(MANIFEST, self.manifest), (RELEASE, self.release)];
        for (name, state) in states {
            let restored = match state {
                FileState::Old => continue,
                FileState::First => rustix::fs::renameat(bundle, name, staging, name),
                FileState::Exchanged => {
                    rustix::fs::renameat_with(staging, name, bundle, name, RenameFlags::EXCHANGE)
                }
                FileState::Overwritten => return,
            };
            if restored.is_err() {
                return;
            }
        }
        if states.iter().any(|(_, state)| *state != FileState::Old) && sync(bundle).is_err() {
            return;
        }
        if self.signature_removed
            && let Ok(directory) = bundle.directory(ATTESTATION.as_bytes())
            && rustix::fs::renameat(staging, OLD_SIGNATURE, &directory, SIGNATURE_NAME).is_ok()
        {
            let _ = sync(&directory);
        } else if self.attestation_created {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
    }
}
