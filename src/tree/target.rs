//! Where a bundle will stand: whether the output may be made there, or what is there replaced. Looks
//! only; the replacing is `publish.rs`.

use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Stat};
use rustix::io::Errno;

use super::ancestry::lies_in;
use super::audit::{Comparison, FindingKind};
use super::manifest::{self, Manifest};
use super::rooted_dir::{DirectoryBuffer, FileKind, OpenError, RootedDir, SmallError};
use super::{MANIFEST, Work, cannot, mount, walk};
use crate::error::{Class, Failure, Result};
use crate::printable::show;

/// What stands at the place of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// Nothing.
    Nothing,
    /// An empty directory.
    Empty,
    /// A bundle, which `--force` replaces.
    Bundle,
}

/// The place of a new bundle, checked.
#[derive(Debug)]
pub(crate) struct Target {
    path: Utf8PathBuf,
    name: String,
    force: bool,
    occupant: Occupant,
}

impl Target {
    /// Checks `--output`. All that is wrong with it is exit 2, in words; nothing is changed.
    pub(crate) fn new(path: &Utf8Path, inputs: &[Utf8PathBuf], force: bool, work: &Work<'_>) -> Result<Self> {
        let shown = show(path.as_str().as_bytes());
        // camino leaves `.` at the end out, but then the user meant another name.
        let last = path.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if matches!(last, "" | "." | "..") {
            return Err(Failure::usage(format!("--output `{shown}` does not end in a name"))
                .hint("give a directory that is to be made, as in `--output release-1.4`"));
        }
        let mut target =
            Self { path: path.to_owned(), name: last.to_owned(), force, occupant: Occupant::Nothing };
        let parent = target.parent();
        match std::fs::metadata(if parent.as_str().is_empty() { Utf8Path::new(".") } else { &parent }) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                return Err(Failure::usage(format!("the parent of --output {shown} is not a directory")));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let parent = show(parent.as_str().as_bytes());
                return Err(Failure::usage(format!("the parent of --output {shown} does not exist"))
                    .hint(format!("make it with `mkdir -p {parent}`")));
            }
            Err(error) => return Err(cannot("look at", show(parent.as_str().as_bytes()), &error)),
        }
        for input in inputs {
            target.apart_from(input)?;
        }
        target.occupant = target.look(work)?;
        Ok(target)
    }

    /// The output as it was given.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Its last component.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The directory that it is in; empty for the working directory.
    pub(crate) fn parent(&self) -> Utf8PathBuf {
        let plain = self.path.as_str().trim_end_matches('/');
        let parent = plain.strip_suffix(self.name.as_str()).unwrap_or_default();
        if parent.bytes().all(|byte| byte == b'/') {
            return parent.into();
        }
        parent.trim_end_matches('/').into()
    }

    /// What was there when it was checked.
    pub(crate) fn occupant(&self) -> Occupant {
        self.occupant
    }

    /// Looks again just before something is replaced: builds take long, and people put files into
    /// directories.
    pub(crate) fn recheck(&self, work: &Work<'_>) -> Result<()> {
        let now = self.look(work)?;
        if now == self.occupant {
            return Ok(());
        }
        Err(Failure::usage(format!("{} has appeared, gone or changed meanwhile", self.shown())))
    }

    fn shown(&self) -> String {
        show(self.path.as_str().as_bytes())
    }

    /// The output is neither an input, nor in one, nor around one.
    fn apart_from(&self, input: &Utf8Path) -> Result<()> {
        let (shown, other) = (self.shown(), show(input.as_str().as_bytes()));
        let lies = |one: &Utf8Path, two: &Utf8Path| {
            lies_in(one, two).map_err(|error| cannot("look at", show(one.as_str().as_bytes()), &error))
        };
        // An input that does not exist is refused where inputs are.
        if !input.exists() {
            return Ok(());
        }
        let elsewhere = "choose an output outside the inputs; `--in-place` makes a directory itself a bundle";
        match (lies(&self.path, input)?, lies(input, &self.path)?) {
            (false, false) => Ok(()),
            (true, true) => {
                Err(Failure::usage(format!("--output {shown} is the input {other}")).hint(elsewhere))
            }
            (true, false) => {
                Err(Failure::usage(format!("--output {shown} is inside the input {other}")).hint(elsewhere))
            }
            (false, true) => {
                Err(Failure::usage(format!("the input {other} is inside --output {shown}")).hint(elsewhere))
            }
        }
    }

    /// What is at the place now, if it may be taken.
    fn look(&self, work: &Work<'_>) -> Result<Occupant> {
        let shown = self.shown();
        let plain = self.parent().join(&self.name);
        let stat: Stat = match rustix::fs::statat(CWD, plain.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Occupant::Nothing),
            Err(errno) => return Err(cannot("look at", &shown, &errno.into())),
        };
        match FileKind::of(&stat) {
            FileKind::Directory => {}
            kind => {
                return Err(
                    Failure::usage(format!("--output {shown} is {kind}")).hint("choose a name that is free")
                );
            }
        }
        self.needed_by_nobody(&plain)?;
        let there = RootedDir::open(&plain)?;
        if is_empty(&there).map_err(|error| cannot("read", &shown, &error))? {
            return Ok(Occupant::Empty);
        }
        if !self.force {
            return Err(Failure::usage(format!("--output {shown} exists and is not empty"))
                .hint("choose a name that is free, or replace the bundle that is there with `--force`"));
        }
        replaceable(&there, work).map(|()| Occupant::Bundle)
    }

    /// Not the working directory, a mount point, or around one.
    fn needed_by_nobody(&self, plain: &Utf8Path) -> Result<()> {
        let shown = self.shown();
        let look = |error| cannot("look at", &shown, &error);
        if lies_in(Utf8Path::new("."), plain).map_err(look)? {
            return Err(Failure::usage(format!("--output {shown} is the working directory or around it"))
                .hint("go to another directory, or choose another output"));
        }
        let real = plain.as_std_path().canonicalize().map_err(look)?;
        if let Some(point) = mount::points().iter().find(|point| point.starts_with(&real)) {
            let point = crate::printable::show_path(point);
            return Err(Failure::usage(format!("--output {shown} is or holds the mount point {point}"))
                .hint("choose a directory below the mount point, which can be renamed"));
        }
        Ok(())
    }
}

fn is_empty(directory: &RootedDir) -> std::io::Result<bool> {
    let mut empty = true;
    directory.entries(b"", &mut DirectoryBuffer::new(), |_, _, _| {
        empty = false;
        ControlFlow::Break(())
    })?;
    Ok(empty)
}

/// Whether a directory may be thrown away: it is a bundle, and nobody has put anything else there.
/// Contents are not read, but the manifest.
fn replaceable(there: &RootedDir, work: &Work<'_>) -> Result<()> {
    let shown = there.show(b"");
    let refused = |why: String| {
        Failure::usage(format!("--force does not replace {shown}, which is not a bundle: {why}"))
            .hint("remove it yourself, or choose another output")
    };
    let text = there.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
        SmallError::Open(OpenError::System(error)) => cannot("read", there.show(MANIFEST.as_bytes()), &error),
        error => refused(format!("{MANIFEST}: {error}")),
    })?;
    let manifest = Manifest::unproven(&text).map_err(|error| refused(format!("{MANIFEST} {error}")))?;
    let listing = walk::list(there, work).map_err(|failure| match failure.class() {
        Class::Signal(_) | Class::Broken => failure,
        _ => refused(failure.message().to_owned()),
    })?;
    match Comparison::new(&manifest, &listing).first_stranger() {
        None => Ok(()),
        Some((FindingKind::Unreadable, path)) => Err(refused(format!("{} cannot be read", show(&path)))),
        Some((_, path)) => Err(refused(format!("{} is not listed in {MANIFEST}", show(&path)))),
    }
}

#[cfg(test)]
mod tests;
