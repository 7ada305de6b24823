//! The bundles to change: every signer, with all kinds of evidence.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::row::ROOT;
use super::signers::FORGED;
use crate::parallel::each;
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, Sandbox};
use crate::site::{FULCIO, ISSUER, PERSON, REKOR_1, REKOR_2, Site, TSA, WORKFLOW, WORKFLOWS};

/// The path of the signature in a bundle.
pub(super) const SIGNATURE: &str = "attestation/checksums.txt.sigstore.json";

/// The unchanged signature files, by the name of the bundle, and a certificate in base64.
pub(super) struct Signatures(BTreeMap<String, Value>);

impl Signatures {
    /// Those in a test directory.
    pub(super) fn on(sandbox: &Sandbox) -> Self {
        let read = |bundle: &&str| {
            let text = sandbox.read(&format!("signed/{bundle}/{SIGNATURE}"));
            ((*bundle).to_owned(), serde_json::from_str(&text).unwrap())
        };
        let forged = STANDARD.encode(std::fs::read(sandbox.path(FORGED)).unwrap());
        let forged = (FORGED.to_owned(), forged.into());
        Self(BUNDLES.iter().map(read).chain([forged]).collect())
    }

    /// The one of this bundle.
    pub(super) fn of(&self, bundle: &str) -> &Value {
        &self.0[bundle]
    }
}

/// Every bundle: signer and evidence. Those in `again` are over the same files, those in `other`
/// over other files.
const BUNDLES: [&str; 17] = [
    "key",
    "key-tsa",
    "key-rekor1",
    "key-rekor1-tsa",
    "key-rekor2-tsa",
    "other-rekor1-tsa",
    "keyless-rekor1",
    "keyless-rekor1-tsa",
    "keyless-rekor2-tsa",
    "workflow-rekor1",
    "again/key-rekor1-tsa",
    "again/key-rekor2-tsa",
    "again/keyless-rekor1-tsa",
    "other/key-tsa",
    "other/key-rekor1-tsa",
    "other/key-rekor2-tsa",
    "other/keyless-rekor1-tsa",
];

/// A test directory with all of them, in `signed`.
pub(super) fn prepared() -> Site {
    let site = Site::new();
    site.token("person", "person", "").token("workflow", "workflow", "");
    site.small_dist().file("others/a", "gamma\n").directory("signed/again").directory("signed/other");
    let sandbox: &Sandbox = &site;
    each(&BUNDLES, |bundle| {
        let (input, way) = match bundle.split_once('/') {
            Some(("other", way)) => ("others", way),
            Some((_, way)) => ("dist", way),
            None => ("dist", *bundle),
        };
        let mut words = format!("bundle {input} --output signed/{bundle}");
        words += match way.split('-').next() {
            Some("key") => " --signing-key cosign.key",
            Some("other") => " --signing-key other.key",
            Some("keyless") => " --keyless --identity-token person",
            _ => " --keyless --identity-token workflow",
        };
        if words.contains("keyless") {
            words += &format!(" --fulcio-url {FULCIO}");
        }
        words += &if way.contains("rekor1") {
            format!(" --rekor-url {REKOR_1}")
        } else if way.contains("rekor2") {
            format!(" --rekor-url {REKOR_2}")
        } else {
            " --tlog-upload=false".to_owned()
        };
        if way.contains("tsa") {
            words += &format!(" --timestamp-server-url {TSA}");
        }
        if way.contains('-') {
            words += &format!(" --trusted-root {ROOT}");
        }
        sandbox.aicr(&words).whatever_it_prints().succeeds();
    });
    site
}

/// The signer of a bundle: its flags, and how it is shown.
pub(super) fn signer(of: &str) -> (String, String) {
    let identity = |name, issuer| {
        (
            format!("--certificate-identity {name} --certificate-oidc-issuer {issuer}"),
            format!("identity {name}\n  issuer {issuer}"),
        )
    };
    match of.split('-').next() {
        Some("key") => ("--key cosign.pub".to_owned(), format!("key sha256\n    {KEY_SHA256}")),
        Some("other") => ("--key other.pub".to_owned(), format!("key sha256\n    {OTHER_KEY_SHA256}")),
        Some("keyless") => identity(PERSON, ISSUER),
        _ => identity(WORKFLOW, WORKFLOWS),
    }
}
