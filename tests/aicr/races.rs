//! A14: whoever changes a bundle while it is verified gains nothing. A thread does so without a pause,
//! beside a thousand verifications; at no moment is the tree what was signed, and none is accepted. What
//! is opened lies in the bundle, whatever stands there by the time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use crate::scene::Scene;

/// How often it ended with which code, and what it said, while `change` is called over and over.
fn outcomes(
    scene: &Scene,
    times: u32,
    words: &str,
    change: impl Fn() + Sync,
) -> (BTreeMap<String, u32>, Vec<String>) {
    let done = AtomicBool::new(false);
    let line =
        format!("i=0; while [ $i -lt {times} ]; do aicr {words} >>said 2>&1; echo $?; i=$((i + 1)); done");
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change();
            }
        });
        let output = scene.shell(&line).output();
        done.store(true, Ordering::Relaxed);
        output
    });
    let mut codes = BTreeMap::new();
    for code in String::from_utf8(output.stdout).unwrap().lines() {
        *codes.entry(code.to_owned()).or_default() += 1;
    }
    let mut said: Vec<String> = scene.read("said").lines().map(ToOwned::to_owned).collect();
    said.sort();
    said.dedup();
    (codes, said)
}

/// Two things take each other's place, at once.
fn exchange(one: &Path, other: &Path) {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

const FILES: &str = "verify B --checksums-only -q";

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
        let scene = Scene::new();
        scene.file("dist/a", vec![7; size]).file("dist/b", "beta\n");
        scene.aicr("bundle dist --output B -q").succeeds();
        let file = fs::OpenOptions::new().write(true).open(scene.path("B/a")).unwrap();
        let (first, second) = (100, size as u64 - 100);
        write(&file, 8, first);
        let (codes, said) = outcomes(&scene, 120, FILES, || {
            for (byte, at) in [(8, first), (7, second), (8, second), (7, first)] {
                write(&file, byte, at);
            }
        });
        assert_eq!(codes, BTreeMap::from([("5".to_owned(), 120)]), "{said:?}");
        assert!(said.contains(&"  changed      a".to_owned()), "{said:?}");
    }
}

/// A directory, and a file, that are a link to the right one half of the time, and wrong in the other.
#[test]
fn a_link_that_comes_and_goes() {
    for (name, wrong) in [("sub", "B/sub/b"), ("a", "B/a")] {
        let scene = Scene::new();
        scene.unsigned();
        scene.small_dist().link("link", scene.path("dist").join(name));
        scene.file(wrong, "wrong\n");
        let (there, link) = (scene.path("B").join(name), scene.path("link"));
        let (codes, said) = outcomes(&scene, 300, FILES, || exchange(&there, &link));
        assert_eq!(codes, BTreeMap::from([("5".to_owned(), 300)]), "{said:?}");
        for finding in [format!("  not-regular  {name}"), format!("  changed      {}", &wrong[2..])] {
            assert!(said.contains(&finding), "{finding}: {said:?}");
        }

        // Nothing is opened where the link leads.
        let done = AtomicBool::new(false);
        let mut opened = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    exchange(&there, &link);
                }
            });
            for _ in 0..20 {
                let strace =
                    "strace -f -qq --decode-fds=path --trace=open,openat,openat2 --output=trace aicr";
                scene.program_run(strace.split(' ').chain(FILES.split(' '))).output();
                opened.push(scene.read("trace"));
            }
            done.store(true, Ordering::Relaxed);
        });
        let outside = format!("<{}", scene.path("dist").display());
        for trace in opened {
            assert!(trace.contains(&format!("<{}>", scene.path("B").display())), "{trace}");
            assert!(!trace.contains(&outside), "{trace}");
        }
    }
}

/// A FIFO that comes and goes is never waited for.
#[test]
fn a_fifo_that_comes_and_goes() {
    let scene = Scene::new();
    scene.unsigned().file("B/a", "wrong\n").special("fifo", rustix::fs::FileType::Fifo);
    let (there, fifo) = (scene.path("B/a"), scene.path("fifo"));
    let (codes, said) = outcomes(&scene, 100, FILES, || exchange(&there, &fifo));
    assert_eq!(codes, BTreeMap::from([("5".to_owned(), 100)]), "{said:?}");
}

/// The payload is forged, and so is the manifest half of the time; in the other it is the signed one.
#[test]
fn a_manifest_that_is_exchanged_while_cosign_is_asked() {
    let scene = Scene::new();
    scene.signed();
    scene.file("other/a", "forged\n").file("other/sub/b", "beta\n");
    scene.aicr("bundle other --output forged -q").succeeds();
    scene.file("B/a", "forged\n");
    let (there, forgery) = (scene.path("B/checksums.txt"), scene.path("forged/checksums.txt"));
    let words = "verify B --key cosign.pub --insecure-ignore-tlog -q";
    let (codes, said) = outcomes(&scene, 60, words, || exchange(&there, &forgery));
    assert_eq!(codes, BTreeMap::from([("5".to_owned(), 60)]), "{said:?}");
    assert!(said.contains(&"  changed      a".to_owned()), "{said:?}");
    assert!(said.iter().any(|line| line.contains("the signature is over another checksums.txt")), "{said:?}");
}
