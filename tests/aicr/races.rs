//! A14: whoever changes a bundle while it is verified gains nothing. A thread does so without a pause,
//! beside a thousand verifications; at no moment is the tree what was signed, and none is accepted. What
//! is opened lies in the bundle, whatever stands there by the time.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use crate::sandbox::Sandbox;

/// How often a run looks at the bundle: it is named so many times.
const EACH: usize = 25;

/// Verifies `B` that often, with these flags, while `change` is called over and over. It is rejected each
/// time; gives what was said, each line once.
#[track_caller]
fn rejected(sandbox: &Sandbox, times: usize, flags: &str, change: impl Fn() + Sync) -> Vec<String> {
    let words = format!("verify {}{flags}", "B ".repeat(EACH));
    let mut said = Vec::new();
    for _ in 0..times / EACH {
        let output = beside(&change, || sandbox.aicr(&words).output());
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert_eq!(text.lines().filter(|line| *line == "rejected B").count(), EACH, "{text}");
        said.extend(text.lines().map(ToOwned::to_owned));
    }
    said.sort();
    said.dedup();
    said
}

/// Does something while another thread calls `change` over and over.
fn beside<T>(change: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change();
            }
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        worked
    })
}

/// Two things take each other's place, at once.
fn exchange(one: &Path, other: &Path) {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

const FILES: &str = "--checksums-only";

/// Writes a byte, until the clock of the files has seen it.
fn write(file: &fs::File, byte: u8, at: u64) {
    let before = file.metadata().unwrap().modified().unwrap();
    while file.metadata().unwrap().modified().unwrap() == before {
        file.write_all_at(&[byte], at).unwrap();
    }
}

/// One byte of the first half is wrong, or one of the second, and for a moment both: never neither. What
/// is read of it may well have been right, the first half of now and the second of then.
#[test]
fn a_file_that_changes_while_it_is_read() {
    for size in [600_000, 9_000_000] {
        let sandbox = Sandbox::new();
        sandbox.file("dist/a", vec![7; size]).file("dist/b", "beta\n");
        sandbox.aicr("bundle dist --output B -q").succeeds();
        let file = fs::OpenOptions::new().write(true).open(sandbox.path("B/a")).unwrap();
        let (first, second) = (100, size as u64 - 100);
        write(&file, 8, first);
        let said = rejected(&sandbox, 200, FILES, || {
            for (byte, at) in [(8, first), (7, second), (8, second), (7, first)] {
                write(&file, byte, at);
            }
        });
        assert!(said.contains(&"  changed      a".to_owned()), "{said:?}");
    }
}

/// A directory, and a file, that are a link to the right one half of the time, and wrong in the other.
#[test]
fn a_link_that_comes_and_goes() {
    for (name, wrong) in [("sub", "B/sub/b"), ("a", "B/a")] {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        sandbox.small_dist().link("link", sandbox.path("dist").join(name));
        sandbox.file(wrong, "wrong\n");
        let (there, link) = (sandbox.path("B").join(name), sandbox.path("link"));
        let change = || exchange(&there, &link);
        let said = rejected(&sandbox, 250, FILES, change);
        for finding in [format!("  not-regular  {name}"), format!("  changed      {}", &wrong[2..])] {
            assert!(said.contains(&finding), "{finding}: {said:?}");
        }

        // Nothing is opened where the link leads.
        let strace = "strace -f -qq --decode-fds=path --trace=open,openat,openat2 --output=trace aicr verify";
        let words = format!("{strace} {}{FILES}", "B ".repeat(EACH));
        for _ in 0..2 {
            beside(change, || sandbox.program_run(words.split(' ')).output());
            let trace = sandbox.read("trace");
            assert!(trace.contains(&format!("<{}>", sandbox.path("B").display())), "{trace}");
            assert!(!trace.contains(&format!("<{}", sandbox.path("dist").display())), "{trace}");
        }
    }
}

/// A FIFO that comes and goes is never waited for.
#[test]
fn a_fifo_that_comes_and_goes() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().file("B/a", "wrong\n").special("fifo", rustix::fs::FileType::Fifo);
    let (there, fifo) = (sandbox.path("B/a"), sandbox.path("fifo"));
    rejected(&sandbox, 100, FILES, || exchange(&there, &fifo));
}

/// The payload is forged, and so is the manifest half of the time; in the other it is the signed one.
#[test]
fn a_manifest_that_is_exchanged_while_cosign_is_asked() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.file("other/a", "forged\n").file("other/sub/b", "beta\n");
    sandbox.aicr("bundle other --output forged -q").succeeds();
    sandbox.file("B/a", "forged\n");
    let (there, forgery) = (sandbox.path("B/checksums.txt"), sandbox.path("forged/checksums.txt"));
    let said =
        rejected(&sandbox, 50, "--key cosign.pub --insecure-ignore-tlog", || exchange(&there, &forgery));
    assert!(said.contains(&"  changed      a".to_owned()), "{said:?}");
    assert!(said.iter().any(|line| line.contains("the signature is over another checksums.txt")), "{said:?}");
}
