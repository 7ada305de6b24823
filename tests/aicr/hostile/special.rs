//! A4, A5, A6, A15, A31: links, FIFOs, sockets and devices in every place, modes and hard links.
//! Nothing of it is waited for: a run that would hang is ended by the harness, and fails.

use std::fs;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode};

use super::{Attack, SIGNATURE, accepted, attacked, finds, rejected, remove, rename, stage};
use crate::scene::Scene;

/// Makes something at a place of the stage.
type Maker = fn(&Scene, &str);

fn fifo(scene: &Scene, name: &str) {
    make(scene, name, FileType::Fifo, 0);
}

fn socket(scene: &Scene, name: &str) {
    // The path of a socket has at most 107 bytes, and that of the stage may be long.
    drop(UnixListener::bind(scene.path("s")).unwrap());
    rename(scene, "s", name);
}

fn make(scene: &Scene, name: &str, kind: FileType, device: u64) {
    rustix::fs::mknodat(CWD, scene.path(name), kind, Mode::RUSR | Mode::WUSR, device).unwrap();
}

#[rustfmt::skip]
#[test]
fn in_the_place_of_payload() {
    let scene = stage();
    let table: [(Attack, u64, &[&str]); 5] = [
        (|s| { remove(s, "B/a"); fifo(s, "B/a"); },    5, &["not-regular  a"]),
        (|s| { remove(s, "B/a"); socket(s, "B/a"); },  5, &["not-regular  a"]),
        (|s| fifo(s, "B/sub/f"),                      11, &["not-regular  sub/f"]),
        (|s| socket(s, "B/s"),                        11, &["not-regular  s"]),
        (|s| fifo(s, "B/attestation/f"),              11, &["not-regular  attestation/f"]),
    ];
    for (attack, bytes, findings) in table {
        finds(attacked(&scene, attack), bytes, findings, "");
    }
}

/// An endless device, where the user may make one; nobody else's media can hold one either.
#[test]
fn a_device_in_the_place_of_payload() {
    let scene = stage();
    let zero = rustix::fs::makedev(1, 5);
    let may = rustix::fs::mknodat(CWD, scene.path("zero"), FileType::CharacterDevice, Mode::RUSR, zero);
    if may.is_ok() {
        attacked(&scene, |s| {
            remove(s, "B/a");
            rename(s, "zero", "B/a");
        });
        finds(&scene, 5, &["not-regular  a"], "");
        attacked(&scene, |s| {
            remove(s, "B/checksums.txt");
            make(s, "B/checksums.txt", FileType::CharacterDevice, zero);
        });
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
        attacked(&scene, |s| { rename(s, place, "aside"); by(s, place); });
    };
    let kinds: [(&str, Maker); 4] = [
        ("a symbolic link", |s, place| { s.link(place, s.path("aside")); }),
        ("a FIFO",          fifo),
        ("a socket",        socket),
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
    accepted(attacked(&scene, |_| ()), "");
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
    fifo(&scene, "fifo.pub");
    socket(&scene, "socket.pub");
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
    attacked(&scene, |_| ()).aicr("verify B --key good.pub --insecure-ignore-tlog --quiet").succeeds();
}

/// A5, A31: the bytes are right, and what no manifest can tell is said in a line.
#[rustfmt::skip]
#[test]
fn odd_and_accepted() {
    let scene = stage();
    let table: [(Attack, &str); 6] = [
        (|_| (),                                                "" ),
        (|s| { s.chmod("B/a", 0o444).chmod("B/sub/b", 0o755); }, ""),
        (|s| { s.chmod("B/a", 0o4755).chmod("B/sub/b", 0o2755); },
            "warning: B: files that are set-user-ID or set-group-ID, which no signature covers: 2\n"),
        (|s| { s.chmod("B/a", 0o666); },
            "warning: B: files that are writable by everybody: 1\n"),
        (|s| fs::hard_link(s.path("B/a"), s.path("elsewhere")).unwrap(),
            "warning: B: files that are hard-linked from elsewhere, where they can be changed: 1\n"),
        (|s| { s.chmod("B/a", 0o6777); fs::hard_link(s.path("B/sub/b"), s.path("b")).unwrap(); },
            "warning: B: files that are set-user-ID or set-group-ID, which no signature covers: 1\n\
             warning: B: files that are writable by everybody: 1\n\
             warning: B: files that are hard-linked from elsewhere, where they can be changed: 1\n"),
    ];
    for (attack, warnings) in table {
        accepted(attacked(&scene, attack), warnings);
    }
}
