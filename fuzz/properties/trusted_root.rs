//! A valid trusted root is passed on unchanged, and every key and certificate in it is valid.

use super::is_one_plain_line;
use crate::sigstore::public_key::PublicKey;
use crate::sigstore::trusted_root::{Authority, Log, TrustedRoot};

pub(super) fn holds(text: &[u8]) {
    let root = match TrustedRoot::parse(text) {
        Ok(root) => root,
        Err(why) => return is_one_plain_line(&why.to_string()),
    };
    assert_eq!(root.text(), text);
    for log in root.logs().iter().chain(root.ct_logs()) {
        assert_eq!(PublicKey::from_pem(log.key().pem().as_bytes()).as_ref(), Ok(log.key()));
    }
    for log in root.logs() {
        assert_eq!(root.log_with_id(log.id()).map(Log::id), Some(log.id()));
        let is_found = |url| root.logs_at(url).any(|other| other == log);
        assert!(log.url().is_none_or(is_found));
    }
    for authority in [root.certificate_authorities(), root.timestamp_authorities()].concat() {
        is_a_chain(&authority);
    }
}

/// The form in which a cosign reads certificates from a file.
fn is_a_chain(authority: &Authority) {
    let pem = authority.to_pem();
    let end = "-----END CERTIFICATE-----\n";
    assert!(pem.ends_with(end));
    for certificate in pem.split_inclusive(end) {
        let decoded = spki::der::pem::decode_vec(certificate.as_bytes());
        assert!(decoded.is_ok_and(|(label, der)| label == "CERTIFICATE" && !der.is_empty()), "{certificate}");
    }
}
