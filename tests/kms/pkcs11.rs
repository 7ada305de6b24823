//! A key in a PKCS#11 token (`SoftHSM`), through a KMS plugin: upstream cosign supports PKCS#11
//! only if it is built for that.

use crate::proof::Proof;
use crate::sandbox::repository;
use crate::site::{Site, kms_home};

/// Puts the plugin for `softhsm://` on the PATH of the test directory.
pub(crate) fn install_plugin(site: &Site) {
    site.program(
        "bin/sigstore-kms-softhsm",
        &format!(
            "exec '{}/bin/python' '{}' \"$@\"",
            kms_home(),
            repository().join("tests/kms/servers/softhsm_plugin.py").display()
        ),
    );
}

#[test]
fn works_through_a_plugin() {
    let site = Site::with("softhsm", &[]);
    install_plugin(&site);
    let (module, configuration) = (site.of_server("module.so"), site.of_server("softhsm2.conf"));
    let variables =
        [("TOKEN_MODULE", module.as_str()), ("TOKEN_PIN", "1234"), ("SOFTHSM2_CONF", configuration.as_str())];
    let named = " --kms-env TOKEN_MODULE --kms-env TOKEN_PIN --kms-env SOFTHSM2_CONF";
    for key in ["softhsm://release/ec", "softhsm://release/rsa"] {
        let proof = Proof {
            site: &site,
            key,
            variables: &variables,
            sign_with: named,
            // `verify` gives a plugin no variables.
            verify_with: None,
            // SoftHSM writes to the system log.
            reaches: &["/dev/log"],
        };
        proof.holds_with(&["v2.6.1", "v3.0.2", "v3.1.3"]);
        proof.needs_every_variable();
    }
}

#[test]
fn is_not_supported_by_an_upstream_cosign() {
    let site = Site::with("softhsm", &[]);
    site.small_dist();
    site.aicr("bundle dist --output B --tlog-upload=false --signing-key pkcs11:token=release;object=ec?module-path=/module.so")
        .env("COSIGN_PKCS11_PIN", "1234")
        .stderr(
            "error: pkcs11:token=release;object=ec?module-path=/module.so is in a PKCS#11 token, which this build of cosign does not support
    opening pkcs11 token key: unimplemented
hint: use a cosign built with cgo and the pkcs11key tag, or a KMS plugin for the token\n",
        )
        .exits(3);
}
