//! Bundles that exist: signed in place, several at once, and signed again. No service is contacted
//! for a bundle that is already signed as requested, or that is refused.

use std::fs;

use crate::loopback::{cosign, reached};
use crate::sandbox::{KEY_SHA256, SMALL_SHA256, UNSIGNED};
use crate::site::{
    ALL, FULCIO, ISSUER, PERSON, REKOR_1, REKOR_2, RUNNER_TOKEN, RUNNER_URL, Site, TSA, WORKFLOW, WORKFLOWS,
};

const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";
const KEY: &str = "--signing-key cosign.key";
const ROOT: &str = "--trusted-root site/trusted-root.json";
const ALREADY: &str = "already signed";
const NOT_SO: &str = "this signer, but recorded with different services than requested";

fn keyless(token: &str) -> String {
    format!("--keyless --identity-token {token} --fulcio-url {FULCIO}")
}

/// The flags of a log and, if wanted, of the timestamp authority.
fn services(log: &str, timestamp: bool) -> String {
    let timestamp = if timestamp { format!(" --timestamp-server-url {TSA}") } else { String::new() };
    format!("--rekor-url {log}{timestamp} {ROOT}")
}

/// The line before a signature that goes to this log.
fn notice(log: &str) -> String {
    format!(
        "notice: the signature goes to the transparency log at {}\n",
        log.strip_prefix("http://").unwrap()
    )
}

fn identity(name: &str, issuer: &str) -> String {
    format!("--certificate-identity {name} --certificate-oidc-issuer {issuer}")
}

/// The report on a signed bundle of `dist`, with the command that verifies it.
fn signed(verdict: &str, bundle: &str, by: &str, evidence: &str, command: &str) -> String {
    format!(
        "{verdict} {bundle}
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  {by}
  {evidence}
verify it with:
  {command}\n"
    )
}

/// The same for a key.
fn by_key(verdict: &str, bundle: &str, cosign: &str, evidence: &str, trust: &str) -> String {
    let export = format!("{cosign} public-key --key=cosign.key --outfile={bundle}.pub");
    let command = format!("{export} && aicr verify {bundle} --key {bundle}.pub {trust}");
    signed(verdict, bundle, &format!("key sha256\n    {KEY_SHA256}"), evidence, &command)
}

/// The same for a person.
fn by_person(verdict: &str, bundle: &str, evidence: &str, trust: &str) -> String {
    let command = format!("aicr verify {bundle} {} {trust}", identity(PERSON, ISSUER));
    signed(verdict, bundle, &format!("identity {PERSON}\n  issuer {ISSUER}"), evidence, &command)
}

#[test]
fn a_directory_becomes_a_bundle_in_place() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    let before = site.entries("rekor1");
    let bundle = |flags: &str| {
        let words = format!("bundle dist --in-place {flags} {}", services(REKOR_1, false));
        site.aicr(&words).stderr(&notice(REKOR_1))
    };
    let by_key = by_key("signed", "dist", "{root}/bin/cosign", "log checked, timestamp none", ROOT);
    bundle(KEY).stdout(&by_key).succeeds();
    assert_eq!(site.entries("rekor1"), before + 1);
    let verify = |trust: &str| site.aicr(&format!("verify dist {trust} {ROOT}")).whatever_it_prints();
    verify("--key cosign.pub").succeeds();

    let there = site.read(&format!("dist/{SIGNATURE}"));
    let exists = "error: dist already has a checksums.txt\nhint: --force replaces it\n";
    let again = bundle(&keyless("token")).stderr(exists);
    assert_eq!(reached(&site, again, 2), [""; 0]);
    assert_eq!(site.read(&format!("dist/{SIGNATURE}")), there);

    let by_person = by_person("signed", "dist", "log checked, timestamp none", ROOT);
    bundle(&format!("{} --force", keyless("token"))).stdout(&by_person).succeeds();
    assert_eq!(site.entries("rekor1"), before + 2);
    verify(&identity(PERSON, ISSUER)).succeeds();
}

#[test]
fn several_bundles_are_signed_in_one_call() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    for (signer, trust, log, name, evidence) in [
        (KEY.to_owned(), "--key cosign.pub".to_owned(), REKOR_1, "rekor1", "log checked, timestamp none"),
        (keyless("token"), identity(PERSON, ISSUER), REKOR_2, "rekor2", "log checked, timestamp checked"),
    ] {
        let bundles = ["A", "B", "C"].map(|bundle| format!("{name}{bundle}"));
        for bundle in &bundles {
            site.aicr(&format!("bundle dist --output {bundle} --quiet")).stderr(UNSIGNED).succeeds();
        }
        let before = site.entries(name);
        let all = bundles.join(" ");
        let sign = |verdict| {
            let of = |bundle: &String| match log {
                REKOR_1 => by_key(verdict, bundle, "{root}/bin/cosign", evidence, ROOT),
                _ => by_person(verdict, bundle, evidence, &format!("{ROOT} --require-timestamp")),
            };
            let words = format!("bundle-sign {all} {signer} {}", services(log, log == REKOR_2));
            let stdout: String = bundles.iter().map(of).collect();
            site.aicr(&words).stdout(&format!("{stdout}3 bundles: 3 {verdict}\n"))
        };
        sign("signed").stderr(&notice(log)).succeeds();
        assert_eq!(site.entries(name), before + 3);
        assert_eq!(reached(&site, sign(ALREADY), 0), [""; 0]);
        assert_eq!(site.entries(name), before + 3);
        site.aicr(&format!("verify {all} {trust} {ROOT}")).whatever_it_prints().succeeds();
    }
}

/// Pipelines run twice.
#[test]
fn a_bundle_that_is_signed_as_requested_contacts_no_service() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    const TIMESTAMP: &str = "--trusted-root site/trusted-root.json --require-timestamp";
    let without = format!("--tlog-upload=false --timestamp-server-url {TSA} {ROOT}");
    let unlogged = format!("--insecure-ignore-tlog {TIMESTAMP}");
    for release in ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
        let cosign = cosign(release);
        let rows = [
            (true, services(REKOR_1, false), Some(REKOR_1), "log checked, timestamp none", ROOT),
            (true, without.clone(), None, "log none, timestamp checked", unlogged.as_str()),
            (true, services(REKOR_2, true), Some(REKOR_2), "log checked, timestamp checked", TIMESTAMP),
            (false, services(REKOR_1, true), Some(REKOR_1), "log checked, timestamp checked", TIMESTAMP),
            (false, services(REKOR_2, true), Some(REKOR_2), "log checked, timestamp checked", TIMESTAMP),
        ];
        for (number, (has_key, services, log, evidence, trust)) in rows.into_iter().enumerate() {
            if release == "v2.4.1" && log == Some(REKOR_2) {
                continue;
            }
            let bundle = format!("{release}-{number}");
            let signer = if has_key { KEY.to_owned() } else { keyless("token") };
            let words = format!("{bundle} {signer} {services} --cosign {cosign}");
            site.aicr(&format!("bundle dist --output {words}")).whatever_it_prints().succeeds();
            let there = site.read(&format!("{bundle}/{SIGNATURE}"));
            let trust = format!("{trust} --cosign {cosign}");
            let stdout = if has_key {
                by_key(ALREADY, &bundle, &cosign, evidence, &trust)
            } else {
                by_person(ALREADY, &bundle, evidence, &trust)
            };
            let again = site.aicr(&format!("bundle-sign {words}")).stdout(&stdout);
            assert_eq!(reached(&site, again, 0), [""; 0], "{words}");
            assert_eq!(site.read(&format!("{bundle}/{SIGNATURE}")), there, "{words}");
        }
    }
    site.token("workflow", "workflow", "");
    // A job at GitHub knows its identity before it has a token.
    let job = |command: &str| {
        site.aicr(&format!("{command} job --keyless --fulcio-url {FULCIO} {}", services(REKOR_1, false)))
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", RUNNER_URL)
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER_TOKEN)
            .env("SSL_CERT_FILE", "site/ca.pem")
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_WORKFLOW_REF", WORKFLOW.strip_prefix("https://github.com/").unwrap())
            .whatever_it_prints()
    };
    job("bundle dist --output").succeeds();
    let output = job("bundle-sign").succeeds();
    assert!(output.stdout.starts_with(b"already signed job\n"));
    assert_eq!(reached(&site, job("bundle-sign"), 0), [""; 0]);
    // No service is needed for that.
    site.stop(&ALL);
    for (bundle, signer, services) in [
        ("v3.1.3-2", KEY.to_owned(), services(REKOR_2, true)),
        ("v3.1.3-4", keyless("token"), services(REKOR_2, true)),
        ("job", keyless("workflow"), services(REKOR_1, false)),
    ] {
        site.aicr(&format!("bundle-sign {bundle} {signer} {services}")).whatever_it_prints().succeeds();
    }
}

/// Signed in one way, and requested in another.
#[test]
fn another_signature_is_replaced_with_force() {
    let site = Site::new();
    site.token("token", "person", "").token("workflow", "workflow", "").small_dist();
    site.token("other", "person", r#"{"email":"other@example.test"}"#);
    let key = |services: &str| format!("{KEY} {services}");
    let alone = key("--tlog-upload=false");
    let stamped = format!("{alone} --timestamp-server-url {TSA} {ROOT}");
    let rekor_1 = key(&services(REKOR_1, false));
    let rekor_1_stamped = key(&services(REKOR_1, true));
    let rekor_2 = key(&services(REKOR_2, false));
    let fork = r#"{"job_workflow_ref":"example/fork/.github/workflows/release.yml@refs/heads/main"}"#;
    site.token("fork", "workflow", fork);
    let [person, other, workflow, fork] = ["token", "other", "workflow", "fork"]
        .map(|token| format!("{} {}", keyless(token), services(REKOR_1, false)));
    let person_stamped = format!("{} {}", keyless("token"), services(REKOR_1, true));
    let unknown = "aicr cannot tell before signing whether that is you";
    let by_person = format!("{PERSON} (issuer {ISSUER}); {unknown}");
    let by_workflow = format!("{WORKFLOW} (issuer {WORKFLOWS}); {unknown}");
    let rows = [
        (&alone, &rekor_1, NOT_SO),
        (&alone, &stamped, NOT_SO),
        (&alone, &person, "another signer"),
        (&rekor_1, &alone, NOT_SO),
        (&rekor_1, &rekor_2, NOT_SO),
        (&rekor_1, &rekor_1_stamped, NOT_SO),
        (&rekor_1_stamped, &rekor_1, NOT_SO),
        (&stamped, &alone, NOT_SO),
        (&rekor_1, &person, "another signer"),
        (&person, &rekor_1, "another signer"),
        (&person, &other, by_person.as_str()),
        (&person, &person_stamped, NOT_SO),
        (&workflow, &fork, by_workflow.as_str()),
    ];
    for (number, (is, wanted, by)) in rows.into_iter().enumerate() {
        let bundle = format!("B{number}");
        site.aicr(&format!("bundle dist --output {bundle} {is}")).whatever_it_prints().succeeds();
        let file = format!("{bundle}/{SIGNATURE}");
        let there = site.read(&file);
        let words = format!("bundle-sign {bundle} {wanted}");
        let hint = if by == "another signer" && wanted.contains("--signing-key") {
            "--add keeps that signature and adds another one; --force replaces it"
        } else {
            "--force replaces that signature"
        };
        let refused = format!("error: {bundle} is signed by {by}\nhint: {hint}\n");
        assert_eq!(reached(&site, site.aicr(&words).stderr(&refused), 2), [""; 0], "{words}");
        assert_eq!(site.read(&file), there, "{words}");

        let output = site.aicr(&format!("{words} --force")).whatever_it_prints().succeeds();
        assert_ne!(site.read(&file), there, "{words}");
        let said = String::from_utf8(output.stdout).unwrap();
        site.shell(said.lines().last().unwrap()).whatever_it_prints().succeeds();
    }
}

/// An RSA key repeats its signature, and a log accepts it only once.
#[test]
fn a_log_refuses_a_repeated_rsa_signature() {
    let site = Site::new();
    site.small_dist();
    site.shell("openssl genpkey -quiet -algorithm RSA -out rsa.pem && cosign import-key-pair --key rsa.pem --output-key-prefix rsa")
        .whatever_it_prints()
        .succeeds();
    let sign = |log: &str, release: &str| {
        let services_flags =
            if log.is_empty() { "--tlog-upload=false".to_owned() } else { services(log, false) };
        let words = format!(
            "bundle-sign B --signing-key rsa.key {services_flags} --force --cosign {}",
            cosign(release)
        );
        site.aicr(&words)
    };
    site.aicr("bundle dist --output B --quiet").stderr(UNSIGNED).succeeds();
    for log in [REKOR_1, REKOR_2] {
        sign(log, "v3.1.3").whatever_it_prints().succeeds();
        for release in ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"] {
            if (log, release) == (REKOR_2, "v2.4.1") {
                continue;
            }
            // Sign it without a log first.
            sign("", release).whatever_it_prints().succeeds();
            let there = site.read(&format!("B/{SIGNATURE}"));
            // 2.4, which gets flags, uses the existing entry.
            if release == "v2.4.1" {
                sign(log, release).whatever_it_prints().succeeds();
                continue;
            }
            let host = log.strip_prefix("http://").unwrap();
            let refused = format!(
                "{}error: the transparency log at {host} has this signature already, and accepts it only once
    (what cosign said)
hint: an RSA key always makes the same signature of a manifest: use the bundle that was signed first, or an ECDSA P-256 key\n",
                notice(log)
            );
            sign(log, release).stderr(&refused).cosigns_words_left_out().exits(4);
            assert_eq!(site.read(&format!("B/{SIGNATURE}")), there, "{log} {release}");
        }
    }
}

/// `--force` does not replace a forged signature.
#[test]
fn a_forged_signature_is_not_replaced() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    let signers = [("key", KEY.to_owned()), ("identity", keyless("token"))];
    for (name, signer) in signers {
        let sign = |command: &str| site.aicr(&format!("{command} {signer} {}", services(REKOR_1, false)));
        sign(&format!("bundle dist --output {name}")).whatever_it_prints().succeeds();
        let file = format!("{name}/{SIGNATURE}");
        let real = site.read(&file);
        let (before, after) = real.split_once(r#""signature":"ME"#).unwrap();
        // The outer field has the same length, and the inner field another one.
        site.file(&file, format!(r#"{before}"signature":"MF{after}"#));
        let refused = format!(
            "error: {name} has a signature that names this {name}, and cosign does not accept it
    (what cosign said)
hint: find out who made it; to sign again, remove {SIGNATURE} by hand first\n"
        );
        let run = sign(&format!("bundle-sign {name} --force")).stderr(&refused).cosigns_words_left_out();
        let run = run.stdout(&format!("rejected {name}\n"));
        assert_eq!(reached(&site, run, 5), [""; 0]);
        fs::remove_file(site.path(&file)).unwrap();
        sign(&format!("bundle-sign {name}")).whatever_it_prints().succeeds();
    }
}
