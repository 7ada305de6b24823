//! An archive that is being written, as one file or as volumes. It stays in a private staging directory next to its
//! place until it is complete and on the disk.

use std::fs::File;
use std::io::{self, Write};

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::archive_target::ArchiveTarget;
use super::publish::sync;
use super::staging::Staging;
use super::write_back::WriteBack;
use crate::archive::volume::{self, MAX_VOLUMES};
use crate::digest::{HashingWriter, Sha256Digest};
use crate::error::{Failure, Result};
use crate::printable::show;

/// A new archive. It is removed when the value is dropped.
pub(crate) struct PendingArchive<'a> {
    target: &'a ArchiveTarget,
    staging: Staging,
    write_back: WriteBack,
    /// The maximum size of a volume.
    volume_size: u64,
    current: Option<Volume>,
    /// The digests of the volumes that are complete; of a single file, there is none.
    digests: Vec<Sha256Digest>,
    names: Vec<String>,
}

/// The volume that is being written.
struct Volume {
    file: Output,
    written: u64,
}

enum Output {
    Single(File),
    Hashed(HashingWriter<File>),
}

impl<'a> PendingArchive<'a> {
    /// An empty archive. `volume_size` is the maximum size of a volume; `None` for a single file.
    pub(crate) fn begin(target: &'a ArchiveTarget, volume_size: Option<u64>) -> Result<Self> {
        let staging = Staging::for_file(target.parent(), target.name(), &show(target.path().as_str()))?;
        let write_back = WriteBack::of(staging.staging_dir())?;
        let volume_size = volume_size.unwrap_or(u64::MAX);
        Ok(Self {
            target,
            staging,
            write_back,
            volume_size,
            current: None,
            digests: Vec::new(),
            names: Vec::new(),
        })
    }

    /// Moves the complete archive into place, and returns how many volumes it has.
    pub(crate) fn publish(mut self) -> Result<u64> {
        self.end_volume().map_err(|error| self.target.cannot_write(&error))?;
        if self.target.has_volumes() {
            let name = volume::checksums(self.target.name());
            let text = volume::render(self.target.name(), &self.digests);
            let mut file = self.staging.file(&staged(self.names.len()))?;
            let written = file.write_all(text.as_bytes()).and_then(|()| self.write_back.complete_file(&file));
            written.map_err(|error| self.target.cannot_write(&error))?;
            self.names.push(name);
        }
        let Self { target, staging, write_back, names, digests, .. } = self;
        let failed = |error: io::Error| target.cannot_write(&error);
        write_back.finish().map_err(failed)?;
        target.remove_old()?;
        for (place, name) in names.iter().enumerate() {
            if let Err(errno) = move_in(&staging, place, name) {
                for moved in &names[..place] {
                    // The first error is reported, not one from here.
                    let _ = rustix::fs::unlinkat(&staging.parent, moved.as_str(), AtFlags::empty());
                }
                return Err(match errno {
                    Errno::EXIST => Failure::usage(format!(
                        "{} was created by another program during this run",
                        target.shown()
                    )),
                    errno => failed(errno.into()),
                });
            }
        }
        sync(&staging.parent).map_err(failed)?;
        Ok(if target.has_volumes() { digests.len() as u64 } else { 1 })
    }

    fn begin_volume(&mut self) -> io::Result<()> {
        let number = u32::try_from(self.names.len() + 1).unwrap_or(u32::MAX);
        if number > MAX_VOLUMES {
            return Err(io::Error::other("more than 999 volumes"));
        }
        let has_volumes = self.target.has_volumes();
        let name = if has_volumes {
            volume::volume(self.target.name(), number)
        } else {
            self.target.name().to_owned()
        };
        let file = self.staging.create_file(&staged(self.names.len()))?;
        let file = if has_volumes { Output::Hashed(HashingWriter::new(file)) } else { Output::Single(file) };
        self.names.push(name);
        self.current = Some(Volume { file, written: 0 });
        Ok(())
    }

    fn end_volume(&mut self) -> io::Result<()> {
        let file = match self.current.take() {
            None => return Ok(()),
            Some(Volume { file: Output::Single(file), .. }) => file,
            Some(Volume { file: Output::Hashed(file), .. }) => {
                let (file, digest) = file.into_parts()?;
                self.digests.push(digest);
                file
            }
        };
        self.write_back.complete_file(&file)
    }
}

impl Write for PendingArchive<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.current.as_ref().is_some_and(|volume| volume.written == self.volume_size) {
            self.end_volume()?;
        }
        if self.current.is_none() {
            self.begin_volume()?;
        }
        let Some(Volume { file, written }) = &mut self.current else { return Ok(0) };
        let space = usize::try_from(self.volume_size - *written).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(space)];
        let count = match file {
            Output::Single(file) => file.write(bytes),
            Output::Hashed(file) => file.write(bytes),
        }?;
        *written += count as u64;
        self.write_back.count_written(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name of a file of the archive in the staging directory, which has other files too.
fn staged(place: usize) -> String {
    format!("archive-{place}")
}

/// Moves a file into place, where no file of its name may be.
fn move_in(staging: &Staging, place: usize, name: &str) -> Result<(), Errno> {
    let (dir, staged) = (staging.staging_dir(), staged(place));
    match rustix::fs::renameat_with(dir, &staged, &staging.parent, name, RenameFlags::NOREPLACE) {
        // Some file systems cannot do that. The target was checked a moment ago.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::renameat(dir, &staged, &staging.parent, name)
        }
        moved => moved,
    }
}
