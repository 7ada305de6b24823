//! Key references that are wrong, or that cosign would read in another way: refused before cosign
//! sees them, with the corrected form, from the flag and from the variable. Secrets in them are not
//! shown.

use super::{line, refused, test_directory};
use crate::sandbox::Sandbox;

/// Each reference is refused with this problem and this hint, by every command.
#[track_caller]
fn wrong(table: &[(&str, &str, &str)]) {
    let sandbox = test_directory();
    let before = sandbox.tree("");
    for (number, (reference, problem, hint)) in table.iter().enumerate() {
        let flag = format!("--signing-key={reference}");
        let (run, source) = match number % 4 {
            0 => (line(&sandbox, "doctor").env("AICR_SIGNING_KEY", reference), "AICR_SIGNING_KEY"),
            1 => (sandbox.aicr_with(["doctor", &flag]), "--signing-key"),
            2 => (sandbox.aicr_with(["bundle", "dist", "-o", "out", &flag]), "--signing-key"),
            _ => (line(&sandbox, "bundle-sign B").env("AICR_SIGNING_KEY", reference), "AICR_SIGNING_KEY"),
        };
        run.stderr(&format!("error: {source}: {problem}\nhint: {hint}\n")).exits(2);
        assert_eq!(sandbox.tree(""), before, "{reference}");
    }
}

const ARN: &str = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const THREE_SLASHES: &str =
    "cosign reads the part after awskms:// as a host name, so a key without an endpoint needs three slashes";
const GCP: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";

#[test]
fn key_managers_in_the_cloud() {
    let no_key = "the awskms reference has no key: it needs a key ID, alias/NAME or an ARN";
    wrong(&[
        (&format!("awskms://{ARN}"), THREE_SLASHES, &format!("write `awskms:///{ARN}`")),
        ("awskms://alias/x", THREE_SLASHES, "write `awskms:///alias/x`"),
        ("awskms:///release", no_key, "write `awskms:///alias/release` if that is the alias"),
        (
            ARN,
            "an ARN needs awskms:/// in front, or cosign looks for a file with that name",
            &format!("write `awskms:///{ARN}`"),
        ),
        (
            "gcpkms://projects/p/keyRings/r/cryptoKeys/k",
            "the gcpkms path lacks locations/L",
            "write `gcpkms://projects/p/locations/L/keyRings/r/cryptoKeys/k`",
        ),
        (
            &GCP["gcpkms://".len()..],
            "a Google Cloud resource name needs gcpkms:// in front, or cosign looks for a file with that name",
            &format!("write `{GCP}`"),
        ),
        (
            &GCP.to_lowercase(),
            "the parts of the gcpkms path are not in the form and order that cosign reads",
            &format!("write `{GCP}`"),
        ),
        (
            "azurekms://v.vault.azure.net/keys/release",
            "cosign would read `keys` as the name of the key",
            "write `azurekms://v.vault.azure.net/release`",
        ),
        (
            "azurekms://v.vault.azure.net",
            "the azurekms reference has no key",
            "write `azurekms://v.vault.azure.net/KEY`",
        ),
    ]);
}

#[test]
fn key_managers_on_site() {
    wrong(&[
        (
            "hashivault://a/b",
            "cosign reads one name after hashivault://, not a path",
            "write `hashivault://b` and set TRANSIT_SECRET_ENGINE_PATH=a",
        ),
        (
            "openbao://",
            "the part after openbao:// is not the name of a key",
            "write `openbao://NAME`; the address of the server goes into VAULT_ADDR",
        ),
        ("k8s://release", "the k8s reference has no namespace", "write `k8s://NAMESPACE/release`"),
        (
            "pkcs11:object=k",
            "the pkcs11 URI has no token: it needs token= or slot-id=",
            "write `pkcs11:token=TOKEN;object=KEY?module-path=/PATH/MODULE.so`",
        ),
        (
            "env://LD_PRELOAD",
            "env://LD_PRELOAD: this variable is never passed to cosign",
            "put the key into a variable with another name",
        ),
    ]);
}

#[test]
fn typos_in_the_scheme() {
    wrong(&[
        ("awskm:///alias/x", "`awskm://` is not a scheme; awskms:// is", "write `awskms:///alias/x`"),
        ("AWSKMS:///alias/x", "`AWSKMS://` is not a scheme; awskms:// is", "write `awskms:///alias/x`"),
        (
            &GCP.replace("gcpkms", "gpckms"),
            "`gpckms://` is not a scheme; gcpkms:// is",
            &format!("write `{GCP}`"),
        ),
        ("azurekm://v/k", "`azurekm://` is not a scheme; azurekms:// is", "write `azurekms://v/k`"),
        ("hashvault://k", "`hashvault://` is not a scheme; hashivault:// is", "write `hashivault://k`"),
        ("openba://k", "`openba://` is not a scheme; openbao:// is", "write `openbao://k`"),
        ("k8://ns/k", "`k8://` is not a scheme; k8s:// is", "write `k8s://ns/k`"),
        (
            "hashivault:k",
            "`hashivault:` is not the start of a key reference; hashivault:// is",
            "write `hashivault://k`",
        ),
    ]);
}

#[test]
fn references_to_other_things_than_keys() {
    wrong(&[
        (
            "https://example.com/cosign.key",
            "cosign would fetch the key from this web address, and a key from there is not checked",
            "download the key file, check it, and give its path",
        ),
        (
            "http://127.0.0.1/cosign.key",
            "cosign would fetch the key from this web address, and a key from there is not checked",
            "download the key file, check it, and give its path",
        ),
        (
            "github://owner/repository",
            "cosign would contact github, which is not a key manager",
            "give a key file, or `env://VARIABLE` with the name of the CI variable that holds the key",
        ),
        (
            "gitlab://group/project",
            "cosign would contact gitlab, which is not a key manager",
            "give a key file, or `env://VARIABLE` with the name of the CI variable that holds the key",
        ),
        ("file:///keys/cosign.key", "cosign does not read file:// references", "write `/keys/cosign.key`"),
        (
            "keys/a://b",
            "`keys/a://b` is neither a file nor a key reference that cosign can read",
            "give a key file by a path without `://`, or a key manager URI such as `awskms:///alias/NAME`",
        ),
        (
            "cosign.key ",
            "the key reference begins or ends with a blank",
            "remove it; a line break at the end is the usual cause",
        ),
        (
            "cosign\u{1b}[2J.key",
            "the key reference `cosign\\u{1b}[2J.key` contains control characters",
            "remove them",
        ),
    ]);
}

#[test]
fn secrets_are_not_shown() {
    let pin = "the key reference contains the PIN of a token (not shown)";
    let no_pin = "leave out pin-value= and set COSIGN_PKCS11_PIN";
    let credentials = "the key reference contains credentials (not shown)";
    let no_credentials = "leave out everything before the @; set the variables in which the key manager expects its credentials";
    let no_secret = "give a key file, a key manager URI, or `env://VARIABLE` with the name of the variable that holds the PEM";
    wrong(&[
        ("pkcs11:token=t;object=k?pin-value=hunter2", pin, no_pin),
        ("pkcs11:token=t;object=k?pin%2Dvalue=hunter2", pin, no_pin),
        ("awskms://me:hunter2@localhost/alias/x", credentials, no_credentials),
        ("hsm://me:hunter2@host/k", credentials, no_credentials),
        (
            "-----BEGIN EC PRIVATE KEY-----\nhunter2\n",
            "expected a key reference, found a PEM (not shown)",
            no_secret,
        ),
        ("hvs.hunter2hunter2hunter2", "expected a key reference, found a token (not shown)", no_secret),
        (
            "env://$hunter2",
            "the part after env:// is not the name of a variable (not shown: it may be the value)",
            "write `env://VARIABLE` with the name of the variable, without a dollar sign",
        ),
    ]);
}

/// A key that is not on the disk is refused before anything is built, too.
#[test]
fn keys_that_are_not_there() {
    refused(&[
        (
            "bundle dist -o out --signing-key hsm://slot/1?pin=hunter2 --tlog-upload=false",
            "hsm://slot/1?…: cosign has no such scheme, and the plugin sigstore-kms-hsm is not on the PATH",
            "install sigstore-kms-hsm, or use a key of another key manager",
        ),
        (
            "bundle dist -o out --signing-key nowhere.key --tlog-upload=false",
            "key file nowhere.key does not exist",
            "name a key manager URI, or the key file that `cosign generate-key-pair` writes",
        ),
        (
            "bundle-sign B --signing-key cosign.pub --tlog-upload=false",
            "key file cosign.pub is a public key",
            "sign with the private key; the public key is for verifying",
        ),
        (
            "bundle-sign B --signing-key env://NOWHERE --tlog-upload=false",
            "env://NOWHERE: the variable NOWHERE is not set",
            "set it to the content of the key file that `cosign generate-key-pair` writes",
        ),
    ]);
}

/// Valid references: two names for one key, and one of each scheme in a dry run, which contacts no
/// key manager.
#[test]
fn references_that_are_fine() {
    let sandbox = Sandbox::new();
    sandbox.small_dist().program("bin/sigstore-kms-hsm", "exit 1");
    let pem = sandbox.read("cosign.key");
    for reference in ["cosign.key", "./cosign.key", "env://PEM"] {
        sandbox
            .aicr_with(
                ["bundle", "dist", "-o", "out", "--force", "-q", "--tlog-upload=false", "--signing-key"]
                    .into_iter()
                    .chain([reference]),
            )
            .env("PEM", &pem)
            .succeeds();
        line(&sandbox, "verify out -q --key cosign.pub --insecure-ignore-tlog").succeeds();
    }
    for reference in [
        &format!("awskms:///{ARN}"),
        "awskms://localhost:4566/alias/x",
        &format!("{GCP}/cryptoKeyVersions/3"),
        "azurekms://v.vault.azure.net/release",
        "hashivault://release",
        "openbao://release",
        "k8s://release/cosign",
        "pkcs11:token=t;object=k?module-path=/m.so",
        "hsm://slot/1",
    ] {
        let words = ["bundle", "dist", "-o", "new", "--dry-run", "--tlog-upload=false", "--signing-key"];
        let run = sandbox.aicr_with(words.into_iter().chain([reference])).whatever_it_prints();
        let printed = String::from_utf8(run.succeeds().stdout).unwrap();
        assert!(printed.contains(&format!("--key={reference}")), "{printed}");
    }
    assert!(!sandbox.path("new").exists());
}
