//! A key reference reaches cosign letter by letter, and the provider that its scheme names. A
//! message about a refused one never shows a secret in it.

use super::is_one_plain_line;
use crate::plan::key_ref::{KeyRef, Scheme};

/// A secret that no message may show.
const SECRET: &str = "S3cretS3cret";

pub(super) fn holds(input: &[u8]) {
    let Ok(value) = std::str::from_utf8(input) else { return };
    is_handed_on(value);
    if value.contains(SECRET) {
        return;
    }
    for whole in [
        format!("pkcs11:{value};pin-value={SECRET}"),
        format!("pkcs11:{value};PIN%2Dvalue={SECRET}"),
        format!("pkcs11:{value}?module-path=/m.so&pin-value={SECRET}"),
        format!("env://{value}${SECRET}"),
        format!("{value}-----BEGIN EC PRIVATE KEY-----{SECRET}"),
        format!("hvs.{SECRET}0123456789"),
    ] {
        is_not_shown(&whole);
    }
    // With one of these letters the secret is in no user-info and no query.
    if !value.contains([':', '/', '?']) {
        is_not_shown(&format!("{value}://user:{SECRET}@host/key"));
        is_not_shown(&format!("awskms://{value}:{SECRET}@host/alias/key"));
        is_not_shown(&format!("my-hsm://{value}?token={SECRET}"));
    }
}

fn is_handed_on(value: &str) {
    let key = match KeyRef::parse(value) {
        Ok(key) => key,
        Err(error) => {
            is_one_plain_line(&error.problem);
            return is_one_plain_line(&error.hint);
        }
    };
    assert_eq!(key.as_cosign_arg(), value);
    assert_eq!(KeyRef::parse(&key.as_cosign_arg()).as_ref(), Ok(&key));
    is_one_plain_line(&key.to_string());
    let rest = value.strip_prefix(key.scheme().name()).unwrap_or_default();
    match key.scheme() {
        Scheme::File => assert!(!value.contains("://") && !value.starts_with("pkcs11:")),
        Scheme::Pkcs11 => {
            assert!(rest.starts_with(':'));
            let mut names =
                rest[1..].split(['?', ';', '&']).filter_map(|attribute| attribute.split('=').next());
            assert!(!names.any(|name| name.eq_ignore_ascii_case("pin-value")), "{value}");
        }
        Scheme::Plugin => {
            let scheme = value.split("://").next().unwrap_or_default();
            assert_eq!(key.plugin_program(), Some(format!("sigstore-kms-{scheme}")));
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.+".contains(letter);
            assert!(scheme.chars().all(is_letter), "{scheme}");
        }
        _ => {
            assert!(rest.starts_with("://"), "{value}");
            let authority = rest[3..].split('/').next().unwrap_or_default();
            assert!(!authority.contains('@'), "{value}");
        }
    }
    assert_eq!(key.plugin_program().is_some(), key.scheme() == Scheme::Plugin);
}

fn is_not_shown(value: &str) {
    match KeyRef::parse(value) {
        Ok(key) => assert!(!key.to_string().contains(SECRET), "{key}"),
        Err(error) => {
            assert!(![&error.problem, &error.hint].iter().any(|text| text.contains(SECRET)), "{error:?}");
        }
    }
}
