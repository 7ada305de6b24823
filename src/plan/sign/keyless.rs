//! Keyless signing: where the OIDC identity token comes from. No token is read here.

use std::fmt;

use camino::Utf8PathBuf;

use super::super::Surroundings;
use super::super::secret::secret_in;
use super::super::value::not_empty;
use super::recording::{self, PlannedServices};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// A signature by an OIDC identity. It is always recorded in a log: its certificate expires after
/// ten minutes, and only the log shows that the signature was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeylessSigner {
    /// The services that certify the identity and record the signature.
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
    /// The provider of a CI job or workload.
    Ambient(Provider),
    /// A person at the terminal, who signs in with a browser.
    Terminal,
}

/// The variable in which GitLab and others put a token.
pub(crate) const TOKEN: &str = "SIGSTORE_ID_TOKEN";

/// Its name in a message, after "from".
impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{path}"),
            Self::Variable => f.write_str(TOKEN),
            Self::Ambient(provider) => f.write_str(provider.name()),
            Self::Terminal => f.write_str("a sign-in at the terminal"),
        }
    }
}

impl Provider {
    /// Its name in a message.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub Actions",
            Self::Buildkite => "Buildkite",
            Self::Spiffe => "the SPIFFE workload API",
            Self::Google => "Google",
        }
    }
}

/// A provider that cosign asks for a token. It is recognised by variables that are set and not
/// empty.
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

/// The first provider whose variables are all set is used. The source is `pkg/providers` of cosign
/// 3.1, without the providers that only a disk or a metadata server shows.
const AMBIENT: [(Provider, &[&str]); 4] = [
    (Provider::GitHub, &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"]),
    (Provider::Buildkite, &["BUILDKITE_AGENT_ACCESS_TOKEN"]),
    (Provider::Spiffe, &["SPIFFE_ENDPOINT_SOCKET"]),
    // Without the credentials file the machine's own identity would sign.
    (Provider::Google, &["GOOGLE_SERVICE_ACCOUNT_NAME", "GOOGLE_APPLICATION_CREDENTIALS"]),
];

/// The keyless signer that `args` name.
pub(super) fn signer(args: SigningArgs, surroundings: Surroundings<'_>) -> Result<KeylessSigner> {
    let sigstore = recording::services(&args)?;
    let issuer_is_typed = args.oidc_issuer.is_some();
    let token = token_source(args.identity_token, surroundings)?;
    match &token {
        // cosign would ignore both flags and ask the provider for the default audience.
        TokenSource::Ambient(provider) => {
            let typed =
                [("--oidc-issuer", issuer_is_typed), ("--oidc-client-id", args.oidc_client_id.is_some())];
            if let Some((flag, _)) = typed.iter().find(|(_, typed)| *typed) {
                return Err(Failure::usage(format!(
                    "{flag} has no effect: the identity token comes from {}",
                    provider.name()
                ))
                .hint(format!("leave out {flag}, or add --identity-token FILE")));
            }
        }
        TokenSource::Terminal if !issuer_is_typed && matches!(sigstore, PlannedServices::Named(_)) => {
            return Err(Failure::usage(
                "--keyless with a private Sigstore needs --oidc-issuer: you sign in there",
            )
            .hint("add --oidc-issuer URL, or add --identity-token FILE"));
        }
        TokenSource::File(_) | TokenSource::Variable | TokenSource::Terminal => {}
    }
    Ok(KeylessSigner { sigstore, client_id: args.oidc_client_id.map(client_id).transpose()?, token })
}

fn client_id(id: String) -> Result<String> {
    if id.is_empty() {
        return Err(Failure::usage("--oidc-client-id: the client ID is empty")
            .hint("leave out --oidc-client-id to use the default"));
    }
    Ok(id)
}

/// Where the token comes from: `--identity-token`, else a CI job, else a person.
fn token_source(identity_token: Option<Utf8PathBuf>, surroundings: Surroundings<'_>) -> Result<TokenSource> {
    if let Some(path) = identity_token {
        if let Some(kind) = secret_in(path.as_str()) {
            return Err(Failure::usage(format!(
                "--identity-token: expected a file, found {kind} (not shown)"
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
        "--keyless has no identity: there is no --identity-token, no CI credential and no terminal for a sign-in",
    )
    .hint("add --identity-token FILE, set SIGSTORE_ID_TOKEN, or sign with a key: --signing-key REF"))
}
