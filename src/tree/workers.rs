//! Many files, a few threads. Work is taken by number, so that nothing is planned ahead and no queue
//! is kept; what the work is, the caller says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Work;
use crate::error::{Failure, Result};

/// One thread's turn at one item.
pub(crate) struct Turn<'a> {
    /// The item.
    pub(crate) index: usize,
    shared: &'a Shared<'a>,
}

struct Shared<'a> {
    work: &'a Work<'a>,
    order: Order,
    next: AtomicUsize,
    /// How many threads have work.
    busy: AtomicUsize,
    /// The first item that failed.
    failed: AtomicUsize,
    failure: Mutex<Option<Failure>>,
}

impl Turn<'_> {
    /// Fails when the work on this item has become useless: a signal came, or another item failed.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.shared.work.interrupt.check()?;
        if self.shared.is_useless(self.index) {
            return Err(Failure::usage("another file failed"));
        }
        Ok(())
    }

    /// Whether a processor has nothing to do, and could help with this item.
    pub(crate) fn has_company(&self) -> bool {
        self.shared.busy.load(Ordering::Relaxed) < self.shared.work.jobs.get()
    }
}

impl Shared<'_> {
    /// Whether it does not matter any more what becomes of an item.
    fn is_useless(&self, index: usize) -> bool {
        let failed = self.failed.load(Ordering::Relaxed);
        match self.order {
            Order::InTurn => failed < index,
            Order::Apart => failed < usize::MAX,
        }
    }
}

/// Which number comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// The next higher one: a disk with heads is read from one end to the other.
    InTurn,
    /// From as many places as there are threads: two that make files in one directory wait for each other.
    Apart,
}

impl Order {
    /// The number that comes `nth`, from zero on, of those below `count`; it may be none of them.
    fn number(self, nth: usize, count: usize, threads: usize) -> usize {
        match self {
            Self::InTurn => nth,
            Self::Apart => nth % threads * count.div_ceil(threads) + nth / threads,
        }
    }
}

/// Calls `each` for all numbers below `count`, with a state of its own for each thread, and gives
/// the states. The first failure ends it. When several fail in turn, the failure is that of the lowest
/// number, whatever the timing: a turn is given up only for a lower one.
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
        // Where the system has no more threads, those that are there do it all.
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
    use crate::tree::at_work;

    const ORDERS: [Order; 2] = [Order::InTurn, Order::Apart];

    #[test]
    fn threads_are_kept_apart() {
        let numbers = |order: Order| (0..8).map(|nth| order.number(nth, 7, 2)).collect::<Vec<_>>();
        assert_eq!(numbers(Order::InTurn), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(Order::Apart), [0, 4, 1, 5, 2, 6, 3, 7]);
    }

    #[test]
    fn every_number_has_one_turn() {
        for (count, order) in
            [0, 1, 2, 3, 1000, 1001].into_iter().flat_map(|count| ORDERS.map(|order| (count, order)))
        {
            let states = at_work(|work| {
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
    fn the_failure_is_that_of_an_item_and_in_turn_of_the_lowest() {
        for order in [ORDERS; 100].concat() {
            let failed = at_work(|work| {
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
                Order::Apart => assert!(["41", "42", "77"].contains(&failed.message()), "{failed:?}"),
            }
        }
    }

    #[test]
    fn the_first_that_fails_ends_it() {
        for order in ORDERS {
            let done = AtomicUsize::new(0);
            let failed = at_work(|work| {
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
            assert!(done.into_inner() <= 2, "{order:?}: one for each thread");
        }
    }
}
