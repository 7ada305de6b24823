//! Modes and times of what aicr creates. Some media keep neither (FAT, NTFS, 9p, SMB, many FUSE file
//! systems), and a bundle is written there all the same.

use std::os::fd::AsFd;

use rustix::fs::{Mode, RawMode, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::{Errno, Result};

/// Set-group-ID. A directory inherits it, so that everything below belongs to the same group.
const SET_GID: RawMode = 0o2000;

/// Gives an open file or directory, which `stat` describes, this mode, but keeps an inherited
/// set-group-ID bit. Returns whether it has the mode now: a medium may keep no modes, and what belongs to
/// another user is left alone.
pub(super) fn set_mode(file: impl AsFd, stat: &Stat, mode: Mode) -> Result<bool> {
    let wanted = mode.bits() | stat.st_mode & SET_GID;
    if stat.st_mode & 0o7777 == wanted {
        return Ok(true);
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Ok(false);
    }
    is_kept(rustix::fs::fchmod(file, Mode::from_raw_mode(wanted)))
}

/// Gives a new file or directory this mode.
pub(super) fn set_mode_of_new(file: impl AsFd, mode: Mode) -> Result<bool> {
    let stat = rustix::fs::fstat(&file)?;
    set_mode(file, &stat, mode)
}

/// Removes the set-group-ID bit that a directory has inherited, and returns whether it had that. A bundle has
/// the same modes everywhere.
pub(super) fn clear_set_gid(directory: impl AsFd) -> Result<bool> {
    let mode = rustix::fs::fstat(&directory)?.st_mode;
    let has_it = mode & SET_GID != 0;
    if has_it {
        is_kept(rustix::fs::fchmod(directory, Mode::from_raw_mode(mode & 0o7777 & !SET_GID)))?;
    }
    Ok(has_it)
}

/// Gives a file the modification time in `stat`. Returns whether the medium keeps it.
pub(super) fn set_modified(file: impl AsFd, stat: &Stat) -> Result<bool> {
    let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let last_modification = Timespec {
        tv_sec: stat.st_mtime,
        // Less than 1,000,000,000 in every inode.
        tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or_default(),
    };
    is_kept(rustix::fs::futimens(file, &Timestamps { last_access, last_modification }))
}

/// Whether a call succeeded, if an error does not just mean that the medium cannot do that.
fn is_kept(outcome: Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::NOTSUP | Errno::INVAL) => Ok(false),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_what_a_medium_cannot_keep_is_no_error() {
        for (outcome, expected) in [
            (Ok(()), Ok(true)),
            (Err(Errno::PERM), Ok(false)),
            (Err(Errno::OPNOTSUPP), Ok(false)),
            (Err(Errno::INVAL), Ok(false)),
            (Err(Errno::IO), Err(Errno::IO)),
            (Err(Errno::ROFS), Err(Errno::ROFS)),
            (Err(Errno::NOSPC), Err(Errno::NOSPC)),
        ] {
            assert_eq!(is_kept(outcome), expected);
        }
    }

    #[test]
    fn an_inherited_group_bit_stays_until_it_is_cleared() {
        let top = tempfile::tempdir().unwrap();
        let directory = std::fs::File::open(top.path()).unwrap();
        let mode = || directory.metadata().unwrap().permissions().mode() & 0o7777;
        for (before, after) in [(0o700, 0o755), (0o2700, 0o2755), (0o755, 0o755)] {
            directory.set_permissions(std::fs::Permissions::from_mode(before)).unwrap();
            assert_eq!(set_mode_of_new(&directory, Mode::from_raw_mode(0o755)), Ok(true));
            assert_eq!(mode(), after);
            assert_eq!(clear_set_gid(&directory), Ok(after & SET_GID != 0));
            assert_eq!(mode(), 0o755);
        }
    }
}
