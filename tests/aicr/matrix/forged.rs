//! Forged signature files: plain cosign accepts some of them, and `aicr` rejects all with any
//! cosign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::VULNERABLE;
use crate::sandbox::{SMALL_MANIFEST, Sandbox, cosigns, fixture};
use crate::without_aicr::{dialect, release, signature, sigstore_bundle};

const SIGNATURE: &str = "B/attestation/checksums.txt.sigstore.json";
/// The manifest that the attacker wants to be accepted: that of another payload.
const FORGED: &str = "\
0000000000000000000000000000000000000000000000000000000000000000  a
f2c82decdd7181cf98945929a62598db7e6b477e11f6e0eb0ae97020eff151ad  sub/b
";
const LEGACY: &str = "has a field of the legacy form, which can forge a signature (GHSA-fx35-mq7g-6g98)";

/// `aicr` rejects `B` with this message.
#[track_caller]
fn rejected(sandbox: &Sandbox, error: &str) {
    sandbox
        .aicr("verify B --key cosign.pub --insecure-ignore-tlog")
        .stdout("rejected B\n")
        .stderr(&format!("error: {error}\n"))
        .exits(5);
}

/// Whether plain cosign accepts the signature of `B` by the key, with these further flags.
fn is_accepted(sandbox: &Sandbox, more: &str) -> bool {
    let line = format!(
        "cosign verify-blob --key=cosign.pub --insecure-ignore-tlog=true {more} --bundle={SIGNATURE} B/checksums.txt"
    );
    sandbox.program_run(line.split_whitespace()).output().status.success()
}

/// GHSA-fx35-mq7g-6g98: the fields of the legacy form contain the key to verify with. cosign
/// prefers them, alone or in a v0.3 bundle that is valid without them, in any letter case.
#[test]
fn a_signature_that_brings_its_own_key() {
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        let real = sandbox.read(SIGNATURE);
        let key = STANDARD.encode(sandbox.read("other.pub"));
        let others = signature(&sandbox, "other.key", FORGED);
        sandbox.file("B/checksums.txt", FORGED);

        let fields = format!(r#""base64Signature":"{others}","cert":"{key}""#);
        let other_case = fields.replace("base64Signature", "BASE64signature").replace("cert", "Cert");
        for forgery in [
            format!("{{{fields}}}"),
            real.replacen('{', &format!("{{{fields},"), 1),
            real.replacen('{', &format!("{{{other_case},"), 1),
        ] {
            sandbox.file(SIGNATURE, &forgery);
            let sct = if dialect(&cosign) == "LegacyBundle" { "--insecure-ignore-sct=true" } else { "" };
            if VULNERABLE.contains(&release(&cosign).as_str()) {
                assert!(is_accepted(&sandbox, sct), "{} rejects {forgery}", release(&cosign));
            }
            rejected(&sandbox, &format!("{SIGNATURE} {LEGACY}"));
        }
    }
}

/// An attestation that a scan failed is a true statement about the manifest, but not a signature
/// over it. Neither is a signature file with another digest.
#[test]
fn a_signature_of_something_else() {
    let statement = fixture("bundles/dsse.json");
    for cosign in cosigns() {
        let sandbox = Sandbox::with_cosign(&cosign);
        sandbox.signed();
        let trust = match dialect(&cosign).as_str() {
            "SigningConfig" => "--trusted-root=without-aicr/trusted-root.json",
            "BundleFlag" => "--new-bundle-format=true --trusted-root=without-aicr/trusted-root.json",
            // Reads no Sigstore bundle v0.3 at all.
            _ => "",
        };
        let signature = signature(&sandbox, "cosign.key", SMALL_MANIFEST);

        sandbox.file(SIGNATURE, &statement);
        assert_eq!(is_accepted(&sandbox, trust), !trust.is_empty(), "{}", release(&cosign));
        rejected(
            &sandbox,
            &format!("{SIGNATURE} is a DSSE attestation about the manifest, not a signature over it"),
        );

        let good = sigstore_bundle(&signature, SMALL_MANIFEST);
        let relabelled = sigstore_bundle(&signature, "another blob");
        sandbox.file(SIGNATURE, relabelled);
        if VULNERABLE.contains(&release(&cosign).as_str()) {
            assert_eq!(is_accepted(&sandbox, trust), !trust.is_empty(), "{}", release(&cosign));
        }
        rejected(
            &sandbox,
            "B: checksums.txt was changed after it was signed (SHA-256 162fd0a1cb1865a982946584601d41d4216cee06114751d22d6af71e706da0e8, signed was 3d93c1bc90ef2af4ee33a627e6d4ab54f602d0c3c88aee6fa52c21f50f11a588)
hint: --checksums-only compares the files with the manifest; it proves nothing about who made it",
        );

        // Both accept the same signature with its own digest.
        sandbox.file(SIGNATURE, good);
        assert_eq!(is_accepted(&sandbox, trust), !trust.is_empty(), "{}", release(&cosign));
        sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
    }
}
