//! README.md: short, and true. Its six lines are run as they stand, its picture is drawn again from a real
//! run. What it shares with other pages is checked in [`super::docs_generated`] and [`super::docs_text`].

use std::fs;

use crate::sandbox::{Sandbox, repository};

/// `make docs` sets it: pages are then written, not compared.
const UPDATE: &str = "AICR_DOCS_UPDATE";

/// A file of the repository.
pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// What `aicr` prints to stdout.
pub(crate) fn printed(words: &str) -> String {
    let run = Sandbox::new().aicr(words).whatever_it_prints().succeeds();
    String::from_utf8(run.stdout).unwrap()
}

/// Compares a file of the repository with what the program makes of it today.
pub(crate) fn holds(name: &str, current: &str) {
    let written = document(name);
    if written == current {
        return;
    }
    if std::env::var_os(UPDATE).is_some() {
        fs::write(repository().join(name), current).unwrap();
        return;
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (written.lines().collect(), current.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let line = |lines: &[&str]| lines.get(same).copied().unwrap_or("(end)").to_owned();
    panic!(
        "{name}:{} differs from the program; `make docs` rewrites it\n- {}\n+ {}",
        same + 1,
        line(&old),
        line(&new)
    );
}

/// The block of shell below a marker.
fn shell_below(marker: &str) -> String {
    let readme = document("README.md");
    let (_, rest) = readme.split_once(&format!("{marker}\n```sh\n")).expect(marker);
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn readme_is_a_front_page() {
    let lines = document("README.md").lines().count();
    assert!(lines <= 150, "README.md has {lines} lines, and may have 150");
    for command in ["make demo", "make test", "make lint"] {
        assert!(document("README.md").contains(&format!("\n{command} ")), "{command}");
    }
}

#[test]
fn six_lines_run_as_they_are() {
    let lines = shell_below("<!-- try it -->");
    assert_eq!(lines.lines().count(), 6);
    let sandbox = Sandbox::new();
    let output = sandbox.shell(&lines).without("COSIGN_PASSWORD").output();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    let results: Vec<&str> =
        text.lines().filter(|line| line.ends_with(" release-1.4") && !line.starts_with(' ')).collect();
    assert_eq!(results, ["signed release-1.4", "accepted release-1.4", "rejected release-1.4"], "{text}");
    assert!(text.lines().any(|line| line.starts_with("  changed ") && line.ends_with(" app")), "{text}");
}

#[test]
fn picture_is_a_real_run() {
    let sandbox = Sandbox::new();
    let script = repository().join("scripts/terminal-picture");
    let run = sandbox.program_run([script.as_os_str(), env!("CARGO_BIN_EXE_aicr").as_ref()]);
    let run = run.whatever_it_prints().succeeds();
    let picture = String::from_utf8(run.stdout).unwrap();
    assert!(!picture.contains(|c: char| c.is_control() && c != '\n'), "{picture:?}");
    holds("docs/terminal.svg", &picture);
}
