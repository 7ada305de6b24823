//! `hashivault://` and `openbao://`: a real `OpenBao` server with TLS, and a token with the minimal
//! permissions.

mod failures;

use crate::proof::{Proof, RELEASES};
use crate::site::Site;

const ADDRESS: &str = "https://127.0.0.1:8200";

#[test]
fn works_with_every_release() {
    let site = Site::with("openbao", &["ec=ecdsa-p256", "rsa=rsa-4096"]);
    let authority = site.of_server("ca.pem");
    let variables =
        [("VAULT_ADDR", ADDRESS), ("VAULT_TOKEN", "signer"), ("VAULT_CACERT", authority.as_str())];
    let proof = Proof {
        site: &site,
        key: "hashivault://ec",
        variables: &variables,
        sign_with: "",
        verify_with: Some(""),
        reaches: &["127.0.0.1:8200"],
    };
    proof.holds_with(&RELEASES);
    proof.needs_every_variable();
    // 2.2 makes signatures of another kind: see `lies`.
    Proof { key: "hashivault://rsa", ..proof }.holds_with(&RELEASES[1..]);
    // 3.1 is the first release with this scheme. It never reads BAO_CACERT.
    let variables = [("BAO_ADDR", ADDRESS), ("BAO_TOKEN", "signer"), ("VAULT_CACERT", authority.as_str())];
    let openbao = Proof { key: "openbao://ec", variables: &variables, ..proof };
    openbao.holds_with(&RELEASES[3..]);
    openbao.needs_every_variable();
}
