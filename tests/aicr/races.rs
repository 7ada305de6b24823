//! A14: changing a bundle while it is verified does not help an attacker. A thread changes it without a pause
//! during a thousand verifications. The tree never matches the manifest, and no run accepts it or opens a file
//! outside the bundle.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use crate::sandbox::{Sandbox, UNSIGNED};

/// How often one run verifies the bundle: it is named this many times.
const PER_RUN: usize = 25;

/// Verifies `B` this often, with these flags, while another thread calls `change` again and again. Expects
/// a rejection each time, and returns each line of the output once.
#[track_caller]
fn rejected(sandbox: &Sandbox, times: usize, flags: &str, change: impl Fn() + Sync) -> Vec<String> {
    let words = format!("verify {}{flags}", "B ".repeat(PER_RUN));
    let mut lines = Vec::new();
    for _ in 0..times / PER_RUN {
        let output = during(&change, || sandbox.aicr(&words).output());
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(5), "{text}");
        assert_eq!(text.lines().filter(|line| *line == "rejected B").count(), PER_RUN, "{text}");
        let counts = format!("{PER_RUN} bundles: {PER_RUN} rejected");
        lines.extend(text.lines().filter(|line| *line != counts).map(ToOwned::to_owned));
    }
    lines.sort();
    lines.dedup();
    lines
}

/// Calls `work` while another thread calls `change` again and again.
fn during<T>(change: impl Fn() + Sync, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change();
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// Exchanges two files or directories in one step.
fn exchange(one: &Path, other: &Path) {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

const FILES: &str = "--checksums-only";

/// Writes a byte again and again, until the modification time has changed.
fn write(file: &fs::File, byte: u8, at: u64) {
    let before = file.metadata().unwrap().modified().unwrap();
    while file.metadata().unwrap().modified().unwrap() == before {
        file.write_all_at(&[byte], at).unwrap();
    }
}

/// One byte of the first half is wrong, or one byte of the second, or both. The bytes that a run reads may all
/// be right: the first half at one time, and the second at another.
#[test]
fn a_file_that_changes_while_it_is_read() {
    for size in [600_000, 9_000_000] {
        let sandbox = Sandbox::new();
        sandbox.file("dist/a", vec![7; size]).file("dist/b", "beta\n");
        sandbox.aicr("bundle dist --output B -q").stderr(UNSIGNED).succeeds();
        let file = fs::OpenOptions::new().write(true).open(sandbox.path("B/a")).unwrap();
        let (first, second) = (100, size as u64 - 100);
        write(&file, 8, first);
        let lines = rejected(&sandbox, 200, FILES, || {
            for (byte, at) in [(8, first), (7, second), (8, second), (7, first)] {
                write(&file, byte, at);
            }
        });
        assert!(lines.contains(&"  changed      a".to_owned()), "{lines:?}");
    }
}

/// A directory or file that is half of the time a link to the right one, and half of the time wrong.
#[test]
fn a_link_that_comes_and_goes() {
    for (name, wrong) in [("sub", "B/sub/b"), ("a", "B/a")] {
        let sandbox = Sandbox::new();
        sandbox.unsigned();
        sandbox.small_dist().link("link", sandbox.path("dist").join(name));
        sandbox.file(wrong, "wrong\n");
        let (there, link) = (sandbox.path("B").join(name), sandbox.path("link"));
        let change = || exchange(&there, &link);
        let lines = rejected(&sandbox, 250, FILES, change);
        for finding in [format!("  not-regular  {name}"), format!("  changed      {}", &wrong[2..])] {
            assert!(lines.contains(&finding), "{finding}: {lines:?}");
        }

        // No run opens the target of the link.
        let strace = "strace -f -qq --decode-fds=path --trace=open,openat,openat2 --output=trace aicr verify";
        let words = format!("{strace} {}{FILES}", "B ".repeat(PER_RUN));
        for _ in 0..2 {
            during(change, || sandbox.program_run(words.split(' ')).output());
            let trace = sandbox.read("trace");
            assert!(trace.contains(&format!("<{}>", sandbox.path("B").display())), "{trace}");
            assert!(!trace.contains(&format!("<{}", sandbox.path("dist").display())), "{trace}");
        }
    }
}

/// A FIFO that comes and goes never blocks a run.
#[test]
fn a_fifo_that_comes_and_goes() {
    let sandbox = Sandbox::new();
    sandbox.unsigned().file("B/a", "wrong\n").special("fifo", rustix::fs::FileType::Fifo);
    let (there, fifo) = (sandbox.path("B/a"), sandbox.path("fifo"));
    rejected(&sandbox, 100, FILES, || exchange(&there, &fifo));
}

/// The payload is forged. The manifest is half of the time forged, and half of the time the signed one.
#[test]
fn a_manifest_that_is_exchanged_while_cosign_runs() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    sandbox.file("other/a", "forged\n").file("other/sub/b", "beta\n");
    sandbox.aicr("bundle other --output forged -q").stderr(UNSIGNED).succeeds();
    sandbox.file("B/a", "forged\n");
    let (there, forgery) = (sandbox.path("B/checksums.txt"), sandbox.path("forged/checksums.txt"));
    let lines =
        rejected(&sandbox, 50, "--key cosign.pub --insecure-ignore-tlog", || exchange(&there, &forgery));
    assert!(lines.contains(&"  changed      a".to_owned()), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.contains("checksums.txt was changed after it was signed")),
        "{lines:?}"
    );
}
