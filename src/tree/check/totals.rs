//! Compares a bundle with the number of files and bytes that its `release.json` says. A hostile medium can have a
//! sparse file of many TiB in place of a small one, and reading that would take hours.

use std::cmp::Ordering;

use super::super::audit::{Finding, FindingKind};
use crate::printable::{human_bytes, larger_and_smaller};
use crate::release::{RELEASE, Release};

/// The finding about a manifest of `lines`, `release.json` among them, whose files have `size` bytes together.
pub(in crate::tree) fn difference(release: &Release, lines: usize, size: u64) -> Option<Finding> {
    let own = release.to_json().len() as u64;
    let (files, bytes) = (lines.saturating_sub(1) as u64, size.saturating_sub(own));
    let kind = if files > release.files || bytes > release.bytes {
        FindingKind::MoreThanSigned
    } else if files < release.files || bytes < release.bytes {
        FindingKind::FewerThanSigned
    } else {
        return None;
    };
    Some(finding(kind, release, files, bytes, ""))
}

/// The same for a shard whose files have `size` bytes together; `release.json` is one of them if the shard
/// `has_release`. What the others have is not known, so it cannot have too few bytes.
pub(super) fn difference_of_shard(
    release: &Release,
    lines: usize,
    size: u64,
    has_release: bool,
) -> Option<Finding> {
    let own = if has_release { release.to_json().len() as u64 } else { 0 };
    let (files, bytes) = (lines.saturating_sub(1) as u64, size.saturating_sub(own));
    let kind = if files > release.files || bytes > release.bytes {
        FindingKind::MoreThanSigned
    } else if files < release.files {
        FindingKind::FewerThanSigned
    } else {
        return None;
    };
    Some(finding(kind, release, files, bytes, " in this shard"))
}

fn finding(kind: FindingKind, release: &Release, files: u64, bytes: u64, place: &str) -> Finding {
    let (found, signed) = match bytes.cmp(&release.bytes) {
        Ordering::Greater => larger_and_smaller(bytes, release.bytes),
        Ordering::Equal => (human_bytes(bytes), human_bytes(bytes)),
        Ordering::Less => {
            let (signed, found) = larger_and_smaller(release.bytes, bytes);
            (found, signed)
        }
    };
    let reason =
        format!("signed: {}, {signed}; found: {}, {found}{place}", count(release.files), count(files));
    Finding { reason: Some(reason), ..Finding::new(kind, RELEASE) }
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

    #[test]
    fn a_shard_has_all_files_and_its_own_bytes() {
        let label = Label::new("1").unwrap();
        let release = Release::new(label.clone(), label, 2, 1000);
        let own = release.to_json().len() as u64;
        let reason = |files, bytes| {
            Some(format!("signed: 2 files, 1000 bytes; found: {files}, {bytes} bytes in this shard"))
        };
        for (lines, size, has_release, expected) in [
            (3, 0, false, None),
            (3, 1000, false, None),
            (3, own + 1000, true, None),
            (3, 1001, false, reason("2 files", 1001)),
            (3, own + 1001, true, reason("2 files", 1001)),
            (4, 10, false, reason("3 files", 10)),
            (2, 10, false, reason("1 file", 10)),
        ] {
            let found = difference_of_shard(&release, lines, size, has_release);
            let kind = found.as_ref().map(|finding| finding.kind);
            assert_eq!(found.and_then(|finding| finding.reason), expected);
            let fewer = kind.map(|kind| kind == FindingKind::FewerThanSigned);
            assert_eq!(fewer, expected.map(|_| lines == 2));
        }
    }
}
