//! A1, A2, A4, A9, A10: files that are there and not listed, listed and not there, or other than
//! they were. The signature is good each time; what is wrong is on stdout, as findings.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use super::{accepted, attacked, finds, rename, stage};
use crate::scene::{Act, SMALL_SHA256, Scene};

fn add<'a>(scene: &'a Scene, name: &[u8]) -> &'a Scene {
    fs::write(scene.path("B").join(OsStr::from_bytes(name)), "x").unwrap();
    scene
}

/// No `B/sub` any more.
fn prune(scene: &Scene) -> &Scene {
    fs::remove_dir_all(scene.path("B/sub")).unwrap();
    scene
}

#[rustfmt::skip]
#[test]
fn files_that_were_added_taken_or_changed() {
    let scene = stage();
    accepted(&scene, "");
    let table: [(Act, u64, &[&str]); 20] = [
        // A1: what nobody signed. The closed world has two names of its own, and no others.
        (|s| add(s, b"extra"),                                   11, &["unlisted     extra"]),
        (|s| add(s, b".hidden"),                                 11, &["unlisted     .hidden"]),
        (|s| add(s, b"sub/checksums.txt"),                       11, &["unlisted     sub/checksums.txt"]),
        (|s| add(s, b"CHECKSUMS.TXT"),                           11, &["unlisted     CHECKSUMS.TXT"]),
        (|s| add(s, b"attestation/cosign.pub"),                  11, &["unlisted     attestation/cosign.pub"]),
        (|s| add(s, b"attestation/checksums.txt.sig"),           11, &["unlisted     attestation/checksums.txt.sig"]),
        (|s| s.file("B/sub/.git/hooks/x", ""),                   11, &["unlisted     sub/.git/hooks/x"]),
        (|s| s.file("B/attestation/attestation/x", ""),          11, &["unlisted     attestation/attestation/x"]),
        // A2: what was signed, and is not here, or is not that.
        (|s| s.remove("B/a"),                                     5, &["missing      a"]),
        (|s| prune(s),                                            6, &["missing      sub/b"]),
        (|s| s.file("B/a", "alphA\n"),                           11, &["changed      a"]),
        (|s| s.file("B/a", "alpha"),                             10, &["changed      a"]),
        (|s| s.file("B/a", "alpha\n\n"),                         12, &["changed      a"]),
        (|s| s.file("B/sub/b", ""),                               6, &["changed      sub/b"]),
        (|s| rename(s, "B/a", "B/sub/z"),                         5, &["renamed      a -> sub/z"]),
        (|s| rename(s, "B/sub", "B/SUB"),                         6, &["renamed      sub/b -> SUB/b"]),
        (|s| s.remove("B/a").directory("B/a"),                    5, &["not-regular  a"]),
        (|s| s.file("B/a", "beta\n").file("B/sub/b", "alpha\n"), 11, &["changed      a", "changed      sub/b"]),
        // A33: sha256sum would read its standard input.
        (|s| add(s, b"-"),                                       11, &["unlisted     -"]),
        // Everything at once, in the order of the bytes.
        (|s| add(add(s, b"z"), b"b").remove("B/a").file("B/sub/b", "y"),
                                                                  1, &["missing      a", "unlisted     b", "changed      sub/b", "unlisted     z"]),
    ];
    for (attack, bytes, findings) in table {
        finds(attacked(&scene, attack), bytes, findings, "");
    }
}

/// A9, A10: names are shown so that a terminal obeys none of them, and no line is forged.
#[rustfmt::skip]
#[test]
fn names_that_would_lie() {
    let scene = stage();
    let table: [(Act, &str); 9] = [
        (|s| add(s, b"x\nrejected nothing"),        "bad-name     x\\u{a}rejected nothing"),
        (|s| add(s, b"x\r\x1b[2K\x1b[32maccepted"), "bad-name     x\\u{d}\\u{1b}[2K\\u{1b}[32maccepted"),
        (|s| add(s, b"x\\n"),                       "bad-name     x\\\\n"),
        (|s| add(s, b"\x7f"),                       "bad-name     \\u{7f}"),
        (|s| add(s, "\u{85}".as_bytes()),           "bad-name     \\u{85}"),
        (|s| add(s, b"sub/\xff\xfe"),               "bad-name     sub/\\xff\\xfe"),
        (|s| add(s, b"caf\xe9"),                    "bad-name     caf\\xe9"),
        (|s| add(s, "a\u{202e}txt".as_bytes()),     "unlisted     a\\u{202e}txt"),
        (|s| add(s, "caf\u{e9}".as_bytes()),        "unlisted     café"),
    ];
    for (attack, finding) in table {
        finds(attacked(&scene, attack), 11, &[finding], "");
    }
}

/// A script gets the same names: whole where JSON can hold them, else in base64 as well.
#[test]
fn names_that_would_lie_to_a_script() {
    let scene = stage();
    attacked(&scene, |s| add(add(s, b"x\n\x1b[2K"), b"y\xff"));
    let findings = r#"[{"kind":"bad-name","path":"x\n\u001b[2K"},{"kind":"bad-name","path":"y\\xff","pathBase64":"ef8="}]"#;
    let error = "B is not what its manifest says: 2 files are wrong";
    scene
        .aicr("verify B --checksums-only --format json")
        .stdout(&format!(
            r#"{{"schemaVersion":1,"command":"verify","exit":5,"cosign":null,"bundles":[{{"path":"B","verdict":"rejected","manifest":{{"sha256":"{SMALL_SHA256}","files":2,"bytes":11}},"signatures":[],"findings":{findings},"findingsTotal":2,"error":{{"exit":5,"message":"{error}","cosign":null,"hint":null}}}}],"error":null}}
"#
        ))
        .stderr(&format!("error: {error}\n"))
        .exits(5);
}

/// A4: nothing below the bundle is followed, wherever it leads, not even to the right bytes.
#[rustfmt::skip]
#[test]
fn links_in_the_place_of_files() {
    let scene = stage();
    let table: [(Act, u64, &[&str]); 7] = [
        (|s| s.remove("B/a").link("B/a", "../kept/a"),                           5, &["not-regular  a"]),
        (|s| s.remove("B/a").link("B/a", "/dev/zero"),                           5, &["not-regular  a"]),
        (|s| rename(s, "B/a", "B/sub/x").link("B/a", "sub/x"),                   5, &["not-regular  a", "unlisted     sub/x"]),
        (|s| prune(s).link("B/sub", "../kept/sub"),                              6, &["not-regular  sub", "missing      sub/b"]),
        (|s| s.link("B/etc", "/etc"),                                           11, &["not-regular  etc"]),
        (|s| s.link("B/sub/nowhere", "nowhere").link("B/sub/up", ".."),         11, &["not-regular  sub/nowhere", "not-regular  sub/up"]),
        (|s| s.link("B/attestation/more", "/"),                                 11, &["not-regular  attestation/more"]),
    ];
    for (attack, bytes, findings) in table {
        finds(attacked(&scene, attack), bytes, findings, "");
    }
}

/// Nobody's fault, and rejected all the same: the hint says what to do.
#[rustfmt::skip]
#[test]
fn what_systems_leave_on_media() {
    let scene = stage();
    for (directory, name) in [("System Volume Information", "IndexerVolumeGuid"), (".Trash-1000", "info"), ("lost+found", "#7")] {
        finds(
            attacked(&scene, |s| s.file(&format!("B/{directory}/{name}"), "")),
            11,
            &[&format!("unlisted     {directory}/{name}")],
            &format!("hint: the system made `{directory}`: keep the bundle in a directory of its own on the medium\n"),
        );
    }
}

/// What is no attack: directories are not content, and the bundle itself may be reached over a link.
#[test]
fn twins_that_are_accepted() {
    let scene = stage();
    attacked(&scene, |s| s.directory("B/sub/empty").directory("B/attestation/empty"));
    accepted(&scene, "");

    scene.link("over", "B");
    for bundle in ["over", "over/", "./B/", "kept/../B"] {
        scene.aicr(&format!("verify {bundle} --key cosign.pub --insecure-ignore-tlog --quiet")).succeeds();
    }
}
