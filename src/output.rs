//! The only file that prints: results to stdout, talk to stderr. What is printed was decided
//! elsewhere; here it becomes text or JSON.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::{Color, Format};
use crate::error::{Failure, Result};
use crate::plan::global::Verbosity;
use crate::printable::{is_hidden, show, tame};
use crate::report::{BundleReport, Report, SignatureReport, Verdict};
use crate::settings::Environment;
use crate::tree::audit::Finding;

/// The version of the JSON object.
const SCHEMA_VERSION: u32 = 1;

/// The bar, at most 79 columns wide: a line that is wrapped is not erased as a whole.
const BAR: &str = "{prefix} [{bar:16}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// Prints, in the way that the global flags ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    verbosity: Verbosity,
    color_stdout: bool,
    color_stderr: bool,
}

/// How a piece of text is meant.
#[derive(Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Warning,
    Hint,
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

    /// Something the operator should know, although all goes on.
    pub(crate) fn warning(self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.talk(&format!("{}: {}", self.painted("warning", Tone::Warning), tame(text)));
        }
    }

    /// The line that names what a signature will be told to; `--quiet` does not silence it.
    pub(crate) fn notice(self, text: &str) {
        self.talk(&format!("{}: {}", self.painted("notice", Tone::Warning), tame(text)));
    }

    /// A command that is about to be run.
    pub(crate) fn command(self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.talk(&format!("+ {}", tame(text)));
        }
    }

    /// What cosign says to a person who has to do something; `--quiet` does not silence it.
    pub(crate) fn cosign_says(self, line: &str) {
        self.talk(&format!("    {}", tame(line)));
    }

    /// A bar over `bytes` of work: on a terminal, and there alone.
    pub(crate) fn progress(self, work: &'static str, bytes: u64) -> ProgressBar {
        if self.verbosity == Verbosity::Quiet {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_prefix(work);
        // The template is a constant that tests use.
        ProgressStyle::with_template(BAR)
            .map_or(bar.clone(), |style| bar.with_style(style.progress_chars("=> ")))
    }

    /// Prints the result of `command`, errors last; `None` if none was recognised. Fails only if
    /// stdout takes no more.
    pub(crate) fn report(self, command: Option<&str>, report: &Report) -> Result<()> {
        let exit = report.class().map_or(0, crate::error::Class::code);
        let printed = match self.format {
            Format::Json => json(command, exit, report)?,
            Format::Text => self.text(report),
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

    /// Writes to stdout, whole.
    pub(crate) fn raw(bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        Ok(stdout.write_all(bytes).and_then(|()| stdout.flush()).context("write to stdout")?)
    }

    /// One failure: what is wrong, what cosign said, the way out.
    pub(crate) fn failure(self, failure: &Failure) {
        let mut text = format!("{}: {}", self.painted("error", Tone::Bad), tame(failure.message()));
        for line in failure.said().unwrap_or_default().lines() {
            let _ = write!(text, "\n    {}", tame(line));
        }
        if let Some(hint) = failure.way_out() {
            let _ = write!(text, "\n{}: {}", self.painted("hint", Tone::Hint), tame(hint));
        }
        self.talk(&text);
    }

    #[expect(clippy::unused_self, reason = "what prints is asked of a printer")]
    fn talk(self, text: &str) {
        // Nobody is left to tell when stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    fn text(self, report: &Report) -> String {
        let quiet = self.verbosity == Verbosity::Quiet;
        let mut text = String::new();
        for check in &report.checks {
            if !quiet {
                let _ = writeln!(text, "{:<12}  {}", check.name, tame(&check.found));
                for (name, value) in &check.details {
                    let _ = writeln!(text, "{:<12}    {}: {}", "", tame(name), tame(value));
                }
            }
        }
        for bundle in &report.bundles {
            if quiet && bundle.findings.is_empty() {
                // What a dry run is for is its commands.
                text.extend(
                    bundle
                        .commands
                        .iter()
                        .filter(|_| bundle.verdict == Verdict::Planned)
                        .map(|line| format!("{}\n", tame(line))),
                );
            } else if bundle.verdict != Verdict::Failed || report.bundles.len() > 1 {
                self.bundle(bundle, &mut text);
            }
        }
        text
    }

    fn bundle(self, bundle: &BundleReport, text: &mut String) {
        let BundleReport {
            path,
            verdict,
            manifest,
            signatures,
            findings,
            findings_total,
            error: _,
            commands,
        } = bundle;
        let path = show(path.as_str());
        let tone = match verdict {
            Verdict::Accepted | Verdict::Signed | Verdict::AlreadySigned => Tone::Good,
            Verdict::Unproven | Verdict::Unsigned | Verdict::Planned | Verdict::NotAttempted => Tone::Warning,
            Verdict::Rejected | Verdict::Failed => Tone::Bad,
        };
        // UNSIGNED is the last line, so it does not come first as well.
        let word = if *verdict == Verdict::Unsigned { "built" } else { verdict.word() };
        let word = if self.color_stdout { painted(word, tone) } else { word.to_owned() };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{word} {path}");
        if let Some(manifest) = manifest {
            let files = if manifest.files == 1 { "file" } else { "files" };
            if let Some(digest) = &manifest.sha256 {
                let _ = writeln!(text, "  manifest sha256 {digest}");
            }
            let _ = writeln!(text, "  {} {files}, {} bytes", manifest.files, manifest.bytes);
        }
        for SignatureReport { path: _, key_sha256, identity, issuer, log, timestamp } in signatures {
            let by = match (key_sha256, identity, issuer) {
                (None, Some(identity), Some(issuer)) => {
                    format!("identity {}, issuer {}", show(identity), show(issuer))
                }
                (Some(key), ..) => format!("key sha256 {key}"),
                (None, ..) => "signer unknown".into(),
            };
            let _ = writeln!(text, "  {by}, log {}, timestamp {}", log.word(), timestamp.word());
        }
        for finding in findings {
            let Finding { kind, path, to } = finding;
            let _ = write!(text, "  {:<11}  {}", kind.word(), show(path));
            if let Some(to) = to {
                let _ = write!(text, " -> {}", show(to));
            }
            text.push('\n');
        }
        let more = findings_total.saturating_sub(findings.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "  and {more} more");
        }
        match verdict {
            Verdict::Signed | Verdict::AlreadySigned => {
                let _ = writeln!(text, "verify it with:");
            }
            Verdict::Unsigned => {
                let _ = writeln!(text, "sign it with:");
            }
            Verdict::Unproven => {
                let _ = writeln!(text, "nothing proves who made it: anybody can write a manifest");
            }
            _ => {}
        }
        for command in commands {
            let _ = writeln!(text, "  {}", tame(command));
        }
        // In the last line, where a person looks, and a script that keeps the last line too.
        if *verdict == Verdict::Unsigned {
            let _ = writeln!(text, "UNSIGNED: nothing proves who made it until it is signed");
        }
    }

    fn painted(self, word: &str, tone: Tone) -> String {
        if self.color_stderr { painted(word, tone) } else { word.to_owned() }
    }
}

fn painted(word: &str, tone: Tone) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Warning => "33",
        Tone::Hint => "36",
    };
    format!("\u{1b}[1;{code}m{word}\u{1b}[0m")
}

fn json(command: Option<&str>, exit: u8, report: &Report) -> Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        schema_version: u32,
        command: Option<&'a str>,
        exit: u8,
        #[serde(flatten)]
        report: &'a Report,
    }
    let envelope = Envelope { schema_version: SCHEMA_VERSION, command, exit, report };
    let text = serde_json::to_string(&envelope).context("write the JSON report")?;
    // The same value, and nothing in it that a terminal would obey or hide.
    let escaped = text.chars().fold(String::with_capacity(text.len() + 1), |mut escaped, letter| {
        if is_hidden(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
        escaped
    });
    Ok(escaped + "\n")
}

#[cfg(test)]
mod tests {
    use super::BAR;

    #[test]
    fn the_bar_fits_into_80_columns() {
        let widest = [
            ("{prefix}", "verify"),
            ("{bar:16}", "================"),
            ("{bytes}", "1023.99 GiB"),
            ("{total_bytes}", "1023.99 GiB"),
            ("{bytes_per_sec}", "1023.99 MiB/s"),
            ("{eta}", "59m"),
        ];
        let line = widest.iter().fold(BAR.to_owned(), |line, (field, text)| line.replace(field, text));
        assert!(!line.contains('{') && line.len() < 80, "{line}");
    }
}
