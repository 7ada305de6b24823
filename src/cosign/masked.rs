//! Secrets taken out of what a program printed: a cosign, a plugin or a key manager's library may
//! repeat a password in its error. Pure.

use super::variables::{Value, Variables};

/// Parts of the names of variables that hold a secret.
const NAMES: [&str; 7] = ["PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "PIN", "HEADER", "CREDENTIAL"];

/// The shortest secret that is looked for, in bytes. To take out every `a` of a text would only tell
/// that the password is `a`.
const SHORTEST: usize = 4;

/// `text` with `$NAME` in the place of each secret of `variables`.
pub(crate) fn masked(text: Vec<u8>, variables: &Variables) -> Vec<u8> {
    let mut secrets: Vec<_> =
        variables.iter().filter_map(|(name, value)| Some((name, secret(name, value)?))).collect();
    // One may be part of another.
    secrets.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text, |text, (name, secret)| replaced(&text, secret, format!("${name}").as_bytes()))
}

fn secret<'a>(name: &str, value: &'a Value) -> Option<&'a [u8]> {
    let value = match value {
        Value::Secret(value) => value,
        // The place where one is kept is no secret.
        Value::HandedOn(value)
            if NAMES.iter().any(|part| name.contains(part))
                && !["_FILE", "_PATH"].iter().any(|end| name.ends_with(end))
                && !value.as_encoded_bytes().starts_with(b"/") =>
        {
            value
        }
        Value::HandedOn(_) | Value::Set(_) => return None,
    };
    let value = value.as_encoded_bytes().trim_ascii();
    (value.len() >= SHORTEST).then_some(value)
}

fn replaced(text: &[u8], secret: &[u8], name: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        masked.extend_from_slice(&rest[..at]);
        masked.extend_from_slice(name);
        rest = &rest[at + secret.len()..];
    }
    masked.extend_from_slice(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_nothing_else_are_taken_out() {
        let handed_on = |value: &str| Value::HandedOn(value.into());
        let variables = Variables::from([
            ("COSIGN_PASSWORD".into(), Value::Secret("horse\n".into())),
            ("VAULT_TOKEN".into(), handed_on("hvs.horse-and-cart")),
            ("VAULT_ADDR".into(), handed_on("https://vault")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE".into(), handed_on("/run/token")),
            ("COSIGN_PKCS11_PIN".into(), handed_on("123")),
            ("LANG".into(), Value::Set("C.UTF-8".into())),
        ]);
        for (text, expected) in [
            ("", ""),
            ("hors", "hors"),
            ("horsehorse horse", "$COSIGN_PASSWORD$COSIGN_PASSWORD $COSIGN_PASSWORD"),
            ("token hvs.horse-and-cart refused", "token $VAULT_TOKEN refused"),
            ("https://vault /run/token 1234 C.UTF-8", "https://vault /run/token 1234 C.UTF-8"),
        ] {
            assert_eq!(masked(text.into(), &variables), expected.as_bytes(), "{text}");
        }
        assert_eq!(masked(b"\xff horse \xfe".to_vec(), &variables), b"\xff $COSIGN_PASSWORD \xfe");
    }
}
