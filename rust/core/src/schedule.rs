//! Sharing work among threads: biggest first, begun work before new work, memory bounded.
//!
//! A [`Job`] may split itself into more jobs.  Those are *begun* work and are done before any job that
//! was there at the start, so that one big job is spread over all threads while no more jobs are open
//! than there are threads.

mod permit;
mod spare;

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::permit::Large;
pub use self::permit::Permit;
use self::spare::{DiskWaits, STAYS, Spares};
use crate::timings::{self, Stage};

/// Results that may wait to be taken before the workers wait.
const RESULTS: usize = 64;
/// More threads than this are never started.
const MAX_THREADS: usize = 256;

/// A piece of work.
pub trait Job: Send + Sized + 'static {
    /// What a thread keeps from one job to the next: buffers and the like.
    type Scratch: Default;
    /// What the caller gets.
    type Answer: Send + 'static;

    /// Whether [`Worker::is_from_disk`] is asked.
    const ASKS_FOR_DISKS: bool = false;

    /// What one of so many threads keeps.
    fn scratch(_threads: usize) -> Self::Scratch {
        Self::Scratch::default()
    }

    /// What a spare thread keeps: it makes do with little memory, and is never far from its
    /// [`Job::rest`].
    fn spare_scratch() -> Self::Scratch {
        Self::Scratch::default()
    }

    /// Does the work, or puts some of it off until [`Job::rest`].
    fn run(self, scratch: &mut Self::Scratch, worker: &Worker<'_, Self>);

    /// Does what has been put off.  It is called when there is no other job for a thread, and may be called
    /// again when there has been one after all.
    fn rest(_scratch: &mut Self::Scratch, _worker: &Worker<'_, Self>) {}
}

/// What a job sees of the schedule that it runs in.
pub struct Worker<'a, J: Job> {
    shared: &'a Arc<Shared<J>>,
    answers: &'a SyncSender<Result<J::Answer, Panicked>>,
    from_disk: Cell<bool>,
}

impl<J: Job> Worker<'_, J> {
    /// Whether this thread has lately read from a disk and not only from memory, as far as that is known; see
    /// [`Job::ASKS_FOR_DISKS`].
    pub fn is_from_disk(&self) -> bool {
        self.from_disk.get()
    }

    /// Whether nobody waits for answers any more.  Asked often by long jobs.
    pub fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Whether a thread waits for something to do.
    pub fn is_any_idle(&self) -> bool {
        self.shared.idle.load(Ordering::Relaxed) > 0
    }

    /// Adds jobs that are done before those of the start.
    pub fn begin(&self, jobs: impl IntoIterator<Item = J>) {
        self.shared.lock().begun.extend(jobs);
        self.shared.wake.notify_all();
    }

    /// Puts off a job that is going to hold so many bytes of memory, until there is room for them.  It is done
    /// before those of the start, and has the [`Permit`] that `make` is called with.
    pub fn begin_large(&self, bytes: u64, make: impl FnOnce(Permit<J>) -> J + Send + 'static) {
        self.shared.lock().large.push(bytes, Box::new(make));
        self.shared.wake.notify_all();
    }

    /// How many threads there can be at a time.
    pub fn threads(&self) -> usize {
        self.shared.threads + self.shared.spares.most()
    }

    /// Gives an answer to the caller; waits while the caller is behind.
    pub fn answer(&self, answer: J::Answer) {
        timings::lap(Stage::Answer);
        if self.answers.send(Ok(answer)).is_err() {
            self.shared.stop();
        }
        timings::lap(Stage::Wait);
    }
}

struct Queues<J: Job> {
    /// Biggest last.
    waiting: Vec<J>,
    begun: VecDeque<J>,
    large: Large<J>,
    /// Jobs that run and may still begin others.
    running: usize,
}

struct Shared<J: Job> {
    queues: Mutex<Queues<J>>,
    wake: Condvar,
    stop: AtomicBool,
    /// Threads without the spare ones.
    threads: usize,
    /// Threads that wait for a job.
    idle: AtomicUsize,
    spares: Spares,
}

impl<J: Job> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, Queues<J>> {
        // Nothing that can panic runs under the lock, so what it guards is whole.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        let mut queues = self.lock();
        let waiting = std::mem::take(&mut queues.waiting);
        let begun = std::mem::take(&mut queues.begun);
        let large = queues.large.clear();
        self.wake.notify_all();
        drop(queues);
        // What is dropped with jobs may be permits, and those take the lock.
        drop((waiting, begun, large));
    }

    /// The next job; None when there is none and none can come.  `rest` is called before waiting for one, and
    /// before the end.
    fn next(self: &Arc<Self>, thread: Thread, mut rest: impl FnMut()) -> Option<J> {
        let mut rested = false;
        let mut queues = self.lock();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(job) = queues.begun.pop_front() {
                queues.running += 1;
                return Some(job);
            }
            if let Some((permit, make)) = queues.large.pop(&Arc::downgrade(self), thread == Thread::First) {
                queues.running += 1;
                drop(queues);
                return Some(make(permit));
            }
            if let Some(job) = queues.waiting.pop() {
                queues.running += 1;
                return Some(job);
            }
            if !rested {
                drop(queues);
                rest();
                rested = true;
                queues = self.lock();
            } else if queues.running == 0 && queues.large.is_empty() {
                return None;
            } else {
                self.idle.fetch_add(1, Ordering::Relaxed);
                queues = self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
                self.idle.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn done(&self) {
        let mut queues = self.lock();
        queues.running -= 1;
        if queues.running == 0 {
            self.wake.notify_all();
        }
    }
}

/// A job panicked: a bug, and not a property of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(pub String);

impl std::fmt::Display for Panicked {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "a worker panicked: {}", self.0)
    }
}

impl std::error::Error for Panicked {}

/// What [`Running::next_within`] has.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<A> {
    /// An answer, or the end of everything by a panic.
    Answer(Result<A, Panicked>),
    /// Nothing within the time.
    Later,
    /// All work is done and every answer taken.
    Done,
}

/// Work under way.  Iterate over it for the answers, in the order in which they are made.
///
/// Dropping it stops the work soon, without waiting for it; [`Running::close`] also waits.
pub struct Running<J: Job> {
    shared: Arc<Shared<J>>,
    answers: Option<Receiver<Result<J::Answer, Panicked>>>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts `jobs`, the biggest first in the list, on up to `threads` threads (at least one).
///
/// # Errors
///
/// Those of the system where it does not give a single thread.
pub fn start<J: Job>(jobs: Vec<J>, threads: usize) -> std::io::Result<Running<J>> {
    start_with_spares(jobs, threads, 0)
}

/// As [`start`], and on up to `spares` threads more while those have to wait for a disk.  Without the
/// system's word on that (it is Linux that gives it) there are no spare ones.
///
/// # Errors
///
/// Those of [`start`].
pub fn start_with_spares<J: Job>(
    mut jobs: Vec<J>,
    threads: usize,
    spares: usize,
) -> std::io::Result<Running<J>> {
    jobs.reverse();
    let threads = threads.clamp(1, MAX_THREADS);
    let shared = Arc::new(Shared {
        queues: Mutex::new(Queues { waiting: jobs, begun: VecDeque::new(), large: Large::new(), running: 0 }),
        wake: Condvar::new(),
        stop: AtomicBool::new(false),
        threads,
        idle: AtomicUsize::new(0),
        spares: Spares::up_to(spares.min(MAX_THREADS)),
    });
    let (sender, receiver) = sync_channel(RESULTS);
    let mut running = Running { shared, answers: Some(receiver), threads: Vec::new() };
    for i in 0..threads {
        let (shared, answers) = (Arc::clone(&running.shared), sender.clone());
        match thread::Builder::new()
            .name(format!("fastverify-{i}"))
            .spawn(move || work(&shared, &answers, if i == 0 { Thread::First } else { Thread::Other }))
        {
            Ok(thread) => running.threads.push(thread),
            Err(error) if running.threads.is_empty() => return Err(error),
            // Fewer threads do the same work.
            Err(_) => break,
        }
    }
    Ok(running)
}

/// Which of its threads works on a schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    /// There is always one.
    First,
    Other,
    Spare,
}

/// What a thread does; a spare one ends when it has not had to wait for a disk for some time.
fn work<J: Job>(shared: &Arc<Shared<J>>, answers: &SyncSender<Result<J::Answer, Panicked>>, thread: Thread) {
    let _recording = timings::of_this_thread();
    let is_spare = thread == Thread::Spare;
    let worker = Worker { shared, answers, from_disk: Cell::new(is_spare) };
    let guarded = |work: &mut dyn FnMut()| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            // Told before anything is stopped, so that the end is not taken for a good one.
            let _ = answers.send(Err(Panicked(message(panic.as_ref()))));
            shared.stop();
        }
    };
    let mut disk = (J::ASKS_FOR_DISKS || shared.spares.most() > 0).then(DiskWaits::of_this_thread);
    let mut last_waited = Instant::now();
    let mut scratch = None;
    let rest = |scratch: &mut Option<J::Scratch>| {
        if let Some(scratch) = scratch {
            guarded(&mut || J::rest(scratch, &worker));
        }
    };
    while let Some(job) = shared.next(thread, || rest(&mut scratch)) {
        timings::lap(Stage::Wait);
        let mut job = Some(job);
        guarded(&mut || {
            if let Some(job) = job.take() {
                let scratch = scratch.get_or_insert_with(|| {
                    if is_spare { J::spare_scratch() } else { J::scratch(shared.threads) }
                });
                job.run(scratch, &worker);
            }
        });
        timings::lap(Stage::Answer);
        shared.done();
        if is_spare {
            // While it waits for a disk it gains nothing by large batches, and they would take memory.
            rest(&mut scratch);
        }
        let lately = disk.as_mut().and_then(DiskWaits::lately);
        if let Some(lately) = lately {
            worker.from_disk.set(lately.from_disk);
        }
        match lately.map(|lately| lately.waited) {
            Some(true) => {
                last_waited = Instant::now();
                start_spare(shared, answers);
            }
            Some(false) if is_spare && last_waited.elapsed() >= STAYS => break,
            _ => {}
        }
    }
    timings::lap(Stage::Wait);
}

fn start_spare<J: Job>(shared: &Arc<Shared<J>>, answers: &SyncSender<Result<J::Answer, Panicked>>) {
    let queues = shared.lock();
    if shared.stop.load(Ordering::Relaxed) || queues.waiting.is_empty() && queues.begun.is_empty() {
        return;
    }
    drop(queues);
    let (of_spare, answers) = (Arc::clone(shared), answers.clone());
    shared.spares.start(move || work(&of_spare, &answers, Thread::Spare));
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

impl<J: Job> Running<J> {
    /// The next answer, or what there is to say after `time`.
    pub fn next_within(&mut self, time: Duration) -> Next<J::Answer> {
        let Some(answers) = &self.answers else { return Next::Done };
        match answers.recv_timeout(time) {
            Ok(Ok(answer)) => Next::Answer(Ok(answer)),
            Ok(Err(panicked)) => {
                self.stop();
                Next::Answer(Err(panicked))
            }
            Err(RecvTimeoutError::Timeout) => Next::Later,
            Err(RecvTimeoutError::Disconnected) => {
                self.stop();
                Next::Done
            }
        }
    }

    /// Stops the work soon.  There are no more answers.
    pub fn stop(&mut self) {
        self.shared.stop();
        // A worker that waits with an answer now goes on.
        self.answers = None;
    }

    /// Stops the work and waits until no thread works any more.
    pub fn close(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // Panics of jobs have been caught; nothing else is in a thread.
            let _ = thread.join();
        }
        self.shared.spares.join();
    }
}

impl<J: Job> Iterator for Running<J> {
    type Item = Result<J::Answer, Panicked>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_within(Duration::from_secs(3600)) {
                Next::Answer(answer) => return Some(answer),
                Next::Later => {}
                Next::Done => return None,
            }
        }
    }
}

impl<J: Job> Drop for Running<J> {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    enum Toy {
        Say(u32),
        Split(u32),
        Panic,
        /// Works until it is stopped.
        Endless(Arc<AtomicUsize>),
        PutOff(u32),
    }

    impl Job for Toy {
        type Scratch = Vec<u32>;
        type Answer = u32;

        fn rest(put_off: &mut Vec<u32>, worker: &Worker<'_, Self>) {
            for n in put_off.drain(..) {
                worker.answer(n);
            }
        }

        fn run(self, put_off: &mut Vec<u32>, worker: &Worker<'_, Self>) {
            match self {
                Toy::PutOff(n) => put_off.push(n),
                Toy::Say(n) => worker.answer(n),
                Toy::Split(n) => worker.begin((0..n).map(Toy::Say)),
                Toy::Panic => panic!("as told"),
                Toy::Endless(ended) => {
                    while !worker.stopped() {
                        thread::sleep(Duration::from_millis(1));
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }

    #[test]
    fn every_answer_comes_once() {
        for threads in [1, 2, 7] {
            let jobs = (0..500).map(Toy::Say).chain((0..20).map(Toy::Split)).collect();
            let mut answers: Vec<u32> = start(jobs, threads).unwrap().map(Result::unwrap).collect();
            answers.sort();
            let mut expected: Vec<u32> = (0..500).chain((0..20).flat_map(|n| 0..n)).collect();
            expected.sort();
            assert_eq!(answers, expected);
        }
    }

    #[test]
    fn begun_work_comes_before_new_work() {
        let jobs = vec![Toy::Split(3), Toy::Say(10), Toy::Say(11)];
        let answers: Vec<u32> = start(jobs, 1).unwrap().map(Result::unwrap).collect();
        assert_eq!(answers, [0, 1, 2, 10, 11]);
    }

    #[test]
    fn what_is_put_off_is_done_when_there_is_nothing_else() {
        let jobs = vec![Toy::PutOff(1), Toy::Say(2), Toy::PutOff(3), Toy::Split(2)];
        let answers: Vec<u32> = start(jobs, 1).unwrap().map(Result::unwrap).collect();
        assert_eq!(answers, [2, 0, 1, 1, 3]);
        let jobs = (0..100).map(Toy::PutOff).collect();
        let mut answers: Vec<u32> = start(jobs, 3).unwrap().map(Result::unwrap).collect();
        answers.sort();
        assert_eq!(answers, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn no_jobs_is_done_at_once() {
        assert_eq!(start(Vec::<Toy>::new(), 4).unwrap().next(), None);
    }

    #[test]
    fn a_panic_is_told_and_ends_everything() {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut jobs = vec![Toy::Endless(Arc::clone(&ended)), Toy::Panic];
        jobs.extend((0..1000).map(Toy::Say));
        let mut running = start(jobs, 2).unwrap();
        let told = running.find_map(Result::err).unwrap();
        assert_eq!(told, Panicked("as told".to_owned()));
        assert_eq!(running.next(), None);
        running.close();
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }

    /// Workers that wait because nobody takes their answers are waited for as well.
    #[test]
    fn close_ends_blocked_and_busy_workers() {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut jobs = vec![Toy::Endless(Arc::clone(&ended))];
        jobs.extend((0..10_000).map(Toy::Say));
        let mut running = start(jobs, 3).unwrap();
        running.next().unwrap().unwrap();
        let begun = Instant::now();
        running.close();
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(ended.load(Ordering::SeqCst), 1);
        assert_eq!(running.next(), None);
    }

    #[test]
    fn later_while_there_is_work() {
        let ended = Arc::new(AtomicUsize::new(0));
        let mut running = start(vec![Toy::Endless(Arc::clone(&ended))], 1).unwrap();
        assert_eq!(running.next_within(Duration::from_millis(5)), Next::Later);
        drop(running);
        let begun = Instant::now();
        while ended.load(Ordering::SeqCst) == 0 && begun.elapsed() < Duration::from_secs(5) {
            thread::yield_now();
        }
        assert_eq!(ended.load(Ordering::SeqCst), 1);
    }
}
