//! Permits: what large jobs hold in memory together is bounded.
//!
//! A job that finds out that it is large puts itself off until there is room for what it holds.  Meanwhile the
//! threads do other jobs; no thread is ever blocked by one that waits for room.

use std::collections::VecDeque;
use std::sync::Weak;

use super::{Job, Shared};

/// Bytes that the jobs with a permit may hold together.  One that needs more has all of it, and so is alone.
const ROOM: u64 = 32 << 20;

/// What makes the job, when its time has come.
type Make<J> = Box<dyn FnOnce(Permit<J>) -> J + Send>;

/// Leave to hold memory.  Whoever holds it keeps the permit; when that is dropped, there is room again.
pub struct Permit<J: Job> {
    /// Weak, because a permit is in jobs, and those are in what is shared.
    shared: Weak<Shared<J>>,
    bytes: u64,
}

impl<J: Job> Permit<J> {
    /// How much may be held: without a limit where it is the only permit that there is.
    pub fn bytes(&self) -> u64 {
        if self.bytes == ROOM { u64::MAX } else { self.bytes }
    }
}

impl<J: Job> Drop for Permit<J> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut queues = shared.lock();
            queues.large.used -= self.bytes;
            if !queues.large.is_empty() {
                shared.wake.notify_all();
            }
        }
    }
}

/// The large jobs that wait for room, and how much of it is in use.
pub(super) struct Large<J: Job> {
    waiting: VecDeque<(u64, Make<J>)>,
    used: u64,
}

impl<J: Job> Large<J> {
    pub(super) fn new() -> Large<J> {
        Large { waiting: VecDeque::new(), used: 0 }
    }

    pub(super) fn push(&mut self, bytes: u64, make: Make<J>) {
        self.waiting.push_back((bytes.min(ROOM), make));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The first that waits, if there is room for it.  Those behind it do not overtake it: so each has its turn.
    ///
    /// One that is going to be alone is done by the first thread.  An allocator that keeps memory for each
    /// thread, as glibc's does, would else keep what each has ever held.
    pub(super) fn pop(&mut self, shared: &Weak<Shared<J>>, is_first: bool) -> Option<(Permit<J>, Make<J>)> {
        let fits = |bytes| self.used + bytes <= ROOM && (is_first || bytes < ROOM);
        let &(bytes, _) = self.waiting.front().filter(|(bytes, _)| fits(*bytes))?;
        self.used += bytes;
        let (_, make) = self.waiting.pop_front()?;
        Some((Permit { shared: Weak::clone(shared), bytes }, make))
    }

    /// Takes away all that waits.
    pub(super) fn clear(&mut self) -> VecDeque<(u64, Make<J>)> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::super::{Next, Worker, start_with_spares};
    use super::*;

    /// What all jobs together hold.
    #[derive(Default)]
    struct Held {
        bytes: AtomicU64,
        plans: AtomicUsize,
        too_much: AtomicBool,
    }

    /// What a large job holds until its last part has been done.
    struct Plan {
        permit: Permit<Toy>,
        held: Arc<Held>,
        left: AtomicUsize,
    }

    impl Plan {
        fn new(permit: Permit<Toy>, held: Arc<Held>, parts: usize) -> Arc<Plan> {
            let bytes = held.bytes.fetch_add(permit.bytes, Ordering::SeqCst) + permit.bytes;
            let others = held.plans.fetch_add(1, Ordering::SeqCst);
            let is_alone = permit.bytes() != u64::MAX || others == 0;
            held.too_much.fetch_or(bytes > ROOM || !is_alone, Ordering::SeqCst);
            Arc::new(Plan { permit, held, left: AtomicUsize::new(parts) })
        }

        fn is_done(&self) -> bool {
            self.left.fetch_sub(1, Ordering::SeqCst) == 1
        }
    }

    impl Drop for Plan {
        fn drop(&mut self) {
            // Before the permit is given back, which is dropped after this.
            self.held.bytes.fetch_sub(self.permit.bytes, Ordering::SeqCst);
            self.held.plans.fetch_sub(1, Ordering::SeqCst);
        }
    }

    enum Toy {
        /// Its kind, which says how large it is.
        Job(u32, Arc<Held>, Option<Permit<Toy>>),
        /// A part that is done at once, or put off.
        Part(Arc<Plan>, bool),
        Panic(Option<Permit<Toy>>),
        /// Gives its permit away.
        Give(Option<Permit<Toy>>),
    }

    impl Job for Toy {
        type Scratch = Vec<Arc<Plan>>;
        type Answer = Option<Permit<Toy>>;

        fn run(self, put_off: &mut Vec<Arc<Plan>>, worker: &Worker<'_, Self>) {
            match self {
                Toy::Job(kind, _, None) if kind % 7 == 0 => worker.answer(None),
                Toy::Job(kind, held, None) => {
                    let bytes = [1, ROOM / 3, ROOM / 2, ROOM - 1, ROOM, u64::MAX][kind as usize % 6];
                    worker.begin_large(bytes, move |permit| Toy::Job(kind, held, Some(permit)));
                }
                Toy::Job(kind, held, Some(permit)) => {
                    let parts = 1 + kind as usize % 5;
                    let plan = Plan::new(permit, held, parts);
                    let part = |number: usize| {
                        Toy::Part(Arc::clone(&plan), (kind as usize + number).is_multiple_of(2))
                    };
                    worker.begin((1..parts).map(part));
                    part(0).run(put_off, worker);
                }
                Toy::Part(plan, true) => put_off.push(plan),
                Toy::Part(plan, false) => {
                    if plan.is_done() {
                        worker.answer(None);
                    }
                }
                Toy::Give(None) => worker.begin_large(ROOM, |permit| Toy::Give(Some(permit))),
                Toy::Give(permit) => worker.answer(permit),
                Toy::Panic(None) => worker.begin_large(ROOM, |permit| Toy::Panic(Some(permit))),
                Toy::Panic(Some(_)) => panic!("as told"),
            }
        }

        fn rest(put_off: &mut Vec<Arc<Plan>>, worker: &Worker<'_, Self>) {
            for plan in put_off.drain(..) {
                if plan.is_done() {
                    worker.answer(None);
                }
            }
        }
    }

    /// Fails where `work` does not come to its end, as a thread that is blocked for ever never does.
    fn comes_to_an_end(what: String, work: impl FnOnce() + Send + 'static) {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            work();
            let _ = sender.send(());
        });
        assert!(receiver.recv_timeout(Duration::from_secs(60)).is_ok(), "blocked or failed: {what}");
    }

    fn nothing_is_held(held: &Held) {
        assert!(!held.too_much.load(Ordering::SeqCst));
        assert_eq!(held.plans.load(Ordering::SeqCst), 0);
        assert_eq!(held.bytes.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn every_large_job_has_its_turn_and_what_they_hold_is_bounded() {
        for threads in 1..=8 {
            for jobs in [1, 2, 7, 300_u32] {
                comes_to_an_end(format!("{jobs} jobs on {threads} threads"), move || {
                    let held = Arc::new(Held::default());
                    let job = |kind| Toy::Job(kind * 7 + threads as u32, Arc::clone(&held), None);
                    let mut running = start_with_spares((0..jobs).map(job).collect(), threads, 2).unwrap();
                    let answers = running.by_ref().map(Result::unwrap).count();
                    assert_eq!(answers, jobs as usize);
                    running.close();
                    nothing_is_held(&held);
                });
            }
        }
    }

    #[test]
    fn large_jobs_can_be_stopped_at_any_time() {
        for threads in 1..=8 {
            for taken in [0, 1, 5, 50, 150] {
                comes_to_an_end(format!("{threads} threads, stopped after {taken}"), move || {
                    let held = Arc::new(Held::default());
                    let job = |kind| Toy::Job(kind, Arc::clone(&held), None);
                    let mut running = start_with_spares((0..400).map(job).collect(), threads, 0).unwrap();
                    assert_eq!(running.by_ref().take(taken).map(Result::unwrap).count(), taken);
                    running.close();
                    drop(running);
                    nothing_is_held(&held);
                });
            }
        }
    }

    /// Wherever the permit is given back: threads that have nothing else to do wait for it.
    #[test]
    fn room_is_waited_for() {
        const LONG: Duration = Duration::from_secs(60);
        for threads in 1..=4 {
            let jobs = (0..5).map(|_| Toy::Give(None)).collect();
            let mut running = start_with_spares(jobs, threads, 0).unwrap();
            for left in (0..5).rev() {
                let Next::Answer(Ok(Some(permit))) = running.next_within(LONG) else { panic!("{left}") };
                if left > 0 {
                    assert!(matches!(running.next_within(Duration::from_millis(10)), Next::Later));
                } else {
                    assert!(matches!(running.next_within(LONG), Next::Done));
                }
                drop(permit);
            }
        }
    }

    #[test]
    fn a_large_job_that_panics_ends_everything() {
        for threads in 1..=8 {
            comes_to_an_end(format!("{threads} threads"), move || {
                let held = Arc::new(Held::default());
                let mut jobs: Vec<Toy> =
                    (0..100).map(|kind| Toy::Job(kind, Arc::clone(&held), None)).collect();
                jobs.insert(50, Toy::Panic(None));
                let mut running = start_with_spares(jobs, threads, 0).unwrap();
                assert!(running.by_ref().find_map(Result::err).is_some());
                assert!(running.next().is_none());
                running.close();
                drop(running);
                nothing_is_held(&held);
            });
        }
    }
}
