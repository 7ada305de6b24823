//! Whose certificate it is: the identity for which an OIDC issuer vouched, as Fulcio writes both into a
//! certificate. Whether Fulcio did is cosign's to say.

use spki::ObjectIdentifier;
use spki::der::Tag;

use super::super::certificate::Certificate;
use super::super::der_fields::{DerFields, Field, constructed, primitive};

/// An identity, and who vouched for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    identity: String,
    issuer: String,
}

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
/// The type of an `otherName`: a user name at an issuer that knows no mail addresses.
const USERNAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
/// The issuer as DER `UTF8String`.
const ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");
/// The issuer as bare bytes: all that Fulcio wrote before version 1.
const OLD_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");

impl Identity {
    /// The identity that the certificate in `der` is for. The error is the end of a sentence about the
    /// signature file.
    pub(super) fn of_certificate(der: &[u8]) -> Result<Self, &'static str> {
        let certificate = Certificate::from_der(der).ok_or("has a certificate that cannot be read")?;
        let identity = certificate.extension(SUBJECT_ALTERNATIVE_NAME).and_then(only_name);
        let identity = identity.ok_or("has a certificate that does not name exactly one identity")?;
        // Older cosigns look at the old one, newer ones at the new.
        let issuers = (certificate.extension(ISSUER), certificate.extension(OLD_ISSUER));
        let issuer = match (issuers.0.map(utf8_string), issuers.1.map(text)) {
            (Some(issuer), None) | (None, Some(issuer)) => issuer,
            (Some(issuer), Some(old)) if issuer == old => issuer,
            (Some(_), Some(_)) => return Err("has a certificate that names two issuers of the identity"),
            (None, None) => None,
        };
        let issuer = issuer.ok_or("has a certificate that does not say who vouched for the identity")?;
        Ok(Self { identity, issuer })
    }

    /// A mail address, a URI, or a user name.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The OIDC issuer that vouched for it.
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

/// A text that is there.
fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned)
}
