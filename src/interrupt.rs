//! SIGINT, SIGTERM and SIGHUP: the handler stores the signal, and the program acts on it at its
//! next check. So it ends child processes and removes temporary files before it raises the signal
//! again. SIGXFSZ, for a file that is too large, does nothing: the write fails.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use crate::error::{Class, Failure, Result};

/// How often a wait for input checks whether a signal has come.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Whether a signal has asked the process to stop, or the result of the work is no longer needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    signal: Arc<AtomicUsize>,
    given_up: Arc<AtomicBool>,
}

impl Interrupt {
    /// Installs the handlers. Of the three signals, one that is ignored stays ignored, as `nohup`
    /// and the `&` of a script require.
    pub(crate) fn install() -> io::Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        let ignored = ignored();
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0)
        {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&received), number)?;
        }
        // A write beyond `ulimit -f` is an error then, and what was written before is removed.
        signal_hook::flag::register(SIGXFSZ, Arc::default())?;
        if ignored >> (SIGCHLD - 1) & 1 == 1 {
            // The end of a child that is ignored could not be waited for.
            signal_hook::flag::register(SIGCHLD, Arc::default())?;
        }
        Ok(Self { signal: received, given_up: Arc::default() })
    }

    /// The same signals, for a part of the work that can be given up by itself.
    pub(crate) fn of_a_part(&self) -> Self {
        Self { signal: Arc::clone(&self.signal), given_up: Arc::default() }
    }

    /// Gives this part up: its next [`check`](Self::check) fails, with a message that is not
    /// printed.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Fails after a signal. Long work calls this between its pieces.
    pub(crate) fn check(&self) -> Result<()> {
        match i32::try_from(self.signal.load(Ordering::Relaxed)) {
            Ok(0) | Err(_) if self.given_up.load(Ordering::Relaxed) => Err(Failure::usage("given up")),
            Ok(0) | Err(_) => Ok(()),
            Ok(signal) => Err(Failure::new(Class::Signal(signal), "interrupted")),
        }
    }

    /// Waits until `input` can be read, or has ended. Fails after a signal.
    pub(crate) fn wait_for_input(&self, input: impl AsFd) -> Result<()> {
        loop {
            self.check()?;
            match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&TICK)) {
                Ok(1..) => return Ok(()),
                // A signal ends the wait early, and the check above sees it.
                Ok(0) | Err(Errno::INTR) => {}
                Err(errno) => return Err(anyhow::Error::from(errno).context("wait for input").into()),
            }
        }
    }
}

/// The signals that this process ignored when it was started: one bit for each, signal 1 in the
/// lowest bit.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
