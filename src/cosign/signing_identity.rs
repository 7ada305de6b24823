//! An OIDC identity as cosign is handed it: a token that is at hand, or the way to one.

use std::time::{SystemTime, UNIX_EPOCH};

use camino::Utf8Path;

use super::argv::Login;
use super::environment::Holder;
use crate::error::{Failure, Result};
use crate::plan::sign::{KeylessSigner, PlannedServices, Provider, TOKEN, TokenSource};
use crate::settings::Environment;
use crate::sigstore::identity_token::{AUDIENCE, IdentityToken, SIZE_LIMIT};
use crate::sigstore::signing_config::Service;
use crate::small_file::{self, Links};

/// Where cosign looks for a token by itself, before it asks anybody.
const FOUND_BY_COSIGN: &str = "/var/run/sigstore/cosign/oidc-token";

/// An identity to sign with, and how it is proven.
#[derive(Clone, Debug)]
pub(crate) struct SigningIdentity {
    source: TokenSource,
    /// The token, if it is at hand.
    token: Option<IdentityToken>,
    /// The client ID at the issuer, if it is not the usual one.
    pub(super) client_id: Option<String>,
    /// The names that a certificate would have for it, where the environment tells.
    expected: Option<String>,
}

impl SigningIdentity {
    /// Reads the token, if there is one to be read. Everything that is wrong with it is exit 2.
    pub(crate) fn at_hand(signer: &KeylessSigner, environment: &Environment) -> Result<Self> {
        let token = match &signer.token {
            TokenSource::File(path) => {
                let place = format!("--identity-token {path}");
                let content = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(|why| {
                    Failure::usage(format!("{place} {why}"))
                        .hint("give the file of a token, or set SIGSTORE_ID_TOKEN to the token")
                })?;
                Some(read(&content, &place)?)
            }
            TokenSource::Variable => {
                let value = environment.get(TOKEN).unwrap_or_default();
                Some(read(value.as_encoded_bytes(), TOKEN)?)
            }
            TokenSource::Ambient(_) | TokenSource::Terminal => {
                if Utf8Path::new(FOUND_BY_COSIGN).exists() {
                    return Err(Failure::usage(format!(
                        "there is a token in {FOUND_BY_COSIGN}, with which cosign would sign instead of {}",
                        signer.token
                    ))
                    .hint(format!("--identity-token {FOUND_BY_COSIGN} signs with it")));
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
                "the identity token is of {is}, and --oidc-issuer is {issuer}"
            ))
            .hint("get a token of that issuer, or leave out --oidc-issuer"));
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

    /// The token, if it is at hand.
    pub(crate) fn token(&self) -> Option<&IdentityToken> {
        self.token.as_ref()
    }

    /// Whether a person signs in.
    pub(crate) fn is_a_person(&self) -> bool {
        self.source == TokenSource::Terminal
    }

    /// What is wrong with the token now, as far as it is at hand and tells: a sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        self.token()?.fault(now(), self.client_id.as_deref().unwrap_or(AUDIENCE))
    }

    /// The same without what a certificate authority may see in another way: for whom the token is.
    pub(crate) fn fault_in_itself(&self) -> Option<String> {
        self.token()?.fault_in_itself(now())
    }

    /// Whether a certificate with these names is of this identity, as far as can be told beforehand: a
    /// certificate authority may have made other names of it.
    pub(crate) fn is(&self, identity: &str, issuer: &str) -> bool {
        self.token().is_some_and(|token| token.is_of(identity, issuer))
            || self.expected.as_deref() == Some(identity)
    }

    /// How cosign is told of it.
    pub(crate) fn login(&self) -> Login {
        match self.source {
            TokenSource::File(_) | TokenSource::Variable => Login::Token,
            TokenSource::Ambient(provider) => Login::Ambient(provider),
            TokenSource::Terminal => Login::Device,
        }
    }

    /// Who is asked for the token by cosign, for a sentence; nobody if it is at hand.
    pub(crate) fn asks(&self, issuers: &[Service]) -> Option<String> {
        match self.source {
            TokenSource::File(_) | TokenSource::Variable => None,
            TokenSource::Ambient(provider) => Some(provider.name().to_owned()),
            TokenSource::Terminal => Some(format!("the OIDC issuer at {}", issuers.first()?.url().host())),
        }
    }

    /// Whose secrets a run with it needs.
    pub(crate) fn holder(&self) -> Holder<'_> {
        Holder::Identity(&self.source)
    }
}

fn read(content: &[u8], place: &str) -> Result<IdentityToken> {
    IdentityToken::parse(content).map_err(|why| {
        Failure::usage(format!("{place} {why}"))
            .hint("an identity token is a JSON Web Token, three parts with a dot between them")
    })
}

/// The name that Fulcio gives a job of GitHub's, but for one of a workflow that others call.
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
