//! Feeding a kernel of several lanes: every lane has a message, and the next one as soon as it ends.

use super::constants::INITIAL;
use super::order::Order;
use super::padding::{Block, Tail, digest_of};

/// A kernel that compresses blocks of `N` messages at a time.
pub(super) trait LaneKernel<const N: usize>: Copy {
    /// The states of all lanes, laid out as the kernel likes them.
    type States: States;

    /// The first `blocks` blocks of every run into the state of its lane.
    ///
    /// # Panics
    ///
    /// When a run has fewer blocks.
    fn compress(self, states: &mut Self::States, runs: &[&[Block]; N], blocks: usize);
}

/// The states of a kernel's lanes.
pub(super) trait States {
    fn new() -> Self;
    fn set(&mut self, lane: usize, state: [u32; 8]);
    fn get(&self, lane: usize) -> [u32; 8];
}

/// States one after the other.
#[repr(align(64))]
pub(super) struct StateRows<const N: usize>(pub(super) [[u32; 8]; N]);

impl<const N: usize> States for StateRows<N> {
    fn new() -> Self {
        StateRows([INITIAL; N])
    }

    #[inline]
    fn set(&mut self, lane: usize, state: [u32; 8]) {
        self.0[lane] = state;
    }

    #[inline]
    fn get(&self, lane: usize) -> [u32; 8] {
        self.0[lane]
    }
}

/// The first words of all states, then the second words, and so on: one vector of the processor each.
#[cfg(target_arch = "x86_64")]
#[repr(align(64))]
pub(super) struct StateColumns<const N: usize>(pub(super) [[u32; N]; 8]);

#[cfg(target_arch = "x86_64")]
impl<const N: usize> States for StateColumns<N> {
    fn new() -> Self {
        StateColumns(INITIAL.map(|word| [word; N]))
    }

    #[inline]
    fn set(&mut self, lane: usize, state: [u32; 8]) {
        for (column, word) in self.0.iter_mut().zip(state) {
            column[lane] = word;
        }
    }

    #[inline]
    fn get(&self, lane: usize) -> [u32; 8] {
        self.0.each_ref().map(|column| column[lane])
    }
}

/// A message on its way through a lane.
struct Lane<'m> {
    /// Which of the messages it is.
    message: usize,
    /// The whole blocks that are not yet compressed.
    body: &'m [Block],
    /// What follows them.
    tail: Tail,
}

impl<'m> Lane<'m> {
    const IDLE: Lane<'static> = Lane { message: 0, body: &[], tail: Tail::EMPTY };

    /// Takes what is left, whole blocks into it, of a message of `length` bytes.
    #[inline]
    fn start(&mut self, message: usize, bytes: &'m [u8], length: u64) {
        let (body, rest) = bytes.as_chunks();
        self.message = message;
        self.body = body;
        self.tail.set(rest, length);
    }

    /// The blocks that come next; empty when the message is through.
    #[inline]
    fn run(&self) -> &[Block] {
        if self.body.is_empty() { self.tail.blocks() } else { self.body }
    }

    /// Leaves `blocks` of its run behind.
    #[inline]
    fn advance(&mut self, blocks: usize) {
        match self.body.split_at_checked(blocks) {
            Some((_, body)) if !self.body.is_empty() => self.body = body,
            _ => self.tail.advance(blocks),
        }
    }
}

/// Messages to be hashed: some under way, with their state, and others not begun.
pub(super) struct Work<'m, 'd> {
    messages: &'m [&'m [u8]],
    digests: &'d mut [[u8; 32]],
    begun: Vec<(Lane<'m>, [u32; 8])>,
    order: Order,
}

impl<'m, 'd> Work<'m, 'd> {
    /// All of `messages`; the digest of each goes to its place in `digests`, which is as long.
    pub(super) fn new(messages: &'m [&'m [u8]], digests: &'d mut [[u8; 32]], lanes: usize) -> Self {
        Work { messages, digests, begun: Vec::new(), order: Order::new(messages, 0, lanes) }
    }

    /// The same, where the first messages are `begun`: each is what is left, whole blocks into it, of one of
    /// so many bytes, and the state is what the blocks before have led to.
    pub(super) fn resume(
        messages: &'m [&'m [u8]],
        digests: &'d mut [[u8; 32]],
        begun: &[(u64, [u32; 8])],
        lanes: usize,
    ) -> Self {
        let mut work =
            Work { messages, digests, begun: Vec::new(), order: Order::new(messages, begun.len(), lanes) };
        for (message, &(length, state)) in begun.iter().enumerate() {
            let mut lane = Lane::IDLE;
            lane.start(message, messages[message], length);
            work.begun.push((lane, state));
        }
        work
    }

    /// Takes away the longest of the messages that are under way, each with at least `least` whole blocks
    /// left and together with at most `most`: the place of each, its state, and how many blocks are left.
    pub(super) fn suspend(&mut self, least: usize, most: usize) -> Vec<(usize, [u32; 8], usize)> {
        self.begun.sort_by_key(|(lane, _)| std::cmp::Reverse(lane.body.len()));
        let mut blocks = 0;
        let chosen = self.begun.iter().take_while(|(lane, _)| {
            blocks += lane.body.len();
            lane.body.len() >= least && blocks <= most
        });
        let chosen = chosen.count();
        self.begun.drain(..chosen).map(|(lane, state)| (lane.message, state, lane.body.len())).collect()
    }

    /// How many messages are left.
    pub(super) fn left(&self) -> usize {
        self.begun.len() + self.order.left()
    }

    /// Hashes until at most `leave` messages are left: a kernel of many lanes is not worth its time with
    /// few of them in use.
    pub(super) fn run<const N: usize, K: LaneKernel<N>>(&mut self, kernel: K, leave: usize) {
        if self.left() <= leave {
            return;
        }
        let mut states = K::States::new();
        let mut lanes = [const { Lane::IDLE }; N];
        // The lanes in use come first.
        let mut active = 0;
        while active < N && self.feed(&mut lanes[active], &mut states, active) {
            active += 1;
        }
        while active > leave || self.left() > 0 {
            // An idle lane does the work of the first once more, and nobody looks at it.
            let mut runs = [lanes[0].run(); N];
            let mut blocks = runs[0].len();
            for (run, lane) in runs.iter_mut().zip(&lanes).take(active).skip(1) {
                *run = lane.run();
                blocks = blocks.min(run.len());
            }
            kernel.compress(&mut states, &runs, blocks);

            for i in (0..active).rev() {
                lanes[i].advance(blocks);
                if !lanes[i].run().is_empty() {
                    continue;
                }
                self.digests[lanes[i].message] = digest_of(&states.get(i));
                if !self.feed(&mut lanes[i], &mut states, i) {
                    active -= 1;
                    lanes.swap(i, active);
                    states.set(i, states.get(active));
                }
            }
        }
        for (i, lane) in lanes.into_iter().take(active).enumerate() {
            self.begun.push((lane, states.get(i)));
        }
    }

    /// Puts the next message into a lane, if there is one.
    #[inline]
    fn feed<S: States>(&mut self, lane: &mut Lane<'m>, states: &mut S, place: usize) -> bool {
        if let Some((begun, state)) = self.begun.pop() {
            *lane = begun;
            states.set(place, state);
        } else if let Some(message) = self.order.next() {
            let bytes = self.messages[message];
            lane.start(message, bytes, bytes.len() as u64);
            states.set(place, INITIAL);
        } else {
            return false;
        }
        true
    }
}
