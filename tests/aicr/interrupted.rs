//! SIGINT, SIGTERM and SIGHUP at known moments: the run ends its child processes, removes its files, and raises
//! the signal again. And two runs for one output.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, ends, fake_sandbox};
use crate::sandbox::Sandbox;

const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];
const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// All names in the test directory, without the FIFO of [`Meeting`].
fn names(sandbox: &Sandbox) -> Vec<String> {
    sandbox.tree("").into_iter().filter(|name| name != "at").collect()
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < limit, "the condition never held");
        std::thread::yield_now();
    }
}

/// Whether this process has a file of this name open.
pub(crate) fn has_open(child: &Child, name: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
    open.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file.ends_with(Path::new(name)))
}

#[test]
fn a_signal_while_cosign_signs_or_verifies() {
    let blocked = Meeting::BLOCKED;
    for (what, fake) in [
        ("public-key", Fake { public_key: blocked, ..HONEST }),
        ("sign-blob", Fake { sign: blocked, ..HONEST }),
        ("verify-blob", Fake { verify: blocked, ..HONEST }),
    ] {
        for signal in SIGNALS {
            for words in ["bundle dist --output C", "bundle dist --in-place", "bundle-sign B --force"] {
                let sandbox = fake_sandbox(fake);
                let before = (names(&sandbox), sandbox.read(SIGNATURE));
                let mut meeting = Meeting::new(&sandbox);
                let run = sandbox.aicr(&format!("{words} {SIGN}")).stderr("error: interrupted\n");
                let aicr = run.start();
                let cosign = meeting.wait();
                send(&aicr, signal);
                let output = run.ends(aicr, None);
                assert_eq!(output.status.signal(), Some(signal.as_raw()), "{what}: {words}");
                ends(&cosign);
                assert_eq!((names(&sandbox), sandbox.read(SIGNATURE)), before, "{what}: {words}");
            }
        }
    }
}

#[test]
fn a_signal_while_cosign_is_probed() {
    let sandbox = Sandbox::new();
    sandbox.signed().program("bin/cosign", &format!("TOP=${{0%/bin/*}}\n{}", Meeting::BLOCKED));
    let mut meeting = Meeting::new(&sandbox);
    let before = sandbox.tree("");
    let run = sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog").stderr("error: interrupted\n");
    let aicr = run.start();
    // aicr starts two probes at the same time.
    let mut probes = meeting.wait();
    while probes.lines().count() < 2 {
        probes.push_str(&meeting.wait());
    }
    send(&aicr, Signal::INT);
    assert_eq!(run.ends(aicr, None).status.signal(), Some(2));
    probes.lines().for_each(ends);
    assert_eq!(sandbox.tree(""), before);
}

#[test]
fn a_signal_while_a_signature_is_verified() {
    for signal in SIGNALS {
        let sandbox = fake_sandbox(Fake { verify: Meeting::BLOCKED, ..HONEST });
        sandbox.file(SIGNATURE, sandbox.read("good"));
        let mut meeting = Meeting::new(&sandbox);
        let before = sandbox.tree("");
        // The second bundle is not verified.
        let run =
            sandbox.aicr("verify B B --key cosign.pub --insecure-ignore-tlog").stderr("error: interrupted\n");
        let aicr = run.start();
        let cosign = meeting.wait();
        send(&aicr, signal);
        assert_eq!(run.ends(aicr, None).status.signal(), Some(signal.as_raw()));
        ends(&cosign);
        assert_eq!(sandbox.tree(""), before);
    }
}

#[test]
fn a_signal_while_files_are_read() {
    for signal in SIGNALS {
        for (words, file, size) in [
            // A copy needs enough free space for the whole file.
            ("bundle dist --output C", "dist/huge", 1 << 30),
            ("bundle dist --in-place", "dist/huge", 1 << 40),
            ("bundle-sign B --signing-key cosign.key --tlog-upload=false", "B/a", 1 << 40),
            ("verify B --checksums-only", "B/a", 1_u64 << 40),
        ] {
            let sandbox = fake_sandbox(HONEST);
            File::create(sandbox.path(file)).unwrap().set_len(size).unwrap();
            let before = sandbox.tree("");
            let warning = "warning: files of 4 GiB or more, which FAT cannot store: dist/huge\n";
            let warning = if words.ends_with("--in-place") { warning } else { "" };
            let run = sandbox.aicr(words).stderr(&format!("{warning}error: interrupted\n"));
            let aicr = run.start();
            until(|| has_open(&aicr, file));
            send(&aicr, signal);
            assert_eq!(run.ends(aicr, None).status.signal(), Some(signal.as_raw()), "{words}");
            assert_eq!(sandbox.tree(""), before, "{words}");
        }
    }
}

#[test]
fn a_cosign_that_ignores_signals_is_killed() {
    let ignores_signals = "trap '' TERM INT HUP; echo $$ >\"$TOP/at\"; while :; do sleep 1000; done";
    let sandbox = fake_sandbox(Fake { sign: ignores_signals, ..HONEST });
    let before = names(&sandbox);
    let mut meeting = Meeting::new(&sandbox);
    let run = sandbox.aicr(&format!("bundle dist --output C {SIGN}")).stderr("error: interrupted\n");
    let aicr = run.start();
    let cosign = meeting.wait();
    send(&aicr, Signal::INT);
    assert_eq!(run.ends(aicr, None).status.signal(), Some(2));
    ends(&cosign);
    assert_eq!(names(&sandbox), before);
}

#[test]
fn a_shell_gets_the_usual_exit_code() {
    for signal in SIGNALS {
        let sandbox = fake_sandbox(Fake { sign: Meeting::BLOCKED, ..HONEST });
        let mut meeting = Meeting::new(&sandbox);
        let code = 128 + signal.as_raw();
        let run = sandbox
            .aicr(&format!("bundle dist --output C {SIGN} --format json"))
            .stdout(&format!(
                "{{\"schemaVersion\":1,\"command\":\"bundle\",\"exit\":{code},\"cosign\":{{\"path\":\"{{root}}/bin/cosign\",\
                 \"version\":\"v3.1.3\",\"dialect\":\"signing-config\"}},\"bundles\":[],\
                 \"error\":{{\"exit\":{code},\"message\":\"interrupted\",\"cosign\":null,\"hint\":null}}}}\n"
            ))
            .stderr("error: interrupted\n");
        let aicr = run.start();
        meeting.wait();
        send(&aicr, signal);
        run.ends(aicr, None);
    }
    let sandbox = fake_sandbox(Fake { sign: "kill -INT $PPID; exec sleep 1000", ..HONEST });
    sandbox
        .shell(&format!("aicr bundle dist --output C {SIGN}; echo $?"))
        .stdout("130\n")
        .stderr("error: interrupted\n")
        .succeeds();
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let sandbox = fake_sandbox(Fake {
            sign: "echo $$ >\"$TOP/at\"; read go <\"$TOP/go\"; cp \"$TOP/good\" \"$BUNDLE\"",
            ..HONEST
        });
        let mut meeting = Meeting::new(&sandbox);
        sandbox.special("go", rustix::fs::FileType::Fifo);
        // `nohup` and the `&` of a script start a program like this.
        let run = sandbox.shell(&format!("trap '' {name}; exec aicr bundle dist --output C {SIGN} --quiet"));
        let aicr = run.start();
        meeting.wait();
        send(&aicr, signal);
        File::options().write(true).open(sandbox.path("go")).unwrap().write_all(b"on\n").unwrap();
        run.ends(aicr, Some(0));
        assert!(sandbox.path("C/attestation").exists());
    }
}

#[test]
fn of_two_runs_for_one_output_one_wins() {
    let waits = "echo $$ >\"$TOP/at\"; read go <\"$TOP/go\"; cp \"$TOP/good\" \"$BUNDLE\"";
    for (words, other, made) in [
        ("bundle dist --output C", "C", "C"),
        ("bundle dist --output B/../C", "C", "C"),
        ("bundle dist --in-place", "dist", "dist"),
        ("bundle-sign B --force", "B", "B"),
    ] {
        let sandbox = fake_sandbox(Fake { sign: waits, ..HONEST });
        let mut meeting = Meeting::new(&sandbox);
        sandbox.special("go", rustix::fs::FileType::Fifo);
        let first = sandbox.aicr(&format!("{words} {SIGN} --quiet"));
        let aicr = first.start();
        meeting.wait();
        let second = match other {
            "C" => "bundle dist --output C".to_owned(),
            "dist" => "bundle dist --in-place".to_owned(),
            _ => format!("bundle-sign B --force {SIGN}"),
        };
        sandbox
            .aicr(&second)
            .stdout("")
            .stderr(&format!("error: another aicr run is writing {other}\nhint: wait until that run has ended, then try again\n"))
            .exits(2);
        File::options().write(true).open(sandbox.path("go")).unwrap().write_all(b"on\n").unwrap();
        first.ends(aicr, Some(0));
        sandbox.aicr(&format!("verify {made} --key cosign.pub --insecure-ignore-tlog --quiet")).succeeds();
    }
}
