//! A deflate stream as bits.

use super::table::Unusual;

/// The bits of a stream, the next one lowest.
pub(super) struct Bits<'a> {
    pub input: &'a [u8],
    /// Where the stream ends in `input`.  What follows may be read, and whether it was taken is looked at
    /// later: [`Bits::overrun`].
    pub end: usize,
    pub at: usize,
    pub bits: u64,
    /// How many of `bits` are taken from before `at`.  What is above them may be what follows, or is zero.
    pub count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(input: &'a [u8], end: usize) -> Bits<'a> {
        Bits { input, end, at: 0, bits: 0, count: 0 }
    }

    /// Has at least 56 bits, or all that is left.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some(word) = self.input.get(self.at..).and_then(<[u8]>::first_chunk) {
            self.bits |= u64::from_le_bytes(*word) << self.count;
            self.at += ((63 - self.count) >> 3) as usize;
            self.count |= 56;
            return;
        }
        self.refill_at_end();
    }

    #[cold]
    fn refill_at_end(&mut self) {
        while self.count < 56
            && let Some(&byte) = self.input.get(self.at)
        {
            // The byte may be there already, above the count.
            self.bits |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// Takes bits that are known to be there.
    #[inline(always)]
    pub(super) fn skip(&mut self, n: u32) {
        self.bits >>= n;
        self.count -= n;
    }

    /// Takes `n` bits, at most 16.
    pub(super) fn take(&mut self, n: u32) -> Result<usize, Unusual> {
        if self.count < n {
            self.refill();
        }
        let bits = self.bits & ((1 << n) - 1);
        self.try_skip(n)?;
        Ok(bits as usize)
    }

    #[inline(always)]
    pub(super) fn try_skip(&mut self, n: u32) -> Result<(), Unusual> {
        if self.count < n {
            return Err(Unusual);
        }
        self.skip(n);
        Ok(())
    }

    /// Gives back what has been read too far, but for the rest of a byte.
    pub(super) fn give_back(&mut self) {
        self.at -= (self.count / 8) as usize;
        self.count %= 8;
        self.bits &= (1 << self.count) - 1;
    }

    /// Goes to the next byte.
    pub(super) fn align(&mut self) {
        self.give_back();
        (self.bits, self.count) = (0, 0);
    }

    /// Takes so many bytes, after [`Bits::align`].
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Unusual> {
        let bytes = self.input.get(self.at..self.at + count).ok_or(Unusual)?;
        self.at += count;
        Ok(bytes)
    }

    /// Whether bits behind the end have been taken.
    pub(super) fn overrun(&self) -> bool {
        self.at * 8 > self.end * 8 + self.count as usize
    }
}
