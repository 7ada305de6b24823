//! The environment of every run of cosign. Pure.
//!
//! Any flag of cosign can be set by a variable `COSIGN_<FLAG>`, its SDKs read files in the home
//! directory that can name programs, and its HTTP clients use proxies. So every run starts with an
//! empty environment. It gets the variables that `provider_environment` lists for the scheme of its
//! key, or for the provider of its identity token. A run that needs no network also gets a fence: a
//! proxy on a closed port.

mod provider_environment;

use std::collections::BTreeMap;
use std::ffi::OsString;

use camino::Utf8Path;

use self::provider_environment::{NOTHING, ProviderEnvironment, of_scheme, of_token_provider};
use super::search_path::SearchPath;
use crate::plan::key_ref::{KeyRef, Scheme};
use crate::plan::sign::{Provider, TOKEN, TokenSource};
use crate::plan::withheld::affects_every_run;
use crate::settings::Environment;

/// The environment of a program: values by name.
pub(crate) type Variables = BTreeMap<String, Value>;

/// The value of a variable. Where it comes from decides how a command is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// From the operator's environment. Printed as `"$NAME"`, because it may be a secret.
    PassedOn(OsString),
    /// Typed by a person, or in a variable that the operator named. Printed in the same way.
    Secret(OsString),
    /// Set by aicr, and printed.
    Set(OsString),
}

/// The proxy of a fenced run: nothing listens there.
const CLOSED: &str = "http://127.0.0.1:1";

/// Trust stores and proxies of the site, for runs that need the network.
const NETWORK: [&str; 8] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// The secrets that a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretsOf<'a> {
    /// None.
    Nothing,
    /// Those of a key.
    Key(&'a KeyRef),
    /// Those that prove an identity. aicr reads a token in a variable, and passes it on in a file.
    Identity(&'a TokenSource),
}

/// The environment of a run that needs neither secret nor network: `--help`, `version`,
/// `verify-blob`.
pub(crate) fn bare(private: &Utf8Path) -> Variables {
    let mut variables = base(private);
    fence(&mut variables);
    variables
}

/// The environment of a run that fetches the files of the public Sigstore.
pub(crate) fn fetching(operator: &Environment, private: &Utf8Path) -> Variables {
    let mut variables = base(private);
    pass_on(&mut variables, operator, |name| NETWORK.contains(&name));
    variables
}

/// The environment of a run that uses secrets: `public-key` and `sign-blob`. `named` are the
/// variables of `--kms-env`; `records`: whether services record the signature.
pub(crate) fn with_secrets(
    secrets: SecretsOf<'_>,
    named: &[String],
    records: bool,
    operator: &Environment,
    search_path: &SearchPath,
    private: &Utf8Path,
) -> Variables {
    let provider = secrets.provider();
    let needs_network = secrets.needs_network() || records;
    let mut variables = base(private);
    pass_on(&mut variables, operator, |name| {
        provider.passes_on(name)
            || (needs_network && NETWORK.contains(&name))
            || (provider.home && name == "HOME")
    });
    // The variables that the operator names may hold any secret.
    let key = secrets.variable().filter(|_| matches!(secrets, SecretsOf::Key(_)));
    for name in named.iter().map(String::as_str).chain(key) {
        if let Some(value) = operator.get(name) {
            variables.insert(name.to_owned(), Value::Secret(value.to_owned()));
        }
    }
    if provider.path
        && let Some(value) = search_path.value()
    {
        set(&mut variables, "PATH", value);
    }
    if needs_network {
        // From 2.6 on, this keeps cosign from fetching the public root.
        set(&mut variables, "TUF_MIRROR", CLOSED);
    } else {
        fence(&mut variables);
    }
    match secrets {
        SecretsOf::Key(key) => steer(key.scheme(), &mut variables),
        SecretsOf::Identity(source) => keep_to(source, private, &mut variables),
        SecretsOf::Nothing => {}
    }
    variables
}

/// The variables that are set, that cosign would read, and that it does not get in any of these runs. They are
/// reported, so that their missing effect is no surprise.
pub(crate) fn ignored(runs: &[SecretsOf<'_>], operator: &Environment) -> Vec<String> {
    let is_withheld = |name: &str| affects_every_run(name) || runs.iter().any(|run| run.withholds(name));
    let is_expected = |name: &str| runs.iter().any(|run| run.passes_on(name));
    operator
        .iter()
        .filter_map(|(name, _)| name.to_str())
        // A password may be set for another command of the same script.
        .filter(|name| is_withheld(name) && !is_expected(name) && *name != "COSIGN_PASSWORD")
        .map(ToOwned::to_owned)
        .collect()
}

/// The usual variables for signing in to the key manager that are not set, each with its purpose.
/// None if one set of them is complete. They may be missing: there are credential files and
/// metadata services, too.
pub(crate) fn missing(key: &KeyRef, operator: &Environment) -> Vec<(&'static str, &'static str)> {
    let ProviderEnvironment { variables, sign_in, .. } = of_scheme(key.scheme());
    let is_set = |name: &str| operator.get(name).is_some();
    let absent = |names: &&[&'static str]| names.iter().filter(|name| !is_set(name)).count();
    // The set of which some variables are set is the intended one; otherwise the first is the usual
    // one.
    let started = sign_in.iter().filter(|names| names.iter().any(|name| is_set(name)));
    let intended = started.min_by_key(|names| absent(names)).or(sign_in.first());
    let lacks_region = key.scheme() == Scheme::Aws && lacks_region(key, is_set);
    let is_missing = |name: &str| {
        intended.is_some_and(|names| names.contains(&name) && !is_set(name))
            || (lacks_region && name == "AWS_REGION")
    };
    variables.iter().copied().filter(|(name, _)| is_missing(name)).collect()
}

/// Whether neither the reference of an AWS key nor a variable gives its region. A profile may give
/// it.
fn lacks_region(key: &KeyRef, is_set: impl Fn(&str) -> bool) -> bool {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    key.as_cosign_arg().starts_with("awskms:///") && !variables.into_iter().any(is_set)
}

impl<'a> SecretsOf<'a> {
    /// The environment that goes with them.
    fn provider(self) -> ProviderEnvironment {
        match self {
            Self::Key(key) => of_scheme(key.scheme()),
            Self::Identity(TokenSource::Ambient(provider)) => of_token_provider(*provider),
            Self::Nothing | Self::Identity(_) => NOTHING,
        }
    }

    /// Whether cosign would read a variable in such a run, and does not get it.
    fn withholds(self, name: &str) -> bool {
        self.provider().withheld.contains(&name)
    }

    /// Whether cosign gets a variable in such a run.
    fn passes_on(self, name: &str) -> bool {
        self.provider().passes_on(name) || self.variable() == Some(name)
    }

    /// The variable that holds the key or the token itself.
    fn variable(self) -> Option<&'a str> {
        match self {
            Self::Key(KeyRef::EnvVariable(name)) => Some(name.as_str()),
            Self::Identity(TokenSource::Variable) => Some(TOKEN),
            Self::Nothing | Self::Key(_) | Self::Identity(_) => None,
        }
    }

    fn needs_network(self) -> bool {
        match self {
            Self::Key(key) => key.needs_network(),
            Self::Identity(TokenSource::Ambient(_)) => true,
            Self::Nothing | Self::Identity(_) => false,
        }
    }
}

/// Copies the wanted variables of the operator's environment. A name that no shell accepts could
/// not be printed in a command.
fn pass_on(variables: &mut Variables, operator: &Environment, wanted: impl Fn(&str) -> bool) {
    for (name, value) in operator.iter().filter_map(|(name, value)| Some((name.to_str()?, value))) {
        if is_portable(name) && wanted(name) {
            variables.insert(name.to_owned(), Value::PassedOn(value.to_owned()));
        }
    }
}

/// Whether a shell accepts this name for a variable (POSIX.1, 8.1).
fn is_portable(name: &str) -> bool {
    let letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

fn set(variables: &mut Variables, name: &str, value: impl Into<OsString>) {
    variables.insert(name.to_owned(), Value::Set(value.into()));
}

/// Without `HOME`, the SDKs would use the home directory in the passwd file.
fn base(private: &Utf8Path) -> Variables {
    let mut variables = Variables::new();
    set(&mut variables, "HOME", private.join("home").into_string());
    set(&mut variables, "TMPDIR", private.join("tmp").into_string());
    set(&mut variables, "TUF_ROOT", private.join("home").into_string());
    set(&mut variables, "LANG", "C");
    variables
}

/// No command line needs this: a test shows that they are offline without it. It is for bugs that
/// are not known yet.
fn fence(variables: &mut Variables) {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        set(variables, name, CLOSED);
    }
    set(variables, "NO_PROXY", "");
}

/// Without a token, cosign tries every provider that it finds, whatever its flags are: the metadata
/// service of a cloud, and a SPIFFE agent at its usual path. Here it finds only the intended one.
fn keep_to(source: &TokenSource, private: &Utf8Path, variables: &mut Variables) {
    if matches!(source, TokenSource::File(_) | TokenSource::Variable) {
        return;
    }
    set(variables, "GCE_METADATA_HOST", CLOSED.trim_start_matches("http://"));
    if *source != TokenSource::Ambient(Provider::Google) {
        // cosign tries this first, and fails at once. It would try the closed port for three
        // seconds.
        set(variables, "GOOGLE_APPLICATION_CREDENTIALS", private.join("no-account").into_string());
    }
    if *source != TokenSource::Ambient(Provider::Spiffe) {
        set(variables, "SPIFFE_ENDPOINT_SOCKET", private.join("no-agent").into_string());
    } else if let Some(Value::PassedOn(socket)) = variables.get("SPIFFE_ENDPOINT_SOCKET")
        && let Some(path) = socket.to_str().and_then(|socket| socket.strip_prefix("unix://"))
    {
        // The standard has a URI here, and cosign needs a path.
        let path = path.to_owned();
        set(variables, "SPIFFE_ENDPOINT_SOCKET", path);
    }
}

/// Settings that keep a provider from other addresses than the intended one, unless the operator
/// has set them.
fn steer(scheme: Scheme, variables: &mut Variables) {
    let has = |variables: &Variables, name: &str| variables.contains_key(name);
    match scheme {
        // Otherwise a file in the passwd home directory may name a command (cert_provider_command).
        Scheme::Gcp if !has(variables, "GOOGLE_API_USE_CLIENT_CERTIFICATE") => {
            set(variables, "GOOGLE_API_USE_CLIENT_CERTIFICATE", "false");
        }
        // Otherwise it contacts 169.254.169.254 twelve times although it has credentials.
        Scheme::Aws
            if !has(variables, "AWS_EC2_METADATA_DISABLED")
                && (has(variables, "AWS_ACCESS_KEY_ID") || has(variables, "AWS_PROFILE")) =>
        {
            set(variables, "AWS_EC2_METADATA_DISABLED", "true");
        }
        // Otherwise it tries all other methods after the intended one, including the metadata
        // service.
        Scheme::Azure if !has(variables, "AZURE_TOKEN_CREDENTIALS") => {
            let intended =
                if has(variables, "AZURE_CLIENT_SECRET") || has(variables, "AZURE_CLIENT_CERTIFICATE_PATH") {
                    "EnvironmentCredential"
                } else if has(variables, "AZURE_FEDERATED_TOKEN_FILE") {
                    "WorkloadIdentityCredential"
                } else if has(variables, "IDENTITY_ENDPOINT") {
                    "ManagedIdentityCredential"
                } else {
                    return;
                };
            set(variables, "AZURE_TOKEN_CREDENTIALS", intended);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
