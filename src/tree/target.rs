//! Checks `--output` and `--copy-to`: whether a bundle can be created there, or may replace what exists. It changes
//! nothing; `publish.rs` moves the bundle into place.

use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{Access, AtFlags, CWD, Stat};
use rustix::io::Errno;

use super::ancestry::lies_in;
use super::audit::{Comparison, FindingKind};
use super::layout::Layout;
use super::manifest::{self, Manifest};
use super::rooted_dir::{DirectoryBuffer, FileKind, OpenError, RootedDir, SmallError};
use super::{MANIFEST, Work, cannot, mount, reason, walk};
use crate::error::{Class, Failure, Result};
use crate::printable::{quoted_path, show};

/// What exists at the path of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// Nothing.
    Nothing,
    /// An empty directory.
    Empty,
    /// A bundle, which `--force` replaces.
    Bundle,
}

/// What the new directory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A bundle from inputs: `--output`. With `force` it may replace a bundle.
    Bundle { force: bool },
    /// A copy of a bundle: `--copy-to`.
    Copy,
}

impl Purpose {
    /// What the new bundle is made from.
    fn source(self) -> &'static str {
        match self {
            Self::Bundle { .. } => "input",
            Self::Copy => "bundle",
        }
    }

    /// The way out when the directory and a source overlap.
    fn elsewhere(self) -> &'static str {
        match self {
            Self::Bundle { .. } => {
                "choose an output outside the inputs, or use `--in-place` to turn the input into a bundle"
            }
            Self::Copy => "choose a directory outside the bundle",
        }
    }
}

/// The path of a new bundle, checked.
#[derive(Debug)]
pub(crate) struct Target {
    purpose: Purpose,
    path: Utf8PathBuf,
    name: String,
    occupant: Occupant,
}

impl Target {
    /// Checks the path. One that cannot be used is exit 2. `sources` are the inputs, or the bundle that is copied.
    pub(crate) fn new(
        purpose: Purpose,
        path: &Utf8Path,
        sources: &[Utf8PathBuf],
        work: &Work<'_>,
    ) -> Result<Self> {
        let mut target =
            Self { purpose, path: path.to_owned(), name: String::new(), occupant: Occupant::Nothing };
        let (shown, flag) = (target.shown(), target.flag());
        // `Utf8Path::file_name` ignores `.` at the end, and would use the name before it.
        let last = path.as_str().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if matches!(last, "" | "." | "..") {
            return Err(Failure::usage(format!("{flag} `{shown}` does not end in a directory name"))
                .hint(format!("name a new directory, for example `{flag} release-1.4`")));
        }
        last.clone_into(&mut target.name);
        let parent = target.parent();
        let shown_parent = show(parent.as_str());
        match std::fs::metadata(if parent.as_str().is_empty() { Utf8Path::new(".") } else { &parent }) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let message = format!("{flag} {shown}: {shown_parent} is not a directory");
                return Err(Failure::usage(message));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let message = format!("{flag} {shown}: directory {shown_parent} does not exist");
                return Err(Failure::usage(message)
                    .hint(format!("create it with `mkdir -p {}`", quoted_path(&parent))));
            }
            Err(error) => return Err(cannot("access", shown_parent, &error)),
        }
        for source in sources {
            target.check_overlap(source)?;
        }
        target.occupant = target.look(work)?;
        if target.occupant == Occupant::Empty {
            target.check_parent_is_writable()?;
        }
        Ok(target)
    }

    /// Refuses an empty directory that somebody has prepared in a directory that is not writable: a bundle is
    /// built next to its output.
    fn check_parent_is_writable(&self) -> Result<()> {
        let parent = self.parent();
        let place = if parent.as_str().is_empty() { "." } else { parent.as_str() };
        match rustix::fs::accessat(CWD, place, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
            Err(errno @ (Errno::ACCESS | Errno::ROFS)) => {
                let inside = self.path.join(&self.name);
                Err(Failure::usage(format!(
                    "{} {} cannot be replaced by a bundle: cannot write in {}: {}",
                    self.flag(),
                    self.shown(),
                    show(place),
                    reason(&errno.into())
                ))
                .hint(format!(
                    "choose a new directory inside it: `{} {}`",
                    self.flag(),
                    quoted_path(&inside)
                )))
            }
            _ => Ok(()),
        }
    }

    /// What it is for.
    pub(super) fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The flag that names it.
    pub(crate) fn flag(&self) -> &'static str {
        match self.purpose {
            Purpose::Bundle { .. } => "--output",
            Purpose::Copy => "--copy-to",
        }
    }

    /// The output as the user gave it.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Its last component.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its parent directory; empty for the working directory.
    pub(crate) fn parent(&self) -> Utf8PathBuf {
        let plain = self.path.as_str().trim_end_matches('/');
        let parent = plain.strip_suffix(self.name.as_str()).unwrap_or_default();
        if parent.bytes().all(|byte| byte == b'/') {
            return parent.into();
        }
        parent.trim_end_matches('/').into()
    }

    /// What existed there when it was checked.
    pub(crate) fn occupant(&self) -> Occupant {
        self.occupant
    }

    /// Checks again just before the bundle is moved into place, because files may have been added during
    /// a long build.
    pub(crate) fn recheck(&self, work: &Work<'_>) -> Result<()> {
        let now = self.look(work)?;
        if now == self.occupant {
            return Ok(());
        }
        let shown = self.shown();
        Err(Failure::usage(format!(
            "{shown} was created, removed or changed by another program during this run"
        )))
    }

    /// The output as the user gave it, ready to print.
    pub(super) fn shown(&self) -> String {
        show(self.path.as_str().as_bytes())
    }

    /// Refuses a directory that is a source, is inside one, or contains one.
    fn check_overlap(&self, input: &Utf8Path) -> Result<()> {
        let (flag, source, elsewhere) = (self.flag(), self.purpose.source(), self.purpose.elsewhere());
        let (shown, other) = (self.shown(), show(input.as_str().as_bytes()));
        let is_inside = |one: &Utf8Path, two: &Utf8Path| {
            lies_in(one, two).map_err(|error| cannot("access", show(one.as_str().as_bytes()), &error))
        };
        // `inputs.rs` refuses an input that does not exist.
        if !input.exists() {
            return Ok(());
        }
        match (is_inside(&self.path, input)?, is_inside(input, &self.path)?) {
            (false, false) => Ok(()),
            (true, true) => {
                Err(Failure::usage(format!("{flag} {shown} is the {source} {other}")).hint(elsewhere))
            }
            (true, false) => {
                Err(Failure::usage(format!("{flag} {shown} is inside the {source} {other}")).hint(elsewhere))
            }
            (false, true) => {
                Err(Failure::usage(format!("the {source} {other} is inside {flag} {shown}")).hint(elsewhere))
            }
        }
    }

    /// What exists at the path now, if the bundle may take its place.
    fn look(&self, work: &Work<'_>) -> Result<Occupant> {
        let (shown, flag) = (self.shown(), self.flag());
        let plain = self.parent().join(&self.name);
        let stat: Stat = match rustix::fs::statat(CWD, plain.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Occupant::Nothing),
            Err(errno) => return Err(cannot("access", &shown, &errno.into())),
        };
        match FileKind::of(&stat) {
            FileKind::Directory => {}
            kind => {
                return Err(Failure::usage(format!("{flag} {shown} is {kind}")).hint("choose another name"));
            }
        }
        self.check_in_use(&plain)?;
        let existing = RootedDir::open(&plain)?;
        if is_empty(&existing).map_err(|error| cannot("read", &shown, &error))? {
            return Ok(Occupant::Empty);
        }
        if self.purpose != (Purpose::Bundle { force: true }) {
            return Err(Failure::usage(format!("{flag} {shown} exists and is not empty")).hint(
                match self.purpose {
                    Purpose::Bundle { .. } => {
                        "choose another name, or add `--force` to replace an existing bundle"
                    }
                    Purpose::Copy => "choose another name, or remove it yourself",
                },
            ));
        }
        check_replaceable(&existing, work).map(|()| Occupant::Bundle)
    }

    /// Refuses the working directory, a mount point, and a directory that contains one of these.
    fn check_in_use(&self, plain: &Utf8Path) -> Result<()> {
        let (shown, flag) = (self.shown(), self.flag());
        let failed = |error| cannot("access", &shown, &error);
        if lies_in(Utf8Path::new("."), plain).map_err(failed)? {
            let message = format!("{flag} {shown} is the working directory or contains it");
            return Err(Failure::usage(message).hint("change to another directory, or choose another output"));
        }
        let real = plain.as_std_path().canonicalize().map_err(failed)?;
        if let Some(point) = mount::points().iter().find(|point| point.starts_with(&real)) {
            let point = crate::printable::show_path(point);
            return Err(Failure::usage(format!("{flag} {shown} is or contains the mount point {point}"))
                .hint("choose a directory below the mount point"));
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

/// Refuses to replace a directory unless it is a bundle with only its own files. Of these, only the manifest
/// is read.
fn check_replaceable(existing: &RootedDir, work: &Work<'_>) -> Result<()> {
    let shown = existing.show(b"");
    let refused = |why: String| {
        Failure::usage(format!("--force replaces only a bundle, and {shown} is not one: {why}"))
            .hint("remove it yourself, or choose another output")
    };
    let text =
        existing.read_small(MANIFEST.as_bytes(), manifest::MAX_BYTES).map_err(|error| match error {
            SmallError::Open(OpenError::System(error)) => {
                cannot("read", existing.show(MANIFEST.as_bytes()), &error)
            }
            error => refused(format!("{MANIFEST} {error}")),
        })?;
    let manifest = Manifest::unproven(&text).map_err(|error| refused(error.message(MANIFEST)))?;
    let listing = walk::list(existing, work).map_err(|failure| match failure.class() {
        Class::Signal(_) | Class::Broken => failure,
        _ => refused(failure.message().to_owned()),
    })?;
    match Comparison::new(&manifest, &listing, Layout::Bundle).first_unlisted() {
        None => Ok(()),
        Some((FindingKind::Unreadable, path)) => Err(refused(format!("{} cannot be read", show(&path)))),
        Some((_, path)) => Err(refused(format!("{} is not listed in {MANIFEST}", show(&path)))),
    }
}

#[cfg(test)]
mod tests;
