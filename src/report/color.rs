//! Words in color, and whether there is any.

use crate::cli::Color;
use crate::settings::Environment;

/// How a piece of text is meant.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Warning,
    Hint,
}

/// Whether output is colored. A typed `--color` decides; else `NO_COLOR`, `CLICOLOR_FORCE`,
/// `CLICOLOR` and `TERM`, in this order; else whether it goes to a terminal.
pub(super) fn wanted(color: Color, terminal: bool, environment: &Environment) -> bool {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR").is_some() => false,
        Color::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => terminal && set("CLICOLOR").is_none_or(|value| value != "0") && !is_dumb(environment),
    }
}

/// Whether the terminal has no cursor that can be moved.
pub(super) fn is_dumb(environment: &Environment) -> bool {
    environment.get("TERM").is_some_and(|value| value == "dumb")
}

/// The word in the color of its tone, bold.
pub(super) fn painted(word: &str, tone: Tone) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Warning => "33",
        Tone::Hint => "36",
    };
    format!("\u{1b}[1;{code}m{word}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_color() {
        use Color::{Always, Auto, Never};
        for (color, variables, on_a_terminal, elsewhere) in [
            (Auto, [("TERM", "xterm"), ("A", "")], true, false),
            (Auto, [("TERM", "dumb"), ("A", "")], false, false),
            (Auto, [("NO_COLOR", "1"), ("A", "")], false, false),
            (Auto, [("NO_COLOR", ""), ("A", "")], true, false),
            (Auto, [("CLICOLOR", "0"), ("A", "")], false, false),
            (Auto, [("CLICOLOR", "1"), ("A", "")], true, false),
            (Auto, [("CLICOLOR", ""), ("A", "")], true, false),
            (Auto, [("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (Auto, [("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true, true),
            (Auto, [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false, false),
            (Auto, [("CLICOLOR_FORCE", "0"), ("A", "")], true, false),
            (Auto, [("CLICOLOR_FORCE", ""), ("A", "")], true, false),
            (Always, [("NO_COLOR", "1"), ("TERM", "dumb")], true, true),
            (Never, [("CLICOLOR_FORCE", "1"), ("TERM", "xterm")], false, false),
        ] {
            let environment = Environment::of(variables);
            let found = [true, false].map(|terminal| wanted(color, terminal, &environment));
            assert_eq!(found, [on_a_terminal, elsewhere], "{color:?} {variables:?}");
        }
    }
}
