//! Refusals that hold for every key reference, and those for the scheme alone.

use super::{Scheme, ValueError, corrected, corrected_or_form, pkcs11};
use crate::plan::secret::secret_in;
use crate::printable::{is_hidden, show};

/// The rules that hold for every scheme.
pub(super) fn check_text(value: &str) -> Result<(), ValueError> {
    if value.is_empty() {
        return Err(ValueError::new("the key reference is empty", "give a key manager URI or a key file"));
    }
    if let Some(kind) = secret_in(value) {
        return Err(ValueError::new(
            format!("expected a key reference, found {kind} (not shown)"),
            "give a key file, a key manager URI, or `env://VARIABLE` with the name of the variable that holds the PEM",
        ));
    }
    if value.to_ascii_lowercase().contains("pin-value=") {
        return Err(pkcs11::pin_value());
    }
    if value.trim() != value {
        return Err(ValueError::new(
            "the key reference begins or ends with a blank",
            "remove it; a line break at the end is the usual cause",
        ));
    }
    if value.chars().any(is_hidden) {
        // A URI may contain credentials, which are checked later.
        let name = if value.contains(':') { String::new() } else { format!(" `{}`", show(value)) };
        return Err(ValueError::new(
            format!("the key reference{name} contains control characters"),
            "remove them",
        ));
    }
    Ok(())
}

/// Refuses `user:password@host`. A plugin's URI may contain `@`, but not after a colon.
pub(super) fn refuse_user_info(scheme: &str, rest: &str) -> Result<(), ValueError> {
    let authority = rest.split('/').next().unwrap_or_default();
    let native = Scheme::named(scheme).or_else(|| Scheme::meant_by(scheme)).is_some();
    match authority.rsplit_once('@') {
        Some((user, _)) if native || user.contains(':') => Err(ValueError::new(
            "the key reference contains credentials (not shown)",
            "leave out everything before the @; set the variables in which the key manager expects its credentials",
        )),
        _ => Ok(()),
    }
}

/// Refuses schemes with which cosign does something else than to sign with the key.
pub(super) fn refuse_foreign(scheme: &str, rest: &str) -> Result<(), ValueError> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Err(ValueError::new(
            "cosign would fetch the key from this web address, and a key from there is not checked",
            "download the key file, check it, and give its path",
        )),
        "github" | "gitlab" => Err(ValueError::new(
            format!("cosign would contact {scheme}, which is not a key manager"),
            "give a key file, or `env://VARIABLE` with the name of the CI variable that holds the key",
        )),
        "file" => Err(ValueError::new("cosign does not read file:// references", corrected(&show(rest)))),
        _ => Ok(()),
    }
}

/// Refuses a typo of a native scheme: cosign would look for a plugin.
pub(super) fn refuse_typo(scheme: &str, rest: &str) -> Result<(), ValueError> {
    match Scheme::meant_by(scheme) {
        Some(meant) => Err(ValueError::new(
            format!("`{}://` is not a scheme; {}{} is", show(scheme), meant.name(), meant.separator()),
            corrected_or_form(meant, rest),
        )),
        None => Ok(()),
    }
}
