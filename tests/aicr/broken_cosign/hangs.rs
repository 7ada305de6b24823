//! A cosign that does not end, or leaves others behind, or prints for ever.

use super::SIGN;
use crate::fake::{Fake, HONEST, ends, fake_sandbox};
use crate::sandbox::Sandbox;

/// The processes that a fake has noted in the directory `left`, one file a process id, are ending.
#[track_caller]
fn all_gone(sandbox: &Sandbox, count: usize) {
    let noted = sandbox.tree("left");
    assert_eq!(noted.len(), count);
    for pid in noted {
        ends(&pid);
    }
}

/// A stage whose cosign does this; `note PID` notes a process.
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

/// A run with this cosign is out of time in `verb`, and all its processes are gone.
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
fn one_that_hangs_is_ended_at_the_timeout() {
    for verb in ["public-key", "sign-blob", "verify-blob"] {
        let good = if verb == "verify-blob" { "" } else { "cp \"$TOP/good\" \"$BUNDLE\" 2>/dev/null;" };
        out_of_time(verb, &format!("{good} note $$; exec sleep 1000"), 1);
    }
}

/// Whoever was asked is named, where somebody was.
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
fn its_children_go_with_it() {
    out_of_time("sign-blob", "sleep 1000 & note $!; note $$; wait", 2);
    // Also when it has ended itself, and they hold its pipes.
    let sandbox = noting("sign-blob", "sleep 1000 & note $!; cp \"$TOP/good\" \"$BUNDLE\"");
    sandbox.aicr(&format!("bundle-sign B --force {SIGN} --quiet")).succeeds();
    all_gone(&sandbox, 1);
}

#[test]
fn a_grandchild_that_went_its_own_way_is_not_waited_for() {
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
fn one_that_prints_for_ever_fills_neither_memory_nor_time() {
    out_of_time("sign-blob", "note $$; exec yes", 1);
    out_of_time("sign-blob", "note $$; exec yes >&2", 1);
    out_of_time("sign-blob", "yes & note $!; note $$; exec yes >&2", 2);
    // Much, and then a signature: within half a GiB of address space.
    let sandbox =
        noting("sign-blob", "head -c 5G /dev/zero; head -c 5G /dev/zero >&2; cp \"$TOP/good\" \"$BUNDLE\"");
    sandbox
        .shell(&format!("ulimit -v 524288; exec aicr bundle-sign B --force {SIGN} --timeout 1h --quiet"))
        .succeeds();
}
