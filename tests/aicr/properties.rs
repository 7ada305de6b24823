//! Properties of every bundle, tested on random bundles with random damage. The random numbers are the same in
//! each run.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::random::Random;
use crate::sandbox::Sandbox;

/// The number of bundles.
const BUNDLES: usize = 5;

/// A test directory with signed bundles of random trees.
fn bundles(random: &mut Random) -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..BUNDLES {
        let tree = format!("tree{number}");
        random.fill(&sandbox.directory(&tree).path(&tree));
        let sign = "--allow-name-collisions --signing-key cosign.key --tlog-upload=false";
        sandbox.aicr(&format!("bundle {tree} --output good{number} {sign}")).whatever_it_prints().succeeds();
    }
    sandbox
}

/// Creates `count` copies of the bundles, each with one random damage. Returns their paths, separated by spaces,
/// and a description of each damage.
fn damaged(sandbox: &Sandbox, random: &mut Random, count: usize) -> (String, Vec<String>) {
    fs::create_dir(sandbox.path("bad")).unwrap();
    let names: Vec<String> = (0..count).map(|number| format!("bad/{number}")).collect();
    let mut done = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let (good, copy) = (sandbox.path(original(number)), sandbox.path(name));
        assert!(Command::new("cp").arg("-a").args([&good, &copy]).status().unwrap().success());
        done.push(random.damage(&copy));
    }
    (names.join(" "), done)
}

/// The bundle of the copy with this number.
fn original(number: usize) -> String {
    format!("good{}", number % BUNDLES)
}

/// Whether the signature files of two bundles are the same JSON.
fn have_the_same_signature(sandbox: &Sandbox, one: &str, other: &str) -> bool {
    let json = |bundle: &str| {
        let file = sandbox.path(bundle).join("attestation/checksums.txt.sigstore.json");
        serde_json::from_slice::<Value>(&fs::read(file).ok()?).ok()
    };
    json(one).is_some() && json(one) == json(other)
}

/// The report about each bundle.
fn verified(sandbox: &Sandbox, words: &str) -> Vec<Value> {
    let output = sandbox.aicr(&format!("verify {words} --format json")).output();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(report["bundles"].take()).unwrap()
}

#[test]
fn no_damage_to_a_signed_bundle_is_accepted() {
    let mut random = Random::new(1);
    let sandbox = bundles(&mut random);
    let key = "--key cosign.pub --insecure-ignore-tlog";
    for good in verified(&sandbox, &format!("good0 good1 good2 good3 good4 {key}")) {
        assert_eq!(good["verdict"], "accepted");
    }
    let (words, done) = damaged(&sandbox, &mut random, 200);
    let verdicts = verified(&sandbox, &format!("{words} {key}"));
    assert_eq!(verdicts.len(), 200);
    let mut harmless = 0;
    for (number, (verdict, done)) in verdicts.iter().zip(&done).enumerate() {
        // White space in the signature file does not matter.
        let signature = done.ends_with("checksums.txt.sigstore.json");
        if signature && have_the_same_signature(&sandbox, &original(number), &format!("bad/{number}")) {
            harmless += 1;
        } else {
            assert_eq!(verdict["verdict"], "rejected", "{number}: {done}: {verdict}");
        }
    }
    assert!(harmless < 10, "{harmless}");
}

/// `verify` rejects every bundle that sha256sum rejects, and others, because sha256sum checks less.
#[test]
fn a_bundle_that_sha256sum_rejects_is_rejected() {
    let mut random = Random::new(2);
    let sandbox = bundles(&mut random);
    let (words, done) = damaged(&sandbox, &mut random, 200);
    let line = format!(
        "for bad in {words}; do (cd $bad && sha256sum --check --strict --status checksums.txt); echo $?; done"
    );
    let theirs = String::from_utf8(sandbox.shell(&line).output().stdout).unwrap();
    let ours = verified(&sandbox, &format!("{words} --checksums-only"));
    assert_eq!((theirs.lines().count(), ours.len()), (200, 200));
    let mut refused = 0;
    for ((theirs, ours), done) in
        theirs.lines().zip(ours).zip(&done).filter(|((theirs, _), _)| *theirs != "0")
    {
        assert_eq!(ours["verdict"], "rejected", "{theirs}: {done}: {ours}");
        refused += 1;
    }
    assert!((100..200).contains(&refused), "{refused}");
}
