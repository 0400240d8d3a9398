//! Work under way, as its caller sees it: answers as they come, pauses, and the end.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{Answers, Job, Shared, start_threads};

/// Answers from before a pause with which work goes on, and how many bytes they may hold.
pub(super) const EARLY: usize = 16;
const EARLY_BYTES: usize = 1 << 20;
/// How often is asked whether all has paused.
const PAUSES_WITHIN: Duration = Duration::from_millis(1);

/// Why all work has ended early: no property of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A job panicked, and what it said: a bug.
    Panicked(String),
    /// There is no memory left for what a job needs.
    NoMemory,
    /// The system gives no thread to go on with after a pause.
    NoThread,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Panicked(said) => write!(out, "a worker panicked: {said}"),
            Failure::NoMemory => out.write_str("there is no memory left"),
            Failure::NoThread => out.write_str("there is no thread to go on with"),
        }
    }
}

impl std::error::Error for Failure {}

/// What [`Running::next_within`] has.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<A> {
    /// An answer, or the end of everything by a failure.
    Answer(Result<A, Failure>),
    /// Nothing within the time.
    Later,
    /// All work is done and every answer taken.
    Done,
}

/// Work under way.  Iterate over it for the answers, in the order in which they are made.
///
/// Dropping it stops the work soon, without waiting for it; [`Running::close`] also waits.
pub struct Running<J: Job> {
    pub(super) shared: Arc<Shared<J>>,
    pub(super) answers: Option<Answers<J>>,
    /// Those that came while all was about to pause.
    pub(super) early: VecDeque<Result<J::Answer, Failure>>,
    pub(super) paused: bool,
    /// How many threads have ended for the pause, when all have.
    pub(super) ended: Option<usize>,
}

impl<J: Job> Running<J> {
    /// Adds jobs that are begun after all that are waiting, to work that was started with [`super::start_open`].
    pub fn add(&self, jobs: impl IntoIterator<Item = J>) {
        let mut queues = self.shared.lock();
        // Whoever stops sets this before emptying the queues.
        if !self.shared.stop.load(Ordering::Relaxed) {
            queues.waiting.extend(jobs);
            self.shared.wake.notify_all();
        }
    }

    /// There are no more jobs to be added.
    pub fn end_jobs(&self) {
        self.shared.lock().open = false;
        self.shared.wake.notify_all();
    }

    /// The next answer, or what there is to say after `time`.  Work that was paused goes on, when few answers are
    /// left of those that came while it was about to: pause after pause they would become more.
    pub fn next_within(&mut self, time: Duration) -> Next<J::Answer> {
        let next = self.early.pop_front();
        let bytes = |answer: &Result<J::Answer, Failure>| answer.as_ref().map_or(0, J::bytes);
        if self.paused
            && self.early.len() < EARLY
            && self.early.iter().map(bytes).sum::<usize>() < EARLY_BYTES
        {
            // One that is not complete is completed: some threads may have ended already.
            let is_complete = self.pause_within(if next.is_some() { Duration::ZERO } else { time });
            if is_complete && self.go_on().is_err() {
                self.end();
                self.early.push_back(Err(Failure::NoThread));
            }
        }
        match next.or_else(|| self.early.pop_front()) {
            Some(answer) => Next::Answer(answer),
            None if self.paused => Next::Later,
            None => self.receive(time),
        }
    }

    /// Ends what has been begun, begins nothing more, and ends the threads, so that something else can have their
    /// memory, and can have threads where the system gives few.  False where that takes more than `time`; to be
    /// called again then.  The work goes on when the next answer is asked for.
    pub fn pause_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        if !std::mem::replace(&mut self.paused, true) {
            self.shared.lock().paused = true;
            self.shared.wake.notify_all();
        }
        while self.answers.is_some() && self.ended.is_none() {
            // Asked first: who lets go has given its answers before.
            let is_paused = self.shared.is_paused();
            match self.receive(if is_paused { Duration::ZERO } else { PAUSES_WITHIN }) {
                Next::Answer(answer) => self.early.push_back(answer),
                Next::Done => {}
                Next::Later if is_paused => {
                    self.join();
                    self.ended = Some(self.shared.started.swap(0, Ordering::Relaxed));
                }
                Next::Later if Instant::now() >= until => return false,
                Next::Later => {}
            }
        }
        true
    }

    /// Ends a pause: starts as many threads as have ended for it, or as the system gives.
    fn go_on(&mut self) -> io::Result<()> {
        self.paused = false;
        let Some(ended) = self.ended.take().filter(|_| self.answers.is_some()) else { return Ok(()) };
        let mut queues = self.shared.lock();
        queues.paused = false;
        let threads = if queues.open { ended } else { ended.min(queues.len()) };
        drop(queues);
        if threads > 0 {
            self.answers = Some(start_threads(&self.shared, threads)?);
        }
        Ok(())
    }

    fn receive(&mut self, time: Duration) -> Next<J::Answer> {
        let Some(answers) = &self.answers else { return Next::Done };
        match answers.recv_timeout(time) {
            Ok(Ok(answer)) => {
                self.shared.untaken.take(J::bytes(&answer));
                Next::Answer(Ok(answer))
            }
            Ok(Err(failure)) => {
                self.end();
                Next::Answer(Err(failure))
            }
            Err(RecvTimeoutError::Timeout) => Next::Later,
            Err(RecvTimeoutError::Disconnected) if self.paused && !self.shared.is_done() => Next::Later,
            Err(RecvTimeoutError::Disconnected) => {
                self.end();
                Next::Done
            }
        }
    }

    /// Stops the work soon.  There are no more answers.
    pub fn stop(&mut self) {
        self.early.clear();
        self.end();
    }

    /// No more answers come.
    fn end(&mut self) {
        self.shared.stop();
        // A worker that waits with an answer now goes on.
        self.answers = None;
    }

    /// Stops the work and waits until no thread works any more.
    pub fn close(&mut self) {
        self.stop();
        self.join();
    }

    fn join(&self) {
        self.shared.threads.join();
        self.shared.spares.join();
        // A spare one may have started one of these, with nothing to do.
        self.shared.threads.join();
    }
}

impl<J: Job> Iterator for Running<J> {
    type Item = Result<J::Answer, Failure>;

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
