//! A private key as cosign gets it, checked as far as that is possible without cosign: the file is
//! a cosign key, the plugin exists, and there is a password. Every error here is exit 2, before
//! anything is built.

use camino::Utf8Path;

use super::search_path::SearchPath;
use crate::error::{Failure, Result};
use crate::plan::key_ref::KeyRef;
use crate::printable::quoted_path;
use crate::settings::Environment;
use crate::sigstore::pem::{PemKind, Spoiled};
use crate::small_file::{self, Links};

/// The largest key file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;
/// The variable with the password of a key file.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// A key that cosign can use.
pub(crate) struct SigningKey {
    pub(super) reference: KeyRef,
    /// The value of `--key`. For a file it is the absolute path, which cosign never reads as a URL.
    pub(super) argument: String,
    /// The variables of `--kms-env`; `None` for a command without this flag.
    pub(super) kms_env: Option<Vec<String>>,
    pub(super) password: Option<String>,
}

impl SigningKey {
    /// Reads and checks the key with this reference. `kms_env` has the variables of `--kms-env`, if
    /// the command has this flag. `ask` asks a person for the password of a key file; `None`
    /// without a terminal.
    pub(crate) fn read(
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
                // A directory above may have a name that is not UTF-8.
                let relative = |_| Utf8Path::new(".").join(path);
                argument = camino::absolute_utf8(path).unwrap_or_else(relative).into_string();
                password = password_unless_set(reference, environment, ask)?;
            }
            KeyRef::EnvVariable(name) => {
                let Some(value) = environment.get(name.as_str()) else {
                    return Err(Failure::usage(format!("{reference}: the variable {name} is not set")).hint(
                        "set it to the content of the key file that `cosign generate-key-pair` writes",
                    ));
                };
                check_content(
                    &reference.to_string(),
                    value.as_encoded_bytes(),
                    Place::Variable(name.as_str()),
                )?;
                password = password_unless_set(reference, environment, ask)?;
            }
            _ => {}
        }
        if let Some(program) = reference.plugin_program() {
            find_plugin(reference, &program, search_path)?;
        }
        Ok(Self { reference: reference.clone(), argument, kms_env, password })
    }

    /// Whether a person typed its password.
    pub(crate) fn has_typed_password(&self) -> bool {
        self.password.is_some()
    }

    /// Replaces a password that was typed, and was wrong.
    pub(crate) fn ask_again(&mut self, ask: &dyn Fn(&str) -> Result<Option<String>>) -> Result<()> {
        self.password = ask(&format!("wrong password; {}", prompt(&self.reference)))?;
        Ok(())
    }

    /// The value of `--key` as it is printed: without the query of a plugin's reference, which may
    /// contain a secret.
    pub(crate) fn shown(&self) -> String {
        match &self.reference {
            KeyRef::Plugin { .. } => self.reference.to_string(),
            _ => self.argument.clone(),
        }
    }

    /// The argument `--key`, and how it is printed.
    pub(super) fn shown_instead(&self) -> (String, String) {
        (format!("--key={}", self.argument), format!("--key={}", self.shown()))
    }

    /// The variables of `--kms-env` that are not set.
    pub(crate) fn unset(&self, environment: &Environment) -> impl Iterator<Item = &str> {
        self.kms_env.iter().flatten().map(String::as_str).filter(|name| environment.get(name).is_none())
    }

    /// Its reference.
    pub(crate) fn reference(&self) -> &KeyRef {
        &self.reference
    }
}

fn check_file(path: &Utf8Path) -> Result<()> {
    let content = small_file::read(path, SIZE_LIMIT, Links::Follow).map_err(|why| {
        Failure::usage(format!("key file {path} {why}"))
            .hint("name a key manager URI, or the key file that `cosign generate-key-pair` writes")
    })?;
    check_content(&format!("key file {path}"), &content, Place::File(&quoted_path(path)))
}

/// Where a key is, for a hint that can be pasted.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// A file, as an argument in the shell.
    File(&'a str),
    /// A variable with this name.
    Variable(&'a str),
}

/// Whether `content` is a private key of cosign, as cosign wrote it.
fn check_content(what: &str, content: &[u8], place: Place<'_>) -> Result<()> {
    let refuse = |problem: &str, hint: String| Err(Failure::usage(format!("{what} {problem}")).hint(hint));
    match (PemKind::of(content), Spoiled::of(content)) {
        (PemKind::CosignPrivate, None) => Ok(()),
        (PemKind::CosignPrivate | PemKind::Unknown, Some(how)) => refuse(&how.to_string(), place.remedy(how)),
        (PemKind::Public | PemKind::RsaPublic, _) => {
            refuse("is a public key", "sign with the private key; the public key is for verifying".into())
        }
        (PemKind::OpenSsh, _) => refuse(
            "is a private key of OpenSSH, which cosign can neither read nor import",
            "make a key with `cosign generate-key-pair`, or name one in a key manager".into(),
        ),
        (PemKind::OtherPrivate, _) => {
            let file = match place {
                Place::File(file) => file,
                Place::Variable(_) => "FILE",
            };
            refuse(
                "is a private key that cosign cannot read",
                format!("`cosign import-key-pair --key {file}` converts it for cosign"),
            )
        }
        (PemKind::Certificate, _) => refuse("is a certificate", "sign with the private key".into()),
        (PemKind::Unknown, None) => {
            refuse("is not a key", "sign with the key file that `cosign generate-key-pair` writes".into())
        }
    }
}

impl Place<'_> {
    /// What helps with a key that was spoiled in this way.
    fn remedy(self, how: Spoiled) -> String {
        match (self, how) {
            (Self::Variable(name), Spoiled::Path) => {
                format!("--signing-key \"${name}\" signs with that file")
            }
            (Self::Variable(name), Spoiled::Base64) => {
                format!("`printf %s \"${name}\" | base64 -d >release.key` writes the key to a file")
            }
            (Self::Variable(name), _) => {
                format!("`export {name}=\"$(cat cosign.key)\"` sets it to a whole key file")
            }
            (Self::File(file), Spoiled::Base64) => {
                format!("`base64 -d <{file} >release.key` decodes it")
            }
            (Self::File(file), Spoiled::ByteOrderMark) => {
                format!("`tail -c +4 {file} >release.key` removes it")
            }
            (Self::File(file), Spoiled::Utf16) => {
                format!("`iconv -f UTF-16 -t UTF-8 {file} >release.key` converts it")
            }
            (Self::File(file), Spoiled::Indented) => {
                format!("`sed 's/^[[:blank:]]*//' {file} >release.key` removes the blanks")
            }
            (Self::File(_), Spoiled::Path) => "give the file that the path names".into(),
            (Self::File(_), Spoiled::LineBreaksLost | Spoiled::CutOff | Spoiled::Damaged) => {
                "copy it again, as the file that `cosign generate-key-pair` wrote".into()
            }
        }
    }
}

fn password_unless_set(
    reference: &KeyRef,
    environment: &Environment,
    ask: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<Option<String>> {
    // An empty value is a password, too.
    if environment.get(PASSWORD).is_some() {
        return Ok(None);
    }
    match ask(&prompt(reference))? {
        Some(password) => Ok(Some(password)),
        None => Err(Failure::usage(format!(
            "{reference} needs a password, and there is no terminal to ask for it"
        ))
        .hint("set COSIGN_PASSWORD; an empty value is a password, too")),
    }
}

fn prompt(reference: &KeyRef) -> String {
    format!("password of {reference}")
}

fn find_plugin(reference: &KeyRef, program: &str, search_path: &SearchPath) -> Result<()> {
    if search_path.find(program).is_some() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{reference}: cosign has no such scheme, and the plugin {program} is not on the PATH"
    ))
    .hint(format!("install {program}, or use a key of another key manager")))
}
