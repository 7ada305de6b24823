//! A6, A15: devices in the bundle, and files that must not be the key. A run that blocked would be ended by
//! the test harness, and would fail.

use rustix::fs::{CWD, FileType, Mode};

use super::{attacked, finds, rejected, rename, test_dir};

/// An endless device. Only root can create one, so a user without root finds none on a medium either.
#[test]
fn a_device() {
    let sandbox = test_dir();
    let zero = rustix::fs::makedev(1, 5);
    if rustix::fs::mknodat(CWD, sandbox.path("zero"), FileType::CharacterDevice, Mode::RUSR, zero).is_ok() {
        attacked(&sandbox, |s| rename(s.remove("B/a"), "zero", "B/a"));
        finds(&sandbox, 5, &["not-regular  a"], "");
        rename(&sandbox, "B/a", "zero");
        attacked(&sandbox, |s| rename(s.remove("B/checksums.txt"), "zero", "B/checksums.txt"));
        rejected(&sandbox, "error: B/checksums.txt is a device");
    }
}

#[rustfmt::skip]
#[test]
fn files_that_must_not_be_the_key() {
    let sandbox = test_dir();
    sandbox.special("fifo.pub", FileType::Fifo).special("socket.pub", FileType::Socket);
    sandbox.link("loop.pub", "loop.pub").link("out.pub", "B/sub/key.pub").link("good.pub", "cosign.pub");
    sandbox.file("big.pub", vec![b' '; (1 << 20) + 1]).file("empty.pub", "");
    // A15: a key in the bundle proves nothing about the bundle, whatever path names it.
    sandbox.file("B/sub/key.pub", sandbox.read("cosign.pub"));
    let lies = "\nhint: use a key that you received through a separate channel";
    let how = "\nhint: `cosign public-key --key REF --outfile cosign.pub` writes a public key";
    for (key, stderr) in [
        ("fifo.pub",      "is not a regular file".to_owned()),
        ("/dev/zero",     "is not a regular file".to_owned()),
        ("socket.pub",    "is not a regular file".to_owned()),
        ("loop.pub",      "is a symbolic link to itself".to_owned()),
        ("big.pub",       "is larger than 1.0 MiB".to_owned()),
        ("B",             "is a directory".to_owned()),
        ("empty.pub",     format!("is empty{how}")),
        ("B/sub/key.pub", format!("lies in the bundle B, so it proves nothing about it{lies}")),
        ("out.pub",       format!("lies in the bundle B, so it proves nothing about it{lies}")),
        ("kept/../B/sub/key.pub", format!("lies in the bundle B, so it proves nothing about it{lies}")),
    ] {
        sandbox
            .aicr(&format!("verify B --key {key} --insecure-ignore-tlog"))
            .stderr(&format!("error: --key {key} {stderr}\n"))
            .exits(2);
    }
    attacked(&sandbox, |s| s).aicr("verify B --key good.pub --insecure-ignore-tlog --quiet").succeeds();
}
