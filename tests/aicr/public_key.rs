//! The key of `verify --key`: every form in which people hand one on is the same key, kinds that cosign
//! cannot use are refused, and it may be piped in.

use crate::sandbox::{Act, Sandbox, repository};

const ACCEPT: &str = "--insecure-ignore-tlog --quiet";
const WRITE: &str = "hint: `cosign public-key --key REF --outfile cosign.pub` writes a public key";
const OTHER_KEY: &str = "hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits";

/// The DER in a PEM of the test directory.
fn der(sandbox: &Sandbox, pem: &str, der: &str) {
    sandbox.program_run(["openssl", "pkey", "-pubin", "-in", pem, "-outform", "DER", "-out", der]).succeeds();
}

#[test]
fn a_key_is_the_same_in_every_form() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let forms: [Act; 8] = [
        |s| s.file("k", s.read("cosign.pub")),
        |s| s.file("k", s.read("cosign.pub").replace('\n', "\r\n")),
        |s| s.file("k", format!("\u{feff}{}", s.read("cosign.pub"))),
        |s| s.file("k", format!("Our key:\n\n{}\n-- \nRelease team\n", s.read("cosign.pub"))),
        |s| {
            der(s, "cosign.pub", "k");
            s
        },
        |s| {
            s.shell("openssl pkey -pubin -in cosign.pub -outform DER | base64 -w 0 >k").succeeds();
            s
        },
        |s| s.file("k", base64_lines(s)),
        |s| s.file("k", base64_lines(s).replace('\n', "\r\n")),
    ];
    for make in forms {
        make(&sandbox);
        sandbox.aicr(&format!("verify B --key k {ACCEPT}")).succeeds();
        sandbox.shell(&format!("aicr verify B --key - {ACCEPT} <k")).succeeds();
        let other = sandbox.read("cosign.pub");
        sandbox.file("cosign.pub", sandbox.read("other.pub"));
        make(&sandbox);
        sandbox.aicr(&format!("verify B --key k {ACCEPT}")).whatever_it_prints().exits(5);
        sandbox.file("cosign.pub", other);
    }
}

fn base64_lines(sandbox: &Sandbox) -> String {
    let text = sandbox.read("cosign.pub");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('-')).collect();
    format!("{}\n", lines.join("\n"))
}

#[test]
fn what_is_not_a_public_key_is_refused_with_its_reason() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    der(&sandbox, "cosign.pub", "whole.der");
    sandbox.shell("head -c 40 whole.der >half.der").succeeds();
    sandbox
        .shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out private.der")
        .whatever_it_prints()
        .succeeds();
    sandbox.shell("base64 <private.der >private.b64; base64 <cosign.pub >twice.b64").succeeds();
    sandbox
        .shell("iconv -f UTF-8 -t UTF-16 cosign.pub >utf16.pub; tr -d '\\n' <cosign.pub >line.pub")
        .succeeds();
    sandbox.shell("head -n 2 cosign.pub >cut.pub; cat cosign.pub other.pub >two.pub; : >empty").succeeds();
    sandbox
        .shell("openssl genrsa 2048 | openssl rsa -RSAPublicKey_out -out pkcs1.pub")
        .whatever_it_prints()
        .succeeds();
    let pkcs1 = "hint: `openssl rsa -RSAPublicKey_in -in pkcs1.pub -pubout -out cosign.pub` converts it";
    for (file, why, hint) in [
        ("half.der", "is not a public key", WRITE),
        ("private.der", "is a private key", WRITE),
        ("private.b64", "is a private key", WRITE),
        ("cosign.key", "is a private key", WRITE),
        ("twice.b64", "is encoded in base64 once more", WRITE),
        ("utf16.pub", "is text in UTF-16", WRITE),
        ("line.pub", "has lost its line breaks: the PEM cannot be read", WRITE),
        ("cut.pub", "is cut off: the PEM cannot be read", WRITE),
        ("two.pub", "contains more than one PEM block", WRITE),
        ("empty", "is empty", WRITE),
        ("pkcs1.pub", "is an RSA public key in the form of PKCS#1", pkcs1),
    ] {
        sandbox
            .aicr(&format!("verify B --key {file} {ACCEPT}"))
            .stderr(&format!("error: --key {file} {why}\n{hint}\n"))
            .exits(2);
    }
    sandbox.shell(pkcs1.split('`').nth(1).unwrap()).whatever_it_prints().succeeds();
    sandbox.aicr(&format!("verify B --key cosign.pub {ACCEPT}")).whatever_it_prints().exits(5);
}

#[test]
fn kinds_that_cosign_cannot_use_are_refused_by_name() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    // ML-DSA-65, which this OpenSSL cannot make: FIPS 204 gives the length.
    let head = [0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04];
    let tail = [0x03, 0x12, 0x03, 0x82, 0x07, 0xa1, 0x00];
    sandbox.file("mldsa.pub", [&head[..], &tail, &[7; 1952]].concat());
    for (name, kind) in [
        ("rsa1024", "RSA 1024"),
        ("p224", "ECDSA P-224"),
        ("secp256k1", "ECDSA secp256k1"),
        ("brainpool", "ECDSA on an unknown curve"),
        ("ed448", "Ed448"),
        ("x25519", "X25519"),
        ("rsa-pss", "RSA-PSS"),
        ("mldsa", "ML-DSA-65"),
    ] {
        if name != "mldsa" {
            sandbox.file(&format!("{name}.pub"), fixture(name));
        }
        sandbox
            .aicr(&format!("verify B --key {name}.pub {ACCEPT}"))
            .stderr(&format!("error: --key {name}.pub is {kind}, which cosign cannot use\n{OTHER_KEY}\n"))
            .exits(2);
    }
    // The signature is by another key, which is seen only with a key that can be used.
    for name in ["p256", "p384", "p521", "ed25519", "rsa2048", "rsa4096"] {
        sandbox.file("k", fixture(name));
        sandbox.aicr(&format!("verify B --key k {ACCEPT}")).whatever_it_prints().exits(5);
    }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(repository().join(format!("fixtures/keys/types/{name}.pub"))).unwrap()
}

/// The hint makes the same key of it.
#[test]
fn forms_of_a_curve_that_cosign_does_not_read_can_be_converted() {
    for (option, kind) in [
        ("-conv_form compressed", "ECDSA with a compressed point"),
        ("-param_enc explicit", "ECDSA with explicit parameters"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.signed();
        sandbox
            .shell(&format!("openssl ec -pubin -in cosign.pub {option} -out k && rm cosign.pub"))
            .whatever_it_prints()
            .succeeds();
        let command =
            "openssl ec -pubin -in k -conv_form uncompressed -param_enc named_curve -out cosign.pub";
        sandbox
            .aicr(&format!("verify B --key k {ACCEPT}"))
            .stderr(&format!(
                "error: --key k is {kind}, which cosign cannot use\nhint: `{command}` converts it\n"
            ))
            .exits(2);
        sandbox.shell(command).whatever_it_prints().succeeds();
        sandbox.aicr(&format!("verify B --key cosign.pub {ACCEPT}")).succeeds();
    }
}

#[test]
fn only_the_key_is_read_from_standard_input() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("empty", "");
    for (line, stderr) in [
        (
            "aicr verify B --key - -q --insecure-ignore-tlog <empty",
            format!("--key -: standard input is empty\n{WRITE}"),
        ),
        (
            "aicr verify B --key - -q --insecure-ignore-tlog <dist",
            "--key -: standard input cannot be read: is a directory".into(),
        ),
        (
            "head -c 1048577 /dev/zero | aicr verify B --key - -q --insecure-ignore-tlog",
            "--key -: standard input is larger than 1.0 MiB".into(),
        ),
        (
            "aicr verify - --key - -q --insecure-ignore-tlog <cosign.pub",
            "- is given twice: standard input can be read only once
hint: give the key in a file, or the archive"
                .into(),
        ),
    ] {
        sandbox.shell(line).stderr(&format!("error: {stderr}\n")).exits(2);
    }
    // A directory and a key of that name.
    sandbox.shell("mv B ./-").succeeds();
    sandbox.aicr(&format!("verify ./- --key cosign.pub {ACCEPT}")).succeeds();
    let other = Sandbox::new();
    other.signed().file("-", other.read("cosign.pub"));
    other.aicr(&format!("verify B --key ./- {ACCEPT}")).succeeds();
}
