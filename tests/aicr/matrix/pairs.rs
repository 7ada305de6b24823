//! Each release signs, and each release verifies the signatures of all.

use std::path::PathBuf;

use crate::sandbox::{KEY_SHA256, SMALL_SHA256, Sandbox, cosigns};
use crate::without_aicr::release;

const KEY: &str = "--signing-key cosign.key --tlog-upload=false";
const TRUST: &str = "--key cosign.pub --insecure-ignore-tlog";

fn report(verdict: &str, bundle: &str) -> String {
    format!(
        "{verdict} {bundle}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {KEY_SHA256}
  log none, timestamp none
"
    )
}

/// The names of the bundles, after the releases that sign them.
fn names(cosigns: &[PathBuf]) -> Vec<String> {
    cosigns.iter().map(|cosign| format!("by-{}", release(cosign))).collect()
}

#[test]
fn each_release_accepts_what_each_release_signed() {
    let cosigns = cosigns();
    let names = names(&cosigns);
    let sandbox = Sandbox::new();
    sandbox.small_dist();
    for (cosign, name) in cosigns.iter().zip(&names) {
        let cosign = cosign.display();
        let verify = format!("aicr verify {name} --key {name}.pub --insecure-ignore-tlog --cosign {cosign}");
        sandbox
            .aicr(&format!("bundle dist --output {name} {KEY} --cosign {cosign}"))
            .stdout(&format!(
                "{}verify it with:\n  {cosign} public-key --key=cosign.key --outfile={name}.pub && {verify}\n",
                report("signed", name)
            ))
            .succeeds();
    }
    let all = names.join(" ");
    let counts =
        if names.len() > 1 { format!("{} bundles: {0} accepted\n", names.len()) } else { String::new() };
    let accepted: String = names.iter().map(|name| report("accepted", name)).chain([counts]).collect();
    for cosign in &cosigns {
        sandbox
            .aicr(&format!("verify {all} {TRUST} --cosign {}", cosign.display()))
            .stdout(&accepted)
            .succeeds();
    }
    // Signing again changes nothing, with any two releases.
    for cosign in &cosigns {
        sandbox.aicr(&format!("bundle-sign {all} {KEY} --quiet --cosign {}", cosign.display())).succeeds();
    }
    // The form is the same for all releases: every byte but the signature.
    let file = |name: &str| sandbox.read(&format!("{name}/attestation/checksums.txt.sigstore.json"));
    let without_signature = |name: &String| file(name).split_once("\"signature\":").unwrap().0.to_owned();
    let forms: Vec<String> = names.iter().map(without_signature).collect();
    assert!(forms.iter().all(|form| *form == forms[0]), "{forms:#?}");
}

/// A signature by another key that names the right key: only cosign can detect that, and each
/// release does.
#[test]
fn each_release_rejects_a_signature_by_another_key() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        sandbox.aicr("bundle dist --output S --signing-key other.key --tlog-upload=false -q").succeeds();
        let verify = format!("verify B {TRUST}");
        sandbox.aicr(&verify).stdout(&report("accepted", "B")).succeeds();

        let (good, bad) = (signature(&sandbox, "B"), signature(&sandbox, "S"));
        let place = "B/attestation/checksums.txt.sigstore.json";
        sandbox.file(place, sandbox.read(place).replace(&good, &bad));
        sandbox
            .aicr(&verify)
            .stdout("rejected B\n")
            .stderr(
                "error: B: cosign does not accept the signature
    (what cosign said)
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it
",
            )
            .cosigns_words_left_out()
            .exits(5);
    }
}

/// The signature in the file of a bundle.
fn signature(sandbox: &Sandbox, bundle: &str) -> String {
    let text = sandbox.read(&format!("{bundle}/attestation/checksums.txt.sigstore.json"));
    text.split_once("\"signature\":\"").unwrap().1.split('"').next().unwrap().to_owned()
}
