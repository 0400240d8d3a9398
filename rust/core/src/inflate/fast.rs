//! A fast and strict decoder of whole deflate streams.
//!
//! It takes what is well-formed and fills the output exactly, and gives up on everything else without
//! saying why: zlib then judges.  So whatever it takes, zlib would take too; that is why a ready-made
//! fast decoder is not used: those that are fast also take some streams that Go and zlib refuse.

use std::sync::LazyLock;

use super::table::{
    DISTANCES, END, INVALID, LENGTHS, LITERAL, LITERALS, SPECIAL, Table, Unusual, takes, value, with_extra,
};

const LITERAL_ROOT: u32 = 11;
const DISTANCE_ROOT: u32 = 8;
const LENGTH_ROOT: u32 = 7;

/// The tables of a block.
#[derive(Default)]
pub(super) struct Tables {
    literals: Table<4096, LITERAL_ROOT>,
    distances: Table<1024, DISTANCE_ROOT>,
}

/// The tables of a fixed block (RFC 1951, section 3.2.6).
static FIXED: LazyLock<Tables> = LazyLock::new(|| {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    let mut tables = Tables::default();
    tables.literals.build(&lengths, &LITERALS, false).expect("the fixed code is complete");
    tables.distances.build(&[5; 32], &DISTANCES, false).expect("the fixed code is complete");
    tables
});

/// The decoder; its tables are used again from stream to stream.
#[derive(Default)]
pub(super) struct Decoder {
    dynamic: Tables,
    lengths: Table<128, LENGTH_ROOT>,
}

/// The stream, as bits, the next one lowest.
pub(super) struct Bits<'a> {
    input: &'a [u8],
    at: usize,
    bits: u64,
    /// How many of `bits` are of the stream.  What is above them may also be, or is zero.
    count: u32,
}

impl Bits<'_> {
    /// Has at least 56 bits, where so much is left of the stream with a word at hand.
    #[inline(always)]
    fn refill_word(&mut self, word: [u8; 8]) {
        self.bits |= u64::from_le_bytes(word) << self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    #[inline(always)]
    fn word(&self) -> Option<[u8; 8]> {
        self.input.get(self.at..)?.first_chunk().copied()
    }

    /// Has at least 56 bits, or all that is left.
    #[inline]
    fn refill(&mut self) {
        if let Some(word) = self.word() {
            return self.refill_word(word);
        }
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
    fn skip(&mut self, n: u32) {
        self.bits >>= n;
        self.count -= n;
    }

    /// Takes `n` bits, at most 16.
    fn take(&mut self, n: u32) -> Result<usize, Unusual> {
        if self.count < n {
            self.refill();
        }
        let bits = self.bits & ((1 << n) - 1);
        self.try_skip(n)?;
        Ok(bits as usize)
    }

    fn try_skip(&mut self, n: u32) -> Result<(), Unusual> {
        if self.count < n {
            return Err(Unusual);
        }
        self.skip(n);
        Ok(())
    }
}

impl Decoder {
    /// Decodes a stream that fills `output` exactly; what follows it is ignored.
    pub(super) fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), Unusual> {
        let mut bits = Bits { input, at: 0, bits: 0, count: 0 };
        let mut at = 0;
        loop {
            let last = bits.take(1)? == 1;
            match bits.take(2)? {
                0 => at = stored(&mut bits, output, at)?,
                1 => at = block(&FIXED, &mut bits, output, at)?,
                2 => {
                    self.read_codes(&mut bits)?;
                    at = block(&self.dynamic, &mut bits, output, at)?;
                }
                _ => return Err(Unusual),
            }
            if last {
                return if at == output.len() { Ok(()) } else { Err(Unusual) };
            }
        }
    }

    /// Reads the codes of a dynamic block (RFC 1951, section 3.2.7).
    fn read_codes(&mut self, bits: &mut Bits<'_>) -> Result<(), Unusual> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = bits.take(5)? + 257;
        let distances = bits.take(5)? + 1;
        let codes = bits.take(4)? + 4;
        if literals > 286 || distances > 30 {
            return Err(Unusual);
        }
        let mut lengths = [0; 19];
        for &symbol in &ORDER[..codes] {
            lengths[symbol] = bits.take(3)? as u8;
        }
        self.lengths.build(&lengths, &LENGTHS, false)?;
        let mut lengths = [0u8; 286 + 30];
        let total = literals + distances;
        let mut at = 0;
        while at < total {
            bits.refill();
            let entry = self.lengths.root(bits.bits);
            bits.try_skip(takes(entry))?;
            let (length, times) = match value(entry) {
                length @ ..16 => {
                    lengths[at] = length as u8;
                    at += 1;
                    continue;
                }
                16 => (*lengths[..at].last().ok_or(Unusual)?, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                _ => (0, 11 + bits.take(7)?),
            };
            if at + times > total {
                return Err(Unusual);
            }
            lengths[at..at + times].fill(length);
            at += times;
        }
        // A block without an end.
        if lengths[256] == 0 {
            return Err(Unusual);
        }
        let (literals, distances) = lengths[..total].split_at(literals);
        self.dynamic.literals.build(literals, &LITERALS, false)?;
        self.dynamic.distances.build(distances, &DISTANCES, true)
    }
}

/// Copies a stored block to `output` from `at` on; says where it ends.
fn stored(bits: &mut Bits<'_>, output: &mut [u8], at: usize) -> Result<usize, Unusual> {
    // It begins at a byte; what has been read too far is given back.
    bits.skip(bits.count % 8);
    let start = bits.at - (bits.count / 8) as usize;
    let header: [u8; 4] = *bits.input.get(start..).and_then(<[u8]>::first_chunk).ok_or(Unusual)?;
    let length = u16::from_le_bytes([header[0], header[1]]);
    if u16::from_le_bytes([header[2], header[3]]) != !length {
        return Err(Unusual);
    }
    let (start, length) = (start + 4, usize::from(length));
    let data = bits.input.get(start..start + length).ok_or(Unusual)?;
    output.get_mut(at..at + length).ok_or(Unusual)?.copy_from_slice(data);
    (bits.at, bits.bits, bits.count) = (start + length, 0, 0);
    Ok(at + length)
}

/// As [`Bits`], for where there is always more of the stream; of `count` only the lowest six bits count, so
/// that a whole entry can be subtracted from it.
struct FastBits<'a> {
    input: &'a [u8],
    at: usize,
    bits: u64,
    count: u32,
}

impl FastBits<'_> {
    /// Has at least 56 bits.
    #[inline(always)]
    fn refill(&mut self) {
        let word = *self.input[self.at..].first_chunk().expect("the caller has looked how much is left");
        self.bits |= u64::from_le_bytes(word) << (self.count & 63);
        self.at += ((!self.count & 63) >> 3) as usize;
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

    fn give_back(&self, bits: &mut Bits<'_>) {
        (bits.at, bits.bits, bits.count) = (self.at, self.bits, self.count & 63);
    }
}

/// The most that one turn of [`block`] writes: two literals, the longest match, and what copying that
/// may write too far.
const TURN_OUTPUT: usize = 2 + 258 + 32;
/// The most that one turn of [`block`] reads ahead: a word at each of two refills, which take up to 7 bytes.
const TURN_INPUT: usize = 2 * 8;

/// Decodes a block to `output` from `at` on; says where it ends.
fn block(tables: &Tables, bits: &mut Bits<'_>, output: &mut [u8], at: usize) -> Result<usize, Unusual> {
    #[cfg(target_arch = "x86_64")]
    let (ended, at) = super::bmi2::turns_of_this_processor(tables, bits, output, at)?;
    #[cfg(not(target_arch = "x86_64"))]
    let (ended, at) = turns(tables, bits, output, at)?;
    if ended { Ok(at) } else { block_end(tables, bits, output, at) }
}

/// Decodes a block as long as it does not end, which it says, and neither the stream nor the output are
/// near their ends.
///
/// A turn decodes up to three literals, or up to two and a match.  What the next turn begins with is
/// looked up before a match is copied, so that neither waits for the other.
#[inline(always)]
pub(super) fn turns(
    tables: &Tables,
    of_stream: &mut Bits<'_>,
    output: &mut [u8],
    mut at: usize,
) -> Result<(bool, usize), Unusual> {
    let (Some(last_input), Some(last_output)) =
        (of_stream.input.len().checked_sub(TURN_INPUT), output.len().checked_sub(TURN_OUTPUT))
    else {
        return Ok((false, at));
    };
    if of_stream.at > last_input || at > last_output {
        return Ok((false, at));
    }
    // A copy of this function's own can lie in registers.
    let bits = &mut FastBits {
        input: of_stream.input,
        at: of_stream.at,
        bits: of_stream.bits,
        count: of_stream.count,
    };
    bits.refill();
    let mut entry = tables.literals.root(bits.bits);
    // Before each turn there are at least 56 bits, and `entry` is looked up and not yet taken.
    while bits.at <= last_input && at <= last_output {
        if entry & LITERAL != 0 {
            // A literal of the root has at most 11 bits: three of them leave 23.
            bits.skip_entry(entry);
            output[at] = value(entry) as u8;
            entry = tables.literals.root(bits.bits);
            at += 1;
            if entry & LITERAL != 0 {
                bits.skip_entry(entry);
                output[at] = value(entry) as u8;
                entry = tables.literals.root(bits.bits);
                at += 1;
                if entry & LITERAL != 0 {
                    bits.skip_entry(entry);
                    output[at] = value(entry) as u8;
                    entry = tables.literals.root(bits.bits);
                    at += 1;
                    // What is looked up may be of no more than 23 bits, which are enough.
                    bits.refill();
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
                output[at] = value(entry) as u8;
                at += 1;
                bits.refill();
                entry = tables.literals.root(bits.bits);
                continue;
            }
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
            if entry & END != 0 {
                bits.skip_entry(entry);
                bits.give_back(of_stream);
                return Ok((true, at));
            }
        }
        let length = with_extra(entry, bits.bits);
        bits.skip_entry(entry);
        bits.refill();
        entry = tables.distances.root(bits.bits);
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
        if distance > at {
            return Err(Unusual);
        }
        bits.refill();
        entry = tables.literals.root(bits.bits);
        copy_with_room(output, at, distance, length);
        at += length;
    }
    bits.give_back(of_stream);
    Ok((false, at))
}

/// Copies a match.  There are at least 258 + 32 bytes from `at` on, of which those behind the match may be
/// overwritten.
#[inline(always)]
fn copy_with_room(output: &mut [u8], at: usize, distance: usize, length: usize) {
    let end = at + length;
    let (mut from, mut to) = (at - distance, at);
    if distance >= 16 {
        // Most matches are no longer than this.
        copy::<16>(output, from, to);
        copy::<16>(output, from + 16, to + 16);
        while to + 32 < end {
            from += 32;
            to += 32;
            copy::<16>(output, from, to);
            copy::<16>(output, from + 16, to + 16);
        }
    } else if distance == 1 {
        let bytes = [output[from]; 16];
        while to < end {
            *output[to..].first_chunk_mut().expect("there is room") = bytes;
            to += 16;
        }
    } else {
        // Of the eight bytes as many as the distance are those of the match; the rest is overwritten.
        let step = distance.min(8);
        while to < end {
            copy::<8>(output, from, to);
            from += step;
            to += step;
        }
    }
}

/// Copies `N` bytes, all of them read before one is written.
#[inline(always)]
fn copy<const N: usize>(output: &mut [u8], from: usize, to: usize) {
    let bytes: [u8; N] = *output[from..].first_chunk().expect("there is room");
    *output[to..].first_chunk_mut().expect("there is room") = bytes;
}

/// The same as [`block`], with every look at the stream and at the output checked.
fn block_end(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    mut at: usize,
) -> Result<usize, Unusual> {
    loop {
        bits.refill();
        let mut entry = tables.literals.root(bits.bits);
        if entry & SPECIAL != 0 && entry & (END | INVALID) == 0 {
            bits.try_skip(LITERAL_ROOT)?;
            entry = tables.literals.sub(entry, bits.bits);
        }
        if entry & LITERAL != 0 {
            bits.try_skip(takes(entry))?;
            *output.get_mut(at).ok_or(Unusual)? = value(entry) as u8;
            at += 1;
            continue;
        }
        if entry & INVALID != 0 {
            return Err(Unusual);
        }
        let length = with_extra(entry, bits.bits);
        bits.try_skip(takes(entry))?;
        if entry & END != 0 {
            return Ok(at);
        }
        bits.refill();
        entry = tables.distances.root(bits.bits);
        if entry & SPECIAL != 0 && entry & INVALID == 0 {
            bits.try_skip(DISTANCE_ROOT)?;
            entry = tables.distances.sub(entry, bits.bits);
        }
        if entry & INVALID != 0 {
            return Err(Unusual);
        }
        let distance = with_extra(entry, bits.bits);
        bits.try_skip(takes(entry))?;
        if distance > at || length > output.len() - at {
            return Err(Unusual);
        }
        for to in at..at + length {
            output[to] = output[to - distance];
        }
        at += length;
    }
}
