//! What is refused in every key reference, or for its scheme alone.

use super::{Scheme, ValueError, corrected, corrected_or_form, pkcs11};
use crate::plan::secret::secret_in;
use crate::printable::{is_hidden, show};

/// What holds for every key reference before anybody asks for its scheme.
pub(super) fn check_text(value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        return Err(ValueError::new("the key reference is empty", "give a key manager URI or a key file"));
    }
    if let Some(kind) = secret_in(value) {
        return Err(ValueError::new(
            format!("{kind} was given where a key reference belongs (not shown)"),
            "give a key file, a key manager URI, or `env://VARIABLE` with the name of the variable that holds the PEM",
        ));
    }
    if value.to_ascii_lowercase().contains("pin-value=") {
        return Err(pkcs11::pin_value());
    }
    if value.trim() != value {
        return Err(ValueError::new(
            "the key reference begins or ends with a blank",
            "give it without blanks around it; a line break at its end is the usual cause",
        ));
    }
    if value.chars().any(is_hidden) {
        // Nobody has looked yet whether there are credentials in a URI.
        let name = if value.contains(':') { String::new() } else { format!(" `{}`", show(value)) };
        return Err(ValueError::new(
            format!("the key reference{name} holds control characters"),
            "give it without them",
        ));
    }
    Ok(())
}

/// Refuses `user:password@host`. A plugin may use `@` as it likes, but not after a colon.
pub(super) fn refuse_user_info(scheme: &str, rest: &str) -> Result<(), ValueError> {
    let authority = rest.split('/').next().unwrap_or_default();
    let native = Scheme::named(scheme).or_else(|| Scheme::meant_by(scheme)).is_some();
    match authority.rsplit_once('@') {
        Some((user, _)) if native || user.contains(':') => Err(ValueError::new(
            "credentials do not belong in a key reference (not shown)",
            "leave out what stands before the @, and give the key manager its credentials in its own variables",
        )),
        _ => Ok(()),
    }
}

/// Refuses schemes that cosign would answer otherwise than by signing with the key.
pub(super) fn refuse_foreign(scheme: &str, rest: &str) -> Result<(), ValueError> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Err(ValueError::new(
            "cosign would fetch the key from a web address, and nobody has checked that one",
            "fetch the key file yourself and give its path",
        )),
        "github" | "gitlab" => Err(ValueError::new(
            format!("cosign would talk to the {scheme} service, whose secrets are not a key manager"),
            "give a key file, or `env://VARIABLE` with the variable that the CI job gets the key in",
        )),
        "file" => Err(ValueError::new("cosign reads no file:// references", corrected(&show(rest)))),
        _ => Ok(()),
    }
}

/// Refuses a scheme that is a native one but for a slip: cosign would look for a plugin.
pub(super) fn refuse_slip(scheme: &str, rest: &str) -> Result<(), ValueError> {
    match Scheme::meant_by(scheme) {
        Some(meant) => Err(ValueError::new(
            format!("`{}://` is not a scheme; {}{} is", show(scheme), meant.name(), meant.separator()),
            corrected_or_form(meant, rest),
        )),
        None => Ok(()),
    }
}
