//! Toy jobs that answer, split themselves, wait for each other, panic or never end.

use std::time::Duration;

use super::running::EARLY;
use super::*;
use crate::memory;

enum Toy {
    Say(u32),
    Split(u32),
    Panic,
    /// Needs more memory than there is.
    Large,
    /// Works until it is stopped.
    Endless(Arc<AtomicUsize>),
    PutOff(u32),
    /// So many threads meet, round after round.
    Gather {
        met: Arc<AtomicUsize>,
        threads: usize,
        rounds: usize,
    },
    Meet {
        met: Arc<AtomicUsize>,
        threads: usize,
        rounds: usize,
    },
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
            Toy::Large => memory::need(isize::MAX as usize),
            Toy::Gather { met, threads, rounds } => {
                worker.begin((0..threads).map(|_| Toy::Meet { met: Arc::clone(&met), threads, rounds }));
            }
            Toy::Meet { met, threads, rounds } => {
                let came = met.fetch_add(1, Ordering::SeqCst) + 1;
                let all = came.next_multiple_of(threads);
                while met.load(Ordering::SeqCst) < all && !worker.stopped() {
                    thread::yield_now();
                }
                if came == all && rounds > 1 {
                    worker.begin([Toy::Gather { met, threads, rounds: rounds - 1 }]);
                }
                worker.answer(0);
            }
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
fn no_more_threads_than_there_is_work_for() {
    let started = |jobs: Vec<Toy>, threads| {
        let mut running = start(jobs, threads).unwrap();
        let answers = running.by_ref().map(Result::unwrap).count();
        (answers, running.shared.started.load(Ordering::SeqCst))
    };
    assert_eq!(started(Vec::new(), 8), (0, 1));
    assert_eq!(started(vec![Toy::Say(1)], 8), (1, 1));
    assert_eq!(started(vec![Toy::Say(1), Toy::Say(2), Toy::Say(3)], 8), (3, 3));
    assert_eq!(started(vec![Toy::Split(1)], 8), (1, 2));
    assert_eq!(started(vec![Toy::Split(1000)], 8), (1000, 8));
}

/// Of those that wait only as many are woken as there is work for; nobody may be forgotten for it.
#[test]
fn who_waits_is_woken_for_begun_work() {
    const ROUNDS: usize = 50;
    for threads in [1, 2, 3, 20] {
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let first = Toy::Gather { met: Arc::default(), threads, rounds: ROUNDS };
            sender.send(start(vec![first], threads).unwrap().map(Result::unwrap).count())
        });
        assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(ROUNDS * threads));
    }
}

#[test]
fn scarce_descriptors_mean_fewer_threads() {
    let means = |threads, spares, descriptors| {
        let (means, spares) = Means::new(threads, spares, descriptors, 7);
        (means.threads, spares, means.descriptors)
    };
    assert_eq!(means(32, 0, 0), (1, 0, 0));
    assert_eq!(means(32, 5, 35), (5, 0, 0));
    assert_eq!(means(2, 5, 35), (2, 3, 0));
    assert_eq!(means(2, 1, 35), (2, 1, 14));
    assert_eq!(means(2, 5, usize::MAX), (2, 5, usize::MAX - 49));
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
    assert_eq!(told, Failure::Panicked("as told".to_owned()));
    assert_eq!(running.next(), None);
    running.close();
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[test]
fn no_memory_is_told_and_ends_everything() {
    let mut running = start(vec![Toy::Large, Toy::Say(1)], 1).unwrap();
    assert_eq!(running.next(), Some(Err(Failure::NoMemory)));
    assert_eq!(running.next(), None);
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
    // What has not begun never ends.
    while running.shared.lock().running == 0 {
        thread::yield_now();
    }
    drop(running);
    let begun = Instant::now();
    while ended.load(Ordering::SeqCst) == 0 && begun.elapsed() < Duration::from_secs(5) {
        thread::yield_now();
    }
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

/// What is kept by a thread; how many keep something, and the most that ever did.
#[derive(Default)]
struct Kept(Option<Arc<AtomicUsize>>);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(kept) = &self.0 {
            kept.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// A job that splits itself, and whose last part is put off.
enum Keeping {
    Whole(u32, Arc<AtomicUsize>),
    Part(u32, Arc<AtomicUsize>),
}

impl Job for Keeping {
    type Scratch = (Kept, Vec<u32>);
    type Answer = u32;

    fn rest((_, put_off): &mut Self::Scratch, worker: &Worker<'_, Self>) {
        for n in put_off.drain(..) {
            worker.answer(n);
        }
    }

    fn run(self, scratch: &mut Self::Scratch, worker: &Worker<'_, Self>) {
        let (Keeping::Whole(n, kept) | Keeping::Part(n, kept)) = &self;
        if scratch.0.0.is_none() {
            kept.fetch_add(1, Ordering::SeqCst);
            scratch.0 = Kept(Some(Arc::clone(kept)));
        }
        thread::sleep(Duration::from_micros(50));
        match &self {
            Keeping::Whole(..) => {
                worker.begin((0..3).map(|part| Keeping::Part(4 * n + part, Arc::clone(kept))))
            }
            Keeping::Part(..) => scratch.1.push(*n),
        }
    }
}

#[test]
fn in_a_pause_nothing_is_under_way_or_kept_and_no_answer_is_lost() {
    const JOBS: u32 = 300;
    let mut expected: Vec<u32> = (0..JOBS).flat_map(|n| (0..3).map(move |part| 4 * n + part)).collect();
    expected.sort();
    for threads in [1, 2, 5] {
        let kept = Arc::new(AtomicUsize::new(0));
        let jobs = (0..JOBS).map(|n| Keeping::Whole(n, Arc::clone(&kept))).collect();
        let mut running = start_with_spares(jobs, threads, 2).unwrap();
        let mut answers = Vec::new();
        let mut pauses = 0;
        while let Some(answer) = running.next() {
            answers.push(answer.unwrap());
            if answers.len() % 50 == 0 {
                while !running.pause_within(Duration::from_millis(2)) {}
                pauses += 1;
                assert_eq!(kept.load(Ordering::SeqCst), 0);
                // Others can have the threads.
                assert!(running.answers.is_none() || running.shared.started.load(Ordering::SeqCst) == 0);
                let early = running.early.len();
                thread::sleep(Duration::from_millis(5));
                assert!(running.pause_within(Duration::from_millis(2)));
                assert_eq!((running.early.len(), kept.load(Ordering::SeqCst)), (early, 0));
                // What has been begun has been ended.
                assert_eq!((answers.len() + early) % 3, 0);
            }
        }
        answers.sort();
        assert_eq!(answers, expected);
        assert!(pauses >= 3 * JOBS as usize / 50);
        assert!(running.pause_within(Duration::ZERO), "all has ended");
    }
}

#[test]
fn a_pause_can_be_ended_by_a_panic_or_by_closing() {
    let ended = Arc::new(AtomicUsize::new(0));
    let mut jobs = vec![Toy::Endless(Arc::clone(&ended)), Toy::Say(1)];
    jobs.extend((0..1000).map(Toy::Say));
    let mut running = start(jobs, 2).unwrap();
    assert_eq!(running.next(), Some(Ok(1)));
    assert!(!running.pause_within(Duration::from_millis(5)), "one is still at work");
    running.close();
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert_eq!(running.next(), None);

    let mut running = start(vec![Toy::Panic, Toy::Say(1)], 1).unwrap();
    while !running.pause_within(Duration::from_millis(5)) {}
    assert_eq!(running.next(), Some(Err(Failure::Panicked("as told".to_owned()))));
    assert_eq!(running.next(), None);
}

#[test]
fn pause_after_pause_no_more_answers_wait() {
    const JOBS: u32 = 2000;
    let mut running = start((0..JOBS).map(Toy::Say).collect(), 2).unwrap();
    let (mut answers, mut most) = (0, 0);
    while let Some(answer) = running.next() {
        answer.unwrap();
        answers += 1;
        // So that they are not stopped before they have begun.
        thread::sleep(Duration::from_micros(200));
        while !running.pause_within(Duration::from_millis(2)) {}
        most = most.max(running.early.len());
    }
    assert_eq!(answers, JOBS);
    // Those with which work goes on, those that wait to be taken, and one of each thread; and as much again, as
    // they come while others are taken.
    assert!(most <= 2 * (EARLY + ANSWERS + 2), "{most}");
}

/// As [`Running::next_within`], but waits for long enough.
fn next_of(running: &mut Running<Toy>) -> Option<u32> {
    match running.next_within(Duration::from_secs(60)) {
        Next::Answer(answer) => Some(answer.unwrap()),
        Next::Done => None,
        Next::Later => panic!("no answer came"),
    }
}

#[test]
fn jobs_that_are_added_come_after_those_that_wait() {
    let mut running = start_open(vec![Toy::Split(2), Toy::Say(10)], 1, 0).unwrap();
    running.add([Toy::Say(11), Toy::PutOff(12), Toy::Split(1)]);
    assert_eq!([(); 5].map(|()| next_of(&mut running)), [0, 1, 10, 11, 0].map(Some));
    // What is put off is done when nothing is left, for as long as nothing is added.
    assert_eq!(next_of(&mut running), Some(12));
    assert_eq!(running.next_within(Duration::from_millis(20)), Next::Later);
    running.add((20..23).map(Toy::Say));
    running.end_jobs();
    assert_eq!([(); 4].map(|()| next_of(&mut running)), [Some(20), Some(21), Some(22), None]);
}

#[test]
fn work_that_is_open_can_be_ended_with_nothing_to_do_and_closed() {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut ended = start_open(Vec::<Toy>::new(), 3, 0).unwrap();
        ended.end_jobs();
        assert_eq!(next_of(&mut ended), None);
        let mut closed = start_open((0..3).map(Toy::Say).collect(), 3, 0).unwrap();
        closed.close();
        closed.add([Toy::Say(1)]);
        assert_eq!(next_of(&mut closed), None);
        // Nobody would ever do it.
        assert!(closed.shared.lock().waiting.is_empty());
        sender.send(())
    });
    assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(()));
}
