//! A private key as cosign is handed it, checked as far as that goes without cosign: the file is
//! one of cosign's, the plugin is there, the password is at hand. Everything here is exit 2, and
//! comes before anything is built.

use anyhow::Context;
use camino::Utf8Path;

use super::search_path::SearchPath;
use crate::error::{Failure, Result};
use crate::plan::key_ref::KeyRef;
use crate::settings::Environment;
use crate::sigstore::public_key::PemKind;
use crate::small_file::{self, Links};

/// The largest key file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;
/// The variable with the password of a key file.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// A key that cosign can be asked to use.
pub(crate) struct SigningKey {
    pub(super) reference: KeyRef,
    /// The value of `--key`. A file is named by its absolute path, which is never taken for a URL.
    pub(super) argument: String,
    /// The variables that the operator hands to a KMS plugin; `None` where nobody can name any.
    pub(super) kms_env: Option<Vec<String>>,
    pub(super) password: Option<String>,
}

impl SigningKey {
    /// The key behind `reference`. `kms_env` names the variables that the operator hands to a KMS
    /// plugin, where there is a flag for that; `ask` asks a person for the password of a key file, and gives `None` where there is
    /// nobody to ask.
    pub(crate) fn at_hand(
        reference: &KeyRef,
        kms_env: Option<Vec<String>>,
        environment: &Environment,
        search_path: &SearchPath,
        ask: &dyn Fn(&str) -> Result<Option<String>>,
    ) -> Result<Self> {
        let mut argument = reference.as_cosign_arg();
        let mut password = None;
        match reference {
            KeyRef::File(path) => {
                check_file(path)?;
                argument = camino::absolute_utf8(path)
                    .with_context(|| format!("resolve the path of the key file {path}"))?
                    .into_string();
                password = password_unless_set(reference, environment, ask)?;
            }
            KeyRef::EnvVariable(name) => {
                let Some(value) = environment.get(name.as_str()) else {
                    return Err(Failure::usage(format!("{reference}: the variable {name} is not set"))
                        .hint("it must hold the key file that `cosign generate-key-pair` writes"));
                };
                check_kind(&reference.to_string(), value.as_encoded_bytes())?;
                password = password_unless_set(reference, environment, ask)?;
            }
            _ => {}
        }
        if let Some(program) = reference.plugin_program() {
            find_plugin(reference, &program, search_path)?;
        }
        Ok(Self { reference: reference.clone(), argument, kms_env, password })
    }

    /// The value of `--key` as it may be shown: without the query of a plugin's reference, which may
    /// hold a secret.
    pub(crate) fn shown(&self) -> String {
        match &self.reference {
            KeyRef::Plugin { .. } => self.reference.to_string(),
            _ => self.argument.clone(),
        }
    }

    /// The argument that names the key, and how it is shown.
    pub(super) fn shown_instead(&self) -> (String, String) {
        (format!("--key={}", self.argument), format!("--key={}", self.shown()))
    }

    /// Those of `--kms-env` that are not set, so that the plugin gets none.
    pub(crate) fn unset(&self, environment: &Environment) -> impl Iterator<Item = &str> {
        self.kms_env.iter().flatten().map(String::as_str).filter(|name| environment.get(name).is_none())
    }

    /// The reference it was made from.
    pub(crate) fn reference(&self) -> &KeyRef {
        &self.reference
    }
}

fn check_file(path: &Utf8Path) -> Result<()> {
    let content = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(|why| {
        Failure::usage(format!("key file {path} {why}"))
            .hint("name a key manager URI, or the key file that `cosign generate-key-pair` writes")
    })?;
    check_kind(&format!("key file {path}"), &content)
}

fn check_kind(what: &str, content: &[u8]) -> Result<()> {
    let (problem, hint) = match PemKind::of(content) {
        PemKind::CosignPrivate => return Ok(()),
        PemKind::Public => ("is a public key", "signing needs the private key; verifiers get the public one"),
        PemKind::OpenSsh => (
            "is a private key of OpenSSH, which cosign can neither read nor import",
            "make a key with `cosign generate-key-pair`, or name one in a key manager",
        ),
        PemKind::OtherPrivate => (
            "is a private key that cosign does not read",
            "`cosign import-key-pair --key FILE` makes an encrypted key of it that cosign reads",
        ),
        PemKind::Certificate => ("is a certificate", "signing needs the private key"),
        PemKind::Unknown => {
            ("is not a key", "signing takes the key file that `cosign generate-key-pair` writes")
        }
    };
    Err(Failure::usage(format!("{what} {problem}")).hint(hint))
}

fn password_unless_set(
    reference: &KeyRef,
    environment: &Environment,
    ask: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<Option<String>> {
    // Set but empty is a password.
    if environment.get(PASSWORD).is_some() {
        return Ok(None);
    }
    match ask(&format!("password of {reference}"))? {
        Some(password) => Ok(Some(password)),
        None => {
            Err(Failure::usage(format!("{reference} needs a password, and there is no terminal to ask at"))
                .hint("set COSIGN_PASSWORD; set but empty is a password too"))
        }
    }
}

fn find_plugin(reference: &KeyRef, program: &str, search_path: &SearchPath) -> Result<()> {
    if search_path.find(program).is_some() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{reference}: cosign knows no such scheme, and its plugin {program} is not on the PATH"
    ))
    .hint(format!("install {program}, or name a key of another key manager")))
}
