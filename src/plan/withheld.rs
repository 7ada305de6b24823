//! The one list of environment variables that cosign never gets: neither by a flag such as
//! `--kms-env`, nor with the variables of a key manager. `cosign::environment` reports those that
//! are set as ignored.

/// Prefixes of names that change any program (the loader's), or any run of cosign: each flag and
/// trust anchor can be set by a variable, and `COSIGN_INSECURE_IGNORE_TLOG=true` turns a refusal
/// into "Verified OK".
const PREFIXES: [&str; 5] = ["COSIGN_", "DYLD_", "LD_", "SIGSTORE_", "TUF_"];

/// The same for the runtime of Go, which can weaken TLS.
const GO_RUNTIME: &str = "GODEBUG";

/// Variables that weaken the TLS of the AWS client.
pub(crate) const AWS: &[&str] = &["AWS_TLS_INSECURE_SKIP_VERIFY"];

/// Variables that weaken the TLS of the client of `HashiCorp` Vault and `OpenBao`, or send its
/// requests to another server. It reads both prefixes, with either scheme.
pub(crate) const VAULT: &[&str] = &[
    "BAO_AGENT_ADDR",
    "BAO_HEADERS",
    "BAO_HTTP_PROXY",
    "BAO_PROXY_ADDR",
    "BAO_SKIP_VERIFY",
    "BAO_SRV_LOOKUP",
    "VAULT_AGENT_ADDR",
    "VAULT_HEADERS",
    "VAULT_HTTP_PROXY",
    "VAULT_PROXY_ADDR",
    "VAULT_SKIP_VERIFY",
    "VAULT_SRV_LOOKUP",
];

/// Variables that weaken a PKCS#11 module, make it write down the PIN, or load another module or
/// library into it.
pub(crate) const MODULES: &[&str] = &[
    "CKNFAST_DEBUG",
    "CKNFAST_DEBUGDIR",
    "CKNFAST_DEBUGFILE",
    "CKNFAST_FAKE_ACCELERATOR_LOGIN",
    "CKNFAST_OVERRIDE_SECURITY_ASSURANCES",
    "OPENSC_DEBUG",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PKCS11SPY",
    "PKCS11SPY_OUTPUT",
];

/// Variables that switch off the TLS checks of the languages in which helper programs are written.
const HELPERS: [&str; 3] =
    ["AZURE_CLI_DISABLE_CONNECTION_VERIFICATION", "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY"];

/// Two names with the prefix `COSIGN_` that set no flag. By custom they hold a key:
/// `env://COSIGN_PRIVATE_KEY`.
const KEY_PLACES: [&str; 2] = ["COSIGN_PRIVATE_KEY", "COSIGN_PUBLIC_KEY"];

/// Whether a variable of this name could change any run of cosign.
pub(crate) fn affects_every_run(name: &str) -> bool {
    name == GO_RUNTIME || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the operator may not name this variable in a flag.
pub(super) fn is_withheld(name: &str) -> bool {
    let weakens_a_client = [AWS, VAULT, MODULES, &HELPERS].iter().any(|names| names.contains(&name));
    !KEY_PLACES.contains(&name) && (affects_every_run(name) || weakens_a_client)
}
