//! Which signing flags can be used together, as tables. [`super`] reads the values of combinations
//! that have passed here.

use super::super::value::{Source, Sourced};
use super::SigningCommand;
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};

/// A signing flag, given on the command line or by its variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SigningFlag {
    SigningKey,
    Keyless,
    /// `--attest`: a signer is required.
    Attest,
    /// `--tlog-upload` or `--tlog-upload=true`.
    TlogUpload,
    /// `--tlog-upload=false`.
    TlogUploadFalse,
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

use SigningFlag::{
    Attest, FulcioUrl, IdentityToken, Keyless, KmsEnv, OidcClientId, OidcIssuer, PublicKeyOut, RekorUrl,
    SigningConfig, SigningKey, TimestampServerUrl, TlogUpload, TlogUploadFalse, TrustedRoot,
};

/// Pairs that exclude each other, why, and a hint that is better than to leave out one of them. The
/// first pair that is given decides the message.
const CONFLICTS: [(SigningFlag, SigningFlag, &str, Option<&str>); 15] = [
    (SigningKey, Keyless, "a signature has one signer", None),
    (
        Keyless,
        TlogUploadFalse,
        "keyless signing needs Fulcio, which needs a network",
        Some("use --signing-key REF instead of --keyless"),
    ),
    (TlogUploadFalse, RekorUrl, "nothing would be sent to that log", None),
    (TlogUploadFalse, FulcioUrl, "Fulcio's certificates need a log", None),
    (TlogUploadFalse, SigningConfig, "its log would not be used", None),
    (SigningKey, FulcioUrl, "a key needs no certificate", None),
    (SigningKey, OidcIssuer, "a key has no OIDC identity", None),
    (SigningKey, OidcClientId, "a key has no OIDC identity", None),
    (SigningKey, IdentityToken, "a key has no OIDC identity", None),
    (SigningConfig, RekorUrl, "both name the log", None),
    (SigningConfig, FulcioUrl, "both name the certificate authority", None),
    (SigningConfig, TimestampServerUrl, "both name the timestamp authority", None),
    (SigningConfig, OidcIssuer, "both name the OIDC issuer", None),
    (Keyless, KmsEnv, "only the helper program of a key manager gets these variables", None),
    (Keyless, PublicKeyOut, "a keyless signature is verified by its identity, not by a key", None),
];

/// Flags that need a signer, and the hint. `--tlog-upload` alone needs none: it only says how a
/// later signature would be made.
const NEED_A_SIGNER: [(SigningFlag, &str); 11] = [
    (Attest, ANY_SIGNER),
    (RekorUrl, ANY_SIGNER),
    (FulcioUrl, "add --keyless"),
    (TimestampServerUrl, ANY_SIGNER),
    (OidcIssuer, "add --keyless"),
    (OidcClientId, "add --keyless"),
    (IdentityToken, "add --keyless"),
    (SigningConfig, ANY_SIGNER),
    (TrustedRoot, ANY_SIGNER),
    (KmsEnv, "add --signing-key REF"),
    (PublicKeyOut, "add --signing-key REF"),
];

const ANY_SIGNER: &str = "add --signing-key REF or --keyless";

/// Flags of private services, which need a trusted root.
const PRIVATE_SERVICES: [SigningFlag; 5] =
    [RekorUrl, FulcioUrl, TimestampServerUrl, OidcIssuer, SigningConfig];

/// The flags that are given, each with its source, in the order of [`SigningFlag`].
#[derive(Debug)]
pub(super) struct GivenFlags(Vec<(SigningFlag, Source)>);

impl GivenFlags {
    /// The flags in `args`, and the two that may come from variables: `--signing-key` and
    /// `--tlog-upload`.
    pub(super) fn new(args: &SigningArgs, key: Option<Source>, log: Option<&Sourced<bool>>) -> Self {
        let SigningArgs {
            signing_key: _,
            keyless,
            attest,
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
            (Attest, typed(*attest, "--attest")),
            (TlogUpload, log_is(true)),
            (TlogUploadFalse, log_is(false)),
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
        Self(all.into_iter().filter_map(|(flag, source)| Some((flag, source?))).collect())
    }

    fn source(&self, flag: SigningFlag) -> Option<Source> {
        self.0.iter().find(|(other, _)| *other == flag).map(|(_, source)| *source)
    }

    fn has(&self, flag: SigningFlag) -> bool {
        self.source(flag).is_some()
    }

    /// Checks the combination for `command`. `Ok(false)` means that there is no signer.
    pub(super) fn check(mut self, command: SigningCommand) -> Result<bool> {
        if command == (SigningCommand::Bundle { no_sign: true }) {
            return self.check_no_sign().map(|()| false);
        }
        let signs = self.has(SigningKey) || self.has(Keyless);
        if !signs {
            // AICR_TLOG_UPLOAD=false is only a default, for bundles that are signed later.
            self.0.retain(|(flag, source)| *flag != TlogUploadFalse || matches!(source, Source::Flag(_)));
        }
        for (one, other, why, better) in CONFLICTS {
            if let (Some(a), Some(b)) = (self.source(one), self.source(other)) {
                let message = format!("{} cannot be used with {}: {why}", name(one, a), name(other, b));
                return Err(Failure::usage(message).hint(conflict_hint((one, a), (other, b), better)));
            }
        }
        if !signs {
            return self.check_no_signer(command).map(|()| false);
        }
        if self.has(TrustedRoot) && !PRIVATE_SERVICES.iter().any(|service| self.has(*service)) {
            return Err(Failure::usage(
                "--trusted-root has no effect: it is for private services, and none is given",
            )
            .hint(format!("add {}, or leave out --trusted-root", self.services_left())));
        }
        Ok(true)
    }

    /// The flags of services that can be used with the signer and the log that are given.
    fn services_left(&self) -> &'static str {
        match (self.has(SigningKey), self.has(TlogUploadFalse)) {
            (_, true) => "--timestamp-server-url",
            (true, false) => "--rekor-url, --timestamp-server-url or --signing-config",
            (false, false) => {
                "--rekor-url, --fulcio-url, --timestamp-server-url, --oidc-issuer or --signing-config"
            }
        }
    }

    /// `--no-sign`: variables are ignored, and were not read.
    fn check_no_sign(&self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (names, them) = self.names(|_| true);
        Err(Failure::usage(format!(
            "--no-sign cannot be used with {names}: an unsigned bundle has no signer"
        ))
        .hint(format!("leave out --no-sign to sign, or leave out {them}")))
    }

    /// No signer: an unsigned bundle, or `doctor`. The caller refuses `bundle-sign` without a
    /// signer.
    fn check_no_signer(&self, command: SigningCommand) -> Result<()> {
        if command == SigningCommand::BundleSign {
            return Ok(());
        }
        if let Some(source) = self.source(TlogUploadFalse) {
            return Err(Failure::usage(format!("{} needs --signing-key", name(TlogUploadFalse, source)))
                .hint("add --signing-key REF, or leave out --tlog-upload=false for an unsigned bundle"));
        }
        let needs = |flag: SigningFlag| NEED_A_SIGNER.iter().find(|(other, _)| *other == flag);
        let Some((_, hint)) = self.0.iter().find_map(|(flag, _)| needs(*flag)) else {
            return Ok(());
        };
        let (names, _) = self.names(|flag| needs(flag).is_some());
        let count = self.0.iter().filter(|(flag, _)| needs(*flag).is_some()).count();
        let verb = if count == 1 { "needs" } else { "need" };
        Err(Failure::usage(format!("{names} {verb} a signer")).hint(*hint))
    }

    /// The names of the given flags that pass `filter`, joined for the message, and how the hint
    /// calls them.
    fn names(&self, filter: impl Fn(SigningFlag) -> bool) -> (String, String) {
        let names: Vec<String> = self
            .0
            .iter()
            .filter(|(flag, _)| filter(*flag))
            .map(|(flag, source)| name(*flag, *source))
            .collect();
        let joined = names.join(" and ");
        let after = if names.len() == 1 { joined.clone() } else { "the others".to_owned() };
        (joined, after)
    }
}

/// How a message names a flag: by itself or its variable, with the value of `--tlog-upload`.
fn name(flag: SigningFlag, source: Source) -> String {
    match flag {
        TlogUploadFalse => format!("{source}=false"),
        TlogUpload => format!("{source}=true"),
        _ => source.to_string(),
    }
}

/// How a hint says to remove a flag.
fn removal(flag: SigningFlag, source: Source) -> String {
    match (flag, source) {
        (TlogUploadFalse, Source::Variable(_)) => "add --tlog-upload=true".to_owned(),
        (TlogUploadFalse, Source::Flag(_)) => "leave out --tlog-upload=false".to_owned(),
        _ => source.removal(),
    }
}

fn conflict_hint(one: (SigningFlag, Source), other: (SigningFlag, Source), better: Option<&str>) -> String {
    match (better, other.1) {
        (None, _) => format!("{}, or {}", removal(one.0, one.1), removal(other.0, other.1)),
        (Some(better), Source::Flag(_)) => better.to_owned(),
        (Some(better), Source::Variable(_)) => {
            format!("{better}, or {}", removal(other.0, other.1))
        }
    }
}
