//! The inner loop of inflating.
//!
//! It is compiled twice for x86-64: most of it is shifts by a number of bits that is found out only then, and
//! with BMI2 these take one step instead of three.
#![allow(unsafe_code)]

use super::bits::Bits;
use super::fast::{DISTANCE_ROOT, LITERAL_ROOT, Tables};
use super::table::{END, INVALID, LITERAL, SPECIAL, Unusual, takes, value, with_extra};

/// The most that one turn writes, and what copying a match may write too far: two entries of two literals,
/// the longest match, and a last piece of 32 bytes of which only one is needed.
pub(super) const TURN_OUTPUT: usize = 4 + 258 + 40;
/// The most that one turn reads: a word at each of two refills, of which the first takes up to 7 bytes.
pub(super) const TURN_INPUT: usize = 2 * 8;

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the end of the block.
    Block,
    /// There is too little input for another turn.
    Input,
    /// There is too little room for another turn.
    Output,
}

/// Decodes a block to `output` from `at` on, until it ends or there is not enough for another turn.  Says why it
/// ended and where in the output.
#[inline]
pub(super) fn turns(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("avx2")
    {
        // SAFETY: the processor has the features.
        return unsafe { turns_with_bmi2(tables, bits, output, at) };
    }
    run(tables, bits, output, at)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,avx2")]
fn turns_with_bmi2(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    run(tables, bits, output, at)
}

/// As [`Bits`], for where there is always more of the stream; of `count` only the lowest six bits count, so
/// that a whole entry can be subtracted from it.
struct FastBits {
    next: *const u8,
    bits: u64,
    count: u32,
}

impl FastBits {
    /// Has at least 56 bits.
    ///
    /// # Safety
    ///
    /// There are 8 bytes of the input from `next` on.
    #[inline(always)]
    unsafe fn refill(&mut self) {
        // SAFETY: the caller says that so much is there.
        unsafe {
            let word = self.next.cast::<[u8; 8]>().read();
            self.bits |= u64::from_le_bytes(word) << (self.count & 63);
            self.next = self.next.add(((!self.count & 63) >> 3) as usize);
        }
        self.count |= 56;
    }

    #[inline(always)]
    fn skip(&mut self, n: u32) {
        self.bits >>= n;
        self.count = self.count.wrapping_sub(n);
    }

    /// Takes the bits of an entry.
    #[inline(always)]
    fn skip_entry(&mut self, entry: u32) {
        self.bits >>= takes(entry);
        self.count = self.count.wrapping_sub(entry);
    }
}

/// As [`turns`].  A turn decodes up to three entries of literals, or up to two and a match.  What the next turn
/// begins with is looked up before a match is copied, so that neither waits for the other.
#[inline(always)]
fn run(
    tables: &Tables,
    of_stream: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    let Some(last_input) = of_stream.input.len().checked_sub(TURN_INPUT) else {
        return Ok((Stop::Input, at));
    };
    let Some(last_output) = output.len().checked_sub(TURN_OUTPUT) else { return Ok((Stop::Output, at)) };
    if of_stream.at > last_input {
        return Ok((Stop::Input, at));
    }
    if at > last_output {
        return Ok((Stop::Output, at));
    }
    let input = of_stream.input.as_ptr_range();
    let begin = output.as_mut_ptr();
    // SAFETY: all four are in their slices, as has just been looked at.
    let (last_input, last_output, mut to, next) = unsafe {
        (input.start.add(last_input), begin.add(last_output), begin.add(at), input.start.add(of_stream.at))
    };
    // A copy of this function's own can lie in registers.
    let mut bits = FastBits { next, bits: of_stream.bits, count: of_stream.count };
    // SAFETY: from `last_input` on there are 16 bytes.
    unsafe { bits.refill() };
    let mut entry = tables.literals.root(bits.bits);
    // Before each turn there are at least 56 bits, and `entry` is looked up and not yet taken.
    let stop = loop {
        if bits.next > last_input {
            break Stop::Input;
        }
        if to > last_output {
            break Stop::Output;
        }
        if entry & LITERAL != 0 {
            // Literals of the root have at most 11 bits: three entries leave 23.
            bits.skip_entry(entry);
            // SAFETY: the turn's first bytes, of at least TURN_OUTPUT.
            unsafe { put_literal(&mut to, entry) };
            entry = tables.literals.root(bits.bits);
            if entry & LITERAL != 0 {
                bits.skip_entry(entry);
                // SAFETY: at most the turn's third and fourth.
                unsafe { put_literal(&mut to, entry) };
                entry = tables.literals.root(bits.bits);
                if entry & LITERAL != 0 {
                    bits.skip_entry(entry);
                    // SAFETY: at most the turn's fifth and sixth.
                    unsafe { put_literal(&mut to, entry) };
                    // What is looked up may be of no more than 23 bits, which are enough.
                    entry = tables.literals.root(bits.bits);
                    // SAFETY: the turn's first refill: `next` is not beyond `last_input`.
                    unsafe { bits.refill() };
                    continue;
                }
            }
        }
        // There are at least 34 bits; a length takes at most 20.
        if entry & SPECIAL != 0 {
            if entry & (END | INVALID) == 0 {
                bits.skip(LITERAL_ROOT);
                entry = tables.literals.sub(entry, bits.bits);
            }
            if entry & LITERAL != 0 {
                bits.skip_entry(entry);
                // SAFETY: as of the third literal.
                unsafe { put_literal(&mut to, entry) };
                entry = tables.literals.root(bits.bits);
                // SAFETY: the turn's first refill.
                unsafe { bits.refill() };
                continue;
            }
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
            if entry & END != 0 {
                bits.skip_entry(entry);
                break Stop::Block;
            }
        }
        let length = with_extra(entry, bits.bits);
        bits.skip_entry(entry);
        // There are at least 14 bits: looking up does not wait for the refill.
        entry = tables.distances.root(bits.bits);
        // SAFETY: the turn's first refill.
        unsafe { bits.refill() };
        if entry & SPECIAL != 0 {
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
            bits.skip(DISTANCE_ROOT);
            entry = tables.distances.sub(entry, bits.bits);
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
        }
        let distance = with_extra(entry, bits.bits);
        bits.skip_entry(entry);
        if distance > to.addr() - begin.addr() {
            return Err(Unusual);
        }
        // A distance takes at most 28 bits.
        entry = tables.literals.root(bits.bits);
        // SAFETY: the turn's second refill; the first has moved on by at most 7 of the 16 bytes.
        unsafe { bits.refill() };
        // SAFETY: `distance` is 1 or more, and no more than there is; of the TURN_OUTPUT bytes that were there, up
        // to four have been used for literals.
        unsafe {
            copy_match(to, distance, length);
            to = to.add(length);
        }
    };
    of_stream.at = bits.next.addr() - input.start.addr();
    (of_stream.bits, of_stream.count) = (bits.bits, bits.count & 63);
    Ok((stop, to.addr() - begin.addr()))
}

/// Writes the literals of an entry, and moves on.
///
/// # Safety
///
/// There are two bytes at `to`.
#[inline(always)]
unsafe fn put_literal(to: &mut *mut u8, entry: u32) {
    // SAFETY: the caller says that so much is there.
    unsafe {
        to.write(value(entry) as u8);
        *to = to.add(1);
    }
}

/// Copies a match to `to`.
///
/// # Safety
///
/// There are `distance` bytes before `to`, one at least, and `length` + 32 from `to` on, of which those behind the
/// match may be overwritten.  `length` is at most 258.
#[inline(always)]
unsafe fn copy_match(mut to: *mut u8, distance: usize, length: usize) {
    // SAFETY: every write begins before `to + length` and has at most 32 bytes; every read begins at least
    // `distance` bytes, 16 or 8 or `step` as it says, before its write.
    unsafe {
        let end = to.add(length);
        let mut from = to.sub(distance).cast_const();
        if distance < 8 {
            return copy_near(from, to, end, distance);
        }
        // Most matches are no longer than this; words, because what has been written in small pieces just before
        // is read late.
        for word in 0..5 {
            copy::<8>(from.add(8 * word), to.add(8 * word));
        }
        while to.add(40) < end {
            from = from.add(40);
            to = to.add(40);
            for word in 0..5 {
                copy::<8>(from.add(8 * word), to.add(8 * word));
            }
        }
    }
}

/// Copies a match that is less than a word away: as [`copy_match`].
#[inline(always)]
unsafe fn copy_near(mut from: *const u8, mut to: *mut u8, end: *mut u8, distance: usize) {
    // SAFETY: as there.
    unsafe {
        if distance == 1 {
            let bytes = [from.read(); 16];
            while to < end {
                to.cast::<[u8; 16]>().write(bytes);
                to = to.add(16);
            }
        } else {
            // Of the eight bytes as many as the distance are those of the match; the rest is overwritten.
            while to < end {
                copy::<8>(from, to);
                from = from.add(distance);
                to = to.add(distance);
            }
        }
    }
}

/// Copies `N` bytes, all of them read before one is written.
///
/// # Safety
///
/// There are `N` bytes at both places.
#[inline(always)]
unsafe fn copy<const N: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: the caller says that so much is there; arrays of bytes have no alignment.
    unsafe { to.cast::<[u8; N]>().write(from.cast::<[u8; N]>().read()) }
}
