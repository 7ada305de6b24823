//! Which flags and variables are refused, and that a refusal changes nothing. A line is split as a
//! shell does: variables, then words.

mod completions;
mod globals;
mod help;
mod help_examples;
mod key_references;
mod man;
mod nothing_done;
mod signing;
mod signing_rows;
mod trust;
mod usage_errors;

use crate::sandbox::{Run, Sandbox};

/// `[NAME=value ...] words of aicr ...`, split at blanks.
fn line<'a>(sandbox: &'a Sandbox, line: &str) -> Run<'a> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let assignment = |word: &&&str| word.starts_with(|c: char| c.is_ascii_uppercase()) && word.contains('=');
    let variables = words.iter().take_while(assignment).count();
    words[..variables].iter().fold(sandbox.aicr_with(&words[variables..]), |run, variable| {
        let (name, value) = variable.split_once('=').unwrap();
        run.env(name, value)
    })
}

/// A directory in which a refusal that changes something is seen: `dist` to bundle, an unsigned
/// bundle `B`, a directory named `false`, and a cosign that leaves a mark when it is started.
fn test_directory() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.unsigned().file("false/a", "alpha\n");
    let mark = format!("touch '{}'; exit 1", sandbox.path("started").display());
    sandbox.program("bin/cosign", &mark);
    sandbox
}

/// Each line exits 2 with exactly this error and this hint, prints nothing else, starts no cosign,
/// and changes no file.
#[track_caller]
fn refused(table: &[(&str, &str, &str)]) {
    let sandbox = test_directory();
    let before = sandbox.tree("");
    for (words, message, hint) in table {
        line(&sandbox, words).stderr(&format!("error: {message}\nhint: {hint}\n")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
}
