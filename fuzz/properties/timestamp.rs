//! A timestamp is read completely or refused. Only one by an authority of the trusted root is
//! recognized.

use super::is_one_plain_line;
use super::sample::{AUTHORITY, TIMESTAMP, TRUSTED_ROOT};
use crate::sigstore::evidence::Evidence;

pub(super) fn holds(der: &[u8]) {
    let read = |der: &[u8]| Evidence::parse(&TIMESTAMP.with(der));
    let evidence = match read(der) {
        Ok(evidence) => evidence,
        Err(why) => return is_one_plain_line(&why.to_string()),
    };
    let Some(timestamp) = evidence.timestamp() else { panic!("{evidence:?}") };
    if TRUSTED_ROOT.knows(timestamp) {
        let is_part_of_it = |part: &[u8]| der.windows(part.len()).any(|window| window == part);
        assert!(
            is_part_of_it(b"rig-tsa-root") || key_identifier(&AUTHORITY.value).is_some_and(is_part_of_it)
        );
    }
    assert_eq!(Evidence::parse(&evidence.to_json()), Ok(evidence));
    let longer = [der, b"\0"].concat();
    assert!(read(&der[..der.len() - 1]).is_err() && read(&longer).is_err());
}

/// The `subjectKeyIdentifier` of a certificate: a SHA-1.
fn key_identifier(certificate: &[u8]) -> Option<&[u8]> {
    const HEAD: &[u8] = &[0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14];
    let at = certificate.windows(HEAD.len()).position(|window| window == HEAD)? + HEAD.len();
    certificate.get(at..at + 20)
}
