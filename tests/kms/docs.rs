//! The examples of `docs/key-managers.md`, run unchanged but for the names of the site.

use std::fs;

use crate::pkcs11;
use crate::sandbox::repository;
use crate::site::Site;

/// The shell lines of one example.
fn example(name: &str) -> String {
    let page = fs::read_to_string(repository().join("docs/key-managers.md")).unwrap();
    let start = format!("<!-- example: {name} -->\n```sh\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("there is no example {name}"));
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn every_example_works() {
    let page = fs::read_to_string(repository().join("docs/key-managers.md")).unwrap();
    /// A text of the page, and its replacement here.
    type Place = (&'static str, &'static str);
    let rows: [(&str, &str, &[&str], &[Place]); 5] = [
        ("gcpkms", "gcp", &[], &[("/etc/release/signer.json", "{server}credentials.json")]),
        ("awskms", "aws", &["ec=ECC_NIST_P256"], &[("kms.example", "127.0.0.1:4566")]),
        ("azurekms", "azure", &[], &[]),
        (
            "hashivault",
            "openbao",
            &["ec=ecdsa-p256"],
            &[("vault.example:8200", "127.0.0.1:8200"), ("/etc/release/ca.pem", "{server}ca.pem")],
        ),
        ("softhsm", "softhsm", &[], &[("/usr/lib/softhsm/libsofthsm2.so", "{server}module.so")]),
    ];
    assert_eq!(page.matches("<!-- example: ").count(), rows.len());
    for (name, server, arguments, places) in rows {
        let site = Site::with(server, arguments);
        pkcs11::install_plugin(&site);
        site.small_dist().remove("cosign.pub");
        let lines = places.iter().fold(example(name), |lines, (text, replacement)| {
            assert!(lines.contains(text), "{name}: {text}");
            lines.replace(text, &replacement.replace("{server}", &site.of_server("")))
        });
        let run = site.shell(&format!("set -e\n{lines}")).without("COSIGN_PASSWORD");
        let output = run
            .env("SSL_CERT_FILE", &site.of_server("ca.pem"))
            .env("SOFTHSM2_CONF", &site.of_server("softhsm2.conf"))
            .output();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && said[1].is_empty(), "{name}: {said:?}");
        assert!(
            said[0].contains("signed release-1.4\n") && said[0].contains("\naccepted release-1.4\n"),
            "{name}: {said:?}"
        );
    }
}
