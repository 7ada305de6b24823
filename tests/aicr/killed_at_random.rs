//! Runs that are killed at random moments, several times in a row. Afterwards there is the complete old bundle or
//! the complete new one, and the next run cleans up and succeeds. `killed.rs` kills a run once at each step.

use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

use crate::fake::{Fake, HONEST, SIGNATURE, fake_sandbox};
use crate::killed::{Content, content, not_removed_by_the_next_run};
use crate::random::Random;
use crate::sandbox::Sandbox;

/// How many runs are killed in each test.
const KILLS: usize = 170;

/// A cosign that signs any manifest, with other bytes in each round.
const SIGNS_ANYTHING: Fake<'_> = Fake {
    sign: r#"digest=$(openssl dgst -sha256 -binary "$BLOB" | base64 -w 0)
             signature=$(base64 -w 0 <"$TOP/round")
             sed "s|\"digest\":\"[^\"]*\"|\"digest\":\"$digest\"|; s|AAAA|$signature|" "$TOP/good" >"$BUNDLE""#,
    ..HONEST
};

/// Kills runs of `words` at random moments. Calls `check` with the content of the tree `made` before, after each
/// kill, and after the same run has completed.
fn at_random_moments(words: &str, made: &str, check: impl Fn(&Content, &Content, &Content)) {
    let mut sandbox = fake_sandbox(SIGNS_ANYTHING);
    // Without the wrapper that takes the network away, which takes longer than the run.
    sandbox.wrapper = vec!["env".into()];
    let words = format!("{words} --quiet --force --signing-key cosign.key --tlog-upload=false");
    // A bundle with our signature would not be signed again.
    let other_signature = &sandbox.read(SIGNATURE);
    let begin = |sandbox: &Sandbox, round: usize| {
        sandbox.file("round", format!("round {round}\n")).file("dist/a", format!("round {round}\n"));
        sandbox.file(SIGNATURE, other_signature);
    };
    begin(&sandbox, 0);
    let started = Instant::now();
    sandbox.aicr(&words).succeeds();
    let mut whole_run = started.elapsed();

    let mut random = Random::new(0x00c0_ffee);
    let mut killed = 0;
    let mut left = Vec::new();
    for round in 1.. {
        begin(&sandbox, round);
        let before = content(&sandbox, made);
        let mut found = Vec::new();
        for _ in 0..=random.below(3) {
            let mut run = sandbox.aicr(&words).start();
            let thousandths = u32::try_from(random.below(1000)).unwrap();
            // The moment is random on purpose, so there is nothing to wait for.
            std::thread::sleep(whole_run * thousandths / 1000);
            run.kill().unwrap();
            let is_killed = run.wait().unwrap().signal() == Some(9);
            killed += usize::from(is_killed);
            found.push(content(&sandbox, made));
        }
        let started = Instant::now();
        sandbox.aicr(&words).succeeds();
        whole_run = (whole_run * 7 + started.elapsed()) / 8;
        let after = content(&sandbox, made);
        assert_ne!(before, after, "round {round}");
        for found in found {
            check(&before, &found, &after);
        }
        // A child process that has not executed cosign yet keeps the lock of its run for a moment.
        let still_held = not_removed_by_the_next_run(&sandbox);
        assert!(!still_held.iter().any(|name| left.contains(name)), "round {round}: {left:?} {still_held:?}");
        left = still_held;
        if killed >= KILLS {
            break;
        }
    }
    sandbox.aicr(&words).succeeds();
    assert_eq!(not_removed_by_the_next_run(&sandbox), [""; 0]);
}

#[track_caller]
fn is_one_of_the_two(before: &Content, found: &Content, after: &Content) {
    assert!(found == before || found == after, "{found:?}");
}

#[test]
fn an_output_is_the_old_bundle_or_the_new_one() {
    at_random_moments("bundle dist --output C", "C", is_one_of_the_two);
}

#[test]
fn a_signature_is_the_old_one_or_the_new_one() {
    at_random_moments("bundle-sign B", "B", is_one_of_the_two);
}

#[test]
fn in_place_no_manifest_has_the_signature_of_another() {
    at_random_moments("bundle dist --in-place", "dist", |before, found, after| {
        let file = |content: &Content, name: &str| {
            content.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes.clone())
        };
        let pair = |content: &Content| {
            (file(content, "checksums.txt"), file(content, "attestation/checksums.txt.sigstore.json"))
        };
        let (old, new, found) = (pair(before), pair(after), pair(found));
        let unsigned = |(manifest, _): &(Option<Vec<u8>>, _)| (manifest.clone(), None);
        assert!([unsigned(&old), unsigned(&new), old, new].contains(&found), "{found:?}");
    });
}
