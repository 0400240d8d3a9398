//! Sharing work among threads: biggest first, begun work before new work, memory bounded.
//!
//! A [`Job`] may split itself into more jobs.  Those are *begun* work and are done before any job that
//! was there at the start, so that one big job is spread over all threads while no more jobs are open
//! than there are threads.

mod permit;
mod running;
mod spare;
#[cfg(test)]
mod tests;
mod threads;
mod untaken;

use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::permit::Large;
pub use self::permit::Permit;
pub use self::running::{Failure, Next, Running};
use self::spare::{DiskWaits, STAYS};
use self::threads::Threads;
use self::untaken::Untaken;
use crate::memory::NoMemory;
use crate::timings::{self, Stage};
use crate::{address_space, descriptors};

/// More threads than this are never started.
const MAX_THREADS: usize = 256;
/// Answers that may wait to be taken before the threads wait.
const ANSWERS: usize = 64;

/// The system may count a thread for this long after it has been waited for.
const ENDS_WITHIN: Duration = Duration::from_millis(200);

/// Where answers come.
type Answers<J> = Receiver<Result<<J as Job>::Answer, Failure>>;

/// A piece of work.
pub trait Job: Send + Sized + 'static {
    /// What a thread keeps from one job to the next: buffers and the like.
    type Scratch: Default;
    /// What the caller gets.
    type Answer: Send + 'static;

    /// Whether [`Worker::is_from_disk`] is asked.
    const ASKS_FOR_DISKS: bool = false;

    /// The most descriptors that a thread holds at a time, of files and of what it asks for disks, but for those
    /// that it takes from [`Means::descriptors`].
    const DESCRIPTORS: usize = 2;

    /// About how many bytes an answer holds.  Where those that wait to be taken hold many, the threads wait.
    fn bytes(_answer: &Self::Answer) -> usize {
        0
    }

    /// What one of the threads keeps.
    fn scratch(_means: &Means) -> Self::Scratch {
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
    answers: &'a SyncSender<Result<J::Answer, Failure>>,
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

    /// Whether there is a thread with nothing to do, and a processor for it, too.
    pub fn is_any_idle(&self) -> bool {
        let Shared { started, idle, at_once, .. } = &**self.shared;
        started.load(Ordering::Relaxed).saturating_sub(idle.load(Ordering::Relaxed)) < *at_once
    }

    /// Adds jobs that are done before those of the start.
    pub fn begin(&self, jobs: impl IntoIterator<Item = J>) {
        let mut queues = self.shared.lock();
        let before = queues.begun.len();
        queues.begun.extend(jobs);
        let begun = queues.begun.len() - before;
        let idle = self.shared.idle.load(Ordering::Relaxed);
        drop(queues);
        // No more are woken or started than there is work for: each of them costs time.
        for _ in 0..begun.min(idle) {
            self.shared.wake.notify_one();
        }
        for _ in idle..begun {
            // Where the system gives no thread, those that are there do the work.
            if !matches!(start_thread(self.shared, self.answers), Ok(true)) {
                break;
            }
        }
    }

    /// The job that would be the next one of those that have been [begun](Worker::begin), if `is_wanted` says so:
    /// this one does it, too.
    pub fn take_begun(&self, is_wanted: impl FnOnce(&J) -> bool) -> Option<J> {
        let mut queues = self.shared.lock();
        if queues.begun.front().is_some_and(is_wanted) { queues.begun.pop_front() } else { None }
    }

    /// Puts off a job that is going to hold so many bytes of memory, until there is room for them.  It is done
    /// before those of the start, and has the [`Permit`] that `make` is called with.
    pub fn begin_large(&self, bytes: u64, make: impl FnOnce(Permit<J>) -> J + Send + 'static) {
        self.shared.lock().large.push(bytes, Box::new(make));
        self.shared.wake.notify_all();
    }

    /// How many threads there can be at a time.
    pub fn threads(&self) -> usize {
        self.shared.means.threads + self.shared.spares.most()
    }

    /// What there is for all threads together.
    pub fn means(&self) -> &Means {
        &self.shared.means
    }

    /// Gives an answer to the caller; waits while the caller is behind.
    pub fn answer(&self, answer: J::Answer) {
        timings::lap(Stage::Answer);
        self.shared.untaken.put(J::bytes(&answer), || self.stopped());
        if self.answers.send(Ok(answer)).is_err() {
            self.shared.stop();
        }
        timings::lap(Stage::Wait);
    }
}

struct Queues<J: Job> {
    /// In the order in which they are to be begun.
    waiting: VecDeque<J>,
    /// Whether there may be more of them.
    open: bool,
    begun: VecDeque<J>,
    large: Large<J>,
    /// Jobs that run and may still begin others.
    running: usize,
    /// Nothing is begun meanwhile but what goes with what has been.
    paused: bool,
    /// Threads that there are, but for those that have let go of what they keep, and wait for what others begin
    /// before the pause.
    holding: usize,
}

impl<J: Job> Queues<J> {
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.waiting.len() + self.begun.len() + self.large.len()
    }
}

/// What the threads of a schedule have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// How many they are, without the spare ones.
    pub threads: usize,
    /// How many descriptors they may hold beyond [`Job::DESCRIPTORS`] of each.
    pub descriptors: usize,
}

impl Means {
    /// Of so many threads and spare ones, which may hold so many descriptors, and how many spare ones there can be.
    /// Where descriptors are scarce there are fewer threads, but one.
    fn new(threads: usize, spares: usize, descriptors: usize, each: usize) -> (Means, usize) {
        let most = (descriptors / each).max(1);
        let threads = threads.min(most);
        let spares = spares.min(most - threads);
        let descriptors = descriptors.saturating_sub((threads + spares) * each);
        (Means { threads, descriptors }, spares)
    }
}

struct Shared<J: Job> {
    queues: Mutex<Queues<J>>,
    wake: Condvar,
    stop: AtomicBool,
    means: Means,
    threads: Threads,
    spares: Threads,
    untaken: Untaken,
    /// Threads that have been started, without the spare ones.
    started: AtomicUsize,
    /// Threads that wait for a job.
    idle: AtomicUsize,
    /// As many threads as there are processors for.
    at_once: usize,
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
        self.untaken.stop();
    }

    /// The next job; None when there is none and none can come, or not before the end of a pause.  `rest` is
    /// called before waiting for one, and before the end; it is told whether all else that the thread keeps is to
    /// go, too.
    fn next(self: &Arc<Self>, thread: Thread, mut rest: impl FnMut(bool)) -> Option<J> {
        let (mut rested, mut holds) = (false, true);
        let mut queues = self.lock();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(job) = queues.begun.pop_front() {
                queues.running += 1;
                return Some(job);
            }
            if queues.paused {
                if holds {
                    drop(queues);
                    rest(true);
                    (rested, holds) = (true, false);
                    queues = self.lock();
                } else if queues.running == 0 {
                    return None;
                } else {
                    queues.holding -= 1;
                    queues = self.wait(queues);
                    queues.holding += 1;
                }
                continue;
            }
            if let Some((permit, make)) = queues.large.pop(&Arc::downgrade(self), thread == Thread::First) {
                queues.running += 1;
                drop(queues);
                return Some(make(permit));
            }
            if let Some(job) = queues.waiting.pop_front() {
                queues.running += 1;
                return Some(job);
            }
            if !rested {
                drop(queues);
                rest(false);
                rested = true;
                queues = self.lock();
            } else if queues.running == 0 && queues.large.is_empty() && !queues.open {
                return None;
            } else {
                queues = self.wait(queues);
            }
        }
    }

    fn wait<'a>(&self, queues: MutexGuard<'a, Queues<J>>) -> MutexGuard<'a, Queues<J>> {
        self.idle.fetch_add(1, Ordering::Relaxed);
        let queues = self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
        self.idle.fetch_sub(1, Ordering::Relaxed);
        queues
    }

    /// Whether nothing is under way and no thread keeps anything, in a pause.
    fn is_paused(&self) -> bool {
        let queues = self.lock();
        queues.holding == 0 && queues.begun.is_empty()
    }

    /// Whether nothing is left to be begun, and nothing more can come.
    fn is_done(&self) -> bool {
        let queues = self.lock();
        queues.is_empty() && !queues.open
    }

    fn done(&self) {
        let mut queues = self.lock();
        queues.running -= 1;
        // Whoever has put something into one of the queues has woken others for it.
        if queues.running == 0 && (queues.is_empty() || queues.paused) {
            self.wake.notify_all();
        }
    }
}

/// Starts `jobs`, the biggest first in the list, on up to `threads` threads (at least one): no more than there is
/// work for, and than the process may have files open for.
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
pub fn start_with_spares<J: Job>(jobs: Vec<J>, threads: usize, spares: usize) -> std::io::Result<Running<J>> {
    start_all(jobs.into(), threads, spares, false)
}

/// As [`start_with_spares`]; but work does not end before [`Running::end_jobs`] is called, until when
/// [`Running::add`] takes more.  No more threads are started for those than for `jobs`.
///
/// # Errors
///
/// Those of [`start`].
pub fn start_open<J: Job>(jobs: Vec<J>, threads: usize, spares: usize) -> std::io::Result<Running<J>> {
    start_all(jobs.into(), threads, spares, true)
}

fn start_all<J: Job>(
    jobs: VecDeque<J>,
    threads: usize,
    spares: usize,
    open: bool,
) -> std::io::Result<Running<J>> {
    let most = address_space::for_threads();
    let threads = threads.min(MAX_THREADS).min(most).max(1);
    let spares = spares.min(most - threads.min(most));
    let (means, spares) =
        Means::new(threads, spares.min(MAX_THREADS), descriptors::for_threads(), J::DESCRIPTORS);
    let at_first = jobs.len().min(means.threads);
    let processors = thread::available_parallelism().map_or(means.threads, NonZeroUsize::get);
    let shared = Arc::new(Shared {
        queues: Mutex::new(Queues {
            waiting: jobs,
            open,
            begun: VecDeque::new(),
            large: Large::new(),
            running: 0,
            paused: false,
            holding: 0,
        }),
        wake: Condvar::new(),
        stop: AtomicBool::new(false),
        means,
        threads: Threads::up_to(means.threads, "fastverify"),
        spares: Threads::up_to(spares, "fastverify-spare"),
        untaken: Untaken::default(),
        started: AtomicUsize::new(0),
        idle: AtomicUsize::new(0),
        at_once: means.threads.min(processors),
    });
    let answers = Some(start_threads(&shared, at_first.max(1))?);
    Ok(Running { shared, answers, early: VecDeque::new(), paused: false, ended: None })
}

/// Starts so many threads, or as many as the system gives, where none are left; where their answers come.
///
/// # Errors
///
/// Those of the system where it does not give a single thread.
fn start_threads<J: Job>(shared: &Arc<Shared<J>>, threads: usize) -> std::io::Result<Answers<J>> {
    let (sender, receiver) = sync_channel(ANSWERS);
    let until = Instant::now() + ENDS_WITHIN;
    while let Err(error) = start_thread(shared, &sender) {
        if Instant::now() >= until {
            return Err(error);
        }
        shared.started.store(0, Ordering::Relaxed);
        thread::sleep(ENDS_WITHIN / 100);
    }
    for _ in 1..threads {
        // Fewer threads do the same work.
        if start_thread(shared, &sender).is_err() {
            break;
        }
    }
    Ok(receiver)
}

/// Starts one thread more, if there are not enough; false where there are.
fn start_thread<J: Job>(
    shared: &Arc<Shared<J>>,
    answers: &SyncSender<Result<J::Answer, Failure>>,
) -> std::io::Result<bool> {
    let is_one_more = |started| (started < shared.means.threads).then_some(started + 1);
    let Ok(before) = shared.started.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_one_more) else {
        return Ok(false);
    };
    let thread = if before == 0 { Thread::First } else { Thread::Other };
    let (of_thread, answers) = (Arc::clone(shared), answers.clone());
    shared.threads.start(move || work(&of_thread, &answers, thread))?;
    Ok(true)
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
fn work<J: Job>(shared: &Arc<Shared<J>>, answers: &SyncSender<Result<J::Answer, Failure>>, thread: Thread) {
    let _recording = timings::of_this_thread();
    shared.lock().holding += 1;
    let is_spare = thread == Thread::Spare;
    let worker = Worker { shared, answers, from_disk: Cell::new(is_spare) };
    let guarded = |work: &mut dyn FnMut()| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            // Told before anything is stopped, so that the end is not taken for a good one.
            let _ = answers.send(Err(failure(panic.as_ref())));
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
    let rest_and_let_go = |scratch: &mut Option<J::Scratch>, lets_go: bool| {
        rest(scratch);
        if lets_go {
            *scratch = None;
        }
    };
    while let Some(job) = shared.next(thread, |lets_go| rest_and_let_go(&mut scratch, lets_go)) {
        timings::lap(Stage::Wait);
        let mut job = Some(job);
        guarded(&mut || {
            if let Some(job) = job.take() {
                let scratch = scratch.get_or_insert_with(|| {
                    if is_spare { J::spare_scratch() } else { J::scratch(&shared.means) }
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
    drop(scratch);
    shared.lock().holding -= 1;
    timings::lap(Stage::Wait);
}

fn start_spare<J: Job>(shared: &Arc<Shared<J>>, answers: &SyncSender<Result<J::Answer, Failure>>) {
    let queues = shared.lock();
    if shared.stop.load(Ordering::Relaxed) || queues.waiting.is_empty() && queues.begun.is_empty() {
        return;
    }
    drop(queues);
    let (of_spare, answers) = (Arc::clone(shared), answers.clone());
    // Where the system gives no thread, those that are there do the work.
    let _ = shared.spares.start(move || work(&of_spare, &answers, Thread::Spare));
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    if panic.is::<NoMemory>() { Failure::NoMemory } else { Failure::Panicked(message(panic)) }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
