//! `awskms://`: `MiniStack` behind TLS.

mod failures;

use crate::proof::{Proof, RELEASES};
use crate::site::Site;

const KEYS: &str = "awskms://127.0.0.1:4566/alias";

#[test]
fn works_with_every_release() {
    let site = Site::with("aws", &["ec=ECC_NIST_P256", "rsa=RSA_4096"]);
    let authority = site.of_server("ca.pem");
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("SSL_CERT_FILE", authority.as_str()),
    ];
    for key in ["ec", "rsa"].map(|name| format!("{KEYS}/{name}")) {
        let proof = Proof {
            site: &site,
            key: &key,
            variables: &variables,
            sign_with: "",
            verify_with: Some(""),
            reaches: &["127.0.0.1:4566"],
        };
        proof.holds_with(&RELEASES);
        proof.needs_every_variable();
    }
    // The form for AWS itself, where the region gives the endpoint.
    let variables =
        [("AWS_ENDPOINT_URL_KMS", "https://127.0.0.1:4566"), variables[0], variables[1], variables[2]];
    let proof = Proof {
        site: &site,
        key: "awskms:///alias/ec",
        variables: &variables,
        sign_with: "",
        verify_with: Some(""),
        reaches: &["127.0.0.1:4566"],
    };
    proof.holds_with(&RELEASES);
    proof.needs_every_variable();
}
