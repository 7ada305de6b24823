//! Copies on a real disk.

use std::fs::Permissions;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};

use super::*;
use crate::digest::Sha256Digest;
use crate::tree::inputs::{self, Options};
use crate::tree::manifest::Manifest;
use crate::tree::with_two_threads;

struct Site {
    _top: tempfile::TempDir,
    from: Utf8PathBuf,
    into: Utf8PathBuf,
}

fn site(files: &[(&str, &[u8])]) -> Site {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(top.path()).unwrap();
    let (from, into) = (path.join("in"), path.join("out"));
    std::fs::create_dir(&into).unwrap();
    for (name, content) in files {
        std::fs::create_dir_all(from.join(name).parent().unwrap()).unwrap();
        std::fs::write(from.join(name), content).unwrap();
    }
    Site { _top: top, from, into }
}

impl Site {
    fn collected(&self) -> Collected {
        let inputs = [self.from.clone()];
        inputs::collect(&inputs, Options::default(), &crate::interrupt::Interrupt::default()).unwrap()
    }

    fn copy(&self, collected: &Collected, allow_private_keys: bool) -> Result<Built> {
        let into = RootedDir::open(&self.into).unwrap();
        let write_back = WriteBack::of(&into)?;
        with_two_threads(|work| copy(collected, &into, &write_back, allow_private_keys, work))
            .map(|hashed| hashed.built)
    }
}

fn private_key() -> Vec<u8> {
    format!("for the tests\n-----BEGIN {} KEY-----\nAAAA\n", "EC PRIVATE").into_bytes()
}

#[test]
fn a_copy_has_the_right_content_mode_and_time() {
    let large = vec![9; 9 * 1024 * 1024 + 1];
    let site =
        site(&[("a", b"1"), ("d/e/f", &large), ("d-x/y", b""), ("d/z", b"2"), ("run", b"#!/bin/sh\n")]);
    std::fs::set_permissions(site.from.join("run"), Permissions::from_mode(0o700)).unwrap();
    std::fs::set_permissions(site.from.join("a"), Permissions::from_mode(0o666)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    std::fs::File::options().write(true).open(site.from.join("a")).unwrap().set_modified(time).unwrap();
    let collected = site.collected();
    let built = site.copy(&collected, false).unwrap();
    let text = std::fs::read(site.into.join(MANIFEST)).unwrap();
    assert_eq!(built, Built { manifest: Sha256Digest::of(&text), files: 5, bytes: collected.bytes });
    let manifest = Manifest::unproven(&text).unwrap();
    for place in 0..manifest.len() {
        let entry = manifest.entry(place);
        let (old, new) = (site.from.join(entry.name), site.into.join(entry.name));
        let content = std::fs::read(&new).unwrap();
        assert_eq!(entry.digest, Sha256Digest::of(&content));
        assert_eq!(content, std::fs::read(&old).unwrap());
        let mode = if entry.name == "run" { 0o755 } else { 0o644 };
        let metadata = std::fs::metadata(&new).unwrap();
        assert_eq!(metadata.mode() & 0o7777, mode, "{}", entry.name);
        assert_eq!(metadata.modified().unwrap(), std::fs::metadata(&old).unwrap().modified().unwrap());
    }
    for directory in ["d", "d/e", "d-x"] {
        assert_eq!(std::fs::metadata(site.into.join(directory)).unwrap().mode() & 0o7777, 0o755);
    }
    assert_eq!(std::fs::metadata(site.into.join(MANIFEST)).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(std::fs::metadata(site.into.join("a")).unwrap().modified().unwrap(), time);
    // In place, the manifest is the same.
    let mut in_place = Vec::new();
    let again = with_two_threads(|work| hash_in_place(&collected, &mut in_place, "x", false, work)).unwrap();
    assert_eq!((again.built, in_place), (built, text));
}

#[test]
fn a_private_key_is_refused_unless_it_is_allowed() {
    let site = site(&[("a", b""), ("b/key", &private_key()), ("c/key", &private_key())]);
    let collected = site.collected();
    let failure = site.copy(&collected, false).unwrap_err();
    assert_eq!(failure.message(), format!("{}/b/key contains a private key (2 files do)", site.from));
    let hint =
        "leave them out with `--exclude /b/key --exclude /c/key`, or allow them with `--allow-private-keys`";
    assert_eq!(failure.way_out(), Some(hint));
    assert_eq!(failure.class().code(), 2);
    let in_place = with_two_threads(|work| hash_in_place(&collected, Vec::new(), "x", false, work));
    let failure = in_place.unwrap_err();
    assert!(failure.message().ends_with("b/key contains a private key (2 files do)"));
    assert_eq!(failure.way_out(), Some("move them away, or allow them with `--allow-private-keys`"));
    std::fs::remove_dir_all(&site.into).unwrap();
    std::fs::create_dir(&site.into).unwrap();
    assert_eq!(site.copy(&collected, true).unwrap().files, 3);
}

/// However many files were copied before the first was found, all are counted.
#[test]
fn all_private_keys_are_counted_and_the_first_are_in_the_hint() {
    let names: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    let key = private_key();
    let is_key = |number: usize| number.is_multiple_of(5);
    let contents: Vec<(&str, &[u8])> = names
        .iter()
        .enumerate()
        .map(|(number, name)| (name.as_str(), if is_key(number) { &key[..] } else { b"text" }))
        .collect();
    let site = site(&contents);
    let failure = site.copy(&site.collected(), false).unwrap_err();
    assert_eq!(failure.message(), format!("{}/00 contains a private key (8 files do)", site.from));
    let flags = "--exclude /00 --exclude /05 --exclude /10 --exclude /15 --exclude /20";
    let hint = format!("leave them out with `{flags}` and so on, or allow them with `--allow-private-keys`");
    assert_eq!(failure.way_out(), Some(hint.as_str()));
}

#[test]
fn holes_stay_holes() {
    let mut image = vec![0; 9 * 1024 * 1024];
    image[5_000_000..5_000_100].fill(7);
    let site = site(&[("dense", &image)]);
    let sparse = std::fs::File::create(site.from.join("sparse")).unwrap();
    sparse.set_len(image.len() as u64).unwrap();
    sparse.write_all_at(&image[5_000_000..5_000_100], 5_000_000).unwrap();
    let collected = site.collected();
    site.copy(&collected, false).unwrap();
    for name in ["dense", "sparse"] {
        let (old, new) = (site.from.join(name), site.into.join(name));
        assert!(std::fs::read(&new).unwrap() == image, "{name}");
        let blocks = |path: &Utf8Path| std::fs::metadata(path).unwrap().blocks();
        assert_eq!(blocks(&new) > 1000, blocks(&old) > 1000, "{name}");
    }
}

fn fifo(at: &Utf8Path) {
    rustix::fs::mknodat(rustix::fs::CWD, at.as_str(), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
}

#[test]
fn a_source_that_was_replaced_is_an_error() {
    type Swap = fn(&Utf8Path);
    let swaps: [(Swap, &str); 4] = [
        (|at| std::os::unix::fs::symlink("/etc/passwd", at).unwrap(), "is a symbolic link"),
        (fifo, "is a FIFO"),
        (
            |at| std::fs::rename(at.with_file_name("other"), at).unwrap(),
            "was replaced after the inputs were listed",
        ),
        (|_| {}, "does not exist"),
    ];
    for (swap, words) in swaps {
        let site = site(&[("d/a", b"1"), ("d/other", b"2")]);
        let collected = site.collected();
        let at = site.from.join("d/a");
        std::fs::remove_file(&at).unwrap();
        swap(&at);
        let failure = site.copy(&collected, false).unwrap_err();
        assert!(
            failure.message().contains("in/d/a") && failure.message().contains(words),
            "{}",
            failure.message()
        );
        assert_eq!(failure.class().code(), 1);
    }
    // A directory that was replaced by a link is not followed either.
    let site = site(&[("d/a", b"1")]);
    let collected = site.collected();
    std::fs::rename(site.from.join("d"), site.from.join("e")).unwrap();
    std::os::unix::fs::symlink("e", site.from.join("d")).unwrap();
    assert!(site.copy(&collected, false).unwrap_err().message().contains("is a symbolic link"));
}

#[test]
fn a_changed_file_is_noticed() {
    let site = site(&[("a", b"1")]);
    let root = RootedDir::open(&site.from).unwrap();
    let before = root.stat(b"a").unwrap();
    std::fs::set_permissions(site.from.join("a"), Permissions::from_mode(0o600)).unwrap();
    std::fs::write(site.from.join("a"), b"22").unwrap();
    assert!(change_stamp(&before) == change_stamp(&before));
    assert!(change_stamp(&before) != change_stamp(&root.stat(b"a").unwrap()));
    // The reported size of a file in /proc is 0, and reading it gives more.
    let proc = Utf8PathBuf::from("/proc/self/status");
    let collected =
        inputs::collect(&[proc], Options::default(), &crate::interrupt::Interrupt::default()).unwrap();
    let failure =
        with_two_threads(|work| hash_in_place(&collected, Vec::new(), "x", false, work)).unwrap_err();
    assert_eq!(failure.message(), "/proc/self/status changed while it was read");
}
