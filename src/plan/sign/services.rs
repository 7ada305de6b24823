//! The services that flags name, each with what it is checked against.

use camino::Utf8PathBuf;

use super::super::path::not_empty;
use super::super::service::ServiceUrl;
use super::super::sourced::Source;
use super::log::{Authority, Log, PrivateService, SigningConfig};
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// The services of a signature: those that were named, and for the others the public ones.
#[derive(Debug)]
pub(super) struct Services {
    /// The log, if there is to be one.
    pub(super) log: Log,
    /// The certificate authority, if there is to be a certificate.
    pub(super) authority: Authority,
    /// The timestamp authority, if one was named.
    pub(super) timestamp: Option<PrivateService>,
    /// The OIDC issuer, if one was named.
    pub(super) issuer: Option<PrivateService>,
}

impl Services {
    /// The services in `args`. The rules have seen to it that none is named twice.
    pub(super) fn new(args: &SigningArgs) -> Result<Self> {
        let root = args.trusted_root.clone().map(|path| not_empty(path, "--trusted-root")).transpose()?;
        let private =
            |url: Option<&String>, flag| url.map(|url| private_service(url, flag, root.as_ref())).transpose();
        let rekor = private(args.rekor_url.as_ref(), "--rekor-url")?;
        let fulcio = private(args.fulcio_url.as_ref(), "--fulcio-url")?;
        let config =
            args.signing_config.clone().map(|file| signing_config(file, root.as_ref())).transpose()?;
        Ok(Self {
            log: match (rekor, &config) {
                (Some(service), _) => Log::Private(service),
                (None, Some(config)) => Log::Configured(config.clone()),
                (None, None) => Log::Public,
            },
            authority: match (fulcio, config) {
                (Some(service), _) => Authority::Private(service),
                (None, Some(config)) => Authority::Configured(config),
                (None, None) => Authority::Public,
            },
            timestamp: private(args.timestamp_server_url.as_ref(), "--timestamp-server-url")?,
            issuer: private(args.oidc_issuer.as_ref(), "--oidc-issuer")?,
        })
    }
}

fn signing_config(file: Utf8PathBuf, root: Option<&Utf8PathBuf>) -> Result<SigningConfig> {
    const FLAG: &str = "--signing-config";
    Ok(SigningConfig { file: not_empty(file, FLAG)?, trusted_root: needed_root(FLAG, root)? })
}

fn private_service(url: &str, flag: &'static str, root: Option<&Utf8PathBuf>) -> Result<PrivateService> {
    let url = ServiceUrl::parse(url).map_err(|misread| misread.at(Source::Flag(flag)))?;
    Ok(PrivateService { url, trusted_root: needed_root(flag, root)? })
}

fn needed_root(flag: &str, root: Option<&Utf8PathBuf>) -> Result<Utf8PathBuf> {
    root.cloned().ok_or_else(|| {
        Failure::usage(format!(
            "{flag} needs --trusted-root: a private service is not trusted at first sight"
        ))
        .hint("add --trusted-root FILE, the trusted root of that Sigstore")
    })
}
