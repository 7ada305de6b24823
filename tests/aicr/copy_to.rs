//! `verify --copy-to`: a copy of exactly what was verified, or nothing.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, fake_sandbox};
use crate::interrupted::until;
use crate::sandbox::{KEY_SHA256, SMALL_MANIFEST, SMALL_SHA256, Sandbox};
use crate::shared_copies::on_xfs;
use crate::verify::accepted;
use crate::without_aicr::sigstore_bundle;

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog";

#[test]
fn the_copy_is_the_bundle_that_was_verified() {
    let sandbox = Sandbox::new();
    sandbox.signed().chmod("B/a", 0o700).chmod("B/sub/b", 0o666).directory("B/empty");
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(sandbox.path("B/a")).unwrap().set_modified(old).unwrap();
    sandbox
        .aicr(&format!("{VERIFY} --copy-to C"))
        .stdout(&format!("{}  copied to C\n", accepted("B")))
        .stderr(
            "warning: B: 1 file is writable by everybody
warning: B: 1 file is executable, as in the copy; the signature does not cover modes
",
        )
        .succeeds();
    let directories = ["attestation/", "sub/"];
    let files = ["a", "attestation/checksums.txt.sigstore.json", "checksums.txt", "sub/b"];
    let mut expected = [&directories[..], &files].concat();
    expected.sort_unstable();
    assert_eq!(sandbox.tree("C"), expected);
    for name in files {
        assert_eq!(sandbox.read(&format!("C/{name}")), sandbox.read(&format!("B/{name}")));
        let mode = if name == "a" { 0o755 } else { 0o644 };
        assert_eq!(std::fs::metadata(sandbox.path("C").join(name)).unwrap().mode() & 0o7777, mode, "{name}");
    }
    for directory in ["", "sub", "attestation"] {
        let metadata = std::fs::metadata(sandbox.path("C").join(directory)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o755, "{directory}");
    }
    // The signature does not cover the times on a medium.
    assert_ne!(std::fs::metadata(sandbox.path("C/a")).unwrap().modified().unwrap(), old);
    assert_eq!(sandbox.tree("").iter().filter(|name| name.contains("aicr-")).count(), 0);
    sandbox.aicr("verify C --key cosign.pub --insecure-ignore-tlog -q").succeeds();
    // An empty directory may be prepared, and -q prints nothing.
    sandbox.directory("D").aicr(&format!("{VERIFY} --copy-to D -q")).whatever_it_prints().succeeds();
    assert_eq!(sandbox.tree("D"), expected);
}

#[test]
fn a_rejected_bundle_is_not_copied() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("B/sub/b", "other\n");
    let before = sandbox.tree("");
    let manifest = format!("rejected B\n  manifest sha256\n    {SMALL_SHA256}\n");
    let found = "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87";
    sandbox
        .aicr(&format!("{VERIFY} --copy-to C"))
        .stdout(&format!(
            "{manifest}  2 files listed, 12 bytes could be read
  signature accepted
  key sha256
    {KEY_SHA256}
  log none, timestamp none
  changed      sub/b
    found sha256
      {found}
"
        ))
        .stderr("error: B is not what its manifest says: 1 file is wrong\n")
        .exits(5);
    assert_eq!(sandbox.tree(""), before);
    sandbox.file("B/sub/b", "beta\n");
    sandbox
        .aicr("verify B --key other.pub --insecure-ignore-tlog --copy-to C -q")
        .whatever_it_prints()
        .exits(5);
    assert_eq!(sandbox.tree(""), before);
    sandbox.aicr(&format!("{VERIFY} --copy-to C -q")).succeeds();
}

/// Names that are wrong show before the first file is read.
#[test]
fn a_bundle_with_wrong_names_is_not_copied_at_all() {
    let allow = "echo $$ >\"$TOP/at\"; until [ -e \"$TOP/go\" ]; do sleep 0.1; done; exit 0";
    let sandbox = fake_sandbox(Fake { verify: allow, ..HONEST });
    sandbox.file(SIGNATURE, sigstore_bundle("AAAA", SMALL_MANIFEST)).file("B/new", "");
    let mut meeting = Meeting::new(&sandbox);
    let line = format!(
        "strace -f -qq -e signal=none -e trace=openat -o trace aicr {VERIFY} --copy-to C -q --jobs 1"
    );
    let run = sandbox.program_run(line.split(' ')).whatever_it_prints();
    let aicr = run.start();
    meeting.wait();
    sandbox.file("go", "");
    run.ends(aicr, Some(5));
    let trace = sandbox.read("trace");
    let opened = |name: &str, how: &str| {
        trace.lines().any(|line| line.contains(&format!(", \"{name}\", ")) && line.contains(how))
    };
    assert!(!opened("a", "O_CREAT") && !opened("sub/b", "O_CREAT"), "{trace}");
    assert!(!sandbox.path("C").exists());
}

/// The copy has the bytes that were hashed, whatever the medium has later.
#[test]
fn a_medium_that_changes_after_it_was_read() {
    let allow = "echo $$ >\"$TOP/at\"; until [ -e \"$TOP/go\" ]; do sleep 0.1; done; exit 0";
    let sandbox = fake_sandbox(Fake { verify: allow, ..HONEST });
    sandbox.file(SIGNATURE, sigstore_bundle("AAAA", SMALL_MANIFEST));
    let mut meeting = Meeting::new(&sandbox);
    let run = sandbox.aicr(&format!("{VERIFY} --copy-to C -q"));
    let aicr = run.start();
    meeting.wait();
    let copied = |name: &str, size: u64| {
        let copy = sandbox.path(".C.aicr-staging/bundle").join(name);
        std::fs::metadata(copy).is_ok_and(|metadata| metadata.len() == size)
    };
    until(|| copied("a", 6) && copied("sub/b", 5));
    assert_eq!(std::fs::metadata(sandbox.path(".C.aicr-staging")).unwrap().mode() & 0o7777, 0o700);
    sandbox.file("B/a", "EVIL!\n").file("B/checksums.txt", "evil").file("B/new", "evil");
    sandbox.file("go", "");
    run.ends(aicr, Some(0));
    assert_eq!(sandbox.read("C/a"), "alpha\n");
    assert_eq!(sandbox.read("C/checksums.txt"), SMALL_MANIFEST);
    assert!(!sandbox.path("C/new").exists());
}

/// A stick that gives other bytes when it is read again: below a mounted file system, the bytes of a file are
/// exchanged after it was read, and the system forgets what it has read.
#[test]
fn a_stick_that_answers_differently_the_second_time() {
    let allow = "echo $$ >\"$TOP/at\"; until [ -e \"$TOP/go\" ]; do sleep 0.1; done; exit 0";
    let sandbox = fake_sandbox(Fake { verify: allow, ..HONEST });
    sandbox.file(SIGNATURE, sigstore_bundle("AAAA", SMALL_MANIFEST)).directory("disk");
    sandbox.shell("rm -rf dist && mv B dist").succeeds();
    let line = format!(
        "cd .. && umount disk && mount -o loop,ro image disk && ln -s disk/dist B
         {VERIFY} --copy-to C -q &
         copy=.C.aicr-staging/bundle
         until [ -e at ] && cmp -s disk/dist/a $copy/a && cmp -s disk/dist/sub/b $copy/sub/b; do sleep 0.1; done
         at=$(grep -abo alpha image | cut -d: -f1) && printf EVIL! | dd of=image bs=1 seek=$at conv=notrunc status=none
         echo 3 >/proc/sys/vm/drop_caches || exit 77
         cat disk/dist/a; touch go; wait $!; echo $?; cat C/a C/sub/b; ls C"
    );
    let line = line.replace("verify B", "aicr verify B");
    if let Some(printed) = on_xfs(&sandbox, "a stick that answers differently", &line) {
        assert_eq!(printed, "EVIL!\n0\nalpha\nbeta\na\nattestation\nchecksums.txt\nsub\n");
    }
}

#[test]
fn what_another_program_does_to_the_copy_is_found() {
    let allow = "echo $$ >\"$TOP/at\"; until [ -e \"$TOP/go\" ]; do sleep 0.1; done; exit 0";
    let sandbox = fake_sandbox(Fake { verify: allow, ..HONEST });
    sandbox.file(SIGNATURE, sigstore_bundle("AAAA", SMALL_MANIFEST));
    let mut meeting = Meeting::new(&sandbox);
    let run = sandbox.aicr(&format!("{VERIFY} --copy-to C -q")).stderr(
        "error: C changed while it was being copied: new was added
hint: find the program that changes it, and run aicr again without it
",
    );
    let aicr = run.start();
    meeting.wait();
    until(|| sandbox.path(".C.aicr-staging/bundle/sub/b").exists());
    sandbox.file(".C.aicr-staging/bundle/new", "").file("go", "");
    run.ends(aicr, Some(1));
    assert!(!sandbox.path("C").exists() && !sandbox.path(".C.aicr-staging").exists());
}

#[test]
fn where_a_copy_cannot_be_made() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("full/x", "").file("file", "").link("link", "nowhere");
    let before = sandbox.tree("");
    for (path, error, hint) in [
        ("full", "full exists and is not empty", "choose another name, or remove it yourself"),
        ("B", "B is the bundle B", "choose a directory outside the bundle"),
        ("B/copy", "B/copy is inside the bundle B", "choose a directory outside the bundle"),
        ("none/copy", "none/copy: directory none does not exist", "create it with `mkdir -p none`"),
        ("file", "file is a regular file", "choose another name"),
        ("link", "link is a symbolic link", "choose another name"),
        (
            ".",
            "`.` does not end in a directory name",
            "name a new directory, for example `--copy-to release-1.4`",
        ),
    ] {
        sandbox
            .aicr(&format!("{VERIFY} --copy-to {path}"))
            .stderr(&format!("error: --copy-to {error}\nhint: {hint}\n"))
            .exits(2);
        assert_eq!(sandbox.tree(""), before, "{path}");
    }
    sandbox
        .aicr(&format!("{VERIFY} B --copy-to C"))
        .stderr("error: --copy-to takes exactly one bundle, not 2\nhint: run verify once for each bundle\n")
        .exits(2);
}

#[test]
fn a_copy_needs_space() {
    let sandbox = Sandbox::new();
    sandbox.file("dist/a", vec![7; 1 << 20]).directory("small");
    sandbox.aicr("bundle dist --output B --signing-key cosign.key --tlog-upload=false --quiet").succeeds();
    let line = format!("mount -t tmpfs -o size=512k none small && exec aicr {VERIFY} --copy-to small/C");
    sandbox
        .program_run(["unshare", "-m", "sh", "-c", &line])
        .stderr(
            "error: not enough space in small: 1.1 MiB are needed and 508.0 KiB are free
hint: free some space, or choose --copy-to on another file system
",
        )
        .exits(1);
}
