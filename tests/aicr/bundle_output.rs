//! Where a bundle may be created, what `--force` replaces, and where `--public-key-out` may write.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::sandbox::{Act, SMALL_MANIFEST, Sandbox, UNSIGNED};

const FREE: &str = "hint: choose another name, or add `--force` to replace an existing bundle";
const ELSEWHERE: &str =
    "hint: choose an output outside the inputs, or use `--in-place` to turn the input into a bundle";

/// `bundle dist WORDS` fails with this stderr and changes nothing. With `accepted` instead of WORDS it
/// succeeds.
#[track_caller]
fn refused(make: impl FnOnce(&Sandbox) -> &Sandbox, words: &str, stderr: &str, accepted: &str) {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    make(&sandbox);
    let before = sandbox.tree("");
    sandbox.aicr(&format!("bundle dist {words}")).stderr(stderr).exits(2);
    assert_eq!(sandbox.tree(""), before);
    sandbox.aicr(&format!("bundle dist {accepted}")).whatever_it_prints().succeeds();
}

#[test]
fn an_output_must_not_exist() {
    refused(
        |sandbox| sandbox.file("B/mine", "precious"),
        "--output B",
        &format!("error: --output B exists and is not empty\n{FREE}\n"),
        "--output C",
    );
    refused(
        |sandbox| sandbox.file("B", "a file"),
        "--output B --force",
        "error: --output B is a regular file\nhint: choose another name\n",
        "--output C",
    );
    for target in ["elsewhere", "nowhere", "cosign.pub"] {
        refused(
            |sandbox| sandbox.directory("elsewhere").link("B", target),
            "--output B --force",
            "error: --output B is a symbolic link\nhint: choose another name\n",
            "--output elsewhere",
        );
    }
    // A shell completes the name with a slash at its end.
    refused(
        |sandbox| sandbox.directory("elsewhere").link("B", "elsewhere"),
        "--output B/",
        "error: --output B/ is a symbolic link\nhint: choose another name\n",
        "--output elsewhere/",
    );
    for output in [".", "..", "/", "x/..", "./"] {
        refused(
            |sandbox| sandbox.directory("x"),
            &format!("--output {output}"),
            &format!(
                "error: --output `{output}` does not end in a directory name
hint: name a new directory, for example `--output release-1.4`
"
            ),
            "--output x/y",
        );
    }
}

#[test]
fn an_empty_directory_is_replaced() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("B").chmod("B", 0o700);
    sandbox.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    assert_eq!(sandbox.read("B/checksums.txt"), SMALL_MANIFEST);
    assert_eq!(fs::metadata(sandbox.path("B")).unwrap().permissions().mode() & 0o7777, 0o755);
}

#[test]
fn the_parent_of_an_output_is_not_created() {
    refused(
        |sandbox| sandbox,
        "--output new/B",
        "error: --output new/B: directory new does not exist\nhint: create it with `mkdir -p new`\n",
        "--output home/B",
    );
    refused(
        |sandbox| sandbox,
        "--output dist/a/B",
        "error: --output dist/a/B: dist/a is not a directory\n",
        "--output B",
    );
}

#[test]
fn an_output_and_an_input_must_not_overlap() {
    fn bundle(sandbox: &Sandbox) -> &Sandbox {
        sandbox.aicr("bundle dist --output old --quiet").stderr(UNSIGNED).succeeds();
        sandbox
    }
    for force in ["", " --force"] {
        refused(
            |sandbox| sandbox,
            &format!("--output dist{force}"),
            &format!("error: --output dist is the input dist\n{ELSEWHERE}\n"),
            "--in-place",
        );
        refused(
            |sandbox| sandbox,
            &format!("--output dist/sub/B{force}"),
            &format!("error: --output dist/sub/B is inside the input dist\n{ELSEWHERE}\n"),
            "--output B",
        );
        refused(
            |sandbox| sandbox.link("alias", "dist/sub"),
            &format!("--output alias/B{force}"),
            &format!("error: --output alias/B is inside the input dist\n{ELSEWHERE}\n"),
            "--output B",
        );
        refused(
            bundle,
            &format!("old/sub --output old{force}"),
            &format!("error: the input old/sub is inside --output old\n{ELSEWHERE}\n"),
            "--output old --force",
        );
    }
}

#[test]
fn the_working_directory_is_not_replaced() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    for (within, output) in [("B", "../B"), ("B/sub", "../../B")] {
        let input = format!("{}/dist", "../".repeat(output.matches("..").count()).trim_end_matches('/'));
        sandbox
            .aicr_with(["bundle", &input, "--force", "--output", output])
            .within(within)
            .stderr(&format!(
                "error: --output {output} is the working directory or contains it
hint: change to another directory, or choose another output
"
            ))
            .exits(2);
    }
    sandbox.aicr("bundle dist --force --output B --quiet").stderr(UNSIGNED).succeeds();
}

#[test]
fn force_replaces_only_a_bundle() {
    let refusals: [(&str, Act, &str); 7] = [
        ("no manifest", |sandbox| sandbox.remove("B/checksums.txt"), "checksums.txt does not exist"),
        (
            "another kind of manifest",
            |sandbox| sandbox.file("B/checksums.txt", "read me\n"),
            "checksums.txt: line 1 does not begin with a SHA-256 digest",
        ),
        (
            "an unlisted file",
            |sandbox| sandbox.file("B/sub/mine", ""),
            "sub/mine is not listed in checksums.txt",
        ),
        ("a hidden file", |sandbox| sandbox.file("B/.git", ""), ".git is not listed in checksums.txt"),
        ("a link", |sandbox| sandbox.link("B/l", "a"), "l is not listed in checksums.txt"),
        (
            "a file next to the signature",
            |sandbox| sandbox.file("B/attestation/x", ""),
            "attestation/x is not listed in checksums.txt",
        ),
        ("an empty manifest", |sandbox| sandbox.file("B/checksums.txt", ""), "checksums.txt has no entries"),
    ];
    for (what, make, why) in refusals {
        let sandbox = Sandbox::new();
        sandbox.signed();
        make(&sandbox);
        let before = sandbox.tree("");
        sandbox
            .aicr("bundle dist --output B --force")
            .stderr(&format!(
                "error: --force replaces only a bundle, and B is not one: {why}
hint: remove it yourself, or choose another output
"
            ))
            .exits(2);
        assert_eq!(sandbox.tree(""), before, "{what}");
    }
}

#[test]
fn force_replaces_the_whole_bundle() {
    let changes: [(&str, Act); 5] = [
        ("as it was", |sandbox| sandbox),
        ("a changed file", |sandbox| sandbox.file("B/a", "changed")),
        ("a missing file", |sandbox| sandbox.remove("B/a")),
        ("empty directories", |sandbox| sandbox.directory("B/void/void")),
        ("a broken signature", |sandbox| sandbox.file("B/attestation/checksums.txt.sigstore.json", "{")),
    ];
    for (what, make) in changes {
        let sandbox = Sandbox::new();
        sandbox.signed().file("new/c", "gamma\n");
        make(&sandbox);
        let before = sandbox.path("B").metadata().unwrap().ino();
        sandbox.aicr("bundle new --output B --force --quiet").stderr(UNSIGNED).succeeds();
        assert_eq!(sandbox.tree("B"), ["c", "checksums.txt"], "{what}");
        assert_ne!(sandbox.path("B").metadata().unwrap().ino(), before);
        assert!(!sandbox.path(".B.aicr-staging").exists());
    }
    // Without anything to replace, the flag has no effect.
    let sandbox = Sandbox::new();
    sandbox.small_dist().aicr("bundle dist --output B --force --quiet").stderr(UNSIGNED).succeeds();
}

#[test]
fn a_signed_bundle_stays_until_the_new_one_is_complete() {
    let sandbox = Sandbox::new();
    sandbox
        .signed()
        .file("new/c", "gamma\n")
        .fake_cosign("case $1 in sign-blob) echo 'Error: no' >&2; exit 1 ;; esac\nexec \"$REAL\" \"$@\"");
    sandbox
        .aicr("bundle new --output B --force --signing-key cosign.key --tlog-upload=false")
        .stderr("error: cosign.key was refused by cosign\n    no\n")
        .exits(4);
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
    assert!(!sandbox.path(".B.aicr-staging").exists());
}

#[test]
fn the_public_key_is_written_for_the_receivers() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let run = |output: &str, out: &str, more: &str| {
        sandbox.aicr(&format!(
            "bundle dist --output {output} --signing-key cosign.key --tlog-upload=false --quiet --public-key-out {out}{more}"
        ))
    };
    run("B1", "k.pub", "").succeeds();
    assert_eq!(sandbox.read("k.pub"), sandbox.read("cosign.pub"));
    assert_eq!(sandbox.path("k.pub").metadata().unwrap().mode() & 0o7777, 0o644);
    // A file that has this key already is not changed.
    let before = sandbox.path("k.pub").metadata().unwrap().ino();
    run("B2", "k.pub", "").succeeds();
    assert_eq!(sandbox.path("k.pub").metadata().unwrap().ino(), before);

    for (out, why) in [
        (
            "other.pub",
            "--public-key-out other.pub exists and is not this public key\nhint: choose another file; aicr does not overwrite a key that somebody may trust",
        ),
        (
            "cosign.key",
            "--public-key-out cosign.key exists and is not this public key\nhint: choose another file; aicr does not overwrite a key that somebody may trust",
        ),
        (
            "dist/k.pub",
            "--public-key-out dist/k.pub is inside dist\nhint: write the key to another directory; a key that comes with the files proves nothing",
        ),
        (
            "dist/sub/../k.pub",
            "--public-key-out dist/sub/../k.pub is inside dist\nhint: write the key to another directory; a key that comes with the files proves nothing",
        ),
        (
            "B1/k.pub",
            "--public-key-out B1/k.pub is inside B1\nhint: write the key to another directory; a key that comes with the files proves nothing",
        ),
        ("nowhere/k.pub", "nowhere does not exist"),
        ("home", "--public-key-out home is a directory"),
        ("home/", "--public-key-out home/ does not name a file"),
    ] {
        let before = sandbox.tree("");
        let other = sandbox.read("other.pub");
        run("B1", out, " --force").stderr(&format!("error: {why}\n")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{out}");
        assert_eq!(sandbox.read("other.pub"), other);
    }
}

#[test]
fn if_the_public_key_cannot_be_written_nothing_is_signed() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("ro");
    let sign = "--signing-key cosign.key --tlog-upload=false";
    for command in ["bundle dist --output B", "bundle dist --output B --dry-run"] {
        let line =
            format!("mount -t tmpfs -o ro none ro && exec aicr {command} {sign} --public-key-out ro/k.pub");
        sandbox
            .program_run(["unshare", "-m", "sh", "-c", &line])
            .stderr(
                "error: --public-key-out ro/k.pub cannot be written: read-only file system\n\
                 hint: choose a file in another directory\n",
            )
            .exits(2);
        assert!(!sandbox.path("B").exists());
    }
}

/// The disk becomes full only after the check of the path.
#[test]
fn the_signed_bundle_stays_if_the_public_key_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("full");
    let line = "mount -t tmpfs -o nr_inodes=1 none full && exec aicr bundle dist --output B \
                --signing-key cosign.key --tlog-upload=false --public-key-out full/k.pub --format json";
    let run = sandbox.program_run(["unshare", "-m", "sh", "-c", line]).whatever_it_prints();
    let output = run.exits(1);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["bundles"][0]["verdict"], &report["bundles"][0]["error"]),
        (&"signed".into(), &serde_json::Value::Null)
    );
    assert!(
        report["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("cannot write full/k.pub: no space left on device")
    );
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
}

#[test]
fn the_public_key_is_not_written_before_the_signature() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().fake_cosign("case $1 in sign-blob) exit 1 ;; esac\nexec \"$REAL\" \"$@\"");
    sandbox
        .aicr("bundle dist --output B --signing-key cosign.key --tlog-upload=false --public-key-out k.pub")
        .stderr("error: cosign.key was refused by cosign\n")
        .exits(4);
    assert!(!sandbox.path("k.pub").exists());
}
