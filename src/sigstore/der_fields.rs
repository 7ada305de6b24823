//! Reads the fields of DER, the binary form of certificates and timestamps, one after another. Each
//! length is checked against the bytes that are left, and nothing is copied. `certificate` and
//! `evidence/timestamp` know what the fields mean.

use spki::ObjectIdentifier;
use spki::der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};

/// One value: its type, its content, and all of its bytes.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) tag: Tag,
    pub(super) content: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Field<'a> {
    /// The fields in it.
    pub(super) fn fields(self) -> Option<DerFields<'a>> {
        DerFields::of(self.content)
    }

    /// Its value as an object identifier.
    pub(super) fn oid(self) -> Option<ObjectIdentifier> {
        ObjectIdentifier::from_der(self.whole).ok()
    }
}

/// A sequence of fields. Each method returns `None` if the bytes are not as expected.
pub(super) struct DerFields<'a>(SliceReader<'a>);

impl<'a> DerFields<'a> {
    /// The fields in `bytes`.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        SliceReader::new(bytes).ok().map(Self)
    }

    /// The fields of the one SEQUENCE in `bytes`.
    pub(super) fn of_sequence(bytes: &'a [u8]) -> Option<Self> {
        let mut outer = Self::of(bytes)?;
        let sequence = outer.expect(Tag::Sequence)?;
        outer.end()?;
        sequence.fields()
    }

    /// The next one, of any type.
    pub(super) fn next(&mut self) -> Option<Field<'a>> {
        let header = Header::peek(&self.0).ok()?;
        let whole = self.0.tlv_bytes().ok()?;
        let length = usize::try_from(header.length()).ok()?;
        Some(Field { tag: header.tag(), content: &whole[whole.len().checked_sub(length)?..], whole })
    }

    /// The next one, which must have this type.
    pub(super) fn expect(&mut self, tag: Tag) -> Option<Field<'a>> {
        self.next().filter(|field| field.tag == tag)
    }

    /// The next one, if it has this type. Otherwise it is not consumed.
    pub(super) fn optional(&mut self, tag: Tag) -> Option<Field<'a>> {
        let header = Header::peek(&self.0).ok()?;
        if header.tag() == tag { self.next() } else { None }
    }

    /// Whether nothing is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_finished()
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Option<()> {
        self.is_at_end().then_some(())
    }
}

/// `[number]` with fields in it.
pub(super) fn constructed(number: u32) -> Tag {
    TagNumber(number).context_specific(true)
}

/// `[number]` with bytes in it.
pub(super) fn primitive(number: u32) -> Tag {
    TagNumber(number).context_specific(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_one_after_another() {
        // SEQUENCE { INTEGER 5, [0] { NULL }, [1] 7 }
        let bytes = [0x30, 10, 0x02, 1, 5, 0xa0, 2, 0x05, 0, 0x81, 1, 7];
        let mut fields = DerFields::of_sequence(&bytes).unwrap();
        assert_eq!(fields.expect(Tag::Integer).unwrap().content, [5]);
        assert!(fields.optional(primitive(1)).is_none());
        let mut inner = fields.optional(constructed(0)).unwrap().fields().unwrap();
        assert_eq!(inner.next().unwrap().whole, [0x05, 0]);
        assert!(inner.end().is_some() && inner.next().is_none());
        assert!(fields.end().is_none());
        assert_eq!(fields.expect(primitive(1)).unwrap().whole, [0x81, 1, 7]);
        assert!(fields.end().is_some());
    }

    #[test]
    fn malformed_der_has_no_fields() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 1, 5],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x02, 1, 5],
            &[0x30, 0, 0],
        ] {
            assert!(DerFields::of_sequence(bytes).is_none(), "{bytes:x?}");
        }
        assert!(DerFields::of_sequence(&[0x30, 0]).is_some());
    }
}
