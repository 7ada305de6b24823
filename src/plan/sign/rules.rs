//! Which signing flags go together (section 2.1 of the contract), as tables. What the values are
//! is decided in [`super`], from combinations that have passed here.

use super::super::value::{Source, Sourced};
use super::SigningCommand;
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// One thing that a flag or variable says about signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    SigningKey,
    Keyless,
    /// `--tlog-upload` or `--tlog-upload=true`.
    Log,
    /// `--tlog-upload=false`.
    NoLog,
    RekorUrl,
    FulcioUrl,
    TimestampServerUrl,
    OidcIssuer,
    OidcClientId,
    IdentityToken,
    SigningConfig,
    TrustedRoot,
    KmsEnv,
    PublicKeyOut,
}

use Said::{
    FulcioUrl, IdentityToken, Keyless, KmsEnv, Log, NoLog, OidcClientId, OidcIssuer, PublicKeyOut, RekorUrl,
    SigningConfig, SigningKey, TimestampServerUrl, TrustedRoot,
};

/// Pairs that exclude each other, why, and a way out that is better than leaving one of them out.
/// The first pair that is said decides the message.
const CONFLICTS: [(Said, Said, &str, Option<&str>); 15] = [
    (SigningKey, Keyless, "a bundle has one signer", None),
    (
        Keyless,
        NoLog,
        "keyless signing needs Fulcio, which needs a network",
        Some("name a key with --signing-key"),
    ),
    (NoLog, RekorUrl, "nothing would be sent to that log", None),
    (NoLog, FulcioUrl, "Fulcio's certificates need a log", None),
    (NoLog, SigningConfig, "the log that it names would be left out", None),
    (SigningKey, FulcioUrl, "a key needs no certificate", None),
    (SigningKey, OidcIssuer, "a key has no OIDC identity", None),
    (SigningKey, OidcClientId, "a key has no OIDC identity", None),
    (SigningKey, IdentityToken, "a key has no OIDC identity", None),
    (SigningConfig, RekorUrl, "both name the log", None),
    (SigningConfig, FulcioUrl, "both name the certificate authority", None),
    (SigningConfig, TimestampServerUrl, "both name the timestamp authority", None),
    (SigningConfig, OidcIssuer, "both name the OIDC issuer", None),
    (Keyless, KmsEnv, "only a KMS plugin is handed variables", None),
    (Keyless, PublicKeyOut, "a keyless signature is verified by its identity, not by a key", None),
];

/// What means nothing unless somebody signs, and who may: `--tlog-upload` alone is fine, since it
/// says only how a later signature would be made.
const NEED_A_SIGNER: [(Said, &str); 10] = [
    (RekorUrl, ANY_SIGNER),
    (FulcioUrl, "add --keyless"),
    (TimestampServerUrl, ANY_SIGNER),
    (OidcIssuer, "add --keyless"),
    (OidcClientId, "add --keyless"),
    (IdentityToken, "add --keyless"),
    (SigningConfig, ANY_SIGNER),
    (TrustedRoot, ANY_SIGNER),
    (KmsEnv, "name a key with --signing-key"),
    (PublicKeyOut, "name a key with --signing-key"),
];

const ANY_SIGNER: &str = "name a key with --signing-key, or add --keyless";

/// Private services, which a trusted root is for.
const PRIVATE_SERVICES: [Said; 5] = [RekorUrl, FulcioUrl, TimestampServerUrl, OidcIssuer, SigningConfig];

/// Everything that was said, each with where it was said, in the order of [`Said`].
#[derive(Debug)]
pub(super) struct Statements(Vec<(Said, Source)>);

impl Statements {
    /// What `args` say, and the two values that may come from variables: the key, and whether there
    /// is to be a log.
    pub(super) fn new(args: &SigningArgs, key: Option<Source>, log: Option<&Sourced<bool>>) -> Self {
        let SigningArgs {
            signing_key: _,
            keyless,
            tlog_upload: _,
            rekor_url,
            fulcio_url,
            timestamp_server_url,
            oidc_issuer,
            oidc_client_id,
            identity_token,
            signing_config,
            trusted_root,
            kms_env,
            public_key_out,
        } = args;
        let log_is = |wanted| log.filter(|log| log.value == wanted).map(|log| log.source);
        let typed = |is_typed: bool, flag| is_typed.then_some(Source::Flag(flag));
        let all = [
            (SigningKey, key),
            (Keyless, typed(*keyless, "--keyless")),
            (Log, log_is(true)),
            (NoLog, log_is(false)),
            (RekorUrl, typed(rekor_url.is_some(), "--rekor-url")),
            (FulcioUrl, typed(fulcio_url.is_some(), "--fulcio-url")),
            (TimestampServerUrl, typed(timestamp_server_url.is_some(), "--timestamp-server-url")),
            (OidcIssuer, typed(oidc_issuer.is_some(), "--oidc-issuer")),
            (OidcClientId, typed(oidc_client_id.is_some(), "--oidc-client-id")),
            (IdentityToken, typed(identity_token.is_some(), "--identity-token")),
            (SigningConfig, typed(signing_config.is_some(), "--signing-config")),
            (TrustedRoot, typed(trusted_root.is_some(), "--trusted-root")),
            (KmsEnv, typed(!kms_env.is_empty(), "--kms-env")),
            (PublicKeyOut, typed(public_key_out.is_some(), "--public-key-out")),
        ];
        Self(all.into_iter().filter_map(|(said, source)| Some((said, source?))).collect())
    }

    fn source(&self, said: Said) -> Option<Source> {
        self.0.iter().find(|(other, _)| *other == said).map(|(_, source)| *source)
    }

    fn has(&self, said: Said) -> bool {
        self.source(said).is_some()
    }

    /// Rules on the combination for `command`. `Ok(false)` means that nobody signs.
    pub(super) fn check(mut self, command: SigningCommand) -> Result<bool> {
        if command == (SigningCommand::Bundle { no_sign: true }) {
            return self.check_no_sign().map(|()| false);
        }
        let signs = self.has(SigningKey) || self.has(Keyless);
        if !signs {
            // From the variable it is only a default, for bundles that are signed later.
            self.0.retain(|(said, source)| *said != NoLog || matches!(source, Source::Flag(_)));
        }
        for (one, other, why, way_out) in CONFLICTS {
            if let (Some(a), Some(b)) = (self.source(one), self.source(other)) {
                let message = format!("{} cannot go with {}: {why}", name(one, a), name(other, b));
                return Err(Failure::usage(message).hint(conflict_hint((one, a), (other, b), way_out)));
            }
        }
        if !signs {
            return self.check_no_signer(command).map(|()| false);
        }
        if self.has(TrustedRoot) && !PRIVATE_SERVICES.iter().any(|service| self.has(*service)) {
            return Err(Failure::usage("--trusted-root has nothing to check: no private service is named")
                .hint(format!("name one with {}, or leave out --trusted-root", self.services_left())));
        }
        Ok(true)
    }

    /// The flags of services that go with the signer and the log that were said.
    fn services_left(&self) -> &'static str {
        match (self.has(SigningKey), self.has(NoLog)) {
            (_, true) => "--timestamp-server-url",
            (true, false) => "--rekor-url, --timestamp-server-url or --signing-config",
            (false, false) => {
                "--rekor-url, --fulcio-url, --timestamp-server-url, --oidc-issuer or --signing-config"
            }
        }
    }

    /// `--no-sign`: what the variables say does not count, and their values have not been read.
    fn check_no_sign(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (names, them) = self.names(|_| true);
        Err(Failure::usage(format!("--no-sign cannot go with {names}: an unsigned bundle has no signer"))
            .hint(format!("leave out --no-sign to sign, or leave out {them}")))
    }

    /// Nobody signs: an unsigned bundle, or `doctor` looking around. A missing signer of
    /// `bundle-sign` is the caller's to refuse.
    fn check_no_signer(&self, command: SigningCommand) -> Result<()> {
        if command == SigningCommand::BundleSign {
            return Ok(());
        }
        if let Some(source) = self.source(NoLog) {
            return Err(Failure::usage(format!("{} needs --signing-key", name(NoLog, source))).hint(
                "name the key with --signing-key, or leave out --tlog-upload=false for an unsigned bundle",
            ));
        }
        let needs = |said: Said| NEED_A_SIGNER.iter().find(|(other, _)| *other == said);
        let Some((_, hint)) = self.0.iter().find_map(|(said, _)| needs(*said)) else {
            return Ok(());
        };
        let (names, _) = self.names(|said| needs(said).is_some());
        let count = self.0.iter().filter(|(said, _)| needs(*said).is_some()).count();
        let verb = if count == 1 { "needs" } else { "need" };
        Err(Failure::usage(format!("{names} {verb} a signer")).hint(*hint))
    }

    /// The names of what was said and counts, joined for a sentence, and what to call them after.
    fn names(&self, counts: impl Fn(Said) -> bool) -> (String, String) {
        let names: Vec<String> = self
            .0
            .iter()
            .filter(|(said, _)| counts(*said))
            .map(|(said, source)| name(*said, *source))
            .collect();
        let joined = names.join(" and ");
        let after = if names.len() == 1 { joined.clone() } else { "the others".to_owned() };
        (joined, after)
    }
}

/// How a message names what was said: by its flag or variable, and the value where that is what
/// matters.
fn name(said: Said, source: Source) -> String {
    match said {
        NoLog => format!("{source}=false"),
        Log => format!("{source}=true"),
        _ => source.to_string(),
    }
}

/// How to unsay it.
fn removal(said: Said, source: Source) -> String {
    match (said, source) {
        (NoLog, Source::Variable(_)) => "give --tlog-upload=true".to_owned(),
        (NoLog, Source::Flag(_)) => "leave out --tlog-upload=false".to_owned(),
        _ => source.removal(),
    }
}

fn conflict_hint(one: (Said, Source), other: (Said, Source), way_out: Option<&str>) -> String {
    match (way_out, other.1) {
        (None, _) => format!("{}, or {}", removal(one.0, one.1), removal(other.0, other.1)),
        (Some(way_out), Source::Flag(_)) => way_out.to_owned(),
        (Some(way_out), Source::Variable(_)) => {
            format!("{way_out}, or {}", removal(other.0, other.1))
        }
    }
}
