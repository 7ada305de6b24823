//! The recorded texts about services, and their diagnoses: first of all, which service failed.

use super::super::failed_service::service_failure;
use super::super::network_failure::NETWORK_FAILURES;
use super::super::service_rules::{LAST_RULE, RULES, ServiceRule};
use super::*;
use crate::cosign::recording_services::{PrivateServices, RecordingServices};
use crate::plan::service::ServiceUrl;
use crate::sigstore::RekorVersion;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::TrustedRoot;

const RELEASES: [&str; 4] = ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];

/// The issuer of identity tokens, in messages.
const ISSUER: &str = "the issuer";

const NOT_UNDERSTOOD: &str = "returned an answer that cosign does not understand";
const UNAVAILABLE: &str = "is unavailable or overloaded";
const NO_TOKEN: &str = "returned no identity token";
const TOKEN_REFUSED: &str = "refused the identity token";
const PROXY_FAILED: &str = "could not be reached: the connection to its proxy failed";
const PROXY_REFUSED: &str = "could not be reached: its proxy refused the connection";

/// The diagnosis of each case. `*` stands for any text. The first that fits is used.
const CASES: &[(&str, Class, &str)] = &[
    ("rekor2-frozen", NotSigned, "is frozen and accepts no more entries"),
    ("rekor?-404", NotSigned, "does not know the address (404)"),
    ("rekor?-twice", NotSigned, "has this signature already, and accepts it only once"),
    (
        "rekor?-other-key",
        NotSigned,
        "returned an entry that does not verify with the trusted root, and the signature is in the log permanently",
    ),
    ("tsa-other-key", NotSigned, "returned a timestamp that does not verify with the trusted root"),
    ("tsa-over", NotSigned, "returned a timestamp that does not verify with the trusted root"),
    (
        "tsa-rekor2-other-key",
        NotSigned,
        "returned a timestamp that does not verify with the trusted root, and the signature is in the log permanently",
    ),
    ("fulcio-other-key", NotSigned, "issued a certificate that does not verify with the trusted root"),
    (
        "ctlog-other-key",
        NotSigned,
        "issued a certificate whose certificate transparency log is not in the trusted root",
    ),
    // It loses the text of the answer.
    ("v3.1.3 ctlog-400", Unproven, UNAVAILABLE),
    ("ctlog-400", Unproven, "could not add the certificate to its certificate transparency log"),
    (
        "token-email-not-verified",
        NotSigned,
        "cannot be used: its issuer has not verified the e-mail address in it",
    ),
    ("token-no-name", NotSigned, "cannot be used: it has neither a subject nor an e-mail address"),
    ("token-*", NotSigned, TOKEN_REFUSED),
    ("person-denied", NotSigned, NO_TOKEN),
    ("workflow-refused", NotSigned, NO_TOKEN),
    // cosign prints nothing of an answer that is not a token.
    ("workflow-500", NotSigned, NO_TOKEN),
    ("*-proxy-down", Unproven, PROXY_FAILED),
    ("*-down", Unproven, CONNECTION_REFUSED),
    ("*-reset", Unproven, CLOSED),
    ("*-page", NotSigned, NOT_UNDERSTOOD),
    ("*-200", NotSigned, NOT_UNDERSTOOD),
    ("*-empty", NotSigned, NOT_UNDERSTOOD),
    ("*-429", Unproven, UNAVAILABLE),
    ("*-5??", Unproven, UNAVAILABLE),
    ("*-4*", NotSigned, "refused the request"),
    ("*-unknown-host", Unproven, UNKNOWN_HOST),
    ("*-no-route", Unproven, NO_ROUTE),
    ("*-unknown-authority", Unproven, UNKNOWN_AUTHORITY),
    ("*-wrong-name", Unproven, WRONG_NAME),
    ("*-no-tls", Unproven, NO_TLS),
    ("*-proxy-refuses", Unproven, PROXY_REFUSED),
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

/// The recorded failures of services with exit code 1: release, name and text.
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

/// The services of a case. Those that its name begins with are at every address of the script, and
/// the others at their usual one.
fn services(case: &str) -> RecordingServices {
    let fixture = format!("{}/fixtures/sigstore/trusted-root.json", env!("CARGO_MANIFEST_DIR"));
    let root = TrustedRoot::parse(&std::fs::read(fixture).unwrap()).unwrap();
    let ports = [1, 4000, 4001, 4200, 4201, 4400, 4403, 4404, 4405, 4429, 4500, 4503];
    let mut others: Vec<String> = ports.map(|port| format!("http://localhost:{port}")).into();
    others.extend(["service.invalid", "198.51.100.1", "192.0.2.1"].map(|host| format!("https://{host}")));
    for port in [13000, 13003, 13004, 15555, 3000, 3003, 3004, 5555] {
        others.extend(["localhost", "wrong-name"].map(|host| format!("https://{host}:{port}")));
    }
    let at = |name: &str, usual: &str| {
        let others = others.iter().filter(|_| case.starts_with(name)).map(String::as_str);
        let all = std::iter::once(usual).chain(others);
        all.map(|url| ServiceUrl::parse(url).unwrap()).collect::<Vec<_>>()
    };
    let has = |what: &str| case.contains(what);
    let keyless = ["fulcio", "ctlog", "token", "person", "workflow"].iter().any(|what| has(what));
    let mut config = SigningConfig::default();
    for (version, name, usual) in [
        (RekorVersion::V1, "rekor1", "http://localhost:3000"),
        (RekorVersion::V2, "rekor2", "http://localhost:3003"),
    ] {
        for url in at(name, usual).iter().filter(|_| has(name) || has("key-")) {
            config = config.with_log(url, version);
        }
    }
    for url in at("tsa", "http://localhost:3004/api/v1/timestamp")
        .iter()
        .filter(|_| keyless || has("tsa") || has("key-"))
    {
        config = config.with_timestamp_authority(url);
    }
    if keyless {
        config = at("fulcio", "http://localhost:5555").iter().fold(config, SigningConfig::with_authority);
        config = config.with_issuer(&ServiceUrl::parse("https://localhost:8888").unwrap());
    }
    RecordingServices::Private(Box::new(PrivateServices { config, root, now: 0 }))
}

/// The party with which the message about a case begins.
fn party(case: &str, reason: &str) -> &'static str {
    match case.split('-').next().unwrap() {
        _ if reason.starts_with("cannot be used") => "the identity token ",
        "rekor1" | "rekor2" => "the transparency log at ",
        "tsa" => "the timestamp authority at ",
        "fulcio" | "ctlog" | "token" => "the certificate authority at ",
        "person" | "workflow" => ISSUER,
        other => panic!("{other}"),
    }
}

/// Every sample of every release gets the one diagnosis that is right for its case.
#[test]
fn every_recorded_failure_of_a_service_has_its_diagnosis() {
    let samples = samples();
    let mut wrong = Vec::new();
    for (release, case, stderr) in &samples {
        let issuer = (case.starts_with("person") || case.starts_with("workflow")).then_some(ISSUER);
        let found = of_service_failure(stderr, &services(case), issuer);
        let right = CASES
            .iter()
            .find(|(pattern, ..)| fits(case, pattern) || fits(&format!("{release} {case}"), pattern));
        let as_expected = match (&found, right) {
            // A key and its key manager are not services.
            (None, _) => case.starts_with("key-"),
            (Some(found), Some((_, class, reason))) => {
                !case.starts_with("key-")
                    && found.class == *class
                    && found.message.ends_with(reason)
                    && found.message.starts_with(party(case, reason))
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

/// The system has other words for a missing route than the recorded ones.
#[test]
fn other_words_for_a_missing_route_are_known() {
    let recorded = "network is unreachable";
    let no_route: Vec<_> = samples().into_iter().filter(|(_, case, _)| case.ends_with("-no-route")).collect();
    assert!(no_route.len() >= 12, "{} samples", no_route.len());
    for (release, case, stderr) in no_route {
        for words in [recorded, "no route to host", "permission denied"] {
            let stderr = String::from_utf8_lossy(&stderr).replace(recorded, words);
            let found = of_service_failure(stderr.as_bytes(), &services(&case), None).unwrap();
            assert_eq!(found.class, Unproven, "{release} {case}: {words}");
            assert!(found.message.ends_with(NO_ROUTE), "{release} {case}: {words}: {}", found.message);
        }
    }
}

/// A failure of the key is none of a service, even if services are to record the signature.
#[test]
fn no_failure_of_a_key_is_that_of_a_service() {
    let samples = super::samples();
    // These two were recorded without services that could answer.
    let of_keys = samples
        .iter()
        .filter(|(_, name, _)| !["log-down", "timestamp-authority-down"].contains(&name.as_str()));
    for (release, name, stderr) in of_keys {
        assert_eq!(of_service_failure(stderr, &services("key-"), None), None, "{release} {name}");
    }
    assert!(samples.len() > 350, "{} samples", samples.len());
}

/// No rule is a guess, and none is hidden by an earlier one.
#[test]
fn every_rule_for_services_has_a_sample() {
    let mut unused: Vec<&ServiceRule> = RULES.iter().chain([&LAST_RULE]).collect();
    for (_, case, stderr) in samples() {
        let RecordingServices::Private(private) = services(&case) else { unreachable!() };
        let error = shown(&stderr).to_ascii_lowercase();
        let Some(failure) = service_failure(&error, &private) else { continue };
        let first = RULES.iter().find(|rule| rule.fits(&failure));
        let last =
            || Some(&LAST_RULE).filter(|rule| rule.fits(&failure) && network_failure(&error).is_none());
        if let Some(used) = first.or_else(last) {
            unused.retain(|rule| !std::ptr::eq(*rule, used));
        }
    }
    let unused: Vec<_> = unused.iter().map(|rule| (rule.reason, rule.words)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// No network failure is a guess either, but for the other texts by which Go reports a proxy's
/// refusal and its own time-out.
#[test]
fn every_network_failure_has_a_sample() {
    let not_recorded = [
        "\": proxy authentication required\n",
        "\": bad gateway\n",
        "\": service unavailable\n",
        "\": gateway timeout\n",
        "(client.timeout",
    ];
    let texts: Vec<String> = super::samples()
        .into_iter()
        .chain(samples())
        .map(|(_, _, stderr)| format!("{}\n", String::from_utf8_lossy(&stderr).to_ascii_lowercase()))
        .collect();
    let mut unused = Vec::new();
    for failure in NETWORK_FAILURES {
        for word in failure.words {
            let is_used = |text: &String| {
                let found = network_failure(text).is_some_and(|found| std::ptr::eq(found, failure));
                found && text.contains(word)
            };
            if !texts.iter().any(is_used) {
                unused.push(*word);
            }
        }
    }
    assert_eq!(unused, not_recorded);
}

/// A key manager and a service are reached over the same network.
#[test]
fn a_network_failure_reads_the_same_for_a_key_and_for_a_service() {
    for (words, reason) in [
        ("proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused", PROXY_FAILED),
        ("proxyconnect tcp: dial tcp: lookup proxy on 127.0.0.1:53: no such host", PROXY_FAILED),
        ("Forbidden", PROXY_REFUSED),
        ("Proxy Authentication Required", PROXY_REFUSED),
        ("Bad Gateway", PROXY_REFUSED),
        ("Service Unavailable", PROXY_REFUSED),
        ("Gateway Timeout", PROXY_REFUSED),
        (
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            UNKNOWN_AUTHORITY,
        ),
        ("tls: failed to verify certificate: x509: certificate is valid for a, not b", WRONG_NAME),
        ("dial tcp: lookup host on 127.0.0.1:53: no such host", UNKNOWN_HOST),
        ("dial tcp 127.0.0.1:1: connect: connection refused", CONNECTION_REFUSED),
        ("dial tcp 127.0.0.1:1: connect: network is unreachable", NO_ROUTE),
        ("dial tcp 127.0.0.1:1: connect: no route to host", NO_ROUTE),
        ("dial tcp 127.0.0.1:1: connect: permission denied", NO_ROUTE),
        ("dial tcp 127.0.0.1:1: i/o timeout", SLOW),
        ("net/http: TLS handshake timeout", SLOW),
        ("net/http: request canceled (Client.Timeout exceeded while awaiting headers)", SLOW),
        ("context deadline exceeded", SLOW),
        ("http: server gave HTTP response to HTTPS client", NO_TLS),
        ("tls: first record does not look like a TLS handshake", NO_TLS),
        ("read tcp 127.0.0.1:2->127.0.0.1:1: read: connection reset by peer", CLOSED),
        ("EOF", CLOSED),
    ] {
        let key = format!("Error: getting public key: Get \"https://kms.example/keys/k\": {words}\n");
        let found = of_key_failure(key.as_bytes()).expect(words);
        assert_eq!((found.class, found.reason), (Unproven, reason), "{words}");
        let service =
            format!("Error: signing /p/checksums.txt: Post \"http://localhost:3000/api\": {words}\n");
        let found = of_service_failure(service.as_bytes(), &services("rekor1"), None).expect(words);
        let message = format!("the transparency log at localhost:3000 {reason}");
        assert_eq!((found.class, found.message), (Unproven, message), "{words}");
    }
}
