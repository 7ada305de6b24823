//! A disk that fails or is full, at every step of a run: strace makes the first system call of a kind fail,
//! then the second, and so on. Afterwards there is the complete old bundle or the complete new one, and
//! nothing else, and the run reports one error.

use crate::fake::{HONEST, SIGNATURE, fake_sandbox};
use crate::killed::{
    content, temporary_files, with_older_in_place, with_older_output, with_older_release_in_place,
};
use crate::sandbox::Sandbox;
use crate::steps::{CHANGES, Step, again};

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The system calls that need space on the disk.
const GROWS: &str = "?mkdir,mkdirat,?rename,?renameat,renameat2,linkat,write,openat";

/// Whether a step only cleans up. If it fails, the run succeeds, and the next run cleans up.
fn is_cleaning_up(line: &str) -> bool {
    line.starts_with("unlinkat(")
        || line.starts_with("fchmodat(") && line.contains(", 0700)")
        || line.starts_with("flock(") && line.contains("/tmp/aicr-")
}

/// Runs `words` in new test directories, and makes one step after the other fail with this error. The tree
/// `made` is then the one from before the run, or the one after a run without an error.
fn at_every_step(error: &str, calls: &str, make: impl Fn() -> Sandbox, words: &str, made: &str) {
    let whole = make();
    let old = content(&whole, made);
    let steps = Step::all(&whole, &[], words, calls);
    let new = content(&whole, made);
    for step in steps.iter().filter(|step| fits(&step.line, error)) {
        let sandbox = make();
        let line = &step.line;
        let output = sandbox.program_run(step.with(&sandbox, &format!("error={error}"), &[], words)).output();
        let found = content(&sandbox, made);
        let stderr = String::from_utf8(output.stderr).unwrap();
        if is_cleaning_up(line) {
            assert!(found == old || found == new, "{line}: {stderr}");
            // The next run removes what is left.
            if words.starts_with("verify") && sandbox.path(made).exists() {
                continue;
            }
            sandbox.aicr(&again(words)).succeeds();
            assert!(!sandbox.tree("").iter().any(|name| name.contains("aicr-staging")), "{line}");
            continue;
        }
        let is_one_error = stderr.starts_with("error: ") && stderr.matches("error: ").count() == 1;
        let code = output.status.code();
        assert!(is_one_error && code == Some(1), "{line}: {code:?} {stderr}");
        assert!(found == old || found == new, "{line}: {stderr}\n{found:?}");
        assert!(!sandbox.path("r.json").exists(), "{line}: {stderr}");
        assert_eq!(temporary_files(&sandbox), [""; 0], "{line}: {stderr}");
    }
}

/// On a full disk only calls that create something fail, so opening an existing file does not.
fn fits(line: &str, error: &str) -> bool {
    error == "EIO" || !line.starts_with("openat(") || line.contains("O_CREAT")
}

/// A test directory, the arguments of the run, and the tree that it creates.
type Scenario<'a> = (fn() -> Sandbox, &'a str, &'a str);

const RUNS: [Scenario<'_>; 6] = [
    (|| fake_sandbox(HONEST), "bundle dist --output C --quiet", "C"),
    (with_older_output, "bundle dist --output C --force --quiet", "C"),
    (with_older_in_place, "bundle dist --in-place --force --quiet", "dist"),
    (
        with_older_release_in_place,
        "bundle dist --in-place --force --quiet --release-name app --release-version 2",
        "dist",
    ),
    (|| fake_sandbox(HONEST), "bundle-sign B --force --quiet", "B"),
    (|| fake_sandbox(HONEST), "bundle-sign B --add --quiet", "B"),
];

/// A run that copies what it verifies, and writes a receipt.
const COPY: &str = "verify B --key cosign.pub --insecure-ignore-tlog --copy-to C --receipt r.json --quiet";

fn to_copy() -> Sandbox {
    let sandbox = fake_sandbox(HONEST);
    sandbox.file(SIGNATURE, sandbox.read("good"));
    sandbox
}

#[test]
fn a_disk_that_fails() {
    let calls = format!("{CHANGES},utimensat");
    for (make, words, made) in RUNS {
        at_every_step("EIO", &calls, make, &format!("{words} {SIGN}"), made);
    }
    at_every_step("EIO", &calls, to_copy, COPY, "C");
}

#[test]
fn a_disk_that_is_full() {
    for (make, words, made) in RUNS {
        at_every_step("ENOSPC", GROWS, make, &format!("{words} {SIGN}"), made);
    }
    at_every_step("ENOSPC", GROWS, to_copy, COPY, "C");
}

/// A bundle on a medium that cannot be read is rejected or unproven, and never accepted.
#[rustfmt::skip]
#[test]
fn a_medium_that_cannot_be_read() {
    let sandbox = fake_sandbox(HONEST);
    sandbox.file(SIGNATURE, sandbox.read("good"));
    let manifest = "error: B/checksums.txt cannot be read: input/output error\n";
    let signature = "error: B/attestation/checksums.txt.sigstore.json cannot be read: input/output error\n";
    for (place, call, times, expected) in [
        ("B/checksums.txt", "read",       1..=2, manifest),
        ("B/checksums.txt", "fstat",      1..=1, manifest),
        (SIGNATURE,         "read",       1..=2, signature),
        (SIGNATURE,         "fstat",      1..=1, signature),
        ("B",               "getdents64", 1..=2, "  unreadable   .\n    input/output error\n  missing      a\n  missing      sub/b\n"),
        ("B/sub",           "getdents64", 1..=2, "  unreadable   sub\n    input/output error\n  missing      sub/b\n"),
        ("B/attestation",   "getdents64", 1..=2, "error: B/attestation cannot be read: input/output error\n"),
        ("B/attestation",   "getdents64", 3..=4, "  unreadable   attestation\n    input/output error\n"),
        ("B/a",             "read",       1..=1, "  unreadable   a\n    input/output error\n"),
        ("B/a",             "fstat",      1..=1, "  unreadable   a\n    input/output error\n"),
        ("B/sub/b",         "read",       1..=1, "  unreadable   sub/b\n    input/output error\n"),
    ] {
        for when in times {
            let line = format!(
                "strace -qq -o /dev/null -P {} -e trace={call} -e inject={call}:error=EIO:when={when} \
                 aicr verify B --key cosign.pub --insecure-ignore-tlog --jobs 1",
                sandbox.path(place).display()
            );
            let output = sandbox.program_run(line.split(' ')).output();
            let (stdout, stderr) = (shown(&output.stdout), shown(&output.stderr));
            let text = if expected.starts_with("error") { &stderr } else { &stdout };
            assert!(text.ends_with(expected), "{place}, {call} {when}: {stdout}{stderr}");
            assert_eq!((output.status.code(), stderr.matches("error: ").count()), (Some(5), 1), "{place}, {call}");
        }
    }
    sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A real file system, with a little more space in each run.
#[test]
fn a_file_system_that_is_full() {
    for (make, words, made) in RUNS {
        for (unit, more) in [
            ("size=$(($(du -ks . | cut -f1) + 4 * N))k", 16),
            ("nr_inodes=$((1 + $(find . | wc -l) + N))", 16),
        ] {
            let whole = make();
            let old = content(&whole, made);
            whole.aicr(&format!("{words} {SIGN}")).succeeds();
            let new = content(&whole, made);
            let mut failed = 0;
            for number in 0..=more {
                let sandbox = make();
                sandbox.directory("full");
                let line = format!(
                    "mount -t tmpfs none full && cp -a cosign.key dist full && {{ [ ! -e {made} ] || cp -a {made} full; }} && cd full &&
                     N={number} && mount -o remount,{unit} . && before=$(ls -A)
                     aicr {words} {SIGN}; code=$?
                     [ ! -e {made} ] || cp -a {made} ../after; echo \"$before\" >../before; ls -A >../left; exit $code"
                );
                let output = sandbox.program_run(["unshare", "-m", "sh", "-c", &line]).output();
                let (found, stderr) = (content(&sandbox, "after"), shown(&output.stderr));
                if output.status.code() == Some(0) {
                    assert_eq!(found, new, "{words}: {number}");
                    break;
                }
                failed += 1;
                let is_one_error = stderr.starts_with("error: ") && stderr.matches("error: ").count() == 1;
                assert!(
                    is_one_error && output.status.code() == Some(1),
                    "{words}: {:?} {stderr}",
                    output.status
                );
                assert!(found == old || found == new, "{words}: {number}: {stderr}\n{found:?}");
                assert!(number < more, "{words}: {stderr}");
                assert_eq!(sandbox.read("left"), sandbox.read("before"), "{words}: {number}");
            }
            assert!(failed > 0, "{words}: there was enough space from the start");
        }
    }
}
