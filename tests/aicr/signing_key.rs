//! The signing key: files that are not keys, types that do not work, passwords that are wrong,
//! missing or typed.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Child;

use rustix::fs::FileType;

use crate::sandbox::{Act, KEY_SHA256, SMALL_SHA256, Sandbox};

const NO_LOG: &str = "--tlog-upload=false";

#[test]
fn a_file_that_is_not_a_key_is_refused_before_anything_is_built() {
    let take = "hint: name a key manager URI, or the key file that `cosign generate-key-pair` writes";
    let import = "hint: `cosign import-key-pair --key k` converts it for cosign";
    let cases: [(Act, String); 11] = [
        (|sandbox| sandbox, format!("does not exist\n{take}")),
        (|sandbox| sandbox.directory("k"), format!("is a directory\n{take}")),
        (|sandbox| sandbox.link("k", "/dev/zero"), format!("is not a regular file\n{take}")),
        (|sandbox| sandbox.special("k", FileType::Fifo), format!("is not a regular file\n{take}")),
        (|sandbox| sandbox.file("k", " ".repeat((1 << 20) + 1)), format!("is larger than 1.0 MiB\n{take}")),
        (
            |sandbox| sandbox.file("k", sandbox.read("cosign.pub")),
            "is a public key\nhint: sign with the private key; the public key is for verifying".into(),
        ),
        (
            |sandbox| {
                sandbox.file("k", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
            },
            format!("is a private key that cosign cannot read\n{import}"),
        ),
        (
            |sandbox| {
                sandbox.file(
                    "k",
                    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                )
            },
            format!("is a private key that cosign cannot read\n{import}"),
        ),
        (
            |sandbox| {
                sandbox.file(
                    "k",
                    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
                )
            },
            "is a private key of OpenSSH, which cosign can neither read nor import
hint: make a key with `cosign generate-key-pair`, or name one in a key manager"
                .into(),
        ),
        (
            |sandbox| sandbox.file("k", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "is a certificate\nhint: sign with the private key".into(),
        ),
        (
            |sandbox| sandbox.file("k", "s3cret-token\n"),
            "is not a key\nhint: sign with the key file that `cosign generate-key-pair` writes".into(),
        ),
    ];
    for (make, why) in cases {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        make(&sandbox);
        let before = sandbox.tree("");
        for words in ["bundle dist --output C", "bundle dist --output C --dry-run", "bundle-sign B"] {
            sandbox
                .aicr(&format!("{words} --signing-key k {NO_LOG}"))
                .stderr(&format!("error: key file k {why}\n"))
                .exits(2);
        }
        assert_eq!(sandbox.tree(""), before);
    }
    let sandbox = Sandbox::new();
    sandbox.unsigned().link("k", "cosign.key");
    sandbox.aicr(&format!("bundle-sign B --signing-key k {NO_LOG} --quiet")).succeeds();
}

/// An error about a value from a variable names the variable.
#[test]
fn a_key_from_a_variable_is_refused_with_the_name_of_the_variable() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    for (key, why) in [
        (
            "nope.key",
            "key file nope.key does not exist
hint: name a key manager URI, or the key file that `cosign generate-key-pair` writes",
        ),
        (
            "home",
            "key file home is a directory
hint: name a key manager URI, or the key file that `cosign generate-key-pair` writes",
        ),
        (
            "cosign.pub",
            "key file cosign.pub is a public key
hint: sign with the private key; the public key is for verifying",
        ),
        (
            "foo://k",
            "foo://k: cosign has no such scheme, and the plugin sigstore-kms-foo is not on the PATH
hint: install sigstore-kms-foo, or use a key of another key manager",
        ),
    ] {
        for words in ["bundle dist --output C", "bundle-sign B"] {
            sandbox
                .aicr(&format!("{words} {NO_LOG}"))
                .env("AICR_SIGNING_KEY", key)
                .stderr(&format!("error: AICR_SIGNING_KEY: {why}\n"))
                .exits(2);
        }
    }
}

#[test]
fn a_key_in_a_variable_is_checked_too() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let sign = || sandbox.aicr(&format!("bundle-sign B --signing-key env://RELEASE_KEY {NO_LOG} --quiet"));
    for (value, stderr) in [
        (
            None,
            "error: env://RELEASE_KEY: the variable RELEASE_KEY is not set
hint: set it to the content of the key file that `cosign generate-key-pair` writes
",
        ),
        (
            Some(""),
            "error: env://RELEASE_KEY is not a key
hint: sign with the key file that `cosign generate-key-pair` writes
",
        ),
        (
            Some("-----BEGIN PUBLIC KEY-----"),
            "error: env://RELEASE_KEY is a public key
hint: sign with the private key; the public key is for verifying
",
        ),
    ] {
        let run = sign();
        let run = match value {
            Some(value) => run.env("RELEASE_KEY", value),
            None => run,
        };
        run.stderr(stderr).exits(2);
    }
    sign().env("RELEASE_KEY", &sandbox.read("cosign.key")).succeeds();
}

/// Makes a key with openssl and has cosign import it as `NAME.key`, with an empty password.
fn import(sandbox: &Sandbox, name: &str, algorithm: &[&str]) {
    let mut words = vec!["openssl", "genpkey", "-out", "plain.pem", "-algorithm"];
    words.extend(algorithm);
    sandbox.program_run(words).whatever_it_prints().succeeds();
    sandbox
        .program_run(["cosign", "import-key-pair", "--key", "plain.pem", "--output-key-prefix", name])
        .whatever_it_prints()
        .succeeds();
}

#[test]
fn key_types_that_some_cosign_gets_wrong_are_refused_before_signing() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    let before = sandbox.tree("B");
    for (name, algorithm, kind) in [
        ("p384", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"][..], Some("ECDSA P-384")),
        ("p521", &["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], Some("ECDSA P-521")),
        ("ed25519", &["ED25519"], Some("Ed25519")),
        ("p256", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], None),
        ("rsa2048", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], None),
    ] {
        import(&sandbox, name, algorithm);
        let words = format!("--signing-key {name}.key {NO_LOG} --quiet");
        let Some(kind) = kind else {
            sandbox.aicr(&format!("bundle dist --output {name} {words}")).succeeds();
            sandbox
                .aicr(&format!("verify {name} --key {name}.pub --insecure-ignore-tlog --quiet"))
                .succeeds();
            continue;
        };
        let refusal = format!(
            "error: {name}.key is {kind}, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"
        );
        sandbox.aicr(&format!("bundle-sign B {words}")).stderr(&refusal).exits(2);
        sandbox.aicr(&format!("bundle dist --output C {words} --dry-run")).stderr(&refusal).exits(2);
    }
    assert_eq!(sandbox.tree("B"), before);
}

#[test]
fn keys_that_no_cosign_makes_are_refused_as_well() {
    for (algorithm, kind) in [
        (&["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"][..], "ECDSA secp256k1"),
        (&["EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"], "ECDSA on an unknown curve"),
        (&["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "RSA 1024"),
        (&["X25519"], "X25519"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        let mut words = vec!["openssl", "genpkey", "-out", "plain.pem", "-algorithm"];
        words.extend(algorithm);
        sandbox.program_run(words).whatever_it_prints().succeeds();
        sandbox
            .program_run(["openssl", "pkey", "-in", "plain.pem", "-pubout", "-out", "public.pem"])
            .whatever_it_prints()
            .succeeds();
        sandbox.fake_cosign("[ $1 = public-key ] || exit 9; cat \"${0%/*}/../public.pem\"");
        sandbox
            .aicr(&format!("bundle-sign B --signing-key cosign.key {NO_LOG}"))
            .stderr(&format!(
                "error: cosign.key is {kind}, which cosign cannot use
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits
"
            ))
            .exits(2);
    }
}

/// A test directory whose key has the password `s3cret`.
fn with_password() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().remove("cosign.key").remove("cosign.pub");
    sandbox
        .program_run(["cosign", "generate-key-pair"])
        .env("COSIGN_PASSWORD", "s3cret")
        .whatever_it_prints()
        .succeeds();
    sandbox
}

#[test]
fn a_password_comes_from_the_variable() {
    let sandbox = with_password();
    let words = format!("bundle dist --output B --signing-key cosign.key {NO_LOG}");
    for wrong in ["", "S3cret", "s3cret\n"] {
        sandbox
            .aicr(&words)
            .env("COSIGN_PASSWORD", wrong)
            .stderr(
                "error: cosign.key cannot be decrypted: the password is wrong
    decrypt: encrypted: decryption failed
hint: check COSIGN_PASSWORD; a newline at its end is part of the password
",
            )
            .exits(4);
    }
    // In a pipeline there is no terminal to type it at.
    sandbox
        .program_run(["setsid", "--wait", "aicr"].into_iter().chain(words.split(' ')))
        .without("COSIGN_PASSWORD")
        .stderr(
            "error: cosign.key needs a password, and there is no terminal to ask for it
hint: set COSIGN_PASSWORD; an empty value is a password, too
",
        )
        .exits(2);
    assert!(!sandbox.path("B").exists());
    sandbox.aicr(&format!("{words} --quiet")).env("COSIGN_PASSWORD", "s3cret").succeeds();
}

/// Runs aicr at a terminal of its own, without a password in the environment, up to the prompt. The
/// test types by writing to the FIFO that is returned.
fn at_the_prompt(sandbox: &Sandbox, words: &str) -> (Child, File) {
    sandbox.special("typed", FileType::Fifo);
    let mut child = sandbox
        .shell(&format!(
            "exec timeout 60 script -qefc 'trap : INT; aicr {words}; echo \"exit $?\"; stty -a' /dev/null <typed"
        ))
        .without("COSIGN_PASSWORD")
        .env("NO_COLOR", "1")
        .start();
    let typed = File::options().write(true).open(sandbox.path("typed")).unwrap();
    assert_eq!(up_to_the_prompt(&mut child), PROMPT);
    (child, typed)
}

const PROMPT: &str = "password of cosign.key: ";

/// The output of the terminal up to the next prompt.
fn up_to_the_prompt(child: &mut Child) -> String {
    let mut shown = Vec::new();
    let stdout = child.stdout.as_mut().unwrap();
    while !shown.ends_with(PROMPT.as_bytes()) {
        let mut byte = [0];
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.push(byte[0]);
    }
    String::from_utf8(shown).unwrap()
}

/// The output of the terminal after the prompt, up to its settings, which have echo again.
fn rest_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
    let (printed, settings) = shown.split_once("speed ").unwrap();
    assert!(settings.contains(" echo "), "{settings}");
    printed.to_owned()
}

#[test]
fn a_password_can_be_typed() {
    let sandbox = with_password();
    let (child, mut typed) = at_the_prompt(
        &sandbox,
        &format!("bundle dist --output B --signing-key cosign.key {NO_LOG} --public-key-out k.pub"),
    );
    typed.write_all(b"s3cret\n").unwrap();
    let printed = rest_of(child);
    drop(typed);
    let key = printed.split("key sha256\n    ").nth(1).unwrap().split('\n').next().unwrap();
    assert_ne!(key, KEY_SHA256);
    assert_eq!(
        printed,
        format!(
            "
signing with cosign.key
signed B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {key}
  log none, timestamp none
verify it with:
  aicr verify B --key k.pub --insecure-ignore-tlog
exit 0
"
        )
    );
}

#[test]
fn a_wrong_password_is_asked_for_again_three_times_in_all() {
    let again = format!("\r\nwrong password; {PROMPT}");
    for (words, passwords, exit) in [
        ("bundle dist --output B", &["S3cret", "s3cret"][..], 0),
        ("bundle dist --output B", &["", "S3cret", "s3cret"], 0),
        ("bundle dist --output B", &["1", "2", "3"], 2),
        ("doctor", &["1", "2", "3"], 2),
    ] {
        let sandbox = with_password();
        let words = format!("{words} --signing-key cosign.key {NO_LOG} --quiet");
        let (mut child, mut typed) = at_the_prompt(&sandbox, &words);
        for (number, password) in passwords.iter().enumerate() {
            if number > 0 {
                assert_eq!(up_to_the_prompt(&mut child), again);
            }
            typed.write_all(format!("{password}\n").as_bytes()).unwrap();
        }
        let printed = rest_of(child);
        drop(typed);
        let error = "error: cosign.key cannot be decrypted: wrong password, 3 times
hint: check that this is the right key, and run the command again\n";
        let error = if exit == 0 { "" } else { error };
        assert_eq!(printed, format!("\n{error}exit {exit}\n"));
        assert_eq!(sandbox.path("B").exists(), exit == 0);
    }
}

#[test]
fn a_password_prompt_can_be_interrupted() {
    let sandbox = with_password();
    let before = sandbox.tree("");
    let (child, mut typed) =
        at_the_prompt(&sandbox, &format!("bundle dist --output B --signing-key cosign.key {NO_LOG}"));
    typed.write_all(b"s3c\x03").unwrap();
    let printed = rest_of(child);
    drop(typed);
    sandbox.remove("typed");
    assert_eq!(printed, "\nerror: interrupted\nexit 130\n");
    assert_eq!(sandbox.tree(""), before);
}
