//! The directory for temporary files. It must be trusted: no other user can replace the files that
//! aicr creates there. Every component that the kernel walks is checked, also for `..` and links.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use anyhow::Context;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Failure, Result};
use crate::printable::show;

/// The number of links that aicr follows in a path, as the kernel does.
const MOST_LINKS: usize = 40;

/// A directory in which only root and this user can replace the files of this user.
#[derive(Debug)]
pub(crate) struct TemporaryPlace {
    path: Utf8PathBuf,
    directory: OwnedFd,
    trust: Trust,
}

impl TemporaryPlace {
    /// Opens the directory at `path`. `Class::Usage` if another user can replace files in it.
    pub(crate) fn open(path: &Utf8Path) -> Result<Self> {
        let unusable = |error: anyhow::Error| {
            Failure::from(error.context(format!("use {} for temporary files", show(path.as_str()))))
                .hint("set TMPDIR to a writable directory")
        };
        let absolute = camino::absolute_utf8(path).map_err(|error| unusable(error.into()))?;
        let trust = Trust::of_this_process().map_err(unusable)?;
        let resolved = resolve(&absolute, &trust).map_err(unusable)?.map_err(|why| untrusted(path, &why))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, resolved.as_std_path(), flags, Mode::empty());
        Ok(Self { directory: directory.map_err(|errno| unusable(errno.into()))?, path: resolved, trust })
    }

    /// Refuses the directory that was just created at `path` in it if it belongs to another user,
    /// as on a network file system that maps users.
    pub(crate) fn refuse_foreign(&self, path: &Utf8Path, made: &Metadata) -> Result<()> {
        let distrust = self.trust.lacks(&Component::of(made));
        distrust.map_or(Ok(()), |why| Err(untrusted(&self.path, &why.of(path))))
    }

    /// Its absolute path, without links.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl AsFd for TemporaryPlace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// The refusal of a directory.
fn untrusted(place: &Utf8Path, why: &str) -> Failure {
    Failure::usage(format!("temporary files cannot be kept in {}: {why}", show(place.as_str())))
        .hint("use a directory of your own: export TMPDIR=\"$(mktemp -d ~/tmp.XXXXXX)\"")
}

/// Walks an absolute path as the kernel does. Returns the path without links, or why it is not
/// trusted.
fn resolve(path: &Utf8Path, trust: &Trust) -> anyhow::Result<Result<Utf8PathBuf, String>> {
    let mut to_walk: VecDeque<String> = components(path);
    // Every directory in it is trusted.
    let mut walked = Utf8PathBuf::new();
    let mut links = 0;
    while let Some(name) = to_walk.pop_front() {
        if name == ".." {
            // The parent of `/` is `/`.
            walked.pop();
            continue;
        }
        let at = walked.join(name);
        let metadata = at.symlink_metadata()?;
        if let Some(why) = trust.lacks(&Component::of(&metadata)) {
            return Ok(Err(why.of(&at)));
        }
        if !metadata.is_symlink() {
            walked = at;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = at.read_link_utf8().context("follow a link to a name that is not UTF-8")?;
        let mut target = components(&target);
        target.append(&mut to_walk);
        to_walk = target;
    }
    Ok(Ok(walked))
}

/// The components to walk. The first one of an absolute path is `/`.
fn components(path: &Utf8Path) -> VecDeque<String> {
    let walked = path.components().filter(|component| *component != Utf8Component::CurDir);
    walked.map(|component| component.as_str().to_owned()).collect()
}

/// The users who may own a component, and the groups that may write to it.
#[derive(Debug)]
struct Trust {
    owners: [u32; 3],
    groups: [u32; 2],
}

/// The metadata that shows whether other users can replace files below a component.
#[derive(Clone, Copy, Debug)]
struct Component {
    owner: u32,
    group: u32,
    mode: u32,
    is_link: bool,
}

/// Why a component is not trusted.
#[derive(Debug, PartialEq, Eq)]
enum Distrust {
    OfAnotherUser(u32),
    EveryoneWrites,
    GroupWrites(u32),
}

impl Component {
    fn of(metadata: &Metadata) -> Self {
        Self {
            owner: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode(),
            is_link: metadata.is_symlink(),
        }
    }
}

impl Trust {
    /// Root and this user; and the owner of `/`, because in a user namespace root's files belong
    /// to the overflow user.
    fn of_this_process() -> anyhow::Result<Self> {
        let user = rustix::process::geteuid().as_raw();
        let top = std::fs::metadata("/")?.uid();
        Ok(Self { owners: [0, user, top], groups: [0, rustix::process::getegid().as_raw()] })
    }

    /// Why this component is not trusted, if it is not.
    fn lacks(&self, component: &Component) -> Option<Distrust> {
        let Component { owner, group, mode, is_link } = *component;
        let writes = |class: u32| mode & class != 0;
        if !self.owners.contains(&owner) {
            Some(Distrust::OfAnotherUser(owner))
        } else if is_link || mode & 0o1000 != 0 {
            // The mode of a link has no meaning. In a sticky directory, only the owner of a file
            // can rename it.
            None
        } else if writes(0o002) {
            Some(Distrust::EveryoneWrites)
        } else {
            (writes(0o020) && !self.groups.contains(&group)).then_some(Distrust::GroupWrites(group))
        }
    }
}

impl Distrust {
    fn of(&self, path: &Utf8Path) -> String {
        let path = show(path.as_str());
        match self {
            Self::OfAnotherUser(user) => format!("{path} belongs to another user (uid {user})"),
            Self::EveryoneWrites => format!("every user can write to {path}"),
            Self::GroupWrites(group) => format!("other users can write to {path} (group {group})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::error::Class;

    #[test]
    fn no_other_user_can_replace_files_below_a_trusted_component() {
        use Distrust::{EveryoneWrites, GroupWrites, OfAnotherUser};
        let trust = Trust { owners: [0, 1000, 65534], groups: [0, 100] };
        let directory = |owner, group, mode| Component { owner, group, mode, is_link: false };
        let link = |owner| Component { owner, group: 7, mode: 0o120_777, is_link: true };
        for (component, expected) in [
            (directory(0, 0, 0o40755), None),
            (directory(1000, 7, 0o40700), None),
            (directory(65534, 7, 0o40755), None),
            (directory(1000, 7, 0o40750), None),
            (directory(1000, 100, 0o40775), None),
            (directory(1000, 0, 0o40770), None),
            (directory(0, 0, 0o41777), None),
            (directory(0, 7, 0o41770), None),
            (directory(1000, 7, 0o40770), Some(GroupWrites(7))),
            (directory(0, 7, 0o42775), Some(GroupWrites(7))),
            (directory(1000, 100, 0o40777), Some(EveryoneWrites)),
            (directory(0, 7, 0o40777), Some(EveryoneWrites)),
            (directory(0, 0, 0o40702), Some(EveryoneWrites)),
            (directory(1001, 0, 0o40700), Some(OfAnotherUser(1001))),
            (directory(1001, 0, 0o41777), Some(OfAnotherUser(1001))),
            (link(0), None),
            (link(1000), None),
            (link(1001), Some(OfAnotherUser(1001))),
        ] {
            assert_eq!(trust.lacks(&component), expected, "{component:?}");
        }
    }

    /// A directory with `own`, `sticky` and `shared`, to which every user can write, and links to
    /// them.
    fn places() -> (tempfile::TempDir, Utf8PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::try_from(top.path().canonicalize().unwrap()).unwrap();
        for (name, mode) in [("own", 0o700), ("sticky", 0o1777), ("shared", 0o777)] {
            std::fs::create_dir_all(path.join(name).join("below")).unwrap();
            std::fs::set_permissions(path.join(name), Permissions::from_mode(mode)).unwrap();
        }
        for (link, target) in [
            ("to-own", "own/below"),
            ("to-shared", "shared/below"),
            ("through-shared", "shared/below/../../own"),
            ("shared/link", "../own"),
            ("to-a-link", "to-own/.."),
            ("itself", "itself"),
        ] {
            symlink(target, path.join(link)).unwrap();
        }
        symlink(path.join("sticky"), path.join("absolute")).unwrap();
        (top, path)
    }

    #[test]
    fn every_component_is_checked() {
        let (_top, path) = places();
        for (place, resolved) in [
            ("own", "own"),
            ("own/below", "own/below"),
            ("./own//below/.", "own/below"),
            ("own/below/../below", "own/below"),
            ("sticky/below", "sticky/below"),
            ("to-own", "own/below"),
            ("to-a-link", "own"),
            ("absolute/below", "sticky/below"),
        ] {
            let place = TemporaryPlace::open(&path.join(place)).unwrap();
            assert_eq!(place.path(), path.join(resolved));
        }
        for place in ["shared", "shared/below", "shared/../own", "shared/link", "to-shared", "through-shared"]
        {
            let place = path.join(place);
            let failure = TemporaryPlace::open(&place).unwrap_err();
            assert_eq!(
                (failure.class(), failure.message()),
                (
                    Class::Usage,
                    format!(
                        "temporary files cannot be kept in {place}: every user can write to {path}/shared"
                    )
                    .as_str()
                )
            );
        }
        // The same holds for a directory that was created in one.
        let place = TemporaryPlace::open(&path.join("own")).unwrap();
        let metadata = |name: &str| path.join(name).metadata().unwrap();
        place.refuse_foreign(&path, &metadata("own/below")).unwrap();
        assert_eq!(
            place.refuse_foreign(&path, &metadata("shared")).unwrap_err().message(),
            format!("temporary files cannot be kept in {path}/own: every user can write to {path}")
        );
        let dots = format!("{}/..", "/..".repeat(3));
        assert_eq!(TemporaryPlace::open(Utf8Path::new(&dots)).unwrap().path(), "/");
    }

    #[test]
    fn a_path_that_is_not_a_directory_is_an_error() {
        let (_top, path) = places();
        std::fs::write(path.join("file"), "").unwrap();
        for (place, why) in [
            ("nowhere", "no such file or directory"),
            ("itself", "too many levels of symbolic links"),
            ("file", "not a directory"),
            ("file/below", "not a directory"),
        ] {
            let place = path.join(place);
            let failure = TemporaryPlace::open(&place).unwrap_err();
            assert_eq!(
                (failure.class(), failure.message()),
                (Class::Broken, format!("cannot use {place} for temporary files: {why}").as_str())
            );
        }
    }
}
