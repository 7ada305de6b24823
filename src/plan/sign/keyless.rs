//! Keyless signing: where the OIDC identity comes from. No token is read here.

use camino::Utf8PathBuf;

use super::super::Surroundings;
use super::super::path::not_empty;
use super::super::secret::secret_in;
use super::log::{Authority, Log, PrivateService};
use super::services::Services;
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// A signature by an OIDC identity. It always has a log: its certificate is over in ten minutes,
/// and nothing else would show that the signature is not younger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeylessSigner {
    /// Where the signature is recorded.
    pub(crate) log: Log,
    /// Who certifies the identity.
    pub(crate) authority: Authority,
    /// Who states when the signature was made.
    pub(crate) timestamp: Option<PrivateService>,
    /// Who vouches for the identity, when that is not the issuer of the public Sigstore.
    pub(crate) issuer: Option<PrivateService>,
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
    /// The variables of a CI job, by the name of the one that decides.
    Ambient(&'static str),
    /// A person at the terminal, through a browser.
    Terminal,
}

/// Ambient credentials, by the variables that must be there and not empty; the first that is there
/// counts. The source is `pkg/providers` of cosign 3.1, without the providers that need a disk or a
/// metadata server to be recognised.
const AMBIENT: [&[&str]; 4] = [
    &["SIGSTORE_ID_TOKEN"],
    &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"],
    &["BUILDKITE_AGENT_ACCESS_TOKEN"],
    &["SPIFFE_ENDPOINT_SOCKET"],
];

/// The keyless signer that `args` name.
pub(super) fn signer(
    args: SigningArgs,
    services: Services,
    surroundings: Surroundings<'_>,
) -> Result<KeylessSigner> {
    let Services { log, authority, timestamp, issuer } = services;
    Ok(KeylessSigner {
        log,
        authority,
        timestamp,
        issuer,
        client_id: args.oidc_client_id.map(client_id).transpose()?,
        token: token_source(args.identity_token, surroundings)?,
    })
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
    if let Some(variables) = AMBIENT.iter().find(|variables| variables.iter().all(is_set)) {
        return Ok(TokenSource::Ambient(variables[0]));
    }
    if surroundings.terminal {
        return Ok(TokenSource::Terminal);
    }
    Err(Failure::usage(
        "--keyless has no identity: there is no --identity-token, no credential of a CI job and no terminal to sign in from",
    )
    .hint("give --identity-token FILE, set SIGSTORE_ID_TOKEN, or name a key with --signing-key"))
}
