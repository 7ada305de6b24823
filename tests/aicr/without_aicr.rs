//! What a user with cosign and a key can do without `aicr`: sign any bytes, and write any signature to a Sigstore
//! bundle.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::sandbox::{KEY_SHA256, Sandbox, repository};

/// A signing config without a log and a timestamp authority.
const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
/// A trusted root that trusts no service.
const NO_TRUST: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;

/// The dialect of a cosign: `SigningConfig`, `BundleFlag` or `LegacyBundle`.
pub(crate) fn dialect(cosign: &Path) -> String {
    let output = Command::new(repository().join("scripts/cosign-dialect")).arg(cosign).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The release of a cosign, or `devel`.
pub(crate) fn release(cosign: &Path) -> String {
    let output = Command::new(cosign).arg("version").output().unwrap();
    // 2.0 prints it to stderr.
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("GitVersion:")).unwrap();
    line.trim().to_owned()
}

/// The base64 signature of the real cosign over `blob`, with a key file of the test directory.
pub(crate) fn signature(sandbox: &Sandbox, key: &str, blob: impl AsRef<[u8]>) -> String {
    sandbox
        .file("without-aicr/blob", blob)
        .file("without-aicr/signing-config.json", NO_SERVICES)
        .file("without-aicr/trusted-root.json", NO_TRUST);
    let config = dialect(sandbox.cosign()) == "SigningConfig";
    let form = if config {
        "--signing-config=without-aicr/signing-config.json --trusted-root=without-aicr/trusted-root.json --bundle=without-aicr/bundle.json"
    } else {
        "--tlog-upload=false --output-signature=without-aicr/signature"
    };
    let line = format!("cosign sign-blob --yes --key={key} {form} without-aicr/blob");
    sandbox.program_run(line.split(' ')).whatever_it_prints().succeeds();
    if config {
        let bundle: serde_json::Value =
            serde_json::from_str(&sandbox.read("without-aicr/bundle.json")).unwrap();
        bundle["messageSignature"]["signature"].as_str().unwrap().to_owned()
    } else {
        sandbox.read("without-aicr/signature").trim().to_owned()
    }
}

/// A Sigstore bundle with this signature over `blob`, and the hint of the throw-away key.
pub(crate) fn sigstore_bundle(signature: &str, blob: impl AsRef<[u8]>) -> String {
    let (hint, digest) = (key_hint(KEY_SHA256), STANDARD.encode(Sha256::digest(blob)));
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"{hint}"}}}},"messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{digest}"}},"signature":"{signature}"}}}}"#
    )
}

/// The key hint of a Sigstore bundle, from the hexadecimal digits that aicr prints.
pub(crate) fn key_hint(sha256: &str) -> String {
    let byte = |at| u8::from_str_radix(&sha256[at..at + 2], 16).unwrap();
    STANDARD.encode((0..64).step_by(2).map(byte).collect::<Vec<_>>())
}
