//! What anybody with a cosign and a key can do without `aicr`: sign any bytes, in the form that the
//! release at hand wants, and put any signature into a Sigstore bundle.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::sandbox::{KEY_SHA256, Sandbox, repository};

/// Names no log and no timestamp authority.
const NO_SERVICES: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
/// Trusts nobody.
const NO_TRUST: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;

/// How a cosign wants to be driven: `SigningConfig`, `BundleFlag` or `LegacyBundle`.
pub(crate) fn dialect(cosign: &Path) -> String {
    let said = Command::new(repository().join("scripts/cosign-dialect")).arg(cosign).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// The release that a cosign states, or `devel`.
pub(crate) fn release(cosign: &Path) -> String {
    let said = Command::new(cosign).arg("version").output().unwrap();
    // 2.0 prints it to stderr.
    let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("GitVersion:")).unwrap();
    line.trim().to_owned()
}

/// The signature of the stage's cosign over `blob` with a key file of the stage, base64.
pub(crate) fn signature(sandbox: &Sandbox, key: &str, blob: impl AsRef<[u8]>) -> String {
    sandbox
        .file("hand/blob", blob)
        .file("hand/signing-config.json", NO_SERVICES)
        .file("hand/trusted-root.json", NO_TRUST);
    let config = dialect(sandbox.cosign()) == "SigningConfig";
    let form = if config {
        "--signing-config=hand/signing-config.json --trusted-root=hand/trusted-root.json --bundle=hand/bundle.json"
    } else {
        "--tlog-upload=false --output-signature=hand/signature"
    };
    let line = format!("cosign sign-blob --yes --key={key} {form} hand/blob");
    sandbox.program_run(line.split(' ')).whatever_it_prints().succeeds();
    if config {
        let bundle: serde_json::Value = serde_json::from_str(&sandbox.read("hand/bundle.json")).unwrap();
        bundle["messageSignature"]["signature"].as_str().unwrap().to_owned()
    } else {
        sandbox.read("hand/signature").trim().to_owned()
    }
}

/// A Sigstore bundle with this signature over `blob`, which says that the throw-away key made it.
pub(crate) fn sigstore_bundle(signature: &str, blob: impl AsRef<[u8]>) -> String {
    let (hint, digest) = (key_hint(KEY_SHA256), STANDARD.encode(Sha256::digest(blob)));
    format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"{hint}"}}}},"messageSignature":{{"messageDigest":{{"algorithm":"SHA2_256","digest":"{digest}"}},"signature":"{signature}"}}}}"#
    )
}

/// The key hint in a Sigstore bundle, from the hex digits that aicr prints.
pub(crate) fn key_hint(sha256: &str) -> String {
    let byte = |at| u8::from_str_radix(&sha256[at..at + 2], 16).unwrap();
    STANDARD.encode((0..64).step_by(2).map(byte).collect::<Vec<_>>())
}
