//! The only file that prints: results to stdout, everything else to stderr.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use anyhow::Context;

use super::color::{self, Tone, painted};
use super::progress::{Reminder, Shown};
use super::{BundleReport, Report, json, text};
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
    /// Where stderr goes.
    stderr: Screen,
}

/// What stderr can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    /// Lines that are drawn again and again.
    Terminal,
    /// Lines, which a person reads at once.
    DumbTerminal,
    /// Lines, which somebody may read later.
    File,
}

impl Printer {
    /// A printer for these flags and variables.
    pub(crate) fn new(format: Format, verbosity: Verbosity, color: Color, environment: &Environment) -> Self {
        let colored = |terminal| color::wanted(color, terminal, environment);
        let stderr = match io::stderr().is_terminal() {
            true if color::is_dumb(environment) => Screen::DumbTerminal,
            true => Screen::Terminal,
            false => Screen::File,
        };
        Self {
            format,
            verbosity,
            color_stdout: colored(io::stdout().is_terminal()),
            color_stderr: colored(stderr != Screen::File),
            stderr,
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

    /// Shows how far reading files is: a bar on a terminal, elsewhere a line a minute.
    pub(crate) fn progress(self, work: &'static str) -> Shown {
        match self.stderr {
            _ if self.verbosity == Verbosity::Quiet => Shown::nowhere(),
            Screen::Terminal => Shown::as_bar(work),
            Screen::DumbTerminal | Screen::File => {
                Shown::as_lines(move |line| self.talk(&format!("{work}: {line}")))
            }
        }
    }

    /// Says with which key cosign signs: at once on a terminal, elsewhere once a minute until the
    /// result is dropped.
    pub(crate) fn signing(self, signer: &str) -> Option<Reminder> {
        let line = format!("signing with {}", tame(signer));
        match self.stderr {
            _ if self.verbosity == Verbosity::Quiet => None,
            Screen::Terminal | Screen::DumbTerminal => {
                self.talk(&line);
                None
            }
            Screen::File => Reminder::each_minute(move || self.talk(&line)),
        }
    }

    /// Prints the result of `command`, errors last; `None` if none was recognised. Fails only if
    /// stdout takes no more.
    pub(crate) fn report(self, command: Option<&str>, report: &Report, time: SystemTime) -> Result<()> {
        let printed = match self.format {
            Format::Json => json::render(command, report, time)?,
            Format::Text => text::render(report, self.verbosity, self.color_stdout),
        };
        let written = Self::raw(printed.as_bytes());
        if self.verbosity == Verbosity::Quiet && report.bundles.iter().any(BundleReport::is_unsigned) {
            self.talk(text::UNSIGNED);
        }
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
