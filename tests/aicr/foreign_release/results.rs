//! What is made of a release that was verified: a copy, a receipt, a report.

use std::fs;

use serde_json::{Value, json};

use super::sample::{ALPHA, BETA, Foreign, TRUST};

/// The copy has the manifest and the signature as they were, and no file that was not checked.
#[test]
fn a_copy_of_a_release() {
    let foreign = Foreign::new();
    foreign.signed(&format!(
        "{BETA} *./sub/b\n{ALPHA}  a\n{ALPHA}  SUMS\n{ALPHA}  d/c\n{ALPHA}  checksums.txt\n"
    ));
    let sandbox = &foreign.sandbox;
    sandbox.file("R/SUMS.asc", "unchecked\n").file("R/checksums.txt", "alpha\n");
    let missing =
        foreign.about("rejected", "4 files listed, 17 bytes could be read") + "  missing      d/c\n";
    let (warning, error) = (
        "warning: R/SUMS lists itself; that line is ignored\n",
        "error: R is not what its manifest says: 1 file is wrong\nhint: if only a part of the release was downloaded, add --allow-missing\n",
    );
    foreign
        .verify(&format!("{TRUST} --copy-to C"))
        .stdout(&missing)
        .stderr(&format!("{warning}{error}"))
        .exits(5);
    assert!(!sandbox.path("C").exists());
    let accepted = foreign.about("accepted", "4 files listed, 1 not there, 17 bytes");
    foreign
        .verify(&format!("{TRUST} --allow-missing --copy-to C"))
        .stdout(&format!("{accepted}  copied to C\n"))
        .stderr(warning)
        .succeeds();
    let mut tree = sandbox.tree("C");
    tree.retain(|name| !name.ends_with('/'));
    assert_eq!(tree, ["SUMS", "SUMS.sig", "a", "checksums.txt", "sub/b"]);
    for name in &tree {
        assert_eq!(sandbox.read(&format!("C/{name}")), sandbox.read(&format!("R/{name}")), "{name}");
    }
    // The copy is verified like what it is a copy of.
    sandbox.aicr(&format!("verify C --manifest SUMS {TRUST} --allow-missing -q")).succeeds();
    // With nothing but its own files it is no part of the release.
    sandbox.remove("R/a").remove("R/checksums.txt").remove("R/sub/b");
    foreign.verify(&format!("{TRUST} --allow-missing --copy-to D")).whatever_it_prints().exits(5);
    assert!(!sandbox.path("D").exists());
}

/// The receipt names the checksum file, and that files may be missing.
#[test]
fn a_receipt_about_a_release() {
    let foreign = Foreign::new();
    foreign.signed(&format!("{ALPHA}  a\n{BETA}  b\n"));
    fs::remove_dir_all(foreign.sandbox.path("R/sub")).unwrap();
    foreign.verify(&format!("{TRUST} --allow-missing --receipt receipt.json -q")).succeeds();
    let receipt: Value = serde_json::from_str(&foreign.sandbox.read("receipt.json")).unwrap();
    let subject = json!([{ "name": "SUMS", "digest": { "sha256": foreign.manifest_sha256() } }]);
    assert_eq!(receipt["subject"], subject);
    let predicate = &receipt["predicate"];
    assert_eq!(predicate["verificationResult"], "PASSED");
    assert_eq!(predicate["manifest"]["absent"], 1);
    assert_eq!(predicate["signatures"][0]["path"], "SUMS.sig");
    let flags = predicate["policy"]["flags"].as_array().unwrap();
    let names: Vec<&str> = flags.iter().map(|flag| flag["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["--manifest", "--allow-missing", "--key", "--insecure-ignore-tlog"]);
}

#[test]
fn the_report_of_a_release() {
    let foreign = Foreign::new();
    foreign.signed(&format!("{ALPHA}  a\n{BETA}  b\n"));
    fs::remove_dir_all(foreign.sandbox.path("R/sub")).unwrap();
    let report = |words: &str| -> Value {
        let run = foreign.verify(&format!("{words} --allow-missing --format json")).whatever_it_prints();
        let report: Value = serde_json::from_slice(&run.succeeds().stdout).unwrap();
        report["bundles"][0].clone()
    };
    let manifest = json!({ "sha256": foreign.manifest_sha256(), "files": 2, "bytes": 6, "absent": 1 });
    let signature = |path: &str| {
        json!([{
            "path": path, "keySha256": foreign.key_sha256, "identity": null, "issuer": null,
            "checked": true, "log": "none", "timestamp": "none",
        }])
    };
    let signed = report(TRUST);
    assert_eq!((&signed["manifest"], &signed["signatures"]), (&manifest, &signature("SUMS.sig")));
    let typed = report(&format!("{TRUST} --signature ./R/SUMS.sig"));
    assert_eq!(typed["signatures"], signature("SUMS.sig"));
    fs::rename(foreign.sandbox.path("R/SUMS.sig"), foreign.sandbox.path("out.sig")).unwrap();
    let outside = report(&format!("{TRUST} --signature ./out.sig"));
    assert_eq!(outside["signatures"], signature("./out.sig"));
    let unproven = report("--checksums-only");
    assert_eq!((&unproven["verdict"], &unproven["manifest"]), (&json!("unproven"), &manifest));
}
