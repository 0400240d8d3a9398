//! Where the time of worker threads goes.
//!
//! Nothing is recorded unless [`record`] has been called: a program that wants to know calls it, does its
//! work, and takes what the threads have recorded by [`take`].  It is one switch for the process.
//!
//! A thread's time is cut into laps, each of which counts for one [`Stage`], so that the stages of a
//! thread add up to its life.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a thread spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for work, or for the caller to take an answer.
    Wait,
    /// Reading directories, the central directories of zips, and small files.
    List,
    /// Reading compressed content.
    ReadZip,
    /// Inflating, and checking the CRC.
    Inflate,
    /// Opening and reading files.
    ReadFile,
    /// Comparing the files with the content of zips.
    Compare,
    /// Hashing.
    Hash,
    /// Putting together the answer.
    Answer,
}

impl Stage {
    /// All stages, in the order in which they come.
    pub const ALL: [Stage; 8] = [
        Stage::Wait,
        Stage::List,
        Stage::ReadZip,
        Stage::Inflate,
        Stage::ReadFile,
        Stage::Compare,
        Stage::Hash,
        Stage::Answer,
    ];

    /// The stage's name.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Wait => "wait",
            Stage::List => "list",
            Stage::ReadZip => "read zip",
            Stage::Inflate => "inflate",
            Stage::ReadFile => "read file",
            Stage::Compare => "compare",
            Stage::Hash => "hash",
            Stage::Answer => "answer",
        }
    }
}

/// What a thread has recorded.
#[derive(Clone, Debug)]
pub struct ThreadTimes {
    /// The thread's name.
    pub thread: String,
    /// The time of each stage of [`Stage::ALL`].
    pub stages: [Duration; Stage::ALL.len()],
}

static RECORDING: AtomicBool = AtomicBool::new(false);
static RECORDED: Mutex<Vec<ThreadTimes>> = Mutex::new(Vec::new());

struct Watch {
    last: Instant,
    stages: [Duration; Stage::ALL.len()],
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Whether threads that are started from now on record their times.
pub fn record(on: bool) {
    RECORDING.store(on, Ordering::Relaxed);
}

/// What the threads that have ended since the last call have recorded.
pub fn take() -> Vec<ThreadTimes> {
    std::mem::take(&mut RECORDED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Begins the times of this thread, if they are to be recorded, until what it returns is dropped.
pub(crate) fn of_this_thread() -> impl Drop {
    if RECORDING.load(Ordering::Relaxed) {
        let watch = Watch { last: Instant::now(), stages: Default::default() };
        WATCH.with_borrow_mut(|place| *place = Some(watch));
    }
    Recording
}

struct Recording;

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(watch) = WATCH.take() else { return };
        let thread = thread::current().name().unwrap_or_default().to_owned();
        let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.push(ThreadTimes { thread, stages: watch.stages });
    }
}

/// Counts the time since the last call for `stage`.
#[inline]
pub(crate) fn lap(stage: Stage) {
    WATCH.with_borrow_mut(|watch| {
        if let Some(watch) = watch {
            let now = Instant::now();
            watch.stages[stage as usize] += now - watch.last;
            watch.last = now;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_counts_each_moment_once() {
        let work = |name: &str| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(|| {
                let begun = Instant::now();
                let recording = of_this_thread();
                thread::sleep(Duration::from_millis(20));
                lap(Stage::Hash);
                thread::sleep(Duration::from_millis(5));
                lap(Stage::Wait);
                lap(Stage::Hash);
                drop(recording);
                // After its end it counts nothing.
                lap(Stage::Hash);
                begun.elapsed()
            });
            thread.unwrap().join().unwrap()
        };
        work("before");
        record(true);
        let lasted = work("while");
        record(false);
        work("after");
        let of_while: Vec<_> = take().into_iter().filter(|times| times.thread == "while").collect();
        let [times] = &of_while[..] else { panic!("{of_while:?}") };
        assert!(times.stages[Stage::Hash as usize] >= Duration::from_millis(20));
        assert!(times.stages[Stage::Wait as usize] >= Duration::from_millis(5));
        assert!(times.stages.iter().sum::<Duration>() <= lasted);
        assert!(take().iter().all(|times| times.thread != "before" && times.thread != "after"));
    }
}
