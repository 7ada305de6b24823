//! An OIDC identity as cosign is handed it: a token that is at hand, or the way to one.

use std::time::{SystemTime, UNIX_EPOCH};

use super::argv::Login;
use super::environment::Holder;
use super::identity_token::{AUDIENCE, IdentityToken, SIZE_LIMIT};
use crate::error::{Failure, Result};
use crate::plan::sign::{KeylessSigner, Provider, TOKEN, TokenSource};
use crate::settings::Environment;
use crate::small_file::{self, Links};

/// An identity to sign with, and how it is proven.
#[derive(Clone, Debug)]
pub(crate) struct SigningIdentity {
    pub(super) proof: Proof,
    /// The client ID at the issuer, if it is not the usual one.
    pub(super) client_id: Option<String>,
}

/// How an identity is proven.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// By this token, which is handed on in a file.
    Token {
        token: IdentityToken,
        /// Whether it was in a variable.
        from_variable: bool,
    },
    /// By a token that cosign gets from this provider.
    Provider(Provider),
    /// By a person, who is shown an address and a code.
    Person,
}

impl SigningIdentity {
    /// Reads the token, if there is one to be read. Everything that is wrong with it is exit 2.
    pub(crate) fn at_hand(signer: &KeylessSigner, environment: &Environment) -> Result<Self> {
        let read = |content: &[u8], place: &str, from_variable| {
            let token = IdentityToken::parse(content).map_err(|why| {
                Failure::usage(format!("{place} {why}"))
                    .hint("an identity token is a JSON Web Token, three parts with a dot between them")
            })?;
            Ok::<_, Failure>(Proof::Token { token, from_variable })
        };
        let proof = match &signer.token {
            TokenSource::File(path) => {
                let place = format!("--identity-token {path}");
                let content = small_file::read(path, SIZE_LIMIT, Links::Follow)
                    .map_err(|why| Failure::usage(format!("{place} {why}")))?;
                read(&content, &place, false)?
            }
            TokenSource::Variable => {
                let value = environment.get(TOKEN).unwrap_or_default();
                read(value.as_encoded_bytes(), TOKEN, true)?
            }
            TokenSource::Ambient(provider) => Proof::Provider(*provider),
            TokenSource::Terminal => Proof::Person,
        };
        Ok(Self { proof, client_id: signer.client_id.clone() })
    }

    /// The token, if it is at hand.
    pub(crate) fn token(&self) -> Option<&IdentityToken> {
        match &self.proof {
            Proof::Token { token, .. } => Some(token),
            Proof::Provider(_) | Proof::Person => None,
        }
    }

    /// What is wrong with the token now, as far as it is at hand and tells: a sentence.
    pub(crate) fn fault(&self) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.token()?.fault(now, self.client_id.as_deref().unwrap_or(AUDIENCE))
    }

    /// Whether a certificate with these names is of this identity, as far as the token tells: a certificate
    /// authority may have made other names of it.
    pub(crate) fn is(&self, identity: &str, issuer: &str) -> bool {
        self.token().is_some_and(|token| token.is_of(identity, issuer))
    }

    /// How cosign is told of it.
    pub(crate) fn login(&self) -> Login {
        match self.proof {
            Proof::Token { .. } => Login::Token,
            Proof::Provider(_) => Login::Ambient,
            Proof::Person => Login::Device,
        }
    }

    /// Whose secrets a run with it needs.
    pub(crate) fn holder(&self) -> Holder<'static> {
        match self.proof {
            Proof::Token { from_variable: true, .. } => Holder::Token,
            Proof::Provider(provider) => Holder::Provider(provider),
            Proof::Token { .. } | Proof::Person => Holder::Nobody,
        }
    }

    /// The same before it is at hand.
    pub(crate) fn holder_of(source: &TokenSource) -> Holder<'static> {
        match source {
            TokenSource::Variable => Holder::Token,
            TokenSource::Ambient(provider) => Holder::Provider(*provider),
            TokenSource::File(_) | TokenSource::Terminal => Holder::Nobody,
        }
    }
}
