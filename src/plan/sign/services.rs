//! The services that flags name, each with what it is checked against.

use camino::Utf8PathBuf;

use super::super::path::not_empty;
use super::super::service::ServiceUrl;
use super::super::sourced::Source;
use super::sigstore::{Named, Sigstore, Told};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// The Sigstore that `args` name. The rules have seen to it that no service is named twice.
pub(super) fn sigstore(args: &SigningArgs) -> Result<Sigstore> {
    const CONFIG: &str = "--signing-config";
    let root = root(args)?;
    if let Some(file) = args.signing_config.clone() {
        let file = not_empty(file, CONFIG)?;
        return Ok(Sigstore::Configured { file, trusted_root: needed(CONFIG, root)? });
    }
    let services = [
        ("--rekor-url", &args.rekor_url),
        ("--fulcio-url", &args.fulcio_url),
        ("--timestamp-server-url", &args.timestamp_server_url),
        ("--oidc-issuer", &args.oidc_issuer),
    ];
    let Some((first, _)) = services.iter().find(|(_, url)| url.is_some()) else {
        return Ok(Sigstore::Public);
    };
    let [log, certificate_authority, timestamp_authority, issuer] =
        services.map(|(flag, url)| url.as_deref().map(|url| address(url, flag)).transpose());
    Ok(Sigstore::Named(Box::new(Named {
        log: log?,
        certificate_authority: certificate_authority?,
        timestamp_authority: timestamp_authority?,
        issuer: issuer?,
        trusted_root: needed(first, root)?,
    })))
}

/// To whom a signature by a key is told when that must be no log.
pub(super) fn without_log(args: &SigningArgs) -> Result<Told> {
    const FLAG: &str = "--timestamp-server-url";
    match &args.timestamp_server_url {
        None => Ok(Told::Nobody),
        Some(url) => Ok(Told::TimestampAuthority {
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
