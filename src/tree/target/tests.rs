//! Outputs as people give them.

use super::*;
use crate::digest::Sha256Digest;
use crate::tree::at_work;
use crate::tree::manifest::render;

fn site() -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().to_owned()).unwrap();
    std::fs::create_dir_all(path.join("in/sub")).unwrap();
    std::fs::write(path.join("in/f"), "").unwrap();
    (top, path)
}

fn bundle_at(path: &Utf8Path) {
    std::fs::create_dir_all(path.join("empty")).unwrap();
    std::fs::write(path.join("a"), "changed content is no reason to keep it").unwrap();
    let mut text = Vec::new();
    let entries = [("a", Sha256Digest::of(b"")), ("gone", Sha256Digest::of(b""))];
    render(entries.into_iter(), &mut text).unwrap();
    std::fs::write(path.join(MANIFEST), text).unwrap();
}

fn target(path: &Utf8Path, inputs: &[Utf8PathBuf], force: bool) -> Result<Target> {
    at_work(|work| Target::new(path, inputs, force, work))
}

fn refused(path: &Utf8Path, inputs: &[Utf8PathBuf], force: bool) -> String {
    let failure = target(path, inputs, force).unwrap_err();
    assert_eq!(failure.class().code(), 2);
    failure.message().to_owned()
}

#[test]
fn a_free_name_and_an_empty_directory_are_taken() {
    let (_top, path) = site();
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
fn names_that_name_nothing_are_refused() {
    let (_top, path) = site();
    for name in ["", "/", "//", ".", "..", "x/..", "x/.", "x/./"] {
        let said = refused(Utf8Path::new(name), &[path.join("in")], true);
        assert!(said.contains("does not end in a name"), "{said}");
    }
    let missing = target(&path.join("a/b"), &[], false).unwrap_err();
    assert!(missing.message().ends_with("does not exist") && missing.way_out().unwrap().contains("mkdir -p"));
    assert!(refused(&path.join("in/f/x"), &[], false).contains("is not a directory"));
}

#[test]
fn links_and_files_are_never_replaced() {
    let (_top, path) = site();
    std::fs::create_dir(path.join("void")).unwrap();
    std::os::unix::fs::symlink("void", path.join("link")).unwrap();
    for name in ["link", "link/"] {
        assert!(refused(&path.join(name), &[], true).ends_with("is a symbolic link"));
    }
    assert!(refused(&path.join("in/f"), &[], true).ends_with("is a regular file"));
}

#[test]
fn the_output_stays_apart_from_the_inputs() {
    let (_top, path) = site();
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
        let said = refused(&path.join(output), &[path.join(input)], true);
        assert!(said.contains(words), "{output} {input}: {said}");
    }
    // A file next to its bundle is fine.
    target(&path.join("in/new"), &[path.join("in/f")], false).unwrap();
}

#[test]
fn what_the_system_or_the_user_stands_on_is_refused() {
    for path in ["/proc", "/proc/"] {
        assert!(refused(Utf8Path::new(path), &[], true).contains("mount point"));
    }
    let here = Utf8PathBuf::from_path_buf(std::env::current_dir().unwrap()).unwrap();
    assert!(refused(&here, &[], true).contains("the working directory"));
    assert!(refused(here.parent().unwrap(), &[], true).contains("the working directory"));
}

#[test]
fn force_replaces_a_bundle_and_nothing_else() {
    let (_top, path) = site();
    let out = path.join("out");
    bundle_at(&out);
    assert!(refused(&out, &[], false).contains("exists and is not empty"));
    let bundle = target(&out, &[], true).unwrap();
    assert_eq!(bundle.occupant(), Occupant::Bundle);
    at_work(|work| bundle.recheck(work)).unwrap();
    std::fs::write(out.join("empty/thesis.tex"), "").unwrap();
    assert!(refused(&out, &[], true).contains("empty/thesis.tex is not listed"));
    assert!(at_work(|work| bundle.recheck(work)).unwrap_err().message().contains("thesis.tex"));
    std::fs::remove_file(out.join("empty/thesis.tex")).unwrap();
    std::fs::write(out.join(MANIFEST), "# notes\n").unwrap();
    assert!(refused(&out, &[], true).contains("line 1 is a comment"));
    std::fs::remove_file(out.join(MANIFEST)).unwrap();
    assert!(refused(&out, &[], true).contains("checksums.txt: it does not exist"));
}
