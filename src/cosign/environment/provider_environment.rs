//! The variables that each scheme's provider is given, and whoever gives an identity token, with the
//! reason for each. What is not in the table does not reach cosign.
//!
//! Those of `ways_in` were measured: with them the key is used, and without any one of them it is not
//! (`tests/kms`). The others serve ways to sign in that some sites have.

use crate::plan::key_ref::Scheme;
use crate::plan::sign::Provider;
use crate::plan::withheld;

/// What one scheme's provider is given.
pub(super) struct ProviderEnvironment {
    /// Names handed on, and what each is for.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// The variables that together are enough, each set of them.
    pub(super) ways_in: &'static [&'static [&'static str]],
    /// Names that weaken it, or lead its traffic elsewhere: never handed on, and said to be ignored.
    pub(super) withheld: &'static [&'static str],
    /// The operator's home directory: credentials lie below it (`.aws`, `.config/gcloud`,
    /// `.vault-token`, `.kube`).
    pub(super) home: bool,
    /// The safe part of the PATH: it runs programs that the operator configured.
    pub(super) path: bool,
}

impl ProviderEnvironment {
    /// Whether this variable is handed on.
    pub(super) fn hands_on(&self, name: &str) -> bool {
        self.variables.iter().any(|(known, _)| *known == name)
    }
}

pub(super) const NOTHING: ProviderEnvironment =
    ProviderEnvironment { variables: &[], ways_in: &[], withheld: &[], home: false, path: false };

/// The table.
pub(super) const fn family(scheme: Scheme) -> ProviderEnvironment {
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
        // The plugin is a program on the PATH; what it needs is named by --kms-env.
        Scheme::Plugin => ProviderEnvironment { path: true, ..NOTHING },
    }
}

/// The same for whoever gives a CI job or a workload its identity token. What cosign reads stands in its
/// `pkg/providers`.
pub(super) const fn token_family(provider: Provider) -> ProviderEnvironment {
    match provider {
        Provider::GitHub => ProviderEnvironment {
            variables: &[
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "what the job shows"),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "where it asks"),
            ],
            ..NOTHING
        },
        Provider::Buildkite => ProviderEnvironment {
            variables: &[
                ("BUILDKITE_AGENT_ACCESS_TOKEN", "what the job shows"),
                ("BUILDKITE_AGENT_ENDPOINT", "where it asks"),
                ("BUILDKITE_JOB_ID", "which job it is"),
            ],
            ..NOTHING
        },
        Provider::Spiffe => ProviderEnvironment {
            variables: &[("SPIFFE_ENDPOINT_SOCKET", "the socket of the workload API")],
            ..NOTHING
        },
        Provider::Google => ProviderEnvironment {
            variables: &[
                ("GOOGLE_SERVICE_ACCOUNT_NAME", "the account that is impersonated"),
                ("GOOGLE_APPLICATION_CREDENTIALS", "the file of the account that may do so"),
            ],
            ..NOTHING
        },
    }
}

const GCP: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("GOOGLE_APPLICATION_CREDENTIALS", "the file of the account"),
        ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "whether a client certificate is shown"),
        ("GOOGLE_API_USE_MTLS_ENDPOINT", "whether the endpoint for client certificates is used"),
        ("GOOGLE_API_CERTIFICATE_CONFIG", "where the client certificate is"),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "the project that is billed, for the account of a person"),
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "a cloud of Google's under another domain"),
        ("GCE_METADATA_HOST", "where the metadata service of a workload is"),
    ],
    ways_in: &[&["GOOGLE_APPLICATION_CREDENTIALS"], &["GCE_METADATA_HOST"]],
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
        ("AWS_CONFIG_FILE", "a configuration elsewhere than in ~/.aws"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials elsewhere than in ~/.aws"),
        ("AWS_REGION", "the region, where the reference names no endpoint"),
        ("AWS_DEFAULT_REGION", "the same, by its older name"),
        ("AWS_ROLE_ARN", "the role of a workload"),
        ("AWS_ROLE_SESSION_NAME", "the name of its sessions"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "the token with which a workload gets its role"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "where a container gets credentials"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "where a container of ECS gets credentials"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "what a container shows for them"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "the same, in a file"),
        ("AWS_CA_BUNDLE", "the site's certificate authority"),
        ("AWS_ENDPOINT_URL", "an endpoint of the site's own"),
        ("AWS_ENDPOINT_URL_KMS", "the same for KMS alone"),
        ("AWS_ENDPOINT_URL_STS", "the same for the service that gives roles"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "endpoints in ~/.aws do not count"),
        ("AWS_USE_FIPS_ENDPOINT", "endpoints that follow FIPS 140"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "endpoints that speak IPv6"),
        ("AWS_EC2_METADATA_DISABLED", "the metadata service is not asked"),
        ("AWS_EC2_METADATA_V1_DISABLED", "its first version is not spoken"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "where it is"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "how it is spoken to"),
        ("AWS_MAX_ATTEMPTS", "how often it is tried"),
        ("AWS_RETRY_MODE", "how it is tried again"),
    ],
    ways_in: &[
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
        ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "whether the chain of that certificate is sent"),
        ("AZURE_ADDITIONALLY_ALLOWED_TENANTS", "tenants besides that of the signer"),
        ("AZURE_FEDERATED_TOKEN_FILE", "the token of a workload in a cluster"),
        ("AZURE_ENVIRONMENT", "the cloud of a government, or of China"),
        ("AZURE_TOKEN_CREDENTIALS", "the one way to sign in that is tried"),
        ("IDENTITY_ENDPOINT", "where a managed identity is got"),
        ("IDENTITY_HEADER", "what is shown there"),
        ("IDENTITY_SERVER_THUMBPRINT", "whose certificate is expected there (Service Fabric)"),
        ("IMDS_ENDPOINT", "where a managed identity is got on premises (Azure Arc)"),
        ("MSI_ENDPOINT", "where a managed identity is got, of old"),
        ("MSI_SECRET", "what is shown there"),
    ],
    ways_in: &[
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"],
        &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
        &["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
        &["MSI_ENDPOINT"],
    ],
    home: true,
    // No PATH: without credentials it would run az, azd and pwsh from there.
    ..NOTHING
};

const VAULT: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("VAULT_ADDR", "where the server is"),
        ("VAULT_TOKEN", "the token; without one, ~/.vault-token is read"),
        ("VAULT_CACERT", "the site's certificate authority"),
        ("VAULT_CAPATH", "a directory of such"),
        ("VAULT_CACERT_BYTES", "the certificate itself"),
        ("VAULT_CLIENT_CERT", "the signer's certificate, where the server wants one"),
        ("VAULT_CLIENT_KEY", "the key of that certificate"),
        ("VAULT_TLS_SERVER_NAME", "the name in the server's certificate"),
        ("VAULT_NAMESPACE", "the namespace of the key"),
        ("VAULT_CLIENT_TIMEOUT", "how long an answer is waited for"),
        ("VAULT_MAX_RETRIES", "how often it is tried"),
        ("TRANSIT_SECRET_ENGINE_PATH", "where the engine is mounted, if not at transit"),
    ],
    ways_in: &[&["VAULT_ADDR", "VAULT_TOKEN"]],
    withheld: withheld::VAULT,
    home: true,
    path: false,
};

const OPENBAO: ProviderEnvironment = ProviderEnvironment {
    // BAO_CACERT is not among them: cosign 3.1 never reads it.
    variables: &[
        ("BAO_ADDR", "where the server is"),
        ("BAO_TOKEN", "the token"),
        ("BAO_NAMESPACE", "the namespace of the key"),
        ("VAULT_ADDR", "where the server is, by its older name"),
        ("VAULT_TOKEN", "the token, by its older name; without one, ~/.vault-token is read"),
        ("VAULT_CACERT", "the site's certificate authority"),
        ("VAULT_CAPATH", "a directory of such"),
        ("VAULT_CACERT_BYTES", "the certificate itself"),
        ("VAULT_CLIENT_CERT", "the signer's certificate, where the server wants one"),
        ("VAULT_CLIENT_KEY", "the key of that certificate"),
        ("VAULT_TLS_SERVER_NAME", "the name in the server's certificate"),
        ("VAULT_NAMESPACE", "the namespace of the key, by its older name"),
        ("VAULT_CLIENT_TIMEOUT", "how long an answer is waited for"),
        ("VAULT_MAX_RETRIES", "how often it is tried"),
        ("TRANSIT_SECRET_ENGINE_PATH", "where the engine is mounted, if not at transit"),
    ],
    ways_in: &[&["BAO_ADDR", "BAO_TOKEN"], &["VAULT_ADDR", "VAULT_TOKEN"]],
    withheld: withheld::VAULT,
    home: true,
    path: false,
};

const K8S: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("KUBECONFIG", "a configuration elsewhere than in ~/.kube"),
        ("KUBERNETES_SERVICE_HOST", "where the cluster is, from within"),
        ("KUBERNETES_SERVICE_PORT", "its port"),
    ],
    home: true,
    // Exec plugins of a kubeconfig are programs.
    path: true,
    ..NOTHING
};

const PKCS11: ProviderEnvironment = ProviderEnvironment {
    variables: &[
        ("COSIGN_PKCS11_PIN", "the PIN of the token"),
        ("COSIGN_PKCS11_MODULE_PATH", "the library of the token"),
        ("COSIGN_PKCS11_IGNORE_CERTIFICATE", "the token's certificate is not read"),
    ],
    ..NOTHING
};
