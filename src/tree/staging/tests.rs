//! Which run has the staging directory, and what remains of it.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};

use super::*;
use crate::tree::target::Purpose;
use crate::tree::with_two_threads;

fn test_dir() -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().canonicalize().unwrap()).unwrap();
    (top, path)
}

fn target(path: &Utf8Path) -> Target {
    with_two_threads(|work| Target::new(Purpose::Bundle { force: false }, path, &[], work)).unwrap()
}

fn names_in(path: &Utf8Path) -> Vec<String> {
    let names =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

/// Marks a directory as one that a killed run on this machine has left.
fn mark_as_ours(path: &Utf8Path) {
    drop(Mark::new(&RootedDir::open(path).unwrap(), true).unwrap());
}

#[test]
fn the_directory_of_a_run_on_another_machine_is_left_alone_for_a_day() {
    let (_top, path) = test_dir();
    let left = path.join(".out.aicr-staging");
    std::fs::create_dir_all(left.join(OLD)).unwrap();
    std::fs::write(left.join(MARK), "another machine").unwrap();
    let failure = Staging::for_output(&target(&path.join("out"))).unwrap_err();
    assert_eq!(failure.class().code(), 2);
    assert_eq!(
        failure.message(),
        format!(
            "{left} was left by an aicr run on another machine or before a restart, and that run may still \
             be active"
        )
    );
    let hint = format!(
        "if it has ended, remove the directory: `rm -r {left}`; after 24 hours without a change, aicr \
         removes it"
    );
    assert_eq!(failure.way_out(), Some(hint.as_str()));
    assert_eq!(names_in(&left), [OLD, MARK]);
    let two_days_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 60 * 60);
    for place in [left.join(OLD), left.join(MARK), left.clone()] {
        File::open(place).unwrap().set_modified(two_days_ago).unwrap();
    }
    drop(Staging::for_output(&target(&path.join("out"))).unwrap());
    assert_eq!(names_in(&path), ["out"]);
}

#[test]
fn the_staging_directory_is_private_and_removed_at_the_end() {
    let (_top, path) = test_dir();
    let staging = Staging::for_output(&target(&path.join("out"))).unwrap();
    assert_eq!(names_in(&path), [".out.aicr-staging"]);
    let mode = |path: &Utf8Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    let staging_dir = path.join(".out.aicr-staging");
    assert_eq!(mode(&staging_dir), 0o700);
    assert_eq!(staging.tree().unwrap().path(), staging_dir.join("bundle"));
    assert_eq!(mode(&staging_dir.join("bundle")), 0o755);
    staging.file("small").unwrap().write_all(b"x").unwrap();
    assert_eq!(mode(&staging_dir.join("small")), 0o644);
    drop(staging);
    assert_eq!(names_in(&path), [""; 0]);
}

#[test]
fn a_second_run_is_refused() {
    let (_top, path) = test_dir();
    let target = target(&path.join("out/"));
    let first = Staging::for_output(&target).unwrap();
    first.file("kept").unwrap();
    let failure = Staging::for_output(&target).unwrap_err();
    assert_eq!(failure.message(), format!("another aicr run is writing {path}/out/"));
    assert_eq!(failure.class().code(), 2);
    assert!(path.join(".out.aicr-staging/kept").exists());
    drop(first);
    Staging::for_output(&target).unwrap();
}

#[test]
fn only_one_of_several_threads_acquires_it() {
    let (_top, path) = test_dir();
    let target = target(&path.join("out"));
    let holders = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    if let Ok(staging) = Staging::for_output(&target) {
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
fn the_files_of_a_killed_run_are_removed() {
    let (_top, path) = test_dir();
    let staging_dir = path.join(".out.aicr-staging");
    std::fs::create_dir_all(staging_dir.join("bundle/a/b")).unwrap();
    std::fs::write(staging_dir.join("bundle/a/b/c"), "").unwrap();
    symlink("/etc", staging_dir.join("link")).unwrap();
    mark_as_ours(&staging_dir);
    let staging = Staging::for_output(&target(&path.join("out"))).unwrap();
    assert_eq!(names_in(&staging_dir), [MARK]);
    assert_eq!(std::fs::metadata(&staging_dir).unwrap().mode() & 0o7777, 0o700);
    drop(staging);
    assert!(!staging_dir.exists());
}

#[test]
fn an_entry_that_is_not_a_staging_directory_is_not_removed() {
    let (_top, path) = test_dir();
    let staging_dir = path.join(".out.aicr-staging");
    std::fs::create_dir(path.join("precious")).unwrap();
    symlink("precious", &staging_dir).unwrap();
    let failure = Staging::for_output(&target(&path.join("out"))).unwrap_err();
    let message = format!("{staging_dir} is a symbolic link, and aicr needs a directory of that name");
    assert_eq!(failure.message(), message);
    assert_eq!(failure.way_out(), Some(format!("remove it: `rm {staging_dir}`").as_str()));
    assert!(path.join("precious").exists());
    std::fs::remove_file(&staging_dir).unwrap();
    std::fs::create_dir(&staging_dir).unwrap();
    // Only root can change the owner of a directory.
    if std::os::unix::fs::chown(&staging_dir, Some(12345), None).is_ok() {
        let failure = Staging::for_output(&target(&path.join("out"))).unwrap_err();
        assert!(failure.message().contains(" belongs to another user, "));
    }
}

#[test]
fn the_staging_directory_is_next_to_the_bundle() {
    let (_top, path) = test_dir();
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
fn an_attestation_created_for_the_staging_directory_is_removed_with_it() {
    let (_top, path) = test_dir();
    let bundle = RootedDir::open(&path).unwrap();
    let (parent, is_new) = attestation(&bundle).unwrap();
    assert!(is_new);
    let Acquired::Locked(dir, mark) =
        acquire(&parent, INNER_STAGING, &path.join(ATTESTATION), "b", None).unwrap()
    else {
        panic!("not created")
    };
    let name = INNER_STAGING.to_owned();
    let attestation_created_in = Some(bundle.as_fd().try_clone_to_owned().unwrap());
    let staging = Staging { parent, name, dir, _mark: mark, attestation_created_in };
    assert_eq!(names_in(&path.join("attestation")), [INNER_STAGING]);
    drop(staging);
    assert_eq!(names_in(&path), [""; 0]);
}

#[test]
fn an_attestation_that_is_not_a_directory_is_refused() {
    let (_top, path) = test_dir();
    let bundle = RootedDir::open(&path).unwrap();
    symlink("/tmp", path.join("attestation")).unwrap();
    assert!(attestation(&bundle).unwrap_err().message().ends_with("attestation is not a directory"));
    std::fs::remove_file(path.join("attestation")).unwrap();
    std::fs::write(path.join("attestation"), "").unwrap();
    assert_eq!(attestation(&bundle).unwrap_err().class().code(), 2);
}

#[test]
fn a_long_name_or_one_that_is_not_utf8_is_replaced_by_its_digest() {
    let long = "n".repeat(250);
    assert!(staging_name(long.as_bytes()).len() <= 255);
    assert_ne!(staging_name(long.as_bytes()), staging_name("m".repeat(250).as_bytes()));
    assert_ne!(staging_name(b"\xff"), staging_name(b"\xfe"));
    assert_eq!(staging_name(b"release-1.4"), ".release-1.4.aicr-staging");
}

#[test]
fn an_old_bundle_that_a_killed_run_had_moved_is_restored() {
    let (_top, path) = test_dir();
    let left = path.join(".out.aicr-staging");
    std::fs::create_dir_all(left.join(OLD).join("sub")).unwrap();
    std::fs::write(left.join("small"), "left behind").unwrap();
    mark_as_ours(&left);
    drop(Staging::for_output(&target(&path.join("out"))).unwrap());
    assert_eq!(names_in(&path), ["out"]);
    assert_eq!(names_in(&path.join("out")), ["sub"]);

    // If the new bundle is in place, the old one is removed.
    std::fs::create_dir_all(left.join(OLD).join("older")).unwrap();
    mark_as_ours(&left);
    std::fs::remove_dir(path.join("out/sub")).unwrap();
    drop(Staging::for_output(&target(&path.join("out"))).unwrap());
    assert_eq!(names_in(&path), ["out"]);
    assert_eq!(names_in(&path.join("out")), [""; 0]);
}
