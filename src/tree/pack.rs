//! Packs a bundle: reads its files in the order of the archive, once, and compares their digests with the manifest while
//! they are written.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write};

use hasher::{Pieces, with_hasher};

use super::manifest::Manifest;
use super::rooted_dir::{OpenError, RootedDir, size};
use super::{MANIFEST, Work, cannot};
use crate::archive::header::Properties;
use crate::archive::writer::{self, Writer};
use crate::digest::BUFFER;
use crate::error::Result;
use crate::release::RELEASE;
use crate::system_error::is_exhaustion;

mod hasher;

/// What goes into an archive, in its order.
pub(crate) struct Contents<'a> {
    bundle: &'a RootedDir,
    manifest: &'a Manifest<'a>,
    /// The manifest and the signatures.
    own_files: Vec<OwnFile<'a>>,
    /// Lines of the manifest, and what is known of their files.
    files: Vec<(usize, Properties)>,
}

/// A file that is not payload, and was read already.
struct OwnFile<'a> {
    path: &'a str,
    content: &'a [u8],
    properties: Properties,
}

/// Why a bundle was not packed.
pub(crate) enum PackError {
    /// A file is not as its manifest says.
    Wrong,
    /// The archive cannot be written.
    Write(io::Error),
    Failed(crate::error::Failure),
}

impl From<crate::error::Failure> for PackError {
    fn from(failure: crate::error::Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Contents<'a> {
    /// Looks at the files of a bundle. The signatures have their paths and contents; they are sorted here.
    pub(crate) fn new(
        bundle: &'a RootedDir,
        manifest: &'a Manifest<'a>,
        signatures: &'a [(String, Vec<u8>)],
        work: &Work<'_>,
    ) -> Result<Self> {
        let look = |path: &str| {
            bundle
                .stat(path.as_bytes())
                .map_err(|error| cannot("access", bundle.show(path.as_bytes()), &error))
        };
        let own_file = |path: &'a str, content: &'a [u8]| {
            let (size, modified) = (content.len() as u64, look(path)?.st_mtime);
            Ok(OwnFile { path, content, properties: Properties { size, modified, is_executable: false } })
        };
        let mut own_files: Vec<_> = signatures
            .iter()
            .map(|(path, content)| own_file(path, content))
            .chain([own_file(MANIFEST, manifest.text())])
            .collect::<Result<_>>()?;
        // The manifest is the first.
        own_files.sort_by_key(|file| (file.path != MANIFEST, file.path));
        let release = manifest.find(RELEASE.as_bytes());
        let others = (0..manifest.len()).filter(|line| Some(*line) != release);
        let mut files = Vec::with_capacity(manifest.len());
        for line in release.into_iter().chain(others) {
            work.interrupt.check()?;
            let stat = look(manifest.name(line))?;
            let is_executable = stat.st_mode & 0o100 != 0 && Some(line) != release;
            files.push((line, Properties { size: size(&stat), modified: stat.st_mtime, is_executable }));
        }
        Ok(Self { bundle, manifest, own_files, files })
    }

    /// How many bytes the archive has.
    pub(crate) fn length(&self) -> u64 {
        let own_files = self.own_files.iter().map(|file| (file.path, file.properties));
        let files = self.files.iter().map(|(line, properties)| (self.manifest.name(*line), *properties));
        writer::length(own_files.chain(files))
    }

    /// How many bytes of payload there are.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, properties)| properties.size).sum()
    }

    /// Writes the archive.
    pub(crate) fn write<W: Write>(&self, out: W, work: &Work<'_>) -> Result<W, PackError> {
        work.progress.expect(self.bytes());
        let mut writer = Writer::new(BufWriter::with_capacity(BUFFER, out));
        let write_own = |writer: &mut Writer<BufWriter<W>>| {
            for OwnFile { path, content, properties } in &self.own_files {
                writer.begin(path, *properties)?;
                writer.write(content)?;
                writer.end(properties.size)?;
            }
            Ok(())
        };
        write_own(&mut writer).map_err(PackError::Write)?;
        let (written, digests) = with_hasher(|pieces| {
            self.files.iter().try_for_each(|(line, properties)| {
                work.interrupt.check()?;
                self.write_file(self.manifest.name(*line), *properties, &mut writer, pieces, work)
            })
        });
        written?;
        let listed = self.files.iter().map(|(line, _)| self.manifest.entry(*line).digest);
        if !listed.eq(digests) {
            return Err(PackError::Wrong);
        }
        let out = writer.finish().map_err(PackError::Write)?;
        out.into_inner().map_err(|error| PackError::Write(error.into_error()))
    }

    fn write_file<W: Write>(
        &self,
        name: &str,
        properties: Properties,
        writer: &mut Writer<W>,
        pieces: &mut Pieces,
        work: &Work<'_>,
    ) -> Result<(), PackError> {
        let shown = || self.bundle.show(name.as_bytes());
        let opened = match self.bundle.file(name.as_bytes()) {
            Ok(opened) if opened.size() == properties.size => opened,
            Err(OpenError::System(error)) if is_exhaustion(&error) => {
                return Err(cannot("read", shown(), &error).into());
            }
            Ok(_) | Err(_) => return Err(PackError::Wrong),
        };
        writer.begin(name, properties).map_err(PackError::Write)?;
        let mut left = properties.size;
        while left > 0 {
            work.interrupt.check()?;
            let space = pieces.space(left);
            let count = match fill(&opened.file, space) {
                Ok(count) => count,
                Err(error) if is_exhaustion(&error) => return Err(cannot("read", shown(), &error).into()),
                Err(_) => return Err(PackError::Wrong),
            };
            if count < space.len() {
                return Err(PackError::Wrong);
            }
            writer.write(space).map_err(PackError::Write)?;
            pieces.fill(count);
            work.progress.read(count);
            left -= count as u64;
        }
        writer.end(properties.size).map_err(PackError::Write)?;
        pieces.end_file();
        work.progress.file_done();
        Ok(())
    }
}

/// Fills the buffer, as far as the file goes.
fn fill(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
