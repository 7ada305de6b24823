//! What is said to be made is on the disk: which files are synced, and what is said of one that was lost.

use std::collections::BTreeSet;

use crate::sandbox::Sandbox;

/// Mounts what `out` is to be, in a mount namespace of its own, and goes on there.
fn on(mount: &str) -> Vec<String> {
    let line = format!("{mount} && exec \"$@\"");
    ["unshare", "-m", "sh", "-c", &line, "sh"].map(ToOwned::to_owned).into()
}

const TMPFS: &str = "mount -t tmpfs none out";
/// Its upper directory has to be on a file system that can be one, which not every `/tmp` is.
const OVERLAY: &str = "mount -t tmpfs none rw && mkdir rw/upper rw/work && \
                       mount -t overlay none -o lowerdir=ro,upperdir=rw/upper,workdir=rw/work out";

fn stage() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().directory("out").directory("ro").directory("rw");
    sandbox
}

fn words(way: &[&[String]], words: &str) -> Vec<String> {
    way.concat().into_iter().chain(words.split(' ').map(ToOwned::to_owned)).collect()
}

#[test]
fn each_file_is_synced_where_the_system_would_not_tell() {
    let bundle = "strace -f -qq --decode-fds=path -e trace=fsync,fdatasync,syncfs -o trace aicr bundle dist --output out/B -q";
    let old: Vec<String> = ["setarch", "--uname-2.6"].map(ToOwned::to_owned).into();
    let always = ["fsync checksums.txt", "fsync out", "syncfs .B.aicr-staging"];
    let each = ["fsync a", "fsync b"];
    for (what, way, expected) in [
        ("tmpfs", words(&[&on(TMPFS)], bundle), &[][..]),
        ("an old kernel", words(&[&on(TMPFS), &old], bundle), &each[..]),
        ("overlayfs", words(&[&on(OVERLAY)], bundle), &each[..]),
    ] {
        let sandbox = stage();
        sandbox.program_run(way).succeeds();
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
fn a_file_that_was_lost_on_its_way_to_the_disk_is_an_error() {
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
        let sandbox = stage();
        let list = "; code=$?; ls -A out; exit $code";
        let line = format!("{mount} && {{ {}{list}; }}", bundle(call));
        sandbox
            .program_run(["unshare", "-m", "sh", "-c", &line])
            .stderr(&format!("error: cannot write {lost}: input/output error\n"))
            .exits(1);
    }
}

#[test]
fn so_is_one_of_which_the_system_told_while_more_was_read() {
    let sandbox = stage();
    // The disk is given its work after 64 MiB, and again after as much.
    std::fs::File::create(sandbox.path("dist/large")).unwrap().set_len(130 << 20).unwrap();
    let trace = |inject: &str| {
        let line = format!(
            "{TMPFS} && {{ strace -f -qq -o trace -e trace=syncfs,exit_group {inject} \
             aicr bundle dist --output out/B -q; code=$?; ls -A out; exit $code; }}"
        );
        sandbox.program_run(["unshare", "-m", "sh", "-c", &line])
    };
    // Who made each call. The last of all is the first thread, which ends.
    let callers = || -> Vec<String> {
        sandbox.read("trace").lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    trace("-e inject=syncfs:error=EIO:when=1")
        .stderr("error: cannot write {root}/out/.B.aicr-staging/bundle: input/output error\n")
        .exits(1);
    let [ahead, first] = &callers()[..] else { panic!("{}", sandbox.read("trace")) };
    assert_ne!(ahead, first, "it is heard of at once, not when all is asked for again");
    trace("").stdout("B\n").succeeds();
    let callers = callers();
    let [ahead @ .., at_the_end, first] = &callers[..] else { panic!("{}", sandbox.read("trace")) };
    assert_eq!(at_the_end, first);
    assert!(!ahead.is_empty() && !ahead.contains(first), "{}", sandbox.read("trace"));
}
