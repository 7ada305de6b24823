//! The progress bar, which is drawn only on a terminal and not with `--quiet`.

use std::fs::File;

use crate::sandbox::{Sandbox, UNSIGNED};

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
            bar.contains(" files, ")
                && bar.contains(" of 256.0 MiB, ")
                && bar.contains("iB/s, ")
                && bar.trim_end().ends_with(" left")
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
    assert_eq!(
        on_a_terminal(&sandbox, "aicr bundle dist --output B --quiet"),
        UNSIGNED.replace('\n', "\r\n")
    );
    assert_eq!(on_a_terminal(&sandbox, "aicr verify B --checksums-only --quiet"), "");
}

#[test]
fn a_dumb_terminal_gets_neither_bar_nor_color() {
    let sandbox = test_dir();
    let sent = on_a_terminal(&sandbox, "env TERM=dumb aicr bundle dist --output B --no-sign");
    assert!(!sent.contains(['\u{1b}', '[']), "{sent:?}");
    assert!(sent.ends_with("UNSIGNED: nothing proves who made it until it is signed\r\n"), "{sent:?}");
}

#[test]
fn a_line_says_with_which_key_cosign_signs() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let sign = "aicr bundle dist --signing-key cosign.key --tlog-upload=false --output";
    let says = "signing with cosign.key\r\n";
    for term in ["xterm", "dumb"] {
        let sent = on_a_terminal(&sandbox, &format!("env TERM={term} {sign} {term}"));
        assert!(sent.contains(says), "{term}: {sent:?}");
    }
    assert_eq!(on_a_terminal(&sandbox, &format!("{sign} C --quiet")), "");
}
