//! Runs that are killed or interrupted at every step that changes the disk: strace sends the signal
//! at the first such system call of a run, then at the second, and so on. Afterwards there is the
//! complete old bundle or the complete new one, and the next run cleans up and succeeds.

use std::os::unix::process::ExitStatusExt;

use crate::fake::{Fake, HONEST, Meeting, SIGNATURE, ends, fake_sandbox};
use crate::sandbox::{SMALL_SHA256, Sandbox, UNSIGNED};
use crate::steps::{CHANGES, Step, again};
use crate::without_aicr::sigstore_bundle;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The names and contents of a tree; nothing if it does not exist.
pub(crate) type Content = Vec<(String, Vec<u8>)>;

pub(crate) fn content(sandbox: &Sandbox, relative: &str) -> Content {
    if !sandbox.path(relative).exists() {
        return Vec::new();
    }
    let read = |name: String| {
        let content = std::fs::read(sandbox.path(relative).join(&name)).unwrap_or_default();
        (name, content)
    };
    // A staging directory in a bundle is not part of it.
    let names = sandbox.tree(relative).into_iter().filter(|name| !name.contains(".aicr-staging"));
    names.map(read).collect()
}

/// The wrapper that makes a bundle a mount point, so that its staging directory cannot be next to
/// it.
fn mounted(bundle: &str) -> Vec<String> {
    let line = format!("mount --bind {bundle} {bundle} && exec \"$@\"");
    ["unshare", "-m", "sh", "-c", &line, "sh"].map(ToOwned::to_owned).into()
}

/// Runs `words` in new test directories with a wrapper, and ends it with `signal` at one step after
/// the other. Calls `check` with the content of the tree `made` after each run, and after a
/// complete run. Then the same run without a signal succeeds.
fn at_every_step(
    signal: &str,
    wrapper: &[String],
    make: impl Fn() -> Sandbox,
    words: &str,
    made: &str,
    check: impl Fn(&Sandbox, &Content, &Content),
) {
    let whole = make();
    let steps = Step::all(&whole, wrapper, words, CHANGES);
    let whole = content(&whole, made);
    for step in steps {
        let sandbox = make();
        let ended =
            sandbox.program_run(step.with(&sandbox, &format!("signal={signal}"), wrapper, words)).output();
        let line = &step.line;
        check(&sandbox, &content(&sandbox, made), &whole);
        let stderr = String::from_utf8(ended.stderr).unwrap();
        if signal == "SIGINT" {
            // After the last steps the run is complete, and reports nothing.
            assert!(stderr.is_empty() || stderr == "error: interrupted\n", "{line}: {stderr}");
            assert_eq!(ended.status.signal(), Some(2), "{line}");
            assert_eq!(temporary_files(&sandbox), [""; 0], "{line}");
        } else {
            assert_eq!((ended.status.signal(), stderr.as_str()), (Some(9), ""), "{line}");
            let next = format!("aicr {}", again(words));
            let next = wrapper.iter().cloned().chain(next.split(' ').map(ToOwned::to_owned));
            sandbox.program_run(next).succeeds();
            assert_eq!(content(&sandbox, made), whole, "{line}");
            assert_eq!(not_removed_by_the_next_run(&sandbox), [""; 0], "{line}");
        }
    }
}

/// All temporary files and directories.
pub(crate) fn temporary_files(sandbox: &Sandbox) -> Vec<String> {
    sandbox.tree("").into_iter().filter(|name| name.contains("aicr-")).collect()
}

/// The temporary files that the next run does not remove. An empty private directory without its
/// mark may belong to another program, and stays.
pub(crate) fn not_removed_by_the_next_run(sandbox: &Sandbox) -> Vec<String> {
    let is_empty = |name: &String| {
        std::fs::read_dir(sandbox.path(name)).is_ok_and(|mut entries| entries.next().is_none())
    };
    temporary_files(sandbox).into_iter().filter(|name| !is_empty(name)).collect()
}

/// A program that cosign has started may create a file in a directory that is removed.
#[test]
fn a_disturbed_removal_goes_on() {
    let sandbox = fake_sandbox(HONEST);
    let run = |strace: &str, output: &str| {
        let line = format!("strace -qq {strace} aicr bundle dist --output {output} --quiet {SIGN}");
        sandbox.program_run(line.split_whitespace()).succeeds();
    };
    run("--decode-fds=path -o trace -e trace=unlinkat", "C");
    let trace = sandbox.read("trace");
    let is_private = |line: &str| line.contains("/tmp>, \"aicr-") && line.contains("AT_REMOVEDIR");
    let number = trace.lines().filter(|line| line.starts_with("unlinkat(")).position(is_private).unwrap() + 1;
    run(&format!("-o /dev/null -e trace=unlinkat -e inject=unlinkat:error=ENOTEMPTY:when={number}"), "D");
    assert_eq!(temporary_files(&sandbox), [""; 0]);
}

/// A test directory with a bundle `C` of a tree other than `dist`.
pub(crate) fn with_older_output() -> Sandbox {
    let sandbox = fake_sandbox(HONEST);
    sandbox.file("older/x", "older\n");
    sandbox.aicr("bundle older --output C --quiet").stderr(UNSIGNED).succeeds();
    sandbox
}

/// A test directory where `dist` was signed in place, and then changed.
pub(crate) fn with_older_in_place() -> Sandbox {
    let sandbox = fake_sandbox(HONEST);
    sandbox.aicr(&format!("bundle dist --in-place --quiet {SIGN}")).succeeds();
    sandbox.file("dist/a", "new\n");
    sandbox
        .aicr("bundle dist --output N --quiet --exclude checksums.txt --exclude attestation")
        .stderr(UNSIGNED)
        .succeeds();
    sandbox.file("good", sigstore_bundle("BBBB", sandbox.read("N/checksums.txt")));
    sandbox
}

/// The same with a `release.json`, which the run replaces too.
pub(crate) fn with_older_release_in_place() -> Sandbox {
    let sandbox = fake_sandbox(HONEST);
    let release = |version: &str| format!("--release-name app --release-version {version}");
    for (version, signature) in [("1", "AAAA"), ("2", "BBBB")] {
        sandbox
            .aicr(&format!("bundle dist --output N{version} --quiet --no-sign {} --exclude /release.json --exclude /checksums.txt --exclude /attestation", release(version)))
            .stderr(UNSIGNED)
            .succeeds();
        sandbox.file("good", sigstore_bundle(signature, sandbox.read(&format!("N{version}/checksums.txt"))));
        if version == "1" {
            sandbox.aicr(&format!("bundle dist --in-place --quiet {} {SIGN}", release("1"))).succeeds();
        }
    }
    sandbox
}

#[test]
fn an_output_is_the_old_bundle_or_the_new_one() {
    for signal in ["SIGKILL", "SIGINT"] {
        let old = content(&with_older_output(), "C");
        let words = format!("bundle dist --output C --force --quiet {SIGN}");
        at_every_step(signal, &[], with_older_output, &words, "C", |_, found, new| {
            assert!(*found == old || found == new, "{found:?}");
        });
    }
}

#[test]
fn a_new_output_is_complete_or_does_not_exist() {
    for signal in ["SIGKILL", "SIGINT"] {
        let words = format!("bundle dist --output C --quiet {SIGN}");
        at_every_step(
            signal,
            &[],
            || fake_sandbox(HONEST),
            &words,
            "C",
            |_, found, new| {
                assert!(found.is_empty() || found == new, "{found:?}");
            },
        );
    }
}

#[test]
fn a_copy_is_complete_or_does_not_exist() {
    for signal in ["SIGKILL", "SIGINT"] {
        let words = "verify B --key cosign.pub --insecure-ignore-tlog --copy-to C --receipt r.json --quiet";
        let make = || {
            let sandbox = fake_sandbox(HONEST);
            sandbox.file(SIGNATURE, sandbox.read("good"));
            sandbox
        };
        at_every_step(signal, &[], make, words, "C", |sandbox, found, new| {
            assert!(found.is_empty() || found == new, "{found:?}");
            // There is no copy without its receipt, and a receipt is complete.
            let receipt = sandbox.path("r.json");
            assert!(found.is_empty() || receipt.exists());
            if receipt.exists() {
                assert!(sandbox.read("r.json").contains("\"verificationResult\":\"PASSED\""));
                // The next run may not replace them.
                sandbox.remove("r.json");
                let _ = std::fs::remove_dir_all(sandbox.path("C"));
            }
        });
    }
}

#[test]
fn a_new_manifest_never_has_an_old_signature() {
    for signal in ["SIGKILL", "SIGINT"] {
        let words = format!("bundle dist --in-place --force --quiet {SIGN}");
        at_every_step(signal, &[], with_older_in_place, &words, "dist", |sandbox, found, _| {
            let file = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, content)| content);
            let manifest = file("checksums.txt").unwrap();
            if let Some(signature) = file("attestation/checksums.txt.sigstore.json") {
                let over = |signature| sigstore_bundle(signature, manifest).into_bytes();
                assert!([over("AAAA"), over("BBBB")].contains(signature));
            }
            // The files themselves do not change.
            assert_eq!(
                (sandbox.read("dist/a"), sandbox.read("dist/sub/b")),
                ("new\n".into(), "beta\n".into())
            );
        });
    }
}

/// Killed between the two renames, it is an unsigned bundle that `verify` rejects.
#[test]
fn a_new_release_never_has_an_old_signature() {
    let words =
        format!("bundle dist --in-place --force --quiet --release-name app --release-version 2 {SIGN}");
    for signal in ["SIGKILL", "SIGINT"] {
        at_every_step(signal, &[], with_older_release_in_place, &words, "dist", |sandbox, found, _| {
            let file = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, content)| content);
            let version = |wanted: &str| {
                let same =
                    |name: &str| file(name).unwrap() == sandbox.read(&format!("N{wanted}/{name}")).as_bytes();
                same("checksums.txt") && same("release.json")
            };
            let is_signed = file("attestation/checksums.txt.sigstore.json").is_some();
            assert!(version("1") || version("2") || !is_signed, "{found:?}");
        });
    }
}

#[test]
fn a_signature_is_the_old_one_or_the_new_one() {
    let old = content(&fake_sandbox(HONEST), "B");
    for (signal, how) in [("SIGKILL", "--force"), ("SIGINT", "--force"), ("SIGKILL", "--add")] {
        let words = format!("bundle-sign B {how} --quiet {SIGN}");
        at_every_step(
            signal,
            &[],
            || fake_sandbox(HONEST),
            &words,
            "B",
            |_, found, new| {
                assert!(*found == old || found == new, "{found:?}");
            },
        );
    }
}

#[test]
fn a_signature_in_a_mount_point_is_the_old_one_or_the_new_one() {
    let old = content(&fake_sandbox(HONEST), "B");
    let words = format!("bundle-sign B --force --quiet {SIGN}");
    at_every_step(
        "SIGKILL",
        &mounted("B"),
        || fake_sandbox(HONEST),
        &words,
        "B",
        |_, found, new| {
            assert!(*found == old || found == new, "{found:?}");
        },
    );
}

#[test]
fn a_staging_directory_in_a_bundle_stays_for_a_running_run_and_not_for_a_killed_one() {
    for inside in [true, false] {
        let sandbox = fake_sandbox(Fake { sign: Meeting::BLOCKED, ..HONEST });
        let wrapper = if inside { mounted("B") } else { Vec::new() };
        let sign = format!("aicr bundle-sign B --force --quiet {SIGN}");
        let words = |wrapper: &[String]| {
            wrapper.iter().cloned().chain(sign.split(' ').map(ToOwned::to_owned)).collect::<Vec<_>>()
        };
        let mut meeting = Meeting::new(&sandbox);
        let mut first = sandbox.program_run(words(&mounted("B"))).start();
        let cosign = meeting.wait();
        // The file that the run has written when it is killed.
        sandbox.file("B/attestation/.aicr-staging/checksums.txt.sigstore.json", "");
        sandbox
            .program_run(words(&wrapper))
            .stderr(
                "error: another aicr run is writing B\nhint: wait until that run has ended, then try again\n",
            )
            .exits(2);
        first.kill().unwrap();
        first.wait().unwrap();
        ends(&cosign);
        sandbox
            .aicr("bundle-sign B --force --dry-run --quiet --signing-key cosign.key --tlog-upload=false")
            .stdout(&format!(
                "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 11 bytes could be read
  unlisted     attestation/.aicr-staging/checksums.txt.sigstore.json
  unlisted     attestation/.aicr-staging/staging-directory-of-aicr
"
            ))
            .stderr(
                "error: B is not what its manifest says: 2 files are wrong
hint: `attestation/.aicr-staging` was left by an aicr run that is still active or was killed; run it again, or remove the directory
",
            )
            .exits(5);
        sandbox.fake_cosign("exec \"$REAL\" \"$@\"");
        sandbox.program_run(words(&wrapper)).succeeds();
        let inside = ["attestation/", "attestation/checksums.txt.sigstore.json"];
        assert_eq!(sandbox.tree("B"), [&["a"], &inside[..], &["checksums.txt", "sub/", "sub/b"]].concat());
        sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog -q").succeeds();
    }
}
