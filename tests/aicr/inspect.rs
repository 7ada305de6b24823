//! `aicr inspect`: what a bundle says of itself, and what cannot be described.

use std::fs;

use rustix::fs::FileType;

use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox, repository, sha256};
use crate::without_aicr::{signature, sigstore_bundle};

const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";

/// The first lines about a bundle with the manifest of the small one.
fn described(path: &str, bytes: u64) -> String {
    format!("described {path}\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, {bytes} bytes\n")
}

/// The last lines, with the flags of the command.
fn unproven(path: &str, flags: &str) -> String {
    format!(
        "unproven: anybody can write this; if you trust that signer, verify it with:\n  aicr verify {path} {flags}\n"
    )
}

/// Starts no cosign, and reads no payload: a FIFO in its place would block.
fn without_cosign() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.signed().remove("bin/cosign");
    sandbox
}

#[test]
fn a_signed_bundle() {
    let sandbox = without_cosign();
    let by_key = format!("  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n");
    let flags = "--key cosign.pub --insecure-ignore-tlog";
    let text = format!("{}{by_key}{}", described("B", 11), unproven("B", flags));
    sandbox.aicr("inspect B").stdout(&text).succeeds();
    sandbox.aicr("inspect B -q").succeeds();
    let json = format!(
        r#"{{"schemaVersion":1,"command":"inspect","exit":0,"cosign":null,"bundles":[{{"path":"B","verdict":"described","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[{{"path":"{SIGNATURE}","keySha256":"{KEY_SHA256}","identity":null,"issuer":null,"checked":false,"log":"none","timestamp":"none"}}],"findings":[],"findingsTotal":0,"error":null,"description":{{"kind":"bundle","wrongNames":0,"overThisManifest":true,"signedSha256":"{SMALL_SHA256}","logId":null,"logTime":null}},"commands":["aicr verify B {flags}"]}}],"error":null}}
"#
    );
    sandbox.aicr("inspect B --format json").stdout(&json).succeeds();

    // The files are not read, whatever they are now.
    sandbox.remove("B/a").special("B/a", FileType::Fifo).file("B/extra", "");
    let text = format!(
        "{}{by_key}  2 files are not as the manifest lists\n{}",
        described("B", 5),
        unproven("B", flags)
    );
    sandbox.aicr("inspect B").stdout(&text).succeeds();
}

#[test]
fn a_bundle_that_says_which_release_it_is() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist -o R --release-name widget --release-version 1.4 --no-sign -q")
        .whatever_it_prints()
        .succeeds();
    let run = sandbox.aicr("inspect R").output();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.starts_with("described R\n  release widget 1.4\n  manifest sha256\n"), "{text}");
    let run = sandbox.aicr("inspect R --format json").output();
    let json = String::from_utf8(run.stdout).unwrap();
    assert!(json.contains(r#""release":{"name":"widget","version":"1.4"}"#), "{json}");
}

#[test]
fn an_unsigned_bundle() {
    let sandbox = without_cosign();
    sandbox.shell("rm -r B/attestation; mv B 'my B'").succeeds();
    let text = described("my B", 11)
        + "  no signature\n\
           unproven: anybody can write this; compare the files with:\n  \
           aicr verify 'my B' --checksums-only\n";
    sandbox.aicr_with(["inspect", "my B"]).stdout(&text).succeeds();
    sandbox.file("my B/checksums.txt.asc", "");
    let text = text.replace("  no signature\n", "  no signature\n  1 file is not as the manifest lists\n");
    sandbox
        .aicr_with(["inspect", "my B"])
        .stdout(&text)
        .stderr("warning: my B has checksums.txt.asc, which aicr does not read\n")
        .succeeds();
}

/// Recorded signatures over another file, with each kind of signer and service.
#[test]
fn a_signature_over_another_manifest() {
    let sandbox = without_cosign();
    let identity = "--certificate-identity dev@example.test --certificate-oidc-issuer \
                    https://localhost:8888 --trusted-root trusted_root.json";
    for (name, signer, witnesses, log, flags) in [
        (
            "key",
            RECORDED_KEY,
            "log none, timestamp none",
            String::new(),
            "--key cosign.pub --insecure-ignore-tlog",
        ),
        (
            "key-rekor-v1",
            RECORDED_KEY,
            "log unchecked, timestamp none",
            format!("{RECORDED_LOG}  log time 2026-11-23T02:34:19Z\n"),
            "--key cosign.pub --trusted-root trusted_root.json",
        ),
        (
            "keyless-rekor-v1",
            RECORDED_IDENTITY,
            "log unchecked, timestamp none",
            format!("{RECORDED_LOG}  log time 2026-11-23T02:34:22Z\n"),
            identity,
        ),
        (
            "keyless-rekor-v2-timestamp",
            RECORDED_IDENTITY,
            "log unchecked, timestamp unchecked",
            RECORDED_LOG_2.to_owned(),
            identity,
        ),
        (
            "keyless-timestamp",
            RECORDED_IDENTITY,
            "log none, timestamp unchecked",
            String::new(),
            &format!("{identity} --insecure-ignore-tlog --require-timestamp"),
        ),
    ] {
        let text = fs::read(repository().join(format!("fixtures/evidence/{name}.json"))).unwrap();
        sandbox.file(&format!("B/{SIGNATURE}"), text);
        let text = format!(
            "{}{signer}  {witnesses}\n{log}{OVER_ANOTHER}{}",
            described("B", 11),
            unproven("B", flags)
        );
        sandbox.aicr("inspect B").stdout(&text).succeeds();
    }
}

const RECORDED_KEY: &str =
    "  key sha256\n    13fe3050185932b1ec4037e8f91423641432011d80dbfd6f9494c71204052d90\n";
const RECORDED_IDENTITY: &str = "  identity dev@example.test\n  issuer https://localhost:8888\n";
const RECORDED_LOG: &str = "  log id\n    d366a7d5df16f06de72f945aa75afc258cf2dbfa9ed7bed424d24b25141adcaf\n";
const RECORDED_LOG_2: &str =
    "  log id\n    e0f33504eb877d0b8488b9fa02b9300e949f8f58435e6dfe62aafac7f60ae430\n";
const OVER_ANOTHER: &str = "  the signature is over another manifest, with sha256
    0ea4714806a9b812be9880c4ff0e7aad6a8fd2393cff0cc8dc5778313c9a7903\n";

/// A checksum file that aicr did not write, and a signature next to it in several forms.
#[test]
fn a_release_that_aicr_did_not_build() {
    let sandbox = Sandbox::new();
    let manifest = format!("{SMALL_MANIFEST}{KEY_SHA256}  gone\n");
    sandbox.small_dist().file("dist/SHA256SUMS", &manifest);
    let signature = signature(&sandbox, "cosign.key", &manifest);
    let bundle = sigstore_bundle(&signature, &manifest);
    sandbox.remove("bin/cosign");
    let head = format!(
        "described dist\n  manifest sha256\n    {}\n  3 files listed, 1 not there, 11 bytes\n",
        sha256(manifest.as_bytes())
    );
    let tail = "  log none, timestamp none\n  not a bundle of aicr; its manifest is SHA256SUMS\n\
                unproven: anybody can write this; if you trust that signer, verify it with:\n  \
                aicr verify dist --manifest SHA256SUMS --allow-missing --key cosign.pub --insecure-ignore-tlog\n";
    for (end, text, signer) in [
        (".sig", signature.clone(), "  signer unknown\n".to_owned()),
        (".bundle", format!(r#"{{"base64Signature":"{signature}"}}"#), "  signer unknown\n".to_owned()),
        (".sigstore.json", bundle, format!("  key sha256\n    {KEY_SHA256}\n")),
    ] {
        // A later one is found before those that are there.
        sandbox.file(&format!("dist/SHA256SUMS{end}"), text);
        sandbox.aicr("inspect dist").stdout(&format!("{head}{signer}{tail}")).succeeds();
    }
    let json = sandbox.aicr("inspect dist --format json").output();
    let json = String::from_utf8(json.stdout).unwrap();
    assert!(json.contains(r#""description":{"kind":"release","manifest":"SHA256SUMS","#), "{json}");

    for (file, text, message, hint) in [
        ("SHA256SUMS.sigstore.json", "{", "is cut off or damaged", "copy it again"),
        (
            "SHA256SUMS",
            "SHA256 (a) = 0\n",
            ": line 1 is in the BSD form (`SHA256 (name) = ...`)",
            "aicr reads SHA-256 checksums, in lines as `sha256sum` writes them",
        ),
    ] {
        sandbox.file(&format!("dist/{file}"), text);
        let message = if message.starts_with(':') { message.to_owned() } else { format!(" {message}") };
        sandbox
            .aicr("inspect dist")
            .stdout("rejected dist\n")
            .stderr(&format!("error: dist/{file}{message}\nhint: {hint}\n"))
            .exits(5);
    }
}

/// Exit 2, before any is read.
#[test]
fn what_is_nothing_of_ours() {
    let sandbox = without_cosign();
    sandbox.file("empty/x", "").special("fifo", FileType::Fifo).file("r.tar", "");
    for (words, message, hint) in [
        ("B none", "none does not exist", None),
        (
            "B empty",
            "empty is not a bundle: it has no checksums.txt, and no checksum file with a signature next to it",
            Some("give the directory that holds it"),
        ),
        ("B fifo", "fifo is not a directory", None),
        (
            "B B/checksums.txt",
            "B/checksums.txt is neither a directory nor an archive of aicr",
            Some("give its directory: B"),
        ),
        (
            "r.tar B",
            "r.tar is neither a directory nor an archive of aicr",
            Some("unpack it: `mkdir r && tar -C r -xf r.tar`, and give the directory that has checksums.txt"),
        ),
        (
            "B -",
            "PATH: inspect reads nothing from standard input",
            Some("write `./-` for a directory of that name"),
        ),
        (
            "B --report B/r.json",
            "--report B/r.json is inside B",
            Some("choose a file in another directory; a report is not a part of a bundle"),
        ),
    ] {
        let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        sandbox.aicr(&format!("inspect {words}")).stderr(&format!("error: {message}\n{hint}")).exits(2);
    }
    sandbox
        .aicr_with(["inspect", ""])
        .stderr("error: PATH: the path is empty\nhint: an unset variable in the command line is the usual cause\n")
        .exits(2);
}

/// Exit 5: it is a bundle, and cannot be read as one. The others are described all the same.
#[test]
fn a_bundle_that_cannot_be_read() {
    let sandbox = without_cosign();
    sandbox
        .shell(
            "for name in J L U N; do cp -r B $name; done; echo { >J/attestation/checksums.txt.sigstore.json
            echo x >>L/checksums.txt; mv U/checksums.txt U/CHECKSUMS.TXT; rm N/checksums.txt",
        )
        .succeeds();
    let again = "get the bundle again from where it came from";
    let errors = [
        ("J/attestation/checksums.txt.sigstore.json is cut off or damaged", "copy it again"),
        ("L/checksums.txt: line 3 does not begin with a SHA-256 digest", again),
        (
            "U is not a bundle: it has CHECKSUMS.TXT, not checksums.txt",
            "the medium or the transfer changed the names: copy the bundle again, as a tar file or on a medium that keeps them",
        ),
        ("N is not a bundle: it has no checksums.txt", "give the directory that holds it"),
    ];
    let stderr = errors.map(|(message, hint)| format!("error: {message}\nhint: {hint}\n")).concat();
    let flags = "--key cosign.pub --insecure-ignore-tlog";
    let stdout = format!(
        "rejected J\nrejected L\n{}  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n{}rejected U\nrejected N\n5 bundles: 4 rejected, 1 described\n",
        described("B", 11),
        unproven("B", flags)
    );
    sandbox.aicr("inspect J L B U N").stdout(&stdout).stderr(&stderr).exits(5);
}

/// Only its head is read: what comes later may be missing or wrong.
#[test]
fn an_archive() {
    let sandbox = without_cosign();
    sandbox.aicr("pack B --output r.tar -q").succeeds();
    let described = |archive: &str| {
        format!(
            "described {archive}
  manifest sha256
    {SMALL_SHA256}
  2 files listed, none was read
  key sha256
    {KEY_SHA256}
  log none, timestamp none
unproven: anybody can write this; if you trust that signer, verify it with:
  aicr verify {archive} --key cosign.pub --insecure-ignore-tlog
"
        )
    };
    sandbox.aicr("inspect r.tar").stdout(&described("r.tar")).succeeds();
    // Without the payload and the end.
    sandbox.shell("head -c 3072 r.tar >v.tar.001").succeeds();
    sandbox.aicr("inspect v.tar.001").stdout(&described("v.tar.001")).succeeds();
    sandbox.shell("head -c 2048 r.tar >cut.tar").succeeds();
    sandbox
        .aicr("inspect cut.tar")
        .stdout("rejected cut.tar\n")
        .stderr("error: cut.tar is not as `aicr pack` wrote it: it is cut off after 2048 bytes\n")
        .exits(5);
}
