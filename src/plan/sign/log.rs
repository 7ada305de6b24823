//! The services that a signature may be sent to. Which of them are contacted, and how, is cosign's
//! affair.

use camino::Utf8PathBuf;

use super::super::service::ServiceUrl;
use crate::printable::show;

/// A service of a private Sigstore, with what it is checked against: nothing is trusted at first
/// sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrivateService {
    /// Where it answers.
    pub(crate) url: ServiceUrl,
    /// The file of its trusted root.
    pub(crate) trusted_root: Utf8PathBuf,
}

/// The services of a Sigstore named in one file, with what they are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningConfig {
    /// The signing config.
    pub(crate) file: Utf8PathBuf,
    /// The file of their trusted root.
    pub(crate) trusted_root: Utf8PathBuf,
}

/// The transparency log that a signature is recorded in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// The public Sigstore's.
    Public,
    /// The one at this address.
    Private(PrivateService),
    /// The one that this file names.
    Configured(SigningConfig),
}

/// The authority that certifies an OIDC identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The public Sigstore's Fulcio.
    Public,
    /// The one at this address.
    Private(PrivateService),
    /// The one that this file names.
    Configured(SigningConfig),
}

impl Log {
    /// The line that warns of the upload, the only one, since cosign's own question is skipped.
    /// A public log may also have been named by its address.
    pub(super) fn notice(&self, keyless: bool) -> String {
        const START: &str = "the signature goes to the transparency log";
        let with_a_key = if keyless { " (with --signing-key)" } else { "" };
        let public = format!("public and permanent; --tlog-upload=false keeps it out{with_a_key}");
        match self {
            Self::Public => format!("{START} at rekor.sigstore.dev: {public}"),
            Self::Private(log) if log.url.is_public() => {
                format!("{START} at {}: {public}", log.url.host())
            }
            Self::Private(log) => format!("{START} at {}", log.url.host()),
            Self::Configured(config) => {
                format!("{START} that `{}` names", show(config.file.as_str()))
            }
        }
    }
}
