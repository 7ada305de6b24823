//! Inputs on a real disk.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::fs::{CWD, FileType, Mode};

use super::*;

/// A directory with these files; a name that ends in `/` is an empty directory.
fn tree(names: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().to_owned()).unwrap();
    for name in names {
        let at = path.join(name);
        if name.ends_with('/') {
            std::fs::create_dir_all(at).unwrap();
        } else {
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, name).unwrap();
        }
    }
    (top, path)
}

fn with(inputs: &[Utf8PathBuf], exclude: &[&str], options: Options<'_>) -> Result<Collected> {
    let exclude: Vec<String> = exclude.iter().map(ToString::to_string).collect();
    collect(inputs, Options { exclude: &exclude, ..options }, &Interrupt::default())
}

fn names(collected: &Collected) -> Vec<&str> {
    collected.files.iter().map(|file| file.name.as_str()).collect()
}

fn refusal(inputs: &[Utf8PathBuf]) -> String {
    let failure = with(inputs, &[], Options::default()).unwrap_err();
    assert_eq!(failure.class().code(), 2);
    format!("{} | {}", failure.message(), failure.way_out().unwrap_or("-"))
}

#[test]
fn a_directory_contributes_its_content_and_a_file_itself() {
    let (_top, path) =
        tree(&["dist/b", "dist/sub/a", "dist/.hidden", "dist/sub-x", "one/notes.txt", "void/"]);
    let inputs = [path.join("dist/"), path.join("one/notes.txt")];
    let collected = with(&inputs, &[], Options::default()).unwrap();
    assert_eq!(names(&collected), [".hidden", "b", "notes.txt", "sub-x", "sub/a"]);
    assert_eq!(collected.bytes, 12 + 6 + 13 + 10 + 10);
    assert_eq!(collected.source(&collected.files[2]), path.join("one/notes.txt"));
    assert_eq!(collected.source(&collected.files[4]), path.join("dist/sub/a"));
    assert!(collected.warnings.is_empty() && !collected.has_manifest);
}

#[test]
fn a_link_to_a_directory_is_followed_if_it_is_an_input() {
    let (_top, path) = tree(&["dist/a"]);
    symlink("dist", path.join("link")).unwrap();
    symlink("dist/a", path.join("file-link")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    for name in ["link", "link/"] {
        assert_eq!(names(&with(&[path.join(name)], &[], Options::default()).unwrap()), ["a"]);
    }
    for name in ["file-link", "dangling"] {
        assert!(refusal(&[path.join(name)]).contains("is a symbolic link | give the file that it points to"));
    }
}

#[test]
fn excluded_files_are_not_checked() {
    let (_top, path) = tree(&["a.tmp", "b", "build/x", "c/build/y", "c/z"]);
    symlink("b", path.join("link.tmp")).unwrap();
    let one = [path];
    let collected = with(&one, &["*.tmp", "/build"], Options::default()).unwrap();
    assert_eq!(names(&collected), ["b", "c/build/y", "c/z"]);
    assert!(
        with(&one, &["*"], Options::default())
            .unwrap_err()
            .message()
            .ends_with(" contains no files to bundle")
    );
}

#[test]
fn files_that_cannot_be_payload_are_refused_with_a_hint() {
    type Make = fn(&Utf8Path);
    let kinds: [(&str, Make, &str); 8] = [
        (
            "l",
            |at| symlink("/etc/shadow", at).unwrap(),
            "is a symbolic link, and links are not followed | leave it out with `--exclude /d/l`",
        ),
        (
            "p",
            |at| rustix::fs::mknodat(CWD, at.as_str(), FileType::Fifo, Mode::RUSR, 0).unwrap(),
            "is a FIFO, not a regular file",
        ),
        (
            "s",
            |at| drop(std::os::unix::net::UnixListener::bind(at).unwrap()),
            "is a socket, not a regular file",
        ),
        ("u", |at| set_mode(at, 0o4755), "is set-user-ID or set-group-ID"),
        ("g", |at| set_mode(at, 0o2755), "/d/g`, or remove the bits with `chmod ug-s /"),
        (
            "x\ny",
            |at| std::fs::write(at, "").unwrap(),
            "x\\u{a}y has a control character in its name | rename it",
        ),
        (
            "x\\y",
            |at| std::fs::write(at, "").unwrap(),
            "x\\\\y has a backslash in its name | leave it out with `--exclude \"/d/x\\\\\\\\y\"`",
        ),
        ("\u{85}/", |at| std::fs::create_dir(at).unwrap(), "has a control character in its name"),
    ];
    for (name, make, words) in kinds {
        let (_top, path) = tree(&["d/fine"]);
        make(&path.join("d").join(name));
        let message = refusal(&[path]);
        assert!(message.contains(words), "{message}");
    }
    let (_top, path) = tree(&["fine"]);
    std::fs::write(path.as_std_path().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    assert!(refusal(&[path]).contains("\\xff has a name that is not UTF-8 | rename it"));
}

fn set_mode(path: &Utf8Path, mode: u32) {
    std::fs::write(path, "").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn devices_and_pipes_are_refused_and_not_opened() {
    assert!(refusal(&["/dev/zero".into()]).contains("input /dev/zero is a device"));
    let (_top, path) = tree(&[]);
    rustix::fs::mknodat(CWD, path.join("p").as_str(), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert!(refusal(&[path.join("p")]).contains("is a FIFO, not a file or a directory"));
    assert!(refusal(&[path.join("none")]).contains("/none does not exist"));
    assert!(refusal(&["".into()]).contains("an INPUT is empty"));
    assert!(refusal(&[path.join("p/x")]).contains("/p/x does not exist"));
}

#[test]
fn of_several_refusals_the_first_in_byte_order_is_reported() {
    let (_top, path) = tree(&["z/fine"]);
    for name in ["z/b", "z/a", "y"] {
        symlink("x", path.join(name)).unwrap();
    }
    assert!(refusal(&[path.join("z"), path.join("y")]).contains("/y is a symbolic link"));
    assert!(refusal(&[path.join("z")]).contains("/z/a is a symbolic link"));
}

#[test]
fn reserved_names_are_refused_only_at_the_top_level() {
    for name in ["checksums.txt", "Checksums.TXT", "attestation/x", "ATTESTATION", "-"] {
        let (_top, path) = tree(&[name]);
        assert!(refusal(&[path]).contains("leave it out with `--exclude /"), "{name}");
    }
    let (_top, path) = tree(&["d/checksums.txt", "d/attestation/x", "d/-", "-/x"]);
    assert_eq!(with(&[path], &[], Options::default()).unwrap().files.len(), 4);
}

#[test]
fn two_inputs_with_one_path_are_both_named() {
    let (_top, path) = tree(&["x/a", "y/a", "z/a/b"]);
    let message = refusal(&[path.join("x"), path.join("y/a")]);
    assert!(message.contains(&format!("`a` comes from two inputs: {path}/x/a and {path}/y/a")), "{message}");
    let message = refusal(&[path.join("x"), path.join("x")]);
    assert!(message.contains("`a` comes from two inputs"), "{message}");
    let message = refusal(&[path.join("z"), path.join("x")]);
    assert!(message.contains(&format!("{path}/x/a and {path}/z/a")), "{message}");
}

#[test]
fn colliding_names_are_refused_unless_allowed() {
    let (_top, path) = tree(&["Docs/a", "docs/b"]);
    assert!(refusal(std::slice::from_ref(&path)).contains("--allow-name-collisions"));
    let allowing = Options { allow_name_collisions: true, ..Options::default() };
    assert_eq!(with(&[path], &[], allowing).unwrap().files.len(), 2);
    // The flag does not allow a file and a directory with the same name.
    let (_top, path) = tree(&["x/a", "z/a/b"]);
    assert!(with(&[path.join("x"), path.join("z")], &[], allowing).is_err());
}

#[test]
fn each_kind_of_problem_is_one_warning() {
    let (_top, path) = tree(&["CON", "a:b", "gro\u{308}ße", "big", "void/", "v2/w/", "ok"]);
    std::fs::File::options().write(true).open(path.join("big")).unwrap().set_len(FAT_LIMIT).unwrap();
    let collected = with(std::slice::from_ref(&path), &[], Options::default()).unwrap();
    let expected = [
        format!("names that Windows does not allow: {path}/CON and 1 more"),
        format!(
            "names that are not in Unicode normal form C, and change on some systems: {path}/gro\u{308}ße"
        ),
        format!("files of 4 GiB or more, which FAT cannot store: {path}/big"),
    ];
    assert_eq!(collected.warnings[..3], expected);
    assert!(collected.warnings[3].starts_with("empty directories, which a bundle does not keep: "));
    assert!(collected.warnings[3].ends_with(" and 1 more"));
}

#[test]
fn in_place_the_files_of_an_earlier_run_are_not_payload() {
    let in_place = Options { in_place: true, ..Options::default() };
    let (_top, path) = tree(&[
        "a",
        "checksums.txt",
        "attestation/checksums.txt.sigstore.json",
        "attestation/.aicr-staging/x",
    ]);
    let collected = with(std::slice::from_ref(&path), &[], in_place).unwrap();
    assert_eq!(names(&collected), ["a"]);
    assert!(collected.has_manifest);
    std::fs::write(path.join("attestation/other"), "").unwrap();
    let failure = with(std::slice::from_ref(&path), &[], in_place).unwrap_err();
    assert!(failure.message().contains("attestation/other has a name that is reserved"));
    std::fs::remove_file(path.join("attestation/other")).unwrap();
    let failure = with(std::slice::from_ref(&path), &["a"], in_place).unwrap_err();
    assert!(failure.message().contains("but --in-place keeps it there"), "{}", failure.message());
    std::fs::remove_file(path.join("checksums.txt")).unwrap();
    symlink("a", path.join("checksums.txt")).unwrap();
    assert!(with(std::slice::from_ref(&path), &[], in_place).is_err());
    assert!(with(&[path.join("a")], &[], in_place).unwrap_err().message().contains("`--in-place` needs one"));
}

#[test]
fn more_files_can_be_named_than_a_process_may_open() {
    let many: Vec<String> = (0..3000).map(|number| format!("f{number}")).collect();
    let (_top, path) = tree(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let inputs: Vec<_> = many.iter().map(|name| path.join(name)).collect();
    let collected = with(&inputs, &[], Options::default()).unwrap();
    assert_eq!((collected.files.len(), collected.roots.len()), (3000, 1));
}
