//! Entries, timestamps and certificates that do not verify with the trusted root, and signatures
//! that a log accepts only once. The message says if the signature is in the log by then.

use serde_json::{Value, json};

use super::{LATER, LOG_1, LOG_2, RELEASES, Signing};
use crate::loopback::newest;
use crate::site::{FULCIO, REKOR_1, REKOR_2, Site, TSA};

const OF_LOG: &str = "check that the trusted root has the key of this log";
const OF_THESE: &str = "check that the trusted root belongs to these services; `cosign trusted-root create` makes one from their keys";
const STILL: &str = "check that the trusted root has the certificates of this authority and that they are valid, and check the clocks";

/// The site's trusted root, changed.
fn root(site: &Site, change: impl Fn(&mut Value)) {
    let mut root = serde_json::from_str(&site.read("site/trusted-root.json")).unwrap();
    change(&mut root);
    site.file("root.json", root.to_string());
}

/// The trusted root of the other site.
fn others(site: &Site) -> Value {
    serde_json::from_str(&site.read("site/other/trusted-root.json")).unwrap()
}

#[test]
fn a_log_accepts_an_rsa_signature_once() {
    let site = Site::new();
    site.shell("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -quiet -out rsa.pem").succeeds();
    for release in RELEASES {
        // A new key: the logs have the signatures of the other releases.
        site.shell(&format!(
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -quiet -out {release}.pem"
        ))
        .succeeds();
        let import = format!("import-key-pair --key {release}.pem --output-key-prefix {release}");
        site.cosign(&newest(), &import).whatever_it_prints().succeeds();
        for (url, host, notice) in [(REKOR_1, "localhost:3000", LOG_1), (REKOR_2, "localhost:3003", LOG_2)] {
            let words = format!(
                "--signing-key {release}.key --rekor-url {url} --trusted-root site/trusted-root.json"
            );
            let signing = Signing { sandbox: &site, release, words: &words, notice };
            match (release, url) {
                ("v2.4.1", REKOR_2) => {}
                // 2.4 uses the existing entry.
                ("v2.4.1", _) => [(), ()].iter().for_each(|()| signing.works()),
                _ => {
                    signing.works();
                    let error = format!(
                        "the transparency log at {host} has this signature already, and accepts it only once"
                    );
                    signing.fails((4, &error, "an RSA key always makes the same signature of a manifest: use the bundle that was signed first, or an ECDSA P-256 key"));
                }
            }
        }
    }
}

#[test]
fn the_key_of_a_log_is_another_one() {
    let site = Site::new();
    let others = others(&site);
    root(&site, |root| root["tlogs"] = others["tlogs"].clone());
    for (log, url, notice, releases) in
        [("rekor1", REKOR_1, LOG_1, &RELEASES[..]), ("rekor2", REKOR_2, LOG_2, &LATER)]
    {
        let entries = site.entries(log);
        let words = format!("--signing-key cosign.key --rekor-url {url} --trusted-root root.json");
        for release in releases {
            let signing = Signing { sandbox: &site, release, words: &words, notice };
            let host = url.trim_start_matches("http://");
            let refused = format!(
                "the transparency log at {host} returned an entry that does not verify with the trusted root, and the signature is in the log permanently"
            );
            if *release == "v2.4.1" {
                signing.fails((4, "cosign ended with exit 0, but the signature was recorded in another log than the one named: its log ID is not the one that the trusted root has for that address, and this cannot be undone", ""));
            } else {
                signing.fails((4, &refused, OF_LOG));
            }
        }
        assert_eq!(site.entries(log), entries + releases.len() as u64);
    }
}

#[test]
fn an_authority_is_another_one_or_has_expired() {
    let site = Site::new();
    site.token("token", "person", "");
    let others = others(&site);
    let stamped = |log: &str| {
        format!("--signing-key cosign.key {log} --timestamp-server-url {TSA} --trusted-root root.json")
    };
    let (alone, logged) = (stamped("--tlog-upload=false"), stamped(&format!("--rekor-url {REKOR_1}")));
    let identity = format!(
        "--keyless --identity-token token --fulcio-url {FULCIO} --rekor-url {REKOR_1} --trusted-root root.json"
    );
    let stamp = "the timestamp authority at localhost:3004 returned a timestamp that does not verify with the trusted root";
    let in_log = ", and the signature is in the log permanently";
    let own = "that it does not accept itself";
    let by_key = format!("cosign made a signature with cosign.key {own}");
    let by_identity = format!("cosign made a signature for an identity {own}");

    root(&site, |root| {
        let valid = &mut root["timestampAuthorities"][0]["validFor"];
        valid["end"] = valid["start"].clone();
    });
    let over = [(&alone, "", ""), (&logged, LOG_1, in_log)];
    for (words, notice, logged) in over {
        for release in RELEASES {
            let signing = Signing { sandbox: &site, release, words, notice };
            if release == "v2.4.1" {
                let logged = if logged.is_empty() { "" } else { ", and it is in the log permanently" };
                signing.fails((4, &format!("{by_key}{logged}"), OF_THESE));
            } else {
                signing.fails((4, &format!("{stamp}{logged}"), STILL));
            }
        }
    }
    // cosign 2.6 and later check no entry in a certificate transparency log when they sign.
    root(&site, |root| root["ctlogs"] = others["ctlogs"].clone());
    for release in RELEASES {
        let signing = Signing { sandbox: &site, release, words: &identity, notice: LOG_1 };
        if release == "v2.4.1" {
            let error = "the certificate authority at localhost:5555 issued a certificate whose certificate transparency log is not in the trusted root";
            signing.fails((
                4,
                error,
                "check that the trusted root has the certificate transparency log of this authority",
            ));
        } else {
            signing.fails((4, &format!("{by_identity}, and it is in the log permanently"), OF_THESE));
        }
    }
    root(&site, |root| root["certificateAuthorities"] = others["certificateAuthorities"].clone());
    for release in RELEASES {
        let signing = Signing { sandbox: &site, release, words: &identity, notice: LOG_1 };
        if release == "v2.4.1" {
            signing.fails((4, &format!("{by_identity}, and it is in the log permanently"), OF_THESE));
        } else {
            let error = "the certificate authority at localhost:5555 issued a certificate that does not verify with the trusted root";
            let hint = "check that the trusted root has the certificates of this authority";
            signing.fails((4, &format!("{error}{in_log}"), hint));
        }
    }
}

#[test]
fn nothing_is_sent_that_could_not_be_verified() {
    let site = Site::new();
    site.token("token", "person", "");
    let (newer, over) = ("2099-01-01T00:00:00Z", "2024-01-02T00:00:00Z");
    let config: Value =
        serde_json::from_str(&site.read("site/signing-config/keyless-rekor2-tsa.json")).unwrap();
    for (list, file) in [("rekorTlogUrls", "log.json"), ("caUrls", "ca.json"), ("tsaUrls", "tsa.json")] {
        let mut changed = config.clone();
        changed[list][0]["validFor"]["start"] = json!(newer);
        site.file(&format!("new-{file}"), changed.to_string());
        changed[list][0]["validFor"] = json!({ "start": "2024-01-01T00:00:00Z", "end": over });
        site.file(&format!("old-{file}"), changed.to_string());
    }
    root(&site, |root| root["tlogs"].as_array_mut().unwrap().retain(|log| log["baseUrl"] != REKOR_1));
    let create = "`cosign trusted-root create --rekor url=…,public-key=…`";
    let mut rows = vec![(
        format!("--signing-key cosign.key --rekor-url {REKOR_1} --trusted-root root.json"),
        format!("--trusted-root root.json has no log at {REKOR_1} (it has {REKOR_2})"),
        format!("write the address as it is in the file, or add it with {create}"),
    )];
    for (file, what, hint) in [
        (
            "log.json",
            "transparency log (rekorTlogUrls) that is currently valid",
            "add one; check the clock of this machine too",
        ),
        (
            "ca.json",
            "certificate authority (caUrls) that is currently valid",
            "add the Fulcio that certifies the identity; check the clock of this machine too",
        ),
        (
            "tsa.json",
            "timestamp authority (tsaUrls) that is currently valid, and a log of Rekor v2 states no time",
            "add one with --timestamp-server-url, or to the tsaUrls of the signing config; check the clock of this machine too",
        ),
    ] {
        for when in ["new", "old"] {
            rows.push((
                format!("--keyless --identity-token token --signing-config {when}-{file} --trusted-root site/trusted-root.json"),
                format!("--signing-config {when}-{file}: there is no {what}"),
                hint.to_owned(),
            ));
        }
    }
    for (words, error, hint) in &rows {
        let signing = Signing { sandbox: &site, release: "v3.1.3", words, notice: "" };
        signing.fails((2, error, hint));
        assert_eq!(site.reached(signing.run().whatever_it_prints(), 2), [""; 0], "{words}");
    }
}
