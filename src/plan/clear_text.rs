//! Addresses of key managers that are not encrypted: the variables that hold one, and whether its value
//! leads to another machine. Whoever is on the way there reads the token, and can answer in place of the
//! key manager.

use url::{Host, Url};

use super::key_ref::Scheme;
use super::service::{is_loopback, is_normal};
use crate::settings::Environment;

/// What may be asked without encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Near {
    /// This machine.
    Loopback,
    /// The metadata service of a cloud too: its addresses lead no further than to the host of a machine.
    Metadata,
}

/// The variables with an address that cosign gets for each scheme. `GCE_METADATA_HOST` has a host only.
const ADDRESSES: [(Scheme, &str, Near); 12] = [
    (Scheme::HashiVault, "VAULT_ADDR", Near::Loopback),
    (Scheme::OpenBao, "BAO_ADDR", Near::Loopback),
    (Scheme::OpenBao, "VAULT_ADDR", Near::Loopback),
    (Scheme::Aws, "AWS_ENDPOINT_URL", Near::Loopback),
    (Scheme::Aws, "AWS_ENDPOINT_URL_KMS", Near::Loopback),
    (Scheme::Aws, "AWS_ENDPOINT_URL_STS", Near::Loopback),
    (Scheme::Aws, "AWS_CONTAINER_CREDENTIALS_FULL_URI", Near::Metadata),
    (Scheme::Aws, "AWS_EC2_METADATA_SERVICE_ENDPOINT", Near::Metadata),
    (Scheme::Azure, "IDENTITY_ENDPOINT", Near::Metadata),
    (Scheme::Azure, "IMDS_ENDPOINT", Near::Metadata),
    (Scheme::Azure, "MSI_ENDPOINT", Near::Metadata),
    (Scheme::Gcp, HOST_ONLY, Near::Metadata),
];

/// Asked by plain `http://`, always.
const HOST_ONLY: &str = "GCE_METADATA_HOST";

/// The variable whose address would have cosign ask for this key over a network without encryption.
pub(crate) fn variable(scheme: Scheme, environment: &Environment) -> Option<&'static str> {
    ADDRESSES.iter().filter(|(of, ..)| *of == scheme).find_map(|(_, name, near)| {
        let value = environment.get(name)?.to_string_lossy();
        let address = if *name == HOST_ONLY { format!("http://{value}") } else { value.trim().to_owned() };
        let is_plain = address.to_ascii_lowercase().starts_with("http:");
        (is_plain && !value.is_empty() && !near.includes(&address)).then_some(*name)
    })
}

impl Near {
    fn includes(self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        let is_near = is_loopback(&url) || (self == Self::Metadata && is_metadata_service(&url));
        is_near && is_normal(&url, address)
    }
}

fn is_metadata_service(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => matches!(name, "metadata.google.internal" | "metadata"),
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            address.is_unicast_link_local() || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_machine_needs_encryption() {
        for value in [
            "http://192.0.2.1:8200",
            "HTTP://vault.example:8200",
            "hTTp://vault.example",
            " http://vault.example",
            "http:vault.example",
            "http://localhost.example",
            "http://localhost@vault.example",
            "http://2130706433:8200",
            "http://127.1",
            "http://169.254.169.254",
            "http://",
            "http://[2001:db8::1]",
        ] {
            let environment = Environment::of([("VAULT_ADDR", value)]);
            assert_eq!(variable(Scheme::HashiVault, &environment), Some("VAULT_ADDR"), "{value}");
            assert_eq!(variable(Scheme::OpenBao, &environment), Some("VAULT_ADDR"), "{value}");
            assert_eq!(variable(Scheme::Aws, &environment), None, "{value}");
        }
    }

    #[test]
    fn this_machine_and_encrypted_addresses_do_not() {
        for value in [
            "https://vault.example:8200",
            "HTTPS://192.0.2.1",
            "http://127.0.0.1:8200",
            "http://localhost",
            "http://[::1]:8200/",
            "unix:///run/vault.sock",
            "vault.example:8200",
            "",
        ] {
            let environment = Environment::of([("VAULT_ADDR", value)]);
            assert_eq!(variable(Scheme::HashiVault, &environment), None, "{value}");
        }
    }

    #[test]
    fn every_key_manager_has_its_variables() {
        for (scheme, name, _) in ADDRESSES {
            let value = if name == HOST_ONLY { "192.0.2.1:80" } else { "http://192.0.2.1" };
            assert_eq!(variable(scheme, &Environment::of([(name, value)])), Some(name));
        }
        for scheme in [Scheme::K8s, Scheme::Pkcs11, Scheme::Plugin, Scheme::File, Scheme::Env] {
            let environment = Environment::of([("VAULT_ADDR", "http://192.0.2.1")]);
            assert_eq!(variable(scheme, &environment), None);
        }
    }

    #[test]
    fn the_metadata_service_of_a_cloud_has_no_certificate() {
        for (scheme, name, value) in [
            (Scheme::Gcp, "GCE_METADATA_HOST", "metadata.google.internal"),
            (Scheme::Gcp, "GCE_METADATA_HOST", "169.254.169.254"),
            (Scheme::Gcp, "GCE_METADATA_HOST", "127.0.0.1:4000"),
            (Scheme::Aws, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[fd00:ec2::254]"),
            (Scheme::Aws, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
            (Scheme::Azure, "IDENTITY_ENDPOINT", "http://169.254.130.2:8081/msi/token?api-version=1"),
            (Scheme::Azure, "MSI_ENDPOINT", "http://[fe80::1]/msi"),
        ] {
            assert_eq!(variable(scheme, &Environment::of([(name, value)])), None, "{value}");
        }
    }
}
