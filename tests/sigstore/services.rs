//! What other tests rely on, with the newest cosign: the services work, and follow orders.

use serde_json::Value;

use crate::loopback::{cosign, newest};
use crate::sandbox::Run;
use crate::site::{
    FULCIO, ISSUER, PERSON, REKOR_1, REKOR_2, RUNNER_TOKEN, RUNNER_URL, Site, TSA, WORKFLOW, WORKFLOWS, fails,
};

const KEY: &str = "--key=cosign.key";
const TOKEN: &str = "--identity-token=token";

/// A run that signs `dist/a` into `bundle` with the configuration in `site`, or in a directory of
/// it.
fn sign<'a>(site: &'a Site, configured: &str, way: &str, signer: &str) -> Run<'a> {
    let words = format!(
        "sign-blob --yes {signer} --trusted-root={configured}/trusted-root.json \
         --signing-config={configured}/signing-config/{way}.json --bundle=bundle dist/a"
    );
    site.cosign(&newest(), &words).whatever_it_prints()
}

/// A run that verifies it.
fn verify<'a>(site: &'a Site, signer: &str) -> Run<'a> {
    let words = format!("verify-blob {signer} --trusted-root=site/trusted-root.json --bundle=bundle dist/a");
    site.cosign(&newest(), &words).whatever_it_prints()
}

/// A run that verifies a signature by an identity with a timestamp only.
fn verify_identity<'a>(site: &'a Site, identity: &str, issuer: &str) -> Run<'a> {
    let signer = format!("--certificate-identity={identity} --certificate-oidc-issuer={issuer}");
    verify(site, &format!("{signer} --insecure-ignore-tlog --use-signed-timestamps"))
}

/// The run has not ended after two seconds.
#[track_caller]
fn hangs(mut run: Run<'_>) {
    run.command.splice(0..0, ["timeout", "2"].map(Into::into));
    run.exits(124);
}

fn json(site: &Site, file: &str) -> Value {
    serde_json::from_str(&site.read(file)).unwrap()
}

#[test]
fn a_token_is_accepted_or_refused_by_its_claims() {
    let site = Site::new();
    site.small_dist();
    let run = |kind, claims| {
        site.token("token", kind, claims);
        sign(&site, "site", "keyless-tsa", TOKEN)
    };
    run("person", "").succeeds();
    verify_identity(&site, PERSON, ISSUER).succeeds();
    fails(verify_identity(&site, WORKFLOW, WORKFLOWS), &format!("got \"{PERSON}\""));
    run("person", r#"{"email":"other@example.test"}"#).succeeds();
    verify_identity(&site, "other@example.test", ISSUER).succeeds();
    run("workflow", "").succeeds();
    verify_identity(&site, WORKFLOW, WORKFLOWS).succeeds();

    for (kind, claims, why) in [
        ("person", r#"{"exp":1}"#, "oidc: token is expired"),
        ("person", r#"{"nbf":4102444800}"#, "before the nbf (not before) time"),
        ("person", r#"{"aud":"other"}"#, r#"oidc: expected audience "sigstore" got ["other"]"#),
        (
            "person",
            r#"{"iss":"https://localhost:8889"}"#,
            "failed to match issuer URL https://localhost:8889",
        ),
        ("person", r#"{"email":null}"#, "token missing email claim"),
        ("other", "", "failed to verify id token signature"),
    ] {
        let before = site.read("site/log/fulcio").len();
        fails(run(kind, claims), "Fulcio returned 400");
        let log = site.read("site/log/fulcio");
        assert!(log[before..].contains(why), "{kind} {claims}: {}", &log[before..]);
    }
    fails(run("person", r#"{"email_verified":false}"#), "not verified by identity provider");
}

#[test]
fn people_and_workflows_sign_in() {
    let site = Site::new();
    site.small_dist();
    let authority = site.of_site("ca.pem");
    let person = || sign(&site, "site", "keyless-tsa", "").env("SSL_CERT_FILE", &authority);
    let workflow = |token| {
        let run = person().env("ACTIONS_ID_TOKEN_REQUEST_URL", RUNNER_URL);
        run.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)
    };
    let reaches = ["127.0.0.1:3004", "127.0.0.1:5555", "127.0.0.1:8888"];
    assert_eq!(site.reached(workflow(RUNNER_TOKEN), 0), reaches);
    verify_identity(&site, WORKFLOW, WORKFLOWS).succeeds();
    // Before a person signs in, cosign contacts the metadata service of a cloud, by address or by
    // name, even with --oidc-disable-ambient-providers.
    let is_cloud = |address: &String| ["127.0.0.1:53", "169.254.169.254:80"].contains(&address.as_str());
    let (cloud, reached): (Vec<_>, Vec<_>) = site.reached(person(), 0).into_iter().partition(is_cloud);
    assert_eq!(reached, reaches);
    assert!(!cloud.is_empty());
    verify_identity(&site, PERSON, ISSUER).succeeds();

    // 2.2 does not repeat its client ID when it requests the token.
    let old = |words: String| {
        site.cosign(&cosign("v2.2.4"), &format!("{words} --bundle=bundle dist/a"))
            .whatever_it_prints()
            .env("SSL_CERT_FILE", &authority)
            .env("SIGSTORE_REKOR_PUBLIC_KEY", "site/rekor1.pub")
            .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "site/ctlog.pub")
            .env("SIGSTORE_ROOT_FILE", "site/fulcio.pem")
    };
    let signs = format!("--fulcio-url={FULCIO} --rekor-url={REKOR_1} --oidc-issuer={ISSUER}");
    old(format!("sign-blob --yes {signs}")).succeeds();
    let signer = format!("--certificate-identity={PERSON} --certificate-oidc-issuer={ISSUER}");
    old(format!("verify-blob --offline {signer}")).succeeds();

    fails(person().without("SSL_CERT_FILE"), "certificate signed by unknown authority");
    site.order("restart issuer denies");
    fails(person(), "error obtaining token: access_denied");
    // If the token of the runner is refused, cosign starts the sign-in of a person.
    fails(workflow("another"), "error obtaining token: access_denied");
    workflow(RUNNER_TOKEN).succeeds();
    site.order("restart issuer waits");
    hangs(person());
}

#[test]
fn each_service_has_https_too() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    for (way, signer, reaches) in [
        ("key-rekor1", KEY, &["127.0.0.1:13000"][..]),
        ("key-rekor2", KEY, &["127.0.0.1:13003"]),
        ("keyless-tsa", TOKEN, &["127.0.0.1:13004", "127.0.0.1:15555"]),
    ] {
        let run = || sign(&site, "site/https", way, signer);
        assert_eq!(site.reached(run().env("SSL_CERT_FILE", &site.of_site("ca.pem")), 0), reaches);
        for authority in ["", &site.of_site("other/ca.pem")] {
            fails(run().env("SSL_CERT_FILE", authority), "certificate signed by unknown authority");
        }
    }
}

#[test]
fn orders_stop_a_service_and_restart_it() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    for (service, way, signer) in [
        ("rekor1", "key-rekor1", KEY),
        ("rekor2", "key-rekor2", KEY),
        ("tsa", "key-tsa", KEY),
        ("fulcio", "keyless-tsa", TOKEN),
    ] {
        let run = || sign(&site, "site", way, signer);
        run().succeeds();
        site.order(&format!("stop {service}"));
        fails(run(), "connection refused");
        site.order(&format!("replace {service} 403"));
        fails(run(), "this peer answers everything with 403");
        site.order(&format!("replace {service} reset"));
        fails(run(), "connection reset by peer");
        site.order(&format!("replace {service} hang"));
        hangs(run());
        site.order(&format!("restart {service}"));
        run().succeeds();
        site.order(&format!("pause {service}"));
        hangs(run());
        // Rekor 2 would refuse the next entry together with the one that was given up.
        let again = if service == "rekor2" { "restart" } else { "resume" };
        site.order(&format!("{again} {service}"));
        run().succeeds();
    }
    // The log had one before. A paused log may have added the entry that was given up.
    for log in ["rekor1", "rekor2"] {
        assert!((4..=5).contains(&site.entries(log)), "{log}: {}", site.entries(log));
    }
    let portal = site.read("site/signing-config/key-rekor2.json").replace(":3003", ":4200");
    site.file("site/signing-config/portal.json", portal);
    fails(sign(&site, "site", "portal", KEY), "unexpected response: 200 <!doctype html>");
    let empty = site.read("site/signing-config/key-rekor2.json").replace(":3003", ":4201");
    site.file("site/signing-config/empty.json", empty);
    fails(sign(&site, "site", "empty", KEY), "nil value in transaction log entry");

    site.order("restart fulcio without-ct");
    sign(&site, "site", "keyless-tsa", TOKEN).succeeds();
    fails(verify_identity(&site, PERSON, ISSUER), "only able to verify 0 SCT entries");
}

#[test]
fn a_log_can_be_empty() {
    let site = Site::with(&["empty-logs"]);
    site.small_dist();
    for log in ["rekor1", "rekor2"] {
        for index in [Value::Null, "1".into()] {
            sign(&site, "site", &format!("key-{log}"), KEY).succeeds();
            verify(&site, "--key=cosign.pub").succeeds();
            let entry = &json(&site, "bundle")["verificationMaterial"]["tlogEntries"][0];
            assert_eq!(entry["logIndex"], index, "{entry}");
            assert_eq!(entry["inclusionProof"]["hashes"].is_null(), index.is_null(), "{entry}");
        }
        assert_eq!(site.entries(log), 2);
    }
}

#[test]
fn client_files_are_those_that_cosign_writes() {
    let site = Site::new();
    let made = |words: String| {
        site.cosign(&newest(), &format!("{words} --out=made")).whatever_it_prints().succeeds();
        json(&site, "made")
    };
    let start = "start-time=2024-01-01T00:00:00Z";
    let mut root = made(format!(
        "trusted-root create --fulcio=url={FULCIO},certificate-chain=site/fulcio.pem
         --ctfe=url=http://localhost:6962/ct,public-key=site/ctlog.pub,{start}
         --rekor=url={REKOR_1},public-key=site/rekor1.pub,{start}
         --rekor=url={REKOR_2},public-key=site/rekor2.pub,{start},origin=localhost
         --tsa=url={TSA},certificate-chain=site/tsa.pem"
    ));
    // cosign writes logs in any order.
    root["tlogs"].as_array_mut().unwrap().sort_by_key(|log| log["baseUrl"] != REKOR_2);
    assert_eq!(json(&site, "site/trusted-root.json"), root);

    let service = |url, version| format!("url={url},api-version={version},{start},operator=site");
    let (fulcio, issuer, tsa) = (service(FULCIO, 1), service(ISSUER, 1), service(TSA, 1));
    let keyless = format!("--fulcio={fulcio} --oidc-provider={issuer}");
    for (way, rekor) in [("rekor1", service(REKOR_1, 1)), ("rekor2", service(REKOR_2, 2))] {
        let log = format!("--rekor={rekor} --rekor-config=ANY");
        let config = made(format!("signing-config create {keyless} {log} --tsa={tsa} --tsa-config=ANY"));
        assert_eq!(json(&site, &format!("site/signing-config/keyless-{way}-tsa.json")), config);
        let config = made(format!("signing-config create {log}"));
        assert_eq!(json(&site, &format!("site/signing-config/key-{way}.json")), config);
    }
    assert_eq!(json(&site, "site/signing-config/key.json"), made("signing-config create".to_owned()));
}
