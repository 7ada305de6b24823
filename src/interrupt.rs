//! SIGINT, SIGTERM and SIGHUP: noted when they come, acted on at the next check, so that children
//! are ended and temporaries removed before the signal is raised again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Class, Failure, Result};

/// Whether the process has been asked to stop, and by which signal; or its work has become useless.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    signal: Arc<AtomicUsize>,
    given_up: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to note the three signals. One that is ignored stays so: `nohup` and the `&` of a script
    /// mean that.
    pub(crate) fn install() -> io::Result<Self> {
        let noted = Arc::new(AtomicUsize::new(0));
        let ignored = ignored();
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0)
        {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&noted), number)?;
        }
        Ok(Self { signal: noted, given_up: Arc::default() })
    }

    /// The same for a part of the work that may be given up alone.
    pub(crate) fn of_a_part(&self) -> Self {
        Self { signal: Arc::clone(&self.signal), given_up: Arc::default() }
    }

    /// Gives this part up: whoever does it fails, with words that nobody is to read.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Fails once a signal has come. Long work calls this between its pieces.
    pub(crate) fn check(&self) -> Result<()> {
        match i32::try_from(self.signal.load(Ordering::Relaxed)) {
            Ok(0) | Err(_) if self.given_up.load(Ordering::Relaxed) => Err(Failure::usage("given up")),
            Ok(0) | Err(_) => Ok(()),
            Ok(signal) => Err(Failure::new(Class::Signal(signal), "interrupted")),
        }
    }
}

/// The signals that this process was started to ignore, a bit each, the first signal lowest.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
