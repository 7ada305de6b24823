//! Log entries that cosign 2.4 rejects and later releases accept.

use serde_json::{Value, json};

use crate::loopback::{cosign, reached};
use crate::site::{REKOR_1, Site};

const OLDEST: &str = "v2.4.1";
const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";
const FIRST: &str = "rejects the first entry of a log as damaged";
const HINT: &str = "hint: install cosign 2.6 or later, or name one with --cosign\n";

fn bundle(name: &str, cosign: &str) -> String {
    let services = format!("--rekor-url {REKOR_1} --trusted-root site/trusted-root.json");
    format!("bundle dist --output {name} --signing-key cosign.key {services} --cosign {cosign}")
}

fn verify(evidence: &str, cosign: &str) -> String {
    format!("verify B --key cosign.pub {evidence} --cosign {cosign}")
}

/// Its index is 0, which protobuf leaves out.
#[test]
fn the_first_entry_of_a_log() {
    let notice = "notice: the signature goes to the transparency log at localhost:3000\n";
    let (root, ignore) = ("--trusted-root site/trusted-root.json", "--insecure-ignore-tlog");
    let oldest = cosign(OLDEST);
    let site = Site::with(&["empty-logs"]);
    site.small_dist();
    // That this is the first entry shows only after signing.
    let in_the_log = "the signature is in the log permanently, and could not be checked";
    site.aicr(&bundle("B", &oldest))
        .stderr(&format!("{notice}error: {in_the_log}: {oldest} ({OLDEST}) {FIRST}\n{HINT}"))
        .exits(3);
    assert!(!site.path("B").exists());
    assert_eq!(site.entries("rekor1"), 1);
    site.aicr(&bundle("B", &oldest)).whatever_it_prints().succeeds();

    for release in ["v2.6.1", "v3.0.2", "v3.1.3"] {
        let site = Site::with(&["empty-logs"]);
        site.small_dist();
        let newer = cosign(release);
        site.aicr(&bundle("B", &newer)).whatever_it_prints().succeeds();
        let entry: Value = serde_json::from_str(&site.read(SIGNATURE)).unwrap();
        assert_eq!(entry["verificationMaterial"]["tlogEntries"][0]["logIndex"], Value::Null);
        site.aicr(&verify(root, &newer)).whatever_it_prints().succeeds();
        let refused =
            site.aicr(&verify(root, &oldest)).stderr(&format!("error: {oldest} ({OLDEST}) {FIRST}\n{HINT}"));
        assert_eq!(reached(&site, refused, 3), [""; 0]);
        site.aicr(&verify(ignore, &oldest)).whatever_it_prints().succeeds();
    }
}

/// Rekor 1 always makes a promise. The later releases need only the proof.
#[test]
fn an_entry_without_a_promise() {
    let site = Site::new();
    site.small_dist();
    site.aicr(&bundle("B", &cosign("v3.1.3"))).whatever_it_prints().succeeds();
    let signed = site.read(SIGNATURE);
    let mut changed: Value = serde_json::from_str(&signed).unwrap();
    let entry = &mut changed["verificationMaterial"]["tlogEntries"][0];
    assert_ne!(entry.as_object_mut().unwrap().remove("inclusionPromise"), Some(json!(null)));
    let evidence = "--trusted-root site/trusted-root.json";
    for (file, accepted_by_oldest) in [(signed, true), (changed.to_string(), false)] {
        site.file(SIGNATURE, file);
        for release in ["v2.6.1", "v3.0.2", "v3.1.3"] {
            site.aicr(&verify(evidence, &cosign(release))).whatever_it_prints().succeeds();
        }
        let oldest = site.aicr(&verify(evidence, &cosign(OLDEST)));
        if accepted_by_oldest {
            oldest.whatever_it_prints().succeeds();
        } else {
            oldest
                .stdout("rejected B\n")
                .stderr("error: B: cosign does not accept the signature\n    (what cosign said)\nhint: --checksums-only compares the files with the manifest; it proves nothing about who made it\n")
                .cosigns_words_left_out()
                .exits(5);
        }
    }
}
