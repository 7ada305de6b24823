//! Whose signature to trust: trust flags -> [`Trust`]. Nothing in a bundle has a say in that. No
//! file is opened here: whoever reads a key file checks that it is a key outside of the bundle.

mod expected_release;
mod foreign;
mod keys;
mod regexp;
mod rules;
mod shard;
#[cfg(test)]
mod tests;

use camino::Utf8PathBuf;

use super::key_ref::KeyRef;
use super::value::{UNSET_VARIABLE, none_empty, not_empty};
use crate::cli::{TrustArgs, VerifyArgs};
use crate::digest::Sha256Digest;
use crate::error::{Failure, Result};
use crate::settings::Environment;
use crate::shard::Shard;
pub(crate) use expected_release::ExpectedRelease;
pub(crate) use foreign::ForeignPlan;
pub(crate) use keys::{MAX_KEYS, refuse_too_many, too_few_keys};
use keys::{fingerprint, keys_to_trust, required};
pub(crate) use regexp::Regexp;

/// What `verify` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifyPlan {
    /// The bundles as typed; at least one, none empty.
    pub(crate) bundles: Vec<Utf8PathBuf>,
    /// What they are, if aicr did not build them.
    pub(crate) foreign: Option<ForeignPlan>,
    /// What is verified of each.
    pub(crate) scope: Scope,
}

/// What is verified of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `--checksums-only`: the files against the manifest. Nothing proves who made it.
    ChecksumsOnly,
    /// The signature over the manifest, then the files.
    Signature(Box<SignaturePlan>),
}

/// What is verified of a signed bundle, and what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignaturePlan {
    /// Whose signature is trusted.
    pub(crate) trust: Trust,
    /// Which release it must be.
    pub(crate) release: ExpectedRelease,
    /// Where an accepted bundle is copied to; there is one bundle then.
    pub(crate) copy_to: Option<Utf8PathBuf>,
    /// Where the receipt is written; there is one bundle then.
    pub(crate) receipt: Option<Utf8PathBuf>,
    /// Which part of the files is verified; all of them if it is `None`. Then there is no copy and no receipt.
    pub(crate) shard: Option<Shard>,
}

/// Whose signature is trusted. One row of the table of trust flags, so that no later step reads a
/// flag again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The holders of these keys.
    Keys {
        /// The keys, at least one.
        keys: Vec<KeyToTrust>,
        /// The fingerprints that each key may have; any if there are none.
        fingerprints: Vec<Sha256Digest>,
        /// How many different keys must have signed: from 1 to the number of `keys`.
        required: usize,
        /// What each of these signatures must come with.
        evidence: KeyEvidence,
    },
    /// This identity, as its OIDC issuer certified it.
    Identity {
        /// The identity.
        identity: Pattern,
        /// The issuer.
        issuer: Pattern,
        /// What the signature must come with.
        evidence: IdentityEvidence,
        /// What certificates, logs and timestamps are checked against.
        root: Root,
    },
}

/// The key to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyToTrust {
    /// A file with the public key.
    File(Utf8PathBuf),
    /// The public key is piped in: `--key -`.
    StandardInput,
    /// A key manager's, which `cosign public-key` asks for once; a plugin only with
    /// --allow-kms-plugin.
    Ref(KeyRef),
}

/// What a signature by a key must come with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyEvidence {
    /// Nothing, with `--insecure-ignore-tlog`: a log entry or timestamp is reported as `unchecked`.
    None,
    /// An entry in a log, but there is no root to check it against: `--key` alone. Always exit 5;
    /// the hint has the flag that fits the bundle.
    LogWithoutRoot,
    /// An entry in a log that the root knows.
    Log {
        /// What entries and timestamps are checked against.
        root: Root,
        /// Whether a timestamp must be there.
        timestamp: TimestampPolicy,
    },
    /// No entry, but timestamps are checked.
    TimestampOnly {
        /// What timestamps are checked against.
        root: Root,
        /// Whether one must be there.
        timestamp: TimestampPolicy,
    },
}

/// What a keyless signature must come with: always something that shows when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityEvidence {
    /// An entry in a log that the root knows.
    Log(TimestampPolicy),
    /// A trusted timestamp, without an entry.
    RequiredTimestamp,
}

/// Whether a trusted timestamp must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampPolicy {
    /// Checked if it is there and the root knows its authority.
    IfKnown,
    /// Must be there: the only way to notice one that was removed.
    Required,
}

/// What logs, certificates and timestamps are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A trusted root in this file.
    File(Utf8PathBuf),
    /// That of the public Sigstore, which cosign fetches once.
    Online,
}

/// An identity or issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Exactly this text.
    Exact(String),
    /// Any text that this regular expression matches as a whole.
    Regexp(Regexp),
}

impl Pattern {
    /// How aicr uses the pattern, if the user may expect something else.
    pub(crate) fn warning(&self) -> Option<String> {
        match self {
            Self::Exact(_) => None,
            Self::Regexp(regexp) => regexp.warning(),
        }
    }
}

impl VerifyPlan {
    /// The plan of `verify`.
    pub(crate) fn new(args: VerifyArgs, environment: &Environment) -> Result<Self> {
        let bundles = none_empty(args.bundles.clone(), "BUNDLE")?;
        rules::check_standard_input(&args)?;
        rules::check(&args)?;
        let VerifyArgs { bundles: _, copy_to, receipt, shard, release, foreign, trust } = args;
        let foreign = ForeignPlan::new(foreign, &bundles)?;
        let scope = if trust.checksums_only {
            Scope::ChecksumsOnly
        } else {
            Scope::Signature(Box::new(SignaturePlan {
                trust: Trust::new(trust, environment)?,
                release: ExpectedRelease::new(release)?,
                copy_to: copy_to.map(|path| not_empty(path, "--copy-to")).transpose()?,
                receipt: receipt.map(|path| not_empty(path, "--receipt")).transpose()?,
                shard: shard.map(|text| shard::parse(&text)).transpose()?,
            }))
        };
        Ok(Self { bundles, foreign, scope })
    }
}

impl Trust {
    /// What logs, certificates and timestamps are checked against; `None` with a key alone.
    pub(crate) fn root(&self) -> Option<&Root> {
        match self {
            Self::Keys { evidence: KeyEvidence::None | KeyEvidence::LogWithoutRoot, .. } => None,
            Self::Keys {
                evidence: KeyEvidence::Log { root, .. } | KeyEvidence::TimestampOnly { root, .. },
                ..
            }
            | Self::Identity { root, .. } => Some(root),
        }
    }

    /// Whether the signature must have an entry in a transparency log.
    pub(crate) fn requires_log_entry(&self) -> bool {
        match self {
            Self::Keys { evidence, .. } => match evidence {
                KeyEvidence::LogWithoutRoot | KeyEvidence::Log { .. } => true,
                KeyEvidence::None | KeyEvidence::TimestampOnly { .. } => false,
            },
            Self::Identity { evidence: IdentityEvidence::Log(_), .. } => true,
            Self::Identity { evidence: IdentityEvidence::RequiredTimestamp, .. } => false,
        }
    }

    /// What holds for timestamps; `None` when they are left unchecked.
    pub(crate) fn timestamp_policy(&self) -> Option<TimestampPolicy> {
        match self {
            Self::Keys { evidence, .. } => match evidence {
                KeyEvidence::None | KeyEvidence::LogWithoutRoot => None,
                KeyEvidence::Log { timestamp, .. } | KeyEvidence::TimestampOnly { timestamp, .. } => {
                    Some(*timestamp)
                }
            },
            Self::Identity { evidence: IdentityEvidence::Log(timestamp), .. } => Some(*timestamp),
            Self::Identity { evidence: IdentityEvidence::RequiredTimestamp, .. } => {
                Some(TimestampPolicy::Required)
            }
        }
    }

    /// Whether a trusted timestamp must be there.
    pub(crate) fn requires_timestamp(&self) -> bool {
        self.timestamp_policy() == Some(TimestampPolicy::Required)
    }

    /// The row for `args`, which have passed the rules.
    fn new(args: TrustArgs, environment: &Environment) -> Result<Self> {
        let TrustArgs {
            key: keys,
            key_sha256,
            require,
            insecure_ignore_tlog,
            trusted_root,
            certificate_identity,
            certificate_identity_regexp,
            certificate_oidc_issuer,
            certificate_oidc_issuer_regexp,
            require_timestamp,
            online,
            checksums_only: _,
            allow_kms_plugin,
        } = args;
        let timestamp = if require_timestamp { TimestampPolicy::Required } else { TimestampPolicy::IfKnown };
        let root = match trusted_root {
            Some(path) => Some(Root::File(not_empty(path, "--trusted-root")?)),
            None => online.then_some(Root::Online),
        };
        if !keys.is_empty() {
            let keys = keys_to_trust(&keys, allow_kms_plugin, environment)?;
            let required = required(require.as_deref(), keys.len())?;
            let fingerprints = key_sha256.iter().map(|text| fingerprint(text)).collect::<Result<_>>()?;
            let evidence = match (insecure_ignore_tlog, root) {
                (true, None) => KeyEvidence::None,
                (false, None) => KeyEvidence::LogWithoutRoot,
                (true, Some(root)) => KeyEvidence::TimestampOnly { root, timestamp },
                (false, Some(root)) => KeyEvidence::Log { root, timestamp },
            };
            return Ok(Self::Keys { keys, fingerprints, required, evidence });
        }
        let identity = pattern(
            (certificate_identity, "--certificate-identity"),
            (certificate_identity_regexp, "--certificate-identity-regexp"),
        )?;
        let issuer = pattern(
            (certificate_oidc_issuer, "--certificate-oidc-issuer"),
            (certificate_oidc_issuer_regexp, "--certificate-oidc-issuer-regexp"),
        )?;
        let (Some(identity), Some(issuer)) = (identity, issuer) else {
            return Err(rules::no_trust_flag());
        };
        let Some(root) = root else {
            return Err(rules::needs_root("--certificate-identity"));
        };
        let evidence = if insecure_ignore_tlog {
            IdentityEvidence::RequiredTimestamp
        } else {
            IdentityEvidence::Log(timestamp)
        };
        Ok(Self::Identity { identity, issuer, evidence, root })
    }
}

/// The exact text or the regular expression, whichever was typed; the rules allow one. An empty
/// expression would match any identity, an empty text none.
fn pattern(
    (exact, exact_flag): (Option<String>, &'static str),
    (regexp, regexp_flag): (Option<String>, &'static str),
) -> Result<Option<Pattern>> {
    let not_empty = |text: String, flag: &str| {
        if text.is_empty() {
            return Err(Failure::usage(format!("{flag}: the value is empty")).hint(UNSET_VARIABLE));
        }
        Ok(text)
    };
    Ok(match (exact, regexp) {
        (Some(text), _) => Some(Pattern::Exact(not_empty(text, exact_flag)?)),
        (None, Some(text)) => {
            let text = not_empty(text, regexp_flag)?;
            Some(Pattern::Regexp(Regexp::parse(text, regexp_flag)?))
        }
        (None, None) => None,
    })
}
