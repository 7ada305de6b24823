//! The exit of `sign-blob` decides whether it refused or broke. Its output is shown once, with
//! control characters escaped.

use super::{fails, succeeds};
use crate::fake::{Fake, HONEST, fake_sandbox};

#[test]
fn a_good_signature_is_used_only_after_exit_0() {
    let refused = "error: cosign.key was refused by cosign\n";
    let broke = |how: &str| format!("error: {{root}}/bin/cosign sign-blob {how}\n");
    for (end, stderr, code) in [
        ("exit 1", refused.to_owned(), 4),
        ("exit 2", broke("crashed (exit 2)"), 1),
        ("exit 3", broke("ended with exit 3"), 1),
        ("exit 255", broke("ended with exit 255"), 1),
        ("kill -KILL $$", broke("was killed by signal 9"), 1),
        ("kill -TERM $$", broke("was killed by signal 15"), 1),
        ("kill -SEGV $$", broke("was killed by signal 11"), 1),
        ("kill -INT $$", broke("was killed by signal 2"), 1),
    ] {
        let sign = format!("cp \"$TOP/good\" \"$BUNDLE\"; {end}");
        fails(Fake { sign: &sign, ..HONEST }, &stderr, code);
    }
    // The same holds for `public-key`.
    for (public_key, stderr, code) in [
        ("cat \"$TOP/cosign.pub\"; exit 1", refused.to_owned(), 4),
        ("cat \"$TOP/cosign.pub\"; exit 2", broke("crashed (exit 2)").replace("sign-blob", "public-key"), 1),
        (
            "cat \"$TOP/cosign.pub\"; kill -KILL $$",
            broke("was killed by signal 9").replace("sign-blob", "public-key"),
            1,
        ),
    ] {
        fails(Fake { public_key, ..HONEST }, &stderr, code);
    }
}

#[test]
fn its_output_is_shown_once_and_escaped() {
    let many = (1..=20).map(|line| format!("    line {line}\n")).collect::<Vec<_>>().concat();
    let wide = format!("    {}\n", "w".repeat(1000));
    for (script, said) in [
        // 2.x and 3.x print an error twice.
        (
            "echo 'Error: signing dist: no' >&2; echo 'main.go:74: error during command execution: signing dist: no' >&2",
            "    signing dist: no\n",
        ),
        ("printf 'Using payload from: x\\nError: no\\n' >&2", "    no\n"),
        (
            "printf '\\033[2J\\033]0;owned\\007\\r\\b\\n' >&2",
            "    \\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{d}\\u{8}\n",
        ),
        ("printf 'latin1 \\351 \\377\\376\\n' >&2", "    latin1 \\xe9 \\xff\\xfe\n"),
        ("printf 'nul \\000 bidi \\342\\200\\256\\n' >&2", "    nul \\u{0} bidi \\u{202e}\n"),
        ("printf 'error: forged\\nhint: rm -rf\\n' >&2", "    error: forged\n    hint: rm -rf\n"),
        ("for i in $(seq 50); do echo \"line $i\" >&2; done", &format!("{many}    …\n")),
        ("head -c 5000 /dev/zero | tr '\\0' w >&2", &wide),
        // Its stdout is not a message.
        ("echo no", ""),
    ] {
        fails(
            Fake { sign: &format!("{script}; exit 1"), ..HONEST },
            &format!("error: cosign.key was refused by cosign\n{said}"),
            4,
        );
    }
}

#[test]
fn its_output_after_a_success_is_not_shown() {
    // Otherwise it would look like an upload.
    let terms = "The sigstore service, hosted by sigstore a Series of LF Projects, LLC, is provided";
    let sign = format!("echo '{terms}' >&2; echo 'AAAA'; cp \"$TOP/good\" \"$BUNDLE\"");
    succeeds(Fake { sign: &sign, ..HONEST });
}

#[test]
fn its_text_decides_between_refused_and_unreachable() {
    for (words, stderr, code) in [
        (
            "dial tcp: lookup vault.example on 10.0.0.1:53: no such host",
            "error: cosign.key could not be reached: its host name cannot be resolved
    dial tcp: lookup vault.example on 10.0.0.1:53: no such host
hint: check the address, and the name servers of this machine
",
            6,
        ),
        (
            "loading URL: unrecognized scheme: hashivault://",
            "error: cosign.key has no provider in this build of cosign
    loading URL: unrecognized scheme: hashivault://
hint: install an upstream release of cosign: it has every provider, openbao from 3.1 on; a distribution's build may lack some
",
            3,
        ),
        (
            "unknown flag: --key",
            "error: {root}/bin/cosign (v3.1.3) does not know the flag --key of sign-blob
    unknown flag: --key
hint: install cosign 3.1, or name one with --cosign
",
            3,
        ),
        ("unknown words", "error: cosign.key was refused by cosign\n    unknown words\n", 4),
    ] {
        fails(Fake { sign: &format!("echo 'Error: {words}' >&2; exit 1"), ..HONEST }, stderr, code);
        // The text never turns a failure into a success, or the reverse.
        let sign = format!("echo 'Error: {words}' >&2; cp \"$TOP/good\" \"$BUNDLE\"");
        succeeds(Fake { sign: &sign, ..HONEST });
    }
}

#[test]
fn it_cannot_repeat_a_password() {
    let sandbox =
        fake_sandbox(Fake { sign: "echo \"Error: password is $COSIGN_PASSWORD\" >&2; exit 1", ..HONEST });
    sandbox
        .aicr("bundle dist --output C --signing-key cosign.key --tlog-upload=false")
        .env("COSIGN_PASSWORD", "correct horse")
        .stderr("error: cosign.key was refused by cosign\n    password is $COSIGN_PASSWORD\n")
        .exits(4);
}
