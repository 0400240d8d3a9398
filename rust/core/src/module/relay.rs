//! A long entry on two threads: one inflates, and one that has nothing else to do compares and hashes.
//!
//! Inflating is one thing after the other, and so is hashing; comparing is not.  So it is done by the one
//! that has time for it.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::comparison::{Comparison, is_same};
use crate::timings::{self, Stage};

/// Pieces that may wait for the second thread.
const WAITING: usize = 8;
/// So many wait where that thread is behind.
const BEHIND: usize = 2;
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
pub struct Relay {
    /// None when the content has ended.
    comparison: Mutex<Option<Comparison>>,
    /// The tree's file, if there is one.
    file: Option<Arc<File>>,
    pieces: Mutex<Pieces>,
    /// What the file has, for the one that gives.
    other: Mutex<Vec<u8>>,
    /// A piece has been taken, or the helper has left.
    taken: Condvar,
}

struct Pieces {
    /// Each, and whether the file is known to have the same.
    waiting: VecDeque<(Vec<u8>, bool)>,
    /// Bytes that have been given.
    given: u64,
    /// Whether there is still something to compare.
    goes_on: bool,
    /// Buffers to be used again.
    free: Vec<Vec<u8>>,
    helper: Helper,
    /// Whether another thread took the last piece, and so is likely to take the next.
    helped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Helper {
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
    /// Of an entry beside which the tree may have a file.
    pub(super) fn new(file: Option<File>) -> Arc<Relay> {
        let file = file.map(Arc::new);
        Arc::new(Relay {
            comparison: Mutex::new(Some(Comparison::new(file.clone()))),
            other: Mutex::default(),
            pieces: Mutex::new(Pieces {
                waiting: VecDeque::new(),
                given: 0,
                goes_on: file.is_some(),
                free: Vec::new(),
                helper: Helper::None,
                helped: false,
            }),
            taken: Condvar::new(),
            file,
        })
    }

    /// Gives on the next piece of the content; where no other thread is idle it is taken here.
    pub(super) fn give(self: &Arc<Self>, content: &[u8], crew: &dyn Crew) {
        let mut pieces = lock(&self.pieces);
        let offset = pieces.given;
        pieces.given += content.len() as u64;
        let mut known = false;
        if let Some(file) = &self.file
            && pieces.goes_on
            && pieces.helper == Helper::AtWork
            && pieces.waiting.len() >= BEHIND
        {
            drop(pieces);
            timings::lap(Stage::Inflate);
            // Anything else than a yes is found again when the piece is taken.
            known = is_same(file, offset, content, &mut lock(&self.other)) == Ok(true);
            pieces = lock(&self.pieces);
        }
        if pieces.waiting.len() >= WAITING {
            pieces = self.wait(pieces, crew, |pieces| pieces.waiting.len() < WAITING);
            if pieces.waiting.len() >= WAITING {
                drop(pieces);
                // A helper that comes late still finds something to do.
                self.take_waiting(false, if crew.is_idle() { WAITING / 2 } else { 0 });
                pieces = lock(&self.pieces);
            }
        }
        let helped = pieces.helped || pieces.helper == Helper::AtWork || crew.is_idle();
        if pieces.waiting.is_empty() && !helped {
            drop(pieces);
            if let Some(comparison) = &mut *lock(&self.comparison) {
                comparison.take(content, known);
            }
            return;
        }
        let mut piece = pieces.free.pop().unwrap_or_default();
        piece.clear();
        piece.extend_from_slice(content);
        pieces.waiting.push_back((piece, known));
        if pieces.helper == Helper::None {
            pieces.helper = Helper::Asked;
            drop(pieces);
            crew.ask(Arc::clone(self));
        }
    }

    /// Takes the pieces that wait, on another thread than gives them.
    pub(super) fn help(&self) {
        self.take_waiting(true, 0);
    }

    /// Takes pieces until no more than `left` wait.
    fn take_waiting(&self, helped: bool, left: usize) {
        // Held while pieces are fetched, so that they are taken in their order.
        let mut comparison = lock(&self.comparison);
        if helped {
            lock(&self.pieces).helper = Helper::AtWork;
        }
        while let Some((piece, known)) = self.next_piece(helped, left) {
            if let Some(comparison) = &mut *comparison {
                comparison.take(&piece, known);
            }
            let mut pieces = lock(&self.pieces);
            pieces.goes_on = comparison.as_ref().is_some_and(Comparison::goes_on);
            pieces.free.push(piece);
            pieces.helped = helped;
            self.taken.notify_all();
        }
    }

    /// The next piece; without one the helper has left.
    fn next_piece(&self, helped: bool, left: usize) -> Option<(Vec<u8>, bool)> {
        let mut pieces = lock(&self.pieces);
        let piece = if pieces.waiting.len() > left { pieces.waiting.pop_front() } else { None };
        if piece.is_none() && helped {
            pieces.helper = Helper::None;
            self.taken.notify_all();
        }
        piece
    }

    /// All pieces have been given: what has become of them.  None where the work has been stopped.
    pub(super) fn end(&self, crew: &dyn Crew) -> Option<Comparison> {
        drop(self.wait(lock(&self.pieces), crew, |pieces| pieces.waiting.is_empty()));
        self.take_waiting(false, 0);
        lock(&self.comparison).take()
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
        let expected = digest(&pieces.concat());
        for comes in [Comes::NotAsked, Comes::Never, Comes::AtOnce, Comes::Late] {
            thread::scope(|scope| {
                let stop = AtomicBool::new(false);
                let crew = &Toy { comes, scope, asked: AtomicUsize::new(0), stop };
                let relay = Relay::new(None);
                for piece in &pieces {
                    relay.give(piece, crew);
                    assert!(lock(&relay.pieces).waiting.len() <= WAITING);
                }
                let comparison = relay.end(crew).unwrap();
                assert_eq!(comparison.end(Ok(()), &|| false).zip, Ok(expected), "{comes:?}");
                assert_eq!(crew.asked.load(Ordering::Relaxed) == 0, comes == Comes::NotAsked);
            });
        }
    }

    /// Wherever the tree's file differs, and whoever compares.
    #[test]
    fn entry_and_file_side_by_side() {
        let pieces: Vec<Vec<u8>> = (0..60u8).map(|number| vec![number; 5000]).collect();
        let content = pieces.concat();
        let path = std::env::temp_dir().join(format!("fastverify-core-relay-{}", std::process::id()));
        let flipped = |at: usize| {
            let mut other = content.clone();
            other[at] ^= 1;
            other
        };
        let longer = [&content[..], b"more"].concat();
        let others = [content.clone(), flipped(0), flipped(140_000), flipped(299_999), longer];
        let shorter = [0, 1, 5000, 7_000, 299_999].map(|len| content[..len].to_vec());
        for other in others.iter().chain(&shorter) {
            std::fs::write(&path, other).unwrap();
            for comes in [Comes::NotAsked, Comes::Never, Comes::AtOnce, Comes::Late] {
                thread::scope(|scope| {
                    let stop = AtomicBool::new(false);
                    let crew = &Toy { comes, scope, asked: AtomicUsize::new(0), stop };
                    let relay = Relay::new(Some(File::open(&path).unwrap()));
                    for piece in &pieces {
                        relay.give(piece, crew);
                    }
                    let ended = relay.end(crew).unwrap().end(Ok(()), &|| false);
                    assert_eq!(ended.zip, Ok(digest(&content)));
                    assert_eq!(ended.tree, Ok(digest(other)), "{comes:?}");
                    assert_eq!(ended.tree_bytes, other.len() as u64);
                });
            }
        }
        std::fs::remove_file(&path).unwrap();
    }

    /// A helper that is behind finds pieces that have been compared.
    #[test]
    fn who_gives_compares_where_the_helper_is_behind() {
        let path = std::env::temp_dir().join(format!("fastverify-core-behind-{}", std::process::id()));
        std::fs::write(&path, b"aabbcc--").unwrap();
        thread::scope(|scope| {
            let stop = AtomicBool::new(false);
            let crew = Toy { comes: Comes::Never, scope, asked: AtomicUsize::new(0), stop };
            let relay = Relay::new(Some(File::open(&path).unwrap()));
            lock(&relay.pieces).helper = Helper::AtWork;
            for piece in [b"aa", b"bb", b"cc", b"dd"] {
                relay.give(piece, &crew);
            }
            let known: Vec<bool> = lock(&relay.pieces).waiting.iter().map(|(_, known)| *known).collect();
            assert_eq!(known, [false, false, true, false]);
            relay.help();
            let ended = relay.end(&crew).unwrap().end(Ok(()), &|| false);
            assert_eq!(ended.zip, Ok(digest(b"aabbccdd")));
            assert_eq!((ended.tree, ended.tree_bytes), (Ok(digest(b"aabbcc--")), 8));
        });
        std::fs::remove_file(&path).unwrap();
    }

    /// A helper that died at its work holds up nobody once all work has been stopped.
    #[test]
    fn nobody_waits_for_stopped_work() {
        thread::scope(|scope| {
            let stop = AtomicBool::new(true);
            let crew = Toy { comes: Comes::Never, scope, asked: AtomicUsize::new(0), stop };
            let relay = Relay::new(None);
            lock(&relay.pieces).helper = Helper::AtWork;
            for _ in 0..20 {
                relay.give(b"piece", &crew);
            }
            assert!(relay.end(&crew).is_some());
        });
    }
}
