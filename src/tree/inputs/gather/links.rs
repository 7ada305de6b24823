//! `--links follow`: what a symbolic link in an INPUT leads to. Every step of the way must lie in the same INPUT. No
//! link is followed by the system: each is read, and its text is resolved here.

use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::Stat;
use rustix::io::Errno;

use super::super::super::rooted_dir::{FileKind, RootedDir};

/// How many links are followed to get to one file; the limit of Linux.
const MAX_STEPS: usize = 40;

/// What a link leads to.
#[derive(Debug)]
pub(super) struct Destination {
    /// Its path in the INPUT, without links; empty for the INPUT itself.
    pub(super) path: Vec<u8>,
    pub(super) kind: FileKind,
    pub(super) stat: Stat,
}

/// Why a link is not followed; `target` is its text.
#[derive(Debug)]
pub(super) enum LinkError {
    Missing,
    Outside,
    Circle,
    NotPayload(FileKind),
    System(std::io::Error),
}

impl From<Errno> for LinkError {
    fn from(errno: Errno) -> Self {
        Self::System(errno.into())
    }
}

/// What the link at `link`, a path without links but the last, leads to. `entered` are the links through which its
/// directory was entered.
pub(super) fn follow(root: &RootedDir, link: &[u8], entered: &[Vec<u8>]) -> Result<Destination, LinkError> {
    let (directory, name) = parent_and_name(link);
    let mut done: Vec<Vec<u8>> = components(directory).map(<[u8]>::to_vec).collect();
    // The next component is the last.
    let mut rest = vec![name.to_vec()];
    let mut steps = 0;
    let mut kind = FileKind::Directory;
    while let Some(component) = rest.pop() {
        if kind != FileKind::Directory {
            return Err(LinkError::Missing);
        }
        if component == b".." {
            done.pop().ok_or(LinkError::Outside)?;
            continue;
        }
        done.push(component);
        let path = done.join(&b'/');
        let stat = root.stat(&path).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => LinkError::Missing,
            _ => LinkError::System(error),
        })?;
        let found = FileKind::of(&stat);
        if found != FileKind::Link {
            kind = found;
            continue;
        }
        steps += 1;
        if steps > MAX_STEPS {
            return Err(LinkError::Circle);
        }
        done.pop();
        let target = target(root, &path)?;
        let target = if target.starts_with(b"/") {
            done.clear();
            below(root, &target).ok_or(LinkError::Outside)?
        } else {
            &target[..]
        };
        rest.extend(components(target).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter().rev());
    }
    let path = done.join(&b'/');
    let stat = root.stat(&path).map_err(LinkError::System)?;
    let kind = FileKind::of(&stat);
    let mut links = [link].into_iter().chain(entered.iter().map(Vec::as_slice));
    match kind {
        FileKind::Directory if links.any(|link| is_below(link, &path)) => Err(LinkError::Circle),
        FileKind::Directory | FileKind::File => Ok(Destination { path, kind, stat }),
        kind => Err(LinkError::NotPayload(kind)),
    }
}

/// The text of a link.
pub(super) fn target(root: &RootedDir, link: &[u8]) -> Result<Vec<u8>, LinkError> {
    let (directory, name) = parent_and_name(link);
    let directory = root.directory(directory).map_err(LinkError::System)?;
    Ok(rustix::fs::readlinkat(&directory, name, Vec::new())?.into_bytes())
}

/// The part of an absolute path that is in the INPUT.
fn below<'t>(root: &RootedDir, target: &'t [u8]) -> Option<&'t [u8]> {
    let top = root.path().as_std_path().canonicalize().ok()?;
    let rest = target.strip_prefix(top.as_os_str().as_bytes())?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !matches!(*component, b"" | b"."))
}

fn parent_and_name(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Whether `path` is in `directory`, which is empty for the INPUT.
fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use camino::Utf8Path;

    use super::*;

    #[test]
    fn what_a_link_leads_to() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap().join("in");
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/f"), "").unwrap();
        fs::write(path.parent().unwrap().join("out"), "").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path.join("p").as_std_path(), rustix::fs::Mode::RUSR).unwrap();
        let absolute = path.join("a/b/f");
        let outside = path.parent().unwrap().join("out");
        // Its path begins like that of the INPUT.
        let sibling = format!("{path}side/f");
        for (link, target) in [
            ("file", "a/b/f"),
            ("a/b/up", "../../file"),
            ("chain", "a/b/up"),
            ("dir", "a/b"),
            ("through", "dir/../b/f"),
            ("dots", "./a/./b//f"),
            ("absolute", absolute.as_str()),
            ("outside", outside.as_str()),
            ("sibling", sibling.as_str()),
            ("above", "../out"),
            ("and-back", "../in/a"),
            ("dangling", "none"),
            ("no-directory", "a/b/f/x"),
            ("loop", "loop"),
            ("one", "two"),
            ("two", "one"),
            ("fifo", "p"),
            ("top", "."),
            ("a/b/parent", ".."),
            ("a/other", "b"),
        ] {
            symlink(target, path.join(link)).unwrap();
        }
        let root = RootedDir::open(&path).unwrap();
        let found = |link: &str, entered: &[Vec<u8>]| {
            follow(&root, link.as_bytes(), entered)
                .map(|found| String::from_utf8(found.path).unwrap())
                .map_err(|error| format!("{error:?}"))
        };
        for (link, expected) in [
            ("file", Ok("a/b/f")),
            ("a/b/up", Ok("a/b/f")),
            ("chain", Ok("a/b/f")),
            ("dir", Ok("a/b")),
            ("through", Ok("a/b/f")),
            ("dots", Ok("a/b/f")),
            ("absolute", Ok("a/b/f")),
            ("a/other", Ok("a/b")),
            ("outside", Err("Outside")),
            ("sibling", Err("Outside")),
            ("above", Err("Outside")),
            // The way leads out of the INPUT.
            ("and-back", Err("Outside")),
            ("dangling", Err("Missing")),
            ("no-directory", Err("Missing")),
            ("loop", Err("Circle")),
            ("one", Err("Circle")),
            ("fifo", Err("NotPayload(Fifo)")),
            ("top", Err("Circle")),
            ("a/b/parent", Err("Circle")),
        ] {
            assert_eq!(
                found(link, &[]),
                expected.map(ToOwned::to_owned).map_err(ToOwned::to_owned),
                "{link}"
            );
        }
        // The directory of this link was entered through a link in the directory that it leads to.
        assert_eq!(found("dir", &[b"a/b/x".to_vec()]), Err("Circle".to_owned()));
        assert_eq!(found("dir", &[b"a/c/x".to_vec()]), Ok("a/b".to_owned()));
    }
}
