//! The global flags and their variables, what a bundle is made of, and JSON and color of refusals.

use std::process::Command;

use super::{line, refused, test_directory};
use crate::sandbox::{Sandbox, test_cosign};

#[test]
fn what_a_bundle_is_made_of_and_where() {
    let unset = "an unset variable in the command line is the usual cause";
    refused(&[
        (
            "bundle dist",
            "bundle needs --output or --in-place",
            "add --output DIR, or add --in-place to write the manifest into the input itself",
        ),
        (
            "bundle dist -o out --in-place",
            "--output cannot be used with --in-place: a bundle is built in one place",
            "leave out --output to write the manifest into the input itself, or leave out --in-place",
        ),
        (
            "bundle dist false --in-place",
            "--in-place takes exactly one directory, not 2 (`dist` and 1 more)",
            "build from several inputs in a new directory: --output DIR",
        ),
        (
            "bundle dist --in-place --exclude *.o",
            "--exclude cannot be used with --in-place: the files would stay in the bundle, and verify rejects unlisted files",
            "build in a new directory with --output DIR, or move the files away",
        ),
        ("bundle dist --output=", "--output: the path is empty", unset),
        ("bundle dist -o out --exclude=", "--exclude: the pattern is empty", unset),
    ]);
    for words in [&["bundle", "", "-o", "out"][..], &["bundle-sign", "", "--signing-key=k"], &["verify", ""]]
    {
        let what = if words[0] == "bundle" { "INPUT" } else { "BUNDLE" };
        let stderr = format!("error: {what}: the path is empty\nhint: {unset}\n");
        Sandbox::new().aicr_with(words).stderr(&stderr).exits(2);
    }
}

#[test]
fn values_of_the_global_flags() {
    let time = "write a number with its unit, such as 90s, 3m or 1h";
    let digest = "`sha256sum \"$(command -v cosign)\"` prints the digest of the cosign on the PATH";
    let jobs = "leave out --jobs to use one job for each processor";
    let zero = "a timeout of 0 would stop cosign at once";
    refused(&[
        ("doctor --timeout 180", "--timeout: `180` has no unit", time),
        ("doctor --timeout 0s", &format!("--timeout: {zero}"), time),
        ("doctor --timeout=", "--timeout: the duration is empty", time),
        ("AICR_TIMEOUT=0 doctor", &format!("AICR_TIMEOUT: {zero}"), time),
        ("AICR_TIMEOUT= doctor", "AICR_TIMEOUT: the duration is empty", time),
        ("AICR_TIMEOUT=soon doctor", "AICR_TIMEOUT: `soon` is not a duration", time),
        ("doctor --timeout 2years", "--timeout: `2years` is longer than 30 days", time),
        (
            "AICR_COSIGN= doctor",
            "AICR_COSIGN: the path is empty",
            "name the cosign binary, or unset AICR_COSIGN to use the one on the PATH",
        ),
        (
            "doctor --cosign=",
            "--cosign: the path is empty",
            "name the cosign binary, or leave out --cosign to use the one on the PATH",
        ),
        ("doctor --cosign-sha256 abc", "--cosign-sha256: `abc` is not 64 hex digits", digest),
        ("doctor --cosign-sha256=", "--cosign-sha256: `` is not 64 hex digits", digest),
        ("doctor --jobs 0", "--jobs: `0` is not a number from 1 to 256", jobs),
        ("doctor --jobs 257", "--jobs: `257` is not a number from 1 to 256", jobs),
        ("doctor --jobs=", "--jobs: `` is not a number from 1 to 256", jobs),
        ("doctor --jobs many", "--jobs: `many` is not a number from 1 to 256", jobs),
    ]);
}

/// A default would hold in place of the value, and the default of --tlog-upload publishes.
#[test]
fn a_typo_in_the_name_of_a_variable() {
    refused(&[
        (
            "AICR_TLOG_UPLAOD=false bundle dist -o out --no-sign",
            "AICR_TLOG_UPLAOD is not a variable of aicr; AICR_TLOG_UPLOAD is",
            "set AICR_TLOG_UPLOAD instead, or unset AICR_TLOG_UPLAOD",
        ),
        (
            "AICR_SIGNINGKEY=cosign.key bundle-sign B",
            "AICR_SIGNINGKEY is not a variable of aicr; AICR_SIGNING_KEY is",
            "set AICR_SIGNING_KEY instead, or unset AICR_SIGNINGKEY",
        ),
        (
            "AICR_TIMEOUTS=1m verify B --checksums-only",
            "AICR_TIMEOUTS is not a variable of aicr; AICR_TIMEOUT is",
            "set AICR_TIMEOUT instead, or unset AICR_TIMEOUTS",
        ),
        (
            "AICR_COSGIN=x doctor",
            "AICR_COSGIN is not a variable of aicr; AICR_COSIGN is",
            "set AICR_COSIGN instead, or unset AICR_COSGIN",
        ),
        (
            "AICR_COSGIN=x help",
            "AICR_COSGIN is not a variable of aicr; AICR_COSIGN is",
            "set AICR_COSIGN instead, or unset AICR_COSGIN",
        ),
    ]);
}

/// A program of another vendor has the same name.
#[test]
fn variables_of_another_program_are_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    for words in [
        "AICR_LOG_LEVEL=debug verify B -q --checksums-only",
        "AICR_LOG_LEVEL=debug bundle-sign B -q --signing-key cosign.key --tlog-upload=false",
        "AICR_LOG_LEVEL=debug verify B -q --key cosign.pub --insecure-ignore-tlog",
    ] {
        line(&sandbox, words).succeeds();
    }
    let words = "bundle dist -o new --dry-run --signing-key cosign.key --tlog-upload=false";
    let planned = line(&sandbox, &format!("AICR_LOG_LEVEL=debug AICR_HOME=/x {words}")).output();
    assert_eq!(planned.status.code(), Some(0));
    let stderr = String::from_utf8(planned.stderr).unwrap();
    assert_eq!(stderr, "warning: AICR_HOME, AICR_LOG_LEVEL are not variables of aicr\n");
}

/// Nearly the same lines, which are fine; a typed flag wins over its variable.
#[test]
fn global_flags_that_are_fine() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let sum = Command::new("sha256sum").arg(test_cosign()).output().unwrap().stdout;
    let digest = String::from_utf8(sum).unwrap()[..64].to_owned();
    for words in [
        "-q verify B --checksums-only",
        "verify B --checksums-only --quiet",
        "verify B --checksums-only -q --timeout 90s --jobs 1 --color never --format text",
        "AICR_TIMEOUT=1h verify B --checksums-only -q",
        "AICR_TIMEOUT=0 verify B --checksums-only -q --timeout 1m",
        "AICR_COSIGN=/nowhere verify B --checksums-only -q",
        "AICR_COSIGN=/nowhere doctor -q --cosign bin/cosign",
        "AICR_COSIGN=bin/cosign PATH=/usr/bin:/bin doctor -q",
        &format!("doctor -q --cosign-sha256 {digest}"),
        &format!("doctor -q --cosign-sha256 {}", digest.to_uppercase()),
    ] {
        line(&sandbox, words).succeeds();
    }
}

#[test]
fn a_wrong_line_is_one_json_object_too() {
    let sandbox = test_directory();
    for (words, command, message, hint) in [
        (
            "doctor --timeout 0 --format json",
            r#""doctor""#,
            "--timeout: a timeout of 0 would stop cosign at once",
            "write a number with its unit, such as 90s, 3m or 1h",
        ),
        (
            "bundle dist -o out --tlog-upload false --format json",
            r#""bundle""#,
            "--tlog-upload false: there is a blank instead of `=`",
            "write --tlog-upload=false; write `./false` for an input of that name",
        ),
        (
            "AICR_SIGNING_KEY= bundle-sign B --format json",
            r#""bundle-sign""#,
            "AICR_SIGNING_KEY: the key reference is empty",
            "give a key manager URI or a key file",
        ),
    ] {
        let object = format!(
            r#"{{"schemaVersion":1,"command":{command},"exit":2,"cosign":null,"bundles":[],"error":{{"exit":2,"message":"{message}","cosign":null,"hint":"{hint}"}}}}"#
        );
        line(&sandbox, words)
            .stdout(&format!("{object}\n"))
            .stderr(&format!("error: {message}\nhint: {hint}\n"))
            .exits(2);
    }
}

#[test]
fn color_when_it_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let error = "\u{1b}[1;31merror\u{1b}[0m: verify needs a key: add --key FILE --insecure-ignore-tlog
\u{1b}[1;36mhint\u{1b}[0m: --checksums-only compares the files only, and proves nothing about who made them\n";
    line(&sandbox, "verify B --color always").stderr(error).exits(2);
    line(&sandbox, "NO_COLOR=1 verify B --color=always").stderr(error).exits(2);
    line(&sandbox, "--color always frobnicate")
        .stderr(
            "\u{1b}[1;31merror\u{1b}[0m: `frobnicate` is not an aicr command\n\u{1b}[1;36mhint\u{1b}[0m: aicr --help\n",
        )
        .exits(2);
    line(&sandbox, "verify B --checksums-only --color always")
        .stdout(
            "\u{1b}[1;33munproven\u{1b}[0m B
  manifest sha256
    162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8
  2 files, 11 bytes
nothing proves who made it: anybody can write a manifest\n",
        )
        .succeeds();
}

/// On a terminal, which util-linux' `script` gives: colour, unless somebody says otherwise.
#[test]
fn color_on_a_terminal() {
    let sandbox = Sandbox::new();
    let aicr = env!("CARGO_BIN_EXE_aicr");
    let plain = "error: `frobnicate` is not an aicr command\r\nhint: aicr --help\r\n";
    let colored =
        plain.replace("error", "\u{1b}[1;31merror\u{1b}[0m").replace("hint", "\u{1b}[1;36mhint\u{1b}[0m");
    for (variable, flag, expected) in [
        ("", "", &colored),
        ("NO_COLOR=", "", &colored),
        ("NO_COLOR=1", "", &plain.to_owned()),
        ("", "--color never", &plain.to_owned()),
        ("NO_COLOR=1", "--color always", &colored),
    ] {
        let command = format!("{variable} '{aicr}' frobnicate {flag}");
        sandbox
            .program_run(["script", "--quiet", "--return", "--command", &command, "/dev/null"])
            .stdout(expected)
            .exits(2);
    }
}
