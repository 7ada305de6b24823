//! Masking removes every secret and changes nothing else. An input has three lines: two secrets and
//! a text, in which `1` and `2` stand for the secrets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::cosign::environment::{Value, Variables};
use crate::cosign::masked::masked;

const NAMES: [&str; 2] = ["VAULT_TOKEN", "COSIGN_PASSWORD"];

pub(super) fn holds(input: &[u8]) {
    has_no_user_info(&masked(input.to_vec(), &Variables::new()));
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let secrets = [lines.next(), lines.next()].map(|line| secret(line.unwrap_or_default()));
    let mut text = Vec::new();
    for byte in lines.next().unwrap_or_default() {
        match byte {
            b'1' => text.extend(&secrets[0]),
            b'2' => text.extend(&secrets[1]),
            // The text must not contain a mask already.
            byte => text.extend(secret(&[*byte])),
        }
    }
    let [token, password] = secrets.each_ref().map(|secret| OsStr::from_bytes(secret).to_owned());
    let (token, password) = (Value::PassedOn(token), Value::Secret(password));
    let [name, other] = NAMES.map(str::to_owned);
    one(&text, secrets[0].trim_ascii(), &Variables::from([(name.clone(), token.clone())]));
    let masked = masked(text, &Variables::from([(name, token), (other, password)]));
    for secret in secrets.iter().map(|secret| secret.trim_ascii()).filter(|secret| secret.len() >= 8) {
        assert!(!contains(&masked, secret), "{secret:?} in {masked:?}");
    }
}

/// No address in a masked text has anything but the mask before its `@`.
fn has_no_user_info(masked: &[u8]) {
    for (at, _) in masked.windows(3).enumerate().filter(|(_, three)| three == b"://") {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>\\".contains(byte);
        let host = masked[at + 3..].split(ends).next().unwrap_or_default();
        let before = host.iter().rposition(|byte| *byte == b'@').map(|end| &host[..end]);
        assert!(before.is_none_or(|before| before == "…".as_bytes()), "{host:?} in {masked:?}");
    }
}

/// Without the characters of the masks, so that no secret is part of a mask, and without `@`: what is before
/// it in an address is masked, too.
fn secret(bytes: &[u8]) -> Vec<u8> {
    let letter =
        |byte: &u8| if matches!(byte, b'$' | b'_' | b'@') { b'-' } else { byte.to_ascii_lowercase() };
    bytes.iter().map(letter).collect()
}

/// One secret is masked in every place where the rule requires it, and in no other.
fn one(text: &[u8], secret: &[u8], variables: &Variables) {
    let masked = masked(text.to_vec(), variables);
    let mut rest = masked.as_slice();
    let mut unmasked = Vec::new();
    let name = format!("${}", NAMES[0]);
    while let Some(at) = rest.windows(name.len()).position(|window| window == name.as_bytes()) {
        unmasked.extend([&rest[..at], secret].concat());
        rest = &rest[at + name.len()..];
    }
    unmasked.extend(rest);
    assert_eq!(unmasked, text);
    match secret.len() {
        0..4 => assert_eq!(masked, text),
        4..8 => assert!(!has_whole_word(&masked, secret), "{secret:?} in {masked:?}"),
        _ => assert!(!contains(&masked, secret)),
    }
}

fn contains(text: &[u8], secret: &[u8]) -> bool {
    text.windows(secret.len()).any(|window| window == secret)
}

/// Whether the secret occurs as a whole word or number.
fn has_whole_word(text: &[u8], secret: &[u8]) -> bool {
    #[derive(PartialEq)]
    enum Kind {
        Letter,
        Digit,
        Other,
    }
    let kind = |at: usize| match text.get(at) {
        Some(byte) if byte.is_ascii_digit() => Kind::Digit,
        Some(byte) if byte.is_ascii_alphabetic() || *byte >= 0x80 => Kind::Letter,
        _ => Kind::Other,
    };
    let goes_on = |at: usize| at > 0 && kind(at - 1) != Kind::Other && kind(at - 1) == kind(at);
    (0..text.len()).any(|at| text[at..].starts_with(secret) && !goes_on(at) && !goes_on(at + secret.len()))
}
