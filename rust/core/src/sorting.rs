//! Sorting what is long on several threads.

use std::cmp::Ordering;
use std::num::NonZero;
use std::thread;

/// Elements of a part that is worth a thread.
const PART: usize = if cfg!(test) { 10 } else { 1 << 15 };

/// Sorts as [`slice::sort_by`] does, on up to `threads` threads, and no more than there are cores.
pub(crate) fn sort_by_on<T: Send>(
    threads: usize,
    elements: &mut [T],
    order: impl Fn(&T, &T) -> Ordering + Sync,
) {
    let parts = threads.min(elements.len() / PART);
    // Where the elements are in order already there is nothing to share.
    if parts > 1 && !elements.is_sorted_by(|a, b| order(a, b).is_le()) {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let part = elements.len().div_ceil(parts.min(cores));
        thread::scope(|scope| {
            let order = &order;
            let (first, others) = elements.split_at_mut(part);
            for part in others.chunks_mut(part) {
                // A part for which there is no thread is sorted below.
                let _ = thread::Builder::new().spawn_scoped(scope, move || part.sort_by(order));
            }
            first.sort_by(order);
        });
    }
    // This finds the parts that are in order, and only brings them together.
    elements.sort_by(order);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use super::*;

    /// Only where there is something to sort: a thread costs time.
    #[test]
    fn parts_are_sorted_on_threads_of_their_own() {
        let at_work = |threads, mut elements: Vec<usize>| {
            let seen = Mutex::new(HashSet::new());
            sort_by_on(threads, &mut elements, |a, b| {
                seen.lock().unwrap().insert(thread::current().id());
                a.cmp(b)
            });
            assert!(elements.is_sorted());
            seen.into_inner().unwrap().len()
        };
        let cores = thread::available_parallelism().unwrap().get();
        for threads in [1, 2, 3] {
            assert_eq!(at_work(threads, (0..600).rev().collect()), threads.min(cores), "{threads}");
            assert_eq!(at_work(threads, (0..600).collect()), 1);
            assert_eq!(at_work(threads, (0..2 * PART - 1).rev().collect()), 1);
        }
    }

    /// Stable, in whatever order the elements were, on any number of threads.
    #[test]
    fn it_sorts_as_the_library_does() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut number = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for len in [0, 1, 9, 10, 19, 20, 21, 100, 101, 1000] {
            for kinds in [1, 3, 1 << 40] {
                let random: Vec<(u64, usize)> = (0..len).map(|at| (number(kinds), at)).collect();
                let mut sorted = random.clone();
                sorted.sort_by_key(|&(key, _)| key);
                let turned: Vec<(u64, usize)> = random.iter().rev().copied().collect();
                for elements in [&random, &turned, &sorted] {
                    let mut expected = elements.clone();
                    expected.sort_by_key(|&(key, _)| key);
                    for threads in [0, 1, 2, 3, 8, 1000] {
                        let mut elements = elements.clone();
                        sort_by_on(threads, &mut elements, |a, b| a.0.cmp(&b.0));
                        assert_eq!(elements, expected, "{len} on {threads}");
                    }
                }
            }
        }
    }
}
