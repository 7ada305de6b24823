//! The arguments of `inspect` and `sheet`, as typed.

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Describe this bundle or archive, release of another tool, or receipt
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SheetArgs {
    /// Make the sheet of this bundle directory or archive
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::AnyPath)]
    pub(crate) bundle: Utf8PathBuf,
    /// Require a signature by the key in this file; - is standard input
    /// (repeatable)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, action = clap::ArgAction::Append)]
    pub(crate) key: Vec<String>,
    /// Write the sheet to this file, not to stdout
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<Utf8PathBuf>,
}

impl SheetArgs {
    /// The bundle, and the files that the flags name.
    pub(super) fn paths(&self) -> Vec<&Utf8Path> {
        let Self { bundle, key, output } = self;
        let keys = key.iter().map(Utf8Path::new);
        std::iter::once(bundle.as_path()).chain(keys).chain(output.as_deref()).collect()
    }
}
