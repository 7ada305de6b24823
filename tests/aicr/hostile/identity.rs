//! A18, A19: recorded signatures by an identity which the flags do not accept. cosign is asked only when
//! they do. `tests/sigstore/trust.rs` has those that are accepted.

use serde_json::{Value, json};

use crate::foreign_release::sample::ONLY;
use crate::sandbox::Sandbox;

const DEV: &str = "--certificate-identity dev@example.test";
const ISSUER: &str = "--certificate-oidc-issuer https://localhost:8888";
const STAMP: &str = "--insecure-ignore-tlog --require-timestamp";

/// A trusted root without the services of this list.
fn root_without(sandbox: &Sandbox, list: &str) {
    let mut root: Value = serde_json::from_str(&sandbox.read("root.json")).unwrap();
    root[list] = json!([]);
    sandbox.file(&format!("no-{list}.json"), root.to_string());
}

#[test]
fn what_the_flags_do_not_accept_is_refused_before_cosign_is_asked() {
    let by_another = "is signed by dev@example.test (issuer https://localhost:8888), but";
    let other_identity = format!("I {by_another} --certificate-identity is other@example.test\n");
    let other_issuer = format!("I {by_another} --certificate-oidc-issuer is https://localhost\n");
    let no_entry = "I is not accepted: there is no transparency log entry, and this command line requires one
hint: --insecure-ignore-tlog with --require-timestamp accepts a timestamp instead\n";
    let no_log = "I: the transparency log of the signature is not in the trusted root (log ID d366a7d5df16f06de72f945aa75afc258cf2dbfa9ed7bed424d24b25141adcaf)\n";
    let other_file = "I: the transparency log entry is about another file than the manifest\n";
    let no_timestamp = "I: the signature has no timestamp\n";
    let no_authority = "I: the timestamp authority of the signature is not in the trusted root\n";
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
        let sandbox = Sandbox::new();
        sandbox.small_dist().of_identity(recording);
        root_without(&sandbox, "tlogs");
        root_without(&sandbox, "timestampAuthorities");
        sandbox
            .aicr(&format!("verify I {trust}"))
            .stdout("rejected I\n")
            .stderr(&format!("error: {error}"))
            .exits(5);
    }
}

#[test]
fn what_the_flags_accept_is_decided_by_cosign() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().of_identity("keyless-timestamp");
    for signer in
        [format!("{DEV} {ISSUER}"), format!("--certificate-identity-regexp ^dev@example[.]test$ {ISSUER}")]
    {
        sandbox
            .aicr(&format!("verify I {signer} --trusted-root root.json {STAMP}"))
            .cosigns_words_left_out()
            .stdout("rejected I\n")
            .stderr(&format!(
                "error: I: cosign does not accept the signature\n    (what cosign said)\n{}",
                ONLY
            ))
            .exits(5);
    }
}
