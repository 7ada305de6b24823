//! An OIDC identity as cosign gets it: a token, or the provider that gives one.

use std::time::{SystemTime, UNIX_EPOCH};

use camino::Utf8Path;

use super::argv::Login;
use super::environment::SecretsOf;
use crate::error::{Failure, Result};
use crate::plan::sign::{KeylessSigner, PlannedServices, Provider, TOKEN, TokenSource};
use crate::settings::Environment;
use crate::sigstore::identity_token::{AUDIENCE, IdentityToken, SIZE_LIMIT};
use crate::sigstore::signing_config::Service;
use crate::small_file::{self, Links};

/// Where cosign looks for a token by itself, before it contacts a provider.
const FOUND_BY_COSIGN: &str = "/var/run/sigstore/cosign/oidc-token";

/// An identity to sign with, and the source of its token.
#[derive(Clone, Debug)]
pub(crate) struct SigningIdentity {
    source: TokenSource,
    /// The token, if it comes from a file or a variable.
    token: Option<IdentityToken>,
    /// The client ID at the issuer, if it is not the usual one.
    pub(super) client_id: Option<String>,
    /// The identity in a certificate for it, if the environment shows that.
    expected: Option<String>,
}

impl SigningIdentity {
    /// Reads the token, if it comes from a file or a variable. Every error is exit 2.
    pub(crate) fn read(signer: &KeylessSigner, environment: &Environment) -> Result<Self> {
        let token = match &signer.token {
            TokenSource::File(path) => {
                let place = format!("--identity-token {path}");
                let content = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(|why| {
                    Failure::usage(format!("{place} {why}"))
                        .hint("give a file with a token, or set SIGSTORE_ID_TOKEN to the token")
                })?;
                Some(parse(&content, &place)?)
            }
            TokenSource::Variable => {
                let value = environment.get(TOKEN).unwrap_or_default();
                Some(parse(value.as_encoded_bytes(), TOKEN)?)
            }
            TokenSource::Ambient(_) | TokenSource::Terminal => {
                if Utf8Path::new(FOUND_BY_COSIGN).exists() {
                    return Err(Failure::usage(format!(
                        "cosign would sign with the token in {FOUND_BY_COSIGN}, not with the one from {}",
                        signer.token
                    ))
                    .hint(format!("add --identity-token {FOUND_BY_COSIGN} to sign with it")));
                }
                None
            }
        };
        if let (Some(token), PlannedServices::Named(named)) = (&token, &signer.sigstore)
            && let Some(issuer) = &named.issuer
            && token
                .issuer()
                .is_some_and(|is| is.trim_end_matches('/') != issuer.as_str().trim_end_matches('/'))
        {
            let is = crate::printable::show(token.issuer().unwrap_or_default());
            return Err(Failure::usage(format!(
                "the identity token is from {is}, but --oidc-issuer is {issuer}"
            ))
            .hint("get a token from that issuer, or leave out --oidc-issuer"));
        }
        let (source, client_id) = (signer.token.clone(), signer.client_id.clone());
        let expected = expected_name(&source, environment);
        Ok(Self { source, token, client_id, expected })
    }

    /// An identity from this source, for tables.
    #[cfg(test)]
    pub(super) fn of(source: TokenSource, client_id: Option<&str>) -> Self {
        Self { source, token: None, client_id: client_id.map(str::to_owned), expected: None }
    }

    /// The token, if it comes from a file or a variable.
    pub(crate) fn token(&self) -> Option<&IdentityToken> {
        self.token.as_ref()
    }

    /// Whether a person signs in.
    pub(crate) fn is_interactive(&self) -> bool {
        self.source == TokenSource::Terminal
    }

    /// Why the token would be refused now, if that can be seen: a sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        self.token()?.fault(now(), self.client_id.as_deref().unwrap_or(AUDIENCE))
    }

    /// The same without its audience: a certificate authority may accept another one.
    pub(crate) fn intrinsic_fault(&self) -> Option<String> {
        self.token()?.intrinsic_fault(now())
    }

    /// Whether a certificate with this identity and issuer is for this identity, as far as that can
    /// be seen before signing. A certificate authority may use other names.
    pub(crate) fn is(&self, identity: &str, issuer: &str) -> bool {
        self.token().is_some_and(|token| token.is_of(identity, issuer))
            || self.expected.as_deref() == Some(identity)
    }

    /// How cosign gets the token.
    pub(crate) fn login(&self) -> Login {
        match self.source {
            TokenSource::File(_) | TokenSource::Variable => Login::Token,
            TokenSource::Ambient(provider) => Login::Ambient(provider),
            TokenSource::Terminal => Login::Device,
        }
    }

    /// The service that cosign requests the token from, for a sentence. None if the token is known.
    pub(crate) fn token_service(&self, issuers: &[Service]) -> Option<String> {
        match self.source {
            TokenSource::File(_) | TokenSource::Variable => None,
            TokenSource::Ambient(provider) => Some(provider.name().to_owned()),
            TokenSource::Terminal => Some(format!("the OIDC issuer at {}", issuers.first()?.url().host())),
        }
    }

    /// The secrets that a run with it needs.
    pub(crate) fn secrets(&self) -> SecretsOf<'_> {
        SecretsOf::Identity(&self.source)
    }
}

fn parse(content: &[u8], place: &str) -> Result<IdentityToken> {
    IdentityToken::parse(content).map_err(|why| {
        Failure::usage(format!("{place} {why}"))
            .hint("an identity token is a JSON Web Token: three parts, separated by dots")
    })
}

/// The identity that Fulcio gives a job at GitHub. It differs for a workflow that is called by
/// another one.
fn expected_name(source: &TokenSource, environment: &Environment) -> Option<String> {
    if *source != TokenSource::Ambient(Provider::GitHub) {
        return None;
    }
    let value = |name: &str| environment.get(name)?.to_str();
    Some(format!("{}/{}", value("GITHUB_SERVER_URL")?, value("GITHUB_WORKFLOW_REF")?))
}

/// By this machine's clock, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
