//! The inner loop of comparing a stream with a content that is there already.
//!
//! It goes through the stream as if it decoded it, but writes nothing.  As it is known what a literal must
//! be, and so how many bits it must take, the next one need not wait until the first has been looked up.
#![allow(unsafe_code)]

use super::bits::Bits;
use super::fast::{DISTANCE_ROOT, LITERAL_ROOT, Tables};
use super::fast_bits::FastBits;
use super::table::{END, INVALID, LITERAL, SPECIAL, Unusual, value, with_extra};
#[cfg(target_arch = "x86_64")]
use super::turns::has_bmi2;
use super::turns::{Stop, TURN_INPUT, TURN_OUTPUT};

/// How matches are compared: in pieces of so many bytes.
trait Piece {
    const BYTES: usize;

    /// Whether the first `length` bytes are the same at both places, or all of a piece where that is more.
    ///
    /// # Safety
    ///
    /// There is a piece at both, and the processor can compare it.
    unsafe fn is_same(from: *const u8, to: *const u8, length: usize) -> bool;
}

/// With what every processor has.
struct Short;
/// With AVX-512, a whole line of the cache: it takes one step, and few matches are longer.
#[cfg(target_arch = "x86_64")]
struct Wide;

/// Goes through a block as [`super::turns::turns`] does, and gives up where it does not go on with `content`
/// from `at` on.  What is in `content` behind the end of the block may be anything.
#[inline]
pub(super) fn known_turns(
    tables: &Tables,
    bits: &mut Bits<'_>,
    content: &[u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    #[cfg(target_arch = "x86_64")]
    if has_bmi2() {
        // SAFETY: the processor has the features.
        return unsafe {
            if is_x86_feature_detected!("avx512bw") {
                known_turns_with_avx512(tables, bits, content, at)
            } else {
                known_turns_with_bmi2(tables, bits, content, at)
            }
        };
    }
    // SAFETY: every processor has what this takes.
    unsafe { run::<Short>(tables, bits, content, at) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,avx512bw")]
fn known_turns_with_avx512(
    tables: &Tables,
    bits: &mut Bits<'_>,
    content: &[u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    // SAFETY: the processor has AVX-512BW.
    unsafe { run::<Wide>(tables, bits, content, at) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2,avx2")]
fn known_turns_with_bmi2(
    tables: &Tables,
    bits: &mut Bits<'_>,
    content: &[u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    // SAFETY: every processor has what this takes.
    unsafe { run::<Short>(tables, bits, content, at) }
}

/// The loop.
///
/// # Safety
///
/// The processor can compare pieces so.
#[inline(always)]
unsafe fn run<P: Piece>(
    tables: &Tables,
    of_stream: &mut Bits<'_>,
    content: &[u8],
    at: usize,
) -> Result<(Stop, usize), Unusual> {
    // Four literals, or three and the longest match, and what is read behind it.
    const { assert!(3 + 258 + P::BYTES <= TURN_OUTPUT) };
    let Some(last_input) = of_stream.input.len().checked_sub(TURN_INPUT) else {
        return Ok((Stop::Input, at));
    };
    let Some(last_output) = content.len().checked_sub(TURN_OUTPUT) else { return Ok((Stop::Output, at)) };
    if of_stream.at > last_input {
        return Ok((Stop::Input, at));
    }
    if at > last_output {
        return Ok((Stop::Output, at));
    }
    // Copies of this function's own can lie in registers, or near them.
    let literals = tables.literal_entries;
    let mut bits = FastBits::begin(of_stream);
    let begin = content.as_ptr();
    // SAFETY: all three are in their slices, as has just been looked at.
    let (last_input, last_content, mut to) =
        unsafe { (of_stream.input.as_ptr().add(last_input), begin.add(last_output), begin.add(at)) };
    let mut entry = tables.literals.root(bits.bits);
    // Before each turn there are at least 56 bits, and `entry` is looked up and not yet taken.
    let stop = loop {
        if bits.next > last_input {
            break Stop::Input;
        }
        if to > last_content {
            break Stop::Output;
        }
        // SAFETY: of one of the first four of at least TURN_OUTPUT bytes.
        let literal_at = |place| literals[usize::from(unsafe { to.add(place).read() })];
        // Literals of the root have at most 11 bits: four of them leave 12.
        let literal = literal_at(0);
        if entry == unrelated(literal) {
            bits.skip_entry(literal);
            entry = tables.literals.root(bits.bits);
            let literal = literal_at(1);
            if entry == unrelated(literal) {
                bits.skip_entry(literal);
                entry = tables.literals.root(bits.bits);
                let literal = literal_at(2);
                if entry == unrelated(literal) {
                    bits.skip_entry(literal);
                    entry = tables.literals.root(bits.bits);
                    let literal = literal_at(3);
                    if entry == unrelated(literal) {
                        bits.skip_entry(literal);
                        entry = tables.literals.root(bits.bits);
                        // SAFETY: the turn's first refill: `next` is not beyond `last_input`; four bytes.
                        unsafe {
                            bits.refill();
                            to = to.add(4);
                        }
                        continue;
                    }
                    // SAFETY: three of the turn's bytes.
                    to = unsafe { to.add(3) };
                } else {
                    // SAFETY: two of the turn's bytes.
                    to = unsafe { to.add(2) };
                }
            } else {
                // SAFETY: one of the turn's bytes.
                to = unsafe { to.add(1) };
            }
        }
        // There are at least 23 bits; a length takes at most 20.
        if entry & (SPECIAL | LITERAL) != 0 {
            // A literal here is another one.
            if entry & (INVALID | LITERAL) != 0 {
                return Err(Unusual);
            }
            if entry & END == 0 {
                bits.skip(LITERAL_ROOT);
                entry = tables.literals.sub(entry, bits.bits);
            }
            if entry & LITERAL != 0 {
                // SAFETY: the turn's fourth byte at most, and its first refill.
                unsafe {
                    if value(entry) != usize::from(to.read()) {
                        return Err(Unusual);
                    }
                    to = to.add(1);
                    bits.skip_entry(entry);
                    entry = tables.literals.root(bits.bits);
                    bits.refill();
                }
                continue;
            }
            if entry & SPECIAL != 0 {
                if entry & END == 0 {
                    return Err(Unusual);
                }
                bits.skip_entry(entry);
                break Stop::Block;
            }
        }
        let length = with_extra(entry, bits.bits);
        bits.skip_entry(entry);
        // All 64 bits are of the stream after a refill, not only those that are counted: up to 53 have been
        // taken, and looking up does not wait for the next one.
        entry = tables.distances.root(bits.bits);
        // SAFETY: the turn's first refill: `next` is not beyond `last_input`.
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
        // A distance takes at most 28 of 56 bits.
        entry = tables.literals.root(bits.bits);
        // SAFETY: the turn's second refill; the first has moved on by at most 7 of the 16 bytes.
        unsafe { bits.refill() };
        // SAFETY: `distance` is no more than there is; of the TURN_OUTPUT bytes that were there, up to three
        // have been literals.
        unsafe {
            if !is_match::<P>(to, distance, length) {
                return Err(Unusual);
            }
            to = to.add(length);
        }
    };
    bits.end(of_stream);
    Ok((stop, to.addr() - begin.addr()))
}

/// The same, of which the compiler does not know that it is the same.  Else it takes the bits of the entry
/// that has been looked up, which is equal and comes later, for those of the literal.
#[inline(always)]
fn unrelated(entry: u32) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let mut entry = entry;
        // SAFETY: there is no instruction in it.
        unsafe {
            std::arch::asm!("/* {0:e} */", inout(reg) entry, options(pure, nomem, nostack, preserves_flags));
        }
        entry
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    entry
}

/// Whether there are the same `length` bytes at `to` as `distance` before.
///
/// # Safety
///
/// There are `distance` bytes before `to`, and `length` and a piece from `to` on, and the processor can compare
/// pieces so.
#[inline(always)]
unsafe fn is_match<P: Piece>(to: *const u8, distance: usize, length: usize) -> bool {
    // SAFETY: every piece begins before `to + length`.
    unsafe {
        let from = to.sub(distance);
        let mut at = 0;
        loop {
            if !P::is_same(from.add(at), to.add(at), length - at) {
                return false;
            }
            at += P::BYTES;
            if at >= length {
                return true;
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Piece for Short {
    const BYTES: usize = 32;

    #[inline(always)]
    unsafe fn is_same(from: *const u8, to: *const u8, length: usize) -> bool {
        use std::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8};
        // A bit for each byte.
        let mut same = 0;
        for half in [0, 1] {
            // SAFETY: the caller says that so much is there; every x86-64 has SSE2.
            same |= unsafe {
                let [from, to] = [from, to].map(|at| _mm_loadu_si128(at.cast::<__m128i>().add(half)));
                _mm_movemask_epi8(_mm_cmpeq_epi8(from, to)).cast_unsigned() << (16 * half)
            };
        }
        same | u32::MAX.unbounded_shl(length as u32) == u32::MAX
    }
}

#[cfg(target_arch = "x86_64")]
impl Piece for Wide {
    const BYTES: usize = 64;

    #[inline(always)]
    unsafe fn is_same(from: *const u8, to: *const u8, length: usize) -> bool {
        use std::arch::x86_64::{_mm512_loadu_si512, _mm512_mask_cmpneq_epi8_mask};
        let within = !u64::MAX.unbounded_shl(length as u32);
        // SAFETY: the caller says that so much is there, and that the processor has AVX-512BW.
        let other = unsafe {
            let (from, to) = (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(to.cast()));
            _mm512_mask_cmpneq_epi8_mask(within, from, to)
        };
        other == 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Piece for Short {
    const BYTES: usize = 32;

    #[inline(always)]
    unsafe fn is_same(from: *const u8, to: *const u8, length: usize) -> bool {
        let mut other = 0;
        for word in 0..Self::BYTES / 8 {
            // SAFETY: the caller says that so much is there; arrays of bytes have no alignment.
            let [from, to] =
                [from, to].map(|at| u64::from_le_bytes(unsafe { at.cast::<[u8; 8]>().add(word).read() }));
            let counts = (8 * length as u32).saturating_sub(64 * word as u32);
            other |= (from ^ to) & !u64::MAX.unbounded_shl(counts);
        }
        other == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 258;

    /// What lies behind a match does not count, and each byte of it does.
    fn holds_to<P: Piece>() {
        let step = if cfg!(miri) { 37 } else { 1 };
        for distance in [1, 2, 7, 63, 64, 300] {
            for length in (3..=LONGEST).step_by(step) {
                let mut content: Vec<u8> = (0..distance).map(|at| at as u8).collect();
                for at in 0..length {
                    content.push(content[at]);
                }
                for at in length..length + P::BYTES {
                    content.push(!content[length + (at - length) % distance]);
                }
                // SAFETY: there is all that it takes, and the processor is one for these pieces.
                let is_match =
                    |content: &[u8]| unsafe { is_match::<P>(content[distance..].as_ptr(), distance, length) };
                assert!(is_match(&content), "{distance} {length}");
                // Not one that comes again within the match, and so is another one there, too.
                for at in (length.saturating_sub(distance)..length).step_by(step) {
                    content[distance + at] ^= 1;
                    assert!(!is_match(&content), "{distance} {length} {at}");
                    content[distance + at] ^= 1;
                }
            }
        }
    }

    #[test]
    fn matches_are_compared_to_their_last_byte() {
        holds_to::<Short>();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512bw") {
            holds_to::<Wide>();
        }
    }
}
