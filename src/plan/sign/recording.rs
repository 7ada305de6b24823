//! The services that record a signature, as flags name them. How cosign is given them, and what a
//! file holds, is decided where it is read.

use camino::Utf8PathBuf;

use super::super::service::ServiceUrl;
use super::super::value::{Source, not_empty};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

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

/// The Sigstore that `args` name. The rules have seen to it that no service is named twice. Where one is
/// private, none of the others is taken to be the public one: nobody named that.
pub(super) fn services(args: &SigningArgs) -> Result<PlannedServices> {
    const CONFIG: &str = "--signing-config";
    let root = root(args)?;
    if let Some(file) = args.signing_config.clone() {
        let file = not_empty(file, CONFIG)?;
        return Ok(PlannedServices::Configured { file, trusted_root: needed(CONFIG, root)? });
    }
    let services = [
        ("--rekor-url", &args.rekor_url),
        ("--fulcio-url", &args.fulcio_url),
        ("--timestamp-server-url", &args.timestamp_server_url),
        ("--oidc-issuer", &args.oidc_issuer),
    ];
    let Some((first, _)) = services.iter().find(|(_, url)| url.is_some()) else {
        return Ok(PlannedServices::Public);
    };
    let [log, certificate_authority, timestamp_authority, issuer] =
        services.map(|(flag, url)| url.as_deref().map(|url| address(url, flag)).transpose());
    let (log, certificate_authority, timestamp_authority, issuer) =
        (log?, certificate_authority?, timestamp_authority?, issuer?);
    let trusted_root = needed(first, root)?;
    let log = log.ok_or_else(|| {
        let hint =
            if args.keyless { "" } else { ", or keep the signature out of any with --tlog-upload=false" };
        Failure::usage(format!(
            "{first} needs --rekor-url: a private service does not go with the public log"
        ))
        .hint(format!("name the log with --rekor-url{hint}"))
    })?;
    if args.keyless && certificate_authority.is_none() {
        return Err(Failure::usage(
            "--rekor-url needs --fulcio-url with --keyless: the identity token would go to the public Fulcio",
        )
        .hint("name the certificate authority with --fulcio-url"));
    }
    Ok(PlannedServices::Named(Box::new(ServiceUrls {
        log,
        certificate_authority,
        timestamp_authority,
        issuer,
        trusted_root,
    })))
}

/// To whom a signature by a key is told when that must be no log.
pub(super) fn without_log(args: &SigningArgs) -> Result<Recording> {
    const FLAG: &str = "--timestamp-server-url";
    match &args.timestamp_server_url {
        None => Ok(Recording::NotRecorded),
        Some(url) => Ok(Recording::TimestampAuthority {
            url: address(url, FLAG)?,
            trusted_root: needed(FLAG, root(args)?)?,
        }),
    }
}

fn root(args: &SigningArgs) -> Result<Option<Utf8PathBuf>> {
    args.trusted_root.clone().map(|path| not_empty(path, "--trusted-root")).transpose()
}

fn address(url: &str, flag: &'static str) -> Result<ServiceUrl> {
    ServiceUrl::parse(url).map_err(|misread| misread.at(Source::Flag(flag)))
}

fn needed(flag: &str, root: Option<Utf8PathBuf>) -> Result<Utf8PathBuf> {
    root.ok_or_else(|| {
        Failure::usage(format!(
            "{flag} needs --trusted-root: a private service is not trusted at first sight"
        ))
        .hint("add --trusted-root FILE, the trusted root of that Sigstore")
    })
}
