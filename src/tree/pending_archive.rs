//! An archive that is being written, as one file or as volumes. It stays in a private staging directory next to its
//! place until it is complete and on the disk.

use std::fs::File;
use std::io::{self, Sink, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::archive_target::ArchiveTarget;
use super::publish::sync;
use super::staging::Staging;
use super::write_back::sync_file;
use crate::archive::volume::{self, MAX_VOLUMES};
use crate::digest::{HashingWriter, Sha256Digest};
use crate::error::{Failure, Result};
use crate::printable::show;

/// A new archive. It is removed when the value is dropped.
pub(crate) struct PendingArchive<'a> {
    target: &'a ArchiveTarget,
    staging: Staging,
    /// Once so much was written that a sync can be under way.
    syncing: Option<Syncing>,
    /// The maximum size of a volume.
    volume_size: u64,
    current: Option<Volume>,
    /// The digests of the volumes that are complete; of a single file, there is none.
    digests: Vec<Sha256Digest>,
    names: Vec<String>,
}

/// The volume that is being written.
struct Volume {
    file: File,
    /// Of a single file, no checksum is written.
    hasher: Option<HashingWriter<Sink>>,
    written: u64,
}

/// A sync starts in the background each time this many bytes of a file have been written.
const SYNC_EVERY: u64 = 64 << 20;

/// A thread that syncs files while more is written to them, and keeps the first error.
struct Syncing {
    wake: SyncSender<File>,
    thread: JoinHandle<rustix::io::Result<()>>,
}

impl Syncing {
    fn start() -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let sync = move || woken.into_iter().try_for_each(|file: File| sync_file(file));
        Ok(Self { wake, thread: thread::Builder::new().spawn(sync)? })
    }

    fn finish(self) -> io::Result<()> {
        let Self { wake, thread } = self;
        drop(wake);
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }
}

impl<'a> PendingArchive<'a> {
    /// An empty archive. `volume_size` is the maximum size of a volume; `None` for a single file.
    pub(crate) fn begin(target: &'a ArchiveTarget, volume_size: Option<u64>) -> Result<Self> {
        let staging = Staging::for_file(target.parent(), target.name(), &show(target.path().as_str()))?;
        let volume_size = volume_size.unwrap_or(u64::MAX);
        Ok(Self {
            target,
            staging,
            syncing: None,
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
            let written = file.write_all(text.as_bytes()).and_then(|()| Ok(sync_file(&file)?));
            written.map_err(|error| self.target.cannot_write(&error))?;
            self.names.push(name);
        }
        let Self { target, staging, syncing, names, digests, .. } = self;
        let failed = |error: io::Error| target.cannot_write(&error);
        syncing.map_or(Ok(()), Syncing::finish).map_err(failed)?;
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
        let hasher = has_volumes.then(|| HashingWriter::new(io::sink()));
        self.names.push(name);
        self.current = Some(Volume { file, hasher, written: 0 });
        Ok(())
    }

    fn end_volume(&mut self) -> io::Result<()> {
        let Some(Volume { file, hasher, .. }) = self.current.take() else { return Ok(()) };
        self.digests.extend(hasher.map(HashingWriter::finish).transpose()?);
        Ok(sync_file(&file)?)
    }

    /// Starts to sync a file while more is written to it.
    fn start_sync(&mut self) -> io::Result<()> {
        if self.syncing.is_none() {
            // Without a thread, the file is synced at its end.
            self.syncing = Syncing::start().ok();
        }
        if let (Some(syncing), Some(volume)) = (&self.syncing, &self.current) {
            // Fails if a sync is waiting already, or if one has failed.
            let _ = syncing.wake.try_send(volume.file.try_clone()?);
        }
        Ok(())
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
        let Some(Volume { file, hasher, written }) = &mut self.current else { return Ok(0) };
        let space = usize::try_from(self.volume_size - *written).unwrap_or(usize::MAX);
        let count = file.write(&bytes[..bytes.len().min(space)])?;
        if let Some(hasher) = hasher {
            hasher.write_all(&bytes[..count])?;
        }
        let before = *written;
        *written += count as u64;
        if before / SYNC_EVERY != *written / SYNC_EVERY {
            self.start_sync()?;
        }
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
