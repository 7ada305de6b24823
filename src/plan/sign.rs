//! Who signs, and which services record the signature. `rules` checks the combination of flags;
//! this file turns one that passes into a [`Signer`].

mod keyless;
mod recording;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::Surroundings;
use super::key_ref::{KeyRef, Scheme};
use super::own_variables::{SIGNING_KEY, TLOG_UPLOAD};
use super::value::{Source, Sourced, not_empty, typed_or_variable};
use super::variable_name::VariableName;
use crate::cli::SigningArgs;
use crate::error::{Failure, Result};
use crate::printable::show;
use crate::settings::Environment;
pub(crate) use keyless::{KeylessSigner, Provider, TOKEN, TokenSource};
pub(crate) use recording::{PlannedServices, Recording, ServiceUrls};
use rules::GivenFlags;

/// The command whose signing flags are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SigningCommand {
    /// `bundle`, which needs no signer.
    Bundle {
        /// `--no-sign`: variables are ignored.
        no_sign: bool,
    },
    /// `bundle-sign`.
    BundleSign,
    /// `doctor`, which signs nothing.
    Doctor,
}

/// Who signs. The type has no "keyless, and no log".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// A key in a key manager or a file.
    Key(KeySigner),
    /// An OIDC identity.
    Keyless(KeylessSigner),
}

/// A signature by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeySigner {
    /// The key, and the flag or variable that names it.
    pub(crate) key: Sourced<KeyRef>,
    /// Variables for the plugin or another helper program of the key manager.
    pub(crate) kms_env: BTreeSet<VariableName>,
    /// Which services record the signature.
    pub(crate) recording: Recording,
    /// Where the public key is written for the receivers.
    pub(crate) public_key_out: Option<Utf8PathBuf>,
}

impl Signer {
    /// The trusted root of private services; `None` without such services.
    pub(crate) fn trusted_root(&self) -> Option<&Utf8Path> {
        let sigstore = match self {
            Self::Keyless(signer) => &signer.sigstore,
            Self::Key(signer) => match &signer.recording {
                Recording::NotRecorded => return None,
                Recording::TimestampAuthority { trusted_root, .. } => return Some(trusted_root),
                Recording::Services(sigstore) => sigstore,
            },
        };
        match sigstore {
            PlannedServices::Public => None,
            PlannedServices::Named(named) => Some(&named.trusted_root),
            PlannedServices::Configured { trusted_root, .. } => Some(trusted_root),
        }
    }
}

/// The signer for `command`, or `None` for an unsigned bundle. The key reference is parsed as
/// cosign parses it; no file is opened.
pub(crate) fn signer(
    command: SigningCommand,
    mut args: SigningArgs,
    surroundings: Surroundings<'_>,
) -> Result<Option<Signer>> {
    let empty = Environment::default();
    let no_sign = command == (SigningCommand::Bundle { no_sign: true });
    let environment = if no_sign { &empty } else { surroundings.environment };
    let key = typed_or_variable(args.signing_key.take(), "--signing-key", environment, SIGNING_KEY)?;
    let log = typed_or_variable(args.tlog_upload.take(), "--tlog-upload", environment, TLOG_UPLOAD)?;
    let log = log.map(boolean).transpose()?;
    if !GivenFlags::new(&args, key.as_ref().map(|key| key.source), log.as_ref()).check(command)? {
        return Ok(None);
    }
    let Some(key) = key else {
        return keyless::signer(args, surroundings).map(Signer::Keyless).map(Some);
    };
    let recording = if log.is_none_or(|log| log.value) {
        Recording::Services(recording::services(&args)?)
    } else {
        recording::without_log(&args)?
    };
    let key = key_ref(&key, command)?;
    Ok(Some(Signer::Key(KeySigner {
        kms_env: kms_variables(&args.kms_env, &key)?,
        key,
        recording,
        public_key_out: args.public_key_out.map(|path| not_empty(path, "--public-key-out")).transpose()?,
    })))
}

/// `true` or `false`, in exactly this spelling.
fn boolean(text: Sourced<String>) -> Result<Sourced<bool>> {
    let Sourced { value, source } = text;
    let value = match value.as_str() {
        "true" => true,
        "false" => false,
        other => {
            let hint = match source {
                Source::Flag(flag) => format!("write {flag}=true or {flag}=false"),
                Source::Variable(name) => format!("set {name} to true or false, or unset it"),
            };
            return Err(
                Failure::usage(format!("{source}: `{}` is neither true nor false", show(other))).hint(hint)
            );
        }
    };
    Ok(Sourced { value, source })
}

fn key_ref(key: &Sourced<String>, command: SigningCommand) -> Result<Sourced<KeyRef>> {
    let Sourced { value, source } = key;
    if value.is_empty() && matches!(command, SigningCommand::Bundle { .. }) {
        // An unset CI secret is an empty value, and must not lead to an unsigned release.
        return Err(Failure::usage(format!("{source}: the key reference is empty"))
            .hint("give a key manager URI or a key file, or --no-sign for an unsigned bundle"));
    }
    let value = KeyRef::parse(value).map_err(|error| error.at(*source))?;
    Ok(Sourced { value, source: *source })
}

/// The variables of `--kms-env`: for plugins, for the programs that a kubeconfig or a profile of AWS
/// names, and for the module of a token.
fn kms_variables(names: &[String], key: &Sourced<KeyRef>) -> Result<BTreeSet<VariableName>> {
    let takes_them =
        matches!(key.value.scheme(), Scheme::Plugin | Scheme::K8s | Scheme::Aws | Scheme::Pkcs11);
    if !names.is_empty() && !takes_them {
        return Err(Failure::usage(format!(
            "--kms-env is for KMS plugins, k8s, awskms and pkcs11, and {} is none of them",
            key.source
        ))
        .hint("leave out --kms-env: cosign gets the variables of this key manager anyway"));
    }
    names.iter().map(|name| VariableName::for_helper(name)).collect()
}
