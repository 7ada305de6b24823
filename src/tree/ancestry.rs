//! Whether one path is inside another. Inodes are compared, not spellings, because links, `..` and bind
//! mounts give one directory several names.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use camino::Utf8Path;

/// Whether `path` is `directory`, or is inside it. A path that does not exist yet is where its parent
/// directory is. If that does not exist either, or `directory` does not, the answer is no.
pub(crate) fn lies_in(path: &Utf8Path, directory: &Utf8Path) -> io::Result<bool> {
    let wanted = match std::fs::metadata(here(directory)) {
        Err(error) if is_absent(&error) => return Ok(false),
        metadata => inode(&metadata?),
    };
    let real = match here(path).canonicalize() {
        Err(error) if is_absent(&error) => match here(path.parent().unwrap_or(path)).canonicalize() {
            Err(error) if is_absent(&error) => return Ok(false),
            parent => parent?,
        },
        real => real?,
    };
    for ancestor in real.ancestors() {
        if inode(&std::fs::metadata(ancestor)?) == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first of `places` that is `path`, or that it is inside of. Where a place does not exist yet, the
/// paths are compared.
pub(crate) fn place_of<'a>(path: &Utf8Path, places: &[&'a Utf8Path]) -> io::Result<Option<&'a Utf8Path>> {
    for place in places {
        let is_inside = if place.exists() {
            lies_in(path, place)?
        } else {
            std::path::absolute(path)?.starts_with(std::path::absolute(place)?)
        };
        if is_inside {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The empty path, which is the parent of a name without a directory, is the working directory.
fn here(path: &Utf8Path) -> &Path {
    if path.as_str().is_empty() { Path::new(".") } else { path.as_std_path() }
}

fn inode(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_by_their_inodes() {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(top.path()).unwrap();
        std::fs::create_dir_all(path.join("a/b")).unwrap();
        std::fs::write(path.join("a/b/f"), "").unwrap();
        std::os::unix::fs::symlink("a/b", path.join("link")).unwrap();
        for (inner, outer, expected) in [
            ("a", "a", true),
            ("a/b", "a", true),
            ("a/b/f", "a", true),
            ("a", "a/b", false),
            ("link/f", "a", true),
            ("a/b", "link", true),
            ("a/new", "a", true),
            ("new", "a", false),
            ("a/b/../../new", "a", false),
            ("a/./b/", "a/../a", true),
            ("a", "none", false),
            ("none/new", "a", false),
            ("a/b/f/new", "link/f", true),
            ("a/b/f/new/er", "a", false),
        ] {
            assert_eq!(
                lies_in(&path.join(inner), &path.join(outer)).unwrap(),
                expected,
                "{inner} in {outer}"
            );
        }
        assert!(lies_in(Utf8Path::new("new"), Utf8Path::new("")).unwrap());
        assert!(lies_in(Utf8Path::new("."), Utf8Path::new("/")).unwrap());
    }
}
