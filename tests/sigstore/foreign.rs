//! `verify --manifest`: what real releases of cosign sign with a private Sigstore, in the forms that others
//! publish, is verified after all services have ended; forgeries of each form are not. Without a Sigstore:
//! `tests/aicr/foreign_release.rs`.

mod forgeries;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::loopback::cosign;
use crate::parallel::each;
use crate::sandbox::{KEY_SHA256, Run, SMALL_MANIFEST, SMALL_SHA256, Sandbox};
use crate::site::{ALL, FULCIO, ISSUER, PERSON, REKOR_1, Site};
use crate::tampering::signers;
use forgeries::forgeries_are_rejected;

/// The releases that verify all forms.
const VERIFIERS: [&str; 4] = ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];
/// Those that write the old form.
const OLD: [&str; 3] = ["v2.2.4", "v2.4.1", "v2.6.1"];
/// Verifies a bare signature only.
const OLDEST: &str = "v2.2.4";

const ROOT: &str = "--trusted-root site/trusted-root.json";
const IGNORE: &str = "--insecure-ignore-tlog";

/// The signer of a file.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Key,
    Person,
}
use By::{Key, Person};

impl By {
    fn flags(self) -> String {
        match self {
            Key => "--key cosign.pub".to_owned(),
            Person => format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER}"),
        }
    }

    fn shown(self) -> String {
        match self {
            Key => format!("key sha256\n    {KEY_SHA256}"),
            Person => format!("identity {PERSON}\n  issuer {ISSUER}"),
        }
    }
}

/// How a file is signed: `cosign`, who, whether it is logged, and the form.
struct Signing {
    file: String,
    cosign: &'static str,
    by: By,
    log: bool,
}

/// The files that cosign makes, in `made`.
fn signings() -> Vec<Signing> {
    let mut all = Vec::new();
    for cosign in OLD {
        for (way, by, log) in [("key", Key, false), ("key-log", Key, true), ("person-log", Person, true)] {
            all.push(Signing { file: format!("made/{way}.{cosign}"), cosign, by, log });
        }
    }
    for (way, by) in [("key-rekor1", Key), ("keyless-rekor1", Person), ("keyless-rekor2-tsa", Person)] {
        all.push(Signing { file: format!("made/{way}.v3"), cosign: "v3.1.3", by, log: true });
    }
    // What an attacker, or an accident, would take parts from.
    all.push(Signing { file: "made/again.v2".into(), cosign: "v2.6.1", by: Person, log: true });
    all
}

fn sign(sandbox: &Sandbox, signing: &Signing) {
    let Signing { file, cosign: version, by, log } = signing;
    let signer = match by {
        Key => "--key=cosign.key".to_owned(),
        Person => format!("--identity-token=token --fulcio-url={FULCIO}"),
    };
    let mut words = format!("sign-blob --yes --bundle={file} ");
    if *version == "v3.1.3" {
        let way = file.trim_start_matches("made/").trim_end_matches(".v3");
        let signer = signer.split(" --fulcio").next().unwrap();
        words += &format!(
            "{signer} --trusted-root=site/trusted-root.json --signing-config=site/signing-config/{way}.json"
        );
    } else {
        words += &signer;
        words += &if *log { format!(" --rekor-url={REKOR_1}") } else { " --tlog-upload=false".to_owned() };
        words += &format!(" --output-signature={file}.bare");
    }
    let words = format!("{} {words} R/SUMS", cosign(version));
    by_flags(sandbox.program_run(words.split_whitespace())).succeeds();
}

/// With the single keys of the site, which the releases without a trusted root read.
fn by_flags(run: Run<'_>) -> Run<'_> {
    run.whatever_it_prints()
        .env("SIGSTORE_REKOR_PUBLIC_KEY", "site/rekor1.pub")
        .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "site/ctlog.pub")
        .env("SIGSTORE_ROOT_FILE", "site/fulcio.pem")
}

fn json_of(sandbox: &Sandbox, file: &str) -> Value {
    serde_json::from_str(&sandbox.read(file)).unwrap()
}

/// A Sigstore bundle of version 0.1 or 0.2, from one of 0.3.
fn earlier(bundle: &Value, version: u8) -> Value {
    let mut bundle = bundle.clone();
    bundle["mediaType"] = json!(format!("application/vnd.dev.sigstore.bundle+json;version=0.{version}"));
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    if let Some(certificate) = material.remove("certificate") {
        material.insert("x509CertificateChain".into(), json!({ "certificates": [certificate] }));
    }
    bundle
}

/// The same with the promise of the log, and without its proof.
fn promise_alone(mut bundle: Value) -> Value {
    let entry = bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().unwrap();
    entry.remove("inclusionProof").unwrap();
    bundle
}

/// A Sigstore bundle of version 0.1 from cosign's old form; by a key with this hint if it has no certificate.
fn first_version(old: &Value, hint: &str, digest: &str) -> Value {
    let payload = &old["rekorBundle"]["Payload"];
    let number = |name: &str| payload[name].as_u64().unwrap().to_string();
    let hex = |text: &str| {
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        STANDARD.encode((0..text.len()).step_by(2).map(byte).collect::<Vec<_>>())
    };
    let signer = match old.get("cert") {
        Some(cert) => {
            let pem = String::from_utf8(STANDARD.decode(cert.as_str().unwrap()).unwrap()).unwrap();
            let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            ("x509CertificateChain", json!({ "certificates": [{ "rawBytes": lines }] }))
        }
        None => ("publicKey", json!({ "hint": hex(hint) })),
    };
    let mut material = json!({
        "tlogEntries": [{
            "logIndex": number("logIndex"),
            "logId": { "keyId": hex(payload["logID"].as_str().unwrap()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.1" },
            "integratedTime": number("integratedTime"),
            "inclusionPromise": { "signedEntryTimestamp": old["rekorBundle"]["SignedEntryTimestamp"] },
            "canonicalizedBody": payload["body"],
        }],
    });
    material[signer.0] = signer.1;
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": material,
        "messageSignature": {
            "messageDigest": { "algorithm": "SHA2_256", "digest": hex(digest) },
            "signature": old["base64Signature"],
        },
    })
}

/// A site that has signed everything, and has ended.
fn prepared() -> Site {
    let site = Site::new();
    site.token("token", "person", "");
    site.file("R/a", "alpha\n").file("R/sub/b", "beta\n").file("R/SUMS", SMALL_MANIFEST).directory("made");
    let sandbox: &Sandbox = &site;
    each(&signings(), |signing| sign(sandbox, signing));
    // The attacker's, who owns other.key.
    let attack =
        format!("sign-blob --yes --key=other.key --rekor-url={REKOR_1} --bundle=made/attacker R/SUMS");
    by_flags(site.cosign(&cosign("v2.6.1"), &attack)).succeeds();
    site.file("other-sums", "another file\n");
    let other =
        format!("sign-blob --yes --key=cosign.key --rekor-url={REKOR_1} --bundle=made/other-file other-sums");
    by_flags(site.cosign(&cosign("v2.6.1"), &other)).succeeds();
    signers::prepare(&site);
    site.stop(&ALL);
    site
}

/// A signature file to verify.
struct Sample {
    file: String,
    by: By,
    log: bool,
    /// Rekor 2 comes with a timestamp.
    timestamp: bool,
}

/// Writes the files that no cosign of the matrix writes, and lists all.
fn samples(site: &Site) -> Vec<Sample> {
    let mut all: Vec<Sample> = signings()
        .into_iter()
        .map(|Signing { file, by, log, .. }| {
            let timestamp = file.contains("rekor2");
            Sample { file, by, log, timestamp }
        })
        .collect();
    let mut add = |file: &str, content: String, by: By, log: bool, timestamp: bool| {
        site.file(file, content);
        all.push(Sample { file: file.to_owned(), by, log, timestamp });
    };
    for (way, by) in [("key-rekor1", Key), ("keyless-rekor1", Person)] {
        let bundle = json_of(site, &format!("made/{way}.v3"));
        for version in [1, 2] {
            let changed = earlier(&bundle, version).to_string();
            add(&format!("made/{way}.v0.{version}"), changed, by, true, false);
        }
        let promised = promise_alone(earlier(&bundle, 1)).to_string();
        add(&format!("made/{way}.promised"), promised, by, true, false);
    }
    let two = json_of(site, "made/keyless-rekor2-tsa.v3");
    add("made/keyless-rekor2-tsa.v0.2", earlier(&two, 2).to_string(), Person, true, true);
    for (way, by) in [("key-log", Key), ("person-log", Person)] {
        let first = first_version(&json_of(site, &format!("made/{way}.v2.6.1")), KEY_SHA256, SMALL_SHA256);
        add(&format!("made/{way}.v0.1"), first.to_string(), by, true, false);
    }
    // PEM instead of its base64.
    let mut old = json_of(site, "made/person-log.v2.6.1");
    let pem = STANDARD.decode(old["cert"].as_str().unwrap()).unwrap();
    old["cert"] = json!(String::from_utf8(pem).unwrap().replace('\n', "\r\n"));
    add("made/person-log.pem", old.to_string(), Person, true, false);
    for cosign in OLD {
        let bare = site.read(&format!("made/key.{cosign}.bare"));
        add(&format!("made/key.{cosign}.sig"), bare, Key, false, false);
    }
    all
}

/// `aicr verify` of the release with this signature file.
fn verify<'a>(site: &'a Sandbox, release: &str, file: &str, trust: &str) -> Run<'a> {
    let cosign = cosign(release);
    site.aicr(&format!("verify R --manifest SUMS --signature {file} {trust} --cosign {cosign}"))
}

fn accepted(by: By, log: &str, timestamp: &str) -> String {
    format!(
        "accepted R
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  {}
  log {log}, timestamp {timestamp}
",
        by.shown()
    )
}

#[test]
fn releases_of_others() {
    let site = prepared();
    let samples = samples(&site);
    let sandbox: &Sandbox = &site;
    each(&samples, |Sample { file, by, log, timestamp }| {
        for release in VERIFIERS {
            let unfit = *timestamp && release == "v2.4.1";
            let flags = by.flags();
            let witness = |there: bool, checked: bool| match (there, checked) {
                (false, _) => "none",
                (true, false) => "unchecked",
                (true, true) => "checked",
            };
            if *log && !unfit {
                verify(sandbox, release, file, &format!("{flags} {ROOT}"))
                    .stdout(&accepted(*by, "checked", witness(*timestamp, true)))
                    .succeeds();
            } else if !*log {
                verify(sandbox, release, file, &format!("{flags} {ROOT}"))
                    .stdout("rejected R\n")
                    .stderr("error: R is not accepted: there is no transparency log entry, and this command line requires one\nhint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false\n")
                    .exits(5);
            }
            if *by == Key {
                verify(sandbox, release, file, &format!("{flags} {IGNORE}"))
                    .stdout(&accepted(*by, witness(*log, false), "none"))
                    .succeeds();
            }
        }
        the_oldest_verifies_a_bare_signature(sandbox, file, *by, *log);
    });
    forgeries_are_rejected(sandbox);
}

/// A release before 2.4 cannot read what else a signature comes with.
fn the_oldest_verifies_a_bare_signature(sandbox: &Sandbox, file: &str, by: By, log: bool) {
    let cannot = |words: &str| {
        format!(
            "error: {} ({OLDEST}) cannot read the {words} of a Sigstore bundle\nhint: install cosign 2.4 or later, or name one with --cosign\n",
            cosign(OLDEST)
        )
    };
    let run = |trust: &str| verify(sandbox, OLDEST, file, &format!("{} {trust}", by.flags()));
    match by {
        Person => drop(run(ROOT).stderr(&cannot("certificate")).exits(3)),
        Key => {
            let witness = if log { "unchecked" } else { "none" };
            run(IGNORE).stdout(&accepted(by, witness, "none")).succeeds();
            if log {
                run(ROOT).stderr(&cannot("log entry")).exits(3);
            }
        }
    }
}
