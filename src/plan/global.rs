//! The flags that every command has.

use std::num::NonZeroUsize;
use std::time::Duration;

use camino::Utf8PathBuf;

use super::own_variables;
use super::value::{Source, Sourced, typed_or_variable};
use crate::cli::{Color, Format, GlobalArgs};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::printable::show;
use crate::settings::Environment;

/// The default timeout of a run of cosign.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3 * 60);

/// The longest timeout. More is a typo, and would overflow a clock.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The most files that are read at once: more would exhaust file descriptors and be no faster.
const MOST_JOBS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Findings, errors and the log notice only.
    Quiet,
    /// Results, warnings and hints too.
    Normal,
    /// Each cosign command too.
    Verbose,
}

/// The global flags, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GlobalPlan {
    /// The cosign to use, and the flag or variable that names it; `None` for the one on the PATH.
    pub(crate) cosign: Option<Sourced<Utf8PathBuf>>,
    /// The SHA-256 that the cosign binary must have.
    pub(crate) cosign_sha256: Option<Sha256Digest>,
    /// How long each run of cosign may take, never zero, and the flag or variable to change it.
    pub(crate) timeout: Sourced<Duration>,
    /// How many files are read at once; at most [`MOST_JOBS`].
    pub(crate) jobs: NonZeroUsize,
    /// The form of results.
    pub(crate) format: Format,
    /// How much is printed.
    pub(crate) verbosity: Verbosity,
    /// When output is colored.
    pub(crate) color: Color,
}

impl GlobalPlan {
    /// The plan of `args`; `processors` is the number of jobs when none is typed.
    pub(crate) fn new(args: GlobalArgs, environment: &Environment, processors: NonZeroUsize) -> Result<Self> {
        let GlobalArgs { cosign, cosign_sha256, timeout, jobs, format, report: _, quiet, verbose, color } =
            args;
        // clap does not see this conflict when one of them is before the command.
        if quiet && verbose {
            return Err(Failure::usage("--quiet cannot be used with --verbose")
                .hint("leave out --quiet, or leave out --verbose"));
        }
        let typed = cosign.map(Utf8PathBuf::into_string);
        let cosign = typed_or_variable(typed, "--cosign", environment, own_variables::COSIGN)?;
        let timeout = typed_or_variable(timeout, "--timeout", environment, own_variables::TIMEOUT)?;
        Ok(Self {
            cosign: cosign.map(cosign_path).transpose()?,
            cosign_sha256: cosign_sha256.as_deref().map(sha256).transpose()?,
            timeout: match timeout {
                Some(timeout) => Sourced { value: duration(&timeout)?, source: timeout.source },
                None => Sourced { value: DEFAULT_TIMEOUT, source: Source::Flag("--timeout") },
            },
            jobs: jobs.as_deref().map_or(Ok(processors.min(MOST_JOBS)), files_at_once)?,
            format,
            verbosity: match (quiet, verbose) {
                (true, _) => Verbosity::Quiet,
                (false, false) => Verbosity::Normal,
                (false, true) => Verbosity::Verbose,
            },
            color,
        })
    }
}

fn files_at_once(text: &str) -> Result<NonZeroUsize> {
    text.parse().ok().filter(|jobs| *jobs <= MOST_JOBS).ok_or_else(|| {
        Failure::usage(format!("--jobs: `{}` is not a number from 1 to {MOST_JOBS}", show(text)))
            .hint("leave out --jobs to use one job for each processor")
    })
}

fn cosign_path(path: Sourced<String>) -> Result<Sourced<Utf8PathBuf>> {
    let Sourced { value, source } = path;
    if value.is_empty() {
        return Err(Failure::usage(format!("{source}: the path is empty"))
            .hint(format!("name the cosign binary, or {} to use the one on the PATH", source.removal())));
    }
    Ok(Sourced { value: value.into(), source })
}

fn sha256(text: &str) -> Result<Sha256Digest> {
    Sha256Digest::parse(text.to_ascii_lowercase().as_bytes()).ok_or_else(|| {
        Failure::usage(format!("--cosign-sha256: `{}` is not 64 hex digits", show(text)))
            .hint("`sha256sum \"$(command -v cosign)\"` prints the digest of the cosign on the PATH")
    })
}

fn duration(text: &Sourced<String>) -> Result<Duration> {
    const FORM: &str = "write a number with its unit, such as 90s, 3m or 1h";
    let Sourced { value, source } = text;
    let refuse = |problem: &str| Failure::usage(format!("{source}: {problem}")).hint(FORM);
    let shown = show(value);
    if value.is_empty() {
        return Err(refuse("the duration is empty"));
    }
    if value.bytes().all(|b| b.is_ascii_digit()) && value.bytes().any(|b| b != b'0') {
        return Err(refuse(&format!("`{shown}` has no unit")));
    }
    match humantime::parse_duration(value) {
        Err(_) => Err(refuse(&format!("`{shown}` is not a duration"))),
        Ok(time) if time.is_zero() => Err(refuse("a timeout of 0 would stop cosign at once")),
        Ok(time) if time > LONGEST_TIMEOUT => Err(refuse(&format!("`{shown}` is longer than 30 days"))),
        Ok(time) => Ok(time),
    }
}

#[cfg(test)]
mod tests;
