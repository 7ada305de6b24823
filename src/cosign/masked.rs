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
//!
//! In an address, everything before the `@` is a secret, too. Every address that is printed is
//! masked.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::environment::{Value, Variables};

/// Parts of the names of variables that contain a secret.
const NAMES: [&str; 7] = ["PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "PIN", "HEADER", "CREDENTIAL"];

/// The shortest secret that is masked, in bytes.
const SHORTEST: usize = 4;

/// From this length on, a secret is masked inside words, too: it is not part of a word by chance.
const LONG: usize = 8;

/// `text` with `$NAME` instead of each secret of `variables`, and without the user-info of
/// addresses.
pub(crate) fn masked(text: Vec<u8>, variables: &Variables) -> Vec<u8> {
    let mut secrets: Vec<_> = variables
        .iter()
        .flat_map(|(name, value)| secrets(name, value).map(move |secret| (name, secret)))
        .collect();
    // One secret may be part of another.
    secrets.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
    let text = secrets
        .into_iter()
        .fold(text, |text, (name, secret)| replaced(&text, &secret, format!("${name}").as_bytes()));
    addresses_masked(&text)
}

/// `text` without the user-info of the addresses in it.
pub(super) fn without_user_info(text: &str) -> String {
    String::from_utf8_lossy(&addresses_masked(text.as_bytes())).into_owned()
}

fn addresses_masked(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(3).position(|three| three == b"://") {
        let (before, address) = rest.split_at(at + 3);
        masked.extend_from_slice(before);
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(byte);
        let end = address.iter().position(ends).unwrap_or(address.len());
        rest = address;
        if let Some(at) = address[..end].iter().rposition(|byte| *byte == b'@') {
            masked.extend_from_slice("…".as_bytes());
            rest = &address[at..];
        }
    }
    masked.extend_from_slice(rest);
    masked
}

/// The secrets of a variable: its whole value, or the user-info of its address. A program may print
/// the password alone, and decoded.
fn secrets<'a>(name: &str, value: &'a Value) -> impl Iterator<Item = Cow<'a, [u8]>> {
    let whole = secret(name, value).map(Cow::Borrowed);
    let (Value::PassedOn(text) | Value::Secret(text) | Value::Set(text)) = value;
    let user_info = user_info(name, text.as_encoded_bytes());
    let password = user_info.and_then(|info| info.splitn(2, |byte| *byte == b':').nth(1));
    let decoded = password.map(|password| percent_decode(password).into());
    let parts = [user_info, password].into_iter().flatten().map(Cow::Borrowed).chain(decoded);
    whole.into_iter().chain(parts.filter(|part| part.len() >= SHORTEST))
}

/// The user-info of the address in a variable. The address of a proxy may have no scheme.
fn user_info<'a>(name: &str, value: &'a [u8]) -> Option<&'a [u8]> {
    let scheme = value.windows(3).position(|three| three == b"://").map(|at| at + 3);
    let is_proxy = name.to_ascii_uppercase().ends_with("_PROXY");
    let address = &value[scheme.or(is_proxy.then_some(0))?..];
    let end = address.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(address.len());
    address[..end].iter().rposition(|byte| *byte == b'@').map(|end| &address[..end])
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

    #[test]
    fn user_info_is_masked_in_every_address() {
        for (text, expected) in [
            ("", ""),
            ("://", "://"),
            ("https://host/a@b?c@d", "https://host/a@b?c@d"),
            ("https://me:hunter2@host/x", "https://…@host/x"),
            ("https://hunter2@host", "https://…@host"),
            ("https://me:hunt@er2@host:1/", "https://…@host:1/"),
            ("dial \"socks5://:hunter2@[::1]:1080\": me@host", "dial \"socks5://…@[::1]:1080\": me@host"),
            ("http://a http://b:c@d http://e@f", "http://a http://…@d http://…@f"),
            ("--key=hashivault://k --x=https://a:b@c", "--key=hashivault://k --x=https://…@c"),
        ] {
            assert_eq!(without_user_info(text), expected);
            assert_eq!(masked(text.into(), &Variables::new()), expected.as_bytes());
        }
    }

    #[test]
    fn the_password_of_an_address_is_masked_everywhere() {
        let passed_on = |value: &str| Value::PassedOn(value.into());
        let variables = Variables::from([
            ("HTTPS_PROXY".into(), passed_on("http://me:hunter%402@proxy:3128")),
            ("http_proxy".into(), passed_on("me:correct-horse@proxy")),
            ("VAULT_ADDR".into(), passed_on("https://vault/a@b")),
            ("GOOGLE_ACCOUNT".into(), passed_on("robot@project")),
        ]);
        for (text, expected) in [
            ("407 for me:hunter%402", "407 for $HTTPS_PROXY"),
            ("password hunter%402 or hunter@2", "password $HTTPS_PROXY or $HTTPS_PROXY"),
            ("invalid port in me:correct-horse@proxy", "invalid port in $http_proxy@proxy"),
            ("http://me:hunter%402@proxy:3128", "http://…@proxy:3128"),
            ("vault/a@b robot@project", "vault/a@b robot@project"),
        ] {
            assert_eq!(masked(text.into(), &variables), expected.as_bytes());
        }
    }
}
