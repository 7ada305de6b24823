//! A key reference, checked against the way in which cosign reads it: one that cosign reads in
//! another way than the user means never reaches it. Nothing here opens a file, looks for a plugin
//! or contacts a key manager.

mod aws;
mod azure;
mod gcp;
mod named;
mod pkcs11;
mod refusals;
mod scheme;
#[cfg(test)]
mod tests;

use std::fmt;

use camino::Utf8PathBuf;

use super::value::ValueError;
use super::variable_name::VariableName;
use crate::printable::show;
pub(crate) use scheme::Scheme;

/// Where the signing key or the key to trust is. Only [`KeyRef::parse`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyRef {
    /// `awskms://`
    Aws(Uri),
    /// `gcpkms://`
    Gcp(Uri),
    /// `azurekms://`
    Azure(Uri),
    /// `hashivault://`
    HashiVault(Uri),
    /// `openbao://`
    OpenBao(Uri),
    /// `k8s://`
    K8s(Uri),
    /// `pkcs11:`
    Pkcs11(Uri),
    /// `env://`: a PEM in this variable.
    EnvVariable(VariableName),
    /// A file, as typed.
    File(Utf8PathBuf),
    /// `SCHEME://`, for which cosign runs the program `sigstore-kms-SCHEME`.
    Plugin {
        /// The scheme, letter for letter.
        scheme: String,
        /// The whole reference.
        uri: Uri,
    },
}

/// A checked reference, with its scheme. It contains no PIN and no user-info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uri(String);

impl KeyRef {
    /// The key reference in `value`, or what is wrong with it and the corrected form. The error
    /// never shows a secret in it.
    pub(crate) fn parse(value: &str) -> Result<Self, ValueError> {
        refusals::check_text(value)?;
        if let Some(rest) = value.strip_prefix("pkcs11:") {
            return pkcs11::check(rest).map(|()| Self::Pkcs11(Uri(value.to_owned())));
        }
        match value.split_once("://") {
            Some((scheme, rest)) => Self::parse_uri(value, scheme, rest),
            None => Self::parse_file(value),
        }
    }

    fn parse_uri(value: &str, scheme: &str, rest: &str) -> Result<Self, ValueError> {
        refusals::refuse_user_info(scheme, rest)?;
        let uri = || Uri(value.to_owned());
        match Scheme::named(scheme) {
            Some(Scheme::Aws) => aws::check(rest).map(|()| Self::Aws(uri())),
            Some(Scheme::Gcp) => gcp::check(rest).map(|()| Self::Gcp(uri())),
            Some(Scheme::Azure) => azure::check(rest).map(|()| Self::Azure(uri())),
            Some(Scheme::HashiVault) => named::check_transit(scheme, rest).map(|()| Self::HashiVault(uri())),
            Some(Scheme::OpenBao) => named::check_transit(scheme, rest).map(|()| Self::OpenBao(uri())),
            Some(Scheme::K8s) => named::check_secret(rest).map(|()| Self::K8s(uri())),
            Some(Scheme::Env) => named::variable(rest).map(Self::EnvVariable),
            // `pkcs11:` was handled before.
            Some(Scheme::Pkcs11 | Scheme::File | Scheme::Plugin) | None => {
                refusals::refuse_foreign(scheme, rest)?;
                refusals::refuse_typo(scheme, rest)?;
                if !is_plugin_scheme(scheme) || rest.is_empty() {
                    return Err(ValueError::new(
                        format!(
                            "`{}` is neither a file nor a key reference that cosign can read",
                            masked(value)
                        ),
                        "give a key file by a path without `://`, or a key manager URI such as `awskms:///alias/NAME`",
                    ));
                }
                Ok(Self::Plugin { scheme: scheme.to_owned(), uri: uri() })
            }
        }
    }

    /// A value without `://`: a file. Refused are a key manager's own name for a key, and a URI
    /// without its slashes: cosign would look for a file with that name.
    fn parse_file(value: &str) -> Result<Self, ValueError> {
        if value.starts_with("arn:") {
            return Err(ValueError::new(
                "an ARN needs awskms:/// in front, or cosign looks for a file with that name",
                corrected(&format!("awskms:///{value}")),
            ));
        }
        if gcp::is_resource_name(value) {
            return Err(ValueError::new(
                "a Google Cloud resource name needs gcpkms:// in front, or cosign looks for a file with that name",
                corrected(&format!("gcpkms://{value}")),
            ));
        }
        if let Some((name, rest)) = value.split_once(':') {
            let typo =
                Scheme::meant_by(name).filter(|scheme| *scheme == Scheme::Pkcs11 && rest.contains('='));
            let exact = Scheme::named(&name.to_ascii_lowercase());
            if let Some(scheme) = typo.or(exact) {
                let name = show(name);
                return Err(ValueError::new(
                    format!(
                        "`{name}:` is not the start of a key reference; {}{} is",
                        scheme.name(),
                        scheme.separator()
                    ),
                    corrected_or_form(scheme, rest),
                ));
            }
        }
        Ok(Self::File(Utf8PathBuf::from(value)))
    }

    /// The value of cosign's `--key`. A file is as typed, relative to aicr's working directory.
    pub(crate) fn as_cosign_arg(&self) -> String {
        match self {
            Self::Aws(uri)
            | Self::Gcp(uri)
            | Self::Azure(uri)
            | Self::HashiVault(uri)
            | Self::OpenBao(uri)
            | Self::K8s(uri)
            | Self::Pkcs11(uri)
            | Self::Plugin { uri, .. } => uri.0.clone(),
            Self::EnvVariable(name) => format!("env://{name}"),
            Self::File(path) => path.to_string(),
        }
    }

    /// The scheme of the reference.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::Aws(_) => Scheme::Aws,
            Self::Gcp(_) => Scheme::Gcp,
            Self::Azure(_) => Scheme::Azure,
            Self::HashiVault(_) => Scheme::HashiVault,
            Self::OpenBao(_) => Scheme::OpenBao,
            Self::K8s(_) => Scheme::K8s,
            Self::Pkcs11(_) => Scheme::Pkcs11,
            Self::EnvVariable(_) => Scheme::Env,
            Self::File(_) => Scheme::File,
            Self::Plugin { .. } => Scheme::Plugin,
        }
    }

    /// Whether the key may need a network. A plugin may do anything, so it may.
    pub(crate) fn needs_network(&self) -> bool {
        match self.scheme() {
            Scheme::Aws
            | Scheme::Gcp
            | Scheme::Azure
            | Scheme::HashiVault
            | Scheme::OpenBao
            | Scheme::K8s
            | Scheme::Plugin => true,
            Scheme::Pkcs11 | Scheme::Env | Scheme::File => false,
        }
    }

    /// The program that cosign runs from the PATH for a plugin scheme, `sigstore-kms-SCHEME`.
    /// Nothing here checks that it exists.
    pub(crate) fn plugin_program(&self) -> Option<String> {
        match self {
            Self::Plugin { scheme, .. } => Some(format!("sigstore-kms-{scheme}")),
            _ => None,
        }
    }
}

/// For messages: the reference with control characters made visible, and without the query of a
/// plugin URI, which may contain a secret.
impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin { uri, .. } => f.write_str(&masked(&uri.0)),
            _ => f.write_str(&show(self.as_cosign_arg())),
        }
    }
}

/// The scheme becomes part of a program's name, so it must not be a path.
fn is_plugin_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphanumeric())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'+'))
}

/// A hint with the corrected reference: the rest of the value after another scheme, if that is
/// valid, else the general form.
fn corrected_or_form(scheme: Scheme, rest: &str) -> String {
    let bare = rest.trim_start_matches('/');
    let start = format!("{}{}", scheme.name(), scheme.separator());
    let candidates = [format!("{start}{rest}"), format!("{start}{bare}"), format!("{start}/{bare}")];
    let good = candidates.iter().find(|candidate| KeyRef::parse(candidate).is_ok());
    corrected(good.map_or(scheme.form(), String::as_str))
}

/// A hint that shows the right form.
fn corrected(form: &str) -> String {
    format!("write `{}`", show(form))
}

/// `value` for a message, without what follows a question mark.
fn masked(value: &str) -> String {
    match value.split_once('?') {
        Some((before, _)) => format!("{}?…", show(before)),
        None => show(value),
    }
}
