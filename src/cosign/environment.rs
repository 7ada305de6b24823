//! What cosign finds in its environment: nothing but this. Pure.
//!
//! Any flag of cosign can be set by a variable `COSIGN_<FLAG>`, its SDKs read files below the home
//! directory that can name programs, and its HTTP clients obey proxies. So every run starts from
//! an empty environment, and gets what the table below gives the scheme of its key, or whoever gives it
//! an identity token. A run that needs no network gets a fence on top: a proxy that is not there.

mod provider_environment;

use std::collections::BTreeMap;
use std::ffi::OsString;

use camino::Utf8Path;

use self::provider_environment::{NOTHING, ProviderEnvironment, family, token_family};
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
    HandedOn(OsString),
    /// Typed by a person, or in a variable that the operator named. Printed in the same way.
    Secret(OsString),
    /// Set by aicr, and printed.
    Set(OsString),
}

/// Where a fenced run is sent: nothing listens there.
const CLOSED: &str = "http://127.0.0.1:1";

/// Trust stores and proxies of the site, for runs that reach anything.
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

/// Whose secrets a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder<'a> {
    /// Nobody's.
    Nobody,
    /// Those of a key.
    Key(&'a KeyRef),
    /// Those with which an identity is proven. A token in a variable is read by aicr, and handed on in a
    /// file.
    Identity(&'a TokenSource),
}

/// The environment of a run that needs neither secret nor network: `--help`, `version`, `verify-blob`.
pub(crate) fn bare(private: &Utf8Path) -> Variables {
    let mut variables = base(private);
    fence(&mut variables);
    variables
}

/// The environment of a run that fetches what the public Sigstore says of itself.
pub(crate) fn fetching(operator: &Environment, private: &Utf8Path) -> Variables {
    let mut variables = base(private);
    hand_on(&mut variables, operator, |name| NETWORK.contains(&name));
    variables
}

/// The environment of a run that uses the secrets of `holder`: `public-key` and `sign-blob`. `named` are
/// the variables of `--kms-env`; `told`: whether services are told.
pub(crate) fn with_secrets(
    holder: Holder<'_>,
    named: &[String],
    told: bool,
    operator: &Environment,
    search_path: &SearchPath,
    private: &Utf8Path,
) -> Variables {
    let family = holder.family();
    let needs_network = holder.needs_network() || told;
    let mut variables = base(private);
    hand_on(&mut variables, operator, |name| {
        family.hands_on(name) || (needs_network && NETWORK.contains(&name)) || (family.home && name == "HOME")
    });
    // What the operator names may hold anything.
    let key = holder.variable().filter(|_| matches!(holder, Holder::Key(_)));
    for name in named.iter().map(String::as_str).chain(key) {
        if let Some(value) = operator.get(name) {
            variables.insert(name.to_owned(), Value::Secret(value.to_owned()));
        }
    }
    if family.path
        && let Some(value) = search_path.value()
    {
        set(&mut variables, "PATH", value);
    }
    if needs_network {
        // From 2.6 on this stops the public root from being fetched.
        set(&mut variables, "TUF_MIRROR", CLOSED);
    } else {
        fence(&mut variables);
    }
    match holder {
        Holder::Key(key) => steer(key.scheme(), &mut variables),
        Holder::Identity(source) => keep_to(source, private, &mut variables),
        Holder::Nobody => {}
    }
    variables
}

/// Names of the operator's environment that could have meant something to this run and are kept
/// from it, so that nobody wonders why they had no effect.
pub(crate) fn ignored(holder: Holder<'_>, operator: &Environment) -> Vec<String> {
    let family = holder.family();
    operator
        .iter()
        .filter_map(|(name, _)| name.to_str())
        .filter(|name| {
            // A password that is set for another command of the same script is no surprise.
            let expected = *name == "COSIGN_PASSWORD" || holder.variable() == Some(name);
            let is_withheld = family.withheld.contains(name) || affects_every_run(name);
            is_withheld && !family.hands_on(name) && !expected
        })
        .map(ToOwned::to_owned)
        .collect()
}

/// The variables with which one usually signs in to the key's manager and that are not there, each with
/// what it is for; none if some way to sign in is complete. Not a fault by itself: there are files and
/// metadata services too.
pub(crate) fn missing(key: &KeyRef, operator: &Environment) -> Vec<(&'static str, &'static str)> {
    let ProviderEnvironment { variables, ways_in, .. } = family(key.scheme());
    let is_set = |name: &str| operator.get(name).is_some();
    let absent = |way: &&[&'static str]| way.iter().filter(|name| !is_set(name)).count();
    // One that is begun is meant, and the first is the usual one.
    let begun = ways_in.iter().filter(|way| way.iter().any(|name| is_set(name)));
    let way = begun.min_by_key(|way| absent(way)).or(ways_in.first());
    let lacks_region = key.scheme() == Scheme::Aws && lacks_region(key, is_set);
    let counts = |name: &str| {
        way.is_some_and(|way| way.contains(&name) && !is_set(name)) || (lacks_region && name == "AWS_REGION")
    };
    variables.iter().copied().filter(|(name, _)| counts(name)).collect()
}

/// Whether neither the reference of a key of AWS nor a variable says where it is; a profile may.
fn lacks_region(key: &KeyRef, is_set: impl Fn(&str) -> bool) -> bool {
    let told = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    key.as_cosign_arg().starts_with("awskms:///") && !told.into_iter().any(is_set)
}

impl<'a> Holder<'a> {
    /// What it is given.
    fn family(self) -> ProviderEnvironment {
        match self {
            Self::Key(key) => family(key.scheme()),
            Self::Identity(TokenSource::Ambient(provider)) => token_family(*provider),
            Self::Nobody | Self::Identity(_) => NOTHING,
        }
    }

    /// The variable that holds the key or token itself.
    fn variable(self) -> Option<&'a str> {
        match self {
            Self::Key(KeyRef::EnvVariable(name)) => Some(name.as_str()),
            Self::Identity(TokenSource::Variable) => Some(TOKEN),
            Self::Nobody | Self::Key(_) | Self::Identity(_) => None,
        }
    }

    fn needs_network(self) -> bool {
        match self {
            Self::Key(key) => key.needs_network(),
            Self::Identity(TokenSource::Ambient(_)) => true,
            Self::Nobody | Self::Identity(_) => false,
        }
    }
}

/// Hands on what is wanted of the operator's environment. A name that no shell can use could not be
/// written in a command that is shown.
fn hand_on(variables: &mut Variables, operator: &Environment, wanted: impl Fn(&str) -> bool) {
    for (name, value) in operator.iter().filter_map(|(name, value)| Some((name.to_str()?, value))) {
        if is_portable(name) && wanted(name) {
            variables.insert(name.to_owned(), Value::HandedOn(value.to_owned()));
        }
    }
}

/// Whether a shell can use it as the name of a variable (POSIX.1, 8.1).
fn is_portable(name: &str) -> bool {
    let letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

fn set(variables: &mut Variables, name: &str, value: impl Into<OsString>) {
    variables.insert(name.to_owned(), Value::Set(value.into()));
}

/// With no `HOME` the SDKs would read the home directory of the passwd file.
fn base(private: &Utf8Path) -> Variables {
    let mut variables = Variables::new();
    set(&mut variables, "HOME", private.join("home").into_string());
    set(&mut variables, "TMPDIR", private.join("tmp").into_string());
    set(&mut variables, "TUF_ROOT", private.join("home").into_string());
    set(&mut variables, "LANG", "C");
    variables
}

/// No command line needs this: a test shows that they are offline without it. It is for the bug
/// that nobody has met yet.
fn fence(variables: &mut Variables) {
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        set(variables, name, CLOSED);
    }
    set(variables, "NO_PROXY", "");
}

/// Without a token cosign asks every provider that it finds, whatever its flags say: the metadata service
/// of a cloud, and a SPIFFE agent at its usual place. None but the one that is meant is found.
fn keep_to(source: &TokenSource, private: &Utf8Path, variables: &mut Variables) {
    if matches!(source, TokenSource::File(_) | TokenSource::Variable) {
        return;
    }
    set(variables, "GCE_METADATA_HOST", CLOSED.trim_start_matches("http://"));
    if *source != TokenSource::Ambient(Provider::Google) {
        // Tried first, it fails at once: the closed port would be tried for three seconds.
        set(variables, "GOOGLE_APPLICATION_CREDENTIALS", private.join("no-account").into_string());
    }
    if *source != TokenSource::Ambient(Provider::Spiffe) {
        set(variables, "SPIFFE_ENDPOINT_SOCKET", private.join("no-agent").into_string());
    } else if let Some(Value::HandedOn(socket)) = variables.get("SPIFFE_ENDPOINT_SOCKET")
        && let Some(path) = socket.to_str().and_then(|socket| socket.strip_prefix("unix://"))
    {
        // The standard has it as a URI, and cosign takes a path alone.
        let path = path.to_owned();
        set(variables, "SPIFFE_ENDPOINT_SOCKET", path);
    }
}

/// Settings that keep a provider from asking where nobody sent it, unless the operator chose.
fn steer(scheme: Scheme, variables: &mut Variables) {
    let has = |variables: &Variables, name: &str| variables.contains_key(name);
    match scheme {
        // Else a file in the passwd home may name a command (cert_provider_command).
        Scheme::Gcp if !has(variables, "GOOGLE_API_USE_CLIENT_CERTIFICATE") => {
            set(variables, "GOOGLE_API_USE_CLIENT_CERTIFICATE", "false");
        }
        // Else it asks 169.254.169.254 twelve times although it has credentials.
        Scheme::Aws
            if !has(variables, "AWS_EC2_METADATA_DISABLED")
                && (has(variables, "AWS_ACCESS_KEY_ID") || has(variables, "AWS_PROFILE")) =>
        {
            set(variables, "AWS_EC2_METADATA_DISABLED", "true");
        }
        // Else it tries every other method after the one that was meant, metadata address included.
        Scheme::Azure if !has(variables, "AZURE_TOKEN_CREDENTIALS") => {
            let meant =
                if has(variables, "AZURE_CLIENT_SECRET") || has(variables, "AZURE_CLIENT_CERTIFICATE_PATH") {
                    "EnvironmentCredential"
                } else if has(variables, "AZURE_FEDERATED_TOKEN_FILE") {
                    "WorkloadIdentityCredential"
                } else if has(variables, "IDENTITY_ENDPOINT") {
                    "ManagedIdentityCredential"
                } else {
                    return;
                };
            set(variables, "AZURE_TOKEN_CREDENTIALS", meant);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
