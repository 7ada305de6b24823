//! `verify --copy-to`: a copy of a bundle that is made while its files are read for the check. It stays in a private
//! staging directory until the bundle is accepted, and has exactly the bytes that were checked.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use super::check::Record;
use super::copies::{Copies, Times, create};
use super::manifest::Manifest;
use super::manifest::foreign::ForeignManifest;
use super::medium::set_mode_of_new;
use super::names::Names;
use super::publish::Sealed;
use super::rooted_dir::RootedDir;
use super::second_look::{Expected, FileId};
use super::space::enough_space;
use super::staging::{Staging, attestation};
use super::target::Target;
use super::write_back::WriteBack;
use super::{MANIFEST, PLAIN, Work, cannot};
use crate::digest::Sha256Digest;
use crate::error::Result;

/// A copy that is not in its place yet. It is removed when the value is dropped.
pub(crate) struct PendingCopy<'a> {
    target: &'a Target,
    staging: Staging,
    tree: RootedDir,
    write_back: WriteBack,
    record: Record,
}

impl<'a> PendingCopy<'a> {
    /// An empty copy.
    pub(crate) fn begin(target: &'a Target) -> Result<Self> {
        let staging = Staging::for_output(target)?;
        let tree = staging.tree()?;
        let write_back = WriteBack::of(staging.staging_dir())?;
        Ok(Self { target, staging, tree, write_back, record: Mutex::default() })
    }

    /// Gets ready for the files of `manifest`, which have `bytes` together. Fails if there is no space for them.
    pub(super) fn begin_files(&self, manifest: &Manifest<'_>, bytes: u64) -> Result<Copies<'_>> {
        enough_space(self.target, bytes, manifest.len() as u64)?;
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = vec![FileId::default(); manifest.len()];
        Copies::new(Names::Listed(manifest), &self.tree, &self.write_back, Times::OfCopies)
    }

    /// The copies that are complete.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    /// Moves the copy into place as it is: its manifest and its signature are listed like all files. Those that
    /// may be missing, and are, have not been copied.
    pub(crate) fn publish_whole(self, manifest: &Manifest<'_>, work: &Work<'_>) -> Result<()> {
        let files = self.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_there = |line: &usize| files[*line] != FileId::default();
        let copied = ForeignManifest::only(manifest, (0..manifest.len()).filter(is_there));
        let copied = copied.manifest();
        let files: Vec<FileId> = files.into_iter().filter(|file| *file != FileId::default()).collect();
        let expected = Expected { names: Names::Listed(&copied), files: &files, pending: None };
        Sealed::whole(self.staging, self.write_back, self.target, expected)?.publish(work)
    }

    /// Moves the copy into place, with this manifest and these signatures, by path; the first one first. All files were copied.
    pub(crate) fn publish(
        self,
        manifest: &Manifest<'_>,
        signatures: &[(&str, Vec<u8>)],
        work: &Work<'_>,
    ) -> Result<()> {
        let text = manifest.text();
        let (first, further) = signatures.split_at(signatures.len().min(1));
        if !further.is_empty() {
            attestation(&self.tree)?;
        }
        let first = first.first().map(|(_, content)| content.as_slice());
        let further = further.iter().map(|(path, content)| (*path, content.as_slice()));
        for (path, content) in std::iter::once((MANIFEST, text)).chain(further) {
            let write = || {
                let mut file = create(&self.tree, path.as_bytes(), PLAIN)?;
                file.write_all(content)?;
                set_mode_of_new(&file, PLAIN)?;
                file.sync_all()
            };
            write().map_err(|error| cannot("write", self.tree.show(path.as_bytes()), &error))?;
        }
        let files = self.record.into_inner().unwrap_or_else(PoisonError::into_inner);
        let expected = Expected { names: Names::Listed(manifest), files: &files, pending: None };
        let digest = Sha256Digest::of(text);
        Sealed::tree(self.staging, self.write_back, self.target, expected, digest, first)?.publish(work)
    }
}
