//! The command for which this program was written, as an operator types it, with its output.

use crate::sandbox::SMALL_SHA256;
use crate::site::Site;

const KEY: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/ec";

#[test]
fn a_bundle_signed_by_a_key_manager_without_a_log() {
    let site = Site::with("gcp", &[]);
    site.small_dist();
    let (account, authority) = (site.of_server("credentials.json"), site.of_server("ca.pem"));
    let variables =
        [("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    let doctor =
        format!("doctor --signing-key {KEY} --tlog-upload=false --public-key-out cosign.pub --quiet");
    std::fs::remove_file(site.path("cosign.pub")).unwrap();
    site.aicr_given(&variables, &doctor).succeeds();
    let key = site.key_sha256("cosign.pub");

    let command = format!("bundle dist/ --output release-1.4 --signing-key {KEY} --tlog-upload=false");
    let signed = site
        .aicr_given(&variables, &command)
        .stdout(&format!(
            "signed release-1.4
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {key}
  log none, timestamp none
verify it with:
  aicr verify release-1.4 --key {KEY} --insecure-ignore-tlog\n"
        ))
        .succeeds();
    let verified = site
        .aicr("verify release-1.4 --key cosign.pub --insecure-ignore-tlog")
        .stdout(&format!(
            "accepted release-1.4
  manifest sha256
    {SMALL_SHA256}
  2 files, 11 bytes
  key sha256
    {key}
  log none, timestamp none\n"
        ))
        .succeeds();
    let shown = |output: std::process::Output| String::from_utf8(output.stdout).unwrap();
    println!("$ aicr {command}\n{}", shown(signed));
    println!("$ aicr verify release-1.4 --key cosign.pub --insecure-ignore-tlog\n{}", shown(verified));

    let calls = "GetCryptoKey\nListCryptoKeyVersions\nGetPublicKey\n";
    assert_eq!(site.read("server/requests"), format!("{calls}{calls}{calls}AsymmetricSign\n"));
}
