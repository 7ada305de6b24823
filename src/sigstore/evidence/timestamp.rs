//! A timestamp: the answer of an authority (RFC 3161). Only its signer is read here; cosign
//! verifies its time, its digest and its signature.

use spki::ObjectIdentifier;
use spki::der::Tag;

use super::super::certificate::Certificate;
use super::super::der_fields::{DerFields, constructed, primitive};

/// A timestamp, with the signer that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    signer: SignerId,
}

/// The name of a signer's certificate in CMS (RFC 5652).
#[derive(Clone, Debug, PartialEq, Eq)]
enum SignerId {
    /// The issuer of the certificate (a DER name), and its serial number.
    IssuerAndSerial { issuer: Vec<u8>, serial: Vec<u8> },
    /// The `subjectKeyIdentifier` in the certificate.
    KeyIdentifier(Vec<u8>),
}

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TIMESTAMP_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

impl Timestamp {
    /// Reads a `TimeStampResp` that grants a timestamp with one signature. `None` for anything
    /// else.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let mut response = DerFields::of_sequence(der)?;
        let status = response.expect(Tag::Sequence)?.fields()?.expect(Tag::Integer)?;
        // granted, or granted with modifications.
        if !matches!(status.content, [0 | 1]) {
            return None;
        }
        let mut token = response.expect(Tag::Sequence)?.fields()?;
        response.end()?;
        if token.expect(Tag::ObjectIdentifier)?.oid()? != SIGNED_DATA {
            return None;
        }
        let mut signed = DerFields::of_sequence(token.expect(constructed(0))?.content)?;
        token.end()?;

        signed.expect(Tag::Integer)?; // version
        signed.expect(Tag::Set)?; // digestAlgorithms
        let mut content = signed.expect(Tag::Sequence)?.fields()?;
        if content.expect(Tag::ObjectIdentifier)?.oid()? != TIMESTAMP_INFO {
            return None;
        }
        signed.optional(constructed(0)); // certificates
        signed.optional(constructed(1)); // crls
        let mut signers = signed.expect(Tag::Set)?.fields()?;
        signed.end()?;

        let mut signer = signers.expect(Tag::Sequence)?.fields()?;
        signers.end()?;
        signer.expect(Tag::Integer)?; // version
        let signer = if let Some(identifier) = signer.optional(primitive(0)) {
            SignerId::KeyIdentifier(identifier.content.to_vec())
        } else {
            let mut names = signer.expect(Tag::Sequence)?.fields()?;
            let (issuer, serial) = (names.expect(Tag::Sequence)?, names.expect(Tag::Integer)?);
            names.end()?;
            SignerId::IssuerAndSerial { issuer: issuer.whole.to_vec(), serial: serial.content.to_vec() }
        };
        Some(Self { signer })
    }

    /// Whether it names the first certificate of this chain, or one that the first certificate
    /// issued: the authority's own certificate may be missing from the chain.
    pub(crate) fn is_by(&self, chain: &[Certificate]) -> bool {
        let Some(first) = chain.first() else { return false };
        match &self.signer {
            SignerId::IssuerAndSerial { issuer, serial } => {
                (first.issuer_name(), first.serial()) == (issuer, serial) || first.subject_name() == issuer
            }
            SignerId::KeyIdentifier(identifier) => first.subject_key_identifier() == Some(identifier),
        }
    }
}
