//! Two or more things at the same time.

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

/// Runs `run` for each item, all at the same time. The results are in the order of the items.
pub(crate) fn each<T: Sync, A: Send>(items: &[T], run: &(impl Fn(&T) -> A + Sync)) -> Vec<A> {
    match items {
        [] => Vec::new(),
        [last] => vec![run(last)],
        [first, rest @ ..] => {
            let (first, mut results) = both(&|| run(first), || each(rest, run));
            results.insert(0, first);
            results
        }
    }
}
