//! The manual pages: aicr(1), and one page for each command that does some work. They are made from
//! the flags, the examples, the table of exit codes and the texts in `texts`.

mod texts;

use std::fmt::Write as _;

use clap::CommandFactory;
use clap_mangen::Man;

use super::Cli;
use super::examples::Example;
use crate::error::{Class, EXIT_CODES};
use texts::{Entry, Page};

/// The commands that have a page of their own.
pub(super) const COMMANDS: [&str; 7] =
    ["bundle", "bundle-sign", "pack", "verify", "inspect", "sheet", "doctor"];

/// What a page says about its origin.
const SOURCE: &str = concat!("aicr ", env!("CARGO_PKG_VERSION"));

/// How an apostrophe is written that can be copied to a shell, in every `man`.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// The page of a command, or aicr(1), in the language of `man`.
pub(super) fn page(name: Option<&str>) -> String {
    let mut aicr = Cli::command();
    aicr.build();
    let command = name.and_then(|name| aicr.find_subcommand(name)).unwrap_or(&aicr).clone();
    let texts = Page::of(name);
    let whole = Man::new(command.clone());
    let title = command.get_display_name().unwrap_or("aicr").to_uppercase();
    // clap_mangen would leave out the date, which is empty, and so shift what follows it.
    let mut page = format!("{APOSTROPHE}.TH \"{title}\" \"1\" \"\" \"{SOURCE}\" \"User commands\"\n");
    page.push_str(&rendered(|page| whole.render_name_section(page)));
    section(&mut page, "SYNOPSIS", &usage(command.clone()));
    section(&mut page, "DESCRIPTION", &paragraphs(texts.description));
    if name.is_none() {
        section(&mut page, "COMMANDS", &commands(&aicr));
    }
    page.push_str(&rendered(|page| whole.render_options_section(page)));
    section(&mut page, "EXAMPLES", &examples(texts.examples));
    section(&mut page, "ENVIRONMENT", &entries(texts.environment()));
    section(&mut page, "FILES", &entries(texts.files.iter().copied()));
    section(&mut page, "EXIT STATUS", &exit_codes());
    section(&mut page, "SEE ALSO", &see_also(name));
    page
}

/// A section of clap_mangen's, which begins each with the same two lines.
fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut section = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = render(&mut section);
    String::from_utf8_lossy(&section).replace(APOSTROPHE, "")
}

fn section(page: &mut String, title: &str, text: &str) {
    let _ = write!(page, ".SH {title}\n{}\n", text.trim_end());
}

/// One line for each form of the usage.
fn usage(mut command: clap::Command) -> String {
    let usage = command.render_usage().to_string();
    let forms: Vec<String> =
        usage.lines().map(|form| escaped(form.trim_start_matches("Usage:").trim())).collect();
    forms.join("\n.br\n")
}

fn paragraphs(text: &str) -> String {
    escaped(text).replace("\n\n", "\n.PP\n")
}

fn commands(aicr: &clap::Command) -> String {
    let entry = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        format!(".TP\n\\fBaicr {}\\fR\n{}\n", escaped(command.get_name()), escaped(&about))
    };
    aicr.get_subcommands().map(entry).collect()
}

fn examples(examples: &[Example]) -> String {
    let entry = |Example { purpose, line }: &Example| {
        format!(".PP\n{}:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", escaped(purpose), escaped(line))
    };
    // `.SH` has made the first paragraph.
    examples.iter().map(entry).collect::<String>().trim_start_matches(".PP\n").to_owned()
}

fn entries(entries: impl Iterator<Item = Entry>) -> String {
    let entry = |(name, meaning)| format!(".TP\n\\fB{}\\fR\n{}\n", escaped(name), escaped(meaning));
    entries.map(entry).collect()
}

fn exit_codes() -> String {
    let entry = |(class, meaning): &(Option<Class>, &str)| {
        format!(".TP\n{}\n{}\n", class.map_or(0, Class::code), escaped(meaning))
    };
    EXIT_CODES.iter().map(entry).collect()
}

/// The other pages, and the programs by others that do a part of the work.
fn see_also(name: Option<&str>) -> String {
    let own = COMMANDS.into_iter().filter(|command| Some(*command) != name);
    let aicr = name.map(|_| "aicr".to_owned()).into_iter();
    let pages = aicr.chain(own.map(|command| format!("aicr-{command}")));
    let all = pages.chain(["cosign", "sha256sum"].map(ToOwned::to_owned));
    let all: Vec<String> = all.map(|page| format!("\\fB{}\\fR(1)", escaped(&page))).collect();
    all.join(",\n")
}

/// Text in which nothing is a request, and which can be copied to a shell.
fn escaped(text: &str) -> String {
    let text = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('~', "\\(ti")
        .replace('`', "\\(ga");
    // A dot would begin a request there.
    text.lines()
        .map(|line| if line.starts_with('.') { format!("\\&{line}") } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}
