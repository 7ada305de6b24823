//! SIGINT, SIGTERM and SIGHUP: noted when they come, acted on at the next check, so that children
//! are ended and temporaries removed before the signal is raised again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Class, Failure, Result};

/// Whether the process has been asked to stop, and by which signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Starts to note the three signals.
    pub(crate) fn install() -> io::Result<Self> {
        let noted = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&noted), number)?;
        }
        Ok(Self(noted))
    }

    /// Fails once a signal has come. Long work calls this between its pieces.
    pub(crate) fn check(&self) -> Result<()> {
        match i32::try_from(self.0.load(Ordering::Relaxed)) {
            Ok(0) | Err(_) => Ok(()),
            Ok(signal) => Err(Failure::new(Class::Signal(signal), "interrupted")),
        }
    }
}
