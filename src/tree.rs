//! Files: which files go into a bundle, how the bundle is written, and whether a tree matches its
//! manifest. This part does not run cosign, does not print, and does not read the environment.
//!
//! Reading order: [`name`] and [`manifest`] define what a bundle may contain; [`rooted_dir`] opens
//! every file. Building: [`inputs`], [`target`], [`staging`], [`copy`], [`publish`].
//! Packing: [`archive_target`], [`pack`], [`pending_archive`].
//! Checking: [`walk`], [`audit`], and [`check`], which combines the two; of an archive, [`archive_input`] and
//! [`check_archive`].

use std::fmt::Display;
use std::io;
use std::num::NonZeroUsize;

use rustix::fs::Mode;

use crate::error::{Class, Failure};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
pub(crate) use crate::system_error::reason;

pub(crate) mod ancestry;
pub(crate) mod archive_input;
pub(crate) mod archive_target;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod check_archive;
pub(crate) mod collision;
mod copies;
pub(crate) mod copy;
mod exclude;
mod file_system;
pub(crate) mod handout;
pub(crate) mod inputs;
pub(crate) mod layout;
mod litter;
pub(crate) mod manifest;
mod medium;
pub(crate) mod misplaced;
mod mount;
pub(crate) mod name;
pub(crate) mod names;
mod new_file;
pub(crate) mod pack;
pub(crate) mod pending_archive;
pub(crate) mod pending_copy;
mod private_key;
pub(crate) mod publish;
pub(crate) mod receipt_file;
pub(crate) mod reflink;
mod remove;
pub(crate) mod report_file;
pub(crate) mod rooted_dir;
pub(crate) mod second_look;
mod shard;
pub(crate) mod signature_files;
pub(crate) mod space;
pub(crate) mod staging;
pub(crate) mod target;
pub(crate) mod volume_check;
pub(crate) mod walk;
mod workers;
pub(crate) mod write_back;

/// The manifest, at the top level of every bundle.
pub(crate) const MANIFEST: &str = "checksums.txt";

/// The directory of the signatures.
pub(crate) const ATTESTATION: &str = "attestation";

/// The first signature over the manifest: a Sigstore bundle.
pub(crate) const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";

/// How the name of every staging directory ends. It begins with a dot.
const STAGING_SUFFIX: &str = ".aicr-staging";

/// The name of a staging directory inside a bundle, in `attestation/`.
const INNER_STAGING: &str = STAGING_SUFFIX;

/// Whether a directory of this name is a staging directory, which is never payload.
fn is_staging_name(name: &[u8]) -> bool {
    name.starts_with(b".") && name.ends_with(STAGING_SUFFIX.as_bytes())
}

/// The mode of a file in a bundle, whatever its source and the umask.
const PLAIN: Mode = Mode::from_raw_mode(0o644);

/// The mode of an executable file and of a directory.
const EXECUTABLE: Mode = Mode::from_raw_mode(0o755);

/// The size from which on FAT cannot store a file, in bytes.
pub(crate) const FAT_LIMIT: u64 = 1 << 32;

/// The maximum number of files and directories in a bundle. It is far above any real release and
/// limits the memory that an untrusted medium can make this program use.
pub(crate) const MAX_ENTRIES: usize = 10_000_000;

/// How files are processed: on how many threads, with which progress bar, and until which signal.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    /// How many files are read at the same time.
    pub(crate) jobs: NonZeroUsize,
    /// Counts the files and bytes that are read.
    pub(crate) progress: &'a Progress,
    /// Checked between files, and every few hundred KiB within a file.
    pub(crate) interrupt: &'a Interrupt,
}

/// The failure "cannot DOING PATH: REASON" for an error of the operating system: exit 1.
pub(crate) fn cannot(doing: &str, path: impl Display, error: &io::Error) -> Failure {
    Failure::new(Class::Broken, format!("cannot {doing} {path}: {}", reason(error)))
}

/// Runs a test on two threads, with a hidden progress bar and no signal.
#[cfg(test)]
pub(crate) fn with_two_threads<T>(test: impl FnOnce(&Work<'_>) -> T) -> T {
    let jobs = NonZeroUsize::new(2).unwrap();
    test(&Work { jobs, progress: &Progress::hidden(), interrupt: &Interrupt::default() })
}
