//! The services of a plan, with the files that say where they are and what they are checked against. Each
//! file is read once, and what cannot work is refused here: what a log has been told stays there, even if
//! nobody can use it.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::cosign::Cosign;
use crate::cosign::capability::Dialect;
use crate::cosign::public_sigstore::PublicSigstore;
use crate::cosign::rekor_version::RekorVersion;
use crate::cosign::signing_config::SigningConfig;
use crate::cosign::sigstore::{PUBLIC, Private, Sigstore};
use crate::cosign::sigstore_file::SIZE_LIMIT;
use crate::cosign::trusted_root::TrustedRoot;
use crate::error::{Failure, Result};
use crate::plan;
use crate::plan::service::ServiceUrl;
use crate::plan::sign::{Named, Signer, TokenSource, Told};
use crate::small_file::{self, Links};
use crate::tree::ancestry::lies_in;

/// The services that `signer` tells of a signature. Those of the public Sigstore are not looked up here.
/// `untrusted` are the bundles and inputs.
pub(crate) fn at_hand(signer: &Signer, untrusted: &[Utf8PathBuf]) -> Result<Sigstore> {
    let sigstore = match signer {
        Signer::Keyless(signer) => &signer.sigstore,
        Signer::Key(signer) => match &signer.told {
            Told::Nobody => return Ok(Sigstore::None),
            Told::TimestampAuthority { url, trusted_root } => {
                let root = NamedRoot::read(trusted_root, untrusted)?;
                root.knows_a_timestamp_authority()?;
                return Ok(root.with(SigningConfig::default().with_timestamp_authority(url)));
            }
            Told::Sigstore(sigstore) => sigstore,
        },
    };
    let whose = Whose::of(signer);
    match sigstore {
        plan::sign::Sigstore::Public => Ok(Sigstore::Public),
        plan::sign::Sigstore::Named(named) => {
            let root = NamedRoot::read(&named.trusted_root, untrusted)?;
            let config = at_addresses(Addresses::named(named), whose, &root)?;
            sufficient(config, "the services that are named", whose, root)
        }
        plan::sign::Sigstore::Configured { file, trusted_root } => {
            let root = NamedRoot::read(trusted_root, untrusted)?;
            sufficient(configured(file)?, &format!("--signing-config {file}"), whose, root)
        }
    }
}

/// The services of the public Sigstore, fetched.
pub(crate) fn public(cosign: &Cosign<'_>, signer: &Signer) -> Result<Sigstore> {
    const NAME: &str = "the public Sigstore";
    let PublicSigstore { root, config } = cosign.public_sigstore()?;
    let root = NamedRoot { name: format!("the root of {NAME}"), root };
    let whose = Whose::of(signer);
    let config = match config {
        Some(config) if cosign.dialect() == Dialect::SigningConfig => config,
        _ => at_addresses(Addresses::default(), whose, &root)?,
    };
    sufficient(config, NAME, whose, root)
}

/// The trusted root in a file that the operator named, outside of every bundle.
pub(crate) fn trusted_root(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<TrustedRoot> {
    NamedRoot::read(path, untrusted).map(|named| named.root)
}

/// Whose signature is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Key,
    Identity { by_a_person: bool },
}

impl Whose {
    fn of(signer: &Signer) -> Self {
        match signer {
            Signer::Key(_) => Self::Key,
            Signer::Keyless(signer) => Self::Identity { by_a_person: signer.token == TokenSource::Terminal },
        }
    }
}

/// Where services were said to be; the public ones, where nothing was said.
#[derive(Clone, Copy, Default)]
struct Addresses<'a> {
    log: Option<&'a ServiceUrl>,
    certificate_authority: Option<&'a ServiceUrl>,
    issuer: Option<&'a ServiceUrl>,
    timestamp_authority: Option<&'a ServiceUrl>,
}

impl<'a> Addresses<'a> {
    fn named(named: &'a Named) -> Self {
        let Named { log, certificate_authority, timestamp_authority, issuer, trusted_root: _ } = named;
        Self {
            log: log.as_ref(),
            certificate_authority: certificate_authority.as_ref(),
            issuer: issuer.as_ref(),
            timestamp_authority: timestamp_authority.as_ref(),
        }
    }
}

/// A signing config of services at their addresses.
fn at_addresses(addresses: Addresses<'_>, whose: Whose, root: &NamedRoot) -> Result<SigningConfig> {
    let Addresses { log, certificate_authority, issuer, timestamp_authority } = addresses;
    let or_public = |url: Option<&ServiceUrl>, public: Option<&str>| {
        url.cloned().or_else(|| ServiceUrl::parse(public?).ok())
    };
    let mut config = SigningConfig::default();
    if let Some(log) = or_public(log, PUBLIC.log) {
        config = config.with_log(&log, root.knows_the_log_at(&log)?);
    }
    if whose != Whose::Key {
        if let Some(authority) = or_public(certificate_authority, PUBLIC.authority) {
            config = config.with_authority(&authority);
        }
        if let Some(issuer) = or_public(issuer, PUBLIC.issuer) {
            config = config.with_issuer(&issuer);
        }
    }
    Ok(match timestamp_authority {
        Some(url) => config.with_timestamp_authority(url),
        None => config,
    })
}

/// The signing config in a file.
fn configured(path: &Utf8Path) -> Result<SigningConfig> {
    let refuse = |why| Failure::usage(format!("--signing-config {path} {why}"));
    let text = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(refuse)?;
    SigningConfig::parse(&text).map_err(|why| {
        refuse(why)
            .hint("`cosign signing-config create` writes one; --rekor-url and its likes do without a file")
    })
}

/// What a signature needs of `config` to be worth something, with a root that knows all of it.
fn sufficient(config: SigningConfig, name: &str, whose: Whose, root: NamedRoot) -> Result<Sigstore> {
    let config = config.counting_at(now());
    let config = if whose == Whose::Key { config.only_for_a_key() } else { config };
    enough(&config, name, whose)?;
    for log in config.logs() {
        root.knows_the_log_at(log.url())?;
    }
    if !config.timestamp_authorities().is_empty() {
        root.knows_a_timestamp_authority()?;
    }
    if whose != Whose::Key {
        root.knows_a_certificate_authority()?;
    }
    Ok(root.with(config))
}

/// Whether every kind of service is there.
fn enough(config: &SigningConfig, name: &str, whose: Whose) -> Result<()> {
    let lacks =
        |what: &str, hint: &str| Err(Failure::usage(format!("{name}: there is no {what}")).hint(hint));
    if config.logs().is_empty() {
        return lacks(
            "transparency log (rekorTlogUrls) that counts now",
            "name one, and check this machine's clock; --tlog-upload=false with --timestamp-server-url asks for a timestamp alone",
        );
    }
    let Whose::Identity { by_a_person } = whose else { return Ok(()) };
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

/// A trusted root, and how messages name it.
struct NamedRoot {
    name: String,
    root: TrustedRoot,
}

impl NamedRoot {
    fn read(path: &Utf8Path, untrusted: &[Utf8PathBuf]) -> Result<Self> {
        let name = format!("--trusted-root {path}");
        let refuse = |why: String| Failure::usage(format!("{name} {why}"));
        let text = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(refuse)?;
        for holder in untrusted {
            if lies_in(path, holder).with_context(|| format!("look at {path}"))? {
                return Err(refuse(format!("lies in {holder}, and nothing there is to be trusted"))
                    .hint("use one that reached you another way"));
            }
        }
        let root = TrustedRoot::parse(&text)
            .map_err(|why| refuse(why).hint("`cosign trusted-root create` of cosign 3 writes one"))?;
        Ok(Self { name, root })
    }

    fn with(self, config: SigningConfig) -> Sigstore {
        Sigstore::Private(Box::new(Private { config, root: self.root }))
    }

    /// What the log at `url` speaks, if this knows it. Else nobody could verify its entries.
    fn knows_the_log_at(&self, url: &ServiceUrl) -> Result<RekorVersion> {
        if let Some(log) = self.root.logs_at(url).last() {
            return Ok(log.version());
        }
        let known: Vec<_> = self.root.logs().iter().filter_map(|log| Some(log.url()?.to_string())).collect();
        let known =
            if known.is_empty() { "none at all".to_owned() } else { format!("only {}", known.join(", ")) };
        Err(Failure::usage(format!("{} knows no log at {url}, {known}", self.name)).hint(
            "name the log as it is named there, or add it: `cosign trusted-root create --rekor url=…,public-key=…`",
        ))
    }

    fn knows_a_timestamp_authority(&self) -> Result<()> {
        if self.root.timestamp_authorities().is_empty() {
            return self.lacks("timestamp authority", "--tsa url=…,certificate-chain=…");
        }
        Ok(())
    }

    fn knows_a_certificate_authority(&self) -> Result<()> {
        if self.root.certificate_authorities().is_empty() {
            return self.lacks("certificate authority", "--fulcio url=…,certificate-chain=…");
        }
        if self.root.ct_log_keys().is_empty() {
            return self.lacks(
                "certificate transparency log, without which no certificate is accepted",
                "--ctfe url=…,public-key=…",
            );
        }
        Ok(())
    }

    fn lacks(&self, what: &str, flag: &str) -> Result<()> {
        Err(Failure::usage(format!("{} knows no {what}", self.name))
            .hint(format!("add it: `cosign trusted-root create {flag}`")))
    }
}

/// By this machine's clock, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
