//! What somebody who can write to the medium can do with further signatures, and what not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{VERIFY, test_dir};
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox};
use crate::several_signatures::{FIRST, add_other, further};

const HINT: &str =
    "hint: whoever can write to the medium can add such a file; the bundle without it may be good\n";

/// The first signature with another key hint: the SHA-256 whose bytes are all `byte`.
fn with_hint(sandbox: &Sandbox, byte: u8) -> (String, String) {
    let text = sandbox.read(FIRST);
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let hint = &mut value["verificationMaterial"]["publicKey"]["hint"];
    let old = hint.as_str().unwrap().to_owned();
    let digits = format!("{byte:02x}").repeat(32);
    (digits, text.replace(&old, &STANDARD.encode([byte; 32])))
}

/// Adds a well-formed signature by a key that does not exist.
fn add(sandbox: &Sandbox, byte: u8) -> String {
    let (digits, text) = with_hint(sandbox, byte);
    sandbox.file(&further(&digits), text);
    digits
}

fn rejected(sandbox: &Sandbox, message: &str) {
    sandbox.aicr(VERIFY).stdout("rejected B\n").stderr(message).exits(5);
}

/// A further signature, well-formed and over this manifest, changes nothing. It is reported as not checked.
#[test]
fn a_further_signature_gives_nothing() {
    let sandbox = test_dir();
    add(&sandbox, 1);
    let one = "01".repeat(32);
    sandbox
        .aicr(VERIFY)
        .stdout(&format!(
            "accepted B
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  unchecked signature
  key sha256
    {one}
  log none, timestamp none
"
        ))
        .succeeds();
    // It is no signature of that key, and none of any other.
    sandbox
        .aicr("verify B --key other.pub --insecure-ignore-tlog")
        .stdout("rejected B\n")
        .stderr(&format!(
            "error: B is signed by key {KEY_SHA256} and key {one}, not by --key ({OTHER_KEY_SHA256})\n\
             hint: a rotated key is the usual cause: use the public key of the version that signed\n"
        ))
        .exits(5);
}

#[test]
fn two_signatures_of_one_key() {
    let sandbox = test_dir();
    let path = further(KEY_SHA256);
    sandbox.file(&path, sandbox.read(FIRST));
    rejected(
        &sandbox,
        &format!(
            "error: {path} is a second signature by the key of attestation/checksums.txt.sigstore.json ({KEY_SHA256})\n{HINT}"
        ),
    );
}

#[test]
fn a_file_that_is_named_after_another_key() {
    let sandbox = test_dir();
    let path = further(OTHER_KEY_SHA256);
    sandbox.file(&path, sandbox.read(FIRST));
    rejected(
        &sandbox,
        &format!("error: {path} is not named after the key of its signature ({KEY_SHA256})\n{HINT}"),
    );
}

/// Sixteen are read, and 17 are not.
#[test]
fn seventeen_signatures() {
    let sandbox = test_dir();
    for byte in 1..=15 {
        add(&sandbox, byte);
    }
    sandbox.aicr(&format!("{VERIFY} --quiet")).succeeds();
    let files = sandbox.tree("B");
    sandbox
        .aicr("bundle-sign B --add --signing-key other.key --tlog-upload=false")
        .stderr(
            "error: B has 16 signatures, and can have no more\n\
             hint: remove signatures that are not needed from B/attestation\n",
        )
        .exits(2);
    assert_eq!(sandbox.tree("B"), files);
    add(&sandbox, 16);
    rejected(&sandbox, &format!("error: B has more than 16 signatures\n{HINT}"));
}

#[test]
fn further_signatures_without_the_first() {
    let sandbox = test_dir();
    add(&sandbox, 1);
    sandbox.remove(FIRST);
    let message = "error: B has attestation/checksums.txt.0101010101010101.sigstore.json, but no attestation/checksums.txt.sigstore.json\n\
                   hint: restore the first file, or remove the others\n";
    rejected(&sandbox, message);
    sandbox
        .aicr("bundle-sign B --signing-key cosign.key --tlog-upload=false")
        .stdout("rejected B\n")
        .stderr(message)
        .exits(5);
}

#[test]
fn a_further_signature_over_another_manifest() {
    let sandbox = test_dir();
    let path = further(&"01".repeat(32));
    add(&sandbox, 1);
    let value: serde_json::Value = serde_json::from_str(&sandbox.read(&path)).unwrap();
    let digest = value["messageSignature"]["messageDigest"]["digest"].as_str().unwrap().to_owned();
    sandbox.file(&path, sandbox.read(&path).replace(&digest, &STANDARD.encode([7; 32])));
    let other = "07".repeat(32);
    rejected(
        &sandbox,
        &format!(
            "error: B: attestation/checksums.txt.0101010101010101.sigstore.json is a signature over another checksums.txt (SHA-256 {other}, this one is {SMALL_SHA256})\n\
             hint: --checksums-only compares the files with the manifest; it proves nothing about who made it\n"
        ),
    );
}

#[test]
fn a_further_file_that_is_no_signature() {
    let sandbox = test_dir();
    let path = further(&"01".repeat(32));
    sandbox.file(&path, "x");
    rejected(&sandbox, &format!("error: {path} is not a Sigstore bundle: expected value\n"));
    sandbox.remove(&path).link(&path, "checksums.txt.sigstore.json");
    rejected(&sandbox, &format!("error: {path} is a symbolic link\n"));
}

/// Whoever swaps the files only makes the bundle one that is rejected.
#[test]
fn swapped_and_removed_files() {
    let sandbox = test_dir();
    add_other(&sandbox);
    let path = further(OTHER_KEY_SHA256);
    for key in ["cosign.pub", "other.pub"] {
        sandbox.aicr(&format!("verify B --key {key} --insecure-ignore-tlog --quiet")).succeeds();
    }
    let further_one = sandbox.read(&path);
    // The first and the further one swapped.
    sandbox.file(&path, sandbox.read(FIRST));
    sandbox.file(FIRST, &further_one);
    rejected(
        &sandbox,
        &format!("error: {path} is not named after the key of its signature ({KEY_SHA256})\n{HINT}"),
    );
    // The further one in the place of the first: a signature less, and all else is the same.
    sandbox.remove(&path);
    sandbox.aicr("verify B --key other.pub --insecure-ignore-tlog --quiet").succeeds();
    rejected(
        &sandbox,
        &format!(
            "error: B is signed by key {OTHER_KEY_SHA256}, not by --key ({KEY_SHA256})\n\
             hint: a rotated key is the usual cause: use the public key of the version that signed\n"
        ),
    );
}
