//! `pkcs11:` URIs (RFC 7512) as cosign reads them. No message shows any part of a URI, since it may
//! contain a PIN. Nothing here looks at the module.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{Scheme, ValueError};

/// Checks what follows `pkcs11:`, by `pkg/cosign/pkcs11key/util.go` of cosign 3.1: attributes of
/// the path select token and key, those after `?` the module. `module-path` may be missing, since
/// `COSIGN_PKCS11_MODULE_PATH` can give it.
pub(super) fn check(rest: &str) -> Result<(), ValueError> {
    let form = || format!("write `{}`", Scheme::Pkcs11.form());
    let path = rest.split('?').next().unwrap_or_default();
    // After a second `?`, too: cosign reads no attribute there, but the user means one.
    if rest.split('?').flat_map(attributes).any(|(name, _)| name.eq_ignore_ascii_case("pin-value")) {
        return Err(pin_value());
    }
    if rest.starts_with('/') {
        return Err(ValueError::new("a pkcs11 URI has no slashes after the colon", form()));
    }
    if rest.contains('#') {
        return Err(ValueError::new(
            "the pkcs11 URI contains a `#`, and cosign ignores the rest",
            "write `%23` for a `#` in a label",
        ));
    }
    let has = |wanted: &str| attributes(path).any(|(name, value)| name == wanted && !value.is_empty());
    if !has("token") && !has("slot-id") {
        return Err(ValueError::new("the pkcs11 URI has no token: it needs token= or slot-id=", form()));
    }
    if !has("object") && !has("id") {
        return Err(ValueError::new("the pkcs11 URI has no key: it needs object= or id=", form()));
    }
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    if attributes(path).any(|(name, value)| name == "slot-id" && !is_number(value)) {
        return Err(ValueError::new("the slot-id of the pkcs11 URI is not a number", "write `slot-id=0`"));
    }
    Ok(())
}

/// The refusal of a PIN in a command line, which every process of the machine can read.
pub(super) fn pin_value() -> ValueError {
    ValueError::new(
        "the key reference contains the PIN of a token (not shown)",
        "leave out pin-value= and set COSIGN_PKCS11_PIN",
    )
}

/// The attributes `name=value`, with names decoded, so that no PIN passes as `pin%2Dvalue`. cosign
/// splits at `;` and `&` alike.
fn attributes(part: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    part.split([';', '&']).map(|attribute| {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        (percent_decode_str(name).decode_utf8_lossy(), value)
    })
}
