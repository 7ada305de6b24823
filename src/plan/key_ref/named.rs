//! The schemes whose reference is one or two names: `hashivault://` and `openbao://`, `k8s://`,
//! `env://`. Whether what they name exists is not asked here.

use super::{ValueError, corrected};
use crate::plan::variable_name::{BadName, VariableName};

/// Checks what follows `hashivault://` or `openbao://`: the name of one key of the transit engine,
/// by the provider's `client.go` (sigstore 1.8 to 1.10). The mount path of the engine is in a
/// variable.
pub(super) fn check_transit(scheme: &str, name: &str) -> Result<(), ValueError> {
    if is_transit_name(name) {
        return Ok(());
    }
    let bare = name.trim_matches('/');
    if is_transit_name(bare) {
        return Err(ValueError::new(
            format!("cosign reads one name after {scheme}://, without slashes"),
            corrected(&format!("{scheme}://{bare}")),
        ));
    }
    if let Some((mount, key)) = bare.rsplit_once('/') {
        // In the engine's API a key is at MOUNT/keys/NAME.
        let mount = mount.strip_suffix("/keys").unwrap_or(mount);
        if is_transit_name(key) && mount.split('/').all(is_transit_name) {
            return Err(ValueError::new(
                format!("cosign reads one name after {scheme}://, not a path"),
                format!("write `{scheme}://{key}` and set TRANSIT_SECRET_ENGINE_PATH={mount}"),
            ));
        }
    }
    Err(ValueError::new(
        format!("the part after {scheme}:// is not the name of a key"),
        format!("write `{scheme}://NAME`; the address of the server goes into VAULT_ADDR"),
    ))
}

/// Letters, digits and `_`, with `-` and `.` inside.
fn is_transit_name(name: &str) -> bool {
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let bytes = name.as_bytes();
    bytes.first().is_some_and(word)
        && bytes.last().is_some_and(word)
        && bytes.iter().all(|b| word(b) || matches!(b, b'-' | b'.'))
}

/// Checks what follows `k8s://`: exactly a namespace and the name of a secret.
pub(super) fn check_secret(rest: &str) -> Result<(), ValueError> {
    match rest.split('/').collect::<Vec<_>>()[..] {
        [namespace, name] if !namespace.is_empty() && !name.is_empty() => Ok(()),
        [name] | ["", name] if !name.is_empty() => Err(ValueError::new(
            "the k8s reference has no namespace",
            corrected(&format!("k8s://NAMESPACE/{name}")),
        )),
        _ => Err(ValueError::new(
            "the k8s reference needs a namespace and the name of a secret",
            corrected("k8s://NAMESPACE/NAME"),
        )),
    }
}

/// The variable that `env://` names. A bad name is never shown: an unquoted `env://$KEY` contains
/// the key itself.
pub(super) fn variable(name: &str) -> Result<VariableName, ValueError> {
    VariableName::parse(name).map_err(|reason| match reason {
        BadName::Malformed => ValueError::new(
            "the part after env:// is not the name of a variable (not shown: it may be the value)",
            "write `env://VARIABLE` with the name of the variable, without a dollar sign",
        ),
        BadName::Withheld | BadName::Own => ValueError::new(
            format!("env://{name}: this variable is never passed to cosign"),
            "put the key into a variable with another name",
        ),
    })
}
