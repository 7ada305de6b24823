//! `bundle DIR --in-place`: writes the manifest into the directory itself. There is never a new manifest
//! with an old signature.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sandbox::{Act, KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox, UNSIGNED};

const SIGNATURE: &str = "dist/attestation/checksums.txt.sigstore.json";
const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// A test directory where `dist` is a signed bundle, made in place.
fn signed_in_place() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox.aicr(&format!("bundle dist --in-place {SIGN} --quiet")).succeeds();
    sandbox.aicr("verify dist --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
    sandbox
}

/// The run has left no staging directory, and nothing in the directory for temporary files.
#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
    let top: Vec<String> = sandbox.tree("").into_iter().filter(|name| name.contains("aicr-")).collect();
    assert_eq!(top, [""; 0]);
}

#[test]
fn the_files_are_not_copied() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().chmod("dist/a", 0o600);
    let before = sandbox.path("dist/a").metadata().unwrap().ino();
    sandbox
        .aicr("bundle dist --in-place")
        .stdout(&format!(
            "built dist
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
sign it with:
  aicr bundle-sign dist --signing-key REF --tlog-upload=false
UNSIGNED: nothing proves who made it until it is signed
"
        ))
        .succeeds();
    assert_eq!(sandbox.read("dist/checksums.txt"), SMALL_MANIFEST);
    assert_eq!(sandbox.tree("dist"), ["a", "checksums.txt", "sub/", "sub/b"]);
    let after = sandbox.path("dist/a").metadata().unwrap();
    assert_eq!((after.ino(), after.mode() & 0o7777), (before, 0o600));
    assert_eq!(sandbox.path("dist/checksums.txt").metadata().unwrap().mode() & 0o7777, 0o644);
    nothing_is_left(&sandbox);
}

#[test]
fn the_working_directory_can_become_a_bundle() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for (within, directory, key) in [("dist", ".", "./../cosign.pub"), ("dist/sub", "..", "../../cosign.pub")]
    {
        sandbox.remove("cosign.pub");
        let _ = std::fs::remove_file(sandbox.path("dist/checksums.txt"));
        let _ = std::fs::remove_dir_all(sandbox.path("dist/attestation"));
        let output = sandbox
            .aicr(&format!("bundle {directory} --in-place --force --signing-key env://KEY --tlog-upload=false"))
            .env("KEY", &sandbox.read("cosign.key"))
            .within(within)
            .stdout(&format!(
                "signed {directory}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
verify it with:
  {{root}}/bin/cosign public-key --key=env://KEY --outfile={key} && aicr verify {directory} --key {key} --insecure-ignore-tlog
"
            ))
            .succeeds();
        // The printed command runs in the same directory.
        let stdout = String::from_utf8(output.stdout).unwrap();
        sandbox
            .shell(stdout.lines().last().unwrap())
            .env("KEY", &sandbox.read("cosign.key"))
            .within(within)
            .whatever_it_prints()
            .succeeds();
        nothing_is_left(&sandbox);
    }
}

#[test]
fn only_force_replaces_an_existing_manifest() {
    let sandbox = signed_in_place();
    sandbox.file("dist/new", "more\n");
    let before = (sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE));
    for more in ["", SIGN, "--dry-run"] {
        sandbox
            .aicr(&format!("bundle dist --in-place {more}"))
            .stderr("error: dist already has a checksums.txt\nhint: --force replaces it\n")
            .exits(2);
    }
    assert_eq!((sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE)), before);
    sandbox.aicr(&format!("bundle dist --in-place --force {SIGN} --quiet")).succeeds();
    sandbox.aicr("verify dist --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
    assert_ne!(sandbox.read(SIGNATURE), before.1);
    nothing_is_left(&sandbox);
}

#[test]
fn a_new_manifest_removes_the_old_signature() {
    let sandbox = signed_in_place();
    sandbox.file("dist/new", "more\n");
    let output = sandbox.aicr("bundle dist --in-place --force").whatever_it_prints().succeeds();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.lines().last().unwrap().starts_with("UNSIGNED: "), "{stdout}");
    assert!(!sandbox.path(SIGNATURE).exists());
    sandbox.aicr("verify dist --checksums-only --quiet").succeeds();
    nothing_is_left(&sandbox);
}

#[test]
fn a_failed_run_leaves_the_old_bundle() {
    let fails: [(&str, &str, &str, i32); 3] = [
        (
            "cosign refuses",
            "echo 'Error: no' >&2; exit 1",
            "error: cosign.key was refused by cosign\n    no\n",
            4,
        ),
        (
            "cosign writes nothing",
            "exit 0",
            "error: cosign ended with exit 0, but the signature file that it had to write does not exist\n",
            4,
        ),
        ("cosign is killed", "kill -9 $$", "error: {root}/bin/cosign sign-blob was killed by signal 9\n", 1),
    ];
    for (what, script, stderr, code) in fails {
        let sandbox = signed_in_place();
        sandbox.file("dist/new", "more\n");
        sandbox.fake_cosign(&format!("case $1 in sign-blob) {script} ;; esac\nexec \"$REAL\" \"$@\""));
        let before = (sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE), sandbox.tree(""));
        sandbox.aicr(&format!("bundle dist --in-place --force {SIGN}")).stderr(stderr).exits(code);
        assert_eq!(
            (sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE), sandbox.tree("")),
            before,
            "{what}"
        );
        nothing_is_left(&sandbox);
    }
}

#[test]
fn a_file_that_is_written_to_while_it_is_hashed_is_refused() {
    let sandbox = signed_in_place();
    let before = (sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE));
    let busy = fs::File::create(sandbox.path("dist/busy")).unwrap();
    busy.set_len(1 << 30).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                busy.write_all_at(b"x", 0).unwrap();
            }
        });
        let output = sandbox.aicr(&format!("bundle dist --in-place --force {SIGN}")).output();
        done.store(true, Ordering::Relaxed);
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "error: dist/busy changed while it was read
hint: run it again when no program writes to the inputs
"
        );
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    });
    assert_eq!((sandbox.read("dist/checksums.txt"), sandbox.read(SIGNATURE)), before);
    nothing_is_left(&sandbox);
    // When no program writes to it, the file is accepted.
    sandbox.aicr(&format!("bundle dist --in-place --force {SIGN} --quiet")).succeeds();
}

#[test]
fn every_file_must_go_into_the_bundle() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .aicr("bundle dist --in-place --exclude *.tmp")
        .stderr(
            "error: --exclude cannot be used with --in-place: the files would stay in the bundle, and verify rejects unlisted files
hint: build in a new directory with --output DIR, or move the files away
",
        )
        .exits(2);
    for (make, stderr) in [
        (
            (|sandbox| sandbox.link("dist/l", "a")) as Act,
            "error: dist/l is a symbolic link, and links are not followed
hint: move it away, or replace it with the file that it points to, or build a copy with `--output` and `--exclude /l`
",
        ),
        (
            |sandbox| sandbox.file("dist/attestation/other", ""),
            "error: dist/attestation/other has a name that is reserved in a bundle
hint: move it away, or rename it, or build a copy with `--output` and `--exclude /attestation/other`
",
        ),
        (
            |sandbox| sandbox.file("dist/Checksums.txt", ""),
            "error: dist/Checksums.txt has a name that is reserved in a bundle
hint: move it away, or rename it, or build a copy with `--output` and `--exclude /Checksums.txt`
",
        ),
        (
            |sandbox| sandbox.directory("dist/checksums.txt"),
            "error: dist/checksums.txt has a name that is reserved in a bundle
hint: move it away, or rename it, or build a copy with `--output` and `--exclude /checksums.txt`
",
        ),
        (
            |sandbox| sandbox.link("dist/attestation", "../home"),
            "error: dist/attestation has a name that is reserved in a bundle
hint: move it away, or rename it, or build a copy with `--output` and `--exclude /attestation`
",
        ),
        (
            |sandbox| sandbox.file("dist/key", "-----BEGIN PRIVATE KEY-----\n"),
            "error: dist/key contains a private key
hint: move it away, or allow it with `--allow-private-keys`
",
        ),
        (
            |sandbox| sandbox.file("dist/A", ""),
            "error: dist/A and dist/a have the same name on a case-insensitive or Unicode-normalizing file system
hint: rename one, or allow both with `--allow-name-collisions`
",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.small_dist();
        make(&sandbox);
        let before = sandbox.tree("");
        sandbox.aicr("bundle dist --in-place").stderr(stderr).exits(2);
        assert_eq!(sandbox.tree(""), before);
    }
    sandbox.aicr("bundle dist --in-place --quiet").stderr(UNSIGNED).succeeds();
}

#[test]
fn exactly_one_directory_is_accepted() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("void").link("latest", "dist");
    for (words, stderr) in [
        (
            "dist void",
            "error: --in-place takes exactly one directory, not 2 (`dist` and 1 more)
hint: build from several inputs in a new directory: --output DIR
",
        ),
        (
            "dist/a",
            "error: dist/a is not a directory, and `--in-place` needs one
hint: give the directory, or build a bundle with `--output`
",
        ),
        ("void", "error: void contains no files to bundle\n"),
        ("nowhere", "error: input nowhere does not exist\n"),
        (
            "dist --output B",
            "error: --output cannot be used with --in-place: a bundle is built in one place
hint: leave out --output to write the manifest into the input itself, or leave out --in-place
",
        ),
    ] {
        sandbox.aicr(&format!("bundle {words} --in-place")).stderr(stderr).exits(2);
    }
    sandbox.aicr("bundle latest --in-place --quiet").stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.read("dist/checksums.txt"), SMALL_MANIFEST);
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let before = sandbox.tree("");
    sandbox
        .aicr("bundle dist --in-place --dry-run")
        .stdout("dry run: would write dist\n  2 files, 11 bytes\n")
        .succeeds();
    sandbox.aicr(&format!("bundle dist --in-place --dry-run {SIGN}")).whatever_it_prints().succeeds();
    assert_eq!(sandbox.tree(""), before);
}
