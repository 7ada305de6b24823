//! What is seen after each way of publishing.

use std::os::unix::fs::MetadataExt as _;

use camino::Utf8PathBuf;

use super::*;
use crate::interrupt::Interrupt;
use crate::tree::at_work;
use crate::tree::copy::{copy, hash_in_place};
use crate::tree::inputs::{self, Collected, Options};

struct Site {
    _top: tempfile::TempDir,
    path: Utf8PathBuf,
}

impl Site {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(top.path().to_owned()).unwrap();
        std::fs::create_dir_all(path.join("in/d")).unwrap();
        std::fs::write(path.join("in/a"), "1").unwrap();
        std::fs::write(path.join("in/d/b"), "2").unwrap();
        Self { _top: top, path }
    }

    fn collected(&self, in_place: bool) -> Collected {
        let options = Options { in_place, ..Options::default() };
        inputs::collect(&[self.path.join("in")], options, &Interrupt::default()).unwrap()
    }

    /// Builds and publishes to `out`.
    fn bundle(&self, force: bool, signature: Option<&[u8]>) -> Result<Built> {
        at_work(|work| {
            let target = Target::new(&self.path.join("out"), &[self.path.join("in")], force, work)?;
            let staging = Staging::beside(&target)?;
            let write_back = WriteBack::of(staging.staging_dir())?;
            let built = copy(&self.collected(false), &staging.tree()?, &write_back, false, work)?;
            Sealed::tree(staging, write_back, &target, signature)?.publish(work)?;
            Ok(built)
        })
    }

    /// Makes `in` a bundle in place.
    fn in_place(&self, signature: Option<&[u8]>) -> Built {
        at_work(|work| {
            let bundle = RootedDir::open(&self.path.join("in")).unwrap();
            let collected = self.collected(true);
            let staging = Staging::for_bundle(&bundle).unwrap();
            let file = staging.file(MANIFEST).unwrap();
            let built = hash_in_place(&collected, file, "x", false, work).unwrap();
            Sealed::manifest(staging, &bundle, &built, signature).unwrap().publish(work).unwrap();
            built
        })
    }

    /// All files below, with nothing of a room among them.
    fn files(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![self.path.join(below)];
        while let Some(directory) = waiting.pop() {
            for entry in directory.read_dir_utf8().unwrap() {
                let path = entry.unwrap().into_path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    found.push(path.strip_prefix(&self.path).unwrap().to_string());
                }
            }
        }
        found.sort_unstable();
        found
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).unwrap()
    }
}

const SIGNED: [&str; 4] =
    ["out/a", "out/attestation/checksums.txt.sigstore.json", "out/checksums.txt", "out/d/b"];

#[test]
fn a_new_bundle_appears_whole() {
    let site = Site::new();
    site.bundle(false, Some(b"{}")).unwrap();
    assert_eq!(site.files("out"), SIGNED);
    assert_eq!(site.read("out/attestation/checksums.txt.sigstore.json"), "{}");
    let names: Vec<_> =
        site.path.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for (name, mode) in [("out", 0o755), ("out/attestation", 0o755), (SIGNED[1], 0o644), (SIGNED[2], 0o644)] {
        assert_eq!(std::fs::metadata(site.path.join(name)).unwrap().mode() & 0o7777, mode, "{name}");
    }
}

#[test]
fn an_empty_directory_and_with_force_a_bundle_are_replaced() {
    let site = Site::new();
    std::fs::create_dir(site.path.join("out")).unwrap();
    site.bundle(false, None).unwrap();
    std::fs::write(site.path.join("in/a"), "new").unwrap();
    std::fs::remove_file(site.path.join("in/d/b")).unwrap();
    assert!(site.bundle(false, None).is_err());
    assert_eq!(site.read("out/a"), "1");
    site.bundle(true, Some(b"{}")).unwrap();
    assert_eq!(site.read("out/a"), "new");
    assert_eq!(site.files("out"), SIGNED[..3]);
    assert_eq!(site.files("").len(), 4);
}

#[test]
fn where_nothing_can_be_exchanged_it_is_done_in_two_steps() {
    let site = Site::new();
    site.bundle(false, None).unwrap();
    let with = |failure: Errno| {
        at_work(|work| {
            let target = Target::new(&site.path.join("out"), &[], true, work).unwrap();
            let staging = Staging::beside(&target).unwrap();
            if failure == Errno::INVAL {
                std::fs::write(staging.tree().unwrap().path().join("second"), "").unwrap();
            }
            exchange(&staging, "out", |_, _| Err(failure))
        })
    };
    // Without a tree to move in, the old one comes back.
    assert_eq!(with(Errno::NOSYS), Err(Errno::NOENT));
    assert_eq!(site.read("out/a"), "1");
    assert_eq!(with(Errno::IO), Err(Errno::IO));
    assert_eq!(with(Errno::INVAL), Ok(()));
    assert_eq!(site.files("out"), ["out/second"]);
    assert_eq!(site.files("").len(), 3);
}

#[test]
fn what_appears_while_a_bundle_is_made_is_not_replaced() {
    let site = Site::new();
    at_work(|work| {
        let target = Target::new(&site.path.join("out"), &[], false, work).unwrap();
        let staging = Staging::beside(&target).unwrap();
        let write_back = WriteBack::of(staging.staging_dir()).unwrap();
        copy(&site.collected(false), &staging.tree().unwrap(), &write_back, false, work).unwrap();
        let sealed = Sealed::tree(staging, write_back, &target, None).unwrap();
        std::fs::create_dir(site.path.join("out")).unwrap();
        std::fs::write(site.path.join("out/mine"), "").unwrap();
        assert_eq!(sealed.publish(work).unwrap_err().class(), Class::Usage);
    });
    assert_eq!(site.files("out"), ["out/mine"]);
    assert_eq!(site.files("").len(), 3);
}

#[test]
fn a_run_that_ends_early_leaves_nothing() {
    let site = Site::new();
    at_work(|work| {
        let target = Target::new(&site.path.join("out"), &[], false, work).unwrap();
        let staging = Staging::beside(&target).unwrap();
        let write_back = WriteBack::of(staging.staging_dir()).unwrap();
        copy(&site.collected(false), &staging.tree().unwrap(), &write_back, false, work).unwrap();
        drop(Sealed::tree(staging, write_back, &target, None).unwrap());
    });
    assert_eq!(site.files(""), ["in/a", "in/d/b"]);
}

#[test]
fn in_place_a_manifest_never_stands_beside_an_old_signature() {
    let site = Site::new();
    let signature = "in/attestation/checksums.txt.sigstore.json";
    let first = site.in_place(Some(b"one"));
    assert_eq!(site.read(signature), "one");
    // The same files: the same manifest, and the signature is replaced.
    assert_eq!(site.in_place(Some(b"two")), first);
    assert_eq!(site.read(signature), "two");
    std::fs::write(site.path.join("in/a"), "new").unwrap();
    assert_ne!(site.in_place(None), first);
    assert_eq!(site.files("in"), ["in/a", "in/checksums.txt", "in/d/b"]);
    assert!(site.path.join("in").read_dir_utf8().unwrap().count() <= 4);
    site.in_place(Some(b"three"));
    // Unsigned is unsigned, even if the manifest is the same.
    site.in_place(None);
    assert_eq!(site.files(""), ["in/a", "in/checksums.txt", "in/d/b"]);
}

#[test]
fn a_signature_is_added_or_replaced_in_a_bundle_that_is_there() {
    let site = Site::new();
    site.bundle(false, None).unwrap();
    let bundle = RootedDir::open(&site.path.join("out")).unwrap();
    for content in ["one", "two"] {
        at_work(|work| {
            let staging = Staging::for_bundle(&bundle).unwrap();
            Sealed::signature(staging, &bundle, content.as_bytes()).unwrap().publish(work).unwrap();
        });
        assert_eq!(site.read(SIGNED[1]), content);
    }
    assert_eq!(site.files("out"), SIGNED);
}

#[test]
fn an_attestation_that_is_a_link_is_not_written_through() {
    let site = Site::new();
    site.bundle(false, None).unwrap();
    std::fs::create_dir(site.path.join("elsewhere")).unwrap();
    std::fs::write(site.path.join("elsewhere/checksums.txt.sigstore.json"), "kept").unwrap();
    std::os::unix::fs::symlink("../elsewhere", site.path.join("out/attestation")).unwrap();
    let bundle = RootedDir::open(&site.path.join("out")).unwrap();
    at_work(|work| {
        let staging = Staging::for_bundle(&bundle).unwrap();
        let failure = Sealed::signature(staging, &bundle, b"new").unwrap().publish(work).unwrap_err();
        assert!(failure.message().ends_with("out/attestation is not a directory"));
    });
    assert_eq!(site.read("elsewhere/checksums.txt.sigstore.json"), "kept");
}
