//! What cosign's words mean: the words of a hint, and the choice between "cannot do it", "did not
//! sign" and "nothing was reached". Never a verdict: that is its exit status and what it wrote. Pure.

mod failed_service;
mod rules;
mod service;
mod service_rules;

use self::rules::{NO_PROVIDER, RULES, Rule};
pub(crate) use self::service::of_service_failure;
use crate::error::{Class, Failure};
use crate::plan::key_ref::KeyRef;

/// What a failed `sign-blob` or `public-key` comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// `NoCosign`, `NotSigned` or `Unproven`.
    pub(crate) class: Class,
    /// The end of a sentence that begins with the key.
    pub(crate) reason: &'static str,
    /// The way out, where one is known.
    pub(crate) hint: Option<&'static str>,
}

impl Diagnosis {
    /// The failure of a run that used `key`; `kms_env`: whether there is such a flag.
    pub(crate) fn of(self, key: &KeyRef, kms_env: bool) -> Failure {
        let failure = Failure::new(self.class, format!("{key} {}", self.reason));
        let hint = match self.hint {
            // Its plugin is there: that was looked at before.
            Some(_) if self.reason == NO_PROVIDER && matches!(key, KeyRef::Plugin { .. }) => {
                Some("KMS plugins need cosign 2.6 or later: install one, or name one with --cosign")
            }
            Some(hint) if !kms_env && hint.contains("--kms-env") => Some(
                "a plugin sees no variables here: `cosign public-key --key REF --outfile cosign.pub` gives it yours, and writes the file for --key",
            ),
            hint => hint,
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What `text`, the stderr of a run that failed with a key, comes down to, if a rule knows it.
pub(crate) fn of_key_failure(text: &[u8]) -> Option<Diagnosis> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    RULES.iter().find(|rule| rule.fits(&text)).map(|Rule { words: _, diagnosis }| *diagnosis)
}

/// The failure of a run of which no rule knows the text: a refusal.
pub(crate) fn unknown(what: &str) -> Failure {
    Failure::new(Class::NotSigned, format!("{what} was refused by cosign"))
}

/// What cosign printed, fit to be shown: its error or panic (before that it talks of other things, such as
/// the terms of a service that nobody asked, and it prints an error twice), cut where it goes on too long,
/// control characters visible.
pub(crate) fn shown(text: &[u8]) -> String {
    const ERROR: &[u8] = b"Error: ";
    const AGAIN: &[u8] = b"error during command execution: ";
    const LINES: usize = 20;
    const WIDTH: usize = 1000;
    let place = |text: &[u8], words: &[u8]| text.windows(words.len()).position(|window| window == words);
    // At the start of a line, since a plugin may say `KeyError: `; or else after a question.
    let line_start = place(text, &[b"\n", ERROR].concat()).map(|at| at + 1);
    let start = if text.starts_with(ERROR) { Some(0) } else { line_start.or_else(|| place(text, ERROR)) };
    // What a plugin said that broke comes before the error, and tells why.
    let broken_plugin = start.is_some_and(|at| place(&text[at..], b"parsing plugin response").is_some());
    let panic = || place(text, b"\npanic: ").map_or(0, |at| at + 1);
    let start = match start {
        Some(at) if !broken_plugin => at + ERROR.len(),
        Some(_) => 0,
        None => panic(),
    };
    let mut lines: Vec<String> = Vec::new();
    for line in text[start..].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if (start > 0 || broken_plugin) && line.windows(AGAIN.len()).any(|window| window == AGAIN) {
            break;
        }
        let line = line.strip_prefix(ERROR).unwrap_or(line);
        // Tabs are harmless, and a Go trace is full of them.
        let line = crate::printable::show(&line[..line.len().min(WIDTH)]).replace(r"\u{9}", "    ");
        if line.is_empty() {
            continue;
        }
        if lines.len() == LINES {
            lines.push("…".into());
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
