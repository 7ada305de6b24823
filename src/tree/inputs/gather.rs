//! Lists the inputs, and decides for each entry whether it goes into the bundle. Of all refusals it keeps
//! the first in byte order.

use std::collections::HashMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Stat};

use super::super::INNER_STAGING;
use super::super::collision::fold;
use super::super::exclude::{Exclude, flag_for};
use super::super::manifest::{self, Manifest};
use super::super::misplaced::foreign_release_hint;
use super::super::name::{EntryName, NameError};
use super::super::rooted_dir::{FileKind, RootedDir, size, stored};
use super::super::signature_files::is_further_signature;
use super::super::{ATTESTATION, MANIFEST, SIGNATURE, cannot, is_staging_name};
use super::{Directories, Followed, Options, SourceFile, directory_of};
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::{is_hidden, quoted_path, show};
use crate::release::{self, RELEASE, Release};

mod directory;
mod links;

/// What has been collected so far.
pub(super) struct Gathering<'a> {
    in_place: bool,
    follow_links: bool,
    has_release: bool,
    exclude: &'a Exclude,
    interrupt: &'a Interrupt,
    /// The roots of files named on the command line. Files in one directory share a root, because there
    /// may be more files than descriptors.
    roots_of_files: HashMap<Utf8PathBuf, u32>,
    pub(super) roots: Vec<RootedDir>,
    pub(super) files: Vec<SourceFile>,
    refused: Option<Refused>,
    /// How many entries of each kind are neither files nor directories.
    special: HashMap<FileKind, u64>,
    pub(super) directories: Directories,
    pub(super) has_manifest: bool,
    pub(super) followed: Followed,
}

/// The refusal to report, so far.
struct Refused {
    shown: String,
    /// What it is about, if it is about an entry of an INPUT.
    entry: Option<(u32, FileKind)>,
    failure: Failure,
}

/// What happens to an entry.
enum Decision {
    Take(EntryName, Stat),
    Enter,
    LeaveOut,
    Refuse(Failure),
}

impl<'a> Gathering<'a> {
    pub(super) fn new(options: Options<'_>, exclude: &'a Exclude, interrupt: &'a Interrupt) -> Self {
        let Options { exclude: _, in_place, allow_name_collisions: _, has_release, follow_links } = options;
        Self {
            in_place,
            follow_links,
            has_release,
            exclude,
            interrupt,
            roots_of_files: HashMap::new(),
            roots: Vec::new(),
            files: Vec::new(),
            refused: None,
            special: HashMap::new(),
            directories: Directories::default(),
            has_manifest: false,
            followed: Followed::default(),
        }
    }

    /// Collects the files of one INPUT.
    pub(super) fn input(&mut self, input: &Utf8Path) -> Result<()> {
        let shown = show(input.as_str().as_bytes());
        let stat = match rustix::fs::statat(CWD, input.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(errno) => {
                let error = io::Error::from(errno);
                let failure = match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::usage(missing(&shown)),
                    _ => cannot("access", &shown, &error),
                };
                self.refuse(shown, failure);
                return Ok(());
            }
        };
        let links_to_directory = || std::fs::metadata(input).is_ok_and(|metadata| metadata.is_dir());
        if FileKind::of(&stat) == FileKind::Directory
            || FileKind::of(&stat) == FileKind::Link && links_to_directory()
        {
            return self.directory(RootedDir::open(input)?);
        }
        let failure = match FileKind::of(&stat) {
            _ if self.in_place => {
                Failure::usage(format!("{shown} is not a directory, and `--in-place` needs one"))
                    .hint("give the directory, or build a bundle with `--output`")
            }
            FileKind::Link => Failure::usage(format!("input {shown} is a symbolic link"))
                .hint("give the file that it points to; only links to directories are followed"),
            FileKind::File => return self.file(input, &stat),
            kind => Failure::usage(format!("input {shown} is {kind}, not a file or a directory")),
        };
        self.refuse(shown, failure);
        Ok(())
    }

    /// Collects a file that is an INPUT itself.
    fn file(&mut self, input: &Utf8Path, stat: &Stat) -> Result<()> {
        let directory = directory_of(input);
        let root = match self.roots_of_files.get(directory) {
            Some(root) => *root,
            None => self.root(RootedDir::open(directory)?),
        };
        self.roots_of_files.insert(directory.to_owned(), root);
        let name = input.file_name().unwrap_or_default();
        self.entry(root, name.as_bytes(), name.as_bytes(), FileKind::File, Some(stat));
        Ok(())
    }

    fn root(&mut self, root: RootedDir) -> u32 {
        self.roots.push(root);
        // There is at most one root for each argument.
        u32::try_from(self.roots.len() - 1).unwrap_or(u32::MAX)
    }

    /// Collects, leaves out or refuses one entry. `path` is its path in the bundle, and `place` that in its root.
    /// `stat` is there for a file. Returns whether the entry is a directory to enter.
    fn entry(&mut self, root: u32, path: &[u8], place: &[u8], kind: FileKind, stat: Option<&Stat>) -> bool {
        let decision = match self.part_of_bundle(root, path, kind) {
            Some(decision) => decision,
            None if self.exclude.leaves_out(path, kind == FileKind::Directory) => {
                if self.in_place {
                    Decision::Refuse(excluded_in_place(&self.show(root, path)))
                } else {
                    Decision::LeaveOut
                }
            }
            None if kind == FileKind::Directory && is_staging_name(last_component(path)) => {
                self.directories.staging.add(|| self.roots[root as usize].show(path));
                Decision::LeaveOut
            }
            None => self.payload(root, path, place, kind, stat),
        };
        match (&decision, kind) {
            (Decision::LeaveOut, _) | (_, FileKind::File) => {}
            (_, FileKind::Directory) => {
                if last_component(path) == b".git" {
                    self.directories.git.add(|| self.roots[root as usize].show(path));
                }
            }
            (_, kind) => *self.special.entry(kind).or_default() += 1,
        }
        match decision {
            Decision::Enter => return true,
            Decision::LeaveOut => {}
            Decision::Refuse(failure) => {
                self.refuse_first(Refused {
                    shown: self.show(root, path),
                    entry: Some((root, kind)),
                    failure,
                });
            }
            Decision::Take(name, stat) => {
                if path != place {
                    self.followed.insert((root, name.as_str().to_owned()), place.to_vec());
                }
                self.files.push(SourceFile {
                    name,
                    root,
                    executable: stat.st_mode & 0o100 != 0,
                    inode: (stat.st_dev, stat.st_ino),
                    size: size(&stat),
                    stored: stored(&stat),
                });
            }
        }
        false
    }

    fn show(&self, root: u32, path: &[u8]) -> String {
        self.roots[root as usize].show(path)
    }

    /// In place: the manifest, the signatures, the `release.json` that is replaced, and the staging directory of
    /// another or a killed run.
    fn part_of_bundle(&mut self, root: u32, path: &[u8], kind: FileKind) -> Option<Decision> {
        if !self.in_place {
            return None;
        }
        let staging = [ATTESTATION.as_bytes(), b"/", INNER_STAGING.as_bytes()].concat();
        match kind {
            FileKind::File if path == MANIFEST.as_bytes() => self.has_manifest = true,
            FileKind::File if path == SIGNATURE.as_bytes() || is_further_signature(path) => {}
            FileKind::File
                if self.has_release && path == RELEASE.as_bytes() && self.is_release(root, path) => {}
            FileKind::Directory if path == ATTESTATION.as_bytes() => return Some(Decision::Enter),
            FileKind::Directory if path == staging => {}
            _ => return None,
        }
        Some(Decision::LeaveOut)
    }

    /// Whether a file has the form of the `release.json` that aicr writes.
    fn is_release(&self, root: u32, place: &[u8]) -> bool {
        let text = self.roots[root as usize].read_small(place, release::SIZE_LIMIT);
        text.is_ok_and(|text| Release::parse(&text).is_some())
    }

    /// The rules for payload.
    fn payload(&self, root: u32, path: &[u8], place: &[u8], kind: FileKind, stat: Option<&Stat>) -> Decision {
        let refuse = |what_is_wrong: &str, alternative: &str| {
            let message = format!("{} {what_is_wrong}", self.show(root, path));
            Decision::Refuse(Failure::usage(message).hint(self.without(path, alternative)))
        };
        match (EntryName::new(path), kind, stat) {
            (Ok(name), ..) if self.has_release && takes_place_of_release(name.as_str()) => {
                refuse(&format!("has the name of the {RELEASE} that --release-name writes"), ", or rename it")
            }
            (Ok(name), FileKind::File, _) if name.as_str() == RELEASE && self.is_release(root, place) => {
                let message = format!(
                    "{} says which release this is, and how many files it has: that may be wrong now",
                    self.show(root, path)
                );
                let add = "add --release-name NAME --release-version VERSION to write a new one";
                Decision::Refuse(Failure::usage(message).hint(if self.in_place {
                    format!("{add}, or remove it")
                } else {
                    format!("{add}, or leave it out with `{}`", flag_for(RELEASE))
                }))
            }
            // The name of a directory is no line of the manifest, so `-` is allowed.
            (Ok(_) | Err(NameError::Dash), FileKind::Directory, _) => Decision::Enter,
            (Err(error), ..) if path == MANIFEST.as_bytes() => {
                match foreign_release_hint(&self.roots[root as usize]) {
                    Some(hint) => {
                        let message = format!("{} {error}", self.show(root, path));
                        Decision::Refuse(Failure::usage(message).hint(hint))
                    }
                    None => refuse(&error.to_string(), ", or rename it"),
                }
            }
            (Err(error), ..) => refuse(&error.to_string(), ", or rename it"),
            (Ok(name), FileKind::File, Some(stat)) if stat.st_mode & 0o6000 != 0 => {
                let path = self.roots[root as usize].path().join(name.as_str());
                refuse(
                    "is set-user-ID or set-group-ID, which a bundle cannot keep",
                    &format!(", or remove the bits with `chmod ug-s {}`", quoted_path(&path)),
                )
            }
            (Ok(name), FileKind::File, Some(stat)) => Decision::Take(name, *stat),
            (Ok(_), FileKind::Link, _) => refuse(
                "is a symbolic link, and links are not followed",
                if self.in_place {
                    ", or replace it with the file that it points to"
                } else {
                    ", or take in what it points to with `--links follow`"
                },
            ),
            (Ok(_), kind, _) => refuse(&format!("is {kind}, not a regular file"), ""),
        }
    }

    /// The hint that names the flag to bundle the inputs without `path`, and an alternative.
    fn without(&self, path: &[u8], alternative: &str) -> String {
        match std::str::from_utf8(path) {
            Ok(path) if !path.contains(is_hidden) => {
                let exclude = flag_for(path);
                if self.in_place {
                    format!("move it away{alternative}, or build a copy with `--output` and `{exclude}`")
                } else {
                    format!("leave it out with `{exclude}`{alternative}")
                }
            }
            // A name that cannot be typed, or seen, cannot be excluded.
            _ => "rename it".to_owned(),
        }
    }

    fn refuse(&mut self, shown: String, failure: Failure) {
        self.refuse_first(Refused { shown, entry: None, failure });
    }

    /// Keeps the refusal that comes first in the order of the paths.
    fn refuse_first(&mut self, refused: Refused) {
        if self.refused.as_ref().is_none_or(|first| refused.shown < first.shown) {
            self.refused = Some(refused);
        }
    }

    /// The refusal that comes first in the order of the paths, if there is one.
    pub(super) fn refused(&mut self) -> Result<()> {
        let Some(Refused { entry, failure, .. }) = self.refused.take() else { return Ok(()) };
        let Some((root, kind)) = entry else { return Err(failure) };
        Err(match self.special.get(&kind) {
            Some(count) if *count > 1 => failure.and(&format!(" ({count} in all)")),
            Some(_) => failure,
            None => self.is_bundle(root).unwrap_or(failure),
        })
    }

    /// The refusal of an INPUT that is a bundle, which has a manifest, and all other files are listed in it.
    fn is_bundle(&self, root: u32) -> Option<Failure> {
        let top = &self.roots[root as usize];
        let text = top.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).ok()?;
        let listed = Manifest::unproven(&text).ok()?;
        let mut files = self.files.iter().filter(|file| file.root == root);
        if self.in_place || !files.all(|file| listed.find(file.name.as_str().as_bytes()).is_some()) {
            return None;
        }
        Some(Failure::usage(format!("input {} is a bundle already", top.show(b""))).hint(format!(
            "sign it with `aicr bundle-sign {}`, or bundle only its files: `{} {}`",
            quoted_path(top.path()),
            flag_for(MANIFEST),
            flag_for(ATTESTATION)
        )))
    }
}

/// Whether a path begins with `release.json`, on a file system that ignores case too.
fn takes_place_of_release(path: &str) -> bool {
    fold(path.split('/').next().unwrap_or_default()) == RELEASE
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn too_many() -> Failure {
    Failure::usage("the inputs contain more than 10,000,000 files")
        .hint("make several bundles, or leave some files out with `--exclude`")
}

fn excluded_in_place(shown: &str) -> Failure {
    Failure::usage(format!(
        "--exclude leaves out {shown}, but --in-place keeps it there, and verify rejects unlisted files"
    ))
    .hint("move it away, or build a copy with `--output`")
}

fn missing(shown: &str) -> String {
    if shown.is_empty() { "an INPUT is empty".to_owned() } else { format!("input {shown} does not exist") }
}
