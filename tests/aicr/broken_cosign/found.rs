//! Programs that are not cosign, and a cosign that is replaced during a run.

use super::SIGN;
use crate::fake::{HONEST, fake_sandbox};
use crate::sandbox::{Act, Sandbox};

const SCRIPT: &str = "hint: it is a script, which aicr runs with an empty environment, without PATH and HOME: name the cosign binary itself with --cosign\n";

#[test]
fn another_program() {
    let usage = "its sign-blob does not know the flags of cosign 2.0 or later";
    let ended = |how: &str| format!("its `sign-blob --signing-config=x --help` {how}");
    for (script, why) in [
        ("exit 1", usage.to_owned()),
        // cosign 1.13 had neither --tlog-upload nor a way to sign without a log.
        (
            "echo \"Error: unknown flag: ${2%=*}\" >&2; exit 1",
            format!("{usage}\n    unknown flag: --tlog-upload"),
        ),
        ("echo 'unknown command' >&2; exit 1", format!("{usage}\n    unknown command")),
        (
            "echo 'No version is set' >&2; exit 126",
            format!("{}\n    No version is set", ended("ended with exit 126")),
        ),
        ("kill -KILL $$", ended("was killed by signal 9")),
    ] {
        let sandbox = Sandbox::new();
        sandbox.unsigned().program("bin/cosign", script);
        sandbox
            .aicr(&format!("bundle-sign B {SIGN}"))
            .stderr(&format!("error: {{root}}/bin/cosign cannot be used: {why}\n{SCRIPT}"))
            .exits(3);
        assert_eq!(sandbox.tree("tmp"), [""; 0]);
    }
}

/// What is not a script gets another hint; and what says yes to everything, or no, is not a cosign.
#[test]
fn a_program_that_is_not_cosign() {
    for (program, stderr) in [
        (
            "false",
            "error: {root}/false cannot be used: its sign-blob does not know the flags of cosign 2.0 or later
hint: install cosign 2.0 or later, or name one with --cosign
",
        ),
        (
            "true",
            "error: {root}/true (unknown) does not refuse a wrong signature
hint: a wrapper that loses the exit status of cosign is the usual cause: name the cosign binary itself with --cosign
",
        ),
    ] {
        let sandbox = Sandbox::new();
        let binary = std::fs::canonicalize(format!("/usr/bin/{program}")).unwrap();
        sandbox.unsigned().link(program, binary);
        sandbox.aicr(&format!("bundle-sign B {SIGN} --cosign {program}")).stderr(stderr).exits(3);
    }
}

#[test]
fn help_that_does_not_come() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().program("bin/cosign", "exec sleep 1000");
    let hint = |name: &str| {
        format!(
            "error: cosign did not answer within 1s when asked for its help
hint: {name} gives it more time
"
        )
    };
    sandbox.aicr(&format!("bundle-sign B {SIGN} --timeout 1s")).stderr(&hint("--timeout")).exits(6);
    sandbox
        .aicr(&format!("bundle-sign B {SIGN}"))
        .env("AICR_TIMEOUT", "1s")
        .stderr(&hint("AICR_TIMEOUT"))
        .exits(6);
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}

#[test]
fn a_cosign_without_a_version_is_used() {
    let sandbox = Sandbox::new();
    let real = sandbox.cosign().display().to_string();
    sandbox
        .unsigned()
        .program("bin/cosign", &format!("[ \"$1\" != version ] || exit 1; exec '{real}' \"$@\""));
    let output = sandbox.aicr(&format!("bundle-sign B {SIGN} --format json")).whatever_it_prints().succeeds();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["cosign"]["version"], "unknown");
}

#[test]
fn a_named_file_that_is_not_a_program() {
    let cases: [(Act, &str); 5] = [
        (|sandbox| sandbox, "cannot be used: no such file or directory"),
        (|sandbox| sandbox.directory("c"), "is not a file"),
        (|sandbox| sandbox.file("c", "#!/bin/sh\n"), "is not executable"),
        (|sandbox| sandbox.link("c", "nowhere"), "cannot be used: no such file or directory"),
        (|sandbox| sandbox.special("c", rustix::fs::FileType::Fifo), "is not a file"),
    ];
    for (make, why) in cases {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        make(&sandbox);
        let sign = format!("bundle-sign B {SIGN}");
        sandbox
            .aicr(&format!("{sign} --cosign c"))
            .stderr(&format!(
                "error: --cosign c {why}
hint: name the cosign binary, or leave out --cosign to use the one on the PATH
"
            ))
            .exits(3);
        sandbox
            .aicr(&sign)
            .env("AICR_COSIGN", "c")
            .stderr(&format!(
                "error: AICR_COSIGN=c {why}
hint: name the cosign binary, or unset AICR_COSIGN to use the one on the PATH
"
            ))
            .exits(3);
    }
    let sandbox = Sandbox::new();
    sandbox.unsigned().file("c", "\u{7f}ELF").chmod("c", 0o755);
    sandbox
        .aicr(&format!("bundle-sign B {SIGN} --cosign ./c"))
        .stderr("error: {root}/c cannot be started: exec format error\n")
        .exits(3);
}

#[test]
fn a_pinned_cosign() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().fake_cosign("exec \"$REAL\" \"$@\"");
    let sum = sandbox.program_run(["sha256sum", "bin/cosign"]).whatever_it_prints().succeeds().stdout;
    let right = String::from_utf8(sum[..64].to_vec()).unwrap();
    let wrong = "0".repeat(64);
    sandbox
        .aicr(&format!("bundle-sign B {SIGN} --cosign-sha256 {wrong}"))
        .stderr(&format!(
            "error: {{root}}/bin/cosign is not the pinned cosign: its SHA-256 is {right}
hint: use another binary with --cosign, or correct --cosign-sha256
"
        ))
        .exits(3);
    sandbox.aicr(&format!("bundle-sign B {SIGN} --quiet --cosign-sha256 {right}")).succeeds();
    sandbox
        .aicr(&format!("verify B --key cosign.pub --insecure-ignore-tlog --quiet --cosign-sha256 {right}"))
        .succeeds();
}

#[test]
fn one_that_is_replaced_between_two_runs() {
    let replace = "cp \"$0\" \"$0.new\"; mv \"$0.new\" \"$0\"";
    let append = "echo '# more' >>\"$0\"";
    for swap in [replace, append] {
        for when in ["version", "public-key", "sign-blob"] {
            let sandbox = fake_sandbox(HONEST);
            let honest = sandbox.read("bin/cosign").replace(
                "case $1 in\n",
                &format!("case $* in {when}*' --help') ;; {when}*) {swap} ;; esac\ncase $1 in\n"),
            );
            sandbox.program("bin/cosign", &honest);
            let before = sandbox.tree("");
            sandbox
                .aicr(&format!("bundle dist --output C {SIGN}"))
                .stderr("error: {root}/bin/cosign was replaced while aicr was running\n")
                .exits(3);
            assert_eq!(sandbox.tree(""), before, "{when}: {swap}");
        }
    }
}
