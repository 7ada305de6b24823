//! The services that record a signature, as flags name them. How cosign is given them, and what a
//! file holds, is decided where it is read.

use camino::Utf8PathBuf;

use super::super::service::ServiceUrl;
use super::super::value::{Source, not_empty};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// Which services record a signature by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// None: the signature stays in the bundle.
    NotRecorded,
    /// A timestamp authority, which states when it was made, and no log.
    TimestampAuthority {
        /// The address.
        url: ServiceUrl,
        /// The trusted root that it is checked against.
        trusted_root: Utf8PathBuf,
    },
    /// A transparency log, and perhaps a timestamp authority.
    Services(PlannedServices),
}

/// A transparency log and the services that belong to it. The type has no value without a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlannedServices {
    /// Those of the public Sigstore.
    Public,
    /// The services that flags name.
    Named(Box<ServiceUrls>),
    /// The services that a file names.
    Configured {
        /// The signing config.
        file: Utf8PathBuf,
        /// The trusted root that they are checked against.
        trusted_root: Utf8PathBuf,
    },
}

/// Services by their addresses. No public service is added: all that a signature needs are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceUrls {
    /// The transparency log.
    pub(crate) log: ServiceUrl,
    /// The authority that certifies an OIDC identity (Fulcio); always there for a keyless
    /// signature.
    pub(crate) certificate_authority: Option<ServiceUrl>,
    /// The authority that states when a signature was made.
    pub(crate) timestamp_authority: Option<ServiceUrl>,
    /// The OIDC issuer; always there where a person signs in.
    pub(crate) issuer: Option<ServiceUrl>,
    /// The trusted root that all of them are checked against.
    pub(crate) trusted_root: Utf8PathBuf,
}

/// The services that `args` name. The rules have refused a service that is named twice. With a
/// private service, all the others must be named too: a public one is never added.
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
        let hint = if args.keyless { "" } else { ", or add --tlog-upload=false to use no log" };
        Failure::usage(format!(
            "{first} needs --rekor-url: a private service cannot be used with the public log"
        ))
        .hint(format!("add --rekor-url URL{hint}"))
    })?;
    if args.keyless && certificate_authority.is_none() {
        return Err(Failure::usage(
            "--rekor-url needs --fulcio-url with --keyless: the identity token would go to the public Fulcio",
        )
        .hint("add --fulcio-url URL"));
    }
    Ok(PlannedServices::Named(Box::new(ServiceUrls {
        log,
        certificate_authority,
        timestamp_authority,
        issuer,
        trusted_root,
    })))
}

/// Which services record a signature by a key when no log may.
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
    ServiceUrl::parse(url).map_err(|error| error.at(Source::Flag(flag)))
}

fn needed(flag: &str, root: Option<Utf8PathBuf>) -> Result<Utf8PathBuf> {
    root.ok_or_else(|| {
        Failure::usage(format!("{flag} needs --trusted-root: aicr trusts a private service only through it"))
            .hint("add --trusted-root FILE, the trusted root of that Sigstore")
    })
}
