//! Recorded words about services, and what they come down to: whose it was first of all.

use super::super::failed_service::blame;
use super::super::service_rules::RULES;
use super::*;
use crate::cosign::recording_services::{PrivateServices, RecordingServices};
use crate::plan::service::ServiceUrl;
use crate::sigstore::rekor_version::RekorVersion;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::TrustedRoot;

const RELEASES: [&str; 4] = ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];

/// Whoever was asked for a token.
const ISSUER: &str = "the issuer";

const STRANGE: &str = "gave an answer that cosign does not understand";
const NOBODY: &str = "could not be reached: connection refused";
const OUT_OF_ORDER: &str = "is out of order, or too busy";
const NO_HOST: &str = "could not be reached: its host name is not known here";
const STRANGER: &str =
    "could not be reached: its server's certificate is signed by an authority that is not trusted here";
const SLOW: &str = "could not be reached in time";
const NO_TOKEN: &str = "gave no identity token";
const TOKEN_REFUSED: &str = "refused the identity token";

/// What each case comes down to; `*` stands for anything. The first that fits counts.
const CASES: &[(&str, Class, &str)] = &[
    ("rekor2-frozen", NotSigned, "takes no more entries"),
    ("rekor?-404", NotSigned, "has no such address"),
    ("rekor?-twice", NotSigned, "has this very signature already, and takes none twice"),
    (
        "rekor?-other-key",
        NotSigned,
        "gave an entry that the trusted root does not verify, and the signature is in the log for good",
    ),
    ("tsa-other-key", NotSigned, "gave a timestamp that the trusted root does not verify"),
    ("tsa-over", NotSigned, "gave a timestamp that the trusted root does not verify"),
    (
        "tsa-rekor2-other-key",
        NotSigned,
        "gave a timestamp that the trusted root does not verify, and the signature is in the log for good",
    ),
    ("fulcio-other-key", NotSigned, "gave a certificate that the trusted root does not verify"),
    (
        "ctlog-other-key",
        NotSigned,
        "gave a certificate that no certificate transparency log of the trusted root has seen",
    ),
    // It loses what it was answered.
    ("v3.1.3 ctlog-400", Unproven, OUT_OF_ORDER),
    ("ctlog-400", Unproven, "could not enter the certificate in its certificate transparency log"),
    (
        "token-email-not-verified",
        NotSigned,
        "is no good: its issuer has not verified the e-mail address in it",
    ),
    ("token-no-name", NotSigned, "is no good: it names nobody"),
    ("token-*", NotSigned, TOKEN_REFUSED),
    ("person-denied", NotSigned, NO_TOKEN),
    ("workflow-refused", NotSigned, NO_TOKEN),
    // Of an answer that is no token nothing is left.
    ("workflow-500", NotSigned, NO_TOKEN),
    ("*-proxy-down", Unproven, "could not be reached: its proxy could not be"),
    ("*-down", Unproven, NOBODY),
    ("*-reset", Unproven, "could not be reached: it broke off the connection"),
    ("*-page", NotSigned, STRANGE),
    ("*-200", NotSigned, STRANGE),
    ("*-empty", NotSigned, STRANGE),
    ("*-429", Unproven, OUT_OF_ORDER),
    ("*-5??", Unproven, OUT_OF_ORDER),
    ("*-4*", NotSigned, "refused"),
    ("*-unknown-host", Unproven, NO_HOST),
    ("*-no-route", Unproven, NO_WAY),
    ("*-unknown-authority", Unproven, STRANGER),
    ("*-wrong-name", Unproven, "could not be reached: its server's certificate does not verify"),
    ("*-no-tls", Unproven, "could not be reached: it does not speak TLS"),
    ("*-proxy-refuses", Unproven, "could not be reached: its proxy refuses to lead there"),
    ("*-silent", Unproven, SLOW),
    ("*-lost", Unproven, SLOW),
];

fn fits(name: &str, pattern: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, left) => left.is_none(),
        (Some('*'), left) => fits(name, &pattern[1..]) || (left.is_some() && fits(&name[1..], pattern)),
        (Some(wanted), Some(letter)) => {
            (wanted == '?' || wanted == letter) && fits(&name[1..], &pattern[1..])
        }
        (Some(_), None) => false,
    }
}

/// The orderly failures that were recorded, by release and name, with what was said.
fn samples() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut samples = Vec::new();
    for release in RELEASES {
        let directory = format!("{}/fixtures/cosign/{release}", env!("CARGO_MANIFEST_DIR"));
        let cases = std::fs::read_to_string(format!("{directory}/sigstore.tsv")).unwrap();
        for line in cases.lines() {
            let mut fields = line.split('\t');
            if let (Some(case), Some("1")) = (fields.next(), fields.next()) {
                let text = std::fs::read(format!("{directory}/sigstore/{case}.stderr")).unwrap();
                samples.push((release, case.to_owned(), text));
            }
        }
    }
    samples
}

/// The services of a case: those that its name begins with are at every address that the script has, and
/// the others where they should be.
fn services(case: &str) -> RecordingServices {
    let fixture = format!("{}/fixtures/sigstore/trusted-root.json", env!("CARGO_MANIFEST_DIR"));
    let root = TrustedRoot::parse(&std::fs::read(fixture).unwrap()).unwrap();
    let ports = [1, 4000, 4001, 4200, 4201, 4400, 4403, 4404, 4405, 4429, 4500, 4503];
    let mut strange: Vec<String> = ports.map(|port| format!("http://localhost:{port}")).into();
    strange.extend(["service.invalid", "198.51.100.1", "192.0.2.1"].map(|host| format!("https://{host}")));
    for port in [13000, 13003, 13004, 15555, 3000, 3003, 3004, 5555] {
        strange.extend(["localhost", "wrong-name"].map(|host| format!("https://{host}:{port}")));
    }
    let at = |name: &str, usual: &str| {
        let strange = strange.iter().filter(|_| case.starts_with(name)).map(String::as_str);
        let all = std::iter::once(usual).chain(strange);
        all.map(|url| ServiceUrl::parse(url).unwrap()).collect::<Vec<_>>()
    };
    let told = |what: &str| case.contains(what);
    let keyless = ["fulcio", "ctlog", "token", "person", "workflow"].iter().any(|what| told(what));
    let mut config = SigningConfig::default();
    for (version, name, usual) in [
        (RekorVersion::V1, "rekor1", "http://localhost:3000"),
        (RekorVersion::V2, "rekor2", "http://localhost:3003"),
    ] {
        for url in at(name, usual).iter().filter(|_| told(name) || told("key-")) {
            config = config.with_log(url, version);
        }
    }
    for url in at("tsa", "http://localhost:3004/api/v1/timestamp")
        .iter()
        .filter(|_| keyless || told("tsa") || told("key-"))
    {
        config = config.with_timestamp_authority(url);
    }
    if keyless {
        config = at("fulcio", "http://localhost:5555").iter().fold(config, SigningConfig::with_authority);
        config = config.with_issuer(&ServiceUrl::parse("https://localhost:8888").unwrap());
    }
    RecordingServices::Private(Box::new(PrivateServices { config, root, now: 0 }))
}

/// With what the message about a case begins.
fn whose(case: &str, reason: &str) -> &'static str {
    match case.split('-').next().unwrap() {
        _ if reason.starts_with("is no good") => "the identity token ",
        "rekor1" | "rekor2" => "the transparency log at ",
        "tsa" => "the timestamp authority at ",
        "fulcio" | "ctlog" | "token" => "the certificate authority at ",
        "person" | "workflow" => ISSUER,
        other => panic!("{other}"),
    }
}

/// Every sample of every release, held against the one diagnosis that is right for its case.
#[test]
fn recorded_failures_of_services_are_told_apart() {
    let samples = samples();
    let mut wrong = Vec::new();
    for (release, case, said) in &samples {
        let issuer = (case.starts_with("person") || case.starts_with("workflow")).then_some(ISSUER);
        let found = of_service_failure(said, &services(case), issuer);
        let right = CASES
            .iter()
            .find(|(pattern, ..)| fits(case, pattern) || fits(&format!("{release} {case}"), pattern));
        let as_expected = match (&found, right) {
            // A key, and what holds it, is no service.
            (None, _) => case.starts_with("key-"),
            (Some(found), Some((_, class, reason))) => {
                !case.starts_with("key-")
                    && found.class == *class
                    && found.message.ends_with(reason)
                    && found.message.starts_with(whose(case, reason))
            }
            (Some(_), None) => false,
        };
        if !as_expected {
            wrong.push(format!("{release} {case}: {found:?}, expected {right:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(samples.len() > 350, "{} samples", samples.len());
}

/// The words of the system for other ways in which there is no way, where it said the recorded ones.
#[test]
fn other_words_of_the_system_are_known() {
    let recorded = "network is unreachable";
    let no_route: Vec<_> = samples().into_iter().filter(|(_, case, _)| case.ends_with("-no-route")).collect();
    assert!(no_route.len() >= 12, "{} samples", no_route.len());
    for (release, case, said) in no_route {
        for words in [recorded, "no route to host", "permission denied"] {
            let said = String::from_utf8_lossy(&said).replace(recorded, words);
            let found = of_service_failure(said.as_bytes(), &services(&case), None).unwrap();
            assert_eq!(found.class, Unproven, "{release} {case}: {words}");
            assert!(found.message.ends_with(NO_WAY), "{release} {case}: {words}: {}", found.message);
        }
    }
}

/// Where services are told as well, a failure of the key stays one.
#[test]
fn no_failure_of_a_key_is_that_of_a_service() {
    let samples = super::samples();
    // Those were recorded without services that could answer.
    let of_keys = samples
        .iter()
        .filter(|(_, name, _)| !["log-down", "timestamp-authority-down"].contains(&name.as_str()));
    for (release, name, said) in of_keys {
        assert_eq!(of_service_failure(said, &services("key-"), None), None, "{release} {name}");
    }
    assert!(samples.len() > 350, "{} samples", samples.len());
}

/// No rule is a guess, and none is hidden by an earlier one.
#[test]
fn every_rule_for_services_has_a_sample() {
    let mut idle: Vec<_> = (0..RULES.len()).collect();
    for (_, case, said) in samples() {
        let RecordingServices::Private(private) = services(&case) else { unreachable!() };
        let error = shown(&said).to_ascii_lowercase();
        let first = blame(&error, &private).and_then(|blame| RULES.iter().position(|rule| rule.fits(&blame)));
        idle.retain(|place| Some(*place) != first);
    }
    let idle: Vec<_> = idle.iter().map(|place| (RULES[*place].reason, RULES[*place].words)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}
