//! The services that flags name, each with what it is checked against.

use camino::Utf8PathBuf;

use super::super::path::not_empty;
use super::super::service::ServiceUrl;
use super::super::sourced::Source;
use super::recording::{PlannedServices, Recording, ServiceUrls};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// The Sigstore that `args` name. The rules have seen to it that no service is named twice. Where one is
/// private, none of the others is taken to be the public one: nobody named that.
pub(super) fn sigstore(args: &SigningArgs) -> Result<PlannedServices> {
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
