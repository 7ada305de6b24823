//! What cosign's error text means: it chooses the hint, and between "not supported", "not signed"
//! and "not reached". It is never a verdict: that comes from the exit status and from what cosign
//! wrote. Pure.

mod failed_service;
mod network_failure;
mod rules;
mod service;
mod service_rules;

use self::network_failure::network_failure;
use self::rules::{LAST_RULE, NO_PROVIDER, RULES, WRONG_PASSWORD};
pub(crate) use self::service::of_service_failure;
use crate::error::{Class, Failure};
use crate::plan::key_ref::KeyRef;
use crate::printable::quoted;

/// Why `sign-blob` or `public-key` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// `NoCosign`, `NotSigned` or `Unproven`.
    pub(crate) class: Class,
    /// The end of a sentence that begins with the key.
    pub(crate) reason: &'static str,
    /// What helps, if that is known.
    pub(crate) hint: Option<&'static str>,
}

impl Diagnosis {
    /// The failure of a run that used `key`. `kms_env`: whether this command has `--kms-env`.
    pub(crate) fn of(self, key: &KeyRef, kms_env: bool) -> Failure {
        let mut failure = Failure::new(self.class, format!("{key} {}", self.reason));
        if self.reason == WRONG_PASSWORD {
            failure = failure.of_wrong_password();
        }
        match self.hint {
            // The plugin exists: that was checked before.
            Some(_) if self.reason == NO_PROVIDER && matches!(key, KeyRef::Plugin { .. }) => {
                failure.hint("KMS plugins need cosign 2.6 or later: install one, or name one with --cosign")
            }
            Some(hint) if !kms_env && hint.contains("--kms-env") => failure.hint(format!(
                "a plugin gets no variables here: run `cosign public-key --key {} --outfile cosign.pub`, and give that file to --key",
                quoted(&key.to_string())
            )),
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Reads `text`, the stderr of a run that failed with a key. Nothing if no rule fits.
pub(crate) fn of_key_failure(text: &[u8]) -> Option<Diagnosis> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    if let Some(rule) = RULES.iter().find(|rule| rule.fits(&text)) {
        return Some(rule.diagnosis);
    }
    let network = network_failure(&text).map(|failure| Diagnosis {
        class: Class::Unproven,
        reason: failure.reason,
        hint: Some(failure.key_hint),
    });
    network.or_else(|| LAST_RULE.fits(&text).then_some(LAST_RULE.diagnosis))
}

/// The failure of a run whose text fits no rule: a refusal.
pub(crate) fn unknown(what: &str) -> Failure {
    Failure::new(Class::NotSigned, format!("{what} was refused by cosign"))
}

/// What cosign printed, for people: its error or panic, once, shortened, with control characters
/// made visible. cosign prints an error twice, and other texts before it, such as the terms of a
/// service.
pub(crate) fn shown(text: &[u8]) -> String {
    const ERROR: &[u8] = b"Error: ";
    const AGAIN: &[u8] = b"error during command execution: ";
    const LINES: usize = 20;
    const WIDTH: usize = 1000;
    let place = |text: &[u8], words: &[u8]| text.windows(words.len()).position(|window| window == words);
    // At the start of a line, since a plugin may print `KeyError: `; else anywhere, as after a
    // prompt.
    let line_start = place(text, &[b"\n", ERROR].concat()).map(|at| at + 1);
    let start = if text.starts_with(ERROR) { Some(0) } else { line_start.or_else(|| place(text, ERROR)) };
    // If a plugin breaks, its own text comes before the error, and has the reason.
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
