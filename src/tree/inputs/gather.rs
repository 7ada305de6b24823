//! Walks the inputs and sorts out what may not go in. One refusal is kept: the first in byte order.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Stat};

use super::super::INSIDE;
use super::super::exclude::{Exclude, flag_for};
use super::super::name::{EntryName, NameError};
use super::super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir, size};
use super::super::{ATTESTATION, MANIFEST, MAX_ENTRIES, SIGNATURE, cannot};
use super::{SourceFile, Tally, place_of};
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::{is_hidden, show};

/// What has been seen so far.
pub(super) struct Gathering<'a> {
    in_place: bool,
    exclude: &'a Exclude,
    interrupt: &'a Interrupt,
    /// Files named on the command line share the root of their directory: there may be more of them
    /// than descriptors.
    places: HashMap<Utf8PathBuf, u32>,
    pub(super) roots: Vec<RootedDir>,
    pub(super) files: Vec<SourceFile>,
    pub(super) refused: Option<(String, Failure)>,
    pub(super) empty_directories: Tally,
    pub(super) has_manifest: bool,
}

/// What becomes of an entry.
enum Admission {
    Take(EntryName, Stat),
    Enter,
    LeaveOut,
    Refuse(Failure),
}

impl<'a> Gathering<'a> {
    pub(super) fn new(in_place: bool, exclude: &'a Exclude, interrupt: &'a Interrupt) -> Self {
        Self {
            in_place,
            exclude,
            interrupt,
            places: HashMap::new(),
            roots: Vec::new(),
            files: Vec::new(),
            refused: None,
            empty_directories: Tally::new(),
            has_manifest: false,
        }
    }

    /// Takes in what one INPUT contributes.
    pub(super) fn input(&mut self, input: &Utf8Path) -> Result<()> {
        let shown = show(input.as_str().as_bytes());
        let stat = match rustix::fs::statat(CWD, input.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => {
                let error = io::Error::from(errno);
                let failure = match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                        Failure::usage(format!("there is no input {}", quoted(&shown)))
                    }
                    _ => cannot("look at", &shown, &error),
                };
                self.refuse(shown, failure);
                return Ok(());
            }
        };
        // A link to a directory counts as one.
        let leads_to_one = || std::fs::metadata(input).is_ok_and(|metadata| metadata.is_dir());
        if FileKind::of(&stat) == FileKind::Directory
            || FileKind::of(&stat) == FileKind::Link && leads_to_one()
        {
            return self.directory(RootedDir::open(input)?);
        }
        let failure = match FileKind::of(&stat) {
            _ if self.in_place => {
                Failure::usage(format!("{shown} is not a directory, as `--in-place` needs"))
                    .hint("give the directory, or build a bundle with `--output`")
            }
            FileKind::Link => Failure::usage(format!("the input {shown} is a symbolic link"))
                .hint("give the file that it points to; only links to directories are followed"),
            FileKind::File => return self.file(input, &stat),
            kind => Failure::usage(format!("the input {shown} is {kind}, not a file or a directory")),
        };
        self.refuse(shown, failure);
        Ok(())
    }

    /// A file that was named itself.
    fn file(&mut self, input: &Utf8Path, stat: &Stat) -> Result<()> {
        let place = place_of(input);
        let root = match self.places.get(place) {
            Some(root) => *root,
            None => self.root(RootedDir::open(place)?),
        };
        self.places.insert(place.to_owned(), root);
        let name = input.file_name().unwrap_or_default();
        self.entry(root, name.as_bytes(), FileKind::File, Some(stat));
        Ok(())
    }

    fn root(&mut self, root: RootedDir) -> u32 {
        self.roots.push(root);
        // One for each argument at most.
        u32::try_from(self.roots.len() - 1).unwrap_or(u32::MAX)
    }

    /// Everything below a directory that was named.
    fn directory(&mut self, top: RootedDir) -> Result<()> {
        let root = self.root(top);
        let mut buffer = DirectoryBuffer::new();
        let mut waiting = vec![Vec::new()];
        while let Some(directory) = waiting.pop() {
            self.interrupt.check()?;
            let mut found = Vec::new();
            let listed = self.roots[root as usize].entries(&directory, &mut buffer, |open, name, kind| {
                let path =
                    if directory.is_empty() { name.to_vec() } else { [&directory, &b"/"[..], name].concat() };
                let look = || rustix::fs::statat(open, name, AtFlags::SYMLINK_NOFOLLOW);
                let stat = (kind == FileKind::File).then(look);
                found.push((path, kind, stat));
                // One more is enough to know that there are too many, whatever is left out of them.
                if found.len() > MAX_ENTRIES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if found.len() > MAX_ENTRIES {
                return Err(too_many());
            }
            if let Err(error) = listed {
                let shown = self.show(root, &directory);
                let failure = cannot("read", &shown, &error);
                self.refuse(shown, failure);
                continue;
            }
            if found.is_empty() && !directory.is_empty() {
                self.empty_directories.add(|| self.roots[root as usize].show(&directory));
            }
            for (path, kind, stat) in found {
                match stat.transpose() {
                    // It went away between two looks, and so is not there.
                    Err(rustix::io::Errno::NOENT) => {}
                    Err(errno) => {
                        let shown = self.show(root, &path);
                        let failure = cannot("look at", &shown, &errno.into());
                        self.refuse(shown, failure);
                    }
                    Ok(stat) => {
                        if self.entry(root, &path, kind, stat.as_ref()) {
                            waiting.push(path);
                        }
                    }
                }
            }
            if self.files.len() + waiting.len() > MAX_ENTRIES {
                return Err(too_many());
            }
        }
        Ok(())
    }

    /// Takes in or refuses one entry, of which a file brings its inode; says whether it is a directory to be entered.
    fn entry(&mut self, root: u32, path: &[u8], kind: FileKind, stat: Option<&Stat>) -> bool {
        let verdict = match self.ours(path, kind) {
            Some(verdict) => verdict,
            None if self.exclude.leaves_out(path, kind == FileKind::Directory) => {
                if self.in_place {
                    Admission::Refuse(excluded_in_place(&self.show(root, path)))
                } else {
                    Admission::LeaveOut
                }
            }
            None => self.judge(path, kind, stat, &|| self.show(root, path)),
        };
        match verdict {
            Admission::Enter => return true,
            Admission::LeaveOut => {}
            Admission::Refuse(failure) => self.refuse(self.show(root, path), failure),
            Admission::Take(name, stat) => self.files.push(SourceFile {
                name,
                root,
                executable: stat.st_mode & 0o100 != 0,
                inode: (stat.st_dev, stat.st_ino),
                size: size(&stat),
            }),
        }
        false
    }

    fn show(&self, root: u32, path: &[u8]) -> String {
        self.roots[root as usize].show(path)
    }

    /// In place: what an earlier run left, alive or killed.
    fn ours(&mut self, path: &[u8], kind: FileKind) -> Option<Admission> {
        if !self.in_place {
            return None;
        }
        let litter = [ATTESTATION.as_bytes(), b"/", INSIDE.as_bytes()].concat();
        match kind {
            FileKind::File if path == MANIFEST.as_bytes() => self.has_manifest = true,
            FileKind::File if path == SIGNATURE.as_bytes() => {}
            FileKind::Directory if path == ATTESTATION.as_bytes() => return Some(Admission::Enter),
            FileKind::Directory if path == litter => {}
            _ => return None,
        }
        Some(Admission::LeaveOut)
    }

    /// The rules for payload.
    fn judge(
        &self,
        path: &[u8],
        kind: FileKind,
        stat: Option<&Stat>,
        shown: &dyn Fn() -> String,
    ) -> Admission {
        let refuse = |message: String, otherwise: &str| {
            let way_out = match std::str::from_utf8(path) {
                // What cannot be typed, or seen, cannot be excluded by its name.
                Ok(path) if !path.contains(is_hidden) && self.in_place => format!(
                    "move it away, or build a copy without it: `--output` and `{}`{otherwise}",
                    flag_for(path)
                ),
                Ok(path) if !path.contains(is_hidden) => {
                    format!("leave it out with `{}`{otherwise}", flag_for(path))
                }
                _ => "rename it".to_owned(),
            };
            Admission::Refuse(Failure::usage(message).hint(way_out))
        };
        match (EntryName::new(path), kind, stat) {
            // Only the name of a file can be a line of the manifest.
            (Ok(_) | Err(NameError::Dash), FileKind::Directory, _) => Admission::Enter,
            (Err(error), ..) => refuse(format!("{} {error}", shown()), ", or rename it"),
            (Ok(_), FileKind::File, Some(stat)) if stat.st_mode & 0o6000 != 0 => refuse(
                format!("{} is set-user-ID or set-group-ID, which a bundle cannot carry", shown()),
                ", or take the bits away with `chmod ug-s`",
            ),
            (Ok(name), FileKind::File, Some(stat)) => Admission::Take(name, *stat),
            (Ok(_), FileKind::Link, _) => refuse(
                format!("{} is a symbolic link, and links are not followed", shown()),
                ", or put the file in its place",
            ),
            (Ok(_), kind, _) => refuse(format!("{} is {kind}, not a regular file", shown()), ""),
        }
    }

    /// Keeps the refusal that comes first in the order of the paths.
    fn refuse(&mut self, shown: String, failure: Failure) {
        if self.refused.as_ref().is_none_or(|(first, _)| shown < *first) {
            self.refused = Some((shown, failure));
        }
    }
}

fn too_many() -> Failure {
    Failure::usage("the inputs hold more than 10,000,000 files")
        .hint("make several bundles, or leave some out with `--exclude`")
}

fn excluded_in_place(shown: &str) -> Failure {
    Failure::usage(format!(
        "--exclude leaves out {shown}, but in place it would stay, unlisted, and be rejected"
    ))
    .hint("move it away, or build a copy with `--output`")
}

fn quoted(shown: &str) -> String {
    if shown.is_empty() { "with an empty name".to_owned() } else { shown.to_owned() }
}
