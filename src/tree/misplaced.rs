//! Looks for what the manifest and the signature of a bundle have become on their way: a medium or a
//! transfer changes names, and other tools write signatures in other places. Only for messages: what is
//! found here is never read.

use std::ops::ControlFlow;

use super::collision::fold;
use super::rooted_dir::{DirectoryBuffer, FileKind, RootedDir};
use super::{ATTESTATION, MANIFEST, SIGNATURE};
use crate::printable::quoted_path;

/// How many entries of a directory are looked at: a hostile one may have no end.
const LOOKED_AT: usize = 10_000;

/// How the names of signatures end.
const SIGNATURE_ENDS: [&str; 6] = [".sigstore.json", ".sigstore", ".bundle", ".sig", ".asc", ".intoto.jsonl"];

/// The file at the top level that may have been the manifest.
pub(crate) fn manifest(bundle: &RootedDir) -> Option<String> {
    first(bundle, "", |name, kind| kind == FileKind::File && is_manifest(name))
}

/// The file in a directory for signatures, or at the top level, that may be a signature over the manifest.
pub(crate) fn signature(bundle: &RootedDir) -> Option<String> {
    let is_directory = |name: &str, kind| kind == FileKind::Directory && fold(name) == ATTESTATION;
    let in_directory = first(bundle, "", is_directory).and_then(|directory| {
        let found = first(bundle, &directory, |name, kind| kind == FileKind::File && ends_as_signature(name));
        found.map(|name| format!("{directory}/{name}"))
    });
    in_directory
        .filter(|path| path != SIGNATURE)
        .or_else(|| first(bundle, "", |name, kind| kind == FileKind::File && is_signature(name)))
}

/// How the name of the signature over a checksum file ends that `verify --manifest` finds by itself, the
/// first one first.
pub(crate) const FOUND_ENDS: [&str; 4] = [".sigstore.json", ".sigstore", ".bundle", ".sig"];

/// The first signature next to the checksum file of this name. A directory of such a name is none.
pub(crate) fn signature_next_to(directory: &RootedDir, name: &str) -> Option<String> {
    let is_there = |path: &String| {
        directory.stat(path.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) != FileKind::Directory)
    };
    FOUND_ENDS.iter().map(|end| format!("{name}{end}")).find(is_there)
}

/// The checksum file at the top level that has a signature next to it: the manifest of a release that
/// aicr did not build.
pub(crate) fn foreign_manifest(directory: &RootedDir) -> Option<String> {
    first(directory, "", |name, kind| {
        let is_file = |name: String| {
            directory.stat(name.as_bytes()).is_ok_and(|stat| FileKind::of(&stat) == FileKind::File)
        };
        kind == FileKind::File
            && is_checksum_file(name)
            && FOUND_ENDS.iter().any(|end| is_file(format!("{name}{end}")))
    })
}

/// The hint to `bundle` for a directory whose `checksums.txt` is that of a release that aicr did not build: a
/// signature lies next to it.
pub(crate) fn foreign_release_hint(directory: &RootedDir) -> Option<String> {
    signature_next_to(directory, MANIFEST).map(|_| {
        format!(
            "to sign a release that aicr did not build, move {} into a directory of its own, and bundle that directory",
            quoted_path(directory.path())
        )
    })
}

/// Whether this is the name of a signature next to the manifest `name`, which `verify --manifest` finds.
pub(crate) fn is_next_to(signature: &str, name: &str) -> bool {
    signature.strip_prefix(name).is_some_and(|end| FOUND_ENDS.contains(&end))
}

/// Whether people give this name to lists of digests, and not to a signature over one.
fn is_checksum_file(name: &str) -> bool {
    let folded = fold(name);
    ["sha256", "checksum", "sums"].iter().any(|word| folded.contains(word)) && !ends_as_signature(name)
}

/// Whether this name is that of the manifest, but for what a file system changes: the case of the letters,
/// and, on plain ISO 9660, a version at the end.
fn is_manifest(name: &str) -> bool {
    name != MANIFEST && fold(name.strip_suffix(";1").unwrap_or(name)) == MANIFEST
}

/// Whether this is the name of a signature over the manifest, next to it.
fn is_signature(name: &str) -> bool {
    ends_as_signature(name) && fold(name).strip_prefix(MANIFEST).is_some_and(|end| end.starts_with('.'))
}

fn ends_as_signature(name: &str) -> bool {
    let name = fold(name.strip_suffix(";1").unwrap_or(name));
    SIGNATURE_ENDS.iter().any(|end| name.ends_with(end))
}

/// The first entry of a directory, in the order of the names, that is wanted.
fn first(bundle: &RootedDir, directory: &str, wanted: impl Fn(&str, FileKind) -> bool) -> Option<String> {
    let mut first: Option<String> = None;
    let mut count = 0;
    let listed = bundle.entries(directory.as_bytes(), &mut DirectoryBuffer::new(), |_, name, kind| {
        if let Ok(name) = str::from_utf8(name)
            && wanted(name, kind)
            && first.as_deref().is_none_or(|first| name < first)
        {
            first = Some(name.to_owned());
        }
        count += 1;
        if count < LOOKED_AT { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    listed.ok().and(first)
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    /// What is found in a directory with these files.
    fn found(files: &[&str]) -> (Option<String>, Option<String>) {
        let top = tempfile::tempdir().unwrap();
        for file in files {
            let path = top.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let bundle = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        (manifest(&bundle), signature(&bundle))
    }

    #[test]
    fn a_manifest_whose_name_was_changed() {
        for (files, expected) in [
            (&["CHECKSUMS.TXT", "A"][..], Some("CHECKSUMS.TXT")),
            (&["CHECKSUMS.TXT;1"], Some("CHECKSUMS.TXT;1")),
            (&["Checksums.txt", "checksums.TXT"], Some("Checksums.txt")),
            (&["checksums.txt"], None),
            (&["checksums.txt.old", "sub/CHECKSUMS.TXT", "sums.txt"], None),
            (&["CHECKSUMS.TXT/a"], None),
        ] {
            assert_eq!(found(files).0.as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn the_manifest_of_another_program() {
        let found = |files: &[&str]| {
            let top = tempfile::tempdir().unwrap();
            for file in files {
                std::fs::write(top.path().join(file), "").unwrap();
            }
            foreign_manifest(&RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap())
        };
        for (files, expected) in [
            (&["SHA256SUMS", "SHA256SUMS.sig"][..], Some("SHA256SUMS")),
            (&["w_1.2_checksums.txt", "w_1.2_checksums.txt.sigstore.json"], Some("w_1.2_checksums.txt")),
            (&["b.sha256", "b.sha256.bundle", "a.sha256", "a.sha256.sigstore"], Some("a.sha256")),
            (&["SHA256SUMS", "SHA256SUMS.asc"], None),
            (&["SHA256SUMS", "w.tar.gz", "w.tar.gz.sig"], None),
            (&["SHA256SUMS.sig", "SHA256SUMS.sig.sig"], None),
        ] {
            assert_eq!(found(files).as_deref(), expected, "{files:?}");
        }
        assert!(is_next_to("checksums.txt.sig", MANIFEST));
        assert!(!is_next_to("checksums.txt.asc", MANIFEST) && !is_next_to("sub/checksums.txt.sig", MANIFEST));
    }

    #[test]
    fn a_signature_in_another_place() {
        for (files, expected) in [
            (&["checksums.txt.sigstore.json"][..], Some("checksums.txt.sigstore.json")),
            (&["checksums.txt.sig", "checksums.txt.asc"], Some("checksums.txt.asc")),
            (&["ATTESTATION/CHECKSUMS.TXT.SIGSTORE.JSON"], Some("ATTESTATION/CHECKSUMS.TXT.SIGSTORE.JSON")),
            (
                &["attestation/bundle-attestation.sigstore.json", "checksums.txt.sig"],
                Some("attestation/bundle-attestation.sigstore.json"),
            ),
            (&["attestation/note.txt", "checksums.txt.bundle"], Some("checksums.txt.bundle")),
            (&["checksums.txt", "app.sig", "sub/checksums.txt.sig", "attestation/note.txt"], None),
            (&["checksums.txt.bak", "checksums.txtx.sig"], None),
        ] {
            assert_eq!(found(files).1.as_deref(), expected, "{files:?}");
        }
    }
}
