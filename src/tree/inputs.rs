//! Collects the files that go into a bundle. Every rule about names and kinds of files is applied here,
//! before the first byte of payload is read; `copy.rs` copies the files.

use std::collections::{HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::collision;
use super::exclude::Exclude;
use super::name::{self, EntryName};
use super::rooted_dir::RootedDir;
use super::{FAT_LIMIT, cannot};
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::printable::show;

mod gather;

use gather::Gathering;

/// What the user has allowed, and left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<'a> {
    /// The patterns of `--exclude`.
    pub(crate) exclude: &'a [String],
    /// The one input is the bundle itself: its manifest and signature are not payload.
    pub(crate) in_place: bool,
    /// Names that collide on other file systems are allowed.
    pub(crate) allow_name_collisions: bool,
    /// The bundle will have a `release.json` of its own.
    pub(crate) has_release: bool,
    /// What a symbolic link leads to is taken in, if that lies in the same input.
    pub(crate) follow_links: bool,
}

/// The places of files that links have led to, by root and name.
pub(super) type Followed = HashMap<(u32, String), Vec<u8>>;

/// A file that goes into the bundle, with its properties when it was listed.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Its path in the bundle, which is also its path in its root if no link has led to it.
    pub(crate) name: EntryName,
    /// The index of its root in [`Collected::roots`].
    pub(crate) root: u32,
    /// Whether its owner may execute it.
    pub(crate) executable: bool,
    /// Its device and inode, which show later whether it is still the same file.
    pub(crate) inode: (u64, u64),
    /// Its size in bytes.
    pub(crate) size: u64,
    /// How many of them are not in holes.
    pub(crate) stored: u64,
}

/// Everything that goes into a bundle.
#[derive(Debug)]
pub(crate) struct Collected {
    /// The open directories of the files.
    pub(crate) roots: Vec<RootedDir>,
    /// The files, sorted by the bytes of their names; at least one.
    pub(crate) files: Vec<SourceFile>,
    /// Their sizes together.
    pub(crate) bytes: u64,
    /// Names and files that cause problems on other systems, and unused patterns: one line for each kind.
    pub(crate) warnings: Vec<String>,
    /// In place: whether the directory has a manifest already.
    pub(crate) has_manifest: bool,
    followed: Followed,
}

impl Collected {
    /// Adds the `release.json` that was written to `directory`, with this size. It is a source like the others.
    pub(crate) fn add_release(&mut self, directory: RootedDir, name: &str, size: u64) -> Result<()> {
        let failed = |error| cannot("access", directory.show(name.as_bytes()), &error);
        let stat = directory.stat(name.as_bytes()).map_err(failed)?;
        // The number of arguments limits the number of roots.
        let root = u32::try_from(self.roots.len()).unwrap_or(u32::MAX);
        let Ok(name) = EntryName::new(name.as_bytes()) else { return Ok(()) };
        let place = self.files.partition_point(|file| file.name < name);
        let inode = (stat.st_dev, stat.st_ino);
        self.files.insert(place, SourceFile { name, root, executable: false, inode, size, stored: size });
        self.roots.push(directory);
        self.bytes += size;
        Ok(())
    }

    /// The path of a file in its root.
    pub(crate) fn place<'a>(&'a self, file: &'a SourceFile) -> &'a [u8] {
        let name = file.name.as_str();
        if self.followed.is_empty() {
            return name.as_bytes();
        }
        self.followed.get(&(file.root, name.to_owned())).map_or(name.as_bytes(), Vec::as_slice)
    }

    /// The path of a source file, ready to print.
    pub(crate) fn source(&self, file: &SourceFile) -> String {
        self.roots[file.root as usize].show(file.name.as_str().as_bytes())
    }
}

/// Lists all inputs. Of several refused files, the first in byte order is reported: exit 2.
pub(crate) fn collect(
    inputs: &[Utf8PathBuf],
    options: Options<'_>,
    interrupt: &Interrupt,
) -> Result<Collected> {
    let exclude = Exclude::new(options.exclude)?;
    let mut gathering = Gathering::new(options, &exclude, interrupt);
    for input in inputs {
        gathering.input(input)?;
    }
    gathering.refused()?;
    let Gathering { roots, mut files, directories, has_manifest, followed, .. } = gathering;
    if files.is_empty() {
        let first = inputs.first().map_or("", |input| input.as_str());
        return Err(Failure::usage(format!("{} contains no files to bundle", show(first.as_bytes()))));
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let bytes = files.iter().map(|file| file.size).sum();
    let mut collected = Collected { roots, files, bytes, warnings: Vec::new(), has_manifest, followed };
    refuse_collisions(&collected, options.allow_name_collisions)?;
    collected.warnings = warnings(&collected, &directories, options.in_place);
    collected.warnings.extend(links_followed(directories.followed));
    collected.warnings.extend(lost_names(inputs));
    collected.warnings.extend(exclude.warning());
    Ok(collected)
}

/// Refuses two inputs for one path, and, unless that is allowed, names that collide on other file systems.
fn refuse_collisions(collected: &Collected, allowed: bool) -> Result<()> {
    let files = &collected.files;
    let Some(found) = collision::find(files.len(), |place| files[place].name.as_str(), !allowed) else {
        return Ok(());
    };
    let source = |file: usize, path: &str| collected.roots[files[file].root as usize].show(path.as_bytes());
    let (first, second) = (source(found.first_file, found.first), source(found.second_file, found.second));
    if found.first == found.second {
        let path = show(found.first.as_bytes());
        return Err(Failure::usage(format!("`{path}` comes from two inputs: {first} and {second}"))
            .hint("rename one, or put both below one directory and bundle that directory"));
    }
    Err(Failure::usage(format!(
        "{first} and {second} have the same name on a case-insensitive or Unicode-normalizing file system"
    ))
    .hint("rename one, or allow both with `--allow-name-collisions`"))
}

/// One line for each kind of problem, with the first file that has it and the number of others.
fn warnings(collected: &Collected, directories: &Directories, in_place: bool) -> Vec<String> {
    let [mut windows, mut denormal, mut large] = [const { Tally::new() }; 3];
    for file in &collected.files {
        let shown = || collected.source(file);
        if name::windows_refuses(file.name.as_str()) {
            windows.add(shown);
        }
        if name::is_denormal(file.name.as_str()) {
            denormal.add(shown);
        }
        if file.size >= FAT_LIMIT {
            large.add(shown);
        }
    }
    [
        (&windows, "names that Windows does not allow"),
        (&denormal, "names that are not in Unicode normal form C, and change on some systems"),
        (&large, "files of 4 GiB or more, which FAT cannot store"),
        (&directories.empty, "empty directories, which a bundle does not keep"),
        (&directories.git, "directories of git, which may hold a token (`--exclude .git` leaves them out)"),
        (
            &directories.staging,
            if in_place {
                "staging directories of aicr runs are left out, and `verify` rejects the bundle while they exist"
            } else {
                "staging directories of aicr runs are left out"
            },
        ),
    ]
    .into_iter()
    .filter_map(|(tally, what)| tally.line(what))
    .collect()
}

/// The warning about this many links that were followed.
fn links_followed(links: u64) -> Option<String> {
    match links {
        0 => None,
        1 => Some("1 symbolic link was followed".to_owned()),
        links => Some(format!("{links} symbolic links were followed")),
    }
}

/// A warning about directories among the inputs whose names the user wants to keep, probably: a shell has
/// made `dist/app dist/docs` of `dist/*`. With a slash at the end, a directory is meant as its content.
fn lost_names(inputs: &[Utf8PathBuf]) -> Option<String> {
    let directories_of_files: HashSet<&Utf8Path> =
        inputs.iter().filter(|input| !input.is_dir()).map(|input| directory_of(input)).collect();
    let mut lost = Tally::new();
    for input in inputs {
        let is_meant = input.as_str().ends_with('/') || input.file_name().is_none();
        if !is_meant && input.is_dir() && directories_of_files.contains(directory_of(input)) {
            lost.add(|| show(input.as_str().as_bytes()));
        }
    }
    lost.line("directories that lose their names in the bundle (to keep them, give the directory above)")
}

/// Links that were followed, and directories that are left out of a bundle, or should be, for one warning each.
#[derive(Debug, Default)]
struct Directories {
    /// How many links were followed.
    followed: u64,
    empty: Tally,
    git: Tally,
    staging: Tally,
}

/// How often something was seen, and where it was seen first.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: String,
}

impl Tally {
    const fn new() -> Self {
        Self { count: 0, first: String::new() }
    }

    fn add(&mut self, shown: impl FnOnce() -> String) {
        self.count += 1;
        if self.count == 1 {
            self.first = shown();
        }
    }

    fn line(&self, what: &str) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("{what}: {}", self.first)),
            count => Some(format!("{what}: {} and {} more", self.first, count - 1)),
        }
    }
}

/// The directory of a file. The empty path is the working directory.
fn directory_of(path: &Utf8Path) -> &Utf8Path {
    path.parent().unwrap_or(Utf8Path::new(""))
}

#[cfg(test)]
mod tests;
