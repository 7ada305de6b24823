//! A bundle is on the disk before the run reports success: which files are synced, and how the loss of one is
//! reported.

use std::collections::BTreeSet;

use crate::sandbox::{Sandbox, UNSIGNED};

/// The wrapper that mounts a file system at `out`, in a mount namespace of its own, and runs a command there.
fn on(mount: &str) -> Vec<String> {
    let line = format!("{mount} && exec \"$@\"");
    ["unshare", "-m", "sh", "-c", &line, "sh"].map(ToOwned::to_owned).into()
}

const TMPFS: &str = "mount -t tmpfs none out";
/// The upper directory is on a tmpfs, because not every file system of `/tmp` can have one.
const OVERLAY: &str = "mount -t tmpfs none rw && mkdir rw/upper rw/work && \
                       mount -t overlay none -o lowerdir=ro,upperdir=rw/upper,workdir=rw/work out";

fn test_dir() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("out").directory("ro").directory("rw");
    sandbox
}

fn words(wrappers: &[&[String]], words: &str) -> Vec<String> {
    wrappers.concat().into_iter().chain(words.split(' ').map(ToOwned::to_owned)).collect()
}

#[test]
fn each_file_is_synced_where_syncfs_reports_no_losses() {
    let bundle = "strace -f -qq --decode-fds=path -e trace=fsync,fdatasync,syncfs -o trace aicr bundle dist --output out/B -q";
    let old: Vec<String> = ["setarch", "--uname-2.6"].map(ToOwned::to_owned).into();
    let always = ["fsync checksums.txt", "fsync out", "syncfs .B.aicr-staging"];
    let each = ["fsync a", "fsync b"];
    for (what, command, expected) in [
        ("tmpfs", words(&[&on(TMPFS)], bundle), &[][..]),
        ("an old kernel", words(&[&on(TMPFS), &old], bundle), &each[..]),
        ("overlayfs", words(&[&on(OVERLAY)], bundle), &each[..]),
    ] {
        let sandbox = test_dir();
        sandbox.program_run(command).stderr(UNSIGNED).succeeds();
        let synced: BTreeSet<String> = sandbox
            .read("trace")
            .lines()
            .filter_map(|line| {
                let (call, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
                let name = rest.split_once('<')?.1.split_once('>')?.0.rsplit('/').next()?.to_owned();
                Some(format!("{call} {name}"))
            })
            .collect();
        assert_eq!(synced, expected.iter().chain(&always).map(ToString::to_string).collect(), "{what}");
    }
}

#[test]
fn a_file_that_cannot_be_written_to_the_disk_is_an_error() {
    let bundle = |call: &str| {
        format!(
            "strace -f -qq -o /dev/null -e trace={call} -e inject={call}:error=EIO:when=1 aicr bundle dist --output out/B -q --jobs 1"
        )
    };
    for (mount, call, lost) in [
        (TMPFS, "syncfs", "{root}/out/.B.aicr-staging/bundle"),
        (OVERLAY, "fsync", "{root}/out/.B.aicr-staging/bundle/a"),
        (OVERLAY, "syncfs", "{root}/out/.B.aicr-staging/bundle"),
    ] {
        let sandbox = test_dir();
        let list = "; code=$?; ls -A out; exit $code";
        let line = format!("{mount} && {{ {}{list}; }}", bundle(call));
        sandbox
            .program_run(["unshare", "-m", "sh", "-c", &line])
            .stderr(&format!("error: cannot write {lost}: input/output error\n"))
            .exits(1);
    }
}

#[test]
fn an_error_of_the_background_sync_is_reported() {
    let sandbox = test_dir();
    // A background sync starts after every 64 MiB.
    sandbox.file("dist/large", vec![7; 130 << 20]);
    let trace = |inject: &str| {
        let line = format!(
            "{TMPFS} && {{ strace -f -qq -o trace -e trace=syncfs,exit_group {inject} \
             aicr bundle dist --output out/B -q; code=$?; ls -A out; exit $code; }}"
        );
        sandbox.program_run(["unshare", "-m", "sh", "-c", &line])
    };
    // The thread of each call. The last call is the exit of the first thread.
    let callers = || -> Vec<String> {
        sandbox.read("trace").lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    trace("-e inject=syncfs:error=EIO:when=1")
        .stderr("error: cannot write {root}/out/.B.aicr-staging/bundle: input/output error\n")
        .exits(1);
    let [background, first] = &callers()[..] else { panic!("{}", sandbox.read("trace")) };
    assert_ne!(background, first, "the run ends at once, before the last sync");
    trace("").stdout("B\n").stderr(UNSIGNED).succeeds();
    let callers = callers();
    let [background @ .., last_sync, first] = &callers[..] else { panic!("{}", sandbox.read("trace")) };
    assert_eq!(last_sync, first);
    assert!(!background.is_empty() && !background.contains(first), "{}", sandbox.read("trace"));
}
