//! The identity that a certificate was issued for, and the OIDC issuer of the identity, as Fulcio
//! writes both into a certificate. cosign verifies that Fulcio did.

use spki::ObjectIdentifier;
use spki::der::Tag;

use super::super::certificate::Certificate;
use super::super::der_fields::{DerFields, Field, constructed, primitive};
use super::super::file::Malformed;

/// An identity, and its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateIdentity {
    identity: String,
    issuer: String,
}

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// The type of an `otherName`: a user name at an issuer that has no mail addresses.
const USERNAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
/// The issuer as DER `UTF8String`.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
/// The issuer as bare bytes: the only form of Fulcio before version 1.
const OLD_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");

impl CertificateIdentity {
    /// The identity that the certificate in `der` was issued for. The error is about the signature
    /// file.
    pub(super) fn of_certificate(der: &[u8]) -> Result<Self, Malformed> {
        let refuse = |why: &str| Malformed::new(format!("has a certificate that {why}"));
        let certificate = Certificate::from_der(der).ok_or_else(|| refuse("cannot be read"))?;
        let identity = certificate.extension(SUBJECT_ALTERNATIVE_NAME).and_then(only_name);
        let identity = identity.ok_or_else(|| refuse("does not name exactly one identity"))?;
        // Older cosigns read the old extension, newer ones the new one.
        let issuers = (certificate.extension(ISSUER), certificate.extension(OLD_ISSUER));
        let issuer = match (issuers.0.map(utf8_string), issuers.1.map(text)) {
            (Some(issuer), None) | (None, Some(issuer)) => issuer,
            (Some(issuer), Some(old)) if issuer == old => issuer,
            (Some(_), Some(_)) => return Err(refuse("names two issuers of the identity")),
            (None, None) => None,
        };
        let issuer = issuer.ok_or_else(|| refuse("does not name the issuer of the identity"))?;
        Ok(Self { identity, issuer })
    }

    /// A mail address, a URI, or a user name.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The OIDC issuer of the identity.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// The name in a list of one.
fn only_name(list: &[u8]) -> Option<String> {
    let mut names = DerFields::of_sequence(list)?;
    let name = names.next()?;
    names.end()?;
    let (mail, uri, other) = (primitive(1), primitive(6), constructed(0));
    match name.tag {
        tag if tag == mail || tag == uri => text(name.content).filter(|text| text.is_ascii()),
        tag if tag == other => username(name),
        _ => None,
    }
}

fn username(name: Field<'_>) -> Option<String> {
    let mut name = name.fields()?;
    let is_username = name.expect(Tag::ObjectIdentifier)?.oid()? == USERNAME;
    let value = name.expect(constructed(0))?;
    name.end()?;
    utf8_string(value.content).filter(|_| is_username)
}

/// The text in a DER `UTF8String`.
fn utf8_string(der: &[u8]) -> Option<String> {
    let mut fields = DerFields::of(der)?;
    let string = fields.expect(Tag::Utf8String)?;
    fields.end()?;
    text(string.content)
}

/// A text that is not empty.
fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}
