//! Answers that nobody has taken yet: what they hold in memory together is bounded.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that they may hold.  One that holds more waits alone.
const MOST: usize = 8 << 20;

/// How many bytes the answers hold that wait to be taken.
#[derive(Default)]
pub(super) struct Untaken {
    bytes: Mutex<usize>,
    /// Notified when one has been taken, and when all work is stopped.
    taken: Condvar,
}

impl Untaken {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for an answer that holds so many bytes, or until all work is `stopped`.
    pub(super) fn put(&self, bytes: usize, stopped: impl Fn() -> bool) {
        let mut held = self.lock();
        while *held > 0 && *held + bytes > MOST && !stopped() {
            held = self.taken.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held += bytes;
    }

    /// An answer has been taken that holds so many bytes.
    pub(super) fn take(&self, bytes: usize) {
        *self.lock() -= bytes;
        self.taken.notify_all();
    }

    /// All work has been stopped.
    pub(super) fn stop(&self) {
        // Whoever is about to wait has looked before, or looks after.
        drop(self.lock());
        self.taken.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::super::{Job, Worker, start};
    use super::*;

    static MADE: AtomicUsize = AtomicUsize::new(0);

    /// Has an answer that is said to hold so many bytes.
    struct Heavy(usize);

    impl Job for Heavy {
        type Scratch = ();
        type Answer = usize;

        fn bytes(answer: &usize) -> usize {
            *answer
        }

        fn run(self, _: &mut (), worker: &Worker<'_, Self>) {
            MADE.fetch_add(1, Ordering::SeqCst);
            worker.answer(self.0);
        }
    }

    /// Waits until no more answers are made.
    fn made() -> usize {
        let mut before = 0;
        loop {
            thread::sleep(Duration::from_millis(50));
            match MADE.load(Ordering::SeqCst) {
                made if made > 0 && made == before => return made,
                made => before = made,
            }
        }
    }

    #[test]
    fn heavy_answers_wait_and_all_come() {
        for (bytes, at_once) in [(MOST / 4, 4), (MOST / 2 + 1, 1), (10 * MOST, 1)] {
            for threads in [1, 3] {
                MADE.store(0, Ordering::SeqCst);
                let mut running = start((0..20).map(|_| Heavy(bytes)).collect(), threads).unwrap();
                // Those that wait, and one that each thread has made and cannot hand over.
                assert_eq!(made(), at_once + threads);
                let answers: Vec<_> = running.by_ref().map(Result::unwrap).collect();
                assert_eq!(answers, [bytes; 20]);
            }
        }
        // Who waits for room is waited for when all is stopped.
        MADE.store(0, Ordering::SeqCst);
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut running = start((0..20).map(|_| Heavy(MOST)).collect(), 3).unwrap();
            made();
            running.close();
            sender.send(())
        });
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(()));
    }
}
