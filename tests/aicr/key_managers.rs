//! What cosign is given for a key manager, and what a key manager may not be asked: the variables of
//! helper programs and modules, and addresses without encryption. A fake cosign has the key.

use crate::sandbox::Sandbox;

const NO_LOG: &str = "--tlog-upload=false --quiet";

/// A cosign that has the key `cosign.key` for every key manager, if `condition` holds.
fn with_a_key_manager(condition: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.unsigned();
    sandbox.fake_cosign(&format!(
        "TOP=${{0%/bin/*}}
         case $* in *--key=*:*)
           env >>\"$TOP/environment\"
           {{ {condition}; }} || {{ echo 'Error: a variable is missing' >&2; exit 1; }}
           export COSIGN_PASSWORD=
           for WORD; do
             shift
             case $WORD in --key=*) WORD=--key=$TOP/cosign.key ;; esac
             set -- \"$@\" \"$WORD\"
           done ;;
         esac
         exec \"$REAL\" \"$@\""
    ));
    sandbox
}

/// The module of a token, the exec plugin of a kubeconfig and the `credential_process` of a profile need
/// variables of their own.
#[test]
fn helper_programs_get_the_variables_that_are_named() {
    for key in ["k8s://ns/key", "awskms:///alias/key", "pkcs11:token=t;object=k?module-path=/m.so"] {
        let sandbox = with_a_key_manager("[ \"$SITE_TOKEN\" = t ] && [ -z \"$SITE_OTHER\" ]");
        let sign = |named: &str| {
            sandbox
                .aicr(&format!("bundle-sign B {NO_LOG} --signing-key {key} {named}"))
                .env("SITE_TOKEN", "t")
                .env("SITE_OTHER", "o")
        };
        sign("").whatever_it_prints().exits(4);
        sign("--kms-env SITE_TOKEN").succeeds();
        sandbox.aicr("verify B --key cosign.pub --insecure-ignore-tlog --quiet").succeeds();
        sign("--kms-env NODE_TLS_REJECT_UNAUTHORIZED")
            .stderr(
                "error: --kms-env: NODE_TLS_REJECT_UNAUTHORIZED is never passed to cosign: it could change what is checked or which service is contacted
hint: let the helper program read a variable with another name
",
            )
            .exits(2);
    }
}

#[test]
fn a_module_gets_its_configuration_and_nothing_that_weakens_it() {
    let sandbox = with_a_key_manager("[ \"$SOFTHSM2_CONF\" = /etc/softhsm2.conf ]");
    sandbox
        .aicr("bundle-sign B --tlog-upload=false --signing-key pkcs11:token=t;object=k?module-path=/m.so -q")
        .env("SOFTHSM2_CONF", "/etc/softhsm2.conf")
        .env("TPM2_PKCS11_STORE", "/var/lib/token")
        .env("YUBIHSM_PKCS11_CONF", "/etc/yubihsm.conf")
        .env("PKCS11SPY", "/tmp/other.so")
        .env("OPENSSL_CONF", "/tmp/openssl.cnf")
        .succeeds();
    let environment = sandbox.read("environment");
    for name in ["TPM2_PKCS11_STORE=/var/lib/token", "YUBIHSM_PKCS11_CONF=/etc/yubihsm.conf"] {
        assert!(environment.lines().any(|line| line == name), "{environment}");
    }
    assert!(!environment.contains("SPY") && !environment.contains("OPENSSL"), "{environment}");
}

#[test]
fn a_weakened_module_is_reported() {
    let sandbox = with_a_key_manager("true");
    let run = sandbox
        .aicr("bundle-sign B --tlog-upload=false --signing-key pkcs11:token=t;object=k?module-path=/m.so --dry-run")
        .env("PKCS11SPY", "/tmp/other.so")
        .env("CKNFAST_OVERRIDE_SECURITY_ASSURANCES", "all")
        .output();
    assert_eq!(
        String::from_utf8(run.stderr).unwrap(),
        "warning: CKNFAST_OVERRIDE_SECURITY_ASSURANCES, PKCS11SPY are ignored: use aicr's flags\n"
    );
}

/// The key that says whom to trust, and the token, would cross the network in the clear.
#[test]
fn a_key_manager_is_not_asked_whom_to_trust_without_encryption() {
    let sandbox = with_a_key_manager("true");
    sandbox.aicr(&format!("bundle-sign B --signing-key cosign.key {NO_LOG}")).succeeds();
    for (key, name, value) in [
        ("hashivault://release", "VAULT_ADDR", "http://192.0.2.1:8200"),
        ("hashivault://release", "VAULT_ADDR", "HTTP://vault.example:8200"),
        ("openbao://release", "BAO_ADDR", "http://vault.example:8200"),
        ("openbao://release", "VAULT_ADDR", "http://vault.example:8200"),
        ("awskms:///alias/release", "AWS_ENDPOINT_URL", "http://kms.example"),
        ("awskms:///alias/release", "AWS_ENDPOINT_URL_KMS", "http://kms.example"),
        ("azurekms://v.vault.azure.net/release", "IDENTITY_ENDPOINT", "http://192.0.2.1/token"),
        ("gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "GCE_METADATA_HOST", "192.0.2.1"),
    ] {
        sandbox
            .aicr(&format!("verify B --key {key} --insecure-ignore-tlog"))
            .env(name, value)
            .stderr(&format!(
                "error: --key {key}: {name} is a plain http:// address, so others on the network can choose the key
hint: set {name} to an https:// address, or give the public key in a file
"
            ))
            .exits(2);
        assert!(!sandbox.path("environment").exists(), "{value}: cosign was asked");
    }
    for value in ["https://vault.example:8200", "http://127.0.0.1:8200", "http://localhost:8200"] {
        sandbox
            .aicr("verify B --key hashivault://release --insecure-ignore-tlog --quiet")
            .env("VAULT_ADDR", value)
            .succeeds();
    }
}

#[test]
fn signing_through_an_address_without_encryption_is_warned_of() {
    let sandbox = with_a_key_manager("true");
    for (value, stderr) in [
        (
            "http://vault.example:8200",
            "warning: VAULT_ADDR is a plain http:// address: others on the network can read the credentials\n",
        ),
        ("http://127.0.0.1:8200", ""),
        ("https://vault.example:8200", ""),
    ] {
        for words in ["bundle-sign B --dry-run", "doctor"] {
            let run = sandbox
                .aicr(&format!("{words} --tlog-upload=false --signing-key hashivault://release"))
                .env("VAULT_ADDR", value)
                .output();
            assert_eq!(String::from_utf8(run.stderr).unwrap(), stderr, "{words}");
        }
    }
}
