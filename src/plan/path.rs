//! Paths that were typed: one that is empty names nothing. Nothing here looks at a disk.

use camino::Utf8PathBuf;

use crate::error::{Failure, Result};
use crate::printable::show;

/// Refuses an empty path; `flag` is the flag or the placeholder that holds it.
pub(super) fn not_empty(path: Utf8PathBuf, flag: &str) -> Result<Utf8PathBuf> {
    if path.as_str().is_empty() {
        return Err(Failure::usage(format!("{flag}: the path is empty"))
            .hint("an unset variable in the command line is the usual cause"));
    }
    Ok(path)
}

/// Refuses empty paths among several.
pub(super) fn none_empty(paths: Vec<Utf8PathBuf>, placeholder: &str) -> Result<Vec<Utf8PathBuf>> {
    paths.into_iter().map(|path| not_empty(path, placeholder)).collect()
}

/// The first path, and how many more there are, for a message.
pub(super) fn first_of(paths: &[Utf8PathBuf]) -> String {
    let first = paths.first().map(|path| show(path.as_str())).unwrap_or_default();
    match paths.len() {
        0 | 1 => format!("`{first}`"),
        count => format!("`{first}` and {} more", count - 1),
    }
}
