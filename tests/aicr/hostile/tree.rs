//! A1, A9, A10, A11: names that mislead a script, names that operating systems leave on media, and names that
//! collide on other systems. And two harmless changes.

use super::attacks::{ALPHA, BETA, add};
use super::{accepted, attacked, finds, rejected, rename, sign_without_aicr, test_dir};
use crate::sandbox::SMALL_SHA256;

/// The JSON report has the same names. A name that is not UTF-8 is there in base64 as well.
#[test]
fn names_that_could_mislead_a_script() {
    let sandbox = test_dir();
    attacked(&sandbox, |s| add(add(s, b"x\n\x1b[2K"), b"y\xff"));
    let findings = r#"[{"kind":"bad-name","path":"x\n\u001b[2K"},{"kind":"bad-name","path":"y\\xff","pathBase64":"ef8="}]"#;
    let error = "B is not what its manifest says: 2 files are wrong";
    sandbox
        .aicr("verify B --checksums-only --format json")
        .stdout(&format!(
            r#"{{"schemaVersion":1,"command":"verify","exit":5,"cosign":null,"bundles":[{{"path":"B","verdict":"rejected","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[],"findings":{findings},"findingsTotal":2,"error":{{"exit":5,"message":"{error}","cosign":null,"hint":null}}}}],"error":null}}
"#
        ))
        .stderr(&format!("error: {error}\n"))
        .exits(5);
}

/// Such files are no attack, and are rejected all the same. The hint says what to do.
#[rustfmt::skip]
#[test]
fn files_that_operating_systems_leave_on_media() {
    let sandbox = test_dir();
    for (directory, name) in [("System Volume Information", "IndexerVolumeGuid"), (".Trash-1000", "info"), ("lost+found", "#7")] {
        finds(
            attacked(&sandbox, |s| s.file(&format!("B/{directory}/{name}"), "")),
            11,
            &[&format!("unlisted     {directory}/{name}")],
            &format!("hint: operating systems leave `{directory}` behind: remove it, and keep the bundle in a directory of its own\n"),
        );
    }
}

/// A file system can change names. The finding says so, and shows blanks that would not be seen.
#[test]
fn names_that_a_medium_has_changed() {
    let sandbox = test_dir();
    let case = "  the names differ only in upper and lower case";
    for (to, lines) in [
        ("B/A", &["renamed      a -> A", case][..]),
        ("B/b", &["renamed      a -> b"]),
        ("B/a ", &["renamed      a -> \"a \""]),
    ] {
        attacked(&sandbox, |s| rename(s, "B/a", to));
        finds(&sandbox, 5, lines, "");
    }
}

/// File capabilities are on an inode, and no manifest has them. Only root can give them.
#[test]
fn file_capabilities() {
    let sandbox = test_dir();
    if sandbox.give_capabilities("B/a") {
        accepted(&sandbox, "warning: B: 1 file has file capabilities; the signature does not cover them\n");
    }
}

/// Empty directories are ignored, and the path of the bundle may be a link.
#[test]
fn harmless_changes_are_accepted() {
    let sandbox = test_dir();
    attacked(&sandbox, |s| s.directory("B/sub/empty").directory("B/attestation/empty"));
    accepted(&sandbox, "");

    sandbox.link("over", "B");
    for bundle in ["over", "over/", "./B/", "kept/../B"] {
        sandbox.aicr(&format!("verify {bundle} --key cosign.pub --insecure-ignore-tlog --quiet")).succeeds();
    }
}

/// A11: `bundle` refuses names that collide on other systems. Here they do not collide, and `verify` accepts
/// the files that were signed.
#[test]
fn names_that_collide_on_other_systems() {
    let sandbox = test_dir();
    let manifest = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/b\n{BETA}  sub/B\u{301}\n");
    let sorted = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/B\u{301}\n{BETA}  sub/b\n");
    sandbox.file("B/A", "alpha\n").file("B/sub/B\u{301}", "beta\n");
    sign_without_aicr(&sandbox, manifest.as_bytes());
    rejected(
        &sandbox,
        "error: B/checksums.txt: line 4 is out of order; lines are sorted by the bytes of the name\nhint: get the bundle again from where it came from",
    );
    sign_without_aicr(&sandbox, sorted.as_bytes());
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
}
