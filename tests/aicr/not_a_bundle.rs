//! What is not a bundle, or is one no longer: files and archives given as BUNDLE, names and line ends that
//! were changed on the way, and signatures of other tools.

use std::fs;

use crate::sandbox::{SMALL_SHA256, Sandbox};

const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";
const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";
const ONLY: &str =
    "hint: --checksums-only compares the files with the manifest; it proves nothing about who made it";

#[test]
fn a_path_that_is_not_a_bundle() {
    let sandbox = Sandbox::new();
    sandbox.signed().directory("empty").file("file", "").file("nothing/checksums.txt", "");
    sandbox.link("dangling", "nowhere");
    for (bundle, exit, error) in [
        ("nowhere", 2, "nowhere does not exist"),
        ("dangling", 2, "dangling does not exist"),
        (
            "file",
            2,
            "file is neither a directory nor an archive of aicr\nhint: give the directory that has checksums.txt",
        ),
        (
            "B/checksums.txt",
            2,
            "B/checksums.txt is neither a directory nor an archive of aicr\nhint: give its directory: B",
        ),
        (
            "empty",
            5,
            "empty is not a bundle: it has no checksums.txt\nhint: give the directory that holds it",
        ),
        (
            "B/sub",
            5,
            "B/sub is not a bundle: it has no checksums.txt\nhint: give the directory that holds it",
        ),
    ] {
        let stdout = if exit == 5 { format!("rejected {bundle}\n") } else { String::new() };
        for trust in ["--key cosign.pub --insecure-ignore-tlog", "--checksums-only"] {
            sandbox
                .aicr(&format!("verify {bundle} {trust}"))
                .stdout(&stdout)
                .stderr(&format!("error: {error}\n"))
                .exits(exit);
        }
    }
    sandbox
        .aicr("verify nothing --checksums-only")
        .stdout("rejected nothing\n")
        .stderr("error: nothing/checksums.txt has no entries\nhint: get the bundle again from where it came from\n")
        .exits(5);
}

/// `verify` and `bundle-sign` say how to unpack an archive, before any work.
#[test]
fn an_archive_is_not_a_bundle() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.program_run(["tar", "-C", "B", "-czf", "release 1.4.tar.gz", "."]).succeeds();
    let unpack = "unpack it: `mkdir 'release 1.4' && tar -C 'release 1.4' -xf 'release 1.4.tar.gz'`, and give the directory that has checksums.txt";
    sandbox
        .aicr_with([
            "bundle-sign",
            "--signing-key",
            "cosign.key",
            "--tlog-upload=false",
            "release 1.4.tar.gz",
        ])
        .stderr(&format!("error: release 1.4.tar.gz is not a directory\nhint: {unpack}\n"))
        .exits(2);
    sandbox
        .aicr_with(["verify", "--key", "cosign.pub", "--insecure-ignore-tlog", "release 1.4.tar.gz"])
        .stderr(&format!(
            "error: release 1.4.tar.gz is compressed, and aicr does not decompress
hint: if `aicr pack` wrote it: `gzip -dc 'release 1.4.tar.gz' | aicr verify -` with the same flags; else {unpack}
"
        ))
        .exits(2);
    // The command of the hint works.
    sandbox.shell("mkdir 'release 1.4' && tar -C 'release 1.4' -xf 'release 1.4.tar.gz'").succeeds();
    sandbox
        .aicr_with(["verify", "release 1.4", "--key", "cosign.pub", "--insecure-ignore-tlog", "-q"])
        .succeeds();
}

/// An archive of aicr can be verified, and not signed or packed.
#[test]
fn an_archive_of_aicr_is_not_signed() {
    let sandbox = Sandbox::new();
    sandbox.signed().aicr("pack B --output r.tar -q").succeeds();
    for command in
        ["bundle-sign r.tar --signing-key cosign.key --tlog-upload=false", "pack r.tar --output s.tar"]
    {
        sandbox
            .aicr(command)
            .stderr(
                "error: r.tar is not a directory
hint: it is the archive of a bundle; unpack it, and give the directory: `mkdir r && tar -C r -xf r.tar`
",
            )
            .exits(2);
    }
}

/// A medium that knows only upper case.
#[test]
fn a_bundle_whose_names_were_changed() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let expected = "error: B is not a bundle: it has CHECKSUMS.TXT, not checksums.txt
hint: the medium or the transfer changed the names: copy the bundle again, as a tar file or on a medium that keeps them
";
    fs::rename(sandbox.path("B/checksums.txt"), sandbox.path("B/CHECKSUMS.TXT")).unwrap();
    for words in [TRUST, "--checksums-only"] {
        sandbox.aicr(&format!("verify B {words}")).stdout("rejected B\n").stderr(expected).exits(5);
    }
    sandbox
        .aicr("bundle-sign B --signing-key cosign.key --tlog-upload=false")
        .stdout("rejected B\n")
        .stderr(expected)
        .exits(5);
    fs::rename(sandbox.path("B/CHECKSUMS.TXT"), sandbox.path("B/checksums.txt")).unwrap();
    sandbox.aicr(&format!("verify B {TRUST} -q")).succeeds();
}

/// A transfer in text mode is named as the cause only if it is the whole cause.
#[test]
fn a_manifest_that_was_sent_in_text_mode() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let manifest = sandbox.read("B/checksums.txt");
    let returns = manifest.replace('\n', "\r\n");
    // Of the two texts below.
    let sent = "e8827ed45eadcdfa6aa47651b6f937a4e184c84d24e5cded3eff6afedb411720";
    let forged = "66c7062431d107f5a49dcd0151a307213a2bb88cf8b9b7062a01592ffbc54dce";
    for (text, cause, digest, hint) in [
        (
            returns.clone(),
            ": its line ends are CRLF now",
            sent,
            "hint: a transfer or a checkout in text mode does that: copy the bundle again in binary mode, or as a tar file",
        ),
        (format!("0{}", &returns[1..]), "", forged, ONLY),
    ] {
        sandbox
            .file("B/checksums.txt", text)
            .aicr(&format!("verify B {TRUST}"))
            .stdout("rejected B\n")
            .stderr(&format!(
                "error: B: checksums.txt was changed after it was signed{cause} (SHA-256 {digest}, signed was {SMALL_SHA256})\n{hint}\n"
            ))
            .exits(5);
    }
    sandbox.file("B/checksums.txt", manifest).aicr(&format!("verify B {TRUST} -q")).succeeds();
}

/// A bundle with a signature in another place is not simply unsigned.
#[test]
fn a_signature_that_another_tool_has_put_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let signature = sandbox.read(SIGNATURE);
    sandbox.remove(SIGNATURE);
    let has = "error: B has no attestation/checksums.txt.sigstore.json, where aicr looks, but";
    for place in ["checksums.txt.SIGSTORE.JSON", "attestation/bundle-attestation.sigstore.json"] {
        let command = format!("mkdir -p B/attestation && mv B/{place} {SIGNATURE}");
        sandbox
            .file(&format!("B/{place}"), &signature)
            .aicr(&format!("verify B {TRUST}"))
            .stdout("rejected B\n")
            .stderr(&format!(
                "{has} {place}\nhint: if it is cosign's signature over checksums.txt, move it: `{command}`\n"
            ))
            .exits(5);
        sandbox.shell(&command).succeeds();
        sandbox.aicr(&format!("verify B {TRUST} -q")).succeeds();
        sandbox.remove(SIGNATURE);
    }
    sandbox
        .file("B/checksums.txt.asc", "")
        .aicr(&format!("verify B {TRUST}"))
        .stdout("rejected B\n")
        .stderr(&format!(
            "{has} checksums.txt.asc\nhint: aicr reads only Sigstore bundles, as `cosign sign-blob --bundle` writes them\n"
        ))
        .exits(5);
}
