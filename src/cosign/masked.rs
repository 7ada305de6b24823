//! Masks secrets in the output of a program: cosign, a plugin or the library of a key manager may
//! repeat a password in an error. Pure.
//!
//! The rule, by the length of a secret without white space around it:
//!
//! * From 8 bytes on, it is masked everywhere, also inside a word.
//! * From 4 to 7 bytes, like a PIN, it is masked only where it is a whole word or number: no letter
//!   may follow a letter, and no digit a digit. `pin` in `pinning` stays; `1234` is masked in
//!   `pin=1234` and `PIN1234`, not in `12345`.
//! * A shorter one is not masked. It protects nothing, and a text without any `a` would reveal that
//!   the password is `a`.

use super::environment::{Value, Variables};

/// Parts of the names of variables that contain a secret.
const NAMES: [&str; 7] = ["PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "PIN", "HEADER", "CREDENTIAL"];

/// The shortest secret that is masked, in bytes.
const SHORTEST: usize = 4;

/// From this length on, a secret is masked inside words, too: it is not part of a word by chance.
const LONG: usize = 8;

/// `text` with `$NAME` instead of each secret of `variables`.
pub(crate) fn masked(text: Vec<u8>, variables: &Variables) -> Vec<u8> {
    let mut secrets: Vec<_> =
        variables.iter().filter_map(|(name, value)| Some((name, secret(name, value)?))).collect();
    // One secret may be part of another.
    secrets.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text, |text, (name, secret)| replaced(&text, secret, format!("${name}").as_bytes()))
}

fn secret<'a>(name: &str, value: &'a Value) -> Option<&'a [u8]> {
    let value = match value {
        Value::Secret(value) => value,
        Value::PassedOn(value)
            if NAMES.iter().any(|part| name.contains(part)) && !is_a_path(name, value.as_encoded_bytes()) =>
        {
            value
        }
        Value::PassedOn(_) | Value::Set(_) => return None,
    };
    let value = value.as_encoded_bytes().trim_ascii();
    (value.len() >= SHORTEST).then_some(value)
}

/// Whether the value is the path of a secret, not a secret. A slash at its beginning shows that
/// only for credentials, which are a file: a password in base64 may begin with a slash, too.
fn is_a_path(name: &str, value: &[u8]) -> bool {
    ["_FILE", "_PATH"].iter().any(|end| name.ends_with(end))
        || name.contains("CREDENTIAL") && value.starts_with(b"/")
}

/// `text` with `name` instead of `secret`, by the rule above.
pub(super) fn replaced(text: &[u8], secret: &[u8], name: &[u8]) -> Vec<u8> {
    if secret.len() < SHORTEST {
        return text.to_vec();
    }
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = 0;
    let mut at = 0;
    while at + secret.len() <= text.len() {
        let end = at + secret.len();
        if text[at..end] == *secret && (secret.len() >= LONG || is_whole_word(text, at, end)) {
            masked.extend_from_slice(&text[rest..at]);
            masked.extend_from_slice(name);
            (rest, at) = (end, end);
        } else {
            at += 1;
        }
    }
    masked.extend_from_slice(&text[rest..]);
    masked
}

/// Whether this part of `text` is a whole word or number.
fn is_whole_word(text: &[u8], at: usize, end: usize) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let go_on = |pair: &[u8]| pair.iter().all(|byte| letter(*byte)) || pair.iter().all(u8::is_ascii_digit);
    let starts = at == 0 || !go_on(&text[at - 1..=at]);
    starts && (end == text.len() || !go_on(&text[end - 1..=end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_masked() {
        let passed_on = |value: &str| Value::PassedOn(value.into());
        let variables = Variables::from([
            ("COSIGN_PASSWORD".into(), Value::Secret("horse\n".into())),
            ("AZURE_CLIENT_SECRET".into(), passed_on("correct horse")),
            ("COSIGN_PKCS11_PIN".into(), passed_on("1234")),
            ("VAULT_TOKEN".into(), passed_on("hvs.horse-and-cart")),
            ("VAULT_ADDR".into(), passed_on("https://vault")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE".into(), passed_on("/run/token")),
            ("GOOGLE_APPLICATION_CREDENTIALS".into(), passed_on("/run/account.json")),
            ("AWS_SECRET_ACCESS_KEY".into(), passed_on("/9j4AAQSkZ")),
            ("VAULT_PASSPHRASE".into(), passed_on("gc")),
            ("LANG".into(), Value::Set("C.UTF-8".into())),
        ]);
        for (text, expected) in [
            ("", ""),
            ("hors", "hors"),
            ("horse", "$COSIGN_PASSWORD"),
            ("horse=horse:horse2", "$COSIGN_PASSWORD=$COSIGN_PASSWORD:$COSIGN_PASSWORD2"),
            ("horses seahorse horse\u{e9}", "horses seahorse horse\u{e9}"),
            ("incorrect horses", "in$AZURE_CLIENT_SECRETs"),
            ("pin=1234 PIN1234 12345 01234", "pin=$COSIGN_PKCS11_PIN PIN$COSIGN_PKCS11_PIN 12345 01234"),
            ("gcpkms gc", "gcpkms gc"),
            ("token hvs.horse-and-cart refused", "token $VAULT_TOKEN refused"),
            ("https://vault /run/token C.UTF-8", "https://vault /run/token C.UTF-8"),
            ("key /9j4AAQSkZ: /run/account.json", "key $AWS_SECRET_ACCESS_KEY: /run/account.json"),
        ] {
            assert_eq!(masked(text.into(), &variables), expected.as_bytes(), "{text}");
        }
        assert_eq!(masked(b"\xff horse \xfe".to_vec(), &variables), b"\xff $COSIGN_PASSWORD \xfe");
    }
}
