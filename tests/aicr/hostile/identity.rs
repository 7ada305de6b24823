//! A18, A19: recorded signatures by an identity which the flags do not accept. cosign is asked only when
//! they do. `tests/sigstore/trust.rs` has those that are accepted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::foreign_release::sample::ONLY;
use crate::sandbox::{SMALL_SHA256, Sandbox};
use crate::without_aicr::{dialect, release};

const SIGNATURE: &str = "I/attestation/checksums.txt.sigstore.json";
const DEV: &str = "--certificate-identity dev@example.test";
const ISSUER: &str = "--certificate-oidc-issuer https://localhost:8888";
const STAMP: &str = "--insecure-ignore-tlog --require-timestamp";

/// A trusted root without the services of this list.
fn root_without(sandbox: &Sandbox, list: &str) {
    let mut root: Value = serde_json::from_str(&sandbox.read("root.json")).unwrap();
    root[list] = json!([]);
    sandbox.file(&format!("no-{list}.json"), root.to_string());
}

/// `I` is rejected with this error; without one, by cosign, if it is not too old to read the signature.
#[track_caller]
fn rejects(sandbox: &Sandbox, trust: &str, error: Option<&str>) {
    let run = sandbox.aicr(&format!("verify I {trust}"));
    if let Some(error) = error {
        run.stdout("rejected I\n").stderr(&format!("error: {error}")).exits(5);
        return;
    }
    let of_rekor_v2 = sandbox.read(SIGNATURE).contains("\"0.0.2\"");
    let (beyond, newer) = match dialect(sandbox.cosign()).as_str() {
        "LegacyBundle" => ("cannot read the certificate of a Sigstore bundle", "2.4"),
        "BundleFlag" if of_rekor_v2 => ("cannot verify log entries of Rekor v2", "2.6"),
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
        let sandbox = Sandbox::new();
        sandbox.small_dist().recorded(recording);
        root_without(&sandbox, "tlogs");
        root_without(&sandbox, "timestampAuthorities");
        rejects(&sandbox, &trust, Some(error));
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
        let sandbox = Sandbox::new();
        sandbox.small_dist().recorded(recording);
        root_without(&sandbox, "timestampAuthorities");
        let mut signature: Value = serde_json::from_str(&sandbox.read(SIGNATURE)).unwrap();
        let body = &mut signature["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"];
        let recorded = String::from_utf8(STANDARD.decode(body.as_str().unwrap()).unwrap()).unwrap();
        let about_ours = recorded
            .replace("0ea4714806a9b812be9880c4ff0e7aad6a8fd2393cff0cc8dc5778313c9a7903", SMALL_SHA256)
            .replace(
                "DqRxSAapuBK+mIDE/w56rWqP0jk8/wzI3Fd4MTyaeQM=",
                "Fi/QocsYZamClGWEYB1B1CFs7gYRR1HSLWr3HnBtoOg=",
            );
        assert_ne!(about_ours, recorded);
        *body = json!(STANDARD.encode(about_ours));
        sandbox.file(SIGNATURE, signature.to_string());
        rejects(&sandbox, &format!("{DEV} {ISSUER} --trusted-root {root}"), error);
    }
}

#[test]
fn what_the_flags_accept_is_decided_by_cosign() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().recorded("keyless-timestamp");
    for signer in
        [format!("{DEV} {ISSUER}"), format!("--certificate-identity-regexp ^dev@example[.]test$ {ISSUER}")]
    {
        rejects(&sandbox, &format!("{signer} --trusted-root root.json {STAMP}"), None);
    }
}
