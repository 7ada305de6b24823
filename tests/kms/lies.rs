//! Key managers with wrong signatures, and the releases of cosign that do not detect them: they end
//! with exit 0, and their signature does not verify. Also: keys that change.

use crate::loopback::cosign;
use crate::sandbox::SMALL_SHA256;
use crate::site::Site;

const HINT: &str = "hint: the key manager's signature is wrong, or of a kind that cosign cannot check; ECDSA P-256 works with every key manager\n";

#[test]
fn are_detected_where_cosign_does_not() {
    let vault = Site::with("openbao", &["rsa=rsa-2048"]);
    let aws = Site::with("aws", &["liar=ECC_NIST_P256", "other=ECC_NIST_P256"]);
    let authorities = [&vault, &aws].map(|site| site.of_server("ca.pem"));
    let token = [
        ("VAULT_ADDR", "https://127.0.0.1:8200"),
        ("VAULT_TOKEN", "signer"),
        ("VAULT_CACERT", &*authorities[0]),
    ];
    let access = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("SSL_CERT_FILE", &*authorities[1]),
    ];
    for (site, key, variables, version) in [
        // It requests RSA-PSS, and verifies PKCS#1 v1.5.
        (&vault, "hashivault://rsa", &token, "v2.2.4"),
        (&aws, "awskms://127.0.0.1:4566/alias/liar", &access, "v2.2.4"),
        (&aws, "awskms://127.0.0.1:4566/alias/liar", &access, "v2.4.1"),
    ] {
        site.small_dist();
        let before = site.tree("dist");
        let words = format!("bundle dist --output B --tlog-upload=false --signing-key {key}");
        site.aicr_given(variables, &words)
            .env("AICR_COSIGN", &cosign(version))
            .stderr(&format!(
                "error: cosign made a signature with {key} that it does not accept itself\n    (what cosign said)\n{HINT}"
            ))
            .cosigns_words_left_out()
            .exits(4);
        assert_eq!((site.tree("dist"), site.path("B").exists()), (before, false), "{version} {key}");
    }
}

#[test]
fn a_rotated_key_is_another_key() {
    let site = Site::with("openbao", &["ec=ecdsa-p256"]);
    let authority = site.of_server("ca.pem");
    let variables =
        [("VAULT_ADDR", "https://127.0.0.1:8200"), ("VAULT_TOKEN", "signer"), ("VAULT_CACERT", &*authority)];
    let doctor = |site: &Site, file| {
        let words =
            format!("doctor --tlog-upload=false --signing-key hashivault://ec --public-key-out {file}");
        site.aicr_given(&variables, &words).whatever_it_prints().succeeds();
        site.key_sha256(file)
    };
    site.small_dist();
    let first = doctor(&site, "first.pub");
    let sign = "bundle dist --output B --tlog-upload=false --signing-key hashivault://ec --quiet";
    site.aicr_given(&variables, sign).succeeds();
    site.order("rotate ec");
    let second = doctor(&site, "second.pub");
    assert_ne!(first, second);

    let asking = "warning: asking hashivault://ec for its public key, once\n";
    let verify = |site: &Site, key: &str, code, stdout: &str, stderr: &str| {
        let words = format!("verify B --key {key} --insecure-ignore-tlog");
        site.aicr_given(&variables, &words).stdout(stdout).stderr(stderr).exits(code);
    };
    let accepted = format!(
        "accepted B\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  key sha256\n    {first}\n  log none, timestamp none\n"
    );
    verify(&site, "first.pub", 0, &accepted, "");
    let other = format!(
        "error: B is signed by key {first}, and --key is {second}
hint: a rotated key is the usual cause: use the public key of the version that signed\n"
    );
    verify(&site, "second.pub", 5, "rejected B\n", &other);
    verify(&site, "hashivault://ec", 5, "rejected B\n", &format!("{asking}{other}"));
    site.order("seal");
    let sealed = format!(
        "{asking}error: hashivault://ec cannot be used: its key manager is sealed
    public key: Error making API request.
    URL: GET https://127.0.0.1:8200/v1/transit/keys/ec
    Code: 503. Errors:
    * Vault is sealed
hint: ask an administrator to unseal it\n"
    );
    verify(&site, "hashivault://ec", 6, "", &sealed);
    verify(&site, "first.pub", 0, &accepted, "");
}
