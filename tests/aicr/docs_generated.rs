//! What pages show of the program: examples with all that they print, tables of flags and exit
//! codes. The tests make these parts again and compare them; the markers in the pages say what
//! belongs where.
//!
//! | marker | below it | | --- | --- | | `<!-- recipe: NAME -->` | a recipe of `aicr sheet`, for
//! `release-1.4` and `cosign.pub` | | `<!-- example -->` | a console: each line after `$ ` is
//! run, the examples of a page in one directory | | `<!-- setup: COMMAND -->` | nothing: the
//! command is run before the next example | | `<!-- flags: every command -->` | the flags that
//! every command has | | `<!-- flags: A B -->` | the flags that only the commands A and B have | |
//! `<!-- exit codes -->` | the exit codes, as the manual page has them |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::docs_readme::{document, holds, printed};
use crate::docs_text::pages;
use crate::fake::answers;
use crate::recipes::block;
use crate::sandbox::Sandbox;

/// The cosign of `aicr doctor` in the examples: what a release printed when it was recorded.
const RECORDED: &str = "v3.1.3";

#[test]
fn pages_show_what_the_program_prints() {
    let tables = tables();
    let mut used = BTreeSet::new();
    for page in pages() {
        let mut current = String::new();
        let (mut sandbox, mut sheet) = (None, None);
        let text = document(&page);
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            writeln!(current, "{line}").unwrap();
            if line == "<!-- example -->" {
                assert_eq!(lines.next(), Some("```console"), "{page}");
                let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
                let block = example(sandbox.get_or_insert_with(prepared), &block);
                write!(current, "```console\n{block}```\n").unwrap();
            } else if let Some(name) = line.strip_prefix("<!-- recipe: ") {
                assert!(lines.next().is_some_and(|line| line.starts_with("```")), "{page}");
                lines.by_ref().take_while(|line| *line != "```").for_each(drop);
                current.push_str(&block(with_sheet(&mut sheet), name.strip_suffix(" -->").unwrap()));
            } else if let Some(command) = line.strip_prefix("<!-- setup: ") {
                let command = command.strip_suffix(" -->").unwrap();
                sandbox.get_or_insert_with(prepared).shell(command).succeeds();
            } else if let Some(table) = tables.get(line) {
                used.insert(line.to_owned());
                let head: Vec<&str> = lines.by_ref().take(2).collect();
                while lines.next_if(|line| line.starts_with('|')).is_some() {}
                write!(current, "{}\n{table}", head.join("\n")).unwrap();
            } else {
                assert!(!line.starts_with("<!-- flags: "), "{page}: no flags belong below {line}");
            }
        }
        holds(&page, &current);
    }
    let missing: Vec<&String> = tables.keys().filter(|marker| !used.contains(*marker)).collect();
    assert!(missing.is_empty(), "no page has {missing:?}");
}

/// A directory with the sheet of `release-1.4` and `cosign.pub`.
fn with_sheet(sandbox: &mut Option<Sandbox>) -> &Sandbox {
    sandbox.get_or_insert_with(|| {
        let sandbox = Sandbox::new();
        sandbox.signed();
        let sheet = "mv B release-1.4 && aicr sheet release-1.4 --key cosign.pub -o sheet.md -q";
        sandbox.shell(sheet).succeeds();
        sandbox
    })
}

/// The directory of the examples of one page.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.program(
        "recorded/cosign",
        &format!(
            "PATH=/usr/bin:/bin
for BLOB; do :; done
{}
case $1 in
  version) echo 'GitVersion: {RECORDED}' ;;
  public-key) cat '{}' ;;
esac",
            answers(RECORDED),
            sandbox.path("cosign.pub").display()
        ),
    );
    sandbox
}

/// The lines that are typed: after `$ `, and after `> ` if the line before ends with a backslash.
fn typed(block: &[&str]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(command.to_owned());
        } else if let Some(rest) = line.strip_prefix("> ")
            && let Some(command) = commands.last_mut().filter(|command| command.ends_with('\\'))
        {
            command.push('\n');
            command.push_str(rest);
        }
    }
    commands
}

/// The commands of an example, each with what it prints now.
fn example(sandbox: &Sandbox, block: &[&str]) -> String {
    let mut shown = String::new();
    for command in typed(block) {
        let command = command.as_str();
        let line = command.strip_suffix(" | jq .");
        let mut run = sandbox.shell(&format!("{{ {}\n}} 2>&1", line.unwrap_or(command)));
        if command.starts_with("aicr doctor") {
            run = run.env("AICR_COSIGN", sandbox.path("recorded/cosign").to_str().unwrap());
        }
        let printed = String::from_utf8(run.output().stdout).unwrap();
        let printed = if line.is_some() { formatted(printed.lines().next().unwrap()) } else { printed };
        write!(shown, "$ {}\n{}", command.replace('\n', "\n> "), normal(sandbox, &printed)).unwrap();
    }
    shown
}

/// What differs from machine to machine, as it is on the machine of the pages.
fn normal(sandbox: &Sandbox, text: &str) -> String {
    let mut text = text.to_owned();
    for cosign in ["bin/cosign", "recorded/cosign"] {
        text = text.replace(sandbox.path(cosign).to_str().unwrap(), "/usr/local/bin/cosign");
    }
    let mut lines = String::new();
    for line in text.replace(sandbox.path("").to_str().unwrap(), "/home/me/").lines() {
        let line = match line.trim_start().split_once(": ") {
            Some((key @ "\"version\"", _)) => format!("    {key}: \"{RECORDED}\","),
            Some((key @ "\"time\"", _)) => format!("  {key}: \"2026-03-31T09:26:53Z\","),
            Some((key @ "\"dialect\"", _)) => format!("    {key}: \"signing-config\""),
            _ => line.to_owned(),
        };
        writeln!(lines, "{line}").unwrap();
    }
    lines
}

/// One line of JSON in the form that `jq .` gives it.
fn formatted(json: &str) -> String {
    let (mut text, mut depth, mut in_text) = (String::new(), 0, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_text {
            text.push(letter);
            match letter {
                '\\' => text.extend(letters.next()),
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        let next_line = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        };
        match letter {
            '{' | '[' => {
                text.push(letter);
                if let Some(close) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(close);
                } else {
                    depth += 1;
                    next_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                next_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                next_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                in_text = letter == '"';
                text.push(letter);
            }
        }
    }
    text.push('\n');
    text
}

/// The rows of each table, by its marker.
fn tables() -> BTreeMap<String, String> {
    let mut tables = BTreeMap::from([("<!-- exit codes -->".to_owned(), exit_codes())]);
    let every = flags("");
    tables.insert("<!-- flags: every command -->".to_owned(), every.iter().map(row).collect());
    // Which commands have a flag with this meaning, in the order of the help.
    let mut owners: Vec<(Flag, Vec<String>)> = Vec::new();
    for command in commands() {
        for flag in flags(&command).into_iter().filter(|flag| !every.contains(flag)) {
            match owners.iter_mut().find(|(known, _)| *known == flag) {
                Some((_, commands)) => commands.push(command.clone()),
                None => owners.push((flag, vec![command.clone()])),
            }
        }
    }
    for (flag, commands) in owners {
        let marker = format!("<!-- flags: {} -->", commands.join(" "));
        tables.entry(marker).or_default().push_str(&row(&flag));
    }
    tables
}

/// A flag as typed, and its meaning.
type Flag = (String, String);

/// `flag` in code, a star for a repeatable one, the meaning with its variable and default.
fn row((flag, meaning): &Flag) -> String {
    let star = if meaning.contains(" (repeatable)") { " *" } else { "" };
    let meaning = meaning
        .replace(" (repeatable)", "")
        .replace("[env: ", "(")
        .replace("] [default: ", "; default: ")
        .replace("[default: ", "(default: ")
        .replace(']', ")");
    let flag = flag.replace(['<', '>'], "").replace('|', "\\|");
    format!("| `{flag}`{star} | {} |\n", meaning.replace('|', "\\|"))
}

/// The names of the commands.
pub(crate) fn commands() -> Vec<String> {
    let help = printed("--help");
    let (_, list) = help.split_once("\nCommands:\n").unwrap();
    let names = list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    names
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .map(Into::into)
        .collect()
}

/// The flags in the help of one command but for those that every program has, in their order.
pub(crate) fn flags(command: &str) -> Vec<Flag> {
    let help = printed(&format!("{command} --help"));
    let mut flags: Vec<Flag> = Vec::new();
    let mut of_flags = None;
    for line in help.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            of_flags = None;
            continue;
        }
        let words = line.trim();
        // A part of the help is a list of flags if its first line is one.
        if !*of_flags.get_or_insert(words.starts_with('-')) {
            continue;
        }
        let meaning = if words.starts_with('-') {
            let (flag, meaning) = words.split_once("  ").unwrap_or((words, ""));
            flags.push((flag.to_owned(), String::new()));
            meaning
        } else {
            words
        };
        let text = &mut flags.last_mut().unwrap().1;
        text.push_str(if text.is_empty() { "" } else { " " });
        text.push_str(meaning.trim());
    }
    flags.retain(|(flag, _)| !flag.ends_with("--help") && !flag.ends_with("--version"));
    flags
}

/// The rows of the exit codes, as the manual page has them.
fn exit_codes() -> String {
    let page = printed("man");
    let (_, status) = page.split_once(".SH EXIT STATUS\n").unwrap();
    let status = status.split("\n.SH ").next().unwrap();
    let entries = status.split(".TP\n").skip(1);
    let rows = entries.map(|entry| {
        let (code, meaning) = entry.trim_end().split_once('\n').unwrap();
        format!("| {code} | {} |\n", meaning.replace("\\-", "-").replace("\\(aq", "'"))
    });
    rows.collect()
}

#[test]
fn every_variable_of_aicr_is_in_the_reference() {
    let reference = document("docs/reference.md");
    let (_, table) = reference.split_once("\n## Environment variables\n").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let documented: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `AICR_")?.split('`').next()).collect();
    let all: Vec<Flag> = commands().iter().flat_map(|command| flags(command)).collect();
    let used: BTreeSet<&str> = all
        .iter()
        .filter_map(|(_, meaning)| meaning.split_once("[env: AICR_")?.1.split(']').next())
        .collect();
    assert_eq!(documented, used);
}
