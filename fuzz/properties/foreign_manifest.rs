//! From an accepted manifest of a foreign release, `sha256sum --check --strict` reads the same entries. What is
//! a manifest of aicr is one here too, with the same entries.

use super::{is_one_plain_line, sha256sum};
use crate::tree::manifest::foreign::ForeignManifest;
use crate::tree::manifest::{Manifest, render};

const OWN: &[u8] = b"SUMS";

pub(super) fn holds(text: &[u8]) {
    let read = match ForeignManifest::unproven(text, "SUMS") {
        Ok(read) => read,
        Err(error) => {
            let failure = error.rejects("SUMS");
            is_one_plain_line(failure.message());
            assert!(failure.message().len() < 1700);
            assert!(Manifest::unproven(text).is_err() || lists(text, OWN));
            return;
        }
    };
    let manifest = read.manifest();
    let entries: Vec<_> = (0..manifest.len()).map(|line| manifest.entry(line)).collect();
    assert!(!entries.is_empty() && entries.is_sorted_by(|one, next| one.name < next.name));
    for (line, entry) in entries.iter().enumerate() {
        assert_eq!((manifest.find(entry.name.as_bytes()), manifest.name(line)), (Some(line), entry.name));
    }

    let mut theirs = sha256sum::reads(text).unwrap_or_default();
    for (_, name) in &mut theirs {
        *name = name.strip_prefix(b"./").unwrap_or(name);
    }
    assert_eq!(theirs.iter().any(|(_, name)| *name == OWN), read.lists_itself);
    theirs.retain(|(_, name)| *name != OWN);
    theirs.sort_by_key(|(_, name)| *name);
    let digests: Vec<String> = entries.iter().map(|entry| entry.digest.to_string()).collect();
    let ours: Vec<_> = entries
        .iter()
        .zip(&digests)
        .map(|(entry, digest)| (digest.as_bytes(), entry.name.as_bytes()))
        .collect();
    assert_eq!(theirs, ours);

    if Manifest::unproven(text).is_ok() && !read.lists_itself {
        let mut again = Vec::new();
        let written = render(entries.iter().map(|entry| (entry.name, entry.digest)), &mut again);
        assert!(written.is_ok() && again == text);
    }
}

/// Whether a line lists this name.
fn lists(text: &[u8], name: &[u8]) -> bool {
    sha256sum::reads(text).unwrap_or_default().iter().any(|(_, other)| *other == name)
}
