//! A bundle in an archive, as `verify` reads it: once, from the beginning to the end. First the manifest, then the
//! signatures, then, while cosign checks these, the files.

use std::sync::{Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use crate::commands::not_a_bundle;
use crate::commands::received::{AGAIN, Listed, Seen, expect};
use crate::commands::signatures::{self, SignatureFile};
use crate::context::Context;
use crate::error::{Class, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::verify::ExpectedRelease;
use crate::printable::show;
use crate::progress::Progress;
use crate::release::Release;
use crate::report::{ArchiveReport, BundleReport};
use crate::sigstore::evidence::SIZE_LIMIT;
use crate::tree::archive_input::ArchiveInput;
use crate::tree::check::Keep;
use crate::tree::check_archive::{self, ArchiveFailure, ArchiveReader, Check, rejection};
use crate::tree::manifest::Manifest;
use crate::tree::volume_check;
use crate::tree::{MANIFEST, Work};

/// An archive that is open.
pub(crate) struct ReceivedArchive {
    path: Utf8PathBuf,
    state: Mutex<State>,
}

struct State {
    reader: ArchiveReader,
    /// Where it is bad, as far as it was read.
    offset: Option<u64>,
}

impl ReceivedArchive {
    /// Opens the archive at `path`, which is `-` for standard input; `None` for anything but a regular file. A regular
    /// file that is not an archive of aicr is exit 2.
    pub(crate) fn open(path: &Utf8Path, context: &Context) -> Result<Option<Self>> {
        let input = if path == "-" {
            Some(ArchiveInput::standard_input(&context.interrupt))
        } else if path.is_file() {
            let input = ArchiveInput::open(path, &context.interrupt)?;
            Some(input.ok_or_else(|| not_a_bundle::not_an_archive(path))?)
        } else {
            None
        };
        let open = |input| {
            let state = State { reader: check_archive::open(input), offset: None };
            Self { path: path.to_owned(), state: Mutex::new(state) }
        };
        Ok(input.map(open))
    }

    /// Its path as typed.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Its path, ready to print.
    pub(crate) fn top(&self) -> String {
        self.show("")
    }

    /// The path of a file in it, ready to print.
    pub(crate) fn show(&self, path: &str) -> String {
        let top = show(self.path.as_str());
        if path.is_empty() { top } else { format!("{top}/{}", show(path)) }
    }

    /// Reads the manifest.
    pub(crate) fn manifest_text(&self) -> Result<Vec<u8>> {
        self.read(check_archive::manifest_text)
    }

    /// Reads the signatures, strictly; none if it is unsigned.
    pub(crate) fn any_signatures(&self) -> Result<Vec<SignatureFile>> {
        let files = self.read(|reader, top| check_archive::signature_files(reader, top, SIZE_LIMIT))?;
        signatures::of(|path| self.show(path), &files)
    }

    /// Reads the signatures, at least one.
    pub(crate) fn signatures(&self) -> Result<Vec<SignatureFile>> {
        let signatures = self.any_signatures()?;
        if signatures.is_empty() {
            let top = self.top();
            return Err(Failure::rejected(format!(
                "{top} is unsigned: it has no {}",
                crate::tree::SIGNATURE
            ))
            .hint(not_a_bundle::CHECKSUMS_ONLY));
        }
        Ok(signatures)
    }

    /// Reads the release that it says it is. Nothing after that is read.
    pub(crate) fn release(&self, manifest: &Manifest<'_>, context: &Context) -> Result<Option<Release>> {
        let unseen = Progress::hidden();
        let work = context.work(&unseen);
        self.read(|reader, top| {
            Check { manifest, is_bounded: true, copy: None, top, work }.release_alone(reader)
        })
    }

    /// Compares the release and then the files with these bytes as their manifest.
    pub(crate) fn look<'m>(
        &self,
        text: &'m [u8],
        expected: Option<&ExpectedRelease>,
        keep: Keep<'_>,
        context: &Context,
        interrupt: &Interrupt,
    ) -> Result<Seen<'m>> {
        let top = self.top();
        let manifest =
            Manifest::unproven(text).map_err(|error| error.rejects(self.show(MANIFEST)).hint(AGAIN))?;
        let bar = context.printer.progress("verify");
        let check = Check {
            manifest: &manifest,
            is_bounded: expected.is_some(),
            copy: match keep {
                Keep::Copies(copy) => Some(copy),
                Keep::Nothing | Keep::NothingOf(_) | Keep::Record(_) => None,
            },
            top: &top,
            work: Work { interrupt, ..context.work(bar.progress()) },
        };
        let checked = self.read(|reader, top| {
            reader.input_mut().get_mut().interrupt = interrupt.clone();
            // Without a signature to verify, they were not read yet.
            check_archive::signature_files(reader, top, SIZE_LIMIT)?;
            check.run(reader, |release| {
                expected.map_or(Ok(()), |expected| expect(top, &manifest, expected, release))
            })
        });
        bar.finish();
        let checked = checked?;
        self.state().offset = checked.bad.as_ref().map(|bad| bad.offset);
        let bad = checked.bad.map(|bad| rejection(&bad, &top));
        Ok(Seen { listed: Listed::Bundle(manifest), checked: checked.checked, release: checked.release, bad })
    }

    /// Completes a report about the archive. After a rejection, its volumes are read once more, to say which of them
    /// to carry again.
    pub(crate) fn complete(&self, report: &mut BundleReport, context: &Context) -> Result<()> {
        let state = self.state();
        let input = state.reader.input().get_ref();
        report.archive = Some(ArchiveReport { volumes: input.volumes_read(), offset: state.offset });
        let is_rejection = |failure: &Failure| failure.class() == Class::Rejected;
        let Some(volumes) = input.volumes().filter(|_| report.error.as_ref().is_some_and(is_rejection))
        else {
            return Ok(());
        };
        let bar = context.printer.progress("compare volumes");
        let hint = volume_check::hint(volumes, &context.work(bar.progress()));
        bar.finish();
        if let Some(hint) = hint? {
            report.error = report.error.take().map(|failure| failure.better_hint(hint));
        }
        Ok(())
    }

    fn read<T>(&self, read: impl FnOnce(&mut ArchiveReader, &str) -> Result<T, ArchiveFailure>) -> Result<T> {
        let mut state = self.state();
        read(&mut state.reader, &self.top()).map_err(|ArchiveFailure { failure, offset }| {
            state.offset = offset;
            failure
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
