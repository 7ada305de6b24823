//! `verify --shard I/N`: what a shard prints, and that all shards together find what one run finds.
//! `src/tree/shard/tests.rs` has that for many more trees, without cosign.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::foreign_release::sample::{ALPHA, BETA, Foreign, TRUST};
use crate::random::Random;
use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox};

const VERIFY: &str = "verify B --key cosign.pub --insecure-ignore-tlog --shard";

/// The report about a shard of the small bundle.
fn report(verdict: &str, files: &str, findings: &str, shard: &str) -> String {
    let accepted = if verdict == "rejected" { "  signature accepted\n" } else { "" };
    format!(
        "{verdict} B\n  manifest sha256\n    {SMALL_SHA256}\n  {files}\n{accepted}  key sha256\n    {KEY_SHA256}\n  log none, timestamp none\n{findings}{shard}\n"
    )
}

fn error(wrong: &str) -> String {
    format!("error: B is not what its manifest says: {wrong} wrong\n")
}

#[test]
fn an_accepted_shard_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    for (shard, files) in [
        ("1/1", "2 files, 11 bytes"),
        ("1/2", "1 file, 6 bytes"),
        ("2/2", "1 file, 5 bytes"),
        ("2/3", "1 file, 5 bytes"),
        ("3/3", "0 files, 0 bytes"),
        ("4000000000/4000000000", "0 files, 0 bytes"),
    ] {
        let last = format!("shard {}", shard.replace('/', " of "));
        sandbox
            .aicr(&format!("{VERIFY} {shard}"))
            .stdout(&report("accepted-shard", files, "", &last))
            .succeeds();
        sandbox.aicr(&format!("{VERIFY} {shard} --quiet")).succeeds();
    }
    let output = sandbox.aicr(&format!("{VERIFY} 2/3 --format json")).output();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        printed["bundles"],
        json!([{
            "path": "B",
            "verdict": "accepted-shard",
            "manifest": {"sha256": SMALL_SHA256, "files": 1, "bytes": 5},
            "signatures": [{
                "path": "attestation/checksums.txt.sigstore.json",
                "keySha256": KEY_SHA256,
                "identity": null,
                "issuer": null,
                "checked": true,
                "log": "none",
                "timestamp": "none",
            }],
            "shard": {"index": 2, "of": 3},
            "findings": [],
            "findingsTotal": 0,
            "error": null,
        }])
    );
}

#[test]
fn only_the_shard_with_the_damage_is_rejected() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("B/sub/b", "changed\n").file("B/new", "");
    let digest = String::from_utf8(sandbox.shell("sha256sum <B/sub/b").output().stdout).unwrap();
    let found = &digest[..64];
    sandbox
        .aicr(&format!("{VERIFY} 1/3"))
        .stdout(&report(
            "rejected",
            "1 file listed, 6 bytes could be read",
            "  unlisted     new\n",
            "shard 1 of 3",
        ))
        .stderr(&error("1 file is"))
        .exits(5);
    let changed = format!("  changed      sub/b\n    found sha256\n      {found}\n");
    sandbox
        .aicr(&format!("{VERIFY} 2/3"))
        .stdout(&report("rejected", "1 file listed, 8 bytes could be read", &changed, "shard 2 of 3"))
        .stderr(&error("1 file is"))
        .exits(5);
    sandbox
        .aicr(&format!("{VERIFY} 3/3"))
        .stdout(&report("accepted-shard", "0 files, 0 bytes", "", "shard 3 of 3"))
        .succeeds();
}

#[test]
fn a_renamed_file_is_missing_and_its_new_name_is_unlisted() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    fs::rename(sandbox.path("B/a"), sandbox.path("B/sub/a")).unwrap();
    // The top-level directory and `a` are the first of their kinds, `sub` and `sub/b` the second.
    sandbox
        .aicr(&format!("{VERIFY} 1/2"))
        .stdout(&report(
            "rejected",
            "1 file listed, 0 bytes could be read",
            "  missing      a\n",
            "shard 1 of 2",
        ))
        .stderr(&error("1 file is"))
        .exits(5);
    sandbox
        .aicr(&format!("{VERIFY} 2/2"))
        .stdout(&report(
            "rejected",
            "1 file listed, 5 bytes could be read",
            "  unlisted     sub/a\n",
            "shard 2 of 2",
        ))
        .stderr(&error("1 file is"))
        .exits(5);
}

#[test]
fn every_shard_verifies_the_signatures() {
    let sandbox = Sandbox::new();
    sandbox.signed().file("B/attestation/x", "");
    for shard in ["1/3", "2/3", "3/3"] {
        let files = match shard {
            "1/3" => "1 file listed, 6 bytes could be read",
            "2/3" => "1 file listed, 5 bytes could be read",
            _ => "0 files listed, 0 bytes could be read",
        };
        let last = format!("shard {}", shard.replace('/', " of "));
        sandbox
            .aicr(&format!("{VERIFY} {shard}"))
            .stdout(&report("rejected", files, "  unlisted     attestation/x\n", &last))
            .stderr(&error("1 file is"))
            .exits(5);
    }
    sandbox.remove("B/attestation/x").remove("B/attestation/checksums.txt.sigstore.json");
    for index in 1..=3 {
        sandbox
            .aicr(&format!("{VERIFY} {index}/3"))
            .stdout(&format!("rejected B\nshard {index} of 3\n"))
            .stderr(
                "error: B is unsigned: it has no attestation/checksums.txt.sigstore.json
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
",
            )
            .exits(5);
    }
}

#[test]
fn several_bundles_have_one_shard_each() {
    let sandbox = Sandbox::new();
    sandbox.signed();
    let one = report("accepted-shard", "1 file, 6 bytes", "", "shard 1 of 2");
    sandbox
        .aicr("verify B B --key cosign.pub --insecure-ignore-tlog --shard 1/2")
        .stdout(&format!("{one}{one}2 bundles: 2 accepted-shard\n"))
        .succeeds();
}

/// Before any file is touched: there is no such bundle.
#[test]
fn shards_that_do_not_exist() {
    let sandbox = Sandbox::new();
    for (shard, why, hint) in [
        (
            "0/4",
            "does not exist: the first shard is 1, and array jobs often count from 0",
            "let the jobs count from 1, or add 1: --shard $((INDEX + 1))/4",
        ),
        (
            "5/4",
            "does not exist: the number of the shard is above the number of shards",
            "use the numbers 1 to 4",
        ),
        (
            "/4",
            "is not I/N, as in 2/8: the number of the shard, and how many there are",
            "an unset variable in the command line is the usual cause",
        ),
    ] {
        sandbox
            .aicr(&format!("{VERIFY} {shard}"))
            .stderr(&format!("error: --shard `{shard}` {why}\nhint: {hint}\n"))
            .exits(2);
    }
    for (flag, why) in [
        ("--checksums-only", "only a signature shows that all shards are of one bundle"),
        ("--copy-to", "a shard has only some of the files"),
        ("--receipt", "a receipt is about a whole bundle"),
        ("--allow-missing", "a shard does not show which files the others have"),
    ] {
        let value = if ["--copy-to", "--receipt"].contains(&flag) { " new" } else { "" };
        sandbox
            .aicr(&format!("verify B --shard 1/2 {flag}{value}"))
            .stderr(&format!(
                "error: --shard cannot be used with {flag}: {why}\nhint: leave out --shard, or leave out {flag}\n"
            ))
            .exits(2);
    }
    sandbox
        .aicr("verify B --shard 1/2")
        .stderr(
            "error: --shard needs a key or an identity to trust
hint: add --key FILE, or --certificate-identity NAME --certificate-oidc-issuer URL
",
        )
        .exits(2);
}

/// A file of many terabytes in place of a small one is not read by the shard that has it; the others are accepted.
#[test]
fn a_shard_compares_its_bytes_with_those_of_the_release() {
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    let release = "--release-name app --release-version 1.4";
    sandbox
        .aicr(&format!("bundle dist -o B {release} --signing-key cosign.key --tlog-upload=false -q"))
        .succeeds();
    let verdict = |index: usize| {
        let output = sandbox.aicr(&format!("{VERIFY} {index}/3 --expect-name app --format json")).output();
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let bundle = report["bundles"][0].take();
        (
            bundle["verdict"].as_str().unwrap().to_owned(),
            bundle["release"]["name"].clone(),
            bundle["findings"].clone(),
        )
    };
    for index in 1..=3 {
        assert_eq!(verdict(index), ("accepted-shard".to_owned(), json!("app"), json!([])));
    }
    fs::File::options().write(true).open(sandbox.path("B/a")).unwrap().set_len(1 << 43).unwrap();
    let findings = json!([{
        "kind": "more-than-signed",
        "path": "release.json",
        "reason": "signed: 2 files, 11 bytes; found: 2 files, 8.0 TiB in this shard",
    }]);
    assert_eq!(verdict(1), ("rejected".to_owned(), Value::Null, findings));
    for index in 2..=3 {
        assert_eq!(verdict(index).0, "accepted-shard");
    }
}

#[test]
fn shards_of_a_release_that_aicr_did_not_build() {
    let foreign = Foreign::new();
    foreign.signed(&format!("{ALPHA}  a\n{BETA}  sub/b\n"));
    for (shard, files) in [("1/2", "1 file, 6 bytes"), ("2/2", "1 file, 5 bytes")] {
        let last = format!("shard {}\n", shard.replace('/', " of "));
        foreign
            .verify(&format!("{TRUST} --shard {shard}"))
            .stdout(&(foreign.about("accepted-shard", files) + &last))
            .succeeds();
    }
    foreign.sandbox.remove("R/a");
    foreign
        .verify(&format!("{TRUST} --shard 1/2"))
        .stdout(
            &(foreign.about("rejected", "1 file listed, 0 bytes could be read")
                + "  missing      a\nshard 1 of 2\n"),
        )
        .stderr(
            "error: R is not what its manifest says: 1 file is wrong
hint: if only a part of the release was downloaded, use --allow-missing in place of --shard
",
        )
        .exits(5);
}

/// The findings of a bundle, sorted, where a renamed file is a missing one and an unlisted one.
fn findings(bundle: &Value) -> Vec<Value> {
    let mut findings = Vec::new();
    for finding in bundle["findings"].as_array().unwrap() {
        if finding["kind"] == "renamed" {
            findings.push(json!({"kind": "missing", "path": finding["path"]}));
            findings.push(json!({"kind": "unlisted", "path": finding["to"]}));
        } else {
            findings.push(finding.clone());
        }
    }
    findings.sort_by_key(Value::to_string);
    findings
}

#[test]
fn together_the_shards_of_random_bundles_find_what_one_run_finds() {
    const BUNDLES: usize = 8;
    let mut random = Random::new(3);
    let sandbox = Sandbox::new();
    let mut names = Vec::new();
    for number in 0..BUNDLES {
        let (tree, bundle) = (format!("tree{number}"), format!("bundle{number}"));
        random.fill(&sandbox.directory(&tree).path(&tree));
        let sign = "--allow-name-collisions --signing-key cosign.key --tlog-upload=false";
        sandbox.aicr(&format!("bundle {tree} --output {bundle} {sign}")).whatever_it_prints().succeeds();
        // What is signed stays, so that files are compared.
        let signed = ["checksums.txt", "attestation"].map(|name| sandbox.path(&bundle).join(name));
        let kept = sandbox.directory(&format!("kept{number}")).path(format!("kept{number}"));
        let copy = |from: &[std::path::PathBuf], to: &std::path::Path| {
            assert!(Command::new("cp").arg("-a").args(from).arg(to).status().unwrap().success());
        };
        copy(&signed, &kept);
        for _ in 0..number {
            random.damage(&sandbox.path(&bundle));
        }
        for path in &signed {
            let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        }
        copy(&["checksums.txt", "attestation"].map(|name| kept.join(name)), &sandbox.path(&bundle));
        names.push(bundle);
    }
    let verify = |shard: &str| -> Vec<Value> {
        let words = format!("verify {} --key cosign.pub --insecure-ignore-tlog {shard}", names.join(" "));
        let output = sandbox.aicr(&format!("{words} --format json")).output();
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        serde_json::from_value(report["bundles"].take()).unwrap()
    };
    let whole = verify("");
    assert!(whole.iter().filter(|bundle| bundle["verdict"] == "rejected").count() >= BUNDLES - 2);
    for of in [1, 2, 3, 17] {
        let shards: Vec<Vec<Value>> =
            (1..=of).map(|index| verify(&format!("--shard {index}/{of}"))).collect();
        for (number, whole) in whole.iter().enumerate() {
            let of_bundle: Vec<&Value> = shards.iter().map(|shard| &shard[number]).collect();
            let mut together: Vec<Value> = of_bundle.iter().flat_map(|bundle| findings(bundle)).collect();
            together.sort_by_key(Value::to_string);
            assert_eq!(together, findings(whole), "{number} of {of}");
            for field in ["files", "bytes"] {
                let sum: u64 =
                    of_bundle.iter().map(|bundle| bundle["manifest"][field].as_u64().unwrap()).sum();
                assert_eq!(sum, whole["manifest"][field], "{number} of {of}");
            }
            let all_accepted = of_bundle.iter().all(|bundle| bundle["verdict"] == "accepted-shard");
            assert_eq!(all_accepted, whole["verdict"] == "accepted", "{number} of {of}");
            assert!(
                of_bundle.iter().all(|bundle| bundle["manifest"]["sha256"] == whole["manifest"]["sha256"])
            );
        }
    }
}
