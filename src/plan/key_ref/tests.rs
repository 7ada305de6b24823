//! The table of key references: how each valid one is read, and the whole refusal of each wrong
//! one.

use super::*;

const UUID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn valid_references_reach_cosign_letter_by_letter() {
    use Scheme::{Aws, Azure, Env, File, Gcp, HashiVault, K8s, OpenBao, Pkcs11, Plugin};
    for (value, scheme, network) in [
        ("awskms:///alias/release", Aws, true),
        ("awskms:///alias/aws/s3", Aws, true),
        (&format!("awskms:///{UUID}"), Aws, true),
        ("awskms:///mrk-1234abcd12ab34cd56ef1234567890ab", Aws, true),
        ("awskms://kms-1.Example.com/alias/release", Aws, true),
        (&format!("awskms:///arn:aws:kms:us-east-2:111122223333:key/{UUID}"), Aws, true),
        ("awskms:///arn:aws-cn:kms:cn-north-1:111122223333:alias/release", Aws, true),
        ("awskms://localhost:4566/alias/release", Aws, true),
        ("awskms://[::1]:4566/alias/release", Aws, true),
        ("awskms://[::1]/alias/release", Aws, true),
        ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", Gcp, true),
        ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3", Gcp, true),
        ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/versions/3", Gcp, true),
        ("gcpkms://projects/locations/locations/l/keyRings/r/cryptoKeys/k", Gcp, true),
        ("azurekms://v.vault.azure.net/release", Azure, true),
        ("azurekms://v.vault.azure.net/release/0123456789abcdef0123456789abcdef", Azure, true),
        ("azurekms://v.vault.azure.net/keys/0123456789abcdef0123456789abcdef", Azure, true),
        ("hashivault://release-key.v1", HashiVault, true),
        ("hashivault://k", HashiVault, true),
        ("openbao://release", OpenBao, true),
        ("k8s://release/cosign-key", K8s, true),
        ("pkcs11:token=release;object=key?module-path=/usr/lib/softhsm/libsofthsm2.so", Pkcs11, false),
        ("pkcs11:slot-id=0;id=%4a%8d?module-path=/m.so&pin-source=file:/run/pin", Pkcs11, false),
        ("pkcs11:token=release;object=key", Pkcs11, false),
        ("env://COSIGN_PRIVATE_KEY", Env, false),
        ("cosign.key", File, false),
        ("-cosign.key", File, false),
        ("C:/keys/cosign.key", File, false),
        ("./awskms:x", File, false),
        // A typo of pkcs11: is recognised by the attributes after it; other schemes have none.
        ("awskns:x=y", File, false),
        ("pkcs12:x", File, false),
        ("yubihsm://slot/1", Plugin, true),
        ("my-hsm://key@partition", Plugin, true),
    ] {
        let key = KeyRef::parse(value).expect(value);
        assert_eq!(
            (key.as_cosign_arg().as_str(), key.scheme(), key.needs_network()),
            (value, scheme, network)
        );
        assert_eq!(key.to_string(), value);
        assert_eq!(key.plugin_program().is_some(), scheme == Plugin, "{value}");
    }
}

#[test]
fn a_plugin_is_named_by_its_scheme_and_its_query_is_masked() {
    let key = KeyRef::parse("my-hsm://slot/1?secret=hunter2").expect("a plugin reference");
    assert_eq!(key.plugin_program().as_deref(), Some("sigstore-kms-my-hsm"));
    assert_eq!(key.as_cosign_arg(), "my-hsm://slot/1?secret=hunter2");
    assert_eq!(key.to_string(), "my-hsm://slot/1?…");
}

#[track_caller]
fn refused(value: &str, problem: &str, hint: &str) {
    let error = KeyRef::parse(value).expect_err(value);
    assert_eq!((error.problem.as_str(), error.hint.as_str()), (problem, hint), "{value}");
}

#[test]
fn wrong_aws_references() {
    let slashes = "cosign reads the part after awskms:// as a host name, so a key without an endpoint needs three slashes";
    let no_key = "the awskms reference has no key: it needs a key ID, alias/NAME or an ARN";
    let endpoint = "the endpoint of the awskms reference is not a host name with an optional port";
    let endpoint_hint =
        "write `awskms://HOST:PORT/alias/NAME`, or `awskms:///alias/NAME` for the endpoint of the region";
    let arn = format!("arn:aws:kms:us-east-2:111122223333:key/{UUID}");
    refused(&format!("awskms://{arn}"), slashes, &format!("write `awskms:///{arn}`"));
    refused("awskms://alias/x", slashes, "write `awskms:///alias/x`");
    refused(&format!("awskms://{UUID}"), slashes, &format!("write `awskms:///{UUID}`"));
    refused("awskms://https://kms.example.com/alias/x", endpoint, endpoint_hint);
    for bad in
        ["kms.example.com:", ":443", "kms_1", "host:65536", "[::1", "[host]", "[]:443", "[::1]:x", "::1"]
    {
        refused(&format!("awskms://{bad}/alias/x"), endpoint, endpoint_hint);
    }
    for key in ["alias/x", UUID, &arn] {
        let right = format!("write `awskms:///{key}`");
        refused(&format!("awskms:////{key}"), "the awskms reference has a slash too many", &right);
    }
    refused("awskms:///release", no_key, "write `awskms:///alias/release` if that is the alias");
    let any = "write `awskms:///alias/NAME`, or the key ID or the key's ARN in place of `alias/NAME`";
    refused("awskms://", no_key, any);
    refused("awskms:///alias/", no_key, any);
    refused("awskms:////release", no_key, any);
    for bad in [
        "arn:aws:s3:us-east-2:111122223333:alias/x",
        "x:aws:kms:us-east-2:111122223333:alias/x",
        "arn:x:kms:us-east-2:111122223333:alias/x",
        "arn:aws:kms::111122223333:alias/x",
        "arn:aws:kms:us-east-2:1:alias/x",
        "arn:aws:kms:us-east-2:11112222333x:alias/x",
        "arn:aws:kms:us-east-2:111122223333:key/x",
        "arn:aws:kms:us-east-2:111122223333:alias/",
        "arn:aws:kms:us-east-2:111122223333",
    ] {
        refused(&format!("awskms:///{bad}"), no_key, any);
    }
    for bad in [
        &UUID[1..],
        &format!("{UUID}0"),
        &format!("-{UUID}"),
        &UUID.replace('a', "g"),
        "1234abcd1-2ab-34cd-56ef-1234567890ab",
        "mrk-release_1",
    ] {
        refused(
            &format!("awskms:///{bad}"),
            no_key,
            &format!("write `awskms:///alias/{bad}` if that is the alias"),
        );
    }
    refused(
        "awskms://kms.example.com/",
        no_key,
        "write `awskms://kms.example.com/alias/NAME`, or the key ID or the key's ARN in place of `alias/NAME`",
    );
}

#[test]
fn wrong_gcp_references() {
    let order = "the parts of the gcpkms path are not in the form and order that cosign reads";
    let right = "write `gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k`";
    refused(
        "gcpkms://projects/p/keyRings/r/cryptoKeys/k",
        "the gcpkms path lacks locations/L",
        "write `gcpkms://projects/p/locations/L/keyRings/r/cryptoKeys/k`",
    );
    refused(
        "gcpkms://projects/p/locations//keyRings/cryptoKeys/k",
        "the gcpkms path lacks locations/L and keyRings/R",
        "write `gcpkms://projects/p/locations/L/keyRings/R/cryptoKeys/k`",
    );
    refused(
        "gcpkms://",
        "the gcpkms path lacks projects/P and locations/L and keyRings/R and cryptoKeys/K",
        "write `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K`",
    );
    refused("gcpkms://locations/l/projects/p/keyRings/r/cryptoKeys/k", order, right);
    refused("gcpkms://projects/p/locations/l/keyrings/r/cryptokeys/k", order, right);
    refused("gcpkms:///projects/p/locations/l/keyRings/r/cryptoKeys/k", order, right);
    refused("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/", order, right);
    refused("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/x/3", order, right);
    refused(
        "gcpkms://projects//locations/l/keyRings/r/cryptoKeys/k",
        "the gcpkms path lacks projects/P",
        "write `gcpkms://projects/P/locations/l/keyRings/r/cryptoKeys/k`",
    );
    refused(
        "gcpkms://projects/versions/locations/l/keyRings/r/cryptoKeys",
        "the gcpkms path lacks projects/P and cryptoKeys/K",
        "write `gcpkms://projects/P/locations/l/keyRings/r/cryptoKeys/K/cryptoKeyVersions/N`",
    );
    refused(
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/versions/",
        order,
        "write `gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/N`",
    );
    refused(
        "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions",
        order,
        "write `gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/N`",
    );
    refused(
        "projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "a Google Cloud resource name needs gcpkms:// in front, or cosign looks for a file with that name",
        right,
    );
}

#[test]
fn wrong_azure_references() {
    let no_key = "the azurekms reference has no key";
    let keys = "cosign would read `keys` as the name of the key";
    refused("azurekms://v.vault.azure.net", no_key, "write `azurekms://v.vault.azure.net/KEY`");
    refused("azurekms://v.vault.azure.net/", no_key, "write `azurekms://v.vault.azure.net/KEY`");
    refused("azurekms://", "the azurekms reference has no vault", "write `azurekms://VAULT/KEY`");
    refused("azurekms:///k", "the azurekms reference has no vault", "write `azurekms://VAULT/KEY`");
    refused("azurekms://v/keys/k", keys, "write `azurekms://v/k`");
    refused("azurekms://v/keys/k/1", keys, "write `azurekms://v/k/1`");
    for name in ["0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdeg"] {
        refused(&format!("azurekms://v/keys/{name}"), keys, &format!("write `azurekms://v/{name}`"));
    }
    refused("azurekms://v/keys", no_key, "write `azurekms://v/KEY`");
    refused("azurekms://v/keys/", no_key, "write `azurekms://v/KEY`");
    refused("azurekms://v/keys//x", no_key, "write `azurekms://v/KEY`");
    refused("azurekms://v/keys/k/", keys, "write `azurekms://v/k`");
    refused("azurekms://v//1", no_key, "write `azurekms://v/KEY`");
    refused("azurekms:///keys/k", "the azurekms reference has no vault", "write `azurekms://VAULT/KEY`");
    refused("azurekms://v/k/", "the azurekms reference ends in a slash", "write `azurekms://v/k`");
    refused(
        "azurekms://v/k/1-A",
        "the version of the azurekms key is not lower-case letters and digits",
        "write `azurekms://v/k/VERSION`",
    );
    for (value, hint) in [
        ("azurekms://v/k/1/2", "write `azurekms://v/k/VERSION`"),
        ("azurekms://v/k/1/2/3", "write `azurekms://v/k/VERSION`"),
        ("azurekms://v/keys/k/1/2", "write `azurekms://v/keys/VERSION`"),
    ] {
        refused(value, "the azurekms reference has more parts than vault, key and version", hint);
    }
}

#[test]
fn wrong_transit_and_kubernetes_references() {
    refused(
        "hashivault://a/b",
        "cosign reads one name after hashivault://, not a path",
        "write `hashivault://b` and set TRANSIT_SECRET_ENGINE_PATH=a",
    );
    refused(
        "openbao://team/transit/keys/b",
        "cosign reads one name after openbao://, not a path",
        "write `openbao://b` and set TRANSIT_SECRET_ENGINE_PATH=team/transit",
    );
    refused(
        "hashivault:///b",
        "cosign reads one name after hashivault://, without slashes",
        "write `hashivault://b`",
    );
    for name in ["", "vault.example.com:8200/b", "-k", "k.", "a+b", "a/-b"] {
        refused(
            &format!("hashivault://{name}"),
            "the part after hashivault:// is not the name of a key",
            "write `hashivault://NAME`; the address of the server goes into VAULT_ADDR",
        );
    }
    refused("k8s://key", "the k8s reference has no namespace", "write `k8s://NAMESPACE/key`");
    refused("k8s:///key", "the k8s reference has no namespace", "write `k8s://NAMESPACE/key`");
    let parts = "the k8s reference needs a namespace and the name of a secret";
    for rest in ["", "/", "a/", "a/b/c"] {
        refused(&format!("k8s://{rest}"), parts, "write `k8s://NAMESPACE/NAME`");
    }
}

#[test]
fn wrong_pkcs11_uris_and_variables() {
    let form = "write `pkcs11:token=TOKEN;object=KEY?module-path=/PATH/MODULE.so`";
    let pin = "the key reference contains the PIN of a token (not shown)";
    let pin_hint = "leave out pin-value= and set COSIGN_PKCS11_PIN";
    refused("pkcs11:token=t;object=k?pin-value=1234", pin, pin_hint);
    refused("pkcs11:token=t;object=k?module-path=/m.so?pin-value=1234", pin, pin_hint);
    refused("pkcs11:token=t;object=k?module-path=/m.so&pin%2Dvalue=1234", pin, pin_hint);
    refused("pkcs11:token=t;PIN-VALUE=1234;object=k", pin, pin_hint);
    refused("pkcs1:token=t?pin-value=1234", pin, pin_hint);
    refused("pkcs11://token=t;object=k", "a pkcs11 URI has no slashes after the colon", form);
    refused(
        "pkcs11:token=t;object=#1",
        "the pkcs11 URI contains a `#`, and cosign ignores the rest",
        "write `%23` for a `#` in a label",
    );
    refused("pkcs11:object=k", "the pkcs11 URI has no token: it needs token= or slot-id=", form);
    refused("pkcs11:token=;object=k", "the pkcs11 URI has no token: it needs token= or slot-id=", form);
    refused("pkcs11:token=t", "the pkcs11 URI has no key: it needs object= or id=", form);
    refused(
        "pkcs11:slot-id=a;object=k",
        "the slot-id of the pkcs11 URI is not a number",
        "write `slot-id=0`",
    );
    refused(
        "env://$KEY",
        "the part after env:// is not the name of a variable (not shown: it may be the value)",
        "write `env://VARIABLE` with the name of the variable, without a dollar sign",
    );
    refused(
        "env://LD_PRELOAD",
        "env://LD_PRELOAD: this variable is never passed to cosign",
        "put the key into a variable with another name",
    );
}

#[test]
fn schemes_that_are_not_key_managers() {
    refused(
        "https://example.com/cosign.key",
        "cosign would fetch the key from this web address, and a key from there is not checked",
        "download the key file, check it, and give its path",
    );
    refused(
        "HTTP://token@example.com/k",
        "cosign would fetch the key from this web address, and a key from there is not checked",
        "download the key file, check it, and give its path",
    );
    refused(
        "gitlab://group/project",
        "cosign would contact gitlab, which is not a key manager",
        "give a key file, or `env://VARIABLE` with the name of the CI variable that holds the key",
    );
    refused("file:///keys/cosign.key", "cosign does not read file:// references", "write `/keys/cosign.key`");
    let neither =
        "give a key file by a path without `://`, or a key manager URI such as `awskms:///alias/NAME`";
    refused("keys/a://b", "`keys/a://b` is neither a file nor a key reference that cosign can read", neither);
    refused("://b", "`://b` is neither a file nor a key reference that cosign can read", neither);
    refused("-hsm://k", "`-hsm://k` is neither a file nor a key reference that cosign can read", neither);
    refused("hsm://", "`hsm://` is neither a file nor a key reference that cosign can read", neither);
    refused("a b://x?k=v", "`a b://x?…` is neither a file nor a key reference that cosign can read", neither);
}

#[test]
fn typos_in_the_scheme_are_corrected() {
    for (value, problem, hint) in [
        ("awskm:///alias/x", "`awskm://` is not a scheme; awskms:// is", "write `awskms:///alias/x`"),
        ("AWSKMS:///alias/x", "`AWSKMS://` is not a scheme; awskms:// is", "write `awskms:///alias/x`"),
        ("awsmks://alias/x", "`awsmks://` is not a scheme; awskms:// is", "write `awskms:///alias/x`"),
        (
            "gcpkm://projects/p",
            "`gcpkm://` is not a scheme; gcpkms:// is",
            "write `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K`",
        ),
        ("azurekm://v/k", "`azurekm://` is not a scheme; azurekms:// is", "write `azurekms://v/k`"),
        ("hashvault://k", "`hashvault://` is not a scheme; hashivault:// is", "write `hashivault://k`"),
        ("openba://k", "`openba://` is not a scheme; openbao:// is", "write `openbao://k`"),
        ("k8://ns/k", "`k8://` is not a scheme; k8s:// is", "write `k8s://ns/k`"),
        ("envs://KEY", "`envs://` is not a scheme; env:// is", "write `env://KEY`"),
        (
            "pksc11://token=t;object=k",
            "`pksc11://` is not a scheme; pkcs11: is",
            "write `pkcs11:token=t;object=k`",
        ),
        (
            "PKCS11:token=t;object=k",
            "`PKCS11:` is not the start of a key reference; pkcs11: is",
            "write `pkcs11:token=t;object=k`",
        ),
        (
            "pkcs1:token=t;object=k",
            "`pkcs1:` is not the start of a key reference; pkcs11: is",
            "write `pkcs11:token=t;object=k`",
        ),
        (
            "awskms:/alias/x",
            "`awskms:` is not the start of a key reference; awskms:// is",
            "write `awskms:///alias/x`",
        ),
        (
            "hashivault:k",
            "`hashivault:` is not the start of a key reference; hashivault:// is",
            "write `hashivault://k`",
        ),
        ("env:", "`env:` is not the start of a key reference; env:// is", "write `env://VARIABLE`"),
    ] {
        refused(value, problem, hint);
    }
    let arn = "arn:aws:kms:us-east-2:111122223333:alias/x";
    refused(
        arn,
        "an ARN needs awskms:/// in front, or cosign looks for a file with that name",
        &format!("write `awskms:///{arn}`"),
    );
}

#[test]
fn text_that_is_not_a_reference() {
    let blank = "the key reference begins or ends with a blank";
    let blank_hint = "remove it; a line break at the end is the usual cause";
    let secret_hint = "give a key file, a key manager URI, or `env://VARIABLE` with the name of the variable that holds the PEM";
    refused("", "the key reference is empty", "give a key manager URI or a key file");
    refused(" cosign.key", blank, blank_hint);
    refused("awskms:///alias/x\n", blank, blank_hint);
    refused("\u{a0}", blank, blank_hint);
    refused(
        "cosign\u{1b}[2J.key",
        "the key reference `cosign\\u{1b}[2J.key` contains control characters",
        "remove them",
    );
    refused(
        "awskms://me:hunter2@host/alias/x\u{202e}",
        "the key reference contains control characters",
        "remove them",
    );
    refused(
        "-----BEGIN EC PRIVATE KEY-----\nMHcC\n",
        "expected a key reference, found a PEM (not shown)",
        secret_hint,
    );
    refused("hvs.CAESIJ0123456789abcdef", "expected a key reference, found a token (not shown)", secret_hint);
    let credentials = "the key reference contains credentials (not shown)";
    let credentials_hint = "leave out everything before the @; set the variables in which the key manager expects its credentials";
    refused("awskms://user:hunter2@localhost/alias/x", credentials, credentials_hint);
    refused("azurekms://hunter2@v/k", credentials, credentials_hint);
    refused("awskm://hunter2@localhost/alias/x", credentials, credentials_hint);
    refused("hsm://user:hunter2@host/k", credentials, credentials_hint);
}
