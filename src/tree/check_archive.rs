//! Compares an archive with a manifest while it is read, once and in order, and copies its files. Whether the manifest
//! is trusted is decided elsewhere.
//!
//! The order of an archive: the manifest, the signatures, `release.json`, then the other files in the order of the
//! manifest. Each header must be the one that `aicr pack` writes for the next name. Anything else ends the reading; a
//! file with another content does not.

use std::io::{BufReader, Write as _};
use std::sync::PoisonError;

use super::archive_input::ArchiveInput;
use super::audit::{Finding, FindingKind, Findings};
use super::check::{Checked, executable_warning, totals};
use super::copies::Copies;
use super::manifest::{self, Manifest};
use super::pending_copy::PendingCopy;
use super::signature_files::{MAX_SIGNATURES, is_further_signature};
use super::{MANIFEST, SIGNATURE, Work, cannot};
use crate::archive::header::Properties;
use crate::archive::reader::{BadArchive, Problem, ReadError, Reader};
use crate::digest::{BUFFER, HashingWriter, Sha256Digest};
use crate::error::{Failure, Result};
use crate::release::{self, RELEASE, Release};

/// An archive that is read.
pub(crate) type ArchiveReader = Reader<BufReader<ArchiveInput>>;

/// The files of an archive, compared with its manifest.
#[derive(Debug)]
pub(crate) struct ArchiveChecked {
    pub(crate) checked: Checked,
    /// Why it was not read to its end.
    pub(crate) bad: Option<BadArchive>,
    /// The release that it says it is.
    pub(crate) release: Option<Release>,
}

/// Begins to read an archive.
pub(crate) fn open(input: ArchiveInput) -> ArchiveReader {
    Reader::new(BufReader::with_capacity(BUFFER, input))
}

/// The failure to read an archive.
#[derive(Debug)]
pub(crate) struct ArchiveFailure {
    pub(crate) failure: Failure,
    /// Where it is bad, if it is.
    pub(crate) offset: Option<u64>,
}

impl From<Failure> for ArchiveFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, offset: None }
    }
}

/// Reads the manifest, which comes first. `top` is the archive, ready to print.
pub(crate) fn manifest_text(reader: &mut ArchiveReader, top: &str) -> Result<Vec<u8>, ArchiveFailure> {
    let read = |reader: &mut ArchiveReader| {
        let size = reader.accept_plain(MANIFEST)?.size;
        reader.small_content(MANIFEST, size, manifest::MAX_BYTES)
    };
    read(reader).map_err(|error| failure(error, reader.input().get_ref(), top))
}

/// Reads the signatures, which come next: their paths and contents, by name. `limit` is the largest that is read. More
/// than a bundle may have are not kept, but one more, so that the caller sees that there are too many.
pub(crate) fn signature_files(
    reader: &mut ArchiveReader,
    top: &str,
    limit: u64,
) -> Result<Vec<(String, Vec<u8>)>, ArchiveFailure> {
    let read = |reader: &mut ArchiveReader| {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        let mut last = String::new();
        while let Some(path) = reader.next_name(SIGNATURE)?.filter(|path| is_signature(path) && *path > last)
        {
            let size = reader.accept_plain(&path)?.size;
            let content = reader.small_content(&path, size, limit)?;
            if files.len() <= MAX_SIGNATURES {
                files.push((path.clone(), content));
            }
            last = path;
        }
        Ok(files)
    };
    read(reader).map_err(|error| failure(error, reader.input().get_ref(), top))
}

fn is_signature(path: &str) -> bool {
    path == SIGNATURE || is_further_signature(path.as_bytes())
}

/// The failure for an archive that cannot be read: a rejection, unless its medium cannot be read.
fn failure(error: ReadError, input: &ArchiveInput, top: &str) -> ArchiveFailure {
    if let Err(failure) = input.interrupt.check() {
        return failure.into();
    }
    match error {
        ReadError::Bad(bad) => {
            let bad = match input.volumes() {
                Some(volumes) => volumes.diagnose(Some(bad.clone())).unwrap_or(bad),
                None => bad,
            };
            ArchiveFailure { failure: rejection(&bad, top), offset: Some(bad.offset) }
        }
        ReadError::Read(error) => cannot("read", top, &error).into(),
        ReadError::Stopped(failure) => failure.into(),
    }
}

/// The rejection of an archive that `aicr pack` did not write, or that was damaged since.
pub(crate) fn rejection(bad: &BadArchive, top: &str) -> Failure {
    Failure::rejected(format!("{top} is not as `aicr pack` wrote it: {bad}"))
}

/// What is checked, and against what.
pub(crate) struct Check<'a> {
    pub(crate) manifest: &'a Manifest<'a>,
    /// Whether no more is read than a `release.json` says.
    pub(crate) is_bounded: bool,
    /// Where the files are copied to.
    pub(crate) copy: Option<&'a PendingCopy<'a>>,
    /// The archive, ready to print.
    pub(crate) top: &'a str,
    pub(crate) work: Work<'a>,
}

/// The `release.json` of an archive, which comes before the other files.
struct First {
    line: usize,
    properties: Properties,
    /// `None` if it is so large that it is a file like the others, and was not read yet.
    content: Option<Vec<u8>>,
}

impl Check<'_> {
    /// Reads the files, which come last, to the end of the archive. `expect` may reject the release, before any
    /// payload is read.
    pub(crate) fn run(
        &self,
        reader: &mut ArchiveReader,
        expect: impl FnOnce(Option<&Release>) -> Result<()>,
    ) -> Result<ArchiveChecked, ArchiveFailure> {
        let (first, mut ended) = match self.first(reader) {
            Ok(first) => (first, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let release = first.as_ref().filter(|_| self.is_bounded).and_then(|first| self.release(first));
        let mut files = Files::new(self, release.as_ref());
        if ended.is_ok() {
            expect(release.as_ref())?;
            let size = reader.input().get_ref().size();
            files
                .expect(size.or_else(|| release.as_ref().map(|release| release.bytes)).unwrap_or_default())?;
            ended = files.read(reader, first.as_ref());
        }
        let bad = match ended {
            Ok(()) => None,
            Err(ReadError::Bad(bad)) => Some(bad),
            Err(error) => return Err(failure(error, reader.input().get_ref(), self.top)),
        };
        let bad = match reader.input().get_ref().volumes() {
            // Whatever comes after the files is of no interest if they are more than signed.
            Some(volumes) if !files.is_more_than_signed => volumes.diagnose(bad),
            _ => bad,
        };
        Ok(ArchiveChecked { checked: files.conclude(bad.as_ref()), bad, release })
    }

    /// Reads the `release.json` alone; the release that the archive says it is.
    pub(crate) fn release_alone(
        &self,
        reader: &mut ArchiveReader,
    ) -> Result<Option<Release>, ArchiveFailure> {
        match self.first(reader) {
            Ok(first) => Ok(first.and_then(|first| self.release(&first))),
            Err(error) => Err(failure(error, reader.input().get_ref(), self.top)),
        }
    }

    /// Reads the header of the `release.json`, if one is listed, and its content unless it is large.
    fn first(&self, reader: &mut ArchiveReader) -> Result<Option<First>, ReadError> {
        let Some(line) = self.manifest.find(RELEASE.as_bytes()) else { return Ok(None) };
        let properties = reader.accept_plain(RELEASE)?;
        let size = properties.size;
        let content = match size {
            0..=release::SIZE_LIMIT => Some(reader.small_content(RELEASE, size, size)?),
            _ => None,
        };
        Ok(Some(First { line, properties, content }))
    }

    /// Whether an entry comes before the one that is due, or before the end.
    fn comes_before(&self, name: &str, due: &str) -> bool {
        let is_listed = self.manifest.find(name.as_bytes()).is_some();
        name == MANIFEST || is_listed && (due.is_empty() || name == RELEASE || due != RELEASE && name < due)
    }

    /// The release that the archive says it is, if its `release.json` is the listed one.
    fn release(&self, first: &First) -> Option<Release> {
        let content = first.content.as_ref()?;
        let is_listed = Sha256Digest::of(content) == self.manifest.entry(first.line).digest;
        is_listed.then(|| Release::parse(content)).flatten()
    }
}

/// The files that were read so far.
struct Files<'a> {
    check: &'a Check<'a>,
    release: Option<&'a Release>,
    /// `None` from the first wrong file on.
    copies: Option<Copies<'a>>,
    findings: Findings,
    /// How many bytes they have, with those that the next one should have.
    size: u64,
    /// How many bytes were read of files that are complete.
    bytes: u64,
    is_more_than_signed: bool,
    executable: u64,
}

impl<'a> Files<'a> {
    fn new(check: &'a Check<'a>, release: Option<&'a Release>) -> Self {
        let findings = Findings::default();
        Self {
            check,
            release,
            copies: None,
            findings,
            size: 0,
            bytes: 0,
            is_more_than_signed: false,
            executable: 0,
        }
    }

    /// Gets ready for this many bytes.
    fn expect(&mut self, bytes: u64) -> Result<()> {
        self.check.work.progress.expect(bytes);
        let begin = |copy: &'a PendingCopy<'a>| copy.begin_files(self.check.manifest, bytes);
        self.copies = self.check.copy.map(begin).transpose()?;
        Ok(())
    }

    /// Reads all files, and the end of the archive.
    fn read(&mut self, reader: &mut ArchiveReader, first: Option<&First>) -> Result<(), ReadError> {
        let manifest = self.check.manifest;
        if let Some(First { line, properties, content }) = first {
            match content {
                Some(content) => {
                    self.file(*line, *properties, |each| each(content).map_err(ReadError::Stopped))?;
                }
                None => self.content(reader, *line, *properties)?,
            }
        }
        let first = first.map(|first| first.line);
        for line in (0..manifest.len()).filter(|line| Some(*line) != first) {
            self.check.work.interrupt.check().map_err(ReadError::Stopped)?;
            if self.is_more_than_signed {
                return Ok(());
            }
            let properties = reader.accept(manifest.name(line))?;
            self.content(reader, line, properties)?;
        }
        if self.is_more_than_signed { Ok(()) } else { reader.finish() }
    }

    fn content(
        &mut self,
        reader: &mut ArchiveReader,
        line: usize,
        properties: Properties,
    ) -> Result<(), ReadError> {
        let name = self.check.manifest.name(line);
        self.file(line, properties, |each| reader.content(name, properties.size, each))
    }

    /// Compares the file in a line with its digest, and copies it; `read` calls its argument with the pieces.
    fn file(
        &mut self,
        line: usize,
        properties: Properties,
        read: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Properties { size, is_executable, modified: _ } = properties;
        let work = &self.check.work;
        let entry = self.check.manifest.entry(line);
        let name = entry.name.as_bytes();
        self.size = self.size.saturating_add(size);
        if self.release.is_some_and(|release| is_more(release, self.check.manifest.len(), self.size)) {
            self.is_more_than_signed = true;
            return Ok(());
        }
        self.executable += u64::from(is_executable);
        let copy = self.copies.as_ref().map(|copies| copies.begin_unpacked(name, is_executable)).transpose();
        let copy = copy.map_err(ReadError::Stopped)?;
        let copies = self.copies.as_ref();
        let cannot_write = |error| match copies {
            Some(copies) => copies.cannot_write(name, &error),
            None => cannot("write", self.check.top, &error),
        };
        let mut hasher = HashingWriter::new(std::io::sink());
        read(&mut |piece| {
            work.interrupt.check()?;
            hasher.write_all(piece).map_err(cannot_write)?;
            work.progress.read(piece.len());
            copy.as_ref().map_or(Ok(()), |copy| copy.write(piece)).map_err(cannot_write)
        })?;
        work.progress.file_done();
        self.bytes += size;
        let digest = hasher.finish().map_err(|error| ReadError::Stopped(cannot_write(error)))?;
        if let (Some(copy), Some(pending)) = (&copy, self.check.copy) {
            let file = copy.finish_unpacked().map_err(|error| ReadError::Stopped(cannot_write(error)))?;
            pending.record().lock().unwrap_or_else(PoisonError::into_inner)[line] = file;
        }
        drop(copy);
        if digest != entry.digest {
            self.copies = None;
            let finding = Finding { found: Some(digest), ..Finding::new(FindingKind::Changed, entry.name) };
            self.findings.insert(finding);
        }
        Ok(())
    }

    /// What was found, if the archive was read to its end or to where it is bad.
    fn conclude(mut self, bad: Option<&BadArchive>) -> Checked {
        let lines = self.check.manifest.len();
        if let Some(bad) = bad {
            let (kind, path) = match &bad.problem {
                Problem::Another(name) if self.check.comes_before(name, &bad.due) => {
                    (FindingKind::DuplicateEntry, name)
                }
                _ => (FindingKind::BadArchive, &bad.due),
            };
            let path = if path.is_empty() { self.check.top } else { path };
            self.findings.insert(Finding { reason: Some(bad.to_string()), ..Finding::new(kind, path) });
        } else if let Some(difference) =
            self.release.and_then(|release| totals::difference(release, lines, self.size))
        {
            self.findings.insert(difference);
        }
        let warnings = match self.executable {
            count if count == 0 || self.check.copy.is_none() => Vec::new(),
            count => vec![executable_warning(self.check.top, count)],
        };
        Checked { findings: self.findings, warnings, files: lines as u64, bytes: self.bytes }
    }
}

/// Whether an archive has more files or bytes than its release says.
fn is_more(release: &Release, lines: usize, size: u64) -> bool {
    totals::difference(release, lines, size).is_some_and(|found| found.kind == FindingKind::MoreThanSigned)
}
