//! How far long work is: counted by the threads that do it, and shown by `report`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

/// Files and bytes that were read, and bytes that are expected.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    files: Arc<AtomicU64>,
}

impl Progress {
    /// Progress that moves this bar.
    pub(crate) fn new(bar: ProgressBar) -> Self {
        Self { bar, files: Arc::default() }
    }

    /// Progress without a bar.
    pub(crate) fn hidden() -> Self {
        Self::new(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()))
    }

    /// Whether the bar is not shown.
    pub(crate) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// More bytes are expected.
    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Bytes were read.
    pub(crate) fn read(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// A whole file was read.
    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// The files that were read.
    pub(crate) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// The bytes that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bar.position()
    }

    /// The bytes that are expected in all; 0 if that is not known.
    pub(crate) fn expected(&self) -> u64 {
        self.bar.length().unwrap_or_default()
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.bar.elapsed()
    }

    /// Removes the bar from the screen.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
