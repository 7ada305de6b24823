//! Outputs on a real disk.

use super::*;
use crate::digest::Sha256Digest;
use crate::tree::manifest::render;
use crate::tree::with_two_threads;

fn test_dir() -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().to_owned()).unwrap();
    std::fs::create_dir_all(path.join("in/sub")).unwrap();
    std::fs::write(path.join("in/f"), "").unwrap();
    (top, path)
}

fn bundle_at(path: &Utf8Path) {
    std::fs::create_dir_all(path.join("empty")).unwrap();
    std::fs::write(path.join("a"), "changed content does not matter").unwrap();
    let mut text = Vec::new();
    let entries = [("a", Sha256Digest::of(b"")), ("gone", Sha256Digest::of(b""))];
    render(entries.into_iter(), &mut text).unwrap();
    std::fs::write(path.join(MANIFEST), text).unwrap();
}

fn target(path: &Utf8Path, inputs: &[Utf8PathBuf], force: bool) -> Result<Target> {
    with_two_threads(|work| Target::new(Purpose::Bundle { force }, path, inputs, work))
}

fn refused(path: &Utf8Path, inputs: &[Utf8PathBuf], force: bool) -> String {
    let failure = target(path, inputs, force).unwrap_err();
    assert_eq!(failure.class().code(), 2);
    failure.message().to_owned()
}

#[test]
fn a_free_name_and_an_empty_directory_are_accepted() {
    let (_top, path) = test_dir();
    let inputs = [path.join("in")];
    for force in [false, true] {
        let new = target(&path.join("out//"), &inputs, force).unwrap();
        assert_eq!((new.name(), new.parent(), new.occupant()), ("out", path.clone(), Occupant::Nothing));
    }
    std::fs::create_dir(path.join("void")).unwrap();
    assert_eq!(target(&path.join("void"), &inputs, false).unwrap().occupant(), Occupant::Empty);
    assert_eq!(target(Utf8Path::new("/never-made"), &inputs, false).unwrap().parent(), "/");
    assert_eq!(target(Utf8Path::new("never-made"), &inputs, false).unwrap().parent(), "");
}

#[test]
fn an_output_without_a_name_or_parent_is_refused() {
    let (_top, path) = test_dir();
    for name in ["", "/", "//", ".", "..", "x/..", "x/.", "x/./"] {
        let message = refused(Utf8Path::new(name), &[path.join("in")], true);
        assert!(message.contains("does not end in a directory name"), "{message}");
    }
    let missing = target(&path.join("it's/b"), &[], false).unwrap_err();
    assert_eq!(missing.message(), format!("--output {path}/it's/b: directory {path}/it's does not exist"));
    assert_eq!(missing.way_out(), Some(format!("create it with `mkdir -p \"{path}/it's\"`").as_str()));
    assert!(refused(&path.join("in/f/x"), &[], false).contains("is not a directory"));
}

#[test]
fn links_and_files_are_never_replaced() {
    let (_top, path) = test_dir();
    std::fs::create_dir(path.join("void")).unwrap();
    std::os::unix::fs::symlink("void", path.join("link")).unwrap();
    for name in ["link", "link/"] {
        assert!(refused(&path.join(name), &[], true).ends_with("is a symbolic link"));
    }
    assert!(refused(&path.join("in/f"), &[], true).ends_with("is a regular file"));
}

#[test]
fn an_output_that_overlaps_an_input_is_refused() {
    let (_top, path) = test_dir();
    std::os::unix::fs::symlink("in", path.join("link")).unwrap();
    bundle_at(&path.join("around"));
    std::fs::write(path.join("around/a"), "").unwrap();
    for (output, input, words) in [
        ("in", "in", "is the input"),
        ("in/new", "in", "is inside the input"),
        ("in/sub", "in", "is inside the input"),
        ("link/new", "in", "is inside the input"),
        ("in/new", "link", "is inside the input"),
        ("around", "around/a", "is inside --output"),
        ("around", "around/empty", "is inside --output"),
    ] {
        let message = refused(&path.join(output), &[path.join(input)], true);
        assert!(message.contains(words), "{output} {input}: {message}");
    }
    // An input file may be in the directory of the output.
    target(&path.join("in/new"), &[path.join("in/f")], false).unwrap();
}

#[test]
fn mount_points_and_the_working_directory_are_refused() {
    for path in ["/proc", "/proc/"] {
        assert!(refused(Utf8Path::new(path), &[], true).contains("mount point"));
    }
    let here = Utf8PathBuf::from_path_buf(std::env::current_dir().unwrap()).unwrap();
    assert!(refused(&here, &[], true).contains("the working directory"));
    assert!(refused(here.parent().unwrap(), &[], true).contains("the working directory"));
}

#[test]
fn force_replaces_a_bundle_and_nothing_else() {
    let (_top, path) = test_dir();
    let out = path.join("out");
    bundle_at(&out);
    assert!(refused(&out, &[], false).contains("exists and is not empty"));
    let bundle = target(&out, &[], true).unwrap();
    assert_eq!(bundle.occupant(), Occupant::Bundle);
    with_two_threads(|work| bundle.recheck(work)).unwrap();
    std::fs::write(out.join("empty/thesis.tex"), "").unwrap();
    assert!(refused(&out, &[], true).contains("empty/thesis.tex is not listed"));
    assert!(with_two_threads(|work| bundle.recheck(work)).unwrap_err().message().contains("thesis.tex"));
    std::fs::remove_file(out.join("empty/thesis.tex")).unwrap();
    std::fs::write(out.join(MANIFEST), "# notes\n").unwrap();
    assert!(refused(&out, &[], true).contains("line 1 is a comment"));
    std::fs::remove_file(out.join(MANIFEST)).unwrap();
    assert!(refused(&out, &[], true).contains("checksums.txt does not exist"));
}
