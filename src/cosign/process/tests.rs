//! Programs of a few lines of `sh`, and how each of them ends.

use super::capture::OUTPUT_LIMIT;
use super::*;
use crate::plan::value::Source;

fn at(path: &'static str) -> Program<'static> {
    Program { path: Utf8Path::new(path), opened: None }
}

fn shell(script: &str) -> Invocation<'static> {
    Invocation {
        program: at("/bin/sh"),
        arguments: vec!["-c".into(), script.into()],
        shown_instead: None,
        variables: Variables::from([("PATH".into(), Value::Set("/usr/bin:/bin".into()))]),
    }
}

fn limits(timeout: Duration) -> Limits {
    let timeout = Sourced { value: timeout, source: Source::Flag("--timeout") };
    Limits { timeout, interrupt: Interrupt::default(), from_aicr: false }
}

fn run(script: &str) -> Finished {
    shell(script).run(&limits(Duration::from_secs(60))).unwrap()
}

#[test]
fn output_and_status_come_back() {
    let finished = run("echo out; echo err >&2; exit 1");
    assert_eq!((finished.stdout, finished.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    assert_eq!(finished.status.code(), Some(1));
}

#[test]
fn the_listener_gets_lines_while_the_program_runs() {
    let heard = std::cell::RefCell::new(Vec::new());
    let directory = tempfile::tempdir().unwrap();
    let go_on = directory.path().join("go-on");
    // The program ends only after the listener got its first line.
    let listener = |line: &str| {
        heard.borrow_mut().push(line.to_owned());
        std::fs::write(&go_on, "").unwrap();
    };
    let script = format!(
        "echo talk >&2; printf 'b\\377d\\n'; until [ -e {} ]; do sleep .01; done; echo code; exit 1",
        go_on.display()
    );
    let finished = shell(&script).run_with_listener(&limits(Duration::from_secs(60)), &listener).unwrap();
    assert_eq!(
        (heard.into_inner(), finished.status.code()),
        (vec!["b\u{fffd}d".to_owned(), "code".to_owned()], Some(1))
    );
}

#[test]
fn a_secret_argument_is_masked_in_the_output() {
    let invocation = Invocation {
        shown_instead: Some(("tok.en.text".into(), "(hidden)".into())),
        ..shell("echo bad token tok.en.text >&2")
    };
    let finished = invocation.run(&limits(Duration::from_secs(60))).unwrap();
    assert_eq!(finished.stderr, b"bad token (hidden)\n");
}

#[test]
fn nothing_is_inherited() {
    let finished = run("env | grep -v -e '^PWD=' -e '^_=' -e '^SHLVL='; cat; exit 0");
    assert_eq!(String::from_utf8(finished.stdout).unwrap(), "PATH=/usr/bin:/bin\n");
}

#[test]
fn endless_output_is_cut_and_does_not_block() {
    let finished = run("head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2");
    assert_eq!((finished.stdout.len(), finished.stderr.len()), (OUTPUT_LIMIT, OUTPUT_LIMIT));
    assert!(finished.status.success());
}

#[test]
fn each_ending_has_its_text() {
    for (script, orderly, ending) in [
        ("exit 0", true, "ended with exit 0"),
        ("exit 1", true, "ended with exit 1"),
        ("exit 2", false, "crashed (exit 2)"),
        ("exit 3", false, "ended with exit 3"),
        ("kill -SEGV $$", false, "was killed by signal 11"),
    ] {
        let finished = run(script);
        assert_eq!((finished.orderly(), finished.ending().as_str()), (orderly, ending), "{script}");
    }
}

/// Whether the process with this ID ends, or has ended and is not reaped yet.
fn ends(pid: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn a_program_that_hangs_is_terminated_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("child");
    let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait; wait", file.display());
    let failure = shell(&script).run(&limits(Duration::from_millis(300))).unwrap_err();
    assert_eq!(failure.class(), Class::Unproven);
    assert_eq!(failure.message(), "cosign -c did not finish within 300ms and was terminated");
    assert!(ends(&std::fs::read_to_string(file).unwrap()));
}

#[test]
fn there_is_no_wait_for_a_grandchild_that_keeps_the_pipes_open() {
    let started = Instant::now();
    let finished = run("setsid sleep 30 & echo $!");
    assert!(started.elapsed() < Duration::from_secs(20));
    let straggler: i32 = String::from_utf8(finished.stdout).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(Pid::from_raw(straggler).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn children_that_outlive_the_program_are_terminated() {
    let finished = run("sleep 1000 >/dev/null 2>&1 & echo $!");
    assert!(ends(&String::from_utf8(finished.stdout).unwrap()));
}

#[test]
fn a_missing_program_is_an_error() {
    let invocation = Invocation { program: at("/nowhere"), ..shell("") };
    let failure = invocation.run(&limits(Duration::from_secs(1))).unwrap_err();
    assert_eq!(failure.class(), Class::NoCosign);
    assert_eq!(failure.message(), "/nowhere cannot be started: no such file or directory");
}

#[test]
fn a_command_is_printed_without_secrets() {
    let invocation = Invocation {
        program: at("/opt/co sign"),
        arguments: vec!["--key=a b".into(), "plain".into(), "it's\n\u{202e}".into(), "--pin=1234".into()],
        shown_instead: Some(("--pin=1234".into(), "--pin=…".into())),
        variables: Variables::from([
            ("A".into(), Value::Set("x y".into())),
            ("B".into(), Value::PassedOn("secret".into())),
            ("C".into(), Value::Secret("secret".into())),
        ]),
    };
    assert_eq!(
        invocation.shown(),
        r#"env -i A='x y' B="$B" C="$C" '/opt/co sign' '--key=a b' plain $'it\'s\x0a\xe2\x80\xae' '--pin=…'"#
    );
}
