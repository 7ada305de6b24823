//! A valid public key is the one of its PEM, and its hint is the digest of its DER. An input that
//! begins like DER is put into a PEM first.

use spki::der::pem::{LineEnding, decode_vec, encode_string};

use super::is_one_plain_line;
use crate::digest::Sha256Digest;
use crate::sigstore::pem::PemKind;
use crate::sigstore::public_key::PublicKey;

pub(super) fn holds(input: &[u8]) {
    match input {
        [0x30, ..] => {
            let pem = encode_string("PUBLIC KEY", LineEnding::LF, input).unwrap_or_default();
            assert_eq!(PemKind::of(pem.as_bytes()), PemKind::Public);
            if let Some(key) = read(pem.as_bytes()) {
                assert_eq!((key.sha256(), key.pem()), (Sha256Digest::of(input), pem.as_str()));
            }
        }
        text => drop(read(text)),
    }
}

fn read(text: &[u8]) -> Option<PublicKey> {
    let key = match PublicKey::from_pem(text) {
        Ok(key) => key,
        Err(why) => {
            is_one_plain_line(&why.to_string());
            return None;
        }
    };
    assert_eq!(PemKind::of(text), PemKind::Public);
    is_one_plain_line(&key.key_type().to_string());
    let Ok((label, der)) = decode_vec(key.pem().as_bytes()) else { panic!("{}", key.pem()) };
    assert_eq!((label, key.sha256()), ("PUBLIC KEY", Sha256Digest::of(&der)));
    let crlf = key.pem().replace('\n', "\r\n");
    for same in [key.pem(), &crlf, key.pem().trim_end(), &format!("\n {}\n\n", key.pem())] {
        assert_eq!(PublicKey::from_pem(same.as_bytes()).as_ref(), Ok(&key));
    }
    Some(key)
}
