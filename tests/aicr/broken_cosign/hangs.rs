//! A cosign that does not end, leaves processes behind, or prints without end.

use super::SIGN;
use crate::fake::{Fake, HONEST, ends, fake_sandbox};
use crate::sandbox::Sandbox;

/// The processes that a fake recorded in the directory `left`, a file for each process ID, have
/// ended.
#[track_caller]
fn all_gone(sandbox: &Sandbox, count: usize) {
    let noted = sandbox.tree("left");
    assert_eq!(noted.len(), count);
    for pid in noted {
        ends(&pid);
    }
}

/// A test directory whose cosign does this. `note PID` records a process.
fn noting(verb: &str, script: &str) -> Sandbox {
    let script = format!("note() {{ : >\"$TOP/left/$1\"; }}\n{script}");
    let sandbox = fake_sandbox(match verb {
        "public-key" => Fake { public_key: &script, ..HONEST },
        "sign-blob" => Fake { sign: &script, ..HONEST },
        _ => Fake { verify: &script, ..HONEST },
    });
    sandbox.directory("left");
    sandbox
}

/// A run with this cosign reaches the timeout in `verb`, and all its processes have ended.
#[track_caller]
fn out_of_time(verb: &str, script: &str, processes: usize) {
    let sandbox = noting(verb, script);
    let before = sandbox.tree("B");
    sandbox
        .aicr(&format!("bundle-sign B --force {SIGN} --timeout 3s"))
        .stderr(&format!(
            "error: cosign {verb} did not finish within 3s and was terminated
hint: --timeout gives it more time
"
        ))
        .exits(6);
    all_gone(&sandbox, processes);
    assert_eq!((sandbox.tree("B"), sandbox.tree("tmp")), (before, Vec::new()));
    assert!(!sandbox.path(".B.aicr-staging").exists());
}

#[test]
fn one_that_hangs_is_terminated_at_the_timeout() {
    for verb in ["public-key", "sign-blob", "verify-blob"] {
        let good = if verb == "verify-blob" { "" } else { "cp \"$TOP/good\" \"$BUNDLE\" 2>/dev/null;" };
        out_of_time(verb, &format!("{good} note $$; exec sleep 1000"), 1);
    }
}

/// The message names the key manager, if there is one.
#[test]
fn a_key_manager_that_does_not_answer_is_the_usual_cause() {
    let sandbox = fake_sandbox(Fake { public_key: "exec sleep 1000", ..HONEST });
    sandbox
        .aicr("bundle-sign B --force --signing-key hashivault://k --tlog-upload=false --timeout 1s")
        .stderr(
            "error: hashivault://k could not be reached in time: cosign public-key did not finish within 1s and was terminated
hint: --timeout gives it more time; a key manager or service that accepts connections but never answers is the usual cause
",
        )
        .exits(6);
}

#[test]
fn one_that_ignores_sigterm_is_killed() {
    out_of_time("sign-blob", "trap '' TERM; note $$; while :; do sleep 1000; done", 1);
}

#[test]
fn its_children_are_terminated_too() {
    out_of_time("sign-blob", "sleep 1000 & note $!; note $$; wait", 2);
    // Also when it has ended by itself, and they keep its pipes open.
    let sandbox = noting("sign-blob", "sleep 1000 & note $!; cp \"$TOP/good\" \"$BUNDLE\"");
    sandbox.aicr(&format!("bundle-sign B --force {SIGN} --quiet")).succeeds();
    all_gone(&sandbox, 1);
}

#[test]
fn there_is_no_wait_for_a_detached_grandchild() {
    let sandbox = noting(
        "sign-blob",
        "setsid sh -c ': >\"$0/left/$$\"; exec sleep 1000' \"$TOP\" &
         while [ -z \"$(ls \"$TOP/left\")\" ]; do :; done
         cp \"$TOP/good\" \"$BUNDLE\"",
    );
    sandbox.aicr(&format!("bundle-sign B --force {SIGN} --quiet --timeout 20s")).succeeds();
    for pid in sandbox.tree("left") {
        sandbox.program_run(["kill", &pid]).succeeds();
    }
}

#[test]
fn endless_output_fills_no_memory_and_ends_at_the_timeout() {
    out_of_time("sign-blob", "note $$; exec yes", 1);
    out_of_time("sign-blob", "note $$; exec yes >&2", 1);
    out_of_time("sign-blob", "yes & note $!; note $$; exec yes >&2", 2);
    // A lot of output, then a signature: within half a GiB of address space.
    let sandbox =
        noting("sign-blob", "head -c 1G /dev/zero; head -c 1G /dev/zero >&2; cp \"$TOP/good\" \"$BUNDLE\"");
    sandbox
        .shell(&format!("ulimit -v 524288; exec aicr bundle-sign B --force {SIGN} --timeout 1h --quiet"))
        .succeeds();
}
