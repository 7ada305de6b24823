//! The mark in a staging directory: which machine made it, since its last start. Two machines that share a
//! file system may not see each other's locks, so an unlocked directory of another one may still be in use.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};

use super::super::rooted_dir::{DirectoryBuffer, OpenError, RootedDir, SmallError};

/// Its file name.
pub(super) const MARK: &str = "staging-directory-of-aicr";

/// A run on another machine that has changed nothing for this long is not active any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// How often an active run writes its mark again.
const REFRESH: Duration = Duration::from_secs(60 * 60);

/// Larger than any mark, in bytes.
const LIMIT: u64 = 4096;

/// The mark of this run, which a thread keeps recent.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) stat: Stat,
    _stop: SyncSender<()>,
}

impl Mark {
    /// Marks a locked directory that has no content. If it has a mark already, that is replaced; with
    /// `first`, another run has been faster.
    pub(super) fn new(dir: &RootedDir, first: bool) -> io::Result<Self> {
        Self::refreshed(dir, first, REFRESH)
    }

    fn refreshed(dir: &RootedDir, first: bool, every: Duration) -> io::Result<Self> {
        let exclusive = if first { OFlags::EXCL } else { OFlags::TRUNC };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | exclusive;
        let file = File::from(rustix::fs::openat(dir, MARK, flags, Mode::RUSR | Mode::WUSR)?);
        let machine = machine();
        file.write_all_at(&machine, 0)?;
        let stat = rustix::fs::fstat(&file)?;
        let (stop, stopped) = sync_channel(0);
        // Without this thread, only a run of more than a day could be taken for an abandoned one.
        let _ = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                // Unlike `utimensat`, every medium can do that.
                let _ = file.write_all_at(&machine, 0);
            }
        });
        Ok(Self { stat, _stop: stop })
    }
}

/// What the mark of an unlocked staging directory shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is empty and has no mark, as a run leaves it that was killed at once.
    New,
    /// No run uses it.
    Abandoned,
    /// A run on another machine may use it, or it is from before a restart or from an older aicr.
    Unknown,
}

/// Looks at the mark of a directory whose lock this run has.
pub(super) fn state(dir: &RootedDir) -> io::Result<State> {
    let mark = match dir.read_small(MARK.as_bytes(), LIMIT) {
        Ok(mark) => Some(mark),
        Err(SmallError::Open(OpenError::System(error))) => return Err(error),
        Err(SmallError::Open(_) | SmallError::TooLarge(_)) => None,
    };
    let mut is_empty = true;
    let mut newest = changed(&rustix::fs::fstat(dir.as_fd())?);
    dir.entries(b"", &mut DirectoryBuffer::new(), |open, name, _| {
        is_empty &= name == MARK.as_bytes();
        if let Ok(stat) = rustix::fs::statat(open, name, AtFlags::SYMLINK_NOFOLLOW) {
            newest = newest.max(changed(&stat));
        }
        ControlFlow::Continue(())
    })?;
    let is_old = || SystemTime::now().duration_since(newest).is_ok_and(|age| age > ABANDONED);
    Ok(match mark {
        None if is_empty => State::New,
        // A run was killed while it wrote its mark.
        Some(mark) if mark.is_empty() && is_empty => State::Abandoned,
        Some(mark) if mark == machine() => State::Abandoned,
        _ if is_old() => State::Abandoned,
        _ => State::Unknown,
    })
}

fn changed(stat: &Stat) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(stat.st_mtime.try_into().unwrap_or_default())
}

/// Identifies this machine since its last start; without `/proc`, its name has to do.
fn machine() -> Vec<u8> {
    std::fs::read("/proc/sys/kernel/random/boot_id")
        .unwrap_or_else(|_| rustix::system::uname().nodename().to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn the_mark_decides_whether_a_directory_is_abandoned() {
        let own = machine();
        let day_old = ABANDONED + Duration::from_secs(60);
        let hour_old = Duration::from_secs(60 * 60);
        for (what, mark, content, age, expected) in [
            ("killed at once", None, false, Duration::ZERO, State::New),
            ("killed while it was marked", Some(&b""[..]), false, Duration::ZERO, State::Abandoned),
            ("this machine", Some(&own), true, Duration::ZERO, State::Abandoned),
            ("another machine", Some(b"other"), true, Duration::ZERO, State::Unknown),
            ("another machine, still empty", Some(b"other"), false, Duration::ZERO, State::Unknown),
            ("another machine, an hour ago", Some(b"other"), true, hour_old, State::Unknown),
            ("another machine, a day ago", Some(b"other"), true, day_old, State::Abandoned),
            ("an empty mark with content", Some(b""), true, Duration::ZERO, State::Unknown),
            ("no mark", None, true, Duration::ZERO, State::Unknown),
            ("no mark, a day ago", None, true, day_old, State::Abandoned),
        ] {
            let top = tempfile::tempdir().unwrap();
            let mut paths = vec![top.path().to_owned()];
            if let Some(mark) = mark {
                std::fs::write(top.path().join(MARK), mark).unwrap();
                paths.push(top.path().join(MARK));
            }
            if content {
                std::fs::create_dir(top.path().join("bundle")).unwrap();
                paths.push(top.path().join("bundle"));
            }
            for path in paths {
                File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
            }
            let dir = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
            assert_eq!(state(&dir).unwrap(), expected, "{what}");
        }
    }

    #[test]
    fn the_mark_of_a_long_run_is_kept_recent() {
        let top = tempfile::tempdir().unwrap();
        let dir = RootedDir::open(Utf8Path::from_path(top.path()).unwrap()).unwrap();
        let mark = Mark::refreshed(&dir, true, Duration::from_millis(1)).unwrap();
        let file = File::open(top.path().join(MARK)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        while file.metadata().unwrap().modified().unwrap() == SystemTime::UNIX_EPOCH {
            thread::yield_now();
        }
        assert_eq!(std::fs::read(top.path().join(MARK)).unwrap(), machine());
        assert!(Mark::new(&dir, true).is_err());
        drop(mark);
        Mark::new(&dir, false).unwrap();
    }
}
