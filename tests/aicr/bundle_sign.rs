//! `bundle-sign`: which bundles it signs, which it does not change, and which it refuses.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::fs::FileType;

use crate::sandbox::{Act, KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox, UNSIGNED};

const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";
const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The report about a bundle signed by this key, with the command that verifies it with `k.pub`.
fn signed(word: &str, path: &str, key: &str) -> String {
    format!(
        "{word} {path}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {key}
  log none, timestamp none
verify it with:
  aicr verify {path} --key k.pub --insecure-ignore-tlog
"
    )
}

#[test]
fn an_unsigned_bundle_is_signed() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    sandbox
        .aicr(&format!("bundle-sign B {SIGN} --public-key-out k.pub"))
        .stdout(&signed("signed", "B", KEY_SHA256))
        .succeeds();
    assert_eq!(
        sandbox.tree("B"),
        ["a", "attestation/", "attestation/checksums.txt.sigstore.json", "checksums.txt", "sub/", "sub/b"]
    );
    for (path, mode) in [("B/attestation", 0o755), ("B/attestation/checksums.txt.sigstore.json", 0o644)] {
        assert_eq!(sandbox.path(path).metadata().unwrap().mode() & 0o7777, mode);
    }
    sandbox.aicr("verify B --key k.pub --insecure-ignore-tlog --quiet").succeeds();
    assert!(!sandbox.path(".B.aicr-staging").exists());
    assert_eq!(sandbox.tree("tmp"), [""; 0]);
}

#[test]
fn a_bundle_that_is_signed_already_is_not_changed() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let before = sandbox.path("B").join(SIGNATURE).metadata().unwrap().ino();
    for more in ["", " --force", " --dry-run"] {
        sandbox
            .aicr(&format!("bundle-sign B {SIGN} --public-key-out k.pub{more}"))
            .stdout(&signed("already signed", "B", KEY_SHA256))
            .succeeds();
    }
    assert_eq!(sandbox.path("B").join(SIGNATURE).metadata().unwrap().ino(), before);
}

/// The hint about a signature of another key.
pub(crate) const OR_ADD: &str =
    "hint: --add keeps that signature and adds another one; --force replaces it\n";

#[test]
fn only_force_replaces_the_signature_of_another_key() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let sign = "bundle-sign B --signing-key other.key --tlog-upload=false --public-key-out k.pub";
    for more in ["", " --dry-run"] {
        sandbox
            .aicr(&format!("{sign}{more}"))
            .stderr(&format!("error: B is signed by another signer\n{OR_ADD}"))
            .exits(2);
    }
    assert!(!sandbox.path("k.pub").exists());
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
    sandbox.aicr(&format!("{sign} --force")).stdout(&signed("signed", "B", OTHER_KEY_SHA256)).succeeds();
    sandbox.aicr("verify B --key other.pub --insecure-ignore-tlog --quiet").succeeds();
}

#[test]
fn a_tree_that_does_not_match_its_manifest_is_never_signed() {
    let changes: [(Act, &str, &str); 6] = [
        (
            |sandbox| sandbox.file("B/a", "ALPHA\n"),
            "changed      a\n    found sha256\n      1921b918b15842c7fdb115078e610263fac85f159c1d8e0ecec3d89a0faa4005",
            "1 file is wrong",
        ),
        (|sandbox| sandbox.remove("B/sub/b"), "missing      sub/b", "1 file is wrong"),
        (|sandbox| sandbox.file("B/.x", ""), "unlisted     .x", "1 file is wrong"),
        (|sandbox| sandbox.remove("B/a").file("B/c", "alpha\n"), "renamed      a -> c", "1 file is wrong"),
        (|sandbox| sandbox.link("B/l", "a"), "not-regular  l", "1 file is wrong"),
        (
            |sandbox| sandbox.file("B/attestation/other", "").file("B/x", ""),
            "unlisted     attestation/other\n  unlisted     x",
            "2 files are wrong",
        ),
    ];
    for (change, finding, count) in changes {
        for (prepare, runs) in [(Sandbox::unsigned as Act, &[""][..]), (Sandbox::signed, &["--force"])] {
            let sandbox = Sandbox::new();
            prepare(&sandbox);
            change(&sandbox);
            let before = sandbox.tree("");
            for more in runs {
                let output = sandbox.aicr(&format!("bundle-sign B {SIGN} {more}")).output();
                let stdout = String::from_utf8(output.stdout).unwrap();
                let lines: Vec<&str> = stdout.split_inclusive('\n').collect();
                assert_eq!(
                    lines[..3],
                    ["rejected B\n", "  manifest sha256\n", &format!("    {SMALL_SHA256}\n")]
                );
                assert_eq!(lines[4..].concat(), format!("  {finding}\n"));
                assert_eq!(
                    String::from_utf8(output.stderr).unwrap(),
                    format!("error: B is not what its manifest says: {count}\n")
                );
                assert_eq!(output.status.code(), Some(5));
            }
            assert_eq!(sandbox.tree(""), before);
        }
    }
}

/// A dry run does not read the payload.
#[test]
fn a_dry_run_compares_the_names() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().file("B/a", "ALPHA\n");
    sandbox.aicr(&format!("bundle-sign B {SIGN} --dry-run")).whatever_it_prints().succeeds();
    sandbox.file("B/extra", "");
    sandbox
        .aicr(&format!("bundle-sign B {SIGN} --dry-run"))
        .stdout(&format!(
            "rejected B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files listed, 11 bytes could be read\n  unlisted     extra\n"
        ))
        .stderr("error: B is not what its manifest says: 1 file is wrong\n")
        .exits(5);
}

/// The second signature would replace the first.
#[test]
fn one_bundle_named_twice_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    sandbox
        .aicr(&format!("bundle-sign B dist/../B {SIGN}"))
        .stderr("error: B and dist/../B are the same bundle\nhint: name it once\n")
        .exits(2);
    sandbox.aicr(&format!("bundle-sign B {SIGN} --quiet")).succeeds();
}

#[test]
fn a_stale_signature_is_never_replaced() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    // The payload and the manifest change together, and the old signature stays.
    sandbox.file("new/a", "ALPHA\n").file("new/sub/b", "beta\n");
    sandbox.aicr("bundle new --output N --quiet").stderr(UNSIGNED).succeeds();
    for name in ["a", "checksums.txt"] {
        fs::copy(sandbox.path("N").join(name), sandbox.path("B").join(name)).unwrap();
    }
    let changed = "d3fae9631427b7f9a2a3464b5e290eeb94aa5185023ed1a49d92ff8b4c95c033";
    for more in ["", " --force", " --dry-run"] {
        sandbox
            .aicr(&format!("bundle-sign B {SIGN}{more}"))
            .stdout("rejected B\n")
            .stderr(
                &format!("error: B: checksums.txt was changed after it was signed (SHA-256 {changed}, signed was {SMALL_SHA256})
hint: find out who changed it; to sign again, remove attestation/checksums.txt.sigstore.json by hand first
"),
            )
            .exits(5);
    }
    sandbox.remove(&format!("B/{SIGNATURE}"));
    sandbox.aicr(&format!("bundle-sign B {SIGN} --quiet")).succeeds();
}

#[test]
fn a_signature_that_cannot_be_read_is_not_replaced() {
    for (content, why) in [
        (String::new(), " is empty"),
        ("signed".into(), " is not a Sigstore bundle: expected value"),
        ("{}".into(), " is not a Sigstore bundle: missing field `mediaType`"),
        (
            "{\"base64Signature\":\"AAAA\"}".into(),
            " has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)",
        ),
        (" ".repeat(2 << 20), " is larger than 1.0 MiB"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.unsigned().file(&format!("B/{SIGNATURE}"), &content);
        for more in ["", " --force"] {
            sandbox
                .aicr(&format!("bundle-sign B {SIGN}{more}"))
                .stdout("rejected B\n")
                .stderr(&format!("error: B/{SIGNATURE}{why}\n"))
                .exits(5);
        }
        assert_eq!(sandbox.read(&format!("B/{SIGNATURE}")), content);
    }
}

#[test]
fn a_signature_that_is_not_a_file_is_not_replaced() {
    let cases: [for<'a> fn(&'a Sandbox, &str) -> &'a Sandbox; 4] = [
        |sandbox, path| sandbox.special(path, FileType::Fifo),
        |sandbox, path| sandbox.special(path, FileType::Socket),
        |sandbox, path| sandbox.link(path, "../../elsewhere"),
        |sandbox, path| sandbox.link(path, "/dev/zero"),
    ];
    for make in cases {
        let sandbox = Sandbox::new();
        sandbox.unsigned().directory("B/attestation");
        make(&sandbox, &format!("B/{SIGNATURE}"));
        let before = sandbox.tree("");
        for more in ["", " --force"] {
            sandbox
                .aicr(&format!("bundle-sign B {SIGN}{more}"))
                .stdout(&format!(
                    "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 11 bytes could be read
  not-regular  {SIGNATURE}
"
                ))
                .stderr("error: B is not what its manifest says: 1 file is wrong\n")
                .exits(5);
        }
        assert_eq!(sandbox.tree(""), before);
    }
}

#[test]
fn a_signature_that_only_names_this_key_is_rejected() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    fs::rename(sandbox.path("B"), sandbox.path("mine")).unwrap();
    sandbox.aicr("bundle dist --output B --signing-key other.key --tlog-upload=false --quiet").succeeds();
    // The signature of another key, with the hint of our key.
    let part = |path: &str, name: &str| {
        let text = sandbox.read(&format!("{path}/{SIGNATURE}"));
        let value = text.split(&format!("\"{name}\":\"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let forged = sandbox.read(&format!("B/{SIGNATURE}")).replace(&part("B", "hint"), &part("mine", "hint"));
    sandbox.file(&format!("B/{SIGNATURE}"), forged);
    for more in ["", " --force"] {
        let output = sandbox.aicr(&format!("bundle-sign B {SIGN}{more}")).output();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!(lines[0], "error: B has a signature that names this key, and cosign does not accept it");
        assert_eq!(
            lines.last(),
            Some(
                &"hint: find out who made it; to sign again, remove attestation/checksums.txt.sigstore.json by hand first"
            )
        );
        // The text of cosign depends on the release.
        assert!(lines[1..lines.len() - 1].iter().all(|line| line.starts_with("    ")), "{stderr}");
        assert_eq!((output.status.code(), output.stdout), (Some(5), b"rejected B\n".to_vec()));
    }
}

#[test]
fn a_path_that_is_not_a_bundle_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for (path, stdout, stderr, code) in [
        (
            "dist",
            "rejected dist\n",
            "error: dist is not a bundle: it has no checksums.txt\nhint: `aicr bundle` makes a bundle\n",
            5,
        ),
        ("nowhere", "", "error: nowhere does not exist\n", 2),
        (
            "dist/a",
            "",
            "error: dist/a is not a directory\nhint: give the directory that has checksums.txt\n",
            2,
        ),
    ] {
        sandbox.aicr(&format!("bundle-sign {path} {SIGN}")).stdout(stdout).stderr(stderr).exits(code);
    }
}

/// A test directory with three unsigned bundles `B1`, `B2` and `B3`.
fn three_bundles() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for name in ["B1", "B2", "B3"] {
        sandbox.aicr(&format!("bundle dist --output {name} --quiet")).stderr(UNSIGNED).succeeds();
    }
    sandbox
}

/// The report about a bundle after the run has stopped.
fn not_attempted(path: &str) -> String {
    format!("not attempted {path}\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n")
}

#[test]
fn several_bundles_are_signed_in_order() {
    let sandbox = three_bundles();
    let all: String = ["B3", "B1", "B2"].map(|path| signed("signed", path, KEY_SHA256)).concat();
    let all = all + "3 bundles: 3 signed\n";
    sandbox.aicr(&format!("bundle-sign B3 B1 B2 {SIGN} --public-key-out k.pub")).stdout(&all).succeeds();
    sandbox.aicr("verify B1 B2 B3 --key k.pub --insecure-ignore-tlog --quiet").succeeds();
}

#[test]
fn all_are_checked_before_the_first_is_signed() {
    let sandbox = three_bundles();
    sandbox.file("B2/a", "ALPHA!\n");
    sandbox
        .aicr(&format!("bundle-sign B1 B2 B3 {SIGN}"))
        .stdout(&format!(
            "{}rejected B2
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 12 bytes could be read
  changed      a
    found sha256
      dccf908499d88e3145f1f58031eaa8d2b33f4d87716a49949e522698fb3615b8
{}3 bundles: 2 not attempted, 1 rejected
",
            not_attempted("B1"),
            not_attempted("B3")
        ))
        .stderr("error: B2 is not what its manifest says: 1 file is wrong\n")
        .exits(5);
    // A missing directory is reported before any bundle is read.
    sandbox
        .aicr(&format!("bundle-sign B1 nowhere B3 {SIGN}"))
        .stderr("error: nowhere does not exist\n")
        .exits(2);
    for path in ["B1", "B2", "B3"] {
        assert!(!sandbox.path(path).join("attestation").exists());
    }
}

#[test]
fn a_key_manager_that_fails_stops_the_rest() {
    for (words, code, stderr) in [
        ("no more", 4, "error: cosign.key was refused by cosign\n    no more\n"),
        (
            "dial tcp 10.0.0.1:8200: connect: connection refused",
            6,
            "error: cosign.key could not be reached: connection refused
    dial tcp 10.0.0.1:8200: connect: connection refused
hint: check the address, and that the server is running
",
        ),
    ] {
        let sandbox = three_bundles();
        sandbox.fake_cosign(&format!(
            "once=${{0%/*}}/../once
             if [ \"$1\" = sign-blob ]; then [ ! -e \"$once\" ] || {{ echo 'Error: {words}' >&2; exit 1; }}; : >\"$once\"; fi
             exec \"$REAL\" \"$@\""
        ));
        sandbox
            .aicr(&format!("bundle-sign B1 B2 B3 {SIGN} --public-key-out k.pub"))
            .stdout(&format!(
                "{}failed B2\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n{}3 bundles: 1 signed, 1 failed, 1 not attempted\n",
                signed("signed", "B1", KEY_SHA256),
                not_attempted("B3")
            ))
            .stderr(stderr)
            .exits(code);
        // The signed bundle stays, and the public key to verify it exists.
        sandbox.aicr("verify B1 --key k.pub --insecure-ignore-tlog --quiet").succeeds();
        for path in ["B2", "B3"] {
            assert!(!sandbox.path(path).join("attestation").exists());
        }
        // The next run signs the others.
        sandbox.remove("once").link("real", sandbox.cosign());
        sandbox.aicr(&format!("bundle-sign B1 B2 B3 {SIGN} --quiet --cosign real")).succeeds();
    }
}
