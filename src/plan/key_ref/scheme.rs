//! The schemes of key references and their forms. The file of each provider checks what follows its
//! scheme.

use strsim::osa_distance;

/// Where a key is. This decides which variables cosign gets and whether a run needs a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scheme {
    /// AWS KMS.
    Aws,
    /// Google Cloud KMS.
    Gcp,
    /// Azure Key Vault.
    Azure,
    /// The transit engine of `HashiCorp` Vault.
    HashiVault,
    /// The transit engine of `OpenBao`; native in cosign from 3.1 on.
    OpenBao,
    /// A Kubernetes secret.
    K8s,
    /// A PKCS#11 token; only some builds of cosign have it.
    Pkcs11,
    /// A PEM in an environment variable.
    Env,
    /// A PEM file.
    File,
    /// A program `sigstore-kms-…` on the PATH; from cosign 2.6 on.
    Plugin,
}

/// Every scheme that is built into cosign: its name, and its form for hints.
const NATIVE: [(Scheme, &str, &str); 8] = [
    (Scheme::Aws, "awskms", "awskms:///alias/NAME"),
    (Scheme::Gcp, "gcpkms", "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K"),
    (Scheme::Azure, "azurekms", "azurekms://VAULT/KEY"),
    (Scheme::HashiVault, "hashivault", "hashivault://NAME"),
    (Scheme::OpenBao, "openbao", "openbao://NAME"),
    (Scheme::K8s, "k8s", "k8s://NAMESPACE/NAME"),
    (Scheme::Pkcs11, "pkcs11", "pkcs11:token=TOKEN;object=KEY?module-path=/PATH/MODULE.so"),
    (Scheme::Env, "env", "env://VARIABLE"),
];

impl Scheme {
    /// The native scheme of exactly this name, as cosign compares it: in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        NATIVE.iter().find(|(_, known, _)| *known == name).map(|(scheme, ..)| *scheme)
    }

    /// The native scheme of which `name` is a typo: the same but for upper case, or one letter
    /// wrong, missing, added, or swapped with its neighbour.
    pub(super) fn meant_by(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        NATIVE.iter().find(|(_, known, _)| osa_distance(&name, known) <= 1).map(|(scheme, ..)| *scheme)
    }

    /// The name in front of the colon; empty for a file, and for a plugin, which has its own.
    pub(crate) fn name(self) -> &'static str {
        NATIVE.iter().find(|(scheme, ..)| *scheme == self).map_or("", |(_, name, _)| name)
    }

    /// The form of a reference with placeholders in capitals.
    pub(super) fn form(self) -> &'static str {
        NATIVE.iter().find(|(scheme, ..)| *scheme == self).map_or("FILE", |(_, _, form)| form)
    }

    /// The separator between the name and the rest of the reference.
    pub(super) fn separator(self) -> &'static str {
        if self == Self::Pkcs11 { ":" } else { "://" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typo_is_recognised_and_two_are_not() {
        for (name, meant) in [
            ("awskms", Some(Scheme::Aws)),
            ("AWSKMS", Some(Scheme::Aws)),
            ("awskm", Some(Scheme::Aws)),
            ("awskmss", Some(Scheme::Aws)),
            ("awskns", Some(Scheme::Aws)),
            ("awsmks", Some(Scheme::Aws)),
            ("wskms", Some(Scheme::Aws)),
            ("gcp-kms", Some(Scheme::Gcp)),
            ("hashi-vault", Some(Scheme::HashiVault)),
            ("openboa", Some(Scheme::OpenBao)),
            ("awsxkyz", None),
            ("awsxys", None),
            ("aws", None),
            ("vault", None),
            ("yubihsm", None),
            ("", None),
        ] {
            assert_eq!(Scheme::meant_by(name), meant, "{name}");
        }
    }

    #[test]
    fn only_the_exact_name_is_a_native_scheme() {
        for (scheme, name, form) in NATIVE {
            assert_eq!(Scheme::named(name), Some(scheme));
            assert_eq!((scheme.name(), scheme.form()), (name, form));
            assert!(form.starts_with(&format!("{name}{}", scheme.separator())));
            assert_eq!(Scheme::named(&name.to_uppercase()), None);
        }
        assert_eq!((Scheme::File.name(), Scheme::File.form()), ("", "FILE"));
        assert_eq!(Scheme::Plugin.name(), "");
    }
}
