//! `--release-name` and `--release-version`: which release a bundle is, and what `verify` may expect of it.

use std::fs::File;

use crate::fake::{Fake, HONEST, fake_sandbox};
use crate::sandbox::{KEY_SHA256, Sandbox, UNSIGNED};

const RELEASE: &str = r#"{"schemaVersion":1,"name":"app","version":"1.4","files":2,"bytes":11}"#;
/// Of the small payload with [`RELEASE`].
const MANIFEST_SHA256: &str = "67ec4fac2d6f8406ce0d7a772521392d16fd12460214b2d00a05a49e689d0050";
const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";
const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";
const NAMED: &str = "--release-name app --release-version 1.4";

/// A bundle `B` of the small payload, which says that it is version 1.4 of app.
fn release() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().aicr(&format!("bundle dist --output B {NAMED} {SIGN} -q")).succeeds();
    sandbox
}

fn key() -> String {
    format!("  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n")
}

#[test]
fn a_bundle_says_which_release_it_is() {
    let sandbox = release();
    assert_eq!(sandbox.read("B/release.json"), RELEASE);
    let accepted = format!(
        "accepted B
  release app 1.4
  manifest sha256
    {MANIFEST_SHA256}
  3 files, 80 bytes
{}",
        key()
    );
    for expected in [
        "",
        " --expect-name app",
        " --expect-version 1.4",
        " --at-least 1.4",
        " --at-least v01.3.9",
        " --expect-name app --expect-version 1.4 --at-least 1",
    ] {
        sandbox.aicr(&format!("{VERIFY}{expected}")).stdout(&accepted).succeeds();
    }
    // The same input gives the same bytes.
    sandbox.aicr(&format!("bundle dist --output C {NAMED} -q")).stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.read("C/checksums.txt"), sandbox.read("B/checksums.txt"));
    sandbox.aicr(&format!("bundle dist --output B --force {NAMED} {SIGN}")).whatever_it_prints().succeeds();
    sandbox
        .aicr(&format!("bundle dist --output D {NAMED} --dry-run"))
        .stdout("dry run: would write D\n  3 files, 80 bytes\n")
        .succeeds();
}

#[test]
fn another_release_is_rejected_before_its_files_are_read() {
    let sandbox = release();
    sandbox.remove("B/a");
    let medium = "check that this is the medium that you expect: somebody may have sent you an old release";
    for (expected, error) in [
        ("--expect-name App", "B is a release of app, but --expect-name is App"),
        ("--expect-version 1.4.0", "B is version 1.4 of app, but --expect-version is 1.4.0"),
        ("--at-least 1.4.1", "B is version 1.4 of app, older than --at-least 1.4.1"),
    ] {
        sandbox
            .aicr(&format!("{VERIFY} {expected}"))
            .stdout("rejected B\n")
            .stderr(&format!("error: {error}\nhint: {medium}\n"))
            .exits(5);
    }
    // One that was written on the medium is not believed, whatever it says.
    let forged = sandbox.read("B/release.json").replace("1.4", "1.5");
    for forge in [true, false] {
        if forge {
            sandbox.file("B/release.json", &forged);
        } else {
            sandbox.remove("B/release.json");
        }
        sandbox
            .aicr(&format!("{VERIFY} --expect-version 1.5"))
            .stdout("rejected B\n")
            .stderr(
                "error: B does not say which release it is: its release.json is missing, changed, or not written by aicr\n",
            )
            .exits(5);
    }
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox
        .aicr(&format!("{VERIFY} --expect-name app"))
        .stdout("rejected B\n")
        .stderr(
            "error: B does not say which release it is: it has no release.json
hint: the sender builds it with --release-name and --release-version
",
        )
        .exits(5);
}

/// A hostile medium has a file of 15 TiB in place of a small one: nothing is read.
#[test]
fn more_than_was_signed_is_not_read() {
    let sandbox = release();
    let rejected = |found: &str| {
        format!(
            "rejected B
  manifest sha256
    {MANIFEST_SHA256}
  3 files listed, none was read
  signature accepted
{}  more-than-signed  release.json
    signed: 2 files, 11 bytes; found: 2 files, {found}
",
            key()
        )
    };
    let error = "error: B is not what its manifest says: 1 file is wrong
hint: `aicr verify --checksums-only` reads every file, however large
";
    let read = "strace -f -qq -e signal=none -e trace=read -P {root}/B/a -o trace aicr";
    File::options().write(true).open(sandbox.path("B/a")).unwrap().set_len(15 << 40).unwrap();
    let line = format!("{} {VERIFY}", read.replace("{root}/", &sandbox.path("").display().to_string()));
    sandbox.program_run(line.split(' ')).stdout(&rejected("15.1 TiB")).stderr(error).exits(5);
    assert!(!sandbox.read("trace").contains("read("));
    // This comes before the question whether there is space for a copy.
    sandbox.aicr(&format!("{VERIFY} --copy-to C")).stdout(&rejected("15.1 TiB")).stderr(error).exits(5);
    sandbox
        .aicr(&format!("bundle-sign B --force {SIGN}"))
        .stdout(&rejected("15.1 TiB").replace(&format!("  signature accepted\n{}", key()), ""))
        .stderr(error)
        .exits(5);
    sandbox.file("B/a", "alpha\n?").aicr(VERIFY).stdout(&rejected("12 bytes")).stderr(error).exits(5);
    sandbox
        .file("B/a", "alpha")
        .aicr(VERIFY)
        .stdout(&format!(
            "rejected B
  manifest sha256
    {MANIFEST_SHA256}
  3 files listed, 79 bytes could be read
  signature accepted
{}  changed      a
    found sha256
      8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8
  fewer-than-signed  release.json
    signed: 2 files, 11 bytes; found: 2 files, 10 bytes
",
            key()
        ))
        .stderr("error: B is not what its manifest says: 2 files are wrong\n")
        .exits(5);
    sandbox.file("B/a", "alpha\n").aicr(&format!("{VERIFY} -q")).succeeds();
}

/// The release says how many bytes there are, so a file must not grow after it was counted.
#[test]
fn an_input_that_grows_after_it_was_counted() {
    let grow =
        "[ -e \"$TOP/grown\" ] || echo more >>\"$TOP/dist/a\"; : >\"$TOP/grown\"; cat \"$TOP/cosign.pub\"";
    for place in ["--output C", "--in-place"] {
        let sandbox = fake_sandbox(Fake { public_key: grow, ..HONEST });
        let before = sandbox.tree("dist");
        sandbox
            .aicr(&format!("bundle dist {place} {NAMED} {SIGN}"))
            .stderr(
                "error: the inputs changed while they were read
hint: run it again when no program writes to the inputs
",
            )
            .exits(1);
        assert!(!sandbox.path("C").exists());
        assert_eq!(sandbox.tree("dist"), before);
    }
}

#[test]
fn in_place_the_release_is_replaced_with_the_manifest() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let bundle = |version: &str, more: &str| {
        sandbox.aicr(&format!(
            "bundle dist --in-place --force --release-name app --release-version {version} {SIGN} {more}"
        ))
    };
    let verify = |expected: &str| {
        let line = format!("verify dist --key cosign.pub --insecure-ignore-tlog -q {expected}");
        sandbox.aicr(&line).succeeds();
    };
    bundle("1.4", "-q").succeeds();
    assert_eq!(sandbox.read("dist/release.json"), RELEASE);
    verify("--expect-version 1.4");
    bundle("1.5", "-q").succeeds();
    verify("--expect-version 1.5");
    let done = bundle("1.5", "--format json").whatever_it_prints().succeeds();
    let done: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done["bundles"][0]["verdict"], "already-signed");
    // One that was damaged since is written again.
    let mut damaged = sandbox.read("dist/release.json");
    damaged = damaged.replace("1.5", "1.6");
    sandbox.file("dist/release.json", &damaged);
    bundle("1.5", "-q").succeeds();
    verify("--expect-version 1.5");
    assert_eq!(
        sandbox.tree("dist"),
        [
            "a",
            "attestation/",
            "attestation/checksums.txt.sigstore.json",
            "checksums.txt",
            "release.json",
            "sub/",
            "sub/b"
        ]
    );
}

#[test]
fn names_that_a_release_cannot_use() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("other/Release.json", "{}").file("old/release.json", RELEASE);
    sandbox.file("tree/release.json/x", "").file("plain/release.json", "{}\n").file("plain/x", "");
    let leave_out = |path: &str| format!("hint: leave it out with `--exclude {path}`, or rename it\n");
    for (input, error, hint) in [
        (
            "other",
            "other/Release.json has the name of the release.json that --release-name writes",
            leave_out("/Release.json"),
        ),
        (
            "old",
            "old/release.json has the name of the release.json that --release-name writes",
            leave_out("/release.json"),
        ),
        (
            "tree",
            "tree/release.json has the name of the release.json that --release-name writes",
            leave_out("/release.json"),
        ),
    ] {
        sandbox
            .aicr(&format!("bundle {input} --output C {NAMED}"))
            .stderr(&format!("error: {error}\n{hint}"))
            .exits(2);
    }
    let stale =
        "error: old/release.json says which release this is, and how many files it has: that may be wrong now
hint: add --release-name NAME --release-version VERSION to write a new one, or ";
    sandbox
        .aicr("bundle old --output C")
        .stderr(&format!("{stale}leave it out with `--exclude /release.json`\n"))
        .exits(2);
    sandbox.aicr("bundle old --in-place").stderr(&format!("{stale}remove it\n")).exits(2);
    // Any other file of that name is payload.
    sandbox.aicr("bundle plain --output C -q").stderr(UNSIGNED).succeeds();
    sandbox
        .aicr(&format!("bundle plain --in-place {NAMED}"))
        .stderr(
            "error: plain/release.json has the name of the release.json that --release-name writes
hint: move it away, or rename it, or build a copy with `--output` and `--exclude /release.json`
",
        )
        .exits(2);
    sandbox
        .aicr(&format!(
            "bundle plain other --output D --exclude /release.json --exclude /Release.json {NAMED} -q"
        ))
        .stderr(UNSIGNED)
        .succeeds();
    assert_eq!(sandbox.tree("D"), ["checksums.txt", "release.json", "x"]);
}

#[test]
fn a_fingerprint_says_which_key_to_trust() {
    let sandbox = release();
    let colons: Vec<String> = KEY_SHA256
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    for digits in [KEY_SHA256.to_owned(), colons.join(":")] {
        sandbox.aicr(&format!("{VERIFY} --key-sha256 {digits} -q")).succeeds();
    }
    // Then the file may lie anywhere.
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/cosign.pub", sandbox.read("cosign.pub"));
    sandbox.aicr(&format!("bundle dist --output B {SIGN} -q")).succeeds();
    let verify = "verify B --key B/cosign.pub --insecure-ignore-tlog";
    sandbox.aicr(&format!("{verify} --key-sha256 {KEY_SHA256} -q")).succeeds();
    sandbox
        .aicr(verify)
        .stderr(
            "error: --key B/cosign.pub lies in the bundle B, so it proves nothing about it
hint: use a key that you received through a separate channel
",
        )
        .exits(2);
    let hint = "hint: compare the fingerprint of the key with the one that you received through a separate channel\n";
    let other = "0".repeat(64);
    sandbox
        .aicr(&format!("{verify} --key-sha256 {other}"))
        .stderr(&format!(
            "error: --key B/cosign.pub is the key {KEY_SHA256}, which is not the one of --key-sha256\n{hint}"
        ))
        .exits(5);
    let of_file = sandbox.shell("sha256sum < cosign.pub | cut -c -64").output();
    let of_file = String::from_utf8(of_file.stdout).unwrap();
    sandbox
        .aicr(&format!("{verify} --key-sha256 {}", of_file.trim()))
        .stderr(&format!(
            "error: --key-sha256 is the SHA-256 of the file that --key B/cosign.pub reads, not of the key in it ({KEY_SHA256})\n{hint}"
        ))
        .exits(5);
}
