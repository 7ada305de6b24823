//! A certificate is read completely or refused, and its identity is part of its bytes.

use super::is_one_plain_line;
use super::sample::{AUTHORITY, CERTIFICATE};
use crate::sigstore::evidence::{Evidence, SignedBy};
use crate::sigstore::trusted_root::TrustedRoot;

pub(super) fn holds(der: &[u8]) {
    let of_a_signature = |der: &[u8]| Evidence::parse(&CERTIFICATE.with(der));
    let of_an_authority = |der: &[u8]| TrustedRoot::parse(&AUTHORITY.with(der));
    let root = match of_an_authority(der) {
        Ok(root) => root,
        Err(why) => {
            is_one_plain_line(&why.to_string());
            let Err(why) = of_a_signature(der) else { panic!("a damaged certificate signs") };
            return is_one_plain_line(&why.to_string());
        }
    };
    let pem = root.timestamp_authorities()[0].to_pem();
    assert_eq!(spki::der::pem::decode_vec(pem.as_bytes()), Ok(("CERTIFICATE", der.to_vec())));
    let longer = [der, b"\0"].concat();
    assert!(of_an_authority(&der[..der.len() - 1]).is_err() && of_an_authority(&longer).is_err());
    match of_a_signature(der) {
        Ok(evidence) => {
            let SignedBy::Certificate(of) = evidence.signer() else { panic!("{:?}", evidence.signer()) };
            for name in [of.identity(), of.issuer()] {
                let is_part_of_it = der.windows(name.len().max(1)).any(|window| window == name.as_bytes());
                assert!(is_part_of_it, "{name}");
            }
        }
        Err(why) => is_one_plain_line(&why.to_string()),
    }
}
