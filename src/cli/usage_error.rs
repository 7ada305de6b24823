//! A command line that clap refuses, in this program's form: one line, and the way out as a hint. clap's
//! guess at what was meant is told only where following it does no harm.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Failure;
use crate::printable::show;

/// The commands that sign, or say what signing would do.
const SIGNING: &[&str] = &["bundle", "bundle-sign", "doctor"];

/// What is typed out of habit, the commands where it is (any, if none is named), and what to write instead.
const HABITS: [(&str, &[&str], &str); 6] = [
    ("--key", SIGNING, "the key to sign with is --signing-key"),
    ("--no-tlog-upload", SIGNING, "write --tlog-upload=false"),
    ("--no-upload", SIGNING, "write --tlog-upload=false"),
    ("--no-sign", &["bundle-sign", "doctor"], "--no-sign is a flag of `aicr bundle`"),
    ("--offline", &["verify"], "verify uses no network without --online"),
    ("version", &[], "`aicr --version` prints the version"),
];

/// Flags that publish something or use the network: nobody is led to one by a word that looks like it.
const NEVER_GUESSED: [&str; 4] = ["--keyless", "--attest", "--tlog-upload", "--online"];

/// How many letters of a misspelt command may be wrong, missing or too many.
const SLIPS: usize = 2;

/// The refusal of a line; `command` is the one that it names.
pub(crate) fn refusal(error: &clap::Error, command: Option<&str>) -> Failure {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        return Failure::usage("no command was given").hint("`aicr --help` lists the commands");
    }
    let text = error.render().to_string();
    let mut paragraphs =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let tip = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ").map(ToOwned::to_owned));
    let hint = habit(error, command)
        .or_else(|| value_of_a_switch(error))
        .or_else(|| tip.filter(|tip| helps(tip, error)));
    Failure::usage(show(message.as_bytes())).hint(hint.map_or_else(
        || "`aicr --help` and `aicr COMMAND --help` list the flags".into(),
        |hint| show(hint.as_bytes()),
    ))
}

/// A word that an error of clap's is about.
fn word(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word),
        _ => None,
    }
}

/// The flag or command that clap does not know.
fn unknown(error: &clap::Error) -> Option<&str> {
    word(error, ContextKind::InvalidArg).or_else(|| word(error, ContextKind::InvalidSubcommand))
}

/// What to write instead of something that is typed out of habit.
fn habit(error: &clap::Error, command: Option<&str>) -> Option<String> {
    let unknown = unknown(error)?;
    let named =
        |commands: &[&str]| commands.is_empty() || command.is_some_and(|name| commands.contains(&name));
    let (.., instead) =
        HABITS.into_iter().find(|(typed, commands, _)| *typed == unknown && named(commands))?;
    Some(instead.to_owned())
}

/// How to write a flag that is there or not, and was given a value as cosign's may be.
fn value_of_a_switch(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::TooManyValues {
        return None;
    }
    let flag = word(error, ContextKind::InvalidArg)?;
    Some(match word(error, ContextKind::InvalidValue)? {
        "false" => format!("leave out {flag}"),
        _ => format!("write {flag} without a value"),
    })
}

/// Whether a tip of clap's leads where somebody may have wanted to go.
fn helps(tip: &str, error: &clap::Error) -> bool {
    let typed = unknown(error).unwrap_or_default();
    // How to pass a misspelt flag as a value is what nobody wants to know.
    if tip.starts_with("to pass ")
        || NEVER_GUESSED.into_iter().any(|flag| flag != typed && tip.contains(flag))
    {
        return false;
    }
    match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => {
            names.iter().any(|name| strsim::osa_distance(typed, name) <= SLIPS)
        }
        _ => true,
    }
}
