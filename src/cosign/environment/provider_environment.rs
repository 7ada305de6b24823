//! The variables that cosign gets for each scheme of keys, and for each provider of identity
//! tokens, with the purpose of each. cosign gets no other variable of the operator's environment.
//!
//! The sets in `sign_in` were tested (`tests/kms`): with all of a set the key works, and without
//! any one of them it does not. The other variables are for other ways to sign in.

use crate::plan::key_ref::Scheme;
use crate::plan::sign::Provider;
use crate::plan::withheld;

/// The environment for one provider.
pub(super) struct ProviderEnvironment {
    /// The variables that cosign gets, and the purpose of each.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// The sets of variables of which each is enough to sign in.
    pub(super) sign_in: &'static [&'static [&'static str]],
    /// The variables that weaken this provider or send its requests elsewhere. cosign never gets
    /// them, and they are reported as ignored.
    pub(super) withheld: &'static [&'static str],
    /// Whether cosign gets the operator's home directory, which has credentials (`.aws`,
    /// `.config/gcloud`, `.vault-token`, `.kube`).
    pub(super) home: bool,
    /// Whether cosign gets the safe part of the PATH, because it runs programs that the operator
    /// configured.
    pub(super) path: bool,
}

impl ProviderEnvironment {
    /// Whether cosign gets this variable.
    pub(super) fn passes_on(&self, name: &str) -> bool {
        self.variables.iter().any(|(known, _)| *known == name)
    }
}

pub(super) const NOTHING: ProviderEnvironment =
    ProviderEnvironment { variables: &[], sign_in: &[], withheld: &[], home: false, path: false };

/// The environment for keys of this scheme.
pub(super) const fn of_scheme(scheme: Scheme) -> ProviderEnvironment {
    match scheme {
        Scheme::Gcp => GCP,
        Scheme::Aws => AWS,
        Scheme::Azure => AZURE,
        Scheme::HashiVault => VAULT,
        Scheme::OpenBao => OPENBAO,
        Scheme::K8s => K8S,
        Scheme::Pkcs11 => PKCS11,
        // The password of the key, whether the file is on disk or in a variable.
        Scheme::File | Scheme::Env => {
            ProviderEnvironment { variables: &[("COSIGN_PASSWORD", "the password of the key")], ..NOTHING }
        }
        // The plugin is a program on the PATH; --kms-env names the variables that it needs.
        Scheme::Plugin => ProviderEnvironment { path: true, ..NOTHING },
    }
}

/// The environment for identity tokens of a CI job or a workload. cosign's `pkg/providers` has the
/// variables that it reads.
pub(super) const fn of_token_provider(provider: Provider) -> ProviderEnvironment {
    match provider {
        Provider::GitHub => ProviderEnvironment {
            variables: &[
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the token of the job for such requests"),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "the address for such requests"),
            ],
            ..NOTHING
        },
        Provider::Buildkite => ProviderEnvironment {
            variables: &[
                ("BUILDKITE_AGENT_ACCESS_TOKEN", "the token of the job for such requests"),
                ("BUILDKITE_AGENT_ENDPOINT", "the address for such requests"),
                ("BUILDKITE_JOB_ID", "the ID of the job"),
            ],
            ..NOTHING
        },
        Provider::Spiffe => ProviderEnvironment {
            variables: &[("SPIFFE_ENDPOINT_SOCKET", "the socket of the workload API")],
            ..NOTHING
        },
        Provider::Google => ProviderEnvironment {
            variables: &[
                ("GOOGLE_SERVICE_ACCOUNT_NAME", "the account to impersonate"),
                ("GOOGLE_APPLICATION_CREDENTIALS", "the file of the account that may impersonate it"),
            ],
            ..NOTHING
        },
    }
}

const GCP: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("GOOGLE_APPLICATION_CREDENTIALS", "the file of the account"),
        ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "whether to send a client certificate"),
        ("GOOGLE_API_USE_MTLS_ENDPOINT", "whether to use the endpoint for client certificates"),
        ("GOOGLE_API_CERTIFICATE_CONFIG", "the file with the client certificate"),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "the project to bill, for the account of a person"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "the domain of another cloud of Google"),
        ("GCE_METADATA_HOST", "the address of the metadata service of a workload"),
    ],
    sign_in: &[&["GOOGLE_APPLICATION_CREDENTIALS"], &["GCE_METADATA_HOST"]],
    home: true,
    ..NOTHING
};

const AWS: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("AWS_ACCESS_KEY_ID", "the access key"),
        ("AWS_SECRET_ACCESS_KEY", "the secret of the access key"),
        ("AWS_SESSION_TOKEN", "the third part of temporary credentials"),
        ("AWS_PROFILE", "the profile in ~/.aws"),
        ("AWS_DEFAULT_PROFILE", "the same, by its older name"),
        ("AWS_CONFIG_FILE", "the configuration file, if not in ~/.aws"),
        ("AWS_SHARED_CREDENTIALS_FILE", "the credentials file, if not in ~/.aws"),
        ("AWS_REGION", "the region, if the reference names no endpoint"),
        ("AWS_DEFAULT_REGION", "the same, by its older name"),
        ("AWS_ROLE_ARN", "the role of a workload"),
        ("AWS_ROLE_SESSION_NAME", "the name of its sessions"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "the token that gives a workload its role"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "the address for credentials of a container"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "the same, for a container of ECS"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the token of a container for such requests"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "the same, in a file"),
        ("AWS_CA_BUNDLE", "the site's certificate authority"),
        ("AWS_ENDPOINT_URL", "the site's endpoint"),
        ("AWS_ENDPOINT_URL_KMS", "the same, for KMS only"),
        ("AWS_ENDPOINT_URL_STS", "the same, for the service that gives roles"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "whether to ignore endpoints in ~/.aws"),
        ("AWS_USE_FIPS_ENDPOINT", "whether to use FIPS 140 endpoints"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "whether to use IPv6 endpoints"),
        ("AWS_EC2_METADATA_DISABLED", "whether not to use the metadata service"),
        ("AWS_EC2_METADATA_V1_DISABLED", "whether not to use its first version"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "its address"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "its address family"),
        ("AWS_MAX_ATTEMPTS", "how often to try"),
        ("AWS_RETRY_MODE", "how to retry"),
    ],
    sign_in: &[
        &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        &["AWS_PROFILE"],
        &["AWS_DEFAULT_PROFILE"],
        &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"],
        &["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
    ],
    withheld: withheld::AWS,
    home: true,
    // A profile's credential_process is a program.
    path: true,
};

const AZURE: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("AZURE_TENANT_ID", "the tenant of the signer"),
        ("AZURE_CLIENT_ID", "the signer"),
        ("AZURE_CLIENT_SECRET", "the signer's secret"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "the signer's certificate and key, instead of a secret"),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "the password of that key"),
        ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "whether to send the chain of that certificate"),
        ("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "tenants besides that of the signer"),
        ("AZURE_FEDERATED_TOKEN_FILE", "the token of a workload in a cluster"),
        ("AZURE_ENVIRONMENT", "the cloud of a government or of China"),
        ("AZURE_TOKEN_CREDENTIALS", "the only way to sign in"),
        ("IDENTITY_ENDPOINT", "the address for a managed identity"),
        ("IDENTITY_HEADER", "the header of such requests"),
        ("IDENTITY_SERVER_THUMBPRINT", "the thumbprint of its certificate (Service Fabric)"),
        ("IMDS_ENDPOINT", "the same, on premises (Azure Arc)"),
        ("MSI_ENDPOINT", "the older address for a managed identity"),
        ("MSI_SECRET", "the secret of such requests"),
    ],
    sign_in: &[
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"],
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
        &["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
        &["MSI_ENDPOINT"],
    ],
    home: true,
    // No PATH: without credentials, cosign would run az, azd and pwsh from there.
    ..NOTHING
};

const VAULT: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("VAULT_ADDR", "the address of the server"),
        ("VAULT_TOKEN", "the token; without one, ~/.vault-token is read"),
        ("VAULT_CACERT", "the site's certificate authority"),
        ("VAULT_CAPATH", "a directory of such certificates"),
        ("VAULT_CACERT_BYTES", "that certificate itself"),
        ("VAULT_CLIENT_CERT", "the signer's certificate, if the server needs one"),
        ("VAULT_CLIENT_KEY", "the key of that certificate"),
        ("VAULT_TLS_SERVER_NAME", "the name in the server's certificate"),
        ("VAULT_NAMESPACE", "the namespace of the key"),
        ("VAULT_CLIENT_TIMEOUT", "how long to wait for an answer"),
        ("VAULT_MAX_RETRIES", "how often to retry"),
        ("TRANSIT_SECRET_ENGINE_PATH", "the mount path of the engine, if not transit"),
    ],
    sign_in: &[&["VAULT_ADDR", "VAULT_TOKEN"]],
    withheld: withheld::VAULT,
    home: true,
    path: false,
};

const OPENBAO: ProviderEnvironment = ProviderEnvironment {
    // Without BAO_CACERT: cosign 3.1 never reads it.
    variables: &[
        ("BAO_ADDR", "the address of the server"),
        ("BAO_TOKEN", "the token"),
        ("BAO_NAMESPACE", "the namespace of the key"),
        ("VAULT_ADDR", "the address of the server, by its older name"),
        ("VAULT_TOKEN", "the token, by its older name; without one, ~/.vault-token is read"),
        ("VAULT_CACERT", "the site's certificate authority"),
        ("VAULT_CAPATH", "a directory of such certificates"),
        ("VAULT_CACERT_BYTES", "that certificate itself"),
        ("VAULT_CLIENT_CERT", "the signer's certificate, if the server needs one"),
        ("VAULT_CLIENT_KEY", "the key of that certificate"),
        ("VAULT_TLS_SERVER_NAME", "the name in the server's certificate"),
        ("VAULT_NAMESPACE", "the namespace of the key, by its older name"),
        ("VAULT_CLIENT_TIMEOUT", "how long to wait for an answer"),
        ("VAULT_MAX_RETRIES", "how often to retry"),
        ("TRANSIT_SECRET_ENGINE_PATH", "the mount path of the engine, if not transit"),
    ],
    sign_in: &[&["BAO_ADDR", "BAO_TOKEN"], &["VAULT_ADDR", "VAULT_TOKEN"]],
    withheld: withheld::VAULT,
    home: true,
    path: false,
};

const K8S: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("KUBECONFIG", "the configuration file, if not in ~/.kube"),
        ("KUBERNETES_SERVICE_HOST", "the address of the cluster, from within"),
        ("KUBERNETES_SERVICE_PORT", "its port"),
    ],
    home: true,
    // Exec plugins of a kubeconfig are programs.
    path: true,
    ..NOTHING
};

/// A module has its own configuration, and a home directory that is private hides the usual place. The
/// names are those of the modules' documentation.
const PKCS11: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("COSIGN_PKCS11_PIN", "the PIN of the token"),
        ("COSIGN_PKCS11_MODULE_PATH", "the library of the token"),
        ("COSIGN_PKCS11_IGNORE_CERTIFICATE", "whether to ignore the token's certificate"),
        ("SOFTHSM2_CONF", "the configuration of SoftHSM"),
        ("KRYOPTIC_CONF", "the configuration of Kryoptic"),
        ("TPM2_PKCS11_STORE", "the directory of tpm2-pkcs11, if not in /etc"),
        ("TPM2_PKCS11_TCTI", "the TPM of tpm2-pkcs11, if not the first one"),
        ("YUBIHSM_PKCS11_CONF", "the configuration of YubiHSM 2"),
        ("P11NETHSM_CONFIG_FILE", "the configuration of NetHSM"),
        ("ChrystokiConfigurationPath", "the directory with the configuration of Luna"),
        ("CS_PKCS11_R3_CFG", "the configuration of Utimaco"),
        ("NFAST_HOME", "the directory of nShield, if not /opt/nfast"),
        ("CKNFAST_LOADSHARING", "whether several nShield modules are one token"),
        ("KMS_PKCS11_CONFIG", "the configuration of Google Cloud KMS as a token"),
        ("OPENSC_CONF", "the configuration of OpenSC"),
        ("P11_KIT_SERVER_ADDRESS", "the socket of a token that p11-kit shares"),
    ],
    withheld: withheld::MODULES,
    ..NOTHING
};
