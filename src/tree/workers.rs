//! Runs a function for each of many items on several threads. A thread takes the next number when it is
//! free, so there is no queue and no schedule.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Work;
use crate::error::{Failure, Result};

/// The work of one thread on one item.
pub(crate) struct Turn<'a> {
    /// The number of the item.
    pub(crate) index: usize,
    shared: &'a Shared<'a>,
}

struct Shared<'a> {
    work: &'a Work<'a>,
    order: Order,
    next: AtomicUsize,
    /// How many threads have work.
    busy: AtomicUsize,
    /// The item of `failure`.
    failed: AtomicUsize,
    failure: Mutex<Option<Failure>>,
}

impl Turn<'_> {
    /// Fails when the result for this item is no longer needed: after a signal, or the failure of another
    /// item.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.shared.work.interrupt.check()?;
        if self.shared.is_useless(self.index) {
            return Err(Failure::usage("another file failed"));
        }
        Ok(())
    }

    /// Whether a thread has nothing to do, so that its processor can help with this item.
    pub(crate) fn has_idle_thread(&self) -> bool {
        self.shared.busy.load(Ordering::Relaxed) < self.shared.work.jobs.get()
    }
}

impl Shared<'_> {
    /// Whether the result for an item is no longer needed.
    fn is_useless(&self, index: usize) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        match self.order {
            Order::InTurn => failed < index,
            Order::Spread => failed < usize::MAX,
        }
    }
}

/// Which item a thread takes next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// The item with the next number, so that a hard disk is read from one end to the other.
    InTurn,
    /// Each thread begins at its own item, because two threads that create files in one directory wait for
    /// each other.
    Spread,
}

impl Order {
    /// The number of the item that is taken as the `nth`, from zero on. It may be `count` or more.
    fn number(self, nth: usize, count: usize, threads: usize) -> usize {
        match self {
            Self::InTurn => nth,
            Self::Spread => nth % threads * count.div_ceil(threads) + nth / threads,
        }
    }
}

/// Calls `each` for all numbers below `count`, with one state for each thread, and returns the states. It
/// stops at the first failure. In turn, the returned failure is that of the item with the lowest number,
/// whatever the timing, because an item is given up only for the failure of a lower one.
pub(crate) fn each<S: Send>(
    work: &Work<'_>,
    count: usize,
    order: Order,
    state: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, &Turn<'_>) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    let threads = work.jobs.get().min(count).max(1);
    let shared = Shared {
        work,
        order,
        next: AtomicUsize::new(0),
        busy: AtomicUsize::new(threads),
        failed: AtomicUsize::new(usize::MAX),
        failure: Mutex::new(None),
    };
    let run = || {
        let mut state = state();
        loop {
            let nth = shared.next.fetch_add(1, Ordering::Relaxed);
            if nth >= count.next_multiple_of(threads) {
                break;
            }
            let index = order.number(nth, count, threads);
            if index >= count {
                continue;
            }
            let turn = Turn { index, shared: &shared };
            if let Err(failure) = turn.go_on().and_then(|()| each(&mut state, &turn)) {
                let mut first = shared.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if !shared.is_useless(index) {
                    shared.failed.store(index, Ordering::Relaxed);
                    *first = Some(failure);
                }
                break;
            }
        }
        shared.busy.fetch_sub(1, Ordering::Relaxed);
        state
    };
    let states = thread::scope(|scope| {
        let another = || thread::Builder::new().spawn_scoped(scope, run).ok();
        // Without another thread, the existing ones do the work.
        let others: Vec<_> = (1..threads).map_while(|_| another()).collect();
        shared.busy.fetch_sub(threads - 1 - others.len(), Ordering::Relaxed);
        let mut states = vec![run()];
        for other in others {
            states.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        states
    });
    match shared.failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(states),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::with_two_threads;

    const ORDERS: [Order; 2] = [Order::InTurn, Order::Spread];

    #[test]
    fn threads_begin_at_different_items() {
        let numbers = |order: Order| (0..8).map(|nth| order.number(nth, 7, 2)).collect::<Vec<_>>();
        assert_eq!(numbers(Order::InTurn), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(Order::Spread), [0, 4, 1, 5, 2, 6, 3, 7]);
    }

    #[test]
    fn every_item_has_one_turn() {
        for (count, order) in
            [0, 1, 2, 3, 1000, 1001].into_iter().flat_map(|count| ORDERS.map(|order| (count, order)))
        {
            let states = with_two_threads(|work| {
                each(work, count, order, Vec::new, |seen, turn| {
                    seen.push(turn.index);
                    Ok(())
                })
            });
            let mut seen: Vec<_> = states.unwrap().concat();
            seen.sort_unstable();
            assert_eq!(seen, (0..count).collect::<Vec<_>>(), "{order:?}");
        }
    }

    #[test]
    fn the_failure_in_turn_is_that_of_the_lowest_item() {
        for order in [ORDERS; 100].concat() {
            let failed = with_two_threads(|work| {
                each(
                    work,
                    100,
                    order,
                    || (),
                    |(), turn| match turn.index {
                        41 | 42 | 77 => Err(Failure::usage(turn.index.to_string())),
                        _ => turn.go_on(),
                    },
                )
            });
            let failed = failed.unwrap_err();
            match order {
                Order::InTurn => assert_eq!(failed.message(), "41"),
                Order::Spread => assert!(["41", "42", "77"].contains(&failed.message()), "{failed:?}"),
            }
        }
    }

    #[test]
    fn the_first_failure_stops_all_threads() {
        for order in ORDERS {
            let done = AtomicUsize::new(0);
            let failed = with_two_threads(|work| {
                each(
                    work,
                    1000,
                    order,
                    || (),
                    |(), turn| {
                        done.fetch_add(1, Ordering::Relaxed);
                        if turn.index == 0 {
                            return Err(Failure::usage("first"));
                        }
                        while turn.go_on().is_ok() {
                            thread::yield_now();
                        }
                        Ok(())
                    },
                )
            });
            assert_eq!(failed.unwrap_err().message(), "first");
            assert!(done.into_inner() <= 2, "{order:?}: one item for each thread");
        }
    }
}
