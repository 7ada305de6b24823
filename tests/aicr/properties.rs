//! What holds for every bundle, tried on bundles and damage that are made by chance, the same each time.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::random::Random;
use crate::sandbox::Sandbox;

/// How many bundles there are.
const BUNDLES: usize = 5;

/// A stage with signed bundles of trees that were made by chance.
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

/// So many copies of the bundles, as words of a command, each damaged in one way, and in which.
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

/// The bundle of which this is a copy.
fn original(number: usize) -> String {
    format!("good{}", number % BUNDLES)
}

/// Whether two bundles have signature files that say the same, though not in the same bytes.
fn say_the_same(sandbox: &Sandbox, one: &str, other: &str) -> bool {
    let json = |bundle: &str| {
        let file = sandbox.path(bundle).join("attestation/checksums.txt.sigstore.json");
        serde_json::from_slice::<Value>(&fs::read(file).ok()?).ok()
    };
    json(one).is_some() && json(one) == json(other)
}

/// What is reported of each bundle.
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
        // White space in the signature file, which nobody signs.
        let signature = done.ends_with("checksums.txt.sigstore.json");
        if signature && say_the_same(&sandbox, &original(number), &format!("bad/{number}")) {
            harmless += 1;
        } else {
            assert_eq!(verdict["verdict"], "rejected", "{number}: {done}: {verdict}");
        }
    }
    assert!(harmless < 10, "{harmless}");
}

/// What sha256sum does not look at, it does not refuse; what it refuses is refused here.
#[test]
fn what_sha256sum_refuses_is_refused() {
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
