//! A long entry on two threads: one inflates, and one that has nothing else to do hashes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crc32fast::Hasher as Crc;

use crate::sha256::{Digest, Hasher};
use crate::timings::{self, Stage};

/// Pieces that may wait for the second thread.
const WAITING: usize = 8;
/// How long a thread waits for another before it looks whether all work has been stopped.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a thread that reads a long entry knows of the others.
pub(super) trait Crew {
    /// Whether nobody waits for answers any more.
    fn stopped(&self) -> bool;
    /// Whether this thread has lately read from a disk and not only from memory.
    fn is_from_disk(&self) -> bool;
    /// Whether a thread has nothing to do.
    fn is_idle(&self) -> bool;
    /// Has [`Relay::help`] called by a thread that has nothing else to do, some time or never.
    fn ask(&self, relay: Arc<Relay>);
}

/// Pieces of a content on their way from one thread to another.
#[derive(Default)]
pub struct Relay {
    /// None when the content has ended.
    sums: Mutex<Option<Sums>>,
    pieces: Mutex<Pieces>,
    /// A piece has been taken, or the helper has left.
    taken: Condvar,
}

/// What is reckoned of a content.
#[derive(Default)]
struct Sums {
    crc: Crc,
    sha256: Hasher,
}

impl Sums {
    fn take(&mut self, piece: &[u8]) {
        self.crc.update(piece);
        timings::lap(Stage::Inflate);
        self.sha256.update(piece);
        timings::lap(Stage::Hash);
    }

    /// The same of two contents at once.
    fn take_two(both: [&mut Sums; 2], pieces: [&[u8]; 2]) {
        let [first, second] = both;
        first.crc.update(pieces[0]);
        second.crc.update(pieces[1]);
        timings::lap(Stage::Inflate);
        Hasher::update_two([&mut first.sha256, &mut second.sha256], pieces);
        timings::lap(Stage::Hash);
    }
}

#[derive(Default)]
struct Pieces {
    waiting: VecDeque<Vec<u8>>,
    /// Buffers to be used again.
    free: Vec<Vec<u8>>,
    helper: Helper,
    /// Whether another thread took the last piece, and so is likely to take the next.
    helped: bool,
}

impl Pieces {
    /// Whether the next piece is best taken by the thread that gives it.
    fn are_taken_here(&self, crew: &dyn Crew) -> bool {
        let helped = self.helped || self.helper == Helper::AtWork || crew.is_idle();
        self.waiting.is_empty() && !helped
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Helper {
    #[default]
    None,
    /// Has not come yet.
    Asked,
    AtWork,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panics stops all work, so that nothing comes of what is guarded.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// Before the first piece.
    pub(super) fn new() -> Arc<Relay> {
        Arc::new(Relay { sums: Mutex::new(Some(Sums::default())), ..Relay::default() })
    }

    /// Gives on the next piece of the content; where no other thread is idle it is taken here.
    pub(super) fn give(self: &Arc<Self>, content: &[u8], crew: &dyn Crew) {
        let mut pieces = lock(&self.pieces);
        if pieces.waiting.len() >= WAITING {
            pieces = self.wait(pieces, crew, |pieces| pieces.waiting.len() < WAITING);
            if pieces.waiting.len() >= WAITING {
                drop(pieces);
                // A helper that comes late still finds something to do.
                self.take_waiting(false, if crew.is_idle() { WAITING / 2 } else { 0 });
                pieces = lock(&self.pieces);
            }
        }
        if pieces.are_taken_here(crew) {
            drop(pieces);
            if let Some(sums) = &mut *lock(&self.sums) {
                sums.take(content);
            }
            return;
        }
        let mut piece = pieces.free.pop().unwrap_or_default();
        piece.clear();
        piece.extend_from_slice(content);
        pieces.waiting.push_back(piece);
        if pieces.helper == Helper::None {
            pieces.helper = Helper::Asked;
            drop(pieces);
            crew.ask(Arc::clone(self));
        }
    }

    /// Gives on the next piece of each of two contents; where no other thread is idle they are taken here, both at
    /// once.
    pub(super) fn give_two(relays: [&Arc<Self>; 2], contents: [&[u8]; 2], crew: &dyn Crew) {
        if relays.iter().all(|relay| lock(&relay.pieces).are_taken_here(crew)) {
            let [mut first, mut second] = relays.map(|relay| lock(&relay.sums));
            if let (Some(first), Some(second)) = (&mut *first, &mut *second) {
                Sums::take_two([first, second], contents);
            }
            return;
        }
        for (relay, content) in relays.into_iter().zip(contents) {
            relay.give(content, crew);
        }
    }

    /// Takes the pieces that wait, on another thread than gives them.
    pub(super) fn help(&self) {
        self.take_waiting(true, 0);
    }

    /// Takes pieces until no more than `left` wait.
    fn take_waiting(&self, helped: bool, left: usize) {
        // Held while pieces are fetched, so that they are taken in their order.
        let mut sums = lock(&self.sums);
        if helped {
            lock(&self.pieces).helper = Helper::AtWork;
        }
        while let Some(piece) = self.next_piece(helped, left) {
            if let Some(sums) = &mut *sums {
                sums.take(&piece);
            }
            let mut pieces = lock(&self.pieces);
            pieces.free.push(piece);
            pieces.helped = helped;
            self.taken.notify_all();
        }
    }

    /// The next piece; without one the helper has left.
    fn next_piece(&self, helped: bool, left: usize) -> Option<Vec<u8>> {
        let mut pieces = lock(&self.pieces);
        let piece = if pieces.waiting.len() > left { pieces.waiting.pop_front() } else { None };
        if piece.is_none() && helped {
            pieces.helper = Helper::None;
            self.taken.notify_all();
        }
        piece
    }

    /// All pieces have been given: the CRC and the SHA-256 of them.  None where the work has been stopped.
    pub(super) fn end(&self, crew: &dyn Crew) -> Option<(u32, Digest)> {
        drop(self.wait(lock(&self.pieces), crew, |pieces| pieces.waiting.is_empty()));
        self.take_waiting(false, 0);
        let Sums { crc, sha256 } = lock(&self.sums).take()?;
        Some((crc.finalize(), sha256.finish()))
    }

    /// Waits until `enough`, or until there is no helper at work.
    fn wait<'a>(
        &'a self,
        mut pieces: MutexGuard<'a, Pieces>,
        crew: &dyn Crew,
        enough: impl Fn(&Pieces) -> bool,
    ) -> MutexGuard<'a, Pieces> {
        timings::lap(Stage::Inflate);
        while pieces.helper == Helper::AtWork && !enough(&pieces) && !crew.stopped() {
            pieces = self
                .taken
                .wait_timeout(pieces, PATIENCE)
                .map_or_else(|error| error.into_inner().0, |got| got.0);
        }
        timings::lap(Stage::Wait);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256::digest;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::{self, Scope};

    /// What becomes of being asked for help.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Comes {
        /// Nobody is idle.
        NotAsked,
        Never,
        AtOnce,
        Late,
    }

    struct Toy<'scope, 'env> {
        comes: Comes,
        scope: &'scope Scope<'scope, 'env>,
        asked: AtomicUsize,
        stop: AtomicBool,
    }

    impl Crew for Toy<'_, '_> {
        fn stopped(&self) -> bool {
            self.stop.load(Ordering::Relaxed)
        }

        fn is_from_disk(&self) -> bool {
            false
        }

        fn is_idle(&self) -> bool {
            self.comes != Comes::NotAsked
        }

        fn ask(&self, relay: Arc<Relay>) {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            let comes = self.comes;
            if matches!(comes, Comes::AtOnce | Comes::Late) {
                self.scope.spawn(move || {
                    if comes == Comes::Late || asked % 3 == 1 {
                        thread::sleep(Duration::from_millis(2));
                    }
                    relay.help();
                });
            }
        }
    }

    #[test]
    fn pieces_are_taken_once_and_in_their_order() {
        let pieces: Vec<Vec<u8>> =
            (0..200u32).map(|number| number.to_le_bytes().repeat(1 + number as usize % 50)).collect();
        let content = pieces.concat();
        let expected = (crc32fast::hash(&content), digest(&content));
        for comes in [Comes::NotAsked, Comes::Never, Comes::AtOnce, Comes::Late] {
            thread::scope(|scope| {
                let stop = AtomicBool::new(false);
                let crew = &Toy { comes, scope, asked: AtomicUsize::new(0), stop };
                let relay = Relay::new();
                for piece in &pieces {
                    relay.give(piece, crew);
                    assert!(lock(&relay.pieces).waiting.len() <= WAITING);
                }
                assert_eq!(relay.end(crew), Some(expected), "{comes:?}");
                assert_eq!(crew.asked.load(Ordering::Relaxed) == 0, comes == Comes::NotAsked);
            });
        }
    }

    /// A helper that died at its work holds up nobody once all work has been stopped.
    #[test]
    fn nobody_waits_for_stopped_work() {
        thread::scope(|scope| {
            let stop = AtomicBool::new(true);
            let crew = Toy { comes: Comes::Never, scope, asked: AtomicUsize::new(0), stop };
            let relay = Relay::new();
            lock(&relay.pieces).helper = Helper::AtWork;
            for _ in 0..20 {
                relay.give(b"piece", &crew);
            }
            assert!(relay.end(&crew).is_some());
        });
    }
}
