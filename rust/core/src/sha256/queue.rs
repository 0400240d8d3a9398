//! Messages that come one after the other and are hashed together.

use std::mem;

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
///
/// Others are lent: they are in memory of the caller's, and hashed when that wants it back.  What is kept of
/// those is copied.
pub(crate) struct Queue<T> {
    kernel: Kernel,
    room: usize,
    /// The messages' bytes.
    bytes: Vec<u8>,
    /// Where the next message goes.
    place: usize,
    /// Those that are kept come first, those of them in `bytes` by their places.
    messages: Vec<Message<T>>,
    /// Of each that is kept: its length as a whole, and its state.
    begun: Vec<(u64, [u32; 8])>,
    lent: Vec<Lent<T>>,
    /// What is kept of such as were lent, among what is not wanted any more.
    copies: Vec<u8>,
    done: Vec<(T, Digest)>,
}

struct Message<T> {
    at: Place,
    tag: T,
}

/// Where what is left of a message is.
enum Place {
    /// In [`Queue::bytes`].
    Room { start: usize, end: usize },
    /// In [`Queue::copies`].
    Copy { start: usize, end: usize },
}

/// A message of `size` bytes that the caller knows by a number.
struct Lent<T> {
    number: usize,
    size: usize,
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
            lent: Vec::new(),
            copies: Vec::new(),
            done: Vec::new(),
        }
    }

    /// By this kernel and with so much room.
    #[cfg(test)]
    pub(super) fn with_room_and(kernel: Kernel, room: usize) -> Queue<T> {
        Queue { room, ..Queue::with_kernel(kernel) }
    }

    /// How many bytes of what was lent are kept, and for how many there is room.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> (usize, usize) {
        let kept = |message: &Message<T>| match message.at {
            Place::Copy { start, end } => end - start,
            Place::Room { .. } => 0,
        };
        (self.messages.iter().map(kept).sum(), self.copies.capacity())
    }

    /// Room for a message of `size` bytes; hashes what waits if there is not enough.
    pub(crate) fn room(&mut self, size: usize) -> &mut [u8] {
        if self.messages.len() >= MESSAGES || !self.find_room(size) {
            self.hash(&[], Some(LEAST_KEPT));
            if !self.find_room(size) {
                self.hash(&[], None);
            }
        }
        let end = self.place + size;
        if self.bytes.len() < end {
            memory::need(end.max(self.room));
            // What is not zero yet need not be touched.
            let bytes = mem::replace(&mut self.bytes, vec![0; end.max(self.room)]);
            self.bytes[..bytes.len()].copy_from_slice(&bytes);
        }
        &mut self.bytes[self.place..end]
    }

    /// Goes to the next place where so many bytes fit between the messages that are kept; false if there is
    /// none.
    fn find_room(&mut self, size: usize) -> bool {
        for kept in &self.messages[..self.begun.len()] {
            let Place::Room { start, end } = kept.at else { continue };
            if self.place + size <= start {
                return true;
            }
            self.place = self.place.max(end);
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
        self.messages.push(Message { at: Place::Room { start, end: self.place }, tag });
    }

    /// Takes a message of `size` bytes that is in memory of the caller's, until [`Queue::hash_lent`].
    pub(crate) fn lend(&mut self, number: usize, size: usize, tag: T) {
        self.lent.push(Lent { number, size, tag });
    }

    /// Hashes what has been lent, where `content` has the bytes of a number, and maybe more behind them.  Of a
    /// few messages that are not through a copy is kept of what is left: nothing stays lent.
    pub(crate) fn hash_lent<'c>(&mut self, content: impl Fn(usize) -> &'c [u8]) {
        if self.lent.is_empty() {
            return;
        }
        let contents: Vec<&[u8]> = self.lent.iter().map(|lent| &content(lent.number)[..lent.size]).collect();
        // However little is left: there is no end to few messages at a time.
        self.hash(&contents, Some(1));
    }

    /// Hashes all that waits; nothing may be lent.
    pub(crate) fn finish(&mut self) {
        debug_assert!(self.lent.is_empty());
        self.hash(&[], None);
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
        self.lent.clear();
        self.copies.clear();
        self.done.clear();
    }

    /// Hashes the messages, and those that are lent and given here.  With `keep` some are kept that have so
    /// many whole blocks left; without, none.
    fn hash(&mut self, lent: &[&[u8]], keep: Option<usize>) {
        let waiting = self.messages.iter().map(|message| match message.at {
            Place::Room { start, end } => &self.bytes[start..end],
            Place::Copy { start, end } => &self.copies[start..end],
        });
        let contents: Vec<&[u8]> = waiting.chain(lent.iter().copied()).collect();
        let mut digests = vec![[0; 32]; contents.len()];
        let mut work = Work::resume(&contents, &mut digests, &self.begun, self.kernel.lanes());
        let mut left = Vec::new();
        if let Some(least) = keep {
            self.kernel.while_many(&mut work);
            left = work.suspend(least, self.most_kept() / 64);
        }
        self.kernel.finish(&mut work);
        timings::lap(Stage::Hash);
        left.sort_by_key(|&(place, ..)| place);
        let mut left = left.into_iter().peekable();
        let mut digests = digests.into_iter().enumerate();
        let mut kept = Vec::new();
        for (mut message, (place, digest)) in self.messages.drain(..).zip(&mut digests) {
            let Some((_, state, blocks)) = left.next_if(|left| left.0 == place) else {
                self.done.push((message.tag, digest));
                continue;
            };
            let length = match self.begun.get(place) {
                Some(&(length, _)) => length,
                None => message.at.len() as u64,
            };
            message.at.keep_last(bytes_left(blocks, length));
            kept.push((message, (length, state)));
        }
        let among: usize = left.clone().map(|(.., blocks)| (blocks + 1) * 64).sum();
        self.make_room_for_copies(among, &mut kept);
        for ((message, content), (place, digest)) in self.lent.drain(..lent.len()).zip(lent).zip(digests) {
            let Some((_, state, blocks)) = left.next_if(|left| left.0 == place) else {
                self.done.push((message.tag, digest));
                continue;
            };
            let length = content.len() as u64;
            let start = self.copies.len();
            self.copies.extend_from_slice(&content[content.len() - bytes_left(blocks, length)..]);
            let at = Place::Copy { start, end: self.copies.len() };
            kept.push((Message { at, tag: message.tag }, (length, state)));
        }
        kept.sort_by_key(|(message, _)| message.at.in_room());
        self.place = 0;
        (self.messages, self.begun) = kept.into_iter().unzip();
    }

    /// How many bytes of whole blocks may be kept.
    fn most_kept(&self) -> usize {
        self.room / 2
    }

    /// Makes room for so many bytes behind the copies, of which only those of `kept` are still wanted.
    fn make_room_for_copies<B>(&mut self, bytes: usize, kept: &mut [(Message<T>, B)]) {
        if bytes == 0 {
            return;
        }
        if self.copies.capacity() == 0 {
            // For all times: all whole blocks that may be kept, and what is behind those of each lane.
            let most = self.most_kept() + 64 * self.kernel.lanes();
            memory::need(most);
            self.copies.reserve_exact(most);
        }
        if self.copies.capacity() - self.copies.len() >= bytes {
            return;
        }
        let places = kept.iter_mut().filter_map(|(message, _)| match &mut message.at {
            Place::Copy { start, end } => Some((start, end)),
            Place::Room { .. } => None,
        });
        let mut places: Vec<_> = places.collect();
        places.sort_by_key(|(start, _)| **start);
        let mut front = 0;
        for (start, end) in places {
            self.copies.copy_within(*start..*end, front);
            (*start, *end) = (front, front + *end - *start);
            front = *end;
        }
        self.copies.truncate(front);
    }
}

impl Place {
    fn len(&self) -> usize {
        let (Place::Room { start, end } | Place::Copy { start, end }) = self;
        end - start
    }

    /// Leaves all but the last `bytes` behind.
    fn keep_last(&mut self, bytes: usize) {
        let (Place::Room { start, end } | Place::Copy { start, end }) = self;
        *start = *end - bytes;
    }

    /// Where it begins in [`Queue::bytes`]; before all others if it is not there.
    fn in_room(&self) -> usize {
        match self {
            Place::Room { start, .. } => *start,
            Place::Copy { .. } => 0,
        }
    }
}

/// What is left of a message of `length` bytes when so many whole blocks are.
fn bytes_left(blocks: usize, length: u64) -> usize {
    64 * blocks + (length % 64) as usize
}
