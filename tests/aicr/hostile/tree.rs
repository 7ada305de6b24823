//! A1, A9, A10, A11: names that lie to a script, that systems leave on media, and that are one elsewhere; and
//! what is no attack.

use super::attacks::{ALPHA, BETA, add};
use super::{accepted, attacked, finds, rejected, sign_by_hand, stage};
use crate::sandbox::SMALL_SHA256;

/// A script gets the same names: whole where JSON can hold them, else in base64 as well.
#[test]
fn names_that_would_lie_to_a_script() {
    let sandbox = stage();
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

/// Nobody's fault, and rejected all the same: the hint says what to do.
#[rustfmt::skip]
#[test]
fn what_systems_leave_on_media() {
    let sandbox = stage();
    for (directory, name) in [("System Volume Information", "IndexerVolumeGuid"), (".Trash-1000", "info"), ("lost+found", "#7")] {
        finds(
            attacked(&sandbox, |s| s.file(&format!("B/{directory}/{name}"), "")),
            11,
            &[&format!("unlisted     {directory}/{name}")],
            &format!("hint: the operating system created `{directory}`; keep the bundle in its own directory on the medium\n"),
        );
    }
}

/// What is no attack: directories are not content, and the bundle itself may be reached over a link.
#[test]
fn twins_that_are_accepted() {
    let sandbox = stage();
    attacked(&sandbox, |s| s.directory("B/sub/empty").directory("B/attestation/empty"));
    accepted(&sandbox, "");

    sandbox.link("over", "B");
    for bundle in ["over", "over/", "./B/", "kept/../B"] {
        sandbox.aicr(&format!("verify {bundle} --key cosign.pub --insecure-ignore-tlog --quiet")).succeeds();
    }
}

/// A11: names that are one on other systems are refused when a bundle is built; here they are two, and
/// what was signed is what is there.
#[test]
fn names_that_collide_elsewhere() {
    let sandbox = stage();
    let manifest = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/b\n{BETA}  sub/B\u{301}\n");
    let sorted = format!("{ALPHA}  A\n{ALPHA}  a\n{BETA}  sub/B\u{301}\n{BETA}  sub/b\n");
    sandbox.file("B/A", "alpha\n").file("B/sub/B\u{301}", "beta\n");
    sign_by_hand(&sandbox, manifest.as_bytes());
    rejected(
        &sandbox,
        "error: B/checksums.txt: line 4 is out of order; lines are sorted by the bytes of the name\nhint: get the bundle again from where it came from",
    );
    sign_by_hand(&sandbox, sorted.as_bytes());
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
}
