//! The services of a plan, with the files that say where they are and what they are checked against. Each
//! file is read once, and what cannot work is refused here: what a log has been told stays there, even if
//! nobody can use it.

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
use crate::sigstore::file::SIZE_LIMIT;
use crate::sigstore::rekor_version::RekorVersion;
use crate::sigstore::signing_config::SigningConfig;
use crate::sigstore::trusted_root::{Authority, Log, TrustedRoot};
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;

/// The services that `signer` tells of a signature. Those of the public Sigstore are not looked up here.
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
            sufficient(config, "the services that are named", signer, root)
        }
        plan::sign::PlannedServices::Configured { file, trusted_root } => {
            let root = NamedRoot::read(trusted_root, untrusted)?;
            sufficient(configured(file, untrusted)?, &format!("--signing-config {file}"), signer, root)
        }
    }
}

/// The services of the public Sigstore, fetched; `warn` is told if they are not those that it names.
pub(crate) fn public(cosign: &Cosign<'_>, signer: &Signer, warn: &dyn Fn(&str)) -> Result<RecordingServices> {
    const NAME: &str = "the public Sigstore";
    let PublicSigstore { root, config } = cosign.public_sigstore().map_err(|failure| match signer {
        Signer::Key(_) => failure.hint("--tlog-upload=false signs with the key alone, and needs no Sigstore"),
        Signer::Keyless(_) => failure,
    })?;
    let root = NamedRoot::new(format!("the root of {NAME}"), root);
    let config = match config {
        Some(Ok(config)) if cosign.dialect() == Dialect::SigningConfig => config,
        Some(Err(why)) if cosign.dialect() == Dialect::SigningConfig => {
            warn(&format!(
                "the signing config of {NAME} {why}; the addresses that every cosign knows are used"
            ));
            built_in(&root)?
        }
        Some(_) | None => built_in(&root)?,
    };
    let sigstore = sufficient(config, NAME, signer, root)?;
    cosign.can_record(&sigstore)?;
    Ok(sigstore)
}

/// The public services, as every cosign has them built in.
fn built_in(root: &NamedRoot) -> Result<SigningConfig> {
    let url = |text: &str| {
        ServiceUrl::parse(text).map_err(|why| Failure::new(Class::Broken, format!("{text}: {}", why.problem)))
    };
    let log = url(PUBLIC_LOG)?;
    let version = root.knows_the_log_at(&log)?;
    let config = SigningConfig::default().with_log(&log, version);
    Ok(config.with_authority(&url(PUBLIC_AUTHORITY)?).with_issuer(&url(PUBLIC_ISSUER)?))
}

/// The trusted root in a file that the operator named, outside of every bundle.
pub(crate) fn trusted_root(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<TrustedRoot> {
    NamedRoot::read(path, untrusted).map(|named| named.root)
}

/// Refuses a file that lies in what is bundled, signed or verified. `name` is how messages name it.
pub(crate) fn lies_outside(path: &Utf8Path, name: &str, untrusted: &[Utf8PathBuf]) -> Result<()> {
    for holder in untrusted {
        if lies_in(path, holder).with_context(|| format!("look at {path}"))? {
            return Err(Failure::usage(format!(
                "{name} lies in {holder}, and nothing there is to be trusted"
            ))
            .hint("use one that reached you another way"));
        }
    }
    Ok(())
}

/// The signing config in a file.
fn configured(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<SigningConfig> {
    let name = format!("--signing-config {path}");
    let refuse = |why| Failure::usage(format!("{name} {why}"));
    let text = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(refuse)?;
    lies_outside(path, &name, untrusted)?;
    SigningConfig::parse(&text).map_err(|why| {
        refuse(why)
            .hint("`cosign signing-config create` writes one; --rekor-url and its likes do without a file")
    })
}

/// What a signature needs of `config` to be worth something, with a root that knows all of it.
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
        return Err(Failure::usage(format!("{name}: a signature would be told to {several}"))
            .hint("set the selector to ANY, which takes one"));
    }
    for log in config.logs() {
        let known = root.knows_the_log_at(log.url())?;
        if known == RekorVersion::V2 && log.api_version() == 1 {
            return Err(Failure::usage(format!(
                "{name}: the log at {} is said to be a Rekor v1, and {} knows it as a Rekor v2",
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

/// Whether every kind of service is there.
fn enough(config: &SigningConfig, name: &str, signer: &Signer) -> Result<()> {
    let lacks = |what: &str, hint: &str| {
        Err(Failure::usage(format!("{name}: there is no {what}"))
            .hint(format!("{hint}, and check this machine's clock")))
    };
    let by_a_person = match signer {
        Signer::Key(_) if config.logs().is_empty() => {
            return lacks(
                "transparency log (rekorTlogUrls) that counts now",
                "name one, or take --tlog-upload=false with --timestamp-server-url for a timestamp alone",
            );
        }
        Signer::Key(_) => return Ok(()),
        Signer::Keyless(signer) => signer.token == TokenSource::Terminal,
    };
    if config.logs().is_empty() {
        return lacks("transparency log (rekorTlogUrls) that counts now", "name one");
    }
    if config.authorities().is_empty() {
        return lacks(
            "certificate authority (caUrls) that counts now",
            "name the Fulcio that certifies the identity",
        );
    }
    if by_a_person && config.issuers().is_empty() {
        return lacks(
            "OIDC issuer (oidcUrls) that counts now",
            "name where to sign in, or give --identity-token FILE",
        );
    }
    // Only Rekor v1 states when it got an entry, and a certificate is over in ten minutes.
    let states_time = config.logs().iter().all(|log| log.api_version() == 1);
    if !states_time && config.timestamp_authorities().is_empty() {
        return lacks(
            "timestamp authority (tsaUrls) that counts now, and a log of Rekor v2 does not state when it got an entry",
            "name one with --timestamp-server-url, or in the tsaUrls of the signing config",
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
        let refuse = |why: String| Failure::usage(format!("{name} {why}"));
        let text = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(refuse)?;
        lies_outside(path, &name, untrusted)?;
        let root = TrustedRoot::parse(&text).map_err(|why| {
            refuse(why).hint("`cosign trusted-root create` of cosign 2.6 or later writes one")
        })?;
        Ok(Self::new(name, root))
    }

    fn with(self, config: SigningConfig) -> RecordingServices {
        RecordingServices::Private(Box::new(PrivateServices { config, root: self.root, now: self.now }))
    }

    /// What the log at `url` speaks, if this knows it. Else nobody could verify its entries.
    fn knows_the_log_at(&self, url: &ServiceUrl) -> Result<RekorVersion> {
        let mut known = self.root.logs_at(url);
        if let Some(log) = known.find(|log| log.counts_at(self.now)) {
            return Ok(log.version());
        }
        let others = self.root.logs().iter().filter(|log| log.counts_at(self.now)).filter_map(Log::url);
        self.lacks("log", url, others, "--rekor url=…,public-key=…").map(|()| RekorVersion::V1)
    }

    fn knows_the_timestamp_authority_at(&self, url: &ServiceUrl) -> Result<()> {
        let known = self.root.timestamp_authorities();
        self.knows("timestamp authority", known, url, "--tsa url=…,certificate-chain=…")
    }

    fn knows_the_certificate_authority_at(&self, url: &ServiceUrl) -> Result<()> {
        let known = self.root.certificate_authorities();
        self.knows("certificate authority", known, url, "--fulcio url=…,certificate-chain=…")?;
        if self.root.ct_logs().iter().any(|log| log.counts_at(self.now)) {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} knows no certificate transparency log that counts now, without which no certificate is accepted",
            self.name
        ))
        .hint("add it: `cosign trusted-root create --ctfe url=…,public-key=…`"))
    }

    /// Whether one of `authorities` is at `url`, or does not say where it is.
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
            if known.is_empty() { "none at all".to_owned() } else { format!("only {}", known.join(", ")) };
        Err(Failure::usage(format!("{} knows no {what} at {url}, {known}", self.name))
            .hint(format!("name it as it is named there, or add it: `cosign trusted-root create {flag}`")))
    }
}

/// By this machine's clock, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
