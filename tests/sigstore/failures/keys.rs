//! Failures of the key when there is a log, too: the message does not name the log, and the log
//! records nothing.

use super::{LOG_1, RELEASES, Signing, nothing_is_left};
use crate::site::{REKOR_1, Site, TSA};

/// Returns the public key, and for a signature an error that looks like one of a log.
const MOCKING: &str = r#"
PATH=/usr/bin:/bin
case $2 in
  *publicKey*) printf '{"publicKey":{"publicKeyPEM":"%s"}}' "$(base64 -w 0 "${0%/bin/*}/cosign.pub")" ;;
  *) echo '{"errorMessage":"adding rekor v2 entry: Post \"http://localhost:3000/api/v1/log/entries\": dial tcp 127.0.0.1:3000: connect: connection refused"}' ;;
esac"#;

#[test]
fn do_not_name_the_log() {
    let site = Site::new();
    site.program("bin/sigstore-kms-mocking", MOCKING);
    let services =
        format!("--rekor-url {REKOR_1} --timestamp-server-url {TSA} --trusted-root site/trusted-root.json");
    let entries = site.entries("rekor1");
    for release in RELEASES {
        let fails = |key: &str, variables: &[(&str, &str)], notice, failure| {
            let words = format!("--signing-key {key} {services}");
            let signing = Signing { sandbox: &site, release, words: &words, notice };
            let run = variables.iter().fold(signing.run(), |run, (name, value)| run.env(name, value));
            signing.run_fails(&run, failure);
        };
        let vault = [("VAULT_ADDR", "https://localhost:1"), ("VAULT_TOKEN", "t")];
        fails(
            "hashivault://rekor",
            &vault,
            "",
            (
                6,
                "hashivault://rekor could not be reached: connection refused",
                "check the address, and that the server is running",
            ),
        );
        fails(
            "cosign.key",
            &[("COSIGN_PASSWORD", "wrong")],
            "",
            (
                4,
                "cosign.key cannot be decrypted: the password is wrong",
                "check COSIGN_PASSWORD; a newline at its end is part of the password",
            ),
        );
        if release != "v2.4.1" {
            fails(
                "mocking://k",
                &[],
                LOG_1,
                (
                    4,
                    "mocking://k was refused by its plugin",
                    "the text above is the plugin's; it gets only the variables of --kms-env",
                ),
            );
        }
    }
    nothing_is_left(&site);
    assert_eq!(site.entries("rekor1"), entries);
}
