//! Killed or interrupted at every step that changes the disk: strace delivers the signal at the first
//! such call of a run, then at the second, and so on. Whatever was there before or is there afterwards is
//! whole, and the next run cleans up and succeeds.

use std::os::unix::process::ExitStatusExt;

use rustix::process::{Pid, Signal, kill_process};

use crate::fake::{Fake, HONEST, Meeting, stage};
use crate::sandbox::{SMALL_SHA256, Sandbox};
use crate::steps::{CHANGES, Step};
use crate::without_aicr::sigstore_bundle;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// Names and contents of a tree; nothing if it is not there.
pub(crate) type Content = Vec<(String, Vec<u8>)>;

pub(crate) fn content(sandbox: &Sandbox, relative: &str) -> Content {
    if !sandbox.path(relative).exists() {
        return Vec::new();
    }
    let read = |name: String| {
        let content = std::fs::read(sandbox.path(relative).join(&name)).unwrap_or_default();
        (name, content)
    };
    // A room inside a bundle is no part of it.
    let names = sandbox.tree(relative).into_iter().filter(|name| !name.contains(".aicr-staging"));
    names.map(read).collect()
}

/// Leads to a place where the bundle of this name is a mount point, so that its room cannot be beside it.
fn mounted(bundle: &str) -> Vec<String> {
    let line = format!("mount --bind {bundle} {bundle} && exec \"$@\"");
    ["unshare", "-m", "sh", "-c", &line, "sh"].map(ToOwned::to_owned).into()
}

/// Runs `words` on fresh stages, in a place that `way` leads to, ended by `signal` at one step after the
/// other. `check` is told what is in `made` after each; then the same run, without a signal, comes to what
/// is told last.
fn at_every_step(
    signal: &str,
    way: &[String],
    make: impl Fn() -> Sandbox,
    words: &str,
    made: &str,
    check: impl Fn(&Sandbox, &Content, &Content),
) {
    let whole = make();
    let steps = Step::all(&whole, way, words, CHANGES);
    let whole = content(&whole, made);
    for step in steps {
        let sandbox = make();
        let ended =
            sandbox.program_run(step.with(&sandbox, &format!("signal={signal}"), way, words)).output();
        let line = &step.line;
        check(&sandbox, &content(&sandbox, made), &whole);
        let stderr = String::from_utf8(ended.stderr).unwrap();
        if signal == "SIGINT" {
            // At the last steps there is nothing left to stop.
            assert!(stderr.is_empty() || stderr == "error: interrupted\n", "{line}: {stderr}");
            assert_eq!(ended.status.signal(), Some(2), "{line}");
            assert_eq!(litter(&sandbox), [""; 0], "{line}");
        } else {
            assert_eq!((ended.status.signal(), stderr.as_str()), (Some(9), ""), "{line}");
            let again = if words.contains("--force") { "" } else { " --force" };
            let again = format!("aicr {words}{again}");
            let again = way.iter().cloned().chain(again.split(' ').map(ToOwned::to_owned));
            sandbox.program_run(again).succeeds();
            assert_eq!(content(&sandbox, made), whole, "{line}");
            assert_eq!(left_for_good(&sandbox), [""; 0], "{line}");
        }
    }
}

/// Everything that is temporary.
pub(crate) fn litter(sandbox: &Sandbox) -> Vec<String> {
    sandbox.tree("").into_iter().filter(|name| name.contains("aicr-")).collect()
}

/// What of that somebody would have to remove by hand. An empty directory without the mark of a private one may
/// be anybody's, and is in nobody's way.
pub(crate) fn left_for_good(sandbox: &Sandbox) -> Vec<String> {
    let is_empty = |name: &String| {
        std::fs::read_dir(sandbox.path(name)).is_ok_and(|mut entries| entries.next().is_none())
    };
    litter(sandbox).into_iter().filter(|name| !is_empty(name)).collect()
}

/// A cosign that outlives its run may make a file in what is being removed.
#[test]
fn a_removal_that_is_disturbed_goes_on() {
    let sandbox = stage(HONEST);
    let line = format!(
        "strace -f -qq -o /dev/null -e trace=rmdir -e inject=rmdir:error=ENOTEMPTY:when=1 \
         aicr bundle dist --output D --quiet {SIGN}"
    );
    sandbox.program_run(line.split_whitespace()).succeeds();
    assert_eq!(litter(&sandbox), [""; 0]);
}

/// A stage with a bundle `C` of another tree than `dist`.
pub(crate) fn with_older_output() -> Sandbox {
    let sandbox = stage(HONEST);
    sandbox.file("older/x", "older\n");
    sandbox.aicr("bundle older --output C --quiet").succeeds();
    sandbox
}

/// A stage where `dist` was signed in place, and then changed.
pub(crate) fn with_older_in_place() -> Sandbox {
    let sandbox = stage(HONEST);
    sandbox.aicr(&format!("bundle dist --in-place --quiet {SIGN}")).succeeds();
    sandbox.file("dist/a", "new\n");
    sandbox.aicr("bundle dist --output N --quiet --exclude checksums.txt --exclude attestation").succeeds();
    sandbox.file("good", sigstore_bundle("BBBB", sandbox.read("N/checksums.txt")));
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
fn a_new_output_is_complete_or_not_there() {
    for signal in ["SIGKILL", "SIGINT"] {
        let words = format!("bundle dist --output C --quiet {SIGN}");
        at_every_step(
            signal,
            &[],
            || stage(HONEST),
            &words,
            "C",
            |_, found, new| {
                assert!(found.is_empty() || found == new, "{found:?}");
            },
        );
    }
}

#[test]
fn never_is_there_a_new_manifest_beside_an_old_signature() {
    for signal in ["SIGKILL", "SIGINT"] {
        let words = format!("bundle dist --in-place --force --quiet {SIGN}");
        at_every_step(signal, &[], with_older_in_place, &words, "dist", |sandbox, found, _| {
            let file = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, content)| content);
            let manifest = file("checksums.txt").unwrap();
            if let Some(signature) = file("attestation/checksums.txt.sigstore.json") {
                let over = |signature| sigstore_bundle(signature, manifest).into_bytes();
                assert!([over("AAAA"), over("BBBB")].contains(signature));
            }
            // Of the files themselves nothing is touched.
            assert_eq!(
                (sandbox.read("dist/a"), sandbox.read("dist/sub/b")),
                ("new\n".into(), "beta\n".into())
            );
        });
    }
}

#[test]
fn a_signature_is_the_old_one_or_the_new_one() {
    for signal in ["SIGKILL", "SIGINT"] {
        let old = content(&stage(HONEST), "B");
        let words = format!("bundle-sign B --force --quiet {SIGN}");
        at_every_step(
            signal,
            &[],
            || stage(HONEST),
            &words,
            "B",
            |_, found, new| {
                assert!(*found == old || found == new, "{found:?}");
            },
        );
    }
}

#[test]
fn so_is_one_in_a_bundle_that_is_a_mount_point() {
    let old = content(&stage(HONEST), "B");
    let words = format!("bundle-sign B --force --quiet {SIGN}");
    at_every_step(
        "SIGKILL",
        &mounted("B"),
        || stage(HONEST),
        &words,
        "B",
        |_, found, new| {
            assert!(*found == old || found == new, "{found:?}");
        },
    );
}

#[test]
fn a_room_inside_a_bundle_is_kept_for_the_living_and_swept_of_the_dead() {
    for inside in [true, false] {
        let sandbox = stage(Fake { sign: Meeting::BLOCKED, ..HONEST });
        let way = if inside { mounted("B") } else { Vec::new() };
        let sign = format!("aicr bundle-sign B --force --quiet {SIGN}");
        let words = |way: &[String]| {
            way.iter().cloned().chain(sign.split(' ').map(ToOwned::to_owned)).collect::<Vec<_>>()
        };
        let mut meeting = Meeting::new(&sandbox);
        let mut first = sandbox.program_run(words(&mounted("B"))).start();
        let cosign = meeting.wait();
        // What it will have written when it is killed.
        sandbox.file("B/attestation/.aicr-staging/checksums.txt.sigstore.json", "");
        sandbox
            .program_run(words(&way))
            .stderr(
                "error: another aicr run is writing B\nhint: wait until that run has ended, then try again\n",
            )
            .exits(2);
        first.kill().unwrap();
        first.wait().unwrap();
        kill_process(Pid::from_raw(cosign.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
        sandbox
            .aicr("bundle-sign B --force --dry-run --quiet --signing-key cosign.key --tlog-upload=false")
            .stdout(&format!(
                "rejected B
  manifest sha256
    {SMALL_SHA256}
  2 files listed, 11 bytes could be read
  unlisted     attestation/.aicr-staging/checksums.txt.sigstore.json
"
            ))
            .stderr(
                "error: B is not what its manifest says: 1 file is wrong
hint: `attestation/.aicr-staging` was left by an aicr run that is still active or was killed; run it again, or remove the directory
",
            )
            .exits(5);
        sandbox.fake_cosign("exec \"$REAL\" \"$@\"");
        sandbox.program_run(words(&way)).succeeds();
        let inside = ["attestation/", "attestation/checksums.txt.sigstore.json"];
        assert_eq!(sandbox.tree("B"), [&["a"], &inside[..], &["checksums.txt", "sub/", "sub/b"]].concat());
        sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog -q").succeeds();
    }
}
