//! In place: replaces the manifest, and with it the signatures and the `release.json`. There is never a new manifest
//! with an old signature, even after a power failure, because each step is on the disk before the next one. (The
//! manifest and `release.json` are one step of two renames. A run that is killed between them leaves an unsigned
//! bundle, which `verify` rejects.) If a step fails, the steps before it are undone, and the old bundle is as it was.

use std::io;

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::super::rooted_dir::{OpenError, RootedDir};
use super::super::signature_files::further_signatures;
use super::super::staging::{Staging, attestation};
use super::super::{ATTESTATION, MANIFEST, SIGNATURE, cannot};
use super::{cannot_exchange, file_name, move_signature_in, sync};
use crate::error::{Failure, Result};
use crate::release::RELEASE;

/// The name of an old signature in the staging directory.
fn old(name: &str) -> String {
    format!("old.{name}")
}

/// A replacement, and the steps that are done.
pub(super) struct Replacement<'a> {
    staging: &'a Staging,
    bundle: &'a RootedDir,
    /// The file names of the old signatures that are in the staging directory.
    removed: Vec<String>,
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
            removed: Vec::new(),
            has_release,
            release: FileState::Old,
            manifest: FileState::Old,
            attestation_created: false,
            complete: false,
        }
    }

    /// Moves the manifest and `release.json` in the staging directory into place if that `changes` the existing
    /// ones, and the signature if the bundle will be `signed`.
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
        self.remove_signatures()?;
        if changes {
            let failed = |error: io::Error| cannot("write", self.bundle.show(MANIFEST.as_bytes()), &error);
            if self.has_release {
                self.release = self.put_in(RELEASE).map_err(|errno| failed(errno.into()))?;
            }
            self.manifest = self.put_in(MANIFEST).map_err(|errno| failed(errno.into()))?;
            sync(self.bundle).map_err(failed)?;
        }
        if signed {
            let directory = move_signature_in(self.staging, self.bundle, SIGNATURE)?;
            // Nothing is undone from here on, even if the sync fails.
            self.complete = true;
            let failed = |error: io::Error| cannot("write", self.bundle.show(SIGNATURE.as_bytes()), &error);
            sync(&directory).and_then(|()| sync(self.bundle)).map_err(failed)?;
        }
        Ok(())
    }

    /// Moves the existing signatures to the staging directory, the first one last: a run that is killed
    /// meanwhile leaves the old manifest with fewer signatures.
    fn remove_signatures(&mut self) -> Result<()> {
        let failed =
            |path: &str, error: io::Error| cannot("remove", self.bundle.show(path.as_bytes()), &error);
        let further = further_signatures(self.bundle)
            .map_err(|error| cannot("read", self.bundle.show(ATTESTATION.as_bytes()), &error))?;
        for path in further.iter().map(String::as_str).chain([SIGNATURE]) {
            match self.bundle.file(path.as_bytes()) {
                Err(OpenError::Missing) => continue,
                Err(OpenError::NotRegular(kind)) => {
                    let shown = self.bundle.show(path.as_bytes());
                    return Err(Failure::usage(format!("{shown} is {kind}, not a signature"))
                        .hint(kind.removal_hint(&self.bundle.path().join(path))));
                }
                // An unreadable file can still be moved.
                Ok(_) | Err(OpenError::System(_)) => {}
            }
            let name = file_name(path);
            let directory =
                self.bundle.directory(ATTESTATION.as_bytes()).map_err(|error| failed(path, error))?;
            rustix::fs::renameat(&directory, name, &self.staging.dir, old(name))
                .map_err(|errno| failed(path, errno.into()))?;
            self.removed.push(name.to_owned());
            sync(&directory).map_err(|error| failed(path, error))?;
        }
        Ok(())
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
        if !self.removed.is_empty()
            && let Ok(directory) = bundle.directory(ATTESTATION.as_bytes())
        {
            for name in self.removed.iter().rev() {
                let _ = rustix::fs::renameat(staging, old(name), &directory, name);
            }
            let _ = sync(&directory);
        } else if self.attestation_created {
            let _ = rustix::fs::unlinkat(bundle, ATTESTATION, AtFlags::REMOVEDIR);
        }
    }
}
