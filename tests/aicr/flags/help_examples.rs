//! The examples at the end of each help: each line is run, with a throw-away key and without a
//! network.

use super::help::{COMMANDS, printed};
use crate::sandbox::{Sandbox, fixture};

/// The lines of the examples in the help of a command, each as one line for a shell.
fn examples(help: &str) -> Vec<String> {
    let (_, examples) = help.split_once("\n\nExamples:\n").unwrap();
    assert!(!examples.contains("\n\n"), "the examples end the help: {examples}");
    let mut lines: Vec<String> = Vec::new();
    let mut is_continued = false;
    for text in examples.lines() {
        let Some(command) = text.strip_prefix("    ") else {
            assert!(text.starts_with("  ") && text.ends_with(':') && !is_continued, "{text}");
            continue;
        };
        let (part, goes_on) = command.strip_suffix('\\').map_or((command, false), |part| (part, true));
        if is_continued {
            lines.last_mut().unwrap().push_str(part.trim_start());
        } else {
            lines.push(part.to_owned());
        }
        is_continued = goes_on;
    }
    assert!(lines.iter().all(|line| line.contains("aicr ")), "{lines:?}");
    lines
}

/// Everything that the examples need: `dist`, two signed bundles and places for completions.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/build.tmp", "left out\n");
    let root = fixture("sigstore/trusted-root.json");
    sandbox.file("token.jwt", TOKEN).file("trusted_root.json", root);
    sandbox.directory("home/.zfunc").directory("home/.config/fish/completions");
    for version in ["1.4", "1.5"] {
        let release = format!("--release-name widget --release-version {version}");
        let line = format!(
            "bundle dist -o release-{version} {release} --signing-key cosign.key --tlog-upload=false -q"
        );
        sandbox.aicr(&line).succeeds();
    }
    sandbox.aicr("pack release-1.4 -o release-1.4.tar -q").succeeds();
    sandbox.link("medium", ".");
    for (from, to) in [
        ("release-1.4/a", "widget-1.2/a"),
        ("release-1.4/checksums.txt", "widget-1.2/SHA256SUMS"),
        ("release-1.4/attestation/checksums.txt.sigstore.json", "widget-1.2/SHA256SUMS.sigstore.json"),
        ("cosign.pub", "widget.pub"),
    ] {
        sandbox.file(to, sandbox.read(from));
    }
    sandbox
}

/// An identity token without a signature: a dry run only looks at its form.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyZWxlYXNlIn0.c2ln";

/// The line that is run for an example, and its exit code. There is no key manager and no identity
/// here: a dry run contacts neither, doctor reports that it cannot reach the key, and verify
/// rejects a bundle that a key has signed. bundle-sign gets bundles that are not signed.
fn run_for(example: &str) -> (String, i32) {
    let is_remote = example.contains("://") || example.contains("--keyless");
    let dry = if is_remote { " --dry-run" } else { "" };
    match example.split(' ').nth(1) {
        // The examples of other commands need the bundle that is there.
        Some("bundle") => {
            (format!("set -e; mv release-1.4 old; {example}{dry}; rm -rf release-1.4; mv old release-1.4"), 0)
        }
        Some("pack") => (format!("rm -f release-1.4.tar*; {example}"), 0),
        Some("bundle-sign") => (format!("rm -rf release-*/attestation; {example}{dry}"), 0),
        Some("doctor") if is_remote => (example.to_owned(), 6),
        Some("verify") if is_remote => (example.to_owned(), 5),
        _ => (example.to_owned(), 0),
    }
}

#[test]
fn every_example_of_the_help_runs() {
    for command in COMMANDS {
        let sandbox = prepared();
        for example in examples(&printed(&sandbox, &format!("{command} --help"))) {
            let (line, exit) = run_for(&example);
            let run = sandbox.program_run(["bash", "-c", &line]).whatever_it_prints();
            // With these, the address of the key manager is what is missing.
            let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"];
            credentials.into_iter().fold(run, |run, name| run.env(name, "example")).exits(exit);
        }
    }
}
