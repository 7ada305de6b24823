//! `azurekms://VAULT/KEY[/VERSION]`: the parts. Nothing here checks that the key exists.

use super::{ValueError, corrected};

/// Checks what follows `azurekms://`, by the provider's `client.go` (sigstore 1.8 to 1.10), which
/// makes `https://VAULT/` of the first part.
pub(super) fn check(rest: &str) -> Result<(), ValueError> {
    let parts: Vec<&str> = rest.split('/').collect();
    match parts[..] {
        [] | ["", ..] => {
            Err(ValueError::new("the azurekms reference has no vault", corrected("azurekms://VAULT/KEY")))
        }
        [vault] | [vault, "", ..] | [vault, "keys"] | [vault, "keys", "", ..] => Err(ValueError::new(
            "the azurekms reference has no key",
            corrected(&format!("azurekms://{vault}/KEY")),
        )),
        [_, _] => Ok(()),
        // The key's URL in the portal contains `/keys/`: cosign would read that word as the key,
        // and the key as its version.
        [vault, "keys", key, ref version @ ..] if version.len() < 2 && !is_vault_version(key) => {
            let after_vault = [&[key], version].concat().join("/");
            let after_vault = after_vault.trim_end_matches('/');
            Err(ValueError::new(
                "cosign would read `keys` as the name of the key",
                corrected(&format!("azurekms://{vault}/{after_vault}")),
            ))
        }
        [vault, key, ""] => Err(ValueError::new(
            "the azurekms reference ends in a slash",
            corrected(&format!("azurekms://{vault}/{key}")),
        )),
        [_, _, version] if version.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) => Ok(()),
        [vault, key, _] => Err(ValueError::new(
            "the version of the azurekms key is not lower-case letters and digits",
            corrected(&format!("azurekms://{vault}/{key}/VERSION")),
        )),
        [vault, key, ..] => Err(ValueError::new(
            "the azurekms reference has more parts than vault, key and version",
            corrected(&format!("azurekms://{vault}/{key}/VERSION")),
        )),
    }
}

/// Versions of Azure are 32 hex digits.
fn is_vault_version(word: &str) -> bool {
    word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit())
}
