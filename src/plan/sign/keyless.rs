//! Keyless signing: where the OIDC identity comes from. No token is read here.

use std::fmt;

use camino::Utf8PathBuf;

use super::super::Surroundings;
use super::super::secret::secret_in;
use super::super::value::not_empty;
use super::recording::{self, PlannedServices};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// A signature by an OIDC identity. It always has a log: its certificate is over in ten minutes,
/// and nothing else would show that the signature is not younger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeylessSigner {
    /// Who certifies the identity, and where the signature is recorded.
    pub(crate) sigstore: PlannedServices,
    /// The client ID at the issuer.
    pub(crate) client_id: Option<String>,
    /// Where the token comes from.
    pub(crate) token: TokenSource,
}

/// Where the identity token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// This file.
    File(Utf8PathBuf),
    /// The variable [`TOKEN`].
    Variable,
    /// Whoever tells a CI job or a workload its identity.
    Ambient(Provider),
    /// A person at the terminal, through a browser.
    Terminal,
}

/// The variable in which GitLab and others leave a token.
pub(crate) const TOKEN: &str = "SIGSTORE_ID_TOKEN";

/// What it is called, after `from`.
impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{path}"),
            Self::Variable => f.write_str(TOKEN),
            Self::Ambient(provider) => f.write_str(provider.name()),
            Self::Terminal => f.write_str("a person, who signs in at a terminal"),
        }
    }
}

impl Provider {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::Buildkite => "Buildkite",
            Self::Spiffe => "the SPIFFE workload API",
            Self::Google => "Google",
        }
    }
}

/// Whom cosign asks for a token, told by the variables that must be there and not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// GitHub Actions.
    GitHub,
    /// Buildkite.
    Buildkite,
    /// A SPIFFE workload API.
    Spiffe,
    /// Google, for an account that is impersonated.
    Google,
}

/// The first whose variables are there counts. The source is `pkg/providers` of cosign 3.1, without the
/// providers that need a disk or a metadata server to be recognised.
const AMBIENT: [(Provider, &[&str]); 4] = [
    (Provider::GitHub, &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"]),
    (Provider::Buildkite, &["BUILDKITE_AGENT_ACCESS_TOKEN"]),
    (Provider::Spiffe, &["SPIFFE_ENDPOINT_SOCKET"]),
    // Without the file of an account the machine's own identity would sign.
    (Provider::Google, &["GOOGLE_SERVICE_ACCOUNT_NAME", "GOOGLE_APPLICATION_CREDENTIALS"]),
];

/// The keyless signer that `args` name.
pub(super) fn signer(args: SigningArgs, surroundings: Surroundings<'_>) -> Result<KeylessSigner> {
    let sigstore = recording::services(&args)?;
    let issuer_is_typed = args.oidc_issuer.is_some();
    let token = token_source(args.identity_token, surroundings)?;
    match &token {
        // cosign would ask the provider all the same, for the usual audience.
        TokenSource::Ambient(provider) => {
            let typed =
                [("--oidc-issuer", issuer_is_typed), ("--oidc-client-id", args.oidc_client_id.is_some())];
            if let Some((flag, _)) = typed.iter().find(|(_, typed)| *typed) {
                return Err(Failure::usage(format!(
                    "{flag} has no effect: the identity token comes from {}",
                    provider.name()
                ))
                .hint(format!("leave out {flag}, or give --identity-token FILE")));
            }
        }
        TokenSource::Terminal if !issuer_is_typed && matches!(sigstore, PlannedServices::Named(_)) => {
            return Err(Failure::usage(
                "--keyless needs --oidc-issuer: it does not say where to sign in to this private Sigstore",
            )
            .hint("name the issuer with --oidc-issuer, or give --identity-token FILE"));
        }
        TokenSource::File(_) | TokenSource::Variable | TokenSource::Terminal => {}
    }
    Ok(KeylessSigner { sigstore, client_id: args.oidc_client_id.map(client_id).transpose()?, token })
}

fn client_id(id: String) -> Result<String> {
    if id.is_empty() {
        return Err(Failure::usage("--oidc-client-id: the client ID is empty")
            .hint("leave out --oidc-client-id for the usual one"));
    }
    Ok(id)
}

/// Where the token comes from: a file that was typed, else a CI job, else a person.
fn token_source(identity_token: Option<Utf8PathBuf>, surroundings: Surroundings<'_>) -> Result<TokenSource> {
    if let Some(path) = identity_token {
        if let Some(kind) = secret_in(path.as_str()) {
            return Err(Failure::usage(format!(
                "--identity-token: {kind} was given where a file belongs (not shown)"
            ))
            .hint("write the token to a file and give its path, or set SIGSTORE_ID_TOKEN"));
        }
        return not_empty(path, "--identity-token").map(TokenSource::File);
    }
    let is_set = |name: &&str| surroundings.environment.get(name).is_some_and(|value| !value.is_empty());
    if is_set(&TOKEN) {
        return Ok(TokenSource::Variable);
    }
    if let Some((provider, _)) = AMBIENT.iter().find(|(_, variables)| variables.iter().all(is_set)) {
        return Ok(TokenSource::Ambient(*provider));
    }
    if surroundings.terminal {
        return Ok(TokenSource::Terminal);
    }
    Err(Failure::usage(
        "--keyless has no identity: there is no --identity-token, no credential of a CI job and no terminal to sign in from",
    )
    .hint("give --identity-token FILE, set SIGSTORE_ID_TOKEN, or name a key with --signing-key"))
}
