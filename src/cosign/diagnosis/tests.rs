//! The recorded texts of every release, and their diagnoses.

mod services;

use super::*;
use crate::error::Class::{self, NoCosign, NotSigned, Unproven};

#[test]
fn an_error_is_shown_once() {
    let text = b"Error: decrypt: x\nmain.go:74: error during command execution: decrypt: x\n";
    assert_eq!(shown(text), "decrypt: x");
}

#[test]
fn an_error_of_several_lines_is_shown_once() {
    let text = b"Error: call: a\n* b\n\nerror during command execution: call: a\n* b\n";
    assert_eq!(shown(text), "call: a\n* b");
}

#[test]
fn text_before_the_error_is_left_out() {
    let text = b"Using payload from: x\nEnter password for private key: Error: y\n";
    assert_eq!(shown(text), "y");
    assert_eq!(shown(b"Killed\n"), "Killed");
    assert_eq!(shown(b"Terms of use\npanic: nil\n\ngoroutine 1:\n"), "panic: nil\ngoroutine 1:");
}

#[test]
fn control_characters_are_made_visible() {
    assert_eq!(shown(b"\x1b[2Jgone\r\n\xff"), "\\u{1b}[2Jgone\n\\xff");
    assert_eq!(shown(b"\tgone"), "    gone");
}

#[test]
fn endless_text_is_cut() {
    let text: Vec<u8> = (0..100).flat_map(|n| format!("line {n}:\n").into_bytes()).collect();
    let shown = shown(&text);
    assert_eq!(shown.lines().count(), 21);
    assert!(shown.ends_with("\n…"));
    assert!(super::shown(&vec![b'a'; 1 << 20]).len() <= 1000);
}

#[test]
fn unknown_text_is_a_refusal() {
    for text in ["", "Error: something new", "\u{0}"] {
        assert_eq!(of_key_failure(text.as_bytes()), None);
        let failure = unknown("cosign.key");
        assert_eq!(
            (failure.class(), failure.message()),
            (Class::NotSigned, "cosign.key was refused by cosign")
        );
    }
}

#[test]
fn a_cosign_without_plugins_and_one_without_a_provider_have_different_hints() {
    let diagnosis = of_key_failure(b"Error: loading URL: unrecognized scheme: x://").unwrap();
    for (key, hint) in [
        ("hashivault://k", diagnosis.hint.unwrap()),
        ("foo://k", "KMS plugins need cosign 2.6 or later: install one, or name one with --cosign"),
    ] {
        let failure = diagnosis.of(&KeyRef::parse(key).unwrap(), true);
        assert_eq!(failure.message(), format!("{key} has no provider in this build of cosign"));
        assert_eq!((failure.class(), failure.way_out()), (NoCosign, Some(hint)));
    }
}

const RELEASES: [&str; 6] = ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];

const UNKNOWN_FORM: &str = "has a form that this cosign does not support";
const REFUSED: &str = "was refused by cosign";
const NO_KEY_FILE: &str = "is not a cosign key file";
const NOT_FOUND: &str = "was not found in the key manager";
const DISABLED: &str = "is disabled in the key manager";
const FORBIDDEN: &str = "was refused by the key manager: these credentials have no permission for it";
const UNAUTHENTICATED: &str = "was refused by the key manager: it does not accept these credentials";
const NO_CREDENTIALS: &str = "cannot be used: there are no credentials for its key manager";
const BUSY: &str = "could not be reached: its key manager is unavailable or overloaded";

const UNKNOWN_AUTHORITY: &str =
    "could not be reached: its server's certificate is signed by an authority that is not trusted here";
const WRONG_NAME: &str = "could not be reached: its server's certificate does not verify";
const UNKNOWN_HOST: &str = "could not be reached: its host name cannot be resolved";
const CONNECTION_REFUSED: &str = "could not be reached: connection refused";
const NO_ROUTE: &str = "could not be reached: there is no network route to it";
const CLOSED: &str = "could not be reached: its server closed the connection";
const NO_TLS: &str = "could not be reached: its server does not speak TLS";
const SLOW: &str = "could not be reached in time";

const ALL: &[&str] = &[];

/// The diagnosis of each case, with some releases or with all. `*` at one end of a name stands for
/// any text. The first that fits is used.
const CASES: &[(&[&str], &str, Class, &str)] = &[
    (&["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2"], "openbao-*", NoCosign, NO_PROVIDER),
    (&["v2.0.2", "v2.2.4", "v2.4.1"], "plugin-*", NoCosign, NO_PROVIDER),
    (ALL, "plugin-silent", NotSigned, "got no valid answer from its plugin"),
    (ALL, "plugin-garbage", NotSigned, "got no valid answer from its plugin"),
    (ALL, "plugin-crash", NotSigned, "got no answer from its plugin, which crashed"),
    (ALL, "plugin-error", NotSigned, "was refused by its plugin"),
    (ALL, "hashivault-sealed", Unproven, "cannot be used: its key manager is sealed"),
    (&["v2.0.2"], "azurekms-unknown-host", NotSigned, NO_CREDENTIALS),
    (&["v2.0.2", "v2.2.4", "v2.4.1"], "azurekms-*-identity", NotSigned, NO_CREDENTIALS),
    (&["v2.0.2", "v2.2.4", "v2.4.1"], "azurekms-identity-down", NotSigned, NO_CREDENTIALS),
    // `vault.invalid`, which no name server knows.
    (&["v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"], "azurekms-no-credentials", Unproven, UNKNOWN_HOST),
    (ALL, "key-of-newer-cosign", NoCosign, "was made by a newer cosign, and this one cannot read it"),
    (ALL, "no-password", NotSigned, "needs a password"),
    (ALL, "wrong-password", NotSigned, "cannot be decrypted: the password is wrong"),
    (ALL, "key-throwaway-pub", NotSigned, NO_KEY_FILE),
    (ALL, "key-plain-*", NotSigned, NO_KEY_FILE),
    (ALL, "pkcs11", NoCosign, "is in a PKCS#11 token, which this build of cosign does not support"),
    (ALL, "plugin-missing", NoCosign, NO_PROVIDER),
    (ALL, "*-malformed", NoCosign, UNKNOWN_FORM),
    (ALL, "awskms-no-such-profile", NotSigned, "cannot be used: there is no such AWS profile"),
    (ALL, "awskms-no-region", NotSigned, "cannot be used: no AWS region is set"),
    (ALL, "awskms-expired-token", NotSigned, "was refused by the key manager: the credentials have expired"),
    (ALL, "awskms-unknown-account", NotSigned, UNAUTHENTICATED),
    (ALL, "awskms-wrong-signature", NotSigned, "made a signature that does not verify"),
    (ALL, "azurekms-no-tenant", NotSigned, NO_CREDENTIALS),
    (ALL, "azurekms-wrong-identity", NotSigned, UNAUTHENTICATED),
    (ALL, "azurekms-no-sign-in", NotSigned, NO_CREDENTIALS),
    // aicr never requests that: the provider makes a wrong signature, and some releases do not
    // notice.
    (ALL, "azurekms-rsa-key", NotSigned, REFUSED),
    (ALL, "gcpkms-revoked-account", NotSigned, UNAUTHENTICATED),
    (ALL, "gcpkms-no-*account-file", NotSigned, "cannot be used: the credentials file cannot be read"),
    (ALL, "gcpkms-unanswered", Unproven, SLOW),
    (ALL, "hashivault-other-engine", NotSigned, FORBIDDEN),
    (ALL, "hashivault-plain-http", NotSigned, "cannot be used: its server speaks TLS only"),
    (ALL, "hashivault-no-address", NotSigned, "cannot be used: the address of its key manager is not set"),
    (ALL, "hashivault-no-authority", NotSigned, "cannot be used: the file in VAULT_CACERT cannot be read"),
    (ALL, "hashivault-symmetric-key", NotSigned, "is not a signing key"),
    (ALL, "hashivault-wrong-name", Unproven, WRONG_NAME),
    (ALL, "hashivault-no-route", Unproven, NO_ROUTE),
    (ALL, "*-no-way", Unproven, NO_ROUTE),
    (ALL, "*-prohibited", Unproven, NO_ROUTE),
    (ALL, "*-reset", Unproven, CLOSED),
    (ALL, "*-ended", Unproven, CLOSED),
    (ALL, "*-no-tls", Unproven, NO_TLS),
    (ALL, "*-ssh", Unproven, NO_TLS),
    (ALL, "*-502", Unproven, BUSY),
    (ALL, "*-503", Unproven, BUSY),
    (ALL, "*-504", Unproven, BUSY),
    (ALL, "hashivault-lost", Unproven, SLOW),
    (ALL, "hashivault-wrong-token", NotSigned, UNAUTHENTICATED),
    (ALL, "hashivault-no-token", NotSigned, NO_CREDENTIALS),
    (ALL, "*-no-credentials", NotSigned, NO_CREDENTIALS),
    (ALL, "*-no-credentials-on-no-cloud", NotSigned, NO_CREDENTIALS),
    (ALL, "*-wrong-secret", NotSigned, UNAUTHENTICATED),
    (ALL, "*-unknown-key", NotSigned, NOT_FOUND),
    (ALL, "*-disabled-key", NotSigned, DISABLED),
    (ALL, "*-disabled-version", NotSigned, DISABLED),
    (ALL, "awskms-may-not-*", NotSigned, FORBIDDEN),
    (ALL, "azurekms-may-not-*", NotSigned, FORBIDDEN),
    (ALL, "gcpkms-may-not-*", NotSigned, FORBIDDEN),
    (ALL, "hashivault-may-not-*", NotSigned, FORBIDDEN),
    (ALL, "*-wrong-authority", Unproven, UNKNOWN_AUTHORITY),
    (ALL, "*-unknown-host", Unproven, UNKNOWN_HOST),
    (ALL, "*-no-handshake", Unproven, SLOW),
    (ALL, "*-down", Unproven, CONNECTION_REFUSED),
    (ALL, "k8s-no-cluster", NotSigned, "cannot be used: the address of its cluster is not set"),
    (ALL, "key-missing-key", NotSigned, REFUSED),
    (ALL, "missing", NotSigned, REFUSED),
    (ALL, "key-from-unset-variable", NotSigned, REFUSED),
    (ALL, "blob-missing", NotSigned, REFUSED),
    (ALL, "output-directory-missing", NotSigned, REFUSED),
    (ALL, "unknown-flag", NotSigned, REFUSED),
];

fn is_called(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => name == pattern,
    }
}

/// The recorded failures of keys with exit code 1: release, name and text.
fn samples() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut samples = Vec::new();
    for release in RELEASES {
        let directory = format!("{}/fixtures/cosign/{release}", env!("CARGO_MANIFEST_DIR"));
        for (list, texts) in [("cases.tsv", "said"), ("kms.tsv", "kms")] {
            let cases = std::fs::read_to_string(format!("{directory}/{list}")).unwrap();
            for line in cases.lines() {
                let mut fields = line.split('\t');
                let (case, exit) = (fields.next().unwrap(), fields.next().unwrap());
                let name = ["sign-", "public-key-"].iter().find_map(|verb| case.strip_prefix(verb));
                let name = if list == "kms.tsv" { Some(case) } else { name };
                // `naive` asks for a log.
                if let (Some(name), "1") = (name.filter(|name| *name != "naive"), exit) {
                    let text = std::fs::read(format!("{directory}/{texts}/{case}.stderr")).unwrap();
                    samples.push((release, name.to_owned(), text));
                }
            }
        }
    }
    samples
}

/// Every sample of every release gets the one diagnosis that is right for its case.
#[test]
fn every_recorded_failure_has_its_diagnosis() {
    let samples = samples();
    let mut wrong = Vec::new();
    for (release, name, stderr) in &samples {
        let refused = Diagnosis { class: Class::NotSigned, reason: REFUSED, hint: None };
        let found = of_key_failure(stderr).unwrap_or(refused);
        let fits = |(releases, pattern, _, _): &&(&[&str], &str, Class, &str)| {
            (releases.is_empty() || releases.contains(release)) && is_called(name, pattern)
        };
        match CASES.iter().find(fits) {
            Some((_, _, class, reason)) if (*class, *reason) == (found.class, found.reason) => {}
            right => wrong.push(format!("{release} {name}: {found:?}, expected {right:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(samples.len() > 350, "{} samples", samples.len());
}

/// The name of a key or host is no text of the system.
#[test]
fn names_are_not_words_of_the_system() {
    for name in [
        "EOF",
        "no-route-to-host",
        "connection-reset-by-peer",
        "proxyconnect",
        "forbidden",
        "client.timeout",
        "x/Code:%20503.%20",
        "502",
    ] {
        let stderr = format!("Error: getting public key: Get \"https://{name}/keys/{name}\": {name} is odd");
        assert_eq!(of_key_failure(stderr.as_bytes()), None, "{name}");
    }
}

/// No rule is a guess, and none is hidden by an earlier one.
#[test]
fn every_rule_has_a_sample() {
    let texts: Vec<String> =
        samples().iter().map(|(_, _, stderr)| String::from_utf8_lossy(stderr).to_ascii_lowercase()).collect();
    let unused: Vec<_> = RULES
        .iter()
        .enumerate()
        .filter(|(place, rule)| {
            !texts.iter().any(|text| rule.fits(text) && !RULES[..*place].iter().any(|rule| rule.fits(text)))
        })
        .map(|(_, rule)| rule.words)
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
    let is_last =
        |text: &String| !RULES.iter().any(|rule| rule.fits(text)) && network_failure(text).is_none();
    assert!(texts.iter().any(|text| is_last(text) && LAST_RULE.fits(text)));
}
