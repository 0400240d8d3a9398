//! Messages that come one after the other and are hashed together.

use super::Digest;
use super::kernel::Kernel;
use super::lanes::Work;
use crate::memory;
use crate::timings::{self, Stage};

/// Room for the bytes of a batch: enough to fill the lanes with messages of mixed lengths.
const ROOM: usize = 8 << 20;
/// So many messages are hashed together, so that little ones do not wait without end.
const MESSAGES: usize = 4096;
/// What a message must have left, in blocks, to be worth keeping for the next batch.
const LEAST_KEPT: usize = 64;

/// Messages that wait to be hashed, each with a tag to know it by.
///
/// A batch ends with a few long messages, for which a kernel of many lanes is not worth its time.  They
/// are kept as far as they have come, where they are, and go on beside the messages of the next batch,
/// which are written around them.
pub(crate) struct Queue<T> {
    kernel: Kernel,
    room: usize,
    /// The messages' bytes.
    bytes: Vec<u8>,
    /// Where the next message goes.
    place: usize,
    /// Those that are kept come first, by their places.
    messages: Vec<Message<T>>,
    /// Of each that is kept: its length as a whole, and its state.
    begun: Vec<(u64, [u32; 8])>,
    done: Vec<(T, Digest)>,
}

struct Message<T> {
    start: usize,
    end: usize,
    tag: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue::with_kernel(Kernel::in_use())
    }
}

impl<T> Queue<T> {
    /// With room for `room` bytes.
    pub(crate) fn with_room(room: usize) -> Queue<T> {
        Queue { room, ..Queue::default() }
    }

    /// Hashing by this kernel.
    pub(super) fn with_kernel(kernel: Kernel) -> Queue<T> {
        Queue {
            kernel,
            room: ROOM,
            bytes: Vec::new(),
            place: 0,
            messages: Vec::new(),
            begun: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Room for a message of `size` bytes; hashes what waits if there is not enough.
    pub(crate) fn room(&mut self, size: usize) -> &mut [u8] {
        if self.messages.len() >= MESSAGES || !self.find_room(size) {
            self.hash(false);
            if !self.find_room(size) {
                self.hash(true);
            }
        }
        let end = self.place + size;
        if self.bytes.len() < end {
            memory::need(end.max(self.room));
            // What is not zero yet need not be touched.
            let bytes = std::mem::replace(&mut self.bytes, vec![0; end.max(self.room)]);
            self.bytes[..bytes.len()].copy_from_slice(&bytes);
        }
        &mut self.bytes[self.place..end]
    }

    /// Goes to the next place where so many bytes fit between the messages that are kept; false if there is
    /// none.
    fn find_room(&mut self, size: usize) -> bool {
        for kept in &self.messages[..self.begun.len()] {
            if self.place + size <= kept.start {
                return true;
            }
            self.place = self.place.max(kept.end);
        }
        // A message that is larger than all room gets it for itself.
        self.place + size <= self.room || self.messages.is_empty()
    }

    /// The first `size` bytes of the room.
    pub(crate) fn last(&self, size: usize) -> &[u8] {
        &self.bytes[self.place..self.place + size]
    }

    /// Makes a message of the first `size` bytes of the room.
    pub(crate) fn push(&mut self, size: usize, tag: T) {
        let start = self.place;
        self.place += size;
        self.messages.push(Message { start, end: self.place, tag });
    }

    /// Hashes all that waits.
    pub(crate) fn finish(&mut self) {
        self.hash(true);
    }

    /// The messages that have been hashed since it was last asked, in any order.
    pub(crate) fn done(&mut self) -> std::vec::Drain<'_, (T, Digest)> {
        self.done.drain(..)
    }

    /// Forgets all messages.
    pub(crate) fn clear(&mut self) {
        self.place = 0;
        self.messages.clear();
        self.begun.clear();
        self.done.clear();
    }

    fn hash(&mut self, all: bool) {
        let messages: Vec<&[u8]> =
            self.messages.iter().map(|message| &self.bytes[message.start..message.end]).collect();
        let mut digests = vec![[0; 32]; messages.len()];
        let mut work = Work::resume(&messages, &mut digests, &self.begun, self.kernel.lanes());
        let mut kept = Vec::new();
        if !all {
            self.kernel.while_many(&mut work);
            kept = work.suspend(LEAST_KEPT, self.room / 2 / 64);
        }
        self.kernel.finish(&mut work);
        kept.sort_by_key(|&(place, ..)| place);
        let lengths: Vec<u64> = kept
            .iter()
            .map(|&(place, ..)| match self.begun.get(place) {
                Some(&(length, _)) => length,
                None => messages[place].len() as u64,
            })
            .collect();
        self.begun.clear();
        self.place = 0;
        let mut next = kept.into_iter().zip(lengths).peekable();
        let mut left = Vec::new();
        for ((at, message), digest) in self.messages.drain(..).enumerate().zip(digests) {
            match next.next_if(|((place, ..), _)| *place == at) {
                None => self.done.push((message.tag, digest)),
                Some(((_, state, blocks), length)) => {
                    let start = message.end - 64 * blocks - (length % 64) as usize;
                    left.push((Message { start, ..message }, (length, state)));
                }
            }
        }
        timings::lap(Stage::Hash);
        left.sort_by_key(|(message, _)| message.start);
        (self.messages, self.begun) = left.into_iter().unzip();
    }
}
