//! Trees with links and special files: links are not followed, and opening does not block.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

/// A tree with every kind of entry.
fn tree_of_all_kinds() -> (tempfile::TempDir, Utf8PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(top.path().to_owned()).unwrap();
    std::fs::create_dir_all(path.join("d/e")).unwrap();
    std::fs::write(path.join("d/e/f"), "content").unwrap();
    std::fs::write(path.join("g"), "").unwrap();
    symlink("g", path.join("link")).unwrap();
    symlink("d", path.join("dirlink")).unwrap();
    symlink("nowhere", path.join("dangling")).unwrap();
    symlink("/etc", path.join("d/out")).unwrap();
    rustix::fs::mknodat(CWD, path.join("fifo").as_str(), FileType::Fifo, Mode::RUSR, 0).unwrap();
    drop(UnixListener::bind(path.join("socket")).unwrap());
    (top, path)
}

/// The directory opened to use `openat2`, and opened to resolve paths one component after the other.
fn both(path: &Utf8Path) -> [RootedDir; 2] {
    let with = RootedDir::open(path).unwrap();
    let mut without = RootedDir::open(path).unwrap();
    without.has_openat2 = false;
    [with, without]
}

#[test]
fn only_regular_files_are_opened() {
    let (_top, path) = tree_of_all_kinds();
    for directory in both(&path) {
        let outcome = |path: &str| match directory.file(path.as_bytes()) {
            Ok(opened) => format!("{} bytes", opened.size()),
            Err(error) => error.to_string(),
        };
        for (path, expected) in [
            ("d/e/f", "7 bytes"),
            ("g", "0 bytes"),
            ("link", "is a symbolic link"),
            ("dangling", "is a symbolic link"),
            ("dirlink/e/f", "is a symbolic link"),
            ("d/out/passwd", "is a symbolic link"),
            ("fifo", "is a FIFO"),
            ("socket", "is a socket"),
            ("d", "is a directory"),
            ("none", "does not exist"),
            ("d/none/x", "does not exist"),
            ("g/x", "does not exist"),
        ] {
            assert_eq!(outcome(path), expected, "{path}");
        }
        for path in ["..", "../x", "d/../g", "/etc/passwd", "", "d//e"] {
            if directory.has_openat2 && path.starts_with('d') {
                continue;
            }
            assert!(directory.file(path.as_bytes()).is_err(), "{path}");
        }
    }
}

#[test]
fn a_device_is_never_read() {
    for directory in both(Utf8Path::new("/dev")) {
        assert!(matches!(directory.file(b"zero"), Err(OpenError::NotRegular(FileKind::Device))));
        assert!(directory.read_small(b"zero", 10).is_err());
    }
}

#[test]
fn small_files_have_a_limit() {
    let (_top, path) = tree_of_all_kinds();
    for directory in both(&path) {
        assert_eq!(directory.read_small(b"d/e/f", 7).unwrap(), b"content");
        let error = directory.read_small(b"d/e/f", 6).unwrap_err();
        assert_eq!(error.to_string(), "is larger than 6 bytes");
        assert_eq!(directory.read_small(b"fifo", 6).unwrap_err().to_string(), "is a FIFO");
    }
    // The reported size of a file in /proc is 0, and reading it gives more.
    let endless = RootedDir::open(Utf8Path::new("/proc/self")).unwrap();
    assert!(matches!(endless.read_small(b"status", 10), Err(SmallError::TooLarge(10))));
}

#[test]
fn directories_are_listed_and_links_are_not_followed() {
    let (_top, path) = tree_of_all_kinds();
    for directory in both(&path) {
        let mut seen = Vec::new();
        let mut buffer = DirectoryBuffer::new();
        let each = |_: BorrowedFd<'_>, name: &[u8], kind| {
            seen.push((show(name), kind));
            ControlFlow::Continue(())
        };
        directory.entries(b"", &mut buffer, each).unwrap();
        seen.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let expected = [
            ("d", FileKind::Directory),
            ("dangling", FileKind::Link),
            ("dirlink", FileKind::Link),
            ("fifo", FileKind::Fifo),
            ("g", FileKind::File),
            ("link", FileKind::Link),
            ("socket", FileKind::Socket),
        ];
        assert_eq!(seen, expected.map(|(name, kind)| (name.to_owned(), kind)));
        for path in ["dirlink", "d/out", "g", "fifo", "none"] {
            let each = |_: BorrowedFd<'_>, _: &[u8], _| ControlFlow::Break(());
            assert!(directory.entries(path.as_bytes(), &mut buffer, each).is_err(), "{path}");
            assert!(directory.directory(path.as_bytes()).is_err(), "{path}");
        }
        assert!(directory.directory(b"d/e").unwrap().file(b"f").is_ok());
        assert_eq!(FileKind::of(&directory.stat(b"d/out").unwrap()), FileKind::Link);
    }
}

#[test]
fn the_opened_path_may_be_a_link_but_not_a_file() {
    let (_top, path) = tree_of_all_kinds();
    assert!(RootedDir::open(&path.join("dirlink")).unwrap().file(b"e/f").is_ok());
    for (name, words) in
        [("g", "g is not a directory"), ("none", "/none does not exist"), ("fifo", "is not a directory")]
    {
        let failure = RootedDir::open(&path.join(name)).unwrap_err();
        assert!(failure.message().contains(words), "{}", failure.message());
        assert_eq!(failure.class().code(), 2);
    }
    let shown = RootedDir::of(RootedDir::open(&path).unwrap().directory, Utf8Path::new("out/")).show(b"a\n");
    assert_eq!(shown, "out/a\\u{a}");
}
