//! Where the bytes of an archive come from: a file, volumes that are opened one after the other, or standard input.
//! Only regular files are opened.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use camino::Utf8Path;
use rustix::io::Errno;

use super::rooted_dir::RootedDir;
use super::{MANIFEST, cannot};
use crate::archive::header::{self, MAX_HEADER};
use crate::archive::reader::{BadArchive, Problem};
use crate::archive::volume::{self, MAX_VOLUMES};
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::show;
use crate::small_file::{self, Links};

/// The bytes of an archive, in order.
#[derive(Debug)]
pub(crate) struct ArchiveInput {
    bytes: Bytes,
    /// Ends the wait for standard input.
    pub(crate) interrupt: Interrupt,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Volumes(Volumes),
    StandardInput,
}

/// The volumes of an archive.
#[derive(Debug)]
pub(crate) struct Volumes {
    /// Their directory.
    pub(crate) directory: RootedDir,
    /// The name of the archive, without a number.
    pub(crate) name: String,
    /// The one that is being read.
    file: File,
    number: u32,
    /// How many bytes of it were read, and of those before it.
    read: u64,
    read_before: u64,
}

/// Whether the file begins like an archive of aicr.
pub(crate) fn is_archive(file: &File) -> io::Result<bool> {
    let mut head = [0; MAX_HEADER];
    let mut length = 0;
    while length < head.len() {
        match file.read_at(&mut head[length..], length as u64) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(header::begins_with(&head[..length], MANIFEST))
}

impl ArchiveInput {
    /// Opens the archive at `path`, or its first volume; `None` if it is not an archive of aicr. What is not a regular
    /// file, or a later volume, is exit 2.
    pub(crate) fn open(path: &Utf8Path, interrupt: &Interrupt) -> Result<Option<Self>> {
        let shown = show(path.as_str());
        let (directory, name) =
            (path.parent().unwrap_or(Utf8Path::new("")), path.file_name().unwrap_or_default());
        let part = volume::parse(name);
        if let Some((archive, 2..)) = part {
            let first = directory.join(volume::volume(archive, 1));
            return Err(Failure::usage(format!("{shown} is not the first volume"))
                .hint(format!("give the first one: {}", show(first.as_str()))));
        }
        let file =
            small_file::open(path, Links::Follow).map_err(|why| Failure::usage(format!("{shown} {why}")))?;
        if !is_archive(&file).map_err(|error| cannot("read", &shown, &error))? {
            return Ok(None);
        }
        let bytes = match part {
            None => Bytes::File(file),
            Some((archive, _)) => Bytes::Volumes(Volumes {
                directory: RootedDir::open(directory)?,
                name: archive.to_owned(),
                file,
                number: 1,
                read: 0,
                read_before: 0,
            }),
        };
        Ok(Some(Self { bytes, interrupt: interrupt.clone() }))
    }

    /// Standard input.
    pub(crate) fn standard_input(interrupt: &Interrupt) -> Self {
        Self { bytes: Bytes::StandardInput, interrupt: interrupt.clone() }
    }

    /// How many bytes there are; `None` if only the end will tell.
    pub(crate) fn size(&self) -> Option<u64> {
        match &self.bytes {
            Bytes::File(file) => Some(file.metadata().ok()?.len()),
            Bytes::Volumes(volumes) => Some(volumes.size()),
            Bytes::StandardInput => None,
        }
    }

    /// The volumes, if it has any.
    pub(crate) fn volumes(&self) -> Option<&Volumes> {
        match &self.bytes {
            Bytes::Volumes(volumes) => Some(volumes),
            Bytes::File(_) | Bytes::StandardInput => None,
        }
    }

    /// How many volumes were read.
    pub(crate) fn volumes_read(&self) -> u64 {
        self.volumes().map_or(1, |volumes| u64::from(volumes.number))
    }
}

impl Volumes {
    /// The volume with this number, if it is a regular file.
    pub(crate) fn open(&self, number: u32) -> Option<File> {
        let name = volume::volume(&self.name, number);
        Some(self.directory.file(name.as_bytes()).ok()?.file)
    }

    /// The first volume after this one that is a regular file.
    fn next_after(&self, number: u32) -> Option<u32> {
        (number + 1..=MAX_VOLUMES).find(|number| self.open(*number).is_some())
    }

    fn size(&self) -> u64 {
        let size = |number| Some(self.open(number)?.metadata().ok()?.len());
        (1..=MAX_VOLUMES).map_while(size).fold(0, u64::saturating_add)
    }

    /// What the volumes show about the end of an archive that was read without an error, or was `bad`.
    pub(crate) fn diagnose(&self, bad: Option<BadArchive>) -> Option<BadArchive> {
        let name = |number| volume::volume(&self.name, number);
        let about = |offset, problem, due| Some(BadArchive { offset, problem, due });
        let end = self.read_before + self.read;
        match bad {
            Some(BadArchive { offset, problem: Problem::CutOff, due }) => {
                if self.read == 0 {
                    return about(offset, Problem::EmptyVolume(name(self.number)), due);
                }
                let problem = match self.next_after(self.number) {
                    Some(_) => Problem::MissingVolume(name(self.number + 1)),
                    None => Problem::CutOff,
                };
                about(offset, problem, due)
            }
            Some(BadArchive { offset, problem: Problem::Trailing, due }) if offset == self.read_before => {
                about(offset, Problem::VolumeBeyondEnd(name(self.number)), due)
            }
            None if self.read == 0 => about(end, Problem::VolumeBeyondEnd(name(self.number)), String::new()),
            None => {
                let beyond = self.next_after(self.number)?;
                about(end, Problem::VolumeBeyondEnd(name(beyond)), String::new())
            }
            bad => bad,
        }
    }

    /// Goes on with the next volume, if it is there.
    fn advance(&mut self) -> bool {
        // An empty volume is the last that is read.
        if self.read == 0 || self.number == MAX_VOLUMES {
            return false;
        }
        let Some(file) = self.open(self.number + 1) else { return false };
        self.number += 1;
        self.file = file;
        self.read_before += std::mem::take(&mut self.read);
        true
    }
}

impl Read for ArchiveInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.bytes {
            Bytes::File(file) => file.read(buffer),
            Bytes::StandardInput => {
                let stdin = rustix::stdio::stdin();
                loop {
                    // The caller asks for the signal itself.
                    self.interrupt.wait_for_input(stdin).map_err(|_| io::Error::other("interrupted"))?;
                    match rustix::io::read(stdin, &mut *buffer) {
                        Err(Errno::INTR | Errno::AGAIN) => {}
                        read => return Ok(read?),
                    }
                }
            }
            Bytes::Volumes(volumes) => loop {
                let count = volumes.file.read(buffer)?;
                volumes.read += count as u64;
                if count > 0 || !volumes.advance() {
                    return Ok(count);
                }
            },
        }
    }
}
