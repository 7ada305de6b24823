//! The signer of a plan, once its files were read: everything that cosign needs to sign for it.
//! This is the only type for a signer from here on: command lines, environments, runs and messages
//! all take it.

use super::environment::SecretsOf;
use super::recording_services::RecordingServices;
use super::signing_identity::SigningIdentity;
use super::signing_key::SigningKey;
use crate::sigstore::evidence::SignedBy;
use crate::sigstore::public_key::PublicKey;

/// Who signs.
pub(crate) enum ReadySigner {
    /// A key.
    Key {
        /// The private key, as cosign gets it.
        key: SigningKey,
        /// Its public half; unknown until the key manager was asked, which a dry run does not do.
        public_key: Option<PublicKey>,
    },
    /// An OIDC identity; the certificate says who that is.
    Identity(SigningIdentity),
}

impl ReadySigner {
    /// What a signature names: `key` or `identity`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Key { .. } => "key",
            Self::Identity(_) => "identity",
        }
    }

    /// Whether this is an OIDC identity.
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self, Self::Identity(_))
    }

    /// Whether a signature names this signer. A certificate of a token that is not here is not
    /// recognised.
    pub(crate) fn is_named_by(&self, signed_by: &SignedBy) -> bool {
        match (self, signed_by) {
            (Self::Key { public_key: Some(key), .. }, SignedBy::Key(hint)) => *hint == key.sha256(),
            (Self::Identity(identity), SignedBy::Certificate(certificate)) => {
                identity.is(certificate.identity(), certificate.issuer())
            }
            (Self::Key { .. } | Self::Identity(_), _) => false,
        }
    }

    /// Its key, if it is one.
    pub(crate) fn key(&mut self) -> Option<&mut SigningKey> {
        match self {
            Self::Key { key, .. } => Some(key),
            Self::Identity(_) => None,
        }
    }

    /// The secrets that cosign gets.
    pub(crate) fn secrets(&self) -> SecretsOf<'_> {
        match self {
            Self::Key { key, .. } => SecretsOf::Key(key.reference()),
            Self::Identity(identity) => identity.secrets(),
        }
    }

    /// An argument that may hold a secret, and the text that is shown in its place.
    pub(super) fn shown_instead(&self) -> Option<(String, String)> {
        match self {
            Self::Key { key, .. } => Some(key.shown_instead()),
            Self::Identity(identity) => {
                identity.token().map(|token| (token.text().to_owned(), "(the identity token)".to_owned()))
            }
        }
    }

    /// The service that gives the identity token while cosign runs, for a sentence.
    pub(super) fn token_service(&self, services: &RecordingServices) -> Option<String> {
        let issuers = match services {
            RecordingServices::Private(private) => private.config.issuers(),
            RecordingServices::NotRecorded | RecordingServices::Public => &[],
        };
        match self {
            Self::Key { .. } => None,
            Self::Identity(identity) => identity.token_service(issuers),
        }
    }

    /// Everything besides `services` that has to answer while cosign signs, for a sentence.
    pub(super) fn must_answer(&self, services: &RecordingServices) -> Vec<String> {
        let first = match self {
            Self::Key { key, .. } if key.reference().needs_network() => Some(key.reference().to_string()),
            Self::Identity(identity) if identity.is_interactive() => {
                Some("the person who signs in".to_owned())
            }
            Self::Key { .. } | Self::Identity(_) => None,
        };
        first.into_iter().chain(self.token_service(services)).collect()
    }
}

#[cfg(test)]
impl ReadySigner {
    /// A key that cosign gets as `argument`, for tables.
    pub(super) fn of_key(argument: &str) -> Self {
        let reference = crate::plan::key_ref::KeyRef::File(argument.into());
        let key = SigningKey { reference, argument: argument.to_owned(), kms_env: None, password: None };
        Self::Key { key, public_key: None }
    }
}
