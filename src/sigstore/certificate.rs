//! The names in an X.509 certificate (RFC 5280): subject, issuer and serial number. cosign verifies
//! them, and the dates. Pure.

use spki::ObjectIdentifier;
use spki::SubjectPublicKeyInfoRef;
use spki::der::pem::{LineEnding, encode_string};
use spki::der::{Decode, Tag};

use super::der_fields::{DerFields, constructed, primitive};

/// A certificate, read from DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    subject: Vec<u8>,
    extensions: Vec<(ObjectIdentifier, Vec<u8>)>,
}

/// `subjectKeyIdentifier`.
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

impl Certificate {
    /// Reads exactly one certificate. `None` if it is damaged.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let mut certificate = DerFields::of_sequence(der)?;
        let mut signed = certificate.expect(Tag::Sequence)?.fields()?;
        certificate.expect(Tag::Sequence)?; // signatureAlgorithm
        certificate.expect(Tag::BitString)?;
        certificate.end()?;

        signed.optional(constructed(0)); // version
        let serial = signed.expect(Tag::Integer)?;
        signed.expect(Tag::Sequence)?; // signature
        let issuer = signed.expect(Tag::Sequence)?;
        signed.expect(Tag::Sequence)?; // validity
        let subject = signed.expect(Tag::Sequence)?;
        SubjectPublicKeyInfoRef::from_der(signed.expect(Tag::Sequence)?.whole).ok()?;
        signed.optional(primitive(1)); // issuerUniqueID
        signed.optional(primitive(2)); // subjectUniqueID
        let mut extensions = Vec::new();
        if let Some(list) = signed.optional(constructed(3)) {
            let mut list = DerFields::of_sequence(list.content)?;
            while !list.is_at_end() {
                let mut extension = list.expect(Tag::Sequence)?.fields()?;
                let name = extension.expect(Tag::ObjectIdentifier)?.oid()?;
                extension.optional(Tag::Boolean); // critical
                let value = extension.expect(Tag::OctetString)?.content;
                extension.end()?;
                // Each may occur once, or two readers could read different values.
                if extensions.iter().any(|(other, _)| *other == name) {
                    return None;
                }
                extensions.push((name, value.to_vec()));
            }
        }
        signed.end()?;
        Some(Self {
            der: der.to_vec(),
            issuer: issuer.whole.to_vec(),
            serial: serial.content.to_vec(),
            subject: subject.whole.to_vec(),
            extensions,
        })
    }

    /// The certificate as PEM.
    pub(crate) fn to_pem(&self) -> String {
        // Only a certificate larger than any file that is read could fail.
        encode_string("CERTIFICATE", LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// The name of its issuer, in DER.
    pub(super) fn issuer_name(&self) -> &[u8] {
        &self.issuer
    }

    /// Its serial number: the content of a DER integer.
    pub(super) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The name of its subject, in DER.
    pub(super) fn subject_name(&self) -> &[u8] {
        &self.subject
    }

    /// The identifier of its key, if it has one.
    pub(super) fn subject_key_identifier(&self) -> Option<&[u8]> {
        let mut outer = DerFields::of(self.extension(SUBJECT_KEY_IDENTIFIER)?)?;
        outer.expect(Tag::OctetString).map(|identifier| identifier.content)
    }

    /// The value of an extension.
    pub(super) fn extension(&self, name: ObjectIdentifier) -> Option<&[u8]> {
        self.extensions.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use spki::der::pem::decode_vec;

    use super::*;
    use crate::sigstore::trusted_root::TrustedRoot;

    /// The certificates of the timestamp authority in the fixtures: its own, and its issuer's.
    fn chain() -> [Vec<u8>; 2] {
        let root = TrustedRoot::parse(include_bytes!("../../fixtures/sigstore/trusted-root.json")).unwrap();
        let pem = root.timestamp_authorities()[0].to_pem();
        let (leaf, above) = pem.split_at(pem.rfind("-----BEGIN").unwrap());
        [leaf, above].map(|pem| decode_vec(pem.as_bytes()).unwrap().1)
    }

    #[test]
    fn names_and_numbers() {
        let [leaf, above] = chain().map(|der| Certificate::from_der(&der).unwrap());
        assert_eq!(leaf.issuer_name(), above.subject_name());
        assert_eq!(above.issuer_name(), above.subject_name());
        assert_ne!(leaf.subject_name(), leaf.issuer_name());
        assert_eq!(leaf.serial(), [3]);
        let authority_key = ObjectIdentifier::new_unwrap("2.5.29.35");
        // SEQUENCE { [0] the identifier }
        let named = &leaf.extension(authority_key).unwrap()[4..];
        assert_eq!(above.subject_key_identifier(), Some(named));
        assert_eq!(leaf.extension(ObjectIdentifier::new_unwrap("2.5.29.17")), None);
    }

    #[test]
    fn pem_round_trip() {
        for der in chain() {
            let pem = Certificate::from_der(&der).unwrap().to_pem();
            assert_eq!(decode_vec(pem.as_bytes()).unwrap(), ("CERTIFICATE", der));
        }
    }

    #[test]
    fn a_damaged_certificate_is_none() {
        for der in chain() {
            for length in 0..der.len() {
                assert_eq!(Certificate::from_der(&der[..length]), None, "{length}");
            }
            assert_eq!(Certificate::from_der(&[&der[..], &[0]].concat()), None);
            // No changed bit makes it panic, and none is lost.
            for position in 0..der.len() {
                for bit in 0..8 {
                    let mut other = der.clone();
                    other[position] ^= 1 << bit;
                    assert!(Certificate::from_der(&other).is_none_or(|read| read.der == other));
                }
            }
        }
    }

    #[test]
    fn an_extension_occurs_once() {
        let [leaf, _] = chain();
        let at = |name: &[u8]| leaf.windows(name.len()).position(|window| window == name).unwrap();
        // keyUsage, renamed to basicConstraints.
        let (usage, constraints) = (at(&[0x55, 0x1d, 0x0f]), at(&[0x55, 0x1d, 0x13]));
        let mut twice = leaf.clone();
        twice[usage + 2] = leaf[constraints + 2];
        assert_eq!(Certificate::from_der(&twice), None);
        assert!(Certificate::from_der(&leaf).is_some());
    }
}
