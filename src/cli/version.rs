//! `--version`, and with `-v` what this program was built for and from.

use std::ffi::OsString;

use clap::{Arg, ArgAction};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The platform, from build.rs.
const TARGET: &str = env!("AICR_TARGET");

/// The commit, from scripts/build-release.
const COMMIT: Option<&str> = option_env!("AICR_COMMIT");

/// The flag, whose help says more than clap's own.
pub(super) fn flag() -> Arg {
    Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help_heading(None)
        .help("Print the version; with -v, also the target and the commit")
}

/// Whether `-v` is there too. clap stops at `--version`, so only the arguments can tell.
pub(crate) fn is_verbose(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).filter_map(|argument| argument.to_str()).take_while(|word| *word != "--").any(
        |word| {
            let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            word == "--verbose" || letters.is_some_and(|letters| letters.contains('v'))
        },
    )
}

/// The version as one line, then the target and the commit.
pub(crate) fn verbose() -> String {
    let commit = COMMIT.filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    format!("aicr {VERSION}\ntarget: {TARGET}\ncommit: {commit}\n")
}
