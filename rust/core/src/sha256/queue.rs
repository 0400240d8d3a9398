//! Messages that come one after the other and are hashed together.

use super::Digest;
use super::kernel::Kernel;
use super::lanes::Work;

/// So many bytes are hashed together: enough to fill the lanes with messages of mixed lengths.
const BATCH: usize = 4 << 20;
/// So many messages are hashed together, so that little ones do not wait without end.
const MESSAGES: usize = 4096;
/// What a message must have left, in blocks, to be worth keeping for the next batch.
const LEAST_KEPT: usize = 64;
/// What is kept for the next batch, in blocks.
const MOST_KEPT: usize = BATCH / 2 / 64;

/// Messages that wait to be hashed, each with a tag to know it by.
///
/// A batch ends with a few long messages, for which a kernel of many lanes is not worth its time.  They
/// are kept as far as they have come, and go on beside the messages of the next batch.
pub(crate) struct Queue<T> {
    kernel: Kernel,
    /// The messages' bytes: those of the messages that are kept, then the others.
    bytes: Vec<u8>,
    used: usize,
    /// Those that are kept come first.
    messages: Vec<Message<T>>,
    /// How many are kept.
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
    /// Hashing by this kernel.
    pub(super) fn with_kernel(kernel: Kernel) -> Queue<T> {
        Queue {
            kernel,
            bytes: Vec::new(),
            used: 0,
            messages: Vec::new(),
            begun: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Room for a message of `size` bytes; hashes what waits if there is not enough.
    pub(crate) fn room(&mut self, size: usize) -> &mut [u8] {
        let (bytes, used) = self.tail(size);
        if bytes.len() < used + size {
            bytes.resize((used + size).max(BATCH), 0);
        }
        &mut bytes[used..used + size]
    }

    /// The same for who makes room as it turns out: the message is to be written from the place on.
    pub(crate) fn tail(&mut self, size: usize) -> (&mut Vec<u8>, usize) {
        let full = self.used + size > BATCH || self.messages.len() >= MESSAGES;
        // Hashing those that have been kept, without any others, would only put them through few lanes.
        if full && self.messages.len() > self.begun.len() {
            self.hash(false);
        }
        (&mut self.bytes, self.used)
    }

    /// The first `size` bytes of the room.
    pub(crate) fn last(&self, size: usize) -> &[u8] {
        &self.bytes[self.used..self.used + size]
    }

    /// Makes a message of the first `size` bytes of the room.
    pub(crate) fn push(&mut self, size: usize, tag: T) {
        let start = self.used;
        self.used += size;
        self.messages.push(Message { start, end: self.used, tag });
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
        self.used = 0;
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
            kept = work.suspend(LEAST_KEPT, MOST_KEPT);
        }
        self.kernel.finish(&mut work);
        // By their places, so that moving one to the front does not overwrite the next.
        kept.sort_by_key(|&(place, ..)| place);

        let lengths: Vec<u64> = kept
            .iter()
            .map(|&(place, ..)| match self.begun.get(place) {
                Some(&(length, _)) => length,
                None => messages[place].len() as u64,
            })
            .collect();
        self.begun.clear();
        self.used = 0;
        let mut next = kept.into_iter().zip(lengths).peekable();
        let waiting = std::mem::take(&mut self.messages);
        for ((at, message), digest) in waiting.into_iter().enumerate().zip(digests) {
            match next.next_if(|((place, ..), _)| *place == at) {
                None => self.done.push((message.tag, digest)),
                Some(((_, state, blocks), length)) => {
                    let start = message.end - 64 * blocks - (length % 64) as usize;
                    self.bytes.copy_within(start..message.end, self.used);
                    self.begun.push((length, state));
                    self.push(message.end - start, message.tag);
                }
            }
        }
    }
}
