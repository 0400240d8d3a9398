//! The inner loop of inflating.
//!
//! It is compiled twice for x86-64: most of it is shifts by a number of bits that is found out only then,
//! and with BMI2 these take one step instead of three.
#![allow(unsafe_code)]

use super::bits::Bits;
use super::fast::{DISTANCE_ROOT, LITERAL_ROOT, Tables};
use super::fast_bits::FastBits;
use super::table::{END, INVALID, LITERAL, SPECIAL, Unusual, value, with_extra};

/// The most that one turn writes, and what copying a match may write too far: two literals, the longest
/// match, and a last piece of 64 bytes of which only one is needed.  Where a stream is only compared, a turn
/// has three literals.
pub(super) const TURN_OUTPUT: usize = 3 + 258 + PIECE;
/// Matches are copied in pieces of so many bytes.  Most are much shorter, but to find that out takes longer.
const PIECE: usize = 64;
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

/// Decodes a block to `output` from `at` on, until it ends or there is not enough for another turn.  Says why
/// it ended and where in the output.
#[inline]
pub(super) fn turns(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    #[cfg(target_arch = "x86_64")]
    if has_bmi2() {
        // SAFETY: the processor has the features.
        return unsafe { turns_with_bmi2(tables, bits, output, at) };
    }
    run(tables, bits, output, at)
}

/// Whether the processor has what the loops are compiled for a second time; all that have BMI2 have AVX2.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn has_bmi2() -> bool {
    is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("avx2")
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

/// As [`turns`].  A turn decodes up to three literals, or up to two and a match.  An entry is taken before it
/// is known what it is, and what the next turn begins with is looked up before a match is copied, so that
/// neither waits for the other.
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
    // A copy of this function's own can lie in registers.
    let mut bits = FastBits::begin(of_stream);
    let begin = output.as_mut_ptr();
    // SAFETY: all three are in their slices, as has just been looked at.
    let (last_input, last_output, mut to) =
        unsafe { (of_stream.input.as_ptr().add(last_input), begin.add(last_output), begin.add(at)) };
    let mut entry = tables.literals.root(bits.bits);
    // Before each turn there are at least 56 bits, and `entry` is looked up and not yet taken.
    let stop = loop {
        if bits.next > last_input {
            break Stop::Input;
        }
        if to > last_output {
            break Stop::Output;
        }
        let mut whole = bits.bits;
        bits.skip_entry(entry);
        if entry & LITERAL != 0 {
            // Literals of the root have at most 11 bits: three of them leave 23.
            let literal = entry;
            entry = tables.literals.root(bits.bits);
            whole = bits.bits;
            bits.skip_entry(entry);
            // SAFETY: the turn's first byte, of at least TURN_OUTPUT.
            unsafe { put_literal(&mut to, literal) };
            if entry & LITERAL != 0 {
                let literal = entry;
                entry = tables.literals.root(bits.bits);
                whole = bits.bits;
                bits.skip_entry(entry);
                // SAFETY: the turn's second byte.
                unsafe { put_literal(&mut to, literal) };
                if entry & LITERAL != 0 {
                    let literal = entry;
                    // What is looked up may be of no more than 23 bits, which are enough.
                    entry = tables.literals.root(bits.bits);
                    // SAFETY: the turn's first refill: `next` is not beyond `last_input`; its third byte.
                    unsafe {
                        bits.refill();
                        put_literal(&mut to, literal);
                    }
                    continue;
                }
            }
        }
        // There are at least 34 bits with the entry; a length takes at most 20.
        if entry & SPECIAL != 0 {
            if entry & (END | INVALID) == 0 {
                entry = tables.literals.sub(entry, bits.bits);
                whole = bits.bits;
                bits.skip_entry(entry);
            }
            if entry & LITERAL != 0 {
                let literal = entry;
                entry = tables.literals.root(bits.bits);
                // SAFETY: the turn's first refill; its third byte.
                unsafe {
                    bits.refill();
                    put_literal(&mut to, literal);
                }
                continue;
            }
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
            if entry & END != 0 {
                break Stop::Block;
            }
        }
        let length = with_extra(entry, whole);
        // There are at least 14 bits: looking up does not wait for the refill.
        entry = tables.distances.root(bits.bits);
        // A distance takes at most 28 bits, and then 11 are looked at.
        if bits.count & 63 < 28 + LITERAL_ROOT {
            // SAFETY: the turn's first refill: `next` is not beyond `last_input`.
            unsafe { bits.refill() };
        }
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
        entry = tables.literals.root(bits.bits);
        // SAFETY: the turn's second refill; the first has moved on by at most 7 of the 16 bytes.
        unsafe { bits.refill() };
        // SAFETY: `distance` is 1 or more, and no more than there is; of the TURN_OUTPUT bytes that were
        // there, up to two have been used for literals.
        unsafe {
            copy_match(to, distance, length);
            to = to.add(length);
        }
    };
    bits.end(of_stream);
    Ok((stop, to.addr() - begin.addr()))
}

/// Writes the literal of an entry, and moves on.
///
/// # Safety
///
/// There is a byte at `to`.
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
/// There are `distance` bytes before `to`, one at least, and `length` + [`PIECE`] from `to` on, of which
/// those behind the match may be overwritten.
#[inline(always)]
unsafe fn copy_match(mut to: *mut u8, distance: usize, length: usize) {
    // SAFETY: every piece begins before `to + length`, and every word is read at least a word, `distance`,
    // before where it is written.
    unsafe {
        let end = to.add(length);
        let mut from = to.sub(distance).cast_const();
        if distance < 8 {
            return copy_near(from, to, end, distance);
        }
        copy_piece(from, to);
        while to.add(PIECE) < end {
            from = from.add(PIECE);
            to = to.add(PIECE);
            copy_piece(from, to);
        }
    }
}

/// Copies [`PIECE`] bytes by words: where several small writes have just been, reading more at once waits for
/// all of them.
///
/// # Safety
///
/// There are as many at both places, which are 8 apart at least.
#[inline(always)]
unsafe fn copy_piece(from: *const u8, to: *mut u8) {
    for word in 0..PIECE / 8 {
        // SAFETY: the caller says that so much is there.
        unsafe { copy::<8>(from.add(8 * word), to.add(8 * word)) };
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
