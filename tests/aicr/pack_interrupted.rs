//! `pack`, killed, interrupted or with a failing disk at every step that changes the disk. Afterwards there is the whole
//! archive or none, and the next run cleans up. Of volumes, some may be in place, but never their checksums.

use std::os::unix::process::ExitStatusExt;

use crate::killed::{Content, content, temporary_files};
use crate::sandbox::Sandbox;
use crate::steps::{CHANGES, Step};

const ONE: &str = "pack B --output out/r.tar -q";
const VOLUMES: &str = "pack B --output out/r.tar --volume-size 1MB -q";

/// A bundle of 2.5 MB, and an empty directory for its archive.
fn bundle() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("dist/a", vec![7; 2_500_000]).file("dist/b", "x").directory("out");
    sandbox.aicr("bundle dist --output B --signing-key cosign.key --tlog-upload=false -q").succeeds();
    sandbox
}

/// Runs `words` in new test directories, and does `what` to it at one step after the other. Calls `check` with the step,
/// the exit code or signal, stderr, what is in `out` then, and what is there after a whole run.
fn at_every_step(
    what: &str,
    calls: &str,
    words: &str,
    check: impl Fn(&Sandbox, &Step, (Option<i32>, Option<i32>), &str, &Content, &Content),
) {
    let sandbox = bundle();
    let steps = Step::all(&sandbox, &[], words, calls);
    let whole = content(&sandbox, "out");
    assert!(!whole.is_empty());
    sandbox.shell("rm -r out && mkdir out").succeeds();
    for step in steps {
        let ended = sandbox.program_run(step.with(&sandbox, what, &[], words)).output();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        let status = (ended.status.code(), ended.status.signal());
        check(&sandbox, &step, status, &stderr, &content(&sandbox, "out"), &whole);
        // A killed run may have left something, which the next run removes.
        sandbox.aicr(&format!("{words} --force")).succeeds();
        assert!(content(&sandbox, "out") == whole, "{}", step.line);
        assert_eq!(temporary_files(&sandbox), [""; 0], "{}", step.line);
        sandbox.shell("rm -r out && mkdir out").succeeds();
    }
}

/// Whether this may be left by a killed run: nothing, everything, or some of the volumes.
fn may_be_left(found: &Content, whole: &Content) -> bool {
    let is_part = found.iter().all(|file| whole.contains(file));
    let has_checksums = found.iter().any(|(name, _)| name.ends_with(".sha256"));
    is_part && (!has_checksums || found == whole)
}

#[test]
fn a_run_that_is_killed() {
    for words in [ONE, VOLUMES] {
        at_every_step("signal=SIGKILL", CHANGES, words, |_, step, (_, signal), stderr, found, whole| {
            assert_eq!((signal, stderr), (Some(9), ""), "{}", step.line);
            assert!(may_be_left(found, whole), "{}", step.line);
        });
    }
}

#[test]
fn a_run_that_is_interrupted() {
    for words in [ONE, VOLUMES] {
        at_every_step("signal=SIGINT", CHANGES, words, |sandbox, step, (_, signal), stderr, found, whole| {
            assert_eq!(signal, Some(2), "{}", step.line);
            assert!(stderr.is_empty() || stderr == "error: interrupted\n", "{}: {stderr}", step.line);
            assert!(found.is_empty() || found == whole, "{}", step.line);
            assert_eq!(temporary_files(sandbox), [""; 0], "{}", step.line);
        });
    }
}

#[test]
fn a_disk_that_fails() {
    for words in [ONE, VOLUMES] {
        let calls = "mkdirat,?renameat,renameat2,write,fsync,syncfs";
        at_every_step("error=EIO", calls, words, |sandbox, step, (code, _), stderr, found, whole| {
            let line = &step.line;
            // What is printed is written, too, and at the end there is nothing left to undo.
            if found == whole && line.contains("write(") {
                return;
            }
            assert_eq!(code, Some(1), "{line}: {stderr}");
            assert!(
                stderr.starts_with("error: ") && stderr.matches("error: ").count() == 1,
                "{line}: {stderr}"
            );
            let is_synced_last = line.starts_with("fsync(") && found == whole;
            assert!(found.is_empty() || is_synced_last, "{line}: {stderr} {:?}", found.len());
            assert_eq!(temporary_files(sandbox), [""; 0], "{line}");
        });
    }
}
