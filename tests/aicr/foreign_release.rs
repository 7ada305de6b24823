//! `verify DIR --manifest NAME`: releases that aicr did not build, signed by a key. `tests/sigstore` has those
//! with certificates and log entries, and `matrix` all releases of cosign.

mod results;
pub(crate) mod sample;

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::FileType;
use serde_json::json;

use crate::sandbox::UNSIGNED;
use sample::{ALPHA, BETA, Foreign, IDENTITY, ONLY, TRUST};

#[test]
fn what_an_identity_or_a_log_needs_is_not_in_every_form() {
    let foreign = Foreign::new();
    let root = "--trusted-root root.json";
    foreign.sandbox.file("root.json", crate::sandbox::fixture("sigstore/trusted-root.json"));
    for (end, content) in &foreign.forms()[..5] {
        foreign.sandbox.file(&format!("R/SUMS.{end}"), content);
        foreign.is_rejected(
            &format!("{IDENTITY} {root}"),
            &format!(
                "error: R/SUMS.{end} has no certificate, so it cannot show offline which identity signed\nhint: if a key made it, give its public key: --key FILE\n"
            ),
        );
        foreign.sandbox.remove(&format!("R/SUMS.{end}"));
    }
    foreign.sandbox.file("R/SUMS.sig", foreign.bare());
    for root in ["", root] {
        foreign.is_rejected(
            &format!("--key signer.pub {root}"),
            "error: R is not accepted: there is no transparency log entry, and this command line requires one\nhint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false\n",
        );
    }
    foreign.is_accepted("");
}

#[test]
fn manifests_that_are_accepted() {
    let foreign = Foreign::new();
    for text in [
        format!("{ALPHA}  a\n{BETA}  sub/b\n"),
        format!("{ALPHA} *a\n{BETA} *sub/b"),
        format!("{BETA}  ./sub/b\n{ALPHA}  ./a"),
    ] {
        foreign.signed(&text).is_accepted("");
    }
    for itself in ["SUMS", "./SUMS"] {
        foreign
            .signed(&format!("{ALPHA}  a\n{ALPHA}  {itself}\n{BETA}  sub/b\n"))
            .verify(TRUST)
            .stdout(&foreign.about("accepted", "2 files, 11 bytes"))
            .stderr("warning: R/SUMS lists itself; that line is ignored\n")
            .succeeds();
    }
}

/// Only after the signature is accepted.
#[test]
fn manifests_that_are_rejected() {
    let foreign = Foreign::new();
    let upper = ALPHA.to_uppercase();
    for (text, why) in [
        (format!("{ALPHA}  a\r\n{BETA}  sub/b\r\n"), ": line 1 ends in a carriage return (CRLF)"),
        (format!("{ALPHA}  a\n{upper}  sub/b\n"), ": line 2 has a digest in upper case"),
        (format!("SHA256 (a) = {ALPHA}\n"), ": line 1 is in the BSD form (`SHA256 (name) = ...`)"),
        (format!("\\{ALPHA}  a\\nb\n"), ": line 1 begins with a backslash, which marks an escaped name"),
        (format!("{ALPHA}{BETA}  a\n"), ": line 1 has a digest of 128 digits; a SHA-256 digest has 64"),
        (format!("{ALPHA}  a\n{BETA}  sub/b\n{ALPHA} *./a\n"), ": line 3 lists the same file as line 1"),
        (format!("{ALPHA}  ../a\n"), ": line 1 lists `../a`, which has a component `.` or `..`"),
        (format!("{ALPHA}  SUMS\n"), " has no entries"),
        (String::new(), " has no entries"),
    ] {
        let hint = "hint: aicr reads SHA-256 checksums, in lines as `sha256sum` writes them\n";
        foreign.signed(&text).is_rejected(TRUST, &format!("error: R/SUMS{why}\n{hint}"));
        foreign.is_rejected("--checksums-only", &format!("error: R/SUMS{why}\n{hint}"));
        if !text.is_empty() {
            foreign.is_rejected(
                "--key cosign.pub --insecure-ignore-tlog",
                &format!("error: R: cosign does not accept the signature\n    (what cosign said)\n{ONLY}"),
            );
        }
    }
}

#[test]
fn a_part_of_a_release() {
    let foreign = Foreign::new();
    foreign.signed(&format!("{ALPHA}  a\n{BETA}  b\n{BETA}  c\n"));
    let sandbox = &foreign.sandbox;
    fs::remove_dir_all(sandbox.path("R/sub")).unwrap();
    let without = |files: &str, findings: &str, error: &str| {
        foreign
            .verify(TRUST)
            .stdout(&(foreign.about("rejected", files) + findings))
            .stderr(&format!("error: R is not what its manifest says: {error}\n"))
            .exits(5);
    };
    let add = "hint: if only a part of the release was downloaded, add --allow-missing";
    without(
        "3 files listed, 6 bytes could be read",
        "  missing      b\n  missing      c\n",
        &format!("2 files are wrong\n{add}"),
    );
    foreign
        .verify(&format!("{TRUST} --allow-missing"))
        .stdout(&foreign.about("accepted", "3 files listed, 2 not there, 6 bytes"))
        .succeeds();
    foreign
        .verify("--checksums-only --allow-missing")
        .stdout(&format!(
            "unproven R\n  manifest sha256\n    {}\n  3 files listed, 2 not there, 6 bytes\nnothing proves who made it: anybody can write a manifest\n",
            foreign.manifest_sha256()
        ))
        .succeeds();

    // Everything else is wrong all the same.
    sandbox.directory("R/b").file("R/x", "");
    foreign
        .verify(&format!("{TRUST} --allow-missing"))
        .stdout(
            &(foreign.about("rejected", "3 files listed, 1 not there, 6 bytes could be read")
                + "  not-regular  b\n  unlisted     x\n"),
        )
        .stderr("error: R is not what its manifest says: 2 files are wrong\n")
        .exits(5);
    sandbox.remove("R/x").file("R/a", "gamma\n");
    fs::remove_dir(sandbox.path("R/b")).unwrap();
    foreign
        .verify(&format!("{TRUST} --allow-missing"))
        .stdout(
            &(foreign.about("rejected", "3 files listed, 2 not there, 6 bytes could be read")
                + "  changed      a\n    found sha256\n      ae9a6306a205417afddd14316cc1d0d5e04a98f1be10865dce643925ee070ce2\n"),
        )
        .stderr("error: R is not what its manifest says: 1 file is wrong\n")
        .exits(5);
    // One listed file must be there.
    sandbox.remove("R/a");
    foreign
        .verify(&format!("{TRUST} --allow-missing"))
        .stdout(
            &(foreign.about("rejected", "3 files listed, 0 bytes could be read")
                + "  missing      a\n  missing      b\n  missing      c\n"),
        )
        .stderr("error: R is not what its manifest says: 3 files are wrong\nhint: --allow-missing needs at least one of the listed files\n")
        .exits(5);
}

#[test]
fn nothing_but_the_release_may_lie_in_its_directory() {
    let foreign = Foreign::new();
    foreign.signed(&format!("{ALPHA}  a\n{BETA}  sub/b\n"));
    let sandbox = &foreign.sandbox;
    for end in ["asc", "pem", "crt", "cert"] {
        sandbox.file(&format!("R/SUMS.{end}"), "whatever\n");
    }
    foreign.is_accepted("");
    sandbox.file("R/sub/SUMS.sig", "").file("R/a.sig", "").file("R/SUMS.sha512", "").remove("R/SUMS.asc");
    sandbox.file("R/attestation/checksums.txt.sigstore.json", "").file("R/SUMS.asc/x", "");
    sandbox.link("R/SUMS.bundle", "SUMS.sig");
    foreign
        .verify(&format!("{TRUST} --signature R/SUMS.sig"))
        .stdout(
            &(foreign.about("rejected", "2 files listed, 11 bytes could be read")
                + "  unlisted     SUMS.asc/x
  not-regular  SUMS.bundle
  unlisted     SUMS.sha512
  unlisted     a.sig
  unlisted     attestation/checksums.txt.sigstore.json
  unlisted     sub/SUMS.sig
"),
        )
        .stderr("error: R is not what its manifest says: 6 files are wrong\n")
        .exits(5);
}

#[test]
fn where_the_signature_is() {
    let foreign = Foreign::new();
    let sandbox = &foreign.sandbox;
    let unsigned = "error: R has no signature over SUMS: there is no SUMS.sigstore.json (nor .sigstore, .bundle, .sig)\nhint: if it has another name, add --signature FILE\n";
    foreign.is_rejected(TRUST, unsigned);
    // The first that is there; a directory is none.
    for (end, good) in
        [("sig", foreign.bare()), ("bundle", json!({ "base64Signature": foreign.bare() }).to_string())]
    {
        sandbox.file(&format!("R/SUMS.{end}"), good);
        foreign.is_accepted("");
    }
    sandbox.directory("R/SUMS.sigstore");
    foreign.is_accepted("");
    sandbox.file("R/SUMS.sigstore.json", "{}");
    foreign.is_rejected(
        TRUST,
        "error: R/SUMS.sigstore.json is not a Sigstore bundle: missing field `mediaType`\n",
    );
    sandbox.remove("R/SUMS.sigstore.json").special("R/SUMS.sigstore.json", FileType::Fifo);
    foreign.is_rejected(TRUST, "error: R/SUMS.sigstore.json is a FIFO\n");
    sandbox.remove("R/SUMS.sigstore.json").link("R/SUMS.sigstore.json", "SUMS.bundle");
    foreign.is_rejected(TRUST, "error: R/SUMS.sigstore.json is a symbolic link\n");
    sandbox.remove("R/SUMS.sigstore.json").remove("R/SUMS.bundle").remove("R/SUMS.sig");
    foreign.is_rejected(TRUST, unsigned);

    // A typed one, in the release or elsewhere, however it is spelled.
    let bare = foreign.bare();
    sandbox.file("R/signed/by.us", &bare).file("out.sig", &bare).link("link.sig", "out.sig");
    let absolute = sandbox.path("R/signed/by.us").display().to_string();
    for path in ["R/signed/by.us", "./R/signed/by.us", "R/../R/signed/by.us", &absolute] {
        foreign.is_accepted(&format!("--signature {path}"));
    }
    for path in ["out.sig", "link.sig"] {
        foreign
            .verify(&format!("{TRUST} --signature {path}"))
            .stdout(
                &(foreign.about("rejected", "2 files listed, 11 bytes could be read")
                    + "  unlisted     signed/by.us\n"),
            )
            .stderr("error: R is not what its manifest says: 1 file is wrong\n")
            .exits(5);
    }
    fs::rename(sandbox.path("R/signed/by.us"), sandbox.path("by.us")).unwrap();
    foreign.is_accepted("--signature out.sig");
    // No link of the release leads out of it.
    symlink(sandbox.path("by.us"), sandbox.path("R/signed/by.us")).unwrap();
    foreign.is_rejected(
        &format!("{TRUST} --signature R/signed/by.us"),
        "error: R/signed/by.us is a symbolic link\n",
    );
    sandbox.remove("R/signed/by.us");

    sandbox.file("R/SUMS.minisig", "untrusted comment: x\n");
    for (path, exit, error) in [
        ("nowhere.sig", 2, "--signature nowhere.sig does not exist"),
        ("R/nowhere.sig", 2, "--signature R/nowhere.sig does not exist"),
        ("R", 2, "--signature R is a directory"),
        (
            "SUMS.minisig",
            2,
            "--signature SUMS.minisig does not exist\nhint: write --signature R/SUMS.minisig",
        ),
        ("R/SUMS.minisig", 5, "R/SUMS.minisig is a signature of minisign or signify, not of cosign"),
        ("R/signed", 2, "--signature R/signed is a directory"),
    ] {
        let stdout = if exit == 5 { "rejected R\n" } else { "" };
        foreign
            .verify(&format!("{TRUST} --signature {path}"))
            .stdout(stdout)
            .stderr(&format!("error: {error}\n"))
            .exits(exit);
    }
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let foreign = Foreign::new();
    foreign.sandbox.signed();
    for (words, error) in [
        ("B --manifest checksums.txt", "B is a bundle of aicr\nhint: leave --manifest out"),
        ("R B --manifest SUMS", "B is a bundle of aicr\nhint: leave --manifest out"),
        (
            "R --manifest ./SUMS",
            "--manifest ./SUMS is not the name of a file in the directory to verify\nhint: write --manifest SUMS",
        ),
        (
            "R --manifest R/SUMS",
            "--manifest R/SUMS is not the name of a file in the directory to verify\nhint: give the directory that holds it, and --manifest SUMS",
        ),
        (
            "R --allow-missing",
            "--allow-missing needs --manifest: no file of a bundle may be missing\nhint: add --manifest NAME, the checksum file of a release that aicr did not build",
        ),
        (
            "R --signature R/SUMS.sig",
            "--signature needs --manifest: a bundle has its signature in a fixed place\nhint: add --manifest NAME, the checksum file of a release that aicr did not build",
        ),
        (
            "R/SUMS --manifest SUMS",
            "R/SUMS is not a directory\nhint: give the directory that has checksums.txt",
        ),
    ] {
        foreign
            .sandbox
            .aicr(&format!("verify {words} {TRUST}"))
            .stderr(&format!("error: {error}\n"))
            .exits(2);
    }
    foreign
        .sandbox
        .aicr(&format!("verify R --manifest SHA256SUMS {TRUST}"))
        .stdout("rejected R\n")
        .stderr("error: R has no SHA256SUMS\nhint: give the directory that holds it, and the name of its checksum file\n")
        .exits(5);
    // The key must come another way.
    foreign
        .sandbox
        .file("R/SUMS.pem", foreign.sandbox.read("signer.pub"))
        .aicr("verify R --manifest SUMS --key R/SUMS.pem --insecure-ignore-tlog")
        .stderr("error: --key R/SUMS.pem lies in the bundle R, so it proves nothing about it\nhint: use a key that you received through a separate channel\n")
        .exits(2);
}

#[test]
fn hints_lead_to_the_manifest_flag() {
    let foreign = Foreign::new();
    let sandbox = &foreign.sandbox;
    let bare = foreign.bare();
    sandbox.file("R/SUMS.sig", &bare);
    sandbox
        .aicr(&format!("verify R {TRUST}"))
        .stdout("rejected R\n")
        .stderr("error: R is not a bundle: it has no checksums.txt\nhint: to verify a release that aicr did not build, add --manifest SUMS\n")
        .exits(5);
    for (from, to) in [("SUMS", "checksums.txt"), ("SUMS.sig", "checksums.txt.sig")] {
        fs::rename(sandbox.path(format!("R/{from}")), sandbox.path(format!("R/{to}"))).unwrap();
    }
    sandbox
        .aicr(&format!("verify R {TRUST}"))
        .stdout("rejected R\n")
        .stderr("error: R has no attestation/checksums.txt.sigstore.json, where aicr looks, but checksums.txt.sig\nhint: to verify a release that aicr did not build, add --manifest checksums.txt\n")
        .exits(5);
    sandbox.aicr(&format!("verify R --manifest checksums.txt {TRUST} -q")).succeeds();

    // The site's own signature over it.
    for (place, error) in [
        ("--output B", "R/checksums.txt has a name that is reserved in a bundle"),
        ("--in-place", "R already has a checksums.txt"),
    ] {
        sandbox
            .aicr(&format!("bundle R {place}"))
            .stderr(&format!("error: {error}\nhint: to sign a release that aicr did not build, move R into a directory of its own, and bundle that directory\n"))
            .exits(2);
    }
    sandbox.shell("mkdir incoming && mv R incoming/").succeeds();
    sandbox.aicr("bundle incoming --output B -q").stderr(UNSIGNED).succeeds();
    assert!(sandbox.read("B/checksums.txt").contains("  R/checksums.txt.sig\n"));
}
