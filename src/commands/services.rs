//! The services of a plan, with the files that say where they are and what they are checked against. Each file is read
//! once, and services that cannot give a usable signature are refused here: an entry in a log stays there for ever,
//! even one that nothing can verify.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::cosign::Cosign;
use crate::cosign::capability::Dialect;
use crate::cosign::public_sigstore::PublicSigstore;
use crate::cosign::recording_services::{
    PUBLIC_AUTHORITY, PUBLIC_ISSUER, PUBLIC_LOG, PrivateServices, RecordingServices,
};
use crate::error::{Class, Failure, Result};
use crate::plan;
use crate::plan::service::ServiceUrl;
use crate::plan::sign::{Recording, ServiceUrls, Signer, TokenSource};
use crate::sigstore::RekorVersion;
use crate::sigstore::file::SIZE_LIMIT;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::{Authority, Log, TrustedRoot};
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;

/// The services that record a signature of `signer`. Those of the public Sigstore are not fetched here.
/// `untrusted` are the bundles and inputs.
pub(crate) fn read(signer: &Signer, untrusted: &[Utf8PathBuf]) -> Result<RecordingServices> {
    let sigstore = match signer {
        Signer::Keyless(signer) => &signer.sigstore,
        Signer::Key(signer) => match &signer.recording {
            Recording::NotRecorded => return Ok(RecordingServices::NotRecorded),
            Recording::TimestampAuthority { url, trusted_root } => {
                let root = NamedRoot::read(trusted_root, untrusted)?;
                root.knows_the_timestamp_authority_at(url)?;
                return Ok(root.with(SigningConfig::default().with_timestamp_authority(url)));
            }
            Recording::Services(sigstore) => sigstore,
        },
    };
    match sigstore {
        plan::sign::PlannedServices::Public => Ok(RecordingServices::Public),
        plan::sign::PlannedServices::Named(named) => {
            let root = NamedRoot::read(&named.trusted_root, untrusted)?;
            let ServiceUrls { log, certificate_authority, timestamp_authority, issuer, trusted_root: _ } =
                &**named;
            let mut config = SigningConfig::default().with_log(log, root.knows_the_log_at(log)?);
            if let Some(url) = certificate_authority {
                config = config.with_authority(url);
            }
            if let Some(url) = issuer {
                config = config.with_issuer(url);
            }
            if let Some(url) = timestamp_authority {
                config = config.with_timestamp_authority(url);
            }
            sufficient(config, "the services named by flags", signer, root)
        }
        plan::sign::PlannedServices::Configured { file, trusted_root } => {
            let root = NamedRoot::read(trusted_root, untrusted)?;
            sufficient(configured(file, untrusted)?, &format!("--signing-config {file}"), signer, root)
        }
    }
}

/// Fetches the services of the public Sigstore; `warn` gets a sentence if built-in addresses are used instead.
pub(crate) fn public(cosign: &Cosign<'_>, signer: &Signer, warn: &dyn Fn(&str)) -> Result<RecordingServices> {
    const NAME: &str = "the public Sigstore";
    let PublicSigstore { root, config } = cosign.public_sigstore().map_err(|failure| match signer {
        Signer::Key(_) => {
            failure.hint("--tlog-upload=false signs with the key alone, and contacts no service")
        }
        Signer::Keyless(_) => failure,
    })?;
    let root = NamedRoot::new(format!("the root of {NAME}"), root);
    let config = match config {
        Some(Ok(config)) if cosign.dialect() == Dialect::SigningConfig => config,
        Some(Err(why)) if cosign.dialect() == Dialect::SigningConfig => {
            warn(&format!(
                "the signing config of {NAME} {why}; using the addresses that are built into every cosign"
            ));
            built_in(&root)?
        }
        Some(_) | None => built_in(&root)?,
    };
    let sigstore = sufficient(config, NAME, signer, root)?;
    cosign.can_record(&sigstore)?;
    Ok(sigstore)
}

/// The public services that are built into every cosign.
fn built_in(root: &NamedRoot) -> Result<SigningConfig> {
    let url = |text: &str| {
        ServiceUrl::parse(text).map_err(|why| Failure::new(Class::Broken, format!("{text}: {}", why.problem)))
    };
    let log = url(PUBLIC_LOG)?;
    let version = root.knows_the_log_at(&log)?;
    let config = SigningConfig::default().with_log(&log, version);
    Ok(config.with_authority(&url(PUBLIC_AUTHORITY)?).with_issuer(&url(PUBLIC_ISSUER)?))
}

/// The trusted root in a file that the operator named, which must lie outside every bundle.
pub(crate) fn trusted_root(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<TrustedRoot> {
    NamedRoot::read(path, untrusted).map(|named| named.root)
}

/// Refuses a file below a bundle or an input. `name` is how messages name the file.
pub(crate) fn lies_outside(path: &Utf8Path, name: &str, untrusted: &[Utf8PathBuf]) -> Result<()> {
    for holder in untrusted {
        if lies_in(path, holder).with_context(|| format!("look at {path}"))? {
            return Err(Failure::usage(format!("{name} lies in {holder}, which is not trusted yet"))
                .hint("use a file that you received through a separate channel"));
        }
    }
    Ok(())
}

/// The signing config in a file.
fn configured(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<SigningConfig> {
    let name = format!("--signing-config {path}");
    let text = small_file::read(path, SIZE_LIMIT, Links::Follow)
        .map_err(|why| Failure::usage(format!("{name} {why}")))?;
    lies_outside(path, &name, untrusted)?;
    SigningConfig::parse(&text).map_err(|why| {
        why.failure(Class::Usage, &name).hint(
            "`cosign signing-config create` writes one; --rekor-url and the other URL flags need no file",
        )
    })
}

/// The services in `config` that make a verifiable signature, with a root that knows all of them.
fn sufficient(
    config: SigningConfig,
    name: &str,
    signer: &Signer,
    root: NamedRoot,
) -> Result<RecordingServices> {
    let config = config.usable_at(root.now);
    let config = match signer {
        Signer::Key(_) => config.only_for_a_key(),
        Signer::Keyless(_) => config,
    };
    enough(&config, name, signer)?;
    if let Some(several) = config.wants_several() {
        return Err(Failure::usage(format!("{name}: the signature would be recorded with {several}"))
            .hint("set its selector to ANY, which uses one"));
    }
    for log in config.logs() {
        let known = root.knows_the_log_at(log.url())?;
        if known == RekorVersion::V2 && log.api_version() == 1 {
            return Err(Failure::usage(format!(
                "{name} says that the log at {} is a Rekor v1, but {} says that it is a Rekor v2",
                log.url(),
                root.name
            ))
            .hint("set its majorApiVersion to 2"));
        }
    }
    for service in config.timestamp_authorities() {
        root.knows_the_timestamp_authority_at(service.url())?;
    }
    for service in config.authorities() {
        root.knows_the_certificate_authority_at(service.url())?;
    }
    Ok(root.with(config))
}

/// Refuses a config that lacks a kind of service.
fn enough(config: &SigningConfig, name: &str, signer: &Signer) -> Result<()> {
    let lacks = |what: &str, hint: &str| {
        Err(Failure::usage(format!("{name}: there is no {what}"))
            .hint(format!("{hint}; check the clock of this machine too")))
    };
    let by_a_person = match signer {
        Signer::Key(_) if config.logs().is_empty() => {
            return lacks(
                "transparency log (rekorTlogUrls) that is currently valid",
                "add one, or use --tlog-upload=false with --timestamp-server-url for a timestamp alone",
            );
        }
        Signer::Key(_) => return Ok(()),
        Signer::Keyless(signer) => signer.token == TokenSource::Terminal,
    };
    if config.logs().is_empty() {
        return lacks("transparency log (rekorTlogUrls) that is currently valid", "add one");
    }
    if config.authorities().is_empty() {
        return lacks(
            "certificate authority (caUrls) that is currently valid",
            "add the Fulcio that certifies the identity",
        );
    }
    if by_a_person && config.issuers().is_empty() {
        return lacks(
            "OIDC issuer (oidcUrls) that is currently valid",
            "add the issuer where you sign in, or give --identity-token FILE",
        );
    }
    // Certificates expire after ten minutes, and only Rekor v1 states when it received an entry.
    let states_time = config.logs().iter().all(|log| log.api_version() == 1);
    if !states_time && config.timestamp_authorities().is_empty() {
        return lacks(
            "timestamp authority (tsaUrls) that is currently valid, and a log of Rekor v2 states no time",
            "add one with --timestamp-server-url, or to the tsaUrls of the signing config",
        );
    }
    Ok(())
}

/// A trusted root, how messages name it, and when it was read, in seconds since 1970.
struct NamedRoot {
    name: String,
    root: TrustedRoot,
    now: i64,
}

impl NamedRoot {
    fn new(name: String, root: TrustedRoot) -> Self {
        Self { name, root, now: now() }
    }

    fn read(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<Self> {
        let name = format!("--trusted-root {path}");
        let text = small_file::read(path, SIZE_LIMIT, Links::Follow)
            .map_err(|why| Failure::usage(format!("{name} {why}")))?;
        lies_outside(path, &name, untrusted)?;
        let root = TrustedRoot::parse(&text).map_err(|why| {
            why.failure(Class::Usage, &name)
                .hint("`cosign trusted-root create` of cosign 2.6 or later writes one")
        })?;
        Ok(Self::new(name, root))
    }

    fn with(self, config: SigningConfig) -> RecordingServices {
        RecordingServices::Private(Box::new(PrivateServices { config, root: self.root, now: self.now }))
    }

    /// The version of the log at `url`. Without its key in the root, nothing could verify its entries.
    fn knows_the_log_at(&self, url: &ServiceUrl) -> Result<RekorVersion> {
        let mut known = self.root.logs_at(url);
        if let Some(log) = known.find(|log| log.is_valid_at(self.now)) {
            return Ok(log.version());
        }
        let others = self.root.logs().iter().filter(|log| log.is_valid_at(self.now)).filter_map(Log::url);
        self.lacks("log", url, others, "--rekor url=…,public-key=…").map(|()| RekorVersion::V1)
    }

    fn knows_the_timestamp_authority_at(&self, url: &ServiceUrl) -> Result<()> {
        let known = self.root.timestamp_authorities();
        self.knows("timestamp authority", known, url, "--tsa url=…,certificate-chain=…")
    }

    fn knows_the_certificate_authority_at(&self, url: &ServiceUrl) -> Result<()> {
        let known = self.root.certificate_authorities();
        self.knows("certificate authority", known, url, "--fulcio url=…,certificate-chain=…")?;
        if self.root.ct_logs().iter().any(|log| log.is_valid_at(self.now)) {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} has no certificate transparency log that is currently valid; without one no certificate is accepted",
            self.name
        ))
        .hint("add one with `cosign trusted-root create --ctfe url=…,public-key=…`"))
    }

    /// Refuses a `url` that none of `authorities` has; one without an address may be anywhere.
    fn knows(&self, what: &str, authorities: &[Authority], url: &ServiceUrl, flag: &str) -> Result<()> {
        if authorities.iter().any(|known| known.url().is_none_or(|known| known.is_same_place(url))) {
            return Ok(());
        }
        self.lacks(what, url, authorities.iter().filter_map(Authority::url), flag)
    }

    fn lacks<'a>(
        &self,
        what: &str,
        url: &ServiceUrl,
        known: impl Iterator<Item = &'a ServiceUrl>,
        flag: &str,
    ) -> Result<()> {
        let known: Vec<_> = known.map(ToString::to_string).collect();
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        Err(Failure::usage(format!("{} has no {what} at {url} ({known})", self.name)).hint(format!(
            "write the address as it is in the file, or add it with `cosign trusted-root create {flag}`"
        )))
    }
}

/// By this machine's clock, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
