//! Help and the version.

use super::line;
use crate::sandbox::Sandbox;

/// Every command, and the line that has its help.
pub(crate) const COMMANDS: [&str; 11] = [
    "",
    "bundle",
    "bundle-sign",
    "pack",
    "verify",
    "inspect",
    "sheet",
    "doctor",
    "help",
    "completions",
    "man",
];

pub(super) fn printed(sandbox: &Sandbox, words: &str) -> String {
    let run = line(sandbox, words).whatever_it_prints().succeeds();
    assert!(run.stderr.is_empty(), "{words}");
    String::from_utf8(run.stdout).unwrap()
}

/// The long flags in a text, in the order of the alphabet.
pub(super) fn flags(text: &str) -> std::collections::BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    text.split(word).filter(|flag| flag.starts_with("--") && flag.len() > 3).map(ToOwned::to_owned).collect()
}

#[test]
fn help_fits_a_terminal() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        for (variables, flag) in [("", "--help"), ("", "-h"), ("COLUMNS=200", "--help")] {
            let help = printed(&sandbox, &format!("{variables} {command} {flag}"));
            let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(wide.is_empty(), "{command}: {wide:#?}");
            assert!(help.contains("\nUsage: aicr"), "{command}");
        }
    }
}

#[test]
fn the_help_command_prints_what_the_flag_prints() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let with_flag = printed(&sandbox, &format!("{command} --help"));
        assert_eq!(printed(&sandbox, &format!("help {command}")), with_flag, "{command}");
        assert_eq!(printed(&sandbox, &format!("AICR_TIMEOUT=soon help {command}")), with_flag, "{command}");
    }
}

#[test]
fn the_version() {
    let sandbox = Sandbox::new();
    let version = format!("aicr {}\n", env!("CARGO_PKG_VERSION"));
    for words in ["-V", "--version", "--version --quiet", "-qV"] {
        line(&sandbox, words).stdout(&version).succeeds();
    }
    let commit = option_env!("AICR_COMMIT").unwrap_or("unknown");
    let verbose = format!("{version}target: {}\ncommit: {commit}\n", env!("AICR_TARGET"));
    for words in ["--version -v", "-v --version", "-vV", "-V --verbose"] {
        line(&sandbox, words).stdout(&verbose).succeeds();
    }
}

#[test]
fn texts_stay_as_they_are_with_format_json() {
    let sandbox = Sandbox::new();
    for words in
        ["--version", "--help", "verify --help", "help verify", "man", "man verify", "completions bash"]
    {
        assert_eq!(printed(&sandbox, &format!("--format json {words}")), printed(&sandbox, words), "{words}");
    }
}
