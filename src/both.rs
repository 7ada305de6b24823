//! Two things at the same time.

use std::panic::resume_unwind;
use std::thread;

/// Runs both, `first` on a thread of its own; one after the other if the system has no thread left.
pub(crate) fn both<A: Send, B>(first: &(impl Fn() -> A + Sync), second: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, first) {
        Ok(first) => {
            let second = second();
            (first.join().unwrap_or_else(|panic| resume_unwind(panic)), second)
        }
        Err(_) => (first(), second()),
    })
}
