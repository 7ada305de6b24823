//! A18, A19: recorded signatures by an identity. `aicr` rejects what the flags do not accept, and cosign
//! the rest, because they are over something else. `tests/sigstore/trust.rs` has those that are accepted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::foreign_release::sample::ONLY;
use crate::sandbox::{SMALL_SHA256, Sandbox};
use crate::services::root_without;
use crate::without_aicr::{dialect, key_hint, release};

const SIGNATURE: &str = "I/attestation/checksums.txt.sigstore.json";
const DEV: &str = "--certificate-identity dev@example.test";
const ISSUER: &str = "--certificate-oidc-issuer https://localhost:8888";
const STAMP: &str = "--insecure-ignore-tlog --require-timestamp";

/// What the recorded signatures are over.
const RECORDED: &str = "0ea4714806a9b812be9880c4ff0e7aad6a8fd2393cff0cc8dc5778313c9a7903";

/// A test directory with this recording, and with trusted roots that lack services.
fn test_dir(recording: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.small_dist().recorded(recording);
    for list in ["tlogs", "timestampAuthorities"] {
        sandbox.file(&format!("no-{list}.json"), root_without(list));
    }
    sandbox
}

/// `aicr` itself rejects `I`, with this error.
#[track_caller]
fn rejected(sandbox: &Sandbox, trust: &str, error: &str) {
    let run = sandbox.aicr(&format!("verify I {trust}"));
    run.stdout("rejected I\n").stderr(&format!("error: {error}")).exits(5);
}

/// cosign rejects `I`, if it is not too old to read this recording.
#[track_caller]
fn rejected_by_cosign(sandbox: &Sandbox, recording: &str, trust: &str) {
    let run = sandbox.aicr(&format!("verify I {trust}"));
    let (beyond, newer) = match dialect(sandbox.cosign()).as_str() {
        "LegacyBundle" => ("cannot read the certificate of a Sigstore bundle", "2.4"),
        "BundleFlag" if recording.contains("rekor-v2") => ("cannot verify log entries of Rekor v2", "2.6"),
        _ => {
            let refused = "I: cosign does not accept the signature\n    (what cosign said)";
            run.cosigns_words_left_out()
                .stdout("rejected I\n")
                .stderr(&format!("error: {refused}\n{ONLY}"))
                .exits(5);
            return;
        }
    };
    run.stderr(&format!(
        "error: {{root}}/bin/cosign ({}) {beyond}\nhint: install cosign {newer} or later, or name one with --cosign\n",
        release(sandbox.cosign())
    ))
    .exits(3);
}

#[test]
fn what_the_flags_do_not_accept_is_rejected_by_aicr() {
    let by_another = "is signed by dev@example.test (issuer https://localhost:8888), but";
    let other_identity = format!("I {by_another} --certificate-identity is other@example.test\n");
    let other_issuer = format!("I {by_another} --certificate-oidc-issuer is https://localhost\n");
    let no_entry = "I is not accepted: there is no transparency log entry, and this command line requires one
hint: --insecure-ignore-tlog with --require-timestamp accepts a timestamp instead\n";
    let no_log = "I: the transparency log of the signature is not in the trusted root (log ID d366a7d5df16f06de72f945aa75afc258cf2dbfa9ed7bed424d24b25141adcaf)\n";
    let other_file = "I: the transparency log entry is about another file than the manifest\n";
    let no_timestamp = "I: the signature has no timestamp\n";
    let no_authority = "I: the timestamp authority of the signature is not in the trusted root\n";
    let by_a_key = "I is signed by key 13fe3050185932b1ec4037e8f91423641432011d80dbfd6f9494c71204052d90, not by an identity (keyless)\n";
    let all = "--trusted-root root.json";
    for (recording, trust, error) in [
        (
            "keyless-timestamp",
            format!("--certificate-identity other@example.test {ISSUER} {all} {STAMP}"),
            &*other_identity,
        ),
        (
            "keyless-timestamp",
            format!("{DEV} --certificate-oidc-issuer https://localhost {all} {STAMP}"),
            &other_issuer,
        ),
        ("key", format!("{DEV} {ISSUER} {all} {STAMP}"), by_a_key),
        ("keyless-timestamp", format!("{DEV} {ISSUER} {all}"), no_entry),
        (
            "keyless-timestamp",
            format!("{DEV} {ISSUER} --trusted-root no-timestampAuthorities.json {STAMP}"),
            no_authority,
        ),
        ("keyless-rekor-v1", format!("{DEV} {ISSUER} {all}"), other_file),
        ("keyless-rekor-v1", format!("{DEV} {ISSUER} --trusted-root no-tlogs.json"), no_log),
        ("keyless-rekor-v1", format!("{DEV} {ISSUER} {all} {STAMP}"), no_timestamp),
    ] {
        rejected(&test_dir(recording), &trust, error);
    }
}

/// Rekor v2 states no time, and Rekor v1 does. The log entries are about the manifest here, so that only the time
/// can be missing before cosign is asked.
#[test]
fn a_certificate_needs_a_trusted_signing_time() {
    let no_time = "I: the signature has no trusted signing time: Rekor v2 states none, and there is no timestamp of an authority in the trusted root\n";
    for (recording, root, error) in [
        ("keyless-rekor-v2-timestamp", "no-timestampAuthorities.json", Some(no_time)),
        ("keyless-rekor-v2-timestamp", "root.json", None),
        ("keyless-rekor-v1", "no-timestampAuthorities.json", None),
    ] {
        let sandbox = test_dir(recording);
        let mut signature: Value = serde_json::from_str(&sandbox.read(SIGNATURE)).unwrap();
        let body = &mut signature["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"];
        let recorded = String::from_utf8(STANDARD.decode(body.as_str().unwrap()).unwrap()).unwrap();
        let about_ours =
            recorded.replace(RECORDED, SMALL_SHA256).replace(&key_hint(RECORDED), &key_hint(SMALL_SHA256));
        assert_ne!(about_ours, recorded);
        *body = json!(STANDARD.encode(about_ours));
        sandbox.file(SIGNATURE, signature.to_string());
        let trust = format!("{DEV} {ISSUER} --trusted-root {root}");
        match error {
            Some(error) => rejected(&sandbox, &trust, error),
            None => rejected_by_cosign(&sandbox, recording, &trust),
        }
    }
}

#[test]
fn what_the_flags_accept_is_decided_by_cosign() {
    let recording = "keyless-timestamp";
    let sandbox = test_dir(recording);
    for signer in
        [format!("{DEV} {ISSUER}"), format!("--certificate-identity-regexp ^dev@example[.]test$ {ISSUER}")]
    {
        rejected_by_cosign(&sandbox, recording, &format!("{signer} --trusted-root root.json {STAMP}"));
    }
}
