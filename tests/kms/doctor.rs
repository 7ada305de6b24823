//! The whole output of `doctor` for a key in a key manager, as text and as JSON.

use serde_json::{Value, json};

use crate::site::Site;

const COMMAND: &str = "env -i HOME=\"$HOME\" LANG=C TMPDIR=PRIVATE_DIRECTORY/tmp TUF_MIRROR=http://127.0.0.1:1 TUF_ROOT=PRIVATE_DIRECTORY/home";
const FLAGS: &str = "--signing-config=PRIVATE_DIRECTORY/signing-config.json --trusted-root=PRIVATE_DIRECTORY/trusted-root.json --bundle=PRIVATE_DIRECTORY/bundle.json PRIVATE_DIRECTORY/checksums.txt";

#[test]
fn a_key_that_answers_and_one_that_does_not() {
    let site = Site::with("openbao", &["ec=ecdsa-p256", "p384=ecdsa-p384"]);
    let authority = site.of_server("ca.pem");
    let all =
        [("VAULT_ADDR", "https://127.0.0.1:8200"), ("VAULT_TOKEN", "signer"), ("VAULT_CACERT", &*authority)];
    let cosign = "cosign        {root}/bin/cosign, v3.1.3, supported (command line of 2.6 and later)\n";
    let passed_on = |count: usize, names: &[(&str, &str)]| {
        let mut lines = format!(
            "environment   cosign gets only these {count} variables
                HOME: passed on
                LANG: C
                TMPDIR: PRIVATE_DIRECTORY/tmp
                TUF_MIRROR: http://127.0.0.1:1
                TUF_ROOT: PRIVATE_DIRECTORY/home\n"
        );
        for (name, what) in names {
            lines = format!("{lines}                {name}: {what}\n");
        }
        lines
    };
    let passed = [("VAULT_ADDR", "passed on"), ("VAULT_CACERT", "passed on"), ("VAULT_TOKEN", "passed on")];
    let command = |variables: &str, key: &str| {
        format!(
            "command       {COMMAND} {variables} {{root}}/bin/cosign sign-blob --yes=true --key={key} {FLAGS}\n"
        )
    };
    let three = "VAULT_ADDR=\"$VAULT_ADDR\" VAULT_CACERT=\"$VAULT_CACERT\" VAULT_TOKEN=\"$VAULT_TOKEN\"";
    let doctor = |key: &str| format!("doctor --tlog-upload=false --signing-key {key}");

    // cosign exports the same key.
    site.remove("cosign.pub");
    let export =
        [site.cosign().to_str().unwrap(), "public-key", "--key=hashivault://ec", "--outfile=real.pub"];
    let run = all.iter().fold(site.program_run(export), |run, (name, value)| run.env(name, value));
    run.whatever_it_prints().succeeds();
    let sha256 = site.key_sha256("real.pub");
    site.aicr_given(&all, &format!("{} --public-key-out cosign.pub", doctor("hashivault://ec")))
        .stdout(&format!(
            "{cosign}key           hashivault://ec answers
                public key: in cosign.pub
                sha256:
                {sha256}
                type: ECDSA P-256
{}{}",
            passed_on(8, &passed),
            command(three, "hashivault://ec")
        ))
        .succeeds();
    assert_eq!(site.read("cosign.pub"), site.read("real.pub"));

    // The file exists with another key, and is not replaced.
    site.file("cosign.pub", site.read("other.pub"));
    site.aicr_given(&all, &format!("{} --public-key-out cosign.pub --quiet", doctor("hashivault://ec")))
        .stderr(
            "error: --public-key-out cosign.pub exists and is not this public key
hint: choose another file; aicr does not overwrite a key that somebody may trust\n",
        )
        .exits(2);
    assert_eq!(site.read("cosign.pub"), site.read("other.pub"));

    site.aicr_given(&all, &doctor("hashivault://p384"))
        .stdout(&format!(
            "{cosign}key           hashivault://p384 cannot be used\n{}{}",
            passed_on(8, &passed),
            command(three, "hashivault://p384")
        ))
        .stderr(
            "error: hashivault://p384 is ECDSA P-384, with which some releases of cosign make signatures that do not verify
hint: use an ECDSA P-256 key, or RSA with 2048 to 4096 bits\n",
        )
        .exits(2);

    let missing = [
        ("VAULT_ADDR", "passed on"),
        ("VAULT_CACERT", "passed on"),
        ("VAULT_TOKEN", "not set (the token; without one, ~/.vault-token is read)"),
    ];
    site.aicr_given(&all, &doctor("hashivault://ec"))
        .without("VAULT_TOKEN")
        .stdout(&format!(
            "{cosign}key           hashivault://ec cannot be used\n{}{}",
            passed_on(7, &missing).replacen(" variables", " variables; 1 more is usual and not set", 1),
            command("VAULT_ADDR=\"$VAULT_ADDR\" VAULT_CACERT=\"$VAULT_CACERT\"", "hashivault://ec")
        ))
        .stderr(
            "error: hashivault://ec cannot be used: there are no credentials for its key manager
    kms get: read .vault-token file: open {root}/home/.vault-token: no such file or directory
hint: set VAULT_TOKEN\n",
        )
        .exits(4);
}

#[test]
fn as_json() {
    let site = Site::with("gcp", &[]);
    let (account, authority) = (site.of_server("credentials.json"), site.of_server("ca.pem"));
    let variables =
        [("GOOGLE_APPLICATION_CREDENTIALS", account.as_str()), ("SSL_CERT_FILE", authority.as_str())];
    let key = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/disabled";
    let command = format!(
        "env -i GOOGLE_API_USE_CLIENT_CERTIFICATE=false GOOGLE_APPLICATION_CREDENTIALS=\"$GOOGLE_APPLICATION_CREDENTIALS\" HOME=\"$HOME\" LANG=C SSL_CERT_FILE=\"$SSL_CERT_FILE\" TMPDIR=PRIVATE_DIRECTORY/tmp TUF_MIRROR=http://127.0.0.1:1 TUF_ROOT=PRIVATE_DIRECTORY/home {} sign-blob --yes=true --key={key} {FLAGS}",
        site.path("bin/cosign").display()
    );
    let found =
        format!("{}, v3.1.3, supported (command line of 2.6 and later)", site.path("bin/cosign").display());
    let failure = json!({
        "exit": 4,
        "message": format!("{key} is disabled in the key manager"),
        "cosign": "transient error getting info from KMS: unable to find an enabled key version in GCP KMS: no more items in iterator",
        "hint": "enable a version of the key, or name one: …/cryptoKeyVersions/N",
    });
    let details = json!({
        "GOOGLE_API_USE_CLIENT_CERTIFICATE": "false",
        "GOOGLE_APPLICATION_CREDENTIALS": "passed on",
        "HOME": "passed on",
        "LANG": "C",
        "SSL_CERT_FILE": "passed on",
        "TMPDIR": "PRIVATE_DIRECTORY/tmp",
        "TUF_MIRROR": "http://127.0.0.1:1",
        "TUF_ROOT": "PRIVATE_DIRECTORY/home",
    });
    let check = |name, found: &str, details, error| json!({ "name": name, "found": found, "details": details, "error": error });
    let expected = json!({
        "schemaVersion": 1,
        "command": "doctor",
        "exit": 4,
        "cosign": { "path": site.path("bin/cosign"), "version": "v3.1.3", "dialect": "signing-config" },
        "bundles": [],
        "checks": [
            check("cosign", &found, json!({}), Value::Null),
            check("key", &format!("{key} cannot be used"), json!({}), failure),
            check("environment", "cosign gets only these 8 variables", details, Value::Null),
            check("command", &command, json!({}), Value::Null),
        ],
        "error": null,
    });
    let output = site
        .aicr_given(&variables, &format!("doctor --tlog-upload=false --format json --signing-key {key}"))
        .output();
    assert_eq!(output.status.code(), Some(4));
    let mut found = serde_json::from_slice::<Value>(&output.stdout).unwrap();
    for name in ["aicr", "time"] {
        assert!(found.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    assert_eq!(found, expected);
}
