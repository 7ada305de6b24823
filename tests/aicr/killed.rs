//! Killed or interrupted at every step that changes the disk: strace delivers the signal at the first
//! such call of a run, then at the second, and so on, until a run gets through. Whatever was there
//! before or is there afterwards is whole, and the next run cleans up and succeeds.

use std::os::unix::process::ExitStatusExt;

use crate::by_hand::sigstore_bundle;
use crate::fake::{HONEST, stage};
use crate::scene::Scene;

const SIGN: &str = "--signing-key cosign.key --tlog-upload=false";

/// The calls that change the disk, on any architecture.
const CHANGES: &str = "?mkdir,mkdirat,?rename,renameat,renameat2,?unlink,unlinkat,?rmdir,?link,linkat,?chmod,fchmod,fchmodat,\
                       fsync,fdatasync,syncfs,flock,ftruncate";

/// Names and contents of a tree; nothing if it is not there.
type Content = Vec<(String, Vec<u8>)>;

fn content(scene: &Scene, relative: &str) -> Content {
    if !scene.path(relative).exists() {
        return Vec::new();
    }
    let read = |name: String| {
        let content = std::fs::read(scene.path(relative).join(&name)).unwrap_or_default();
        (name, content)
    };
    scene.tree(relative).into_iter().map(read).collect()
}

/// Runs `words` on fresh stages, ended by `signal` at one step after the other. `check` is told what
/// is in `made` after each; then the same run, without a signal, comes to what is told last.
fn at_every_step(
    signal: &str,
    make: impl Fn() -> Scene,
    words: &str,
    made: &str,
    check: impl Fn(&Scene, &Content, &Content),
) {
    let whole = make();
    whole.aicr(words).succeeds();
    let whole = content(&whole, made);
    for step in 1.. {
        let scene = make();
        let inject = format!("inject={CHANGES}:signal={signal}:when={step}");
        let strace =
            ["strace", "-qq", "-o", "/dev/null", "-e", &format!("trace={CHANGES}"), "-e", &inject, "aicr"];
        let ended = scene.program_run(strace.into_iter().chain(words.split(' '))).output();
        check(&scene, &content(&scene, made), &whole);
        let through = ended.status.code() == Some(0);
        assert!(through || ended.status.signal().is_some(), "step {step}: {}", ended.status);
        if signal == "SIGINT" {
            let stderr = String::from_utf8(ended.stderr).unwrap();
            assert!(stderr.is_empty() || stderr == "error: interrupted\n", "step {step}: {stderr}");
            assert_eq!(litter(&scene), [""; 0], "step {step}");
        } else {
            let again = if words.contains("--force") { "" } else { " --force" };
            scene.aicr(&format!("{words}{again}")).succeeds();
            assert_eq!(content(&scene, made), whole, "step {step}");
            let beside = |name: &String| name.contains("aicr-staging");
            assert!(!scene.tree("").iter().any(beside), "step {step}");
        }
        if through {
            assert!(step > 10, "strace has seen only {step} steps");
            return;
        }
    }
}

/// Everything that is temporary.
fn litter(scene: &Scene) -> Vec<String> {
    scene.tree("").into_iter().filter(|name| name.contains("aicr-")).collect()
}

/// A stage with a bundle `C` of another tree than `dist`.
fn with_older_output() -> Scene {
    let scene = stage(HONEST);
    scene.file("older/x", "older\n");
    scene.aicr("bundle older --output C --quiet").succeeds();
    scene
}

/// A stage where `dist` was signed in place, and then changed.
fn with_older_in_place() -> Scene {
    let scene = stage(HONEST);
    scene.aicr(&format!("bundle dist --in-place --quiet {SIGN}")).succeeds();
    scene.file("dist/a", "new\n");
    scene.aicr("bundle dist --output N --quiet --exclude checksums.txt --exclude attestation").succeeds();
    scene.file("good", sigstore_bundle("BBBB", scene.read("N/checksums.txt")));
    scene
}

#[test]
fn an_output_is_the_old_bundle_or_the_new_one() {
    for signal in ["SIGKILL", "SIGINT"] {
        let old = content(&with_older_output(), "C");
        let words = format!("bundle dist --output C --force --quiet {SIGN}");
        at_every_step(signal, with_older_output, &words, "C", |_, found, new| {
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
        at_every_step(signal, with_older_in_place, &words, "dist", |scene, found, _| {
            let file = |name: &str| found.iter().find(|(found, _)| found == name).map(|(_, content)| content);
            let manifest = file("checksums.txt").unwrap();
            if let Some(signature) = file("attestation/checksums.txt.sigstore.json") {
                let over = |signature| sigstore_bundle(signature, manifest).into_bytes();
                assert!([over("AAAA"), over("BBBB")].contains(signature));
            }
            // Of the files themselves nothing is touched.
            assert_eq!((scene.read("dist/a"), scene.read("dist/sub/b")), ("new\n".into(), "beta\n".into()));
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
            || stage(HONEST),
            &words,
            "B",
            |_, found, new| {
                assert!(*found == old || found == new, "{found:?}");
            },
        );
    }
}
