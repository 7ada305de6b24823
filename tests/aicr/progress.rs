//! The progress bar, which is drawn only on a terminal and not with `--quiet`.

use std::fs::File;

use crate::sandbox::Sandbox;

/// The output of a shell command to a terminal.
fn on_a_terminal(sandbox: &Sandbox, line: &str) -> String {
    let line = format!("stty rows 24 cols 80; exec timeout 60 {line}");
    let run = sandbox.program_run(["script", "-qefc", &line, "/dev/null"]).env("TERM", "xterm");
    let output = run.whatever_it_prints().succeeds();
    String::from_utf8(output.stdout).unwrap()
}

/// A test directory with a sparse file of 256 MiB, which takes a while to hash.
fn test_dir() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    File::create(sandbox.path("dist/large")).unwrap().set_len(256 << 20).unwrap();
    sandbox
}

#[test]
fn the_bar_shows_the_progress_and_is_erased_at_the_end() {
    let sandbox = test_dir();
    for (what, line) in [
        ("copy", "aicr bundle dist --output B"),
        ("verify", "aicr verify B --checksums-only"),
        ("hash", "aicr bundle dist --in-place"),
    ] {
        let sent = on_a_terminal(&sandbox, line);
        let bars: Vec<&str> =
            sent.split(['\r', '\n']).filter(|part| part.contains(&format!("{what} ["))).collect();
        let whole = |bar: &&&str| {
            bar.contains(" of 256.00 MiB, ") && bar.contains("iB/s, ") && bar.trim_end().ends_with(" left")
        };
        assert!(bars.iter().filter(whole).count() > 1, "{line}: {sent:?}");
        assert!(
            bars.iter().all(|bar| bar.trim_end().chars().count() < 80 + "\u{1b}[2K".len()),
            "{line}: {sent:?}"
        );
        // It is erased before anything else is printed.
        let (_, after) = sent.rsplit_once(" left").unwrap();
        assert!(after.trim_start().starts_with("\u{1b}[2K\u{1b}[1;33m"), "{line}: {after:?}");
    }
}

#[test]
fn quiet_draws_no_bar_on_a_terminal() {
    let sandbox = test_dir();
    assert_eq!(on_a_terminal(&sandbox, "aicr bundle dist --output B --quiet"), "");
    assert_eq!(on_a_terminal(&sandbox, "aicr verify B --checksums-only --quiet"), "");
}
