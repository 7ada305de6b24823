//! A valid token can be sent in the header of a request, and no message contains it.

use super::is_one_plain_line;
use crate::sigstore::identity_token::{AUDIENCE, IdentityToken};

pub(super) fn holds(text: &[u8]) {
    let token = match IdentityToken::parse(text) {
        Ok(token) => token,
        Err(why) => return is_one_plain_line(&why.to_string()),
    };
    assert_eq!(token.text().as_bytes(), text.trim_ascii());
    let is_of_a_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    assert!(token.text().bytes().all(is_of_a_token), "{:?}", token.text());
    assert_eq!(token.text().matches('.').count(), 2);
    assert_eq!(IdentityToken::parse(token.text().as_bytes()).as_ref(), Ok(&token));
    assert!(!format!("{token:?}").contains(token.text()));
    for now in [i64::MIN, -1, 0, 1_700_000_000, i64::MAX] {
        if let Some(fault) = token.fault(now, AUDIENCE) {
            is_one_plain_line(&fault);
            assert!(!fault.contains(token.text()));
        }
    }
}
