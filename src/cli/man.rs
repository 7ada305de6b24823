//! The manual page: one page for all commands, made from the flags and the table of exit codes.

use std::fmt::Write as _;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::error::{Class, EXIT_CODES};

/// The page, in the language of `man`.
pub(crate) fn page() -> std::io::Result<Vec<u8>> {
    let mut built = Cli::command();
    built.build();
    let whole = Man::new(Cli::command()).date("").manual("User commands");
    let mut page = Vec::new();
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;

    let mut text = String::from(".SH SYNOPSIS\n");
    for command in built.get_subcommands_mut() {
        let usage = command.render_usage().to_string();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n.br", escaped(usage.trim_start_matches("Usage: ")));
    }
    text.push_str(".SH DESCRIPTION\n");
    text.push_str(&escaped(&built.get_about().map(ToString::to_string).unwrap_or_default()));
    text.push('\n');
    for command in Cli::command().get_subcommands() {
        let mut options = Vec::new();
        Man::new(command.clone()).render_options_section(&mut options)?;
        let _ = write!(
            text,
            ".SH COMMAND {}\n{}\n{}",
            escaped(command.get_name()),
            escaped(&command.get_about().map(ToString::to_string).unwrap_or_default()),
            String::from_utf8_lossy(&options).replace(".SH ", ".SS ")
        );
    }
    page.extend(text.as_bytes());
    whole.render_options_section(&mut page)?;

    let mut text = String::from(".SH EXIT STATUS\n");
    for (class, meaning) in EXIT_CODES {
        let _ = write!(text, ".TP\n{}\n{}\n", class.map_or(0, Class::code), escaped(meaning));
    }
    page.extend(text.as_bytes());
    Ok(page)
}

/// Text in which nothing is a request, and a hyphen can be typed.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}
