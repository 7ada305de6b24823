//! Key managers that accept connections and never answer. aicr terminates cosign, which would wait
//! ten seconds or more, or without end.

use crate::site::Site;

/// The variables of a signer.
type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn the_timeout_ends_the_run() {
    let site = Site::with("silent", &[]);
    site.small_dist();
    let authority = site.of_server("ca.pem");
    let trusted = ("SSL_CERT_FILE", authority.as_str());
    let account = site.of_server("credentials.json");
    let google = [("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()), trusted];
    let aws = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), trusted];
    let vault = |address| [("VAULT_ADDR", address), ("VAULT_TOKEN", "signer"), ("VAULT_CACERT", &*authority)];
    let azure = [
        ("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111"),
        ("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222"),
        ("AZURE_CLIENT_SECRET", "the-secret"),
        trusted,
    ];
    let rows: [(&str, Variables<'_>); 8] = [
        ("awskms://127.0.0.1:443/alias/ec", &aws),
        ("awskms://127.0.0.1:444/alias/ec", &aws),
        ("hashivault://ec", &vault("https://127.0.0.1:443")),
        ("hashivault://ec", &vault("https://127.0.0.1:444")),
        ("hashivault://ec", &vault("https://192.0.2.1:8200")),
        ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/ec", &google),
        ("hanging://k", &[]),
        ("azurekms://rig.vault.azure.net/ec", &azure),
    ];
    site.program("bin/sigstore-kms-hanging", "exec tail -f /dev/null");
    for (key, variables) in rows {
        let before = site.tree("");
        let words = format!("bundle dist --output B --tlog-upload=false --timeout 3s --signing-key {key}");
        site.aicr_given(variables, &words).stderr(&format!(
            "error: {key} could not be reached in time: cosign public-key did not finish within 3s and was terminated
hint: --timeout gives it more time; a key manager or service that accepts connections but never answers is the usual cause\n"
        ))
        .exits(6);
        assert_eq!(site.tree(""), before, "{key}");
    }
}
