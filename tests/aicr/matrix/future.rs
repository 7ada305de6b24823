//! The next cosign, which lost a flag: each flag of each command line that `aicr` really uses, one
//! at a time. That is about cosign (3), and never about the bundle (5).

use std::collections::BTreeSet;

use crate::sandbox::{Sandbox, cosigns};
use crate::without_aicr::{dialect, release};

/// The flags that decide which dialect a cosign has.
const DECIDE: [&str; 3] = ["--signing-config", "--new-bundle-format", "--tlog-upload"];
/// What cosign 4 drops, if it goes on as it began.
const DEPRECATED: [&str; 9] = [
    "--new-bundle-format",
    "--tlog-upload",
    "--rekor-url",
    "--fulcio-url",
    "--oidc-issuer",
    "--timestamp-server-url",
    "--issue-certificate",
    "--sk",
    "--use-signing-config",
];
const KEY: &str = "--signing-key cosign.key";
const SERVICES: &str = "--rekor-url http://localhost:3000 --timestamp-server-url http://127.0.0.1:3004/api/v1/timestamp --trusted-root root.json";

/// A stage with a bundle `B` that is signed, and one, `I`, with a wrong signature by an identity.
fn stage(sandbox: &Sandbox) {
    sandbox
        .signed()
        .recorded("keyless-timestamp")
        // Of `{"sub":"dev"}`.
        .file("token", "e30.eyJzdWIiOiJkZXYifQ.e30\n");
}

/// Puts a cosign on the stage that does not know these flags of these commands, hidden or not.
fn lacking(sandbox: &Sandbox, flags: &[(&str, &str)]) {
    let patterns: Vec<String> =
        flags.iter().map(|(verb, flag)| format!("'{verb} {flag}'|'{verb} {flag}='*")).collect();
    let script = format!(
        "VERB=$1
for ARGUMENT; do
  case \"$VERB $ARGUMENT\" in {})
    FLAG=${{ARGUMENT%%=*}}
    printf 'Error: unknown flag: %s\\nmain.go:74: error during command execution: unknown flag: %s\\n' \"$FLAG\" \"$FLAG\" >&2
    exit 1 ;;
  esac
done
exec '{}' \"$@\"",
        patterns.join("|"),
        sandbox.cosign().display()
    );
    sandbox.remove("bin/cosign").program("bin/cosign", &script);
}

/// The command and flag of everything that was run, and what else was printed on stderr.
fn used(stderr: &str) -> (BTreeSet<(String, String)>, String) {
    let (commands, rest): (Vec<&str>, Vec<&str>) = stderr.lines().partition(|line| line.starts_with("+ "));
    let mut flags = BTreeSet::new();
    for command in commands {
        let (_, arguments) = command.split_once("/bin/cosign ").unwrap();
        let mut words = arguments.split(' ');
        let verb = words.next().unwrap();
        let names = words.filter(|word| word.starts_with("--")).map(|word| word.split('=').next().unwrap());
        flags.extend(names.filter(|flag| *flag != "--help").map(|flag| (verb.to_owned(), flag.to_owned())));
    }
    (flags, rest.iter().flat_map(|line| [*line, "\n"]).collect())
}

#[test]
fn a_flag_that_is_gone_is_about_cosign_and_not_about_the_bundle() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        stage(&sandbox);
        let version = release(&cosign);
        let mut rows = vec![
            (format!("bundle dist --output C {KEY} --tlog-upload=false --dry-run"), 0),
            ("verify B --key cosign.pub --insecure-ignore-tlog".to_owned(), 0),
        ];
        if dialect(&cosign) != "LegacyBundle" {
            let identity = "--certificate-identity-regexp .* --certificate-oidc-issuer-regexp .*";
            rows.extend([
                (format!("bundle dist --output C {KEY} {SERVICES} --dry-run"), 0),
                (format!("bundle dist --output C --keyless --identity-token token --fulcio-url http://localhost:5555 {SERVICES} --dry-run"), 0),
                (format!("verify I {identity} --trusted-root root.json --insecure-ignore-tlog --require-timestamp"), 5),
            ]);
        }
        let mut tried = BTreeSet::new();
        for (words, code) in &rows {
            lacking(&sandbox, &[("sign-blob", "--no-such-flag")]);
            let output = sandbox.aicr(&format!("{words} --verbose")).whatever_it_prints().exits(*code);
            let (flags, printed) = used(&String::from_utf8(output.stderr).unwrap());
            let printed = printed.split("error: ").next().unwrap();
            for (verb, flag) in flags {
                let decides = verb == "sign-blob" && DECIDE.contains(&&*flag);
                if !tried.insert((verb.clone(), flag.clone())) || decides {
                    continue;
                }
                lacking(&sandbox, &[(&verb, &flag)]);
                let run = sandbox.aicr(words).whatever_it_prints().exits(3);
                assert_eq!(
                    String::from_utf8(run.stderr).unwrap(),
                    format!(
                        "{printed}error: {}bin/cosign ({version}) does not know the flag {flag} of {verb}
    unknown flag: {flag}
hint: install cosign 3.1, or name one with --cosign
",
                        sandbox.path("").display()
                    ),
                    "{words}"
                );
            }
        }
        assert!(tried.len() >= 10, "{tried:?}");
    }
}

/// Without the flags of all dialects nothing is asked of it; without the deprecated ones everything
/// works.
#[test]
fn a_cosign_without_deprecated_flags() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        let sign = format!("bundle dist --output C {KEY} --tlog-upload=false --quiet");
        lacking(&sandbox, &DECIDE.map(|flag| ("sign-blob", flag)));
        sandbox
            .aicr(&sign)
            .stderr(
                "error: {root}/bin/cosign cannot be used: its sign-blob does not know the flags of cosign 2.0 or later
    unknown flag: --tlog-upload
hint: it is a script, which aicr runs with an empty environment, without PATH and HOME: name the cosign binary itself with --cosign
",
            )
            .exits(3);
        if dialect(&cosign) == "SigningConfig" {
            let all = ["sign-blob", "verify-blob"].map(|verb| DEPRECATED.map(|flag| (verb, flag))).concat();
            lacking(&sandbox, &all);
            sandbox.aicr(&sign).succeeds();
            sandbox.aicr("verify C --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
        }
    }
}
