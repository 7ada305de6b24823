//! Signature files of others that an attacker has made or changed. Each is rejected for its reason.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::By::{self, Key, Person};
use super::{IGNORE, ROOT, VERIFIERS, first_version, json_of, verify};
use crate::parallel::each;
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox};
use crate::tampering::signers::FORGED;

const BY_COSIGN: &str = "R: cosign does not accept the signature";

/// A forged signature file, and why it is rejected, with `FILE` for its name.
struct Forgery {
    content: Value,
    by: By,
    trust: &'static str,
    why: String,
}

fn forgery(content: Value, by: By, trust: &'static str, why: impl Into<String>) -> Forgery {
    Forgery { content, by, trust, why: why.into() }
}

fn set(bundle: &Value, pointer: &str, value: &Value) -> Value {
    let mut other = bundle.clone();
    *other.pointer_mut(pointer).unwrap() = value.clone();
    other
}

fn with_cert(bundle: &Value, cert: &str) -> Value {
    let mut other = bundle.clone();
    other["cert"] = json!(cert);
    other
}

/// An old bundle as one of version 0.1.
fn v1(old: &Value) -> Value {
    first_version(old, KEY_SHA256, SMALL_SHA256)
}

/// The signer is not the one to trust, whatever comes with the signature.
fn by_others(site: &Sandbox) -> Vec<Forgery> {
    let read = |file: &str| json_of(site, file);
    let (person, key) = (read("made/person-log.v2.6.1"), read("made/key-log.v2.6.1"));
    let (again, attacker) = (read("made/again.v2"), read("made/attacker"));
    let bare = json!({ "base64Signature": attacker["base64Signature"] });
    let public = STANDARD.encode(site.read("other.pub"));
    let pem = site.shell(&format!("openssl x509 -inform DER -in {FORGED}")).whatever_it_prints().succeeds();
    let forged = STANDARD.encode(pem.stdout);
    let different = format!("FILE has the public key {OTHER_KEY_SHA256}, and --key is {KEY_SHA256}");
    vec![
        // A key next to the signature: GHSA-fx35-mq7g-6g98.
        forgery(with_cert(&attacker, &public), Key, ROOT, &different),
        forgery(with_cert(&bare, &public), Key, IGNORE, &different),
        forgery(attacker.clone(), Key, ROOT, BY_COSIGN),
        forgery(bare, Key, IGNORE, BY_COSIGN),
        forgery(
            with_cert(&attacker, &public),
            Person,
            ROOT,
            "FILE has no certificate, so it cannot show offline which identity signed",
        ),
        // A certificate for the key of the attacker.
        forgery(with_cert(&attacker, &forged), Person, ROOT, BY_COSIGN),
        forgery(v1(&with_cert(&attacker, &forged)), Person, ROOT, BY_COSIGN),
        // The certificate of another signature by the same person.
        forgery(set(&person, "/cert", &again["cert"]), Person, ROOT, BY_COSIGN),
        // An identity where a key is wanted, and the other way round.
        forgery(person, Key, ROOT, "R is signed by an identity (keyless), not by a key"),
        forgery(
            v1(&key),
            Person,
            ROOT,
            format!("R is signed by key {KEY_SHA256}, not by an identity (keyless)"),
        ),
    ]
}

/// The log entry is of something else, or of another log.
fn with_other_entries(site: &Sandbox) -> Vec<Forgery> {
    const ENTRY: &str = "/verificationMaterial/tlogEntries/0";
    const OTHER_FILE: &str = "bd4ef5a0775f7705a1758f3ecde220fd045cce6a3b3b816fc684aada794bc24a";
    let read = |file: &str| json_of(site, file);
    let (person, key) = (read("made/person-log.v2.6.1"), read("made/key-log.v2.6.1"));
    let (again, attacker) = (read("made/again.v2"), read("made/attacker"));
    let another = "FILE has a log entry about another signature";
    let other_entry = v1(&again).pointer(ENTRY).unwrap().clone();
    // The same promise by a key of the attacker, in the name of the log and of another one.
    let log_id = person["rekorBundle"]["Payload"]["logID"].as_str().unwrap();
    let (ours, anothers) = (promised(site, &person, log_id), promised(site, &person, &"ab".repeat(32)));
    let not_in_root = format!(
        "R: the transparency log of the signature is not in the trusted root (log ID {})",
        "ab".repeat(32)
    );
    let time = person["rekorBundle"]["Payload"]["integratedTime"].as_u64().unwrap();
    vec![
        forgery(set(&person, "/rekorBundle", &again["rekorBundle"]), Person, ROOT, another),
        forgery(set(&key, "/rekorBundle", &attacker["rekorBundle"]), Key, ROOT, another),
        forgery(
            set(&v1(&person), ENTRY, &other_entry),
            Person,
            ROOT,
            "R: the transparency log entry is about another signature",
        ),
        forgery(
            read("made/other-file"),
            Key,
            ROOT,
            format!(
                "R: SUMS was changed after it was signed (SHA-256 {SMALL_SHA256}, signed was {OTHER_FILE})"
            ),
        ),
        forgery(ours.clone(), Person, ROOT, BY_COSIGN),
        forgery(v1(&ours), Person, ROOT, BY_COSIGN),
        forgery(anothers.clone(), Person, ROOT, &not_in_root),
        forgery(v1(&anothers), Person, ROOT, &not_in_root),
        // The promise is about another time.
        forgery(
            set(&person, "/rekorBundle/Payload/integratedTime", &json!(time + 1)),
            Person,
            ROOT,
            BY_COSIGN,
        ),
    ]
}

/// Each is rejected with every release; `releases_of_others` has accepted its twin.
pub(super) fn forgeries_are_rejected(site: &Sandbox) {
    let forgeries: Vec<_> = by_others(site).into_iter().chain(with_other_entries(site)).enumerate().collect();
    each(&forgeries, |(number, Forgery { content, by, trust, why })| {
        let file = format!("forged/{number}");
        site.file(&file, content.to_string());
        // cosign is not run for the others.
        let releases = if why == BY_COSIGN { &VERIFIERS[..] } else { &VERIFIERS[3..] };
        let expected = format!("error: {}", why.replace("FILE", &file));
        for release in releases {
            let output = verify(site, release, &file, &format!("{} {trust}", by.flags())).output();
            let stderr = String::from_utf8(output.stderr).unwrap();
            let first = stderr.lines().next().unwrap_or_default();
            assert_eq!((first, output.status.code()), (&*expected, Some(5)), "{release}: {stderr}");
            assert_eq!(output.stdout, b"rejected R\n", "{release}");
        }
    });
}

/// An old bundle whose promise is by a key of the attacker, in the name of this log.
fn promised(site: &Sandbox, old: &Value, log_id: &str) -> Value {
    let mut forged = old.clone();
    forged["rekorBundle"]["Payload"]["logID"] = json!(log_id);
    // Sorted keys and no blanks: what a log signs.
    site.file("payload", forged["rekorBundle"]["Payload"].to_string());
    let line = "[ -e evil.pem ] || openssl ecparam -name prime256v1 -genkey -noout -out evil.pem
        openssl dgst -sha256 -sign evil.pem payload | openssl base64 -A";
    let promise = String::from_utf8(site.shell(line).whatever_it_prints().succeeds().stdout).unwrap();
    forged["rekorBundle"]["SignedEntryTimestamp"] = json!(promise);
    forged
}
