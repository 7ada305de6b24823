//! The arguments of `pack` as typed.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// Pack this bundle directory
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    pub(crate) bundle: Utf8PathBuf,
    /// Write the archive to this file; the names of volumes begin with it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<Utf8PathBuf>,
    /// Write volumes of at most this size, such as 650MB, 4GB, or 4G for 4 GiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) volume_size: Option<String>,
    /// Replace the archive of this name
    #[arg(long)]
    pub(crate) force: bool,
}

impl PackArgs {
    /// The bundle and the archive.
    pub(super) fn paths(&self) -> Vec<&Utf8Path> {
        [Some(self.bundle.as_path()), self.output.as_deref()].into_iter().flatten().collect()
    }
}
