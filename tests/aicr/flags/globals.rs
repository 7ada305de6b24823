//! What every command line has: a command, flags that exist, each once; the global flags and their
//! variables; JSON and colour when the line itself is wrong.

use std::process::Command;

use super::{line, refused, stage};
use crate::sandbox::{Sandbox, test_cosign};

const LISTED: &str = "`aicr --help` and `aicr COMMAND --help` list the flags";

#[test]
fn lines_that_are_no_command_line() {
    refused(&[
        ("", "no command was given", "`aicr --help` lists the commands"),
        ("--quiet", "no command was given", "`aicr --help` lists the commands"),
        ("frobnicate", "unrecognized subcommand 'frobnicate'", LISTED),
        ("verfy B", "unrecognized subcommand 'verfy'", "a similar subcommand exists: 'verify'"),
        ("help", "unrecognized subcommand 'help'", LISTED),
        (
            "bundel dist",
            "unrecognized subcommand 'bundel'",
            "some similar subcommands exist: 'bundle-sign', 'bundle'",
        ),
        ("manifest B", "unrecognized subcommand 'manifest'", LISTED),
        (
            "verify B --checksum-only",
            "unexpected argument '--checksum-only' found",
            "a similar argument exists: '--checksums-only'",
        ),
        ("verify B --zzz", "unexpected argument '--zzz' found", LISTED),
        ("doctor B", "unexpected argument 'B' found", LISTED),
        ("bundle -o out", "the following required arguments were not provided: <INPUT>...", LISTED),
        ("bundle-sign", "the following required arguments were not provided: <BUNDLE>...", LISTED),
        ("verify", "the following required arguments were not provided: <BUNDLE>...", LISTED),
        ("bundle dist -o", "a value is required for '--output <DIR>' but none was supplied", LISTED),
        ("completions", "the following required arguments were not provided: <SHELL>", LISTED),
        (
            "completions tcsh",
            "invalid value 'tcsh' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]",
            "a similar value exists: 'zsh'",
        ),
    ]);
}

/// Nobody is led to what publishes something or uses the network by a word that looks like it.
#[test]
fn what_is_typed_out_of_habit() {
    let unexpected = |flag: &str| format!("unexpected argument '{flag}' found");
    let (key, no_upload) = ("the key to sign with is --signing-key", "write --tlog-upload=false");
    let no_sign = "--no-sign is a flag of `aicr bundle`";
    refused(&[
        ("bundle dist -o out --key cosign.key", &unexpected("--key"), key),
        ("bundle-sign B --key=cosign.key", &unexpected("--key"), key),
        ("doctor --key cosign.key", &unexpected("--key"), key),
        ("--key cosign.key bundle-sign B", &unexpected("--key"), key),
        ("man --key cosign.key", &unexpected("--key"), LISTED),
        ("bundle dist -o out --no-tlog-upload", &unexpected("--no-tlog-upload"), no_upload),
        ("bundle-sign B --no-upload", &unexpected("--no-upload"), no_upload),
        ("bundle-sign B --no-sign", &unexpected("--no-sign"), no_sign),
        ("verify B --offline", &unexpected("--offline"), "verify uses no network without --online"),
        ("doctor --offline", &unexpected("--offline"), LISTED),
        ("verify B --on-line", &unexpected("--on-line"), LISTED),
        ("bundle dist -o out --keyles", &unexpected("--keyles"), LISTED),
        ("bundle dist -o out --attests", &unexpected("--attests"), LISTED),
        ("bundle dist -o out --tlog-uplaod=false", &unexpected("--tlog-uplaod"), LISTED),
        ("--keyless bundle dist -o out", &unexpected("--keyless"), "'bundle --keyless' exists"),
        ("version", "unrecognized subcommand 'version'", "`aicr --version` prints the version"),
    ]);
}

/// cosign takes `--insecure-ignore-tlog=true`.
#[test]
fn a_value_where_none_belongs() {
    let unexpected = |value: &str, flag: &str| {
        format!("unexpected value '{value}' for '{flag}' found; no more were expected")
    };
    let (ignore, keyless) = ("--insecure-ignore-tlog", "--keyless");
    refused(&[
        (
            "verify B --key cosign.pub --insecure-ignore-tlog=true",
            &unexpected("true", ignore),
            "write --insecure-ignore-tlog without a value",
        ),
        (
            "verify B --key cosign.pub --insecure-ignore-tlog=false",
            &unexpected("false", ignore),
            "leave out --insecure-ignore-tlog",
        ),
        ("bundle-sign B --keyless=1", &unexpected("1", keyless), "write --keyless without a value"),
    ]);
}

#[test]
fn a_flag_given_twice() {
    let twice = |flag: &str| format!("the argument '{flag}' cannot be used multiple times");
    refused(&[
        ("bundle dist -o a --output b", &twice("--output <DIR>"), LISTED),
        ("bundle dist -o a --no-sign --no-sign", &twice("--no-sign"), LISTED),
        ("bundle dist -o a --tlog-upload=true --tlog-upload=false", &twice("--tlog-upload[=<BOOL>]"), LISTED),
        ("bundle-sign B --signing-key a --signing-key b", &twice("--signing-key <REF>"), LISTED),
        ("bundle-sign B --keyless --attest", &twice("--keyless"), LISTED),
        ("verify B --key a --key b", &twice("--key <FILE|REF>"), LISTED),
        ("-q verify B --checksums-only --quiet", &twice("--quiet"), "leave out one --quiet"),
        ("--timeout 1m doctor --timeout=1m", &twice("--timeout <TIME>"), "leave out one --timeout"),
        ("--color=never doctor --color never", &twice("--color <WHEN>"), "leave out one --color"),
        ("doctor --jobs 1 --jobs 2", &twice("--jobs <N>"), LISTED),
        ("doctor --timeout 1m --timeout 2m", &twice("--timeout <TIME>"), LISTED),
        ("doctor -q -v", "the argument '--quiet' cannot be used with '--verbose'", LISTED),
    ]);
}

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
        (
            "doctor --format xml",
            "invalid value 'xml' for '--format <FORMAT>' [possible values: text, json]",
            LISTED,
        ),
        (
            "doctor --color=sometimes",
            "invalid value 'sometimes' for '--color <WHEN>' [possible values: auto, always, never]",
            LISTED,
        ),
    ]);
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
    let sandbox = stage();
    for (words, command, message, hint) in [
        ("--format json", "null", "no command was given", "`aicr --help` lists the commands"),
        ("frobnicate --format=json", "null", "unrecognized subcommand 'frobnicate'", LISTED),
        ("verify B --format json --zzz", r#""verify""#, "unexpected argument '--zzz' found", LISTED),
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
        .stderr(&format!(
            "\u{1b}[1;31merror\u{1b}[0m: unrecognized subcommand 'frobnicate'\n\u{1b}[1;36mhint\u{1b}[0m: {LISTED}\n"
        ))
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
    let plain = "error: no command was given\r\nhint: `aicr --help` lists the commands\r\n";
    let colored =
        plain.replace("error", "\u{1b}[1;31merror\u{1b}[0m").replace("hint", "\u{1b}[1;36mhint\u{1b}[0m");
    for (variable, flag, expected) in [
        ("", "", &colored),
        ("NO_COLOR=", "", &colored),
        ("NO_COLOR=1", "", &plain.to_owned()),
        ("", "--color never", &plain.to_owned()),
        ("NO_COLOR=1", "--color always", &colored),
    ] {
        let command = format!("{variable} '{aicr}' {flag}");
        sandbox
            .program_run(["script", "--quiet", "--return", "--command", &command, "/dev/null"])
            .stdout(expected)
            .exits(2);
    }
}
