//! A4, A5, A6, A15, A31: links, FIFOs, sockets and devices in every place, modes and hard links.
//! Nothing of it is waited for: a run that would hang is ended by the harness, and fails.

use std::fs;

use rustix::fs::{CWD, FileType, Mode};

use super::{SIGNATURE, accepted, attacked, finds, rejected, rename, stage};
use crate::scene::{Act, Scene};

/// Puts something into a place of the stage.
type Maker = fn(&Scene, &str);

#[rustfmt::skip]
#[test]
fn in_the_place_of_payload() {
    let scene = stage();
    let table: [(Act, u64, &[&str]); 5] = [
        (|s| s.remove("B/a").special("B/a", FileType::Fifo),    5, &["not-regular  a"]),
        (|s| s.remove("B/a").special("B/a", FileType::Socket),  5, &["not-regular  a"]),
        (|s| s.special("B/sub/f", FileType::Fifo),             11, &["not-regular  sub/f"]),
        (|s| s.special("B/s", FileType::Socket),               11, &["not-regular  s"]),
        (|s| s.special("B/attestation/f", FileType::Fifo),     11, &["not-regular  attestation/f"]),
    ];
    for (attack, bytes, findings) in table {
        finds(attacked(&scene, attack), bytes, findings, "");
    }
}

/// An endless device, where the user may make one; where not, nobody's media hold one either.
#[test]
fn a_device() {
    let scene = stage();
    let zero = rustix::fs::makedev(1, 5);
    if rustix::fs::mknodat(CWD, scene.path("zero"), FileType::CharacterDevice, Mode::RUSR, zero).is_ok() {
        attacked(&scene, |s| rename(s.remove("B/a"), "zero", "B/a"));
        finds(&scene, 5, &["not-regular  a"], "");
        rename(&scene, "B/a", "zero");
        attacked(&scene, |s| rename(s.remove("B/checksums.txt"), "zero", "B/checksums.txt"));
        rejected(&scene, "error: B/checksums.txt: it is a device");
    }
}

#[rustfmt::skip]
#[test]
fn in_the_place_of_the_manifest_and_the_signature() {
    let scene = stage();
    let manifest = "B/checksums.txt";
    let attestation = "B/attestation";
    let replaced = |place: &str, by: Maker| {
        attacked(&scene, |s| rename(s, place, "aside"));
        by(&scene, place);
    };
    let kinds: [(&str, Maker); 4] = [
        ("a symbolic link", |s, place| { s.link(place, s.path("aside")); }),
        ("a FIFO",          |s, place| { s.special(place, FileType::Fifo); }),
        ("a socket",        |s, place| { s.special(place, FileType::Socket); }),
        ("a directory",     |s, place| { s.directory(place); }),
    ];
    for (kind, by) in kinds {
        for place in [manifest, SIGNATURE] {
            replaced(place, by);
            rejected(&scene, &format!("error: {place}: it is {kind}"));
            clear(&scene);
        }
    }
    replaced(attestation, kinds[0].1);
    rejected(&scene, &format!("error: {attestation}: it is a symbolic link"));
    clear(&scene);
    for (_, by) in kinds.into_iter().skip(1).take(2) {
        replaced(attestation, by);
        rejected(&scene, &format!("error: B is unsigned: it has no attestation/checksums.txt.sigstore.json\n{}", super::ONLY));
        clear(&scene);
    }
    accepted(attacked(&scene, |s| s), "");
}

/// What was put aside.
fn clear(scene: &Scene) {
    let aside = scene.path("aside");
    if aside.is_dir() { fs::remove_dir_all(aside) } else { fs::remove_file(aside) }.unwrap();
}

#[rustfmt::skip]
#[test]
fn in_the_place_of_the_key() {
    let scene = stage();
    scene.special("fifo.pub", FileType::Fifo).special("socket.pub", FileType::Socket);
    scene.link("loop.pub", "loop.pub").link("out.pub", "B/sub/key.pub").link("good.pub", "cosign.pub");
    scene.file("big.pub", vec![b' '; (1 << 20) + 1]).file("empty.pub", "");
    // A15: what came with the bundle proves nothing about it, however it is named.
    scene.file("B/sub/key.pub", scene.read("cosign.pub"));
    let lies = "\nhint: use a key that reached you another way";
    let how = "\nhint: `cosign public-key --key REF --outfile cosign.pub` writes the public key of a signer";
    for (key, stderr) in [
        ("fifo.pub",      "is not a regular file".to_owned()),
        ("/dev/zero",     "is not a regular file".to_owned()),
        ("socket.pub",    "is not a regular file".to_owned()),
        ("loop.pub",      "is a link that leads nowhere".to_owned()),
        ("big.pub",       "is larger than 1048576 bytes".to_owned()),
        ("B",             "is a directory".to_owned()),
        ("empty.pub",     format!("is not a PEM public key{how}")),
        ("B/sub/key.pub", format!("lies in the bundle B, and proves nothing about it{lies}")),
        ("out.pub",       format!("lies in the bundle B, and proves nothing about it{lies}")),
        ("kept/../B/sub/key.pub", format!("lies in the bundle B, and proves nothing about it{lies}")),
    ] {
        scene
            .aicr(&format!("verify B --key {key} --insecure-ignore-tlog"))
            .stderr(&format!("error: --key {key} {stderr}\n"))
            .exits(2);
    }
    attacked(&scene, |s| s).aicr("verify B --key good.pub --insecure-ignore-tlog --quiet").succeeds();
}

/// A5, A31: the bytes are right, and what no manifest can tell is said in a line.
#[rustfmt::skip]
#[test]
fn odd_and_accepted() {
    let scene = stage();
    let table: [(Act, &str); 6] = [
        (|s| s,                                                 ""),
        (|s| s.chmod("B/a", 0o444).chmod("B/sub/b", 0o755),     ""),
        (|s| s.chmod("B/a", 0o4755).chmod("B/sub/b", 0o2755),
            "warning: B: files that are set-user-ID or set-group-ID, which no signature covers: 2\n"),
        (|s| s.chmod("B/a", 0o666),
            "warning: B: files that are writable by everybody: 1\n"),
        (|s| hard_link(s, "B/a"),
            "warning: B: files that are hard-linked from elsewhere, where they can be changed: 1\n"),
        (|s| hard_link(s.chmod("B/a", 0o6777), "B/sub/b"),
            "warning: B: files that are set-user-ID or set-group-ID, which no signature covers: 1\n\
             warning: B: files that are writable by everybody: 1\n\
             warning: B: files that are hard-linked from elsewhere, where they can be changed: 1\n"),
    ];
    for (attack, warnings) in table {
        accepted(attacked(&scene, attack), warnings);
    }
}

fn hard_link<'a>(scene: &'a Scene, name: &str) -> &'a Scene {
    fs::hard_link(scene.path(name), scene.path(format!("{}-too", name.replace('/', "-")))).unwrap();
    scene
}
