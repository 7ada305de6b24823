//! The completion scripts: clap's, with mends for what does not work in the real shells. Tests
//! press the tab key in each of them.

use clap::{CommandFactory, ValueHint};
use clap_complete::Shell;

use super::Cli;

/// The script for a shell.
pub(super) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "aicr", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Shell::Bash => bash(&script),
        Shell::Zsh => zsh(&script),
        Shell::Fish => fish(&script),
        _ => script.into_owned(),
    }
}

/// The commands, with the two values of `--tlog-upload`: `plan` reads them, so that a flag and a
/// variable are refused in the same words, and clap does not know them.
fn command() -> clap::Command {
    let values = |command: clap::Command| {
        let has_it = command.get_arguments().any(|flag| flag.get_id() == "tlog_upload");
        if has_it {
            command.mut_arg("tlog_upload", |flag| flag.value_parser(["true", "false"]))
        } else {
            command
        }
    };
    Cli::command().mut_subcommands(values)
}

/// The flags whose value follows `=` in the same word, or not at all.
fn flags_with_equals() -> Vec<String> {
    let command = Cli::command();
    let flags = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let mut names: Vec<String> = flags
        .filter(|flag| flag.is_require_equals_set())
        .filter_map(|flag| flag.get_long().map(|name| format!("--{name}")))
        .collect();
    names.dedup();
    names
}

/// * Readline splits a word at `=`, so that the flag is not the word before the value.
/// * A value that needs `=` is not offered without it.
/// * Where a command takes paths, an empty word completes to a path, not to a flag. (bash itself
///   completes files if the function offers nothing.)
fn bash(script: &str) -> String {
    let alone: Vec<String> =
        flags_with_equals().iter().map(|flag| format!("        *,{flag}) prev=\"\" ;;\n")).collect();
    let alone = alone.concat();
    let words = format!(
        "    prev=\"$3\"\n    case \"${{cur}},${{prev}}\" in\n        =,*) cur=\"\" ;;\n        \
         *,=) prev=\"${{COMP_WORDS[COMP_CWORD-2]}}\" ;;\n{alone}    esac\n"
    );
    let start = "        aicr__subcmd__";
    let blocks: Vec<String> = script.split(start).map(bash_block).collect();
    blocks.join(start).replace("    prev=\"$3\"\n", &words)
}

/// The part of a command in the script for bash.
fn bash_block(block: &str) -> String {
    let name = block.split(')').next().unwrap_or_default().replace("__subcmd__", "-");
    let command = Cli::command();
    let hint = command
        .find_subcommand(name)
        .and_then(|command| command.get_positionals().next())
        .map_or(ValueHint::Unknown, clap::Arg::get_value_hint);
    let paths = match hint {
        ValueHint::Unknown => return block.to_owned(),
        ValueHint::DirPath => {
            "            if [[ \"${BASH_VERSINFO[0]}\" -ge 4 ]]; then\n                compopt -o plusdirs\n            fi\n"
        }
        _ => "",
    };
    let flags = "            COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )\n";
    let end = "            esac\n";
    block
        .replace("${cur} == -* || ${COMP_CWORD} -eq 2 ]]", "${cur} == -* ]]")
        .replace(&format!("{end}{flags}"), &format!("{end}{paths}"))
}

/// * `*::` hides all words but the arguments from `_arguments`, so that no flag completes after the
///   first argument; `*:` does not.
/// * A value that needs `=` is not offered without it.
fn zsh(script: &str) -> String {
    let mended = |line: &str| {
        let line = line.strip_prefix("'*::").map_or_else(|| line.to_owned(), |rest| format!("'*:{rest}"));
        flags_with_equals()
            .iter()
            .fold(line, |line, flag| line.replace(&format!("'{flag}=["), &format!("'{flag}=-[")))
    };
    script.split_inclusive('\n').map(mended).collect()
}

/// * A value that needs `=` is not offered without it.
/// * clap's script has no values of arguments, such as the shells of `aicr completions`.
fn fish(script: &str) -> String {
    let equals = flags_with_equals();
    let needs_equals = |line: &str| {
        equals.iter().any(|flag| line.contains(&format!(" -l {} ", flag.trim_start_matches('-'))))
    };
    let mended = |line: &str| {
        if needs_equals(line) { line.replace("' -r -f -a", "' -f -a") } else { line.to_owned() }
    };
    let values_of = |command: &clap::Command| {
        let values = command.get_positionals().flat_map(clap::Arg::get_possible_values);
        let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        let (name, values) = (command.get_name(), values.join(" "));
        (!values.is_empty()).then(|| {
            format!("complete -c aicr -n \"__fish_aicr_using_subcommand {name}\" -f -a \"{values}\"\n")
        })
    };
    let mended = script.split_inclusive('\n').map(mended);
    mended.chain(Cli::command().get_subcommands().filter_map(values_of)).collect()
}
