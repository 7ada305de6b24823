//! Trees in which something is not what it seems: nothing is followed, and nothing waited for.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

/// A tree with one of everything.
fn zoo() -> (tempfile::TempDir, Utf8PathBuf) {
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

/// The same tree through `openat2` and component by component.
fn both(path: &Utf8Path) -> [RootedDir; 2] {
    let with = RootedDir::open(path).unwrap();
    let mut without = RootedDir::open(path).unwrap();
    without.one_call = false;
    [with, without]
}

#[test]
fn only_regular_files_open_and_nothing_waits() {
    let (_top, path) = zoo();
    for beneath in both(&path) {
        let outcome = |path: &str| match beneath.file(path.as_bytes()) {
            Ok(opened) => format!("{} bytes", opened.size()),
            Err(error) => error.to_string(),
        };
        for (path, expected) in [
            ("d/e/f", "7 bytes"),
            ("g", "0 bytes"),
            ("link", "it is a symbolic link"),
            ("dangling", "it is a symbolic link"),
            ("dirlink/e/f", "it is a symbolic link"),
            ("d/out/passwd", "it is a symbolic link"),
            ("fifo", "it is a FIFO"),
            ("socket", "it is a socket"),
            ("d", "it is a directory"),
            ("none", "it does not exist"),
            ("d/none/x", "it does not exist"),
            ("g/x", "it does not exist"),
        ] {
            assert_eq!(outcome(path), expected, "{path}");
        }
        for path in ["..", "../x", "d/../g", "/etc/passwd", "", "d//e"] {
            if beneath.one_call && path.starts_with('d') {
                continue;
            }
            assert!(beneath.file(path.as_bytes()).is_err(), "{path}");
        }
    }
}

#[test]
fn a_device_is_never_read() {
    for beneath in both(Utf8Path::new("/dev")) {
        assert!(matches!(beneath.file(b"zero"), Err(OpenError::NotRegular(FileKind::Device))));
        assert!(beneath.read_small(b"zero", 10).is_err());
    }
}

#[test]
fn small_files_have_a_limit() {
    let (_top, path) = zoo();
    for beneath in both(&path) {
        assert_eq!(beneath.read_small(b"d/e/f", 7).unwrap(), b"content");
        let error = beneath.read_small(b"d/e/f", 6).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 6 bytes");
        assert_eq!(beneath.read_small(b"fifo", 6).unwrap_err().to_string(), "it is a FIFO");
    }
    // The kernel says that it is empty, and then gives more.
    let endless = RootedDir::open(Utf8Path::new("/proc/self")).unwrap();
    assert!(matches!(endless.read_small(b"status", 10), Err(SmallError::TooLarge(10))));
}

#[test]
fn directories_list_what_is_there_and_are_not_followed() {
    let (_top, path) = zoo();
    for beneath in both(&path) {
        let mut seen = Vec::new();
        let mut buffer = DirectoryBuffer::new();
        let each = |_: BorrowedFd<'_>, name: &[u8], kind| {
            seen.push((show(name), kind));
            ControlFlow::Continue(())
        };
        beneath.entries(b"", &mut buffer, each).unwrap();
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
            assert!(beneath.entries(path.as_bytes(), &mut buffer, each).is_err(), "{path}");
            assert!(beneath.directory(path.as_bytes()).is_err(), "{path}");
        }
        assert!(beneath.directory(b"d/e").unwrap().file(b"f").is_ok());
        assert_eq!(FileKind::of(&beneath.stat(b"d/out").unwrap()), FileKind::Link);
    }
}

#[test]
fn the_top_may_be_a_link_but_not_a_file() {
    let (_top, path) = zoo();
    assert!(RootedDir::open(&path.join("dirlink")).unwrap().file(b"e/f").is_ok());
    for (name, words) in
        [("g", "g is not a directory"), ("none", "there is no directory"), ("fifo", "is not a directory")]
    {
        let failure = RootedDir::open(&path.join(name)).unwrap_err();
        assert!(failure.message().contains(words), "{}", failure.message());
        assert_eq!(failure.class().code(), 2);
    }
    let shown = RootedDir::of(RootedDir::open(&path).unwrap().directory, Utf8Path::new("out/")).show(b"a\n");
    assert_eq!(shown, "out/a\\u{a}");
}
