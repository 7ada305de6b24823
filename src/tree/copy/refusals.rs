//! The refusals of files for what only reading them shows.

use std::collections::BTreeSet;

use super::super::exclude::flag_for;
use super::super::inputs::{Collected, SourceFile};
use crate::error::Failure;
use crate::printable::quoted_path;

/// How many files with private keys a hint leaves out.
const KEYS_IN_HINT: usize = 5;

/// The refusal of the files with these indexes, which contain a private key.
pub(super) fn private_keys(collected: &Collected, keys: &BTreeSet<usize>, is_copied: bool) -> Failure {
    let sources: Vec<&SourceFile> = keys.iter().map(|index| &collected.files[*index]).collect();
    let first = sources.first().map_or_else(String::new, |source| collected.source(source));
    let (count, them) = match sources.len() {
        0 | 1 => (String::new(), "it"),
        count => (format!(" ({count} files do)"), "them"),
    };
    let instead = if is_copied {
        let without: Vec<String> =
            sources.iter().take(KEYS_IN_HINT).map(|source| flag_for(source.name.as_str())).collect();
        let more = if sources.len() > KEYS_IN_HINT { " and so on" } else { "" };
        format!("leave {them} out with `{}`{more}", without.join(" "))
    } else {
        format!("move {them} away")
    };
    Failure::usage(format!("{first} contains a private key{count}"))
        .hint(format!("{instead}, or allow {them} with `--allow-private-keys`"))
}

/// The refusal of a file with capabilities.
pub(super) fn capabilities(collected: &Collected, source: &SourceFile, is_copied: bool) -> Failure {
    let name = source.name.as_str();
    let path = collected.roots[source.root as usize].path().join(name);
    let remove = format!("remove them with `setcap -r {}`", quoted_path(&path));
    let hint =
        if is_copied { format!("leave it out with `{}`, or {remove}", flag_for(name)) } else { remove };
    let shown = collected.source(source);
    Failure::usage(format!("{shown} has file capabilities, which a bundle cannot keep")).hint(hint)
}
