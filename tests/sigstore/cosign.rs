//! cosign without aicr: each release signs in every way that it supports, and verifies that after
//! all services have ended.

use std::time::Instant;

use serde_json::Value;

use crate::loopback::cosign;
use crate::sandbox::Run;
use crate::site::{ALL, FULCIO, ISSUER, PERSON, REKOR_1, Site, TSA, fails};

const FULCIO_AT: &str = "127.0.0.1:5555";
const REKOR_1_AT: &str = "127.0.0.1:3000";
const REKOR_2_AT: &str = "127.0.0.1:3003";
const TSA_AT: &str = "127.0.0.1:3004";

/// A way to sign: the name of its signing config, and the addresses that are contacted.
type Way = (&'static str, &'static [&'static str]);

const WAYS: [Way; 8] = [
    ("key-rekor1", &[REKOR_1_AT]),
    ("key-rekor1-tsa", &[REKOR_1_AT, TSA_AT]),
    ("key-rekor2", &[REKOR_2_AT]),
    ("key-rekor2-tsa", &[REKOR_2_AT, TSA_AT]),
    ("key-tsa", &[TSA_AT]),
    ("keyless-rekor1", &[REKOR_1_AT, FULCIO_AT]),
    ("keyless-rekor2-tsa", &[REKOR_2_AT, TSA_AT, FULCIO_AT]),
    ("keyless-tsa", &[TSA_AT, FULCIO_AT]),
];

/// The ways of 2.4, which supports neither signing configs nor Rekor 2.
const WAYS_BY_FLAGS: [Way; 4] = [WAYS[0], WAYS[4], WAYS[5], WAYS[7]];

/// A release, and whether it supports signing configs.
struct Release<'a> {
    site: &'a Site,
    version: &'a str,
    signing_configs: bool,
}

impl Release<'_> {
    fn sign(&self, way: &str, bundle: &str) -> Run<'_> {
        let signer = if way.starts_with("keyless") { "--identity-token=token" } else { "--key=cosign.key" };
        let mut words = format!("sign-blob --yes {signer} --bundle={bundle}");
        if self.signing_configs {
            words += &format!(
                " --trusted-root=site/trusted-root.json --signing-config=site/signing-config/{way}.json"
            );
            return self.run(&words);
        }
        words += " --new-bundle-format";
        words += &if way.contains("rekor1") {
            format!(" --rekor-url={REKOR_1}")
        } else {
            " --tlog-upload=false".to_owned()
        };
        if way.starts_with("keyless") {
            words += &format!(" --fulcio-url={FULCIO}");
        }
        if way.ends_with("tsa") {
            words += &format!(" --timestamp-server-url={TSA}");
        }
        self.run(&words)
            .env("SIGSTORE_REKOR_PUBLIC_KEY", "site/rekor1.pub")
            .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", "site/ctlog.pub")
            .env("SIGSTORE_ROOT_FILE", "site/fulcio.pem")
    }

    fn verify(&self, way: &str, bundle: &str, root: &str) -> Run<'_> {
        let signer = if way.starts_with("keyless") {
            format!("--certificate-identity={PERSON} --certificate-oidc-issuer={ISSUER}")
        } else {
            "--key=cosign.pub".to_owned()
        };
        let mut words = format!("verify-blob {signer} --trusted-root={root} --bundle={bundle}");
        if !self.signing_configs {
            words += " --new-bundle-format";
        }
        if !way.contains("rekor") {
            words += " --insecure-ignore-tlog";
        }
        if way.ends_with("tsa") {
            words += " --use-signed-timestamps";
        }
        self.run(&words)
    }

    fn run(&self, words: &str) -> Run<'_> {
        self.site.cosign(&cosign(self.version), &format!("{words} dist/a")).whatever_it_prints()
    }
}

/// Removes the log entries of a bundle.
fn strip(site: &Site, from: &str, to: &str) {
    let mut bundle: Value = serde_json::from_str(&site.read(from)).unwrap();
    let entries = bundle["verificationMaterial"].as_object_mut().unwrap().remove("tlogEntries").unwrap();
    assert_eq!(entries.as_array().unwrap().len(), 1);
    site.file(to, bundle.to_string());
}

#[test]
fn every_release_signs_and_verifies_in_every_way_that_it_supports() {
    let site = Site::new();
    site.token("token", "person", "").small_dist();
    let releases = [("v2.4.1", false), ("v2.6.1", true), ("v3.0.2", true), ("v3.1.3", true)]
        .map(|(version, signing_configs)| Release { site: &site, version, signing_configs });
    let mut made = Vec::new();
    for release in &releases {
        for (way, reaches) in if release.signing_configs { &WAYS[..] } else { &WAYS_BY_FLAGS[..] } {
            let bundle = format!("{way}.{}", release.version);
            let started = Instant::now();
            let reached = site.reached(release.sign(way, &bundle), 0);
            let seconds = started.elapsed().as_secs_f64();
            assert_eq!(reached, *reaches, "{bundle}");
            println!("| {way} | {} | {} | {seconds:.1} |", release.version, reached.join(", "));
            made.push((release, *way, bundle));
        }
    }

    site.stop(&ALL);
    for (release, way, bundle) in made {
        let accepted = release.verify(way, &bundle, "site/trusted-root.json");
        assert_eq!(site.reached(accepted, 0), [""; 0], "{bundle}");
        let missing = if way.contains("rekor") {
            strip(&site, &bundle, "stripped");
            "not enough verified log entries from transparency log: 0 < 1"
        } else {
            "threshold not met for verified signed timestamps: 0 < 1"
        };
        fails(release.verify(way, &bundle, "site/other/trusted-root.json"), missing);
        if way.contains("rekor") {
            fails(release.verify(way, "stripped", "site/trusted-root.json"), missing);
        }
    }
}
