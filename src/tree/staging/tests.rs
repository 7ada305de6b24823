//! Who holds the room, and what is left of it.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;
use crate::tree::at_work;

fn site() -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().canonicalize().unwrap()).unwrap();
    (top, path)
}

fn target(path: &Utf8Path) -> Target {
    at_work(|work| Target::new(path, &[], false, work)).unwrap()
}

fn names_in(path: &Utf8Path) -> Vec<String> {
    let names =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn the_room_is_private_and_gone_in_the_end() {
    let (_top, path) = site();
    let staging = Staging::beside(&target(&path.join("out"))).unwrap();
    assert_eq!(names_in(&path), [".out.aicr-staging"]);
    let mode = |path: &Utf8Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    let room = path.join(".out.aicr-staging");
    assert_eq!(mode(&room), 0o700);
    assert_eq!(staging.tree().unwrap().path(), room.join("bundle"));
    assert_eq!(mode(&room.join("bundle")), 0o755);
    staging.file("small").unwrap().write_all(b"x").unwrap();
    assert_eq!(mode(&room.join("small")), 0o644);
    drop(staging);
    assert_eq!(names_in(&path), [""; 0]);
}

#[test]
fn one_run_at_a_time() {
    let (_top, path) = site();
    let target = target(&path.join("out/"));
    let first = Staging::beside(&target).unwrap();
    first.file("kept").unwrap();
    let failure = Staging::beside(&target).unwrap_err();
    assert_eq!(failure.message(), format!("another aicr is writing {path}/out/"));
    assert_eq!(failure.class().code(), 2);
    assert!(path.join(".out.aicr-staging/kept").exists());
    drop(first);
    Staging::beside(&target).unwrap();
}

#[test]
fn only_one_of_many_who_begin_at_once_holds_it() {
    let (_top, path) = site();
    let target = target(&path.join("out"));
    let holders = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    if let Ok(staging) = Staging::beside(&target) {
                        let before = holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(before, 0);
                        staging.file("mine").unwrap();
                        holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(names_in(&path), [""; 0]);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let (_top, path) = site();
    let room = path.join(".out.aicr-staging");
    std::fs::create_dir_all(room.join("bundle/a/b")).unwrap();
    std::fs::write(room.join("bundle/a/b/c"), "").unwrap();
    symlink("/etc", room.join("link")).unwrap();
    let staging = Staging::beside(&target(&path.join("out"))).unwrap();
    assert_eq!(names_in(&room), [""; 0]);
    assert_eq!(std::fs::metadata(&room).unwrap().mode() & 0o7777, 0o700);
    drop(staging);
    assert!(!room.exists());
}

#[test]
fn what_is_in_the_way_is_named_and_left_alone() {
    let (_top, path) = site();
    let room = path.join(".out.aicr-staging");
    std::fs::create_dir(path.join("precious")).unwrap();
    symlink("precious", &room).unwrap();
    let failure = Staging::beside(&target(&path.join("out"))).unwrap_err();
    assert_eq!(failure.message(), format!("{room} is in the way: it is a symbolic link"));
    assert!(path.join("precious").exists());
    std::fs::remove_file(&room).unwrap();
    std::fs::create_dir(&room).unwrap();
    // Only root can give a directory away, and only then is there something to test.
    if std::os::unix::fs::chown(&room, Some(12345), None).is_ok() {
        let failure = Staging::beside(&target(&path.join("out"))).unwrap_err();
        assert!(failure.message().ends_with("it belongs to another user"));
    }
}

#[test]
fn a_bundle_has_its_room_beside_it() {
    let (_top, path) = site();
    std::fs::create_dir(path.join("b")).unwrap();
    symlink("b", path.join("link")).unwrap();
    let bundle = RootedDir::open(&path.join("link")).unwrap();
    let staging = Staging::for_bundle(&bundle).unwrap();
    assert_eq!(names_in(&path), [".b.aicr-staging", "b", "link"]);
    drop(staging);
    assert_eq!(names_in(&path), ["b", "link"]);
    assert_eq!(names_in(&path.join("b")), [""; 0]);
}

#[test]
fn a_room_inside_goes_with_the_attestation_that_was_made_for_it() {
    let (_top, path) = site();
    let bundle = RootedDir::open(&path).unwrap();
    let (parent, is_new) = attestation(&bundle).unwrap();
    assert!(is_new);
    let Lock::Held(name, room) = claim(&parent, INSIDE, &path.join(ATTESTATION), "b", None).unwrap() else {
        panic!("not made")
    };
    let made = Some(bundle.as_fd().try_clone_to_owned().unwrap());
    let staging = Staging { parent, name, room, made };
    assert_eq!(names_in(&path.join("attestation")), [INSIDE]);
    drop(staging);
    assert_eq!(names_in(&path), [""; 0]);
}

#[test]
fn an_attestation_that_is_no_directory_is_refused() {
    let (_top, path) = site();
    let bundle = RootedDir::open(&path).unwrap();
    symlink("/tmp", path.join("attestation")).unwrap();
    assert!(attestation(&bundle).unwrap_err().message().ends_with("attestation is not a directory"));
    std::fs::remove_file(path.join("attestation")).unwrap();
    std::fs::write(path.join("attestation"), "").unwrap();
    assert_eq!(attestation(&bundle).unwrap_err().class().code(), 2);
}

#[test]
fn names_too_long_for_a_prefix_have_a_room_too() {
    let long = "n".repeat(250);
    assert!(name_beside(&long).len() <= 255);
    assert_ne!(name_beside(&long), name_beside(&"m".repeat(250)));
    assert_eq!(name_beside("release-1.4"), ".release-1.4.aicr-staging");
}

#[test]
fn an_old_bundle_that_a_killed_run_had_moved_away_is_put_back() {
    let (_top, path) = site();
    let left = path.join(".out.aicr-staging");
    std::fs::create_dir_all(left.join(OLD).join("sub")).unwrap();
    std::fs::write(left.join("small"), "litter").unwrap();
    drop(Staging::beside(&target(&path.join("out"))).unwrap());
    assert_eq!(names_in(&path), ["out"]);
    assert_eq!(names_in(&path.join("out")), ["sub"]);

    // Once the new one is in place, the old one is litter.
    std::fs::create_dir_all(left.join(OLD).join("older")).unwrap();
    std::fs::remove_dir(path.join("out/sub")).unwrap();
    drop(Staging::beside(&target(&path.join("out"))).unwrap());
    assert_eq!(names_in(&path), ["out"]);
    assert_eq!(names_in(&path.join("out")), [""; 0]);
}
