//! A deflate stream as bits, where there is always enough of it.
#![allow(unsafe_code)]

use super::bits::Bits;
use super::table::takes;

/// As [`Bits`], for where there is always more of the stream; of `count` only the lowest six bits count, so
/// that a whole entry can be subtracted from it.
pub(super) struct FastBits {
    /// What has not been read.
    pub(super) next: *const u8,
    pub(super) bits: u64,
    pub(super) count: u32,
}

impl FastBits {
    /// Goes on where `stream` is, with at least 56 bits.
    ///
    /// # Panics
    ///
    /// Where there are fewer than 8 bytes more.
    #[inline(always)]
    pub(super) fn begin(stream: &Bits<'_>) -> FastBits {
        let next = stream.input[stream.at..][..8].as_ptr();
        let mut bits = FastBits { next, bits: stream.bits, count: stream.count };
        // SAFETY: there are 8 bytes, or the line above had panicked.
        unsafe { bits.refill() };
        bits
    }

    /// Lets `stream` go on from here.
    #[inline(always)]
    pub(super) fn end(self, stream: &mut Bits<'_>) {
        stream.at = self.next.addr() - stream.input.as_ptr().addr();
        (stream.bits, stream.count) = (self.bits, self.count & 63);
    }

    /// Has at least 56 bits.
    ///
    /// # Safety
    ///
    /// There are 8 bytes of the input from `next` on.
    #[inline(always)]
    pub(super) unsafe fn refill(&mut self) {
        // SAFETY: the caller says that so much is there.
        unsafe {
            let word = self.next.cast::<[u8; 8]>().read();
            self.bits |= u64::from_le_bytes(word) << (self.count & 63);
            self.next = self.next.add(((!self.count & 63) >> 3) as usize);
        }
        self.count |= 56;
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, n: u32) {
        self.bits >>= n;
        self.count = self.count.wrapping_sub(n);
    }

    /// Takes the bits of an entry.
    #[inline(always)]
    pub(super) fn skip_entry(&mut self, entry: u32) {
        self.bits >>= takes(entry);
        self.count = self.count.wrapping_sub(entry);
    }
}
