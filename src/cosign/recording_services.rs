//! The services that record a signature, with everything that cosign needs for them. Pure: `commands/services.rs` read
//! the files.

use super::capability::Dialect;
use super::private_directory::private_file;
use crate::sigstore::signing_config::{Service, SigningConfig};
use crate::sigstore::trusted_root::{Authority, Log, TrustedRoot};

/// The services that record a signature.
#[derive(Clone, Debug)]
pub(crate) enum RecordingServices {
    /// None: no service is contacted.
    NotRecorded,
    /// Those of the public Sigstore; cosign fetches their addresses and keys.
    Public,
    /// Those that the plan names.
    Private(Box<PrivateServices>),
}

/// Services that the plan names.
#[derive(Clone, Debug)]
pub(crate) struct PrivateServices {
    /// Their addresses; only services that the signature needs.
    pub(crate) config: SigningConfig,
    /// What they are checked against. It has the key of every log in the config.
    pub(crate) root: TrustedRoot,
    /// When this was read, in seconds since 1970: decides which of several keys of a log is valid.
    pub(crate) now: i64,
}

/// The services for a cosign that takes a flag for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ByFlag<'a> {
    pub(crate) log: Option<&'a str>,
    pub(crate) authority: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) timestamp_authority: Option<&'a str>,
}

/// The services of the public Sigstore that are built into every cosign.
pub(crate) const PUBLIC_LOG: &str = "https://rekor.sigstore.dev";
pub(crate) const PUBLIC_AUTHORITY: &str = "https://fulcio.sigstore.dev";
pub(crate) const PUBLIC_ISSUER: &str = "https://oauth2.sigstore.dev/auth";

impl RecordingServices {
    /// Whether a transparency log is among them.
    pub(crate) fn has_log(&self) -> bool {
        match self {
            Self::NotRecorded => false,
            Self::Public => true,
            Self::Private(private) => !private.config.logs().is_empty(),
        }
    }

    /// Whether a timestamp is requested. For the public Sigstore that is not known here.
    pub(crate) fn has_timestamp(&self) -> bool {
        matches!(self, Self::Private(private) if !private.config.timestamp_authorities().is_empty())
    }

    /// The services by flags, one of a kind: of several logs the first that every dialect can speak to.
    pub(crate) fn by_flag(&self) -> ByFlag<'_> {
        fn first<'a>(mut services: impl Iterator<Item = &'a Service>) -> Option<&'a str> {
            services.next().map(|service| service.url().as_str())
        }
        match self {
            Self::NotRecorded => ByFlag::default(),
            Self::Public => ByFlag {
                log: Some(PUBLIC_LOG),
                authority: Some(PUBLIC_AUTHORITY),
                issuer: Some(PUBLIC_ISSUER),
                timestamp_authority: None,
            },
            Self::Private(private) => ByFlag {
                log: first(private.config.logs().iter().filter(|log| log.api_version() == 1)),
                authority: first(private.config.authorities().iter()),
                issuer: first(private.config.issuers().iter()),
                timestamp_authority: first(private.config.timestamp_authorities().iter()),
            },
        }
    }

    /// Why a cosign of this dialect cannot use them: the end of a sentence that begins with the cosign, and the
    /// releases that can.
    pub(crate) fn is_beyond(&self, dialect: Dialect) -> Option<(&'static str, &'static str)> {
        match (dialect, self) {
            (_, Self::NotRecorded) | (Dialect::SigningConfig, _) | (Dialect::BundleFlag, Self::Public) => {
                None
            }
            (Dialect::LegacyBundle, _) => Some((
                "cannot write a Sigstore bundle with a log entry, a certificate or a timestamp",
                "2.4 or later",
            )),
            (Dialect::BundleFlag, Self::Private(private)) if private.config.logs().is_empty() => None,
            (Dialect::BundleFlag, Self::Private(_)) if self.by_flag().log.is_none() => {
                Some(("cannot use Rekor v2", "2.6 or later"))
            }
            (Dialect::BundleFlag, Self::Private(private))
                if !private.config.authorities().is_empty() && private.current_ct_logs().count() > 1 =>
            {
                Some(("can use only one certificate transparency log", "2.6 or later"))
            }
            (Dialect::BundleFlag, Self::Private(_)) => None,
        }
    }

    /// The hosts that are contacted, for a sentence.
    pub(crate) fn hosts(&self) -> Vec<String> {
        match self {
            Self::NotRecorded => Vec::new(),
            Self::Public => vec!["the public Sigstore".to_owned()],
            Self::Private(private) => each_once(private.services().into_iter().map(|(_, service)| service)),
        }
    }

    /// The notice before an upload, the only warning, since cosign's own question is skipped; `None` without a log.
    /// A public log may also be named by its address.
    pub(crate) fn notice(&self, keyless: bool) -> Option<String> {
        const START: &str = "the signature goes to the transparency log";
        let with_a_key = if keyless { " (with --signing-key)" } else { "" };
        let keeps_out = format!("public and permanent; --tlog-upload=false keeps it out{with_a_key}");
        let private = match self {
            Self::NotRecorded => return None,
            Self::Public => return Some(format!("{START} of the public Sigstore: {keeps_out}")),
            Self::Private(private) => private,
        };
        let services = private.services();
        let hosts = |logs: bool| {
            let of_kind = services.iter().filter(|(role, _)| (*role == Role::Log) == logs);
            of_kind.map(|(_, service)| service.url().host()).collect::<Vec<_>>()
        };
        let (logs, others) = (hosts(true), hosts(false));
        if logs.is_empty() {
            return None;
        }
        let logs = logs.join(", ");
        if !services.iter().any(|(role, service)| *role == Role::Log && service.url().is_public()) {
            return Some(format!("{START} at {logs}"));
        }
        // Private services are all named by the operator; those of the public Sigstore need not be.
        let too = if others.is_empty() {
            String::new()
        } else {
            format!("; {} is contacted too", others.join(", "))
        };
        Some(format!("{START} at {logs}: {keeps_out}{too}"))
    }
}

/// What a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Log,
    CertificateAuthority,
    TimestampAuthority,
}

impl Role {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Log => "transparency log",
            Self::CertificateAuthority => "certificate authority",
            Self::TimestampAuthority => "timestamp authority",
        }
    }
}

impl PrivateServices {
    /// All services except the issuer, which is not contacted when there is a token.
    pub(crate) fn services(&self) -> Vec<(Role, &Service)> {
        let config = &self.config;
        let logs = config.logs().iter().map(|service| (Role::Log, service));
        let certificate = config.authorities().iter().map(|service| (Role::CertificateAuthority, service));
        let timestamp = config.timestamp_authorities().iter();
        let timestamp = timestamp.map(|service| (Role::TimestampAuthority, service));
        logs.chain(certificate).chain(timestamp).collect()
    }

    /// The hosts of the services of this kind.
    pub(crate) fn hosts_of(&self, role: Role) -> Vec<String> {
        each_once(self.services().into_iter().filter(|(of, _)| *of == role).map(|(_, service)| service))
    }

    /// The certificate transparency logs whose keys are currently valid.
    fn current_ct_logs(&self) -> impl Iterator<Item = &Log> {
        self.root.ct_logs().iter().filter(|log| log.is_valid_at(self.now))
    }

    /// The trusted root for a cosign that takes it from variables when it signs: variable, file name, content.
    pub(crate) fn trust_by_variable(&self, keyless: bool) -> Vec<(&'static str, &'static str, String)> {
        let Self { config, root, now } = self;
        let log = config.logs().iter().filter(|log| log.api_version() == 1);
        let log = log.flat_map(|log| root.logs_at(log.url())).filter(|log| log.is_valid_at(*now)).last();
        let mut trust = Vec::new();
        if let Some(log) = log {
            trust.push(("SIGSTORE_REKOR_PUBLIC_KEY", private_file::LOG_KEY, log.key().pem().to_owned()));
        }
        if keyless {
            let ct_log = self.current_ct_logs().next().map(|log| log.key().pem().to_owned());
            trust
                .extend(ct_log.map(|pem| ("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", private_file::CT_LOG_KEY, pem)));
            trust.push((
                "SIGSTORE_ROOT_FILE",
                private_file::AUTHORITY,
                root.certificate_authorities().iter().map(Authority::to_pem).collect(),
            ));
        }
        trust
    }
}

fn each_once<'a>(services: impl Iterator<Item = &'a Service>) -> Vec<String> {
    services.fold(Vec::new(), |mut hosts, service| {
        let host = service.url().host();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
        hosts
    })
}
