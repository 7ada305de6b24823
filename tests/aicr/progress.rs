//! The bar that is drawn while files are read: for a terminal alone, and not with `--quiet`.

use std::fs::File;

use crate::sandbox::Sandbox;

/// What a terminal is sent by a line of shell.
fn on_a_terminal(sandbox: &Sandbox, line: &str) -> String {
    let line = format!("stty rows 24 cols 80; exec timeout 60 {line}");
    let run = sandbox.program_run(["script", "-qefc", &line, "/dev/null"]).env("TERM", "xterm");
    let output = run.whatever_it_prints().succeeds();
    String::from_utf8(output.stdout).unwrap()
}

/// 256 MiB, which take a while to hash, and no room.
fn stage() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    File::create(sandbox.path("dist/large")).unwrap().set_len(256 << 20).unwrap();
    sandbox
}

#[test]
fn it_says_how_much_there_is_and_goes_when_it_is_done() {
    let sandbox = stage();
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
        // Erased before anything else is said.
        let (_, after) = sent.rsplit_once(" left").unwrap();
        assert!(after.trim_start().starts_with("\u{1b}[2K\u{1b}[1;33m"), "{line}: {after:?}");
    }
}

#[test]
fn quiet_is_quiet_on_a_terminal_too() {
    let sandbox = stage();
    assert_eq!(on_a_terminal(&sandbox, "aicr bundle dist --output B --quiet"), "");
    assert_eq!(on_a_terminal(&sandbox, "aicr verify B --checksums-only --quiet"), "");
}
