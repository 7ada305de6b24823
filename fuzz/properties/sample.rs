//! Real files of a private Sigstore, of which a target replaces one value: the parser of what stands in
//! base64 gets nothing to do from a file that was changed at random.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sigstore::trusted_root::TrustedRoot;

/// A file around one value.
pub(super) struct Sample {
    before: String,
    /// The bytes that stand there in base64.
    pub(super) value: Vec<u8>,
    after: String,
}

impl Sample {
    fn new(file: &str, place: &str) -> Self {
        let json: Value = serde_json::from_str(file).unwrap_or_default();
        let value = json.pointer(place).and_then(Value::as_str);
        let parts = value.and_then(|value| Some((file.split_once(value)?, STANDARD.decode(value).ok()?)));
        let Some(((before, after), value)) = parts else { panic!("nothing at {place}") };
        Self { before: before.to_owned(), value, after: after.to_owned() }
    }

    /// The file with these bytes in that place.
    pub(super) fn with(&self, bytes: &[u8]) -> Vec<u8> {
        [&self.before, &STANDARD.encode(bytes), &self.after].map(String::as_bytes).concat()
    }
}

/// The certificate of a signature file with a timestamp.
pub(super) static CERTIFICATE: LazyLock<Sample> = LazyLock::new(|| {
    let file = include_str!("../../fixtures/evidence/keyless-timestamp.json");
    Sample::new(file, "/verificationMaterial/certificate/rawBytes")
});

/// The timestamp of a signature file by a key.
pub(super) static TIMESTAMP: LazyLock<Sample> = LazyLock::new(|| {
    let file = include_str!("../../fixtures/evidence/key-timestamp.json");
    let place = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
    Sample::new(file, place)
});

/// What logs took note of: one of Rekor v1, and one of Rekor v2.
pub(super) static LOGGED: LazyLock<[Sample; 2]> = LazyLock::new(|| {
    let files = [
        include_str!("../../fixtures/evidence/key-rekor-v1.json"),
        include_str!("../../fixtures/evidence/key-rekor-v2-timestamp.json"),
    ];
    files.map(|file| Sample::new(file, "/verificationMaterial/tlogEntries/0/canonicalizedBody"))
});

/// A trusted root with an authority that has one certificate.
pub(super) static AUTHORITY: LazyLock<Sample> = LazyLock::new(|| {
    let root: Value = serde_json::from_str(ROOT).unwrap_or_default();
    let authority = &root["timestampAuthorities"][0]["certChain"]["certificates"][0];
    let authorities = json!([{ "certChain": { "certificates": [authority] } }]);
    let file = json!({ "mediaType": root["mediaType"], "timestampAuthorities": authorities }).to_string();
    Sample::new(&file, "/timestampAuthorities/0/certChain/certificates/0/rawBytes")
});

/// The trusted root of that Sigstore.
pub(super) static TRUSTED_ROOT: LazyLock<TrustedRoot> = LazyLock::new(|| {
    let Ok(root) = TrustedRoot::parse(ROOT.as_bytes()) else { panic!("a good trusted root") };
    root
});

const ROOT: &str = include_str!("../../fixtures/sigstore/trusted-root.json");
