//! What is read as a signing config, what is written as one, and what is refused for which reason.

use super::*;

/// With this every release of the dialect signs offline.
const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
const EMPTY: &str = include_str!("../../../fixtures/sigstore/signing-config-empty.json");
const TIMESTAMP: &str = include_str!("../../../fixtures/sigstore/signing-config-timestamp.json");
const REKOR_V1_TIMESTAMP: &str =
    include_str!("../../../fixtures/sigstore/signing-config-rekor-v1-timestamp.json");
const KEYLESS_V1: &str = include_str!("../../../fixtures/sigstore/signing-config-keyless-rekor-v1.json");
const KEYLESS_V2_TIMESTAMP: &str =
    include_str!("../../../fixtures/sigstore/signing-config-keyless-rekor-v2-timestamp.json");
const ALL: [&str; 5] = [EMPTY, TIMESTAMP, REKOR_V1_TIMESTAMP, KEYLESS_V1, KEYLESS_V2_TIMESTAMP];

fn parsed(text: &str) -> SigningConfig {
    SigningConfig::parse(text.as_bytes()).expect(text)
}

fn url(text: &str) -> ServiceUrl {
    ServiceUrl::parse(text).expect(text)
}

/// Addresses and versions.
fn shown(services: &[Service]) -> Vec<(&str, u32)> {
    services.iter().map(|service| (service.url().as_str(), service.api_version())).collect()
}

/// A signing config with every field.
const WHOLE: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"https://fulcio.example.com/","majorApiVersion":1,"validFor":{"start":"2022-04-13T20:06:15.000Z"},"operator":"example.com"}],"oidcUrls":[{"url":"https://login.example.com/realm","majorApiVersion":1,"validFor":{"start":"2022-04-13T20:06:15Z","end":"2032-04-13T20:06:15Z"},"operator":"example.com"}],"rekorTlogUrls":[{"url":"https://log2.example.com","majorApiVersion":2,"validFor":{"start":"2025-09-01T00:00:00Z"},"operator":"example.com"},{"url":"https://log1.example.com","majorApiVersion":1,"operator":"example.org"},{"url":"http://127.0.0.1:1"}],"rekorTlogConfig":{"selector":"EXACT","count":3},"tsaUrls":[{"url":"https://tsa.example.com/api/v1/timestamp?x=1","majorApiVersion":1,"validFor":{}}],"tsaConfig":{"selector":"ALL","count":7}}"#;

#[test]
fn what_cosign_writes_is_read_and_written_with_the_same_meaning() {
    for text in ALL.into_iter().chain([WHOLE]) {
        let again = parsed(text).to_json();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&again), value(text));
        assert_eq!(parsed(&again), parsed(text));
    }
    assert_eq!(parsed(WHOLE).to_json(), WHOLE);
}

#[test]
fn the_default_has_no_service() {
    assert_eq!(SigningConfig::default().to_json(), NO_SERVICES);
    assert_eq!(parsed(NO_SERVICES), SigningConfig::default());
    assert_eq!(parsed(EMPTY), SigningConfig::default());
}

#[test]
fn services_by_kind() {
    let config = parsed(WHOLE);
    assert_eq!(shown(config.authorities()), [("https://fulcio.example.com/", 1)]);
    assert_eq!(shown(config.issuers()), [("https://login.example.com/realm", 1)]);
    let logs = [("https://log2.example.com", 2), ("https://log1.example.com", 1), ("http://127.0.0.1:1", 0)];
    assert_eq!(shown(config.logs()), logs);
    assert_eq!(shown(config.timestamp_authorities()), [("https://tsa.example.com/api/v1/timestamp?x=1", 1)]);
    let valid_in_2024 = |service: &Service| service.is_valid_at(1_704_067_200);
    assert_eq!(config.logs().iter().map(valid_in_2024).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn a_key_needs_no_certificate_authority() {
    let config = parsed(KEYLESS_V2_TIMESTAMP).only_for_a_key();
    assert!(config.authorities().is_empty() && config.issuers().is_empty());
    assert_eq!(shown(config.logs()), [("http://localhost:3003", 2)]);
    assert_eq!(shown(config.timestamp_authorities()), [("http://127.0.0.1:3004/api/v1/timestamp", 1)]);
    assert_eq!(parsed(REKOR_V1_TIMESTAMP).only_for_a_key(), parsed(REKOR_V1_TIMESTAMP));
}

#[test]
fn addresses_become_what_cosign_would_have_written() {
    let (fulcio, issuer) = (url("http://localhost:5555/"), url("https://localhost:8888"));
    let made = SigningConfig::default()
        .with_authority(&fulcio)
        .with_issuer(&issuer)
        .with_log(&url("http://localhost:3003"), RekorVersion::V2)
        .with_timestamp_authority(&url("http://127.0.0.1:3004/api/v1/timestamp"));
    let by_cosign = parsed(KEYLESS_V2_TIMESTAMP).to_json();
    assert_eq!(by_cosign.matches("rig").count(), 4);
    let expected = by_cosign.replace("2024-01-01", "1970-01-01").replace("\"rig\"", "\"aicr\"");
    assert_eq!(made.to_json(), expected);
    assert_eq!(parsed(&made.to_json()), made);

    let made = SigningConfig::default().with_log(&url("https://Rekor.example.com/a/"), RekorVersion::V1);
    assert_eq!(
        made.to_json(),
        r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogUrls":[{"url":"https://Rekor.example.com/a","majorApiVersion":1,"validFor":{"start":"1970-01-01T00:00:00Z"},"operator":"aicr"}],"rekorTlogConfig":{"selector":"ANY"},"tsaConfig":{}}"#
    );
}

#[test]
fn an_issuer_and_a_timestamp_authority_keep_their_last_slash() {
    let made = SigningConfig::default()
        .with_issuer(&url("https://login.example.com/"))
        .with_timestamp_authority(&url("https://tsa.example.com/"));
    assert_eq!(shown(made.issuers()), [("https://login.example.com/", 1)]);
    assert_eq!(shown(made.timestamp_authorities()), [("https://tsa.example.com/", 1)]);
}

#[test]
fn empty_fields_may_be_left_out() {
    let media_type = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
    for text in [
        format!(r#"{{"mediaType":"{media_type}"}}"#),
        format!(r#" {{"tsaConfig":{{}},"mediaType":"{media_type}","rekorTlogUrls":[],"caUrls":[]}} "#),
    ] {
        assert_eq!(parsed(&text), SigningConfig::default());
    }
}

fn refused(text: &str) -> String {
    SigningConfig::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn everything_else_is_refused_with_its_reason() {
    let with = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        WHOLE.replacen(from, to, 1)
    };
    let v1 = "signingconfig.v0.1+json";
    for (text, reason) in [
        (String::new(), "is empty"),
        (" \n".into(), "is empty"),
        ("https://x".into(), "is not a signing config: it is not JSON (expected value at line 1 column 1)"),
        (WHOLE[..99].into(), "is cut off or damaged"),
        (
            format!("{WHOLE}\nx"),
            "is not a signing config: it is not JSON (trailing characters at line 2 column 1)",
        ),
        (" ".repeat(1 << 20) + WHOLE, "is larger than 1048576 bytes"),
        ("{}".into(), "is not a signing config: it has no media type"),
        ("[]".into(), "is not a signing config: it has no media type"),
        ("7".into(), "is not a signing config: it has no media type"),
        (r#"{"mediaType":2}"#.into(), "is not a signing config: it has no media type"),
        (
            r#"{"mediaType":"text/\u001b"}"#.into(),
            "is not a signing config: its media type is `text/\\u{1b}`",
        ),
        (
            include_str!("../../../fixtures/sigstore/trusted-root.json").into(),
            "is a trusted root, not a signing config",
        ),
        (
            include_str!("../../../fixtures/evidence/key.json").into(),
            "is a signature file, not a signing config",
        ),
        (
            with("signingconfig.v0.2+json", v1),
            "is a signing config of a version that cosign does not read: its media type must be application/vnd.dev.sigstore.signingconfig.v0.2+json",
        ),
        (
            with("https://log2.", "http://log2."),
            "is not a signing config: plain http:// is for loopback only (localhost, 127.0.0.0/8, [::1]) at line 1 column 432",
        ),
        (
            with("https://tsa.", "https://user:hunter2@tsa."),
            "is not a signing config: the address contains credentials (not shown) at line 1 column 760",
        ),
        (
            with("https://fulcio.example.com/", ""),
            "is not a signing config: the address is empty at line 1 column 87",
        ),
        (
            with("2022-04-13T20:06:15.000Z", "yesterday"),
            "is not a signing config: a time that is not written as 2026-01-31T00:00:00Z at line 1 column 167",
        ),
        (
            with("\"selector\":\"EXACT\",", ""),
            "names logs, but its rekorTlogConfig has no selector (ANY, ALL or EXACT)",
        ),
        (
            with("\"selector\":\"ALL\",", ""),
            "names timestamp authorities, but its tsaConfig has no selector (ANY, ALL or EXACT)",
        ),
        (with(",\"count\":3", ""), "names logs, but its rekorTlogConfig has EXACT without a count"),
        (with("\"count\":3", "\"count\":0"), "names logs, but its rekorTlogConfig has EXACT without a count"),
        (with("\"count\":3", "\"count\":4"), "names logs, but its rekorTlogConfig requires 4 of 3"),
        (
            with("{\"selector\":\"ALL\",\"count\":7}", "[\"ALL\",7]"),
            "is not written in the form of a signing config",
        ),
        (with("\"EXACT\"", "{\"EXACT\":null}"), "is not written in the form of a signing config"),
    ] {
        assert_eq!(refused(&text), reason, "{text}");
    }
    for (from, to, start) in [
        ("\"caUrls\"", "\"ca_urls\"", "unknown field `ca_urls`, expected one of `mediaType`, "),
        (
            "\"operator\":\"example.com\"",
            "\"\\u202e\":0",
            "unknown field `\\u{202e}`, expected one of `url`, ",
        ),
        ("\"count\":3", "\"counts\":3", "unknown field `counts`, expected `selector` or `count`"),
        ("\"count\":3", "\"count\":\"3\"", "invalid type: string \"3\", expected u32"),
        ("\"count\":3", "\"count\":-3", "invalid value: integer `-3`, expected u32"),
        ("\"ALL\"", "\"SOME\"", "unknown variant `SOME`, expected one of `ALL`, `ANY`, `EXACT`"),
        ("\"ALL\"", "1", "expected value"),
        ("\"caUrls\":", "\"tsaConfig\":{},\"caUrls\":", "duplicate field `tsaConfig`"),
        ("{\"url\":\"https://log1.example.com\",", "{", "missing field `url`"),
    ] {
        let refused = refused(&with(from, to));
        assert!(refused.starts_with(&format!("is not a signing config: {start}")), "{refused}");
    }
}
