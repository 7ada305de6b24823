//! What `doctor` prints about services, and when it contacts them.

use serde_json::{Value, json};

use crate::loopback::reached;
use crate::site::{FULCIO, REKOR_2, Site, TSA};

/// The checks of the services.
fn services(site: &Site, words: &str, code: i32) -> Vec<Value> {
    let output = site.aicr(&format!("doctor --format json {words}")).output();
    assert_eq!(output.status.code(), Some(code), "{words}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().filter(|check| check["name"] == "service").cloned().collect()
}

#[test]
fn services_are_shown_and_contacted_only_with_online() {
    let site = Site::new();
    site.token("token", "person", "{}");
    let root = "--trusted-root site/trusted-root.json";
    let words = format!(
        "--keyless --identity-token token --rekor-url {REKOR_2} --fulcio-url {FULCIO} --timestamp-server-url {TSA} {root}"
    );
    let check = |found: String, version: &str, online: Option<&str>, error: Value| {
        let mut details = json!({ "API version": version });
        if let Some(online) = online {
            details["online"] = json!(online);
        }
        json!({ "name": "service", "found": found, "details": details, "error": error })
    };
    let named = |online| {
        vec![
            check(format!("transparency log at {REKOR_2}"), "2", online, Value::Null),
            check(format!("certificate authority at {FULCIO}"), "1", online, Value::Null),
            check(format!("timestamp authority at {TSA}"), "1", online, Value::Null),
        ]
    };
    assert_eq!(services(&site, &words, 0), named(None));
    let quiet = site.aicr(&format!("doctor --quiet {words}")).whatever_it_prints();
    assert_eq!(reached(&site, quiet, 0), [""; 0]);
    assert_eq!(services(&site, &format!("--online {words}"), 0), named(Some("answers")));

    site.order("stop tsa");
    let failure = json!({
        "exit": 6,
        "message": "the timestamp authority at localhost:3004 could not be reached: 127.0.0.1:3004: connection refused",
        "cosign": null,
        "hint": "check the address, and that the server is running",
    });
    let last = check(format!("timestamp authority at {TSA}"), "1", None, failure);
    assert_eq!(services(&site, &format!("--online {words}"), 6).last(), Some(&last));
}
