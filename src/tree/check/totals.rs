//! Compares a bundle with the number of files and bytes that its `release.json` says. A hostile medium can have a
//! sparse file of many TiB in place of a small one, and reading that would take hours.

use std::cmp::Ordering;

use super::super::audit::{Finding, FindingKind};
use crate::printable::{human_bytes, larger_and_smaller};
use crate::release::{RELEASE, Release};

/// The finding about a manifest of `lines`, `release.json` among them, whose files have `size` bytes together.
pub(super) fn difference(release: &Release, lines: usize, size: u64) -> Option<Finding> {
    let own = release.to_json().len() as u64;
    let (files, bytes) = (lines.saturating_sub(1) as u64, size.saturating_sub(own));
    let kind = if files > release.files || bytes > release.bytes {
        FindingKind::MoreThanSigned
    } else if files < release.files || bytes < release.bytes {
        FindingKind::FewerThanSigned
    } else {
        return None;
    };
    let (found, signed) = match bytes.cmp(&release.bytes) {
        Ordering::Greater => larger_and_smaller(bytes, release.bytes),
        Ordering::Equal => (human_bytes(bytes), human_bytes(bytes)),
        Ordering::Less => {
            let (signed, found) = larger_and_smaller(release.bytes, bytes);
            (found, signed)
        }
    };
    let reason = format!("signed: {}, {signed}; found: {}, {found}", count(release.files), count(files));
    Some(Finding { reason: Some(reason), ..Finding::new(kind, RELEASE) })
}

fn count(files: u64) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Label;

    #[test]
    fn both_totals_are_compared() {
        let label = Label::new("1").unwrap();
        let release = Release::new(label.clone(), label, 2, 1000);
        let own = release.to_json().len() as u64;
        for (lines, bytes, expected) in [
            (3, 1000, None),
            (3, 1001, Some("more-than-signed: signed: 2 files, 1000 bytes; found: 2 files, 1001 bytes")),
            (4, 1000, Some("more-than-signed: signed: 2 files, 1000 bytes; found: 3 files, 1000 bytes")),
            (4, 10, Some("more-than-signed: signed: 2 files, 1000 bytes; found: 3 files, 10 bytes")),
            (3, 1 << 40, Some("more-than-signed: signed: 2 files, 1000 bytes; found: 2 files, 1.0 TiB")),
            (3, 1, Some("fewer-than-signed: signed: 2 files, 1000 bytes; found: 2 files, 1 byte")),
            (2, 1000, Some("fewer-than-signed: signed: 2 files, 1000 bytes; found: 1 file, 1000 bytes")),
        ] {
            let found = difference(&release, lines, own + bytes)
                .map(|finding| format!("{}: {}", finding.kind, finding.reason.unwrap_or_default()));
            assert_eq!(found.as_deref(), expected);
        }
    }
}
