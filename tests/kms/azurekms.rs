//! `azurekms://`: the real client, with a vault and a token service of the tests. P-256 only: the
//! provider makes wrong RSA signatures.

mod failures;

use crate::proof::{Proof, RELEASES};
use crate::site::Site;

const KEYS: &str = "azurekms://rig.vault.azure.net";

/// The variables of a signer that has a secret.
fn secret(authority: &str) -> [(&str, &str); 4] {
    [
        ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
        ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
        ("AZURE_CLIENT_SECRET", "the-secret"),
        ("SSL_CERT_FILE", authority),
    ]
}

#[test]
fn works_with_every_release() {
    let site = Site::with("azure", &[]);
    let authority = site.of_server("ca.pem");
    let secret = secret(&authority);
    let version = format!("{KEYS}/ec/0123456789abcdef0123456789abcdef");
    let proof = Proof {
        site: &site,
        key: &format!("{KEYS}/ec"),
        variables: &secret,
        sign_with: "",
        verify_with: Some(""),
        reaches: &["127.0.0.1:443"],
    };
    proof.holds_with(&RELEASES);
    proof.needs_every_variable();
    Proof { key: &version, ..proof }.holds_with(&RELEASES);
    // The managed identity of an App Service. 2.2 and 2.4 request it from another address.
    let identity =
        [("IDENTITY_ENDPOINT", "http://127.0.0.1:8444/"), ("IDENTITY_HEADER", "the-secret"), secret[3]];
    let managed = Proof { variables: &identity, reaches: &["127.0.0.1:443", "127.0.0.1:8444"], ..proof };
    managed.holds_with(&RELEASES[2..]);
    managed.needs_every_variable();
}
