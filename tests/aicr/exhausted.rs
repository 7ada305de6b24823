//! Exhausted resources: threads, processes, descriptors, stack, memory, and space for results and temporary
//! files. A run succeeds with fewer resources where it can. Otherwise it reports one error and leaves
//! nothing behind.

use std::collections::BTreeSet;
use std::fs::File;

use rustix::fs::{Mode, OFlags};

use crate::fake::{HONEST, fake_sandbox};
use crate::sandbox::{Sandbox, UNSIGNED};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// A run in which the system calls that start threads and processes fail. `when` selects the calls, as in
/// strace.
fn without_threads(sandbox: &Sandbox, follow: &str, when: &str, words: &str) -> (Option<i32>, String) {
    let inject = format!("inject=clone,?clone3,?fork,?vfork:error=EAGAIN:when={when}");
    let strace = format!(
        "strace {follow} -qq -o /dev/null -e trace=clone,?clone3,?fork,?vfork -e {inject} aicr {words}"
    );
    let output = sandbox.program_run(strace.split_whitespace()).output();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn files_are_read_with_fewer_threads() {
    let sandbox = Sandbox::new();
    // A file of this size is read by a second thread.
    sandbox.small_dist().file("dist/large", vec![7; 9 << 20]);
    for when in ["1", "2", "3", "4", "1+", "2+", "3+"] {
        for (number, (words, said)) in
            [("bundle dist --output B -q --jobs 3", UNSIGNED), ("verify B --checksums-only -q --jobs 3", "")]
                .into_iter()
                .enumerate()
        {
            let (code, stderr) = without_threads(&sandbox, "-f", when, words);
            assert_eq!((code, stderr.as_str()), (Some(0), said), "{when}: {words}");
            if number == 1 {
                std::fs::remove_dir_all(sandbox.path("B")).unwrap();
            }
        }
    }
}

#[test]
fn cosign_is_not_run_if_its_output_cannot_be_read() {
    let mut errors = BTreeSet::new();
    for when in (1..20).map(|step| format!("{step}+")) {
        let sandbox = fake_sandbox(HONEST);
        let before = sandbox.tree("");
        let (code, stderr) =
            without_threads(&sandbox, "", &when, &format!("bundle dist --output C -q {SIGN}"));
        if code == Some(0) {
            assert_eq!(stderr, "", "{when}");
            assert!(!errors.is_empty(), "strace has made no call fail");
            assert_eq!(
                errors.into_iter().collect::<Vec<_>>(),
                [
                    "error: cannot start a thread that reads what cosign prints: resource temporarily unavailable\n",
                    "error: {root}/bin/cosign cannot be started: resource temporarily unavailable\n",
                ]
            );
            return;
        }
        assert_eq!((code, sandbox.tree("")), (Some(1), before), "{when}: {stderr}");
        errors.insert(stderr.replace(sandbox.path("").to_str().unwrap(), "{root}/"));
    }
    panic!("the run never succeeded");
}

/// Whether a run succeeds. If not, its error is about the missing descriptors, and never about the tree.
#[track_caller]
fn succeeds_with(sandbox: &Sandbox, descriptors: u32, words: &str) -> bool {
    let output =
        sandbox.program_run(format!("prlimit --nofile={descriptors} aicr {words}").split(' ')).output();
    let stderr = String::from_utf8(output.stderr).unwrap();
    match output.status.code() {
        Some(0) => {
            let unsigned = words.starts_with("bundle ") && !words.contains("--signing-key");
            assert_eq!(stderr, if unsigned { UNSIGNED } else { "" }, "{descriptors}: {words}");
        }
        // The shell of a fake that cannot open a file goes on, and reports success.
        Some(3) => assert!(
            stderr.starts_with(&format!(
                "error: {} (unknown) does not refuse a wrong signature\n",
                sandbox.path("bin/cosign").display()
            )) && stderr.contains(": Too many open files\nhint: a wrapper that loses the exit status"),
            "{descriptors}: {words}: {stderr}"
        ),
        code => {
            let one_line = stderr.starts_with("error: ") && stderr.lines().count() == 1;
            // A program that cannot open its libraries crashes, and the error says so.
            let reasons = [": too many open files\n", " crashed (exit 2)\n", " ended with exit 127\n"];
            let expected = one_line && reasons.iter().any(|reason| stderr.ends_with(reason));
            assert!(code == Some(1) && expected, "{descriptors}: {words}: {code:?} {stderr}");
        }
    }
    assert_eq!(output.stdout, b"", "{descriptors}: {words}");
    output.status.code() == Some(0)
}

#[test]
fn without_descriptors_nothing_is_rejected_and_nothing_is_left_behind() {
    let sandbox = fake_sandbox(HONEST);
    sandbox.file("B/attestation/checksums.txt.sigstore.json", sandbox.read("good"));
    let before = sandbox.tree("");
    for (words, enough) in [
        ("verify B --checksums-only -q", 8),
        ("verify B --key cosign.pub --insecure-ignore-tlog -q", 40),
        ("bundle-sign B --signing-key cosign.key --tlog-upload=false -q", 40),
        ("bundle dist --output C -q", 16),
        ("bundle dist --output C -q --signing-key cosign.key --tlog-upload=false", 40),
    ] {
        // How many runs of cosign overlap depends on the load of the machine.
        for descriptors in [8, 9, 10, 12, 14, 16, 20, 28, 40] {
            let done = succeeds_with(&sandbox, descriptors, words);
            assert!(done || descriptors < enough, "{descriptors}: {words}");
            if sandbox.path("C").exists() {
                assert!(done, "{descriptors}: {words}");
                std::fs::remove_dir_all(sandbox.path("C")).unwrap();
            }
            assert_eq!(sandbox.tree(""), before, "{descriptors}: {words}");
        }
    }
}

#[test]
fn a_deep_path_needs_no_stack() {
    let sandbox = Sandbox::new();
    let mut directory = File::open(sandbox.directory("dist").path("dist")).unwrap();
    for _ in 0..2000 {
        rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
        directory = rustix::fs::openat(&directory, "d", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .unwrap()
            .into();
    }
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(&directory, "f", flags, Mode::RUSR | Mode::WUSR).unwrap();
    // The smallest stack with which a build without optimization starts.
    for (words, said) in [
        ("bundle dist --output B -q", UNSIGNED),
        ("verify B --checksums-only -q", ""),
        ("bundle dist --output B --force -q", UNSIGNED),
        ("bundle dist --in-place -q", UNSIGNED),
    ] {
        sandbox.shell(&format!("ulimit -s 512 && aicr {words}")).stderr(said).succeeds();
    }
    // The tree is too deep for the code that removes the test directory.
    sandbox.shell("rm -r dist B").succeeds();
}

#[test]
fn a_manifest_larger_than_the_memory_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    File::create(sandbox.path("B/checksums.txt")).unwrap().set_len(1 << 30).unwrap();
    sandbox
        .shell("ulimit -v 524288 && aicr verify B --checksums-only --jobs 1")
        .stderr("error: cannot read B/checksums.txt: cannot allocate memory\n")
        .exits(1);
}

/// As on FAT, but at another size.
#[test]
fn a_limit_on_the_size_of_files() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().file("dist/large", vec![7; 3_000_000]);
    sandbox.aicr(&format!("bundle dist --output B {SIGN} -q")).succeeds();
    sandbox.aicr("pack B --output packed.tar -q").succeeds();
    // The manifest is wrong, but the archive is too large long before aicr notices.
    File::create(sandbox.directory("L").path("L/large")).unwrap().set_len(1 << 32).unwrap();
    sandbox.file("L/checksums.txt", format!("{}  large\n", "0".repeat(64)));
    let before = sandbox.tree("");
    let limited = |words: &str| format!("prlimit --fsize=1500000 aicr {words}");
    let hint =
        "hint: FAT and `ulimit -f` limit the size of a file: write smaller volumes with `--volume-size`";
    let unsigned = "is unsigned: sign it with `aicr bundle-sign` before you pack it";
    for (words, error) in [
        (
            "bundle dist --output C",
            "error: cannot write {root}/.C.aicr-staging/bundle/large: file too large\n",
        ),
        (
            "verify B --key cosign.pub --insecure-ignore-tlog --copy-to C",
            "error: cannot write {root}/.C.aicr-staging/bundle/large: file too large\n",
        ),
        (
            "verify packed.tar --key cosign.pub --insecure-ignore-tlog --copy-to C",
            "error: cannot write {root}/.C.aicr-staging/bundle/large: file too large\n",
        ),
        ("pack B --output C", &format!("error: cannot write C: file too large\n{hint}\n")),
        ("pack B --output C --volume-size 2MB", &format!("error: cannot write C: file too large\n{hint}\n")),
        (
            "pack L --output C",
            &format!(
                "warning: C: FAT cannot store a file of 4 GiB or more; --volume-size 4GB makes smaller ones\n\
                 warning: L {unsigned}\nerror: cannot write C: file too large\n{hint}\n"
            ),
        ),
    ] {
        sandbox.shell(&limited(words)).stderr(error).exits(1);
        assert_eq!(sandbox.tree(""), before, "{words}");
    }
    sandbox.shell(&limited("pack B --output C --volume-size 1MB -q")).succeeds();
}

/// Nothing is left in the directory for temporary files, and the bundle does not change.
#[test]
fn a_full_directory_for_temporary_files() {
    for (size, error) in [
        (
            "4k",
            "error: cannot write {root}/full/aicr-XXXXXX/private-directory-of-aicr: no space left on device\n",
        ),
        ("12k,nr_inodes=4", "error: cannot make {root}/full/aicr-XXXXXX/tmp: no space left on device\n"),
        (
            "16k,nr_inodes=9",
            "error: cannot write {root}/full/aicr-XXXXXX/checksums.txt: no space left on device\n",
        ),
    ] {
        let sandbox = fake_sandbox(HONEST);
        sandbox.directory("full");
        let line = format!(
            "mount -t tmpfs -o size={size} none full && {{ aicr bundle-sign B {SIGN} --force -q; code=$?; ls -A full; exit $code; }}"
        );
        let before = sandbox.tree("B");
        let full = sandbox.path("full").display().to_string();
        sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).env("TMPDIR", &full).stderr(error).exits(1);
        assert_eq!(sandbox.tree("B"), before);
    }
}

#[test]
fn results_that_cannot_be_written_are_a_failure() {
    const FULL: &str = "error: cannot write to stdout: no space left on device";
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    sandbox
        .shell("aicr bundle dist --output B >/dev/full")
        .stderr(&format!("{FULL}; B is built all the same\n"))
        .exits(1);
    sandbox.aicr("verify B --checksums-only --quiet").succeeds();
    sandbox.aicr("bundle dist --output B2 --quiet").stderr(UNSIGNED).succeeds();
    for (bundles, rest) in
        [("B", "; B is signed all the same"), ("B", ""), ("B B2", "; B2 is signed all the same")]
    {
        sandbox
            .shell(&format!("aicr bundle-sign {bundles} {SIGN} >/dev/full"))
            .stderr(&format!("{FULL}{rest}\n"))
            .exits(1);
    }
    sandbox
        .shell("aicr bundle-sign B B2 --signing-key other.key --tlog-upload=false --force >/dev/full")
        .stderr(&format!("{FULL}; B and 1 more are signed all the same\n"))
        .exits(1);
    sandbox.aicr("verify B B2 --key other.pub --insecure-ignore-tlog --quiet").succeeds();
    for words in
        ["--help", "--version", "verify --help", "man", "man --format json", "completions bash", "doctor"]
    {
        sandbox.shell(&format!("aicr {words} >/dev/full")).stderr(&format!("{FULL}\n")).exits(1);
    }
    // The verdict and its exit code stay the same.
    for (format, quiet) in [("text", ""), ("json", ""), ("text", "--quiet")] {
        sandbox.file("B2/a", "other\n");
        sandbox
            .shell(&format!("aicr verify B2 --checksums-only --format {format} {quiet} >/dev/full"))
            .stderr(&format!("error: B2 is not what its manifest says: 1 file is wrong\n{FULL}\n"))
            .exits(5);
    }
    sandbox
        .shell("aicr verify B --format json >/dev/full")
        .stderr(&format!(
            "error: verify needs a key: add --key FILE --insecure-ignore-tlog
hint: --checksums-only compares the files only, and proves nothing about who made them
{FULL}\n"
        ))
        .exits(2);
    sandbox
        .shell("aicr frobnicate --format json >/dev/full")
        .stderr(&format!(
            "error: `frobnicate` is not an aicr command
hint: aicr --help
{FULL}\n"
        ))
        .exits(2);
    sandbox.shell("aicr bundle dist --output C 2>/dev/full >/dev/null").succeeds();
}
