//! The services that a signature is told to, as they were named. How cosign is told of them, and what
//! the files say, is decided where those are read.

use camino::Utf8PathBuf;

use super::super::service::ServiceUrl;

/// To whom a signature by a key is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// Nobody: it is made, and that is all.
    NotRecorded,
    /// A timestamp authority, which states when it was made, and no log.
    TimestampAuthority {
        /// Where it answers.
        url: ServiceUrl,
        /// The file of what it is checked against.
        trusted_root: Utf8PathBuf,
    },
    /// A Sigstore, at least its log.
    Services(PlannedServices),
}

/// A Sigstore: a transparency log, and what belongs to it. There is no way to write one without a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlannedServices {
    /// The public one.
    Public,
    /// The services that flags name.
    Named(Box<ServiceUrls>),
    /// The services that a file names.
    Configured {
        /// The signing config.
        file: Utf8PathBuf,
        /// The file of what they are checked against.
        trusted_root: Utf8PathBuf,
    },
}

/// Services by their addresses. None is the public one in secret: what a signature needs was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceUrls {
    /// The transparency log.
    pub(crate) log: ServiceUrl,
    /// The authority that certifies an OIDC identity (Fulcio); there is one for an identity.
    pub(crate) certificate_authority: Option<ServiceUrl>,
    /// The authority that states when a signature was made.
    pub(crate) timestamp_authority: Option<ServiceUrl>,
    /// Who vouches for the identity; there is one where a person signs in.
    pub(crate) issuer: Option<ServiceUrl>,
    /// The file of what all of them are checked against: nothing is trusted at first sight.
    pub(crate) trusted_root: Utf8PathBuf,
}
