//! What exists after each way of publishing.

use std::os::unix::fs::MetadataExt as _;

use camino::Utf8PathBuf;

use super::*;
use crate::interrupt::Interrupt;
use crate::tree::copy::Built;
use crate::tree::copy::{copy, hash_in_place};
use crate::tree::inputs::{self, Options};
use crate::tree::manifest::Manifest;
use crate::tree::names::Names;
use crate::tree::second_look::FileId;
use crate::tree::with_two_threads;

struct TestDir {
    _top: tempfile::TempDir,
    path: Utf8PathBuf,
}

/// Seals the copies of the collected files.
fn sealed<'a>(
    staging: Staging,
    write_back: WriteBack,
    target: &'a Target,
    collected: &'a Collected,
    hashed: &'a Hashed,
    signature: Option<&[u8]>,
) -> Result<Sealed<'a>> {
    let (expected, manifest) = (hashed.expected(collected), hashed.built.manifest);
    Sealed::tree(staging, write_back, target, expected, manifest, signature)
}

/// The place `out`, where `force` may replace a bundle.
fn target(test: &TestDir, force: bool, work: &Work<'_>) -> Target {
    Target::new(Purpose::Bundle { force }, &test.path.join("out"), &[], work).unwrap()
}

impl TestDir {
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

    /// Builds a bundle of `in`, and publishes it as `out`.
    fn bundle(&self, force: bool, signature: Option<&[u8]>) -> Result<Built> {
        with_two_threads(|work| {
            let target = Target::new(
                Purpose::Bundle { force },
                &self.path.join("out"),
                &[self.path.join("in")],
                work,
            )?;
            let staging = Staging::for_output(&target)?;
            let write_back = WriteBack::of(staging.staging_dir())?;
            let collected = self.collected(false);
            let hashed = copy(&collected, &staging.tree()?, &write_back, false, work)?;
            sealed(staging, write_back, &target, &collected, &hashed, signature)?.publish(work)?;
            Ok(hashed.built)
        })
    }

    /// Turns `in` into a bundle in place.
    fn in_place(&self, signature: Option<&[u8]>) -> Built {
        with_two_threads(|work| {
            let collected = self.collected(true);
            let bundle = &collected.roots[0];
            let staging = Staging::for_bundle(bundle).unwrap();
            let own_files = OwnFiles::of(bundle);
            let file = staging.file(MANIFEST).unwrap();
            let hashed = hash_in_place(&collected, file, "x", false, work).unwrap();
            let sealed = Sealed::manifest(staging, &collected, &hashed, own_files, signature).unwrap();
            sealed.publish(work).unwrap();
            hashed.built
        })
    }

    /// The paths of all files in a directory.
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
    let test = TestDir::new();
    test.bundle(false, Some(b"{}")).unwrap();
    assert_eq!(test.files("out"), SIGNED);
    assert_eq!(test.read("out/attestation/checksums.txt.sigstore.json"), "{}");
    let names: Vec<_> =
        test.path.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    for (name, mode) in [("out", 0o755), ("out/attestation", 0o755), (SIGNED[1], 0o644), (SIGNED[2], 0o644)] {
        assert_eq!(std::fs::metadata(test.path.join(name)).unwrap().mode() & 0o7777, mode, "{name}");
    }
}

#[test]
fn an_empty_directory_and_with_force_a_bundle_are_replaced() {
    let test = TestDir::new();
    std::fs::create_dir(test.path.join("out")).unwrap();
    test.bundle(false, None).unwrap();
    std::fs::write(test.path.join("in/a"), "new").unwrap();
    std::fs::remove_file(test.path.join("in/d/b")).unwrap();
    assert!(test.bundle(false, None).is_err());
    assert_eq!(test.read("out/a"), "1");
    test.bundle(true, Some(b"{}")).unwrap();
    assert_eq!(test.read("out/a"), "new");
    assert_eq!(test.files("out"), SIGNED[..3]);
    assert_eq!(test.files("").len(), 4);
}

#[test]
fn without_an_exchange_a_bundle_is_replaced_in_two_steps() {
    let test = TestDir::new();
    test.bundle(false, None).unwrap();
    let with = |failure: Errno| {
        with_two_threads(|work| {
            let target = target(&test, true, work);
            let staging = Staging::for_output(&target).unwrap();
            if failure == Errno::INVAL {
                std::fs::write(staging.tree().unwrap().path().join("second"), "").unwrap();
            }
            let exchanged = exchange(&staging, "out", |_, _| Err(failure));
            exchanged.map_err(|error| Errno::from_io_error(&error).unwrap())
        })
    };
    // There is no new tree to move into place, so the old one is restored.
    for failure in [Errno::NOSYS, Errno::XDEV] {
        assert_eq!(with(failure), Err(Errno::NOENT));
    }
    assert_eq!(test.read("out/a"), "1");
    assert_eq!(with(Errno::IO), Err(Errno::IO));
    assert_eq!(with(Errno::INVAL), Ok(()));
    assert_eq!(test.files("out"), ["out/second"]);
    assert_eq!(test.files("").len(), 3);
}

#[test]
fn what_was_not_written_is_not_published() {
    type Change = fn(&RootedDir, &Utf8PathBuf);
    let changes: [(Change, &str); 3] = [
        (|tree, _| rustix::fs::unlinkat(tree, "d/b", AtFlags::empty()).unwrap(), "d/b was removed"),
        (|_, tree| std::fs::write(tree.join("more"), "").unwrap(), "more was added"),
        (|_, tree| std::fs::write(tree.join(MANIFEST), "").unwrap(), "checksums.txt is not the same"),
    ];
    for (change, expected) in changes {
        let test = TestDir::new();
        let target = with_two_threads(|work| target(&test, false, work));
        let staging = Staging::for_output(&target).unwrap();
        let write_back = WriteBack::of(staging.staging_dir()).unwrap();
        let collected = test.collected(false);
        let tree = staging.tree().unwrap();
        let failure = with_two_threads(|work| {
            let hashed = copy(&collected, &tree, &write_back, false, work)?;
            let sealed = sealed(staging, write_back, &target, &collected, &hashed, None)?;
            change(&tree, &tree.path().to_owned());
            sealed.publish(work)
        })
        .unwrap_err();
        let message = format!("{}/out changed while it was being built: {expected}", test.path);
        assert_eq!((failure.class(), failure.message()), (Class::Broken, message.as_str()));
        assert_eq!(test.files(""), ["in/a", "in/d/b"]);
    }
}

#[test]
fn a_bundle_that_cannot_be_moved_is_emptied_and_replaced() {
    let test = TestDir::new();
    test.bundle(false, Some(b"{}")).unwrap();
    std::fs::create_dir_all(test.path.join("out/d/e/f")).unwrap();
    with_two_threads(|work| {
        let target = target(&test, true, work);
        let staging = Staging::for_output(&target).unwrap();
        std::fs::write(staging.tree().unwrap().path().join("second"), "").unwrap();
        replace_emptied(&staging, "out").unwrap();
    });
    assert_eq!(test.files("out"), ["out/second"]);
    assert_eq!(test.files("").len(), 3);
}

#[test]
fn an_output_that_is_created_during_the_run_is_not_replaced() {
    let test = TestDir::new();
    with_two_threads(|work| {
        let target = target(&test, false, work);
        let staging = Staging::for_output(&target).unwrap();
        let write_back = WriteBack::of(staging.staging_dir()).unwrap();
        let collected = test.collected(false);
        let hashed = copy(&collected, &staging.tree().unwrap(), &write_back, false, work).unwrap();
        let sealed = sealed(staging, write_back, &target, &collected, &hashed, None).unwrap();
        std::fs::create_dir(test.path.join("out")).unwrap();
        std::fs::write(test.path.join("out/mine"), "").unwrap();
        assert_eq!(sealed.publish(work).unwrap_err().class(), Class::Usage);
    });
    assert_eq!(test.files("out"), ["out/mine"]);
    assert_eq!(test.files("").len(), 3);
}

#[test]
fn a_run_that_does_not_publish_leaves_nothing() {
    let test = TestDir::new();
    with_two_threads(|work| {
        let target = target(&test, false, work);
        let staging = Staging::for_output(&target).unwrap();
        let write_back = WriteBack::of(staging.staging_dir()).unwrap();
        let collected = test.collected(false);
        let hashed = copy(&collected, &staging.tree().unwrap(), &write_back, false, work).unwrap();
        drop(sealed(staging, write_back, &target, &collected, &hashed, None).unwrap());
    });
    assert_eq!(test.files(""), ["in/a", "in/d/b"]);
}

#[test]
fn in_place_a_new_manifest_never_has_an_old_signature() {
    let test = TestDir::new();
    let signature = "in/attestation/checksums.txt.sigstore.json";
    let first = test.in_place(Some(b"one"));
    assert_eq!(test.read(signature), "one");
    // With the same files, the manifest is the same and the signature is replaced.
    assert_eq!(test.in_place(Some(b"two")), first);
    assert_eq!(test.read(signature), "two");
    std::fs::write(test.path.join("in/a"), "new").unwrap();
    assert_ne!(test.in_place(None), first);
    assert_eq!(test.files("in"), ["in/a", "in/checksums.txt", "in/d/b"]);
    assert!(test.path.join("in").read_dir_utf8().unwrap().count() <= 4);
    test.in_place(Some(b"three"));
    // Without a signature the bundle is unsigned, even if the manifest is the same.
    test.in_place(None);
    assert_eq!(test.files(""), ["in/a", "in/checksums.txt", "in/d/b"]);
}

/// Adds a signature to a bundle with the files of `in`.
fn sign(bundle: &RootedDir, signature: &[u8]) -> Result<()> {
    sign_at(bundle, signature, SignaturePlace::Alone)
}

fn sign_at(bundle: &RootedDir, signature: &[u8], place: SignaturePlace) -> Result<()> {
    let text = bundle.read_small(MANIFEST.as_bytes(), 4096).unwrap();
    let manifest = Manifest::unproven(&text).unwrap();
    let files: Vec<_> = (0..manifest.len())
        .map(|line| FileId::new(&bundle.stat(manifest.name(line).as_bytes()).unwrap(), 1))
        .collect();
    let staging = Staging::for_bundle(bundle)?;
    let expected = Expected { names: Names::Listed(&manifest), files: &files, pending: None };
    let sealed = Sealed::signature(staging, bundle, expected, OwnFiles::of(bundle), signature, place)?;
    with_two_threads(|work| sealed.publish(work))
}

#[test]
fn a_signature_is_added_to_an_existing_bundle_or_replaced() {
    let test = TestDir::new();
    test.bundle(false, None).unwrap();
    let bundle = RootedDir::open(&test.path.join("out")).unwrap();
    for content in ["one", "two"] {
        sign(&bundle, content.as_bytes()).unwrap();
        assert_eq!(test.read(SIGNED[1]), content);
    }
    assert_eq!(test.files("out"), SIGNED);
}

/// A further signature stays next to a new one, and is removed by one that will be the only one, in both ways.
#[test]
fn further_signatures_stay_or_are_removed() {
    let test = TestDir::new();
    test.bundle(false, None).unwrap();
    let bundle = RootedDir::open(&test.path.join("out")).unwrap();
    let further = "attestation/checksums.txt.0123456789abcdef.sigstore.json";
    sign(&bundle, b"one").unwrap();
    sign_at(&bundle, b"two", SignaturePlace::At(further.to_owned())).unwrap();
    assert_eq!((test.read(SIGNED[1]), test.read(&format!("out/{further}"))), ("one".into(), "two".into()));
    sign_at(&bundle, b"three", SignaturePlace::At(SIGNATURE.to_owned())).unwrap();
    assert_eq!((test.read(SIGNED[1]), test.read(&format!("out/{further}"))), ("three".into(), "two".into()));
    sign(&bundle, b"four").unwrap();
    assert_eq!((test.read(SIGNED[1]), test.files("out").len()), ("four".into(), SIGNED.len()));

    // In place, with the same manifest and with another one.
    let in_place = format!("in/{further}");
    test.in_place(Some(b"one"));
    for content in ["a", "b"] {
        std::fs::write(test.path.join(&in_place), "further").unwrap();
        std::fs::write(test.path.join("in/a"), content).unwrap();
        test.in_place(Some(content.as_bytes()));
        assert!(!test.path.join(&in_place).exists());
        assert_eq!(test.read("in/attestation/checksums.txt.sigstore.json"), content);
    }
}

#[test]
fn an_attestation_that_is_a_link_is_not_written_through() {
    let test = TestDir::new();
    test.bundle(false, None).unwrap();
    std::fs::create_dir(test.path.join("elsewhere")).unwrap();
    std::fs::write(test.path.join("elsewhere/checksums.txt.sigstore.json"), "kept").unwrap();
    std::os::unix::fs::symlink("../elsewhere", test.path.join("out/attestation")).unwrap();
    let bundle = RootedDir::open(&test.path.join("out")).unwrap();
    let failure = sign(&bundle, b"new").unwrap_err();
    assert!(failure.message().contains(" changed while it was being signed: attestation was added"));
    assert_eq!(test.read("elsewhere/checksums.txt.sigstore.json"), "kept");
}
