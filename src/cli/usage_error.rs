//! A command line that clap refuses, as a usage error: the command, what is wrong, and a hint that
//! names flags that exist. A typo is never answered with a flag that publishes something or uses
//! the network.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Cli, known_words};
use crate::error::Failure;
use crate::printable::show;

/// Flags that publish something or use the network: no typo is taken for one of them.
const NEVER_GUESSED: [&str; 4] = ["--keyless", "--attest", "--tlog-upload", "--online"];

/// How many letters of a misspelt command or flag may be wrong, missing, swapped or too many.
const TYPOS: usize = 2;

/// The command that a refused line names, if any.
pub(crate) fn command(error: &clap::Error, arguments: &[OsString]) -> Option<&'static str> {
    let mut words = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    let named = words.find_map(|word| super::COMMANDS.into_iter().find(|name| *name == word));
    named.filter(|_| error.kind() != ErrorKind::InvalidSubcommand)
}

/// The refusal of a line that names `command`.
pub(crate) fn refusal(error: &clap::Error, arguments: &[OsString], command: Option<&str>) -> Failure {
    let aicr = command.map_or_else(|| "aicr".to_owned(), |command| format!("aicr {command}"));
    let (message, hint) = match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("no command given".to_owned(), None)
        }
        ErrorKind::InvalidSubcommand => unknown_command(error, arguments),
        ErrorKind::UnknownArgument => unknown_argument(error, arguments, command),
        ErrorKind::MissingRequiredArgument => missing_argument(command),
        ErrorKind::ArgumentConflict => conflict(error),
        ErrorKind::TooManyValues => value_of_a_switch(error),
        ErrorKind::InvalidValue => invalid_value(error),
        ErrorKind::InvalidUtf8 => ("an argument is not UTF-8".to_owned(), None),
        _ => (own_words(error), None),
    };
    Failure::usage(show(message)).hint(hint.map_or_else(|| format!("{aicr} --help"), show))
}

/// What is wrong, and a hint that is better than the name of the help.
type Answer = (String, Option<String>);

/// A line with which `command` works; `operand` in the place of its path, if that is known.
pub(super) fn example(command: &str, operand: Option<&str>) -> Option<String> {
    let operand = operand.and_then(|operand| shlex::try_quote(operand).ok());
    let or = |example: &str| operand.as_deref().unwrap_or(example).to_owned();
    Some(match command {
        "bundle" => format!("aicr bundle {} --output release-1.4", or("dist/")),
        "bundle-sign" => {
            format!("aicr bundle-sign {} --signing-key cosign.key --tlog-upload=false", or("DIR"))
        }
        "pack" => format!("aicr pack {} --output release-1.4.tar", or("DIR")),
        "inspect" => format!("aicr inspect {}", or("DIR")),
        "sheet" => format!("aicr sheet {} --key cosign.pub", or("DIR")),
        "verify" => format!("aicr verify {} --key cosign.pub --insecure-ignore-tlog", or("DIR")),
        "completions" => format!("aicr completions {}", or("bash")),
        _ => return None,
    })
}

/// A string that clap's error is about.
fn word(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(word),
        _ => None,
    }
}

/// The flag or argument that clap's error is about, without its value: `--output`, `SHELL`.
fn argument(error: &clap::Error) -> String {
    flag_of(word(error, ContextKind::InvalidArg).unwrap_or_default())
}

/// `--output <DIR>`, `--tlog-upload[=<BOOL>]` and `[COMMAND]` without brackets and values.
fn flag_of(usage: &str) -> String {
    let flag = usage.split([' ', '=']).next().unwrap_or_default();
    flag.trim_end_matches("...").trim_end_matches('[').trim_matches(['<', '>', '[', ']']).to_owned()
}

fn unknown_command(error: &clap::Error, arguments: &[OsString]) -> Answer {
    let typed = word(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let operand = arguments
        .iter()
        .skip_while(|argument| argument.to_str() != Some(typed))
        .nth(1)
        .and_then(|operand| operand.to_str())
        .filter(|operand| !operand.starts_with('-'));
    let hint = known_words::instead_of(typed, operand).or_else(|| {
        let near = nearest(typed, super::COMMANDS.map(ToOwned::to_owned));
        near.map(|name| format!("did you mean `aicr {name}`?"))
    });
    (format!("`{typed}` is not an aicr command"), hint)
}

fn unknown_argument(error: &clap::Error, arguments: &[OsString], command: Option<&str>) -> Answer {
    let typed = word(error, ContextKind::InvalidArg).unwrap_or_default();
    let name = command.unwrap_or("aicr");
    if !typed.starts_with('-') {
        return (format!("{name} does not take the argument `{typed}`"), None);
    }
    let flags = flags_of(command);
    if flags.iter().any(|flag| flag == typed) {
        return (format!("{typed} must follow the command"), Some(format!("write {typed} after `{name}`")));
    }
    let known = known_words::FLAGS.iter().find(|(flags, commands, _)| {
        flags.contains(&typed) && command.is_some_and(|command| commands.contains(&command))
    });
    let hint = known
        .map(|(.., answer)| (*answer).to_owned())
        .or_else(|| flag_of_others(typed))
        .or_else(|| typo_of_no_upload(typed, arguments, &flags))
        .or_else(|| {
            let safe = flags.into_iter().filter(|flag| !NEVER_GUESSED.contains(&flag.as_str()));
            nearest(typed, safe).map(|flag| format!("did you mean {flag}?"))
        });
    (format!("{name} has no flag {typed}"), hint)
}

/// Which commands have a flag that this one has not.
fn flag_of_others(typed: &str) -> Option<String> {
    if typed == "--version" || typed == "-V" {
        return Some("aicr --version".to_owned());
    }
    let has_it = |command: &&str| flags_of(Some(command)).iter().any(|flag| flag == typed);
    let commands: Vec<String> =
        super::COMMANDS.iter().filter(|name| has_it(name)).map(|name| format!("`aicr {name}`")).collect();
    (!commands.is_empty()).then(|| format!("{typed} is a flag of {}", joined(&commands, "and")))
}

/// `--tlog-uplaod=false`: the value shows that this does not lead to an upload.
fn typo_of_no_upload(typed: &str, arguments: &[OsString], flags: &[String]) -> Option<String> {
    let is_known = flags.iter().any(|flag| flag == "--tlog-upload");
    let is_typo = strsim::osa_distance(typed, "--tlog-upload") <= TYPOS;
    let is_false = arguments.iter().any(|argument| *argument == *format!("{typed}=false"));
    (is_known && is_typo && is_false).then(|| "write --tlog-upload=false".to_owned())
}

fn missing_argument(command: Option<&str>) -> Answer {
    let command = command.unwrap_or_default();
    let what = match command {
        "bundle" => "a file or directory to bundle",
        "completions" => "the name of a shell",
        _ => "a bundle directory",
    };
    (format!("{command} needs {what}"), example(command, None))
}

/// A flag twice, or two flags that exclude each other.
fn conflict(error: &clap::Error) -> Answer {
    let flag = argument(error);
    match word(error, ContextKind::PriorArg).map(flag_of) {
        Some(prior) if prior != flag => {
            (format!("{flag} cannot be used with {prior}"), Some(format!("leave out {flag} or {prior}")))
        }
        _ => (format!("{flag} is given twice"), Some(format!("leave out one {flag}"))),
    }
}

/// A flag without a value, and a value behind it, as cosign's flags may have one.
fn value_of_a_switch(error: &clap::Error) -> Answer {
    let flag = argument(error);
    let hint = match word(error, ContextKind::InvalidValue) {
        Some("false") => format!("leave out {flag}"),
        _ => format!("write {flag} without a value"),
    };
    (format!("{flag} does not take a value"), Some(hint))
}

/// A value that is missing, or none of the few that exist.
fn invalid_value(error: &clap::Error) -> Answer {
    let name = argument(error);
    let valid: &[String] = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values,
        _ => &[],
    };
    let hint = (!valid.is_empty()).then(|| format!("use {}", joined(valid, "or")));
    match word(error, ContextKind::InvalidValue) {
        Some("") | None => {
            let usage = word(error, ContextKind::InvalidArg).unwrap_or_default().replace(['<', '>'], "");
            (format!("{name} needs a value"), hint.or_else(|| Some(format!("write {usage}"))))
        }
        Some(value) => (format!("{name}: invalid value `{value}`"), hint),
    }
}

/// The first paragraph of clap's text.
fn own_words(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// The long flags of a command, the global ones too, or of `aicr` alone.
fn flags_of(command: Option<&str>) -> Vec<String> {
    let mut aicr = Cli::command();
    aicr.build();
    let command = command.and_then(|name| aicr.find_subcommand(name)).unwrap_or(&aicr);
    command.get_arguments().filter_map(|flag| Some(format!("--{}", flag.get_long()?))).collect()
}

/// The name that was most likely meant: the nearest one, or a longer or shorter one with the same
/// beginning.
fn nearest(typed: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let near = |name: &String| {
        let distance = strsim::osa_distance(typed, name);
        let is_part =
            typed.len().min(name.len()) > 4 && (name.starts_with(typed) || typed.starts_with(name.as_str()));
        (distance <= TYPOS || is_part).then_some(distance)
    };
    names
        .into_iter()
        .filter_map(|name| Some((near(&name)?, name)))
        .min_by_key(|(near, _)| *near)
        .map(|(_, name)| name)
}

/// `a, b and c`.
fn joined(words: &[String], and: &str) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}
