//! What `doctor` prints when something is wrong with the key, the key manager or cosign.

use super::{DIALECTS, Expected, NO_LOG, recorded};
use crate::sandbox::{KEY_SHA256, Sandbox};

#[test]
fn key_files_that_cannot_be_used() {
    let sandbox = Sandbox::new();
    let expected = Expected::about(&sandbox);
    sandbox.file("plain.key", "-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n");
    let generated = "the key file that `cosign generate-key-pair` writes";
    for (key, error, hint) in [
        (
            "nowhere.key",
            "key file nowhere.key does not exist",
            &format!("name a key manager URI, or {generated}"),
        ),
        ("home", "key file home is a directory", &format!("name a key manager URI, or {generated}")),
        (
            "cosign.pub",
            "key file cosign.pub is a public key",
            &"sign with the private key; the public key is for verifying".to_owned(),
        ),
        (
            "plain.key",
            "key file plain.key is a private key that cosign cannot read",
            &"`cosign import-key-pair --key plain.key` converts it for cosign".to_owned(),
        ),
        (
            "env://NOWHERE",
            "env://NOWHERE: the variable NOWHERE is not set",
            &format!("set it to the content of {generated}"),
        ),
        (
            "foo://slot/1",
            "foo://slot/1: cosign has no such scheme, and the plugin sigstore-kms-foo is not on the PATH",
            &"install sigstore-kms-foo, or use a key of another key manager".to_owned(),
        ),
    ] {
        sandbox
            .aicr_with(["doctor", NO_LOG, "--signing-key", key])
            .stdout(&format!("{}key           {key} cannot be used\n", expected.cosign()))
            .stderr(&format!("error: {error}\nhint: {hint}\n"))
            .exits(2);
    }
}

#[test]
fn passwords() {
    let sandbox = Sandbox::new();
    let expected = Expected::about(&sandbox);
    sandbox
        .aicr_with(["doctor", NO_LOG, "--signing-key=cosign.key"])
        .env("COSIGN_PASSWORD", "hunter2")
        .stdout(&format!(
            "{}key           cosign.key cannot be used\n{}",
            expected.cosign(),
            expected.fenced("{root}/cosign.key", &["COSIGN_PASSWORD"])
        ))
        .stderr(
            "error: cosign.key cannot be decrypted: the password is wrong
    decrypt: encrypted: decryption failed
hint: check COSIGN_PASSWORD; a newline at its end is part of the password\n",
        )
        .exits(4);
    sandbox
        .aicr_with(["doctor", NO_LOG, "--signing-key=cosign.key"])
        .without("COSIGN_PASSWORD")
        .stdout(&format!("{}key           cosign.key cannot be used\n", expected.cosign()))
        .stderr(
            "error: cosign.key needs a password, and there is no terminal to ask for it
hint: set COSIGN_PASSWORD; an empty value is a password, too\n",
        )
        .exits(2);
}

/// No key manager answers. The text that cosign prints is left out.
#[test]
fn key_managers_that_are_down() {
    let sandbox = Sandbox::new();
    let expected = Expected::about(&sandbox);
    let network = [
        ("HOME", "passed on"),
        ("LANG", "C"),
        ("TMPDIR", "PRIVATE_DIRECTORY/tmp"),
        ("TUF_MIRROR", "http://127.0.0.1:1"),
        ("TUF_ROOT", "PRIVATE_DIRECTORY/home"),
    ];
    let path = format!("{}:/usr/bin:/bin", "{root}/bin");
    for (key, variables, more) in [
        (
            "awskms://127.0.0.1:1/alias/x",
            &[
                ("AWS_ACCESS_KEY_ID", "x"),
                ("AWS_SECRET_ACCESS_KEY", "hunter2"),
                ("AWS_REGION", "r"),
                ("AWS_MAX_ATTEMPTS", "1"),
            ][..],
            vec![("AWS_EC2_METADATA_DISABLED", "true"), ("PATH", &*path)],
        ),
        ("hashivault://x", &[("VAULT_ADDR", "https://127.0.0.1:1"), ("VAULT_TOKEN", "hunter2")], vec![]),
    ] {
        if expected.releases == DIALECTS[2].1 && key.starts_with("hashivault") {
            // 2.0 to 2.3 crash when the server does not answer.
            continue;
        }
        let mut seen = more;
        seen.extend(network);
        seen.extend(variables.iter().map(|(name, _)| (*name, "passed on")));
        let mut run = sandbox.aicr_with(["doctor", NO_LOG, "--signing-key", key]);
        for (name, value) in variables {
            run = run.env(name, value);
        }
        let stdout =
            format!("{}key           {key} cannot be used\n{}", expected.cosign(), expected.seen(key, seen));
        run.stdout(&stdout)
            .stderr(&format!(
                "error: {key} could not be reached: connection refused
    (what cosign said)
hint: check the address, and that the server is running\n"
            ))
            .cosigns_words_left_out()
            .exits(6);
    }
}

#[test]
fn a_provider_that_is_not_built_in() {
    let said = "echo 'Error: loading URL: unrecognized scheme: hashivault://' >&2; exit 1";
    let sandbox = recorded("v2.6.1", said);
    let expected = Expected { version: "v2.6.1".into(), releases: DIALECTS[0].1, flags: DIALECTS[0].2 };
    let seen = vec![
        ("HOME", "passed on"),
        ("LANG", "C"),
        ("TMPDIR", "PRIVATE_DIRECTORY/tmp"),
        ("TUF_MIRROR", "http://127.0.0.1:1"),
        ("TUF_ROOT", "PRIVATE_DIRECTORY/home"),
    ];
    let missing = "                TUF_ROOT: PRIVATE_DIRECTORY/home
                VAULT_ADDR: not set (the address of the server)
                VAULT_TOKEN: not set (the token; without one, ~/.vault-token is read)\n";
    sandbox
        .aicr_with(["doctor", NO_LOG, "--signing-key=hashivault://x"])
        .stdout(&format!(
            "{}key           hashivault://x cannot be used\n{}",
            expected.cosign(),
            expected.seen("hashivault://x", seen)
                .replacen(" variables", " variables; 2 more are usual and not set", 1)
                .replacen("                TUF_ROOT: PRIVATE_DIRECTORY/home\n", missing, 1)
        ))
        .stderr(
            "error: hashivault://x has no provider in this build of cosign
    loading URL: unrecognized scheme: hashivault://
hint: install an upstream release of cosign: it has every provider, openbao from 3.1 on; a distribution's build may lack some\n",
        )
        .exits(3);
}

#[test]
fn a_variable_of_a_plugin_that_is_not_set() {
    let sandbox = recorded("v3.1.3", "cat \"${0%/*}/../cosign.pub\"");
    let expected = Expected { version: "v3.1.3".into(), releases: DIALECTS[0].1, flags: DIALECTS[0].2 };
    sandbox.program("bin/sigstore-kms-foo", "exit 1");
    let path = format!("{}:/usr/bin:/bin", "{root}/bin");
    let seen = vec![
        ("HOME", "PRIVATE_DIRECTORY/home"),
        ("LANG", "C"),
        ("PATH", &*path),
        ("PIN", "passed on"),
        ("TMPDIR", "PRIVATE_DIRECTORY/tmp"),
        ("TUF_MIRROR", "http://127.0.0.1:1"),
        ("TUF_ROOT", "PRIVATE_DIRECTORY/home"),
    ];
    let key = ["--signing-key=foo://k", "--kms-env=PIN", "--kms-env=SLOT"];
    sandbox
        .aicr_with(["doctor", NO_LOG].into_iter().chain(key))
        .env("PIN", "1234")
        .stdout(&format!(
            "{}key           foo://k answers
                sha256:
                {KEY_SHA256}
                type: ECDSA P-256
{}",
            expected.cosign(),
            expected
                .seen("foo://k", seen)
                .replacen(" variables", " variables; 1 more is usual and not set", 1)
                .replacen(
                    "                TMPDIR",
                    "                SLOT: not set (named by --kms-env)\n                TMPDIR",
                    1
                )
        ))
        .succeeds();
    let sandbox = recorded("v3.1.3", "echo 'Error: plugin returned error: locked' >&2; exit 1");
    sandbox.unsigned().program("bin/sigstore-kms-foo", "exit 1");
    sandbox
        .aicr_with(["bundle-sign", "B", NO_LOG].into_iter().chain(key))
        .env("PIN", "1234")
        .stderr(
            "warning: --kms-env SLOT: the variable is not set
error: foo://k was refused by its plugin
    plugin returned error: locked
hint: the text above is the plugin's; it gets only the variables of --kms-env\n",
        )
        .exits(4);
}

#[test]
fn no_cosign_that_can_be_used() {
    let sandbox = Sandbox::new();
    sandbox.program("old/cosign", "echo 'usage: cosign'").program("broken/cosign", "exit 7");
    sandbox.file("data/cosign", "no program");
    let none = "there is no cosign on the PATH (relative elements, bundles and inputs are ignored)";
    let install = "install cosign 2.0 or later, or name one with --cosign";
    let script = "it is a script, which aicr runs with an empty environment, without PATH and HOME: name the cosign binary itself with --cosign";
    let wrapper = "a wrapper that loses the exit status of cosign is the usual cause: name the cosign binary itself with --cosign";
    let flag = "name the cosign binary, or leave out --cosign to use the one on the PATH";
    let variable = "name the cosign binary, or unset AICR_COSIGN to use the one on the PATH";
    let missing = "cannot be used: no such file or directory";
    for (path, cosign, words, error, hint) in [
        ("/usr/bin:/bin", None, "doctor", none, install),
        (".:bin::", None, "doctor", none, install),
        ("bin", None, "doctor --cosign nowhere", &format!("--cosign nowhere {missing}"), flag),
        ("bin", Some("nowhere"), "doctor", &format!("AICR_COSIGN=nowhere {missing}"), variable),
        ("bin", None, "doctor --cosign data/cosign", "--cosign data/cosign is not executable", flag),
        ("bin", None, "doctor --cosign data", "--cosign data is not a file", flag),
        (
            "bin",
            None,
            "doctor --cosign old/cosign",
            "{root}/old/cosign (unknown) does not refuse a wrong signature",
            wrapper,
        ),
        (
            "bin",
            Some("broken/cosign"),
            "doctor",
            "{root}/broken/cosign cannot be used: its `sign-blob --signing-config=x --help` ended with exit 7",
            script,
        ),
    ] {
        let run = sandbox.aicr(words).env("PATH", path);
        let run = if let Some(cosign) = cosign { run.env("AICR_COSIGN", cosign) } else { run };
        run.stdout("cosign        not usable\nkey           not checked: give --signing-key REF\n")
            .stderr(&format!("error: {error}\nhint: {hint}\n"))
            .exits(3);
    }
    sandbox
        .aicr_with(["doctor", NO_LOG, "--signing-key=cosign.key"])
        .env("PATH", "/usr/bin:/bin")
        .stdout("cosign        not usable\nkey           cosign.key is well-formed\n")
        .stderr(&format!("error: {none}\nhint: {install}\n"))
        .exits(3);
}
