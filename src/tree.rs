//! Files: what goes into a bundle, how it is laid down, and whether a tree is what its manifest
//! says. No cosign here, nothing is printed, and no environment is read.
//!
//! Reading order: [`name`] and [`manifest`] say what may stand in a bundle, [`beneath`] is how
//! anything is opened. Building: [`inputs`], [`target`], [`staging`], [`copy`], [`publish`].
//! Checking: [`walk`], [`audit`], and [`check`], which joins the two.

use std::fmt::Display;
use std::io;
use std::num::NonZeroUsize;

use indicatif::ProgressBar;
use rustix::fs::Mode;

use crate::error::{Class, Failure};
use crate::interrupt::Interrupt;
pub(crate) use crate::system_error::reason;

pub(crate) mod ancestry;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod collision;
pub(crate) mod copy;
mod exclude;
mod file_system;
pub(crate) mod inputs;
pub(crate) mod manifest;
mod mount;
pub(crate) mod name;
mod private_key;
pub(crate) mod public_key_out;
pub(crate) mod publish;
mod reflink;
mod remove;
pub(crate) mod rooted_dir;
pub(crate) mod space;
pub(crate) mod staging;
pub(crate) mod target;
pub(crate) mod walk;
mod workers;
pub(crate) mod write_back;

/// The manifest, at the top of every bundle.
pub(crate) const MANIFEST: &str = "checksums.txt";

/// The directory that holds what is said about the manifest.
pub(crate) const ATTESTATION: &str = "attestation";

/// The signature over the manifest: a Sigstore bundle.
pub(crate) const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";

/// The name of a staging room that has to be inside a bundle, below `attestation/`.
const INSIDE: &str = ".aicr-staging";

/// The mode of files in a bundle, whatever the source and the umask.
const PLAIN: Mode = Mode::from_raw_mode(0o644);

/// That of programs and directories.
const EXECUTABLE: Mode = Mode::from_raw_mode(0o755);

/// The most files and directories that a bundle may have. Far above any real release; it bounds
/// what a hostile medium can make us remember.
pub(crate) const MAX_ENTRIES: usize = 10_000_000;

/// How long work is done: on how many threads, shown where, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    /// How many files are read at once.
    pub(crate) jobs: NonZeroUsize,
    /// Moved on by the bytes that have been read.
    pub(crate) bar: &'a ProgressBar,
    /// Asked between files, and every few hundred KiB within one.
    pub(crate) interrupt: &'a Interrupt,
}

/// The failure "cannot DOING PATH: REASON", for an error of the operating system: exit 1.
pub(crate) fn cannot(doing: &str, path: impl Display, error: &io::Error) -> Failure {
    Failure::new(Class::Broken, format!("cannot {doing} {path}: {}", reason(error)))
}

/// Runs a test's work on two threads, with a bar that nobody sees and no signal.
#[cfg(test)]
pub(crate) fn at_work<T>(test: impl FnOnce(&Work<'_>) -> T) -> T {
    let jobs = NonZeroUsize::new(2).unwrap();
    test(&Work { jobs, bar: &ProgressBar::hidden(), interrupt: &Interrupt::default() })
}
