//! The only file that prints: results to stdout, everything else to stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use indicatif::ProgressBar;

use super::color::{Tone, painted};
use super::{Report, json, progress, text};
use crate::cli::{Color, Format};
use crate::error::{Failure, Result};
use crate::plan::global::Verbosity;
use crate::printable::tame;
use crate::settings::Environment;

/// Prints as the global flags say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    verbosity: Verbosity,
    color_stdout: bool,
    color_stderr: bool,
}

impl Printer {
    /// A printer for these flags. `NO_COLOR` counts under `--color auto`.
    pub(crate) fn new(format: Format, verbosity: Verbosity, color: Color, environment: &Environment) -> Self {
        let plain = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colored = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        Self {
            format,
            verbosity,
            color_stdout: colored(io::stdout().is_terminal()),
            color_stderr: colored(io::stderr().is_terminal()),
        }
    }

    /// A warning; the run goes on.
    pub(crate) fn warning(self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.talk(&format!("{}: {}", self.painted("warning", Tone::Warning), tame(text)));
        }
    }

    /// The notice that names the log that will get a signature; `--quiet` does not silence it.
    pub(crate) fn notice(self, text: &str) {
        self.talk(&format!("{}: {}", self.painted("notice", Tone::Warning), tame(text)));
    }

    /// A command that is about to be run.
    pub(crate) fn command(self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.talk(&format!("+ {}", tame(text)));
        }
    }

    /// What cosign prints for a person who signs in; `--quiet` does not silence it.
    pub(crate) fn cosign_says(self, line: &str) {
        self.talk(&format!("    {}", tame(line)));
    }

    /// A bar over `bytes` of work: on a terminal, and there alone.
    pub(crate) fn progress(self, work: &'static str, bytes: u64) -> ProgressBar {
        if self.verbosity == Verbosity::Quiet { ProgressBar::hidden() } else { progress::bar(work, bytes) }
    }

    /// Prints the result of `command`, errors last; `None` if none was recognised. Fails only if
    /// stdout takes no more.
    pub(crate) fn report(self, command: Option<&str>, report: &Report) -> Result<()> {
        let exit = report.class().map_or(0, crate::error::Class::code);
        let printed = match self.format {
            Format::Json => json::render(command, exit, report)?,
            Format::Text => text::render(report, self.verbosity, self.color_stdout),
        };
        let written = Self::raw(printed.as_bytes());
        let errors = report
            .bundles
            .iter()
            .map(|bundle| &bundle.error)
            .chain(report.checks.iter().map(|check| &check.error))
            .chain([&report.error]);
        for failure in errors.flatten() {
            self.failure(failure);
        }
        written
    }

    /// The help for a command line without any command, on stderr.
    pub(crate) fn short_help(self, text: &str) {
        self.talk(text);
    }

    /// Writes to stdout, whole.
    pub(crate) fn raw(bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        Ok(stdout.write_all(bytes).and_then(|()| stdout.flush()).context("write to stdout")?)
    }

    /// One failure: message, what cosign said, hint.
    pub(crate) fn failure(self, failure: &Failure) {
        let mut text = format!("{}: {}", self.painted("error", Tone::Bad), tame(failure.message()));
        for line in failure.cosign_output().unwrap_or_default().lines() {
            let _ = write!(text, "\n    {}", tame(line));
        }
        if let Some(hint) = failure.way_out() {
            let _ = write!(text, "\n{}: {}", self.painted("hint", Tone::Hint), tame(hint));
        }
        self.talk(&text);
    }

    #[expect(clippy::unused_self, reason = "what prints is asked of a printer")]
    fn talk(self, text: &str) {
        // There is no other place for this when stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    fn painted(self, word: &str, tone: Tone) -> String {
        if self.color_stderr { painted(word, tone) } else { word.to_owned() }
    }
}
