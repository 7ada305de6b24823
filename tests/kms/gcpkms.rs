//! `gcpkms://`: the real client and Google's messages, with a server of the tests.

mod failures;

use crate::proof::{Proof, RELEASES};
use crate::site::Site;

const KEYS: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys";

#[test]
fn works_with_every_release() {
    let site = Site::with("gcp", &[]);
    let (account, authority) = (site.of_server("credentials.json"), site.of_server("ca.pem"));
    let variables =
        [("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    for key in ["ec", "rsa", "ec/cryptoKeyVersions/1"].map(|name| format!("{KEYS}/{name}")) {
        let proof = Proof {
            site: &site,
            key: &key,
            variables: &variables,
            sign_with: "",
            verify_with: Some(""),
            reaches: &["127.0.0.1:443"],
        };
        proof.holds_with(&[RELEASES[0], RELEASES[2], RELEASES[3]]);
        // The gRPC of 2.4 always asks the name server for its configuration.
        Proof { reaches: &["127.0.0.1:443", "127.0.0.1:53"], ..proof }.holds_with(&[RELEASES[1]]);
        proof.needs_every_variable();
    }
}

/// In a network with a proxy as the only exit.
#[test]
fn works_through_the_proxy_of_the_site() {
    let site = Site::with("gcp", &[]);
    let (account, authority) = (site.of_server("credentials.json"), site.of_server("ca.pem"));
    let variables = [
        ("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()),
        ("SSL_CERT_FILE", authority.as_str()),
        ("HTTPS_PROXY", "http://127.0.0.1:3128"),
    ];
    let proof = Proof {
        site: &site,
        key: &format!("{KEYS}/ec"),
        variables: &variables,
        sign_with: "",
        verify_with: Some(""),
        reaches: &["127.0.0.1:3128"],
    };
    // 2.4 resolves the name itself, even with a proxy.
    proof.holds_with(&[RELEASES[0], RELEASES[2], RELEASES[3]]);
}
