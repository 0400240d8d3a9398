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
struct Tables {
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
struct Bits<'a> {
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
                16 => (*lengths[..at].last().ok_or(Unusual)?, 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length as u8, 1),
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

/// The longest match, and what copying it may write too far.
const MATCH_ROOM: usize = 258 + 16;
/// Literals that are written without looking at the room again.
const LITERAL_RUN: usize = 3;

/// Decodes a block to `output` from `at` on; says where it ends.
fn block(tables: &Tables, bits: &mut Bits<'_>, output: &mut [u8], mut at: usize) -> Result<usize, Unusual> {
    while at + LITERAL_RUN + MATCH_ROOM <= output.len() {
        let Some(word) = bits.word() else { break };
        bits.refill_word(word);
        let mut entry = tables.literals.root(bits.bits);
        // 56 bits are three literals of up to 15, and a look at what comes then.
        let mut run = 0;
        while entry & LITERAL != 0 && run < LITERAL_RUN {
            bits.skip(takes(entry));
            output[at] = value(entry) as u8;
            at += 1;
            run += 1;
            entry = tables.literals.root(bits.bits);
        }
        if entry & LITERAL != 0 {
            continue;
        }
        if run > 0 {
            // What comes next may take 48 bits.
            let Some(word) = bits.word() else { break };
            bits.refill_word(word);
            entry = tables.literals.root(bits.bits);
        }
        if entry & SPECIAL != 0 && entry & (END | INVALID) == 0 {
            bits.skip(LITERAL_ROOT);
            entry = tables.literals.sub(entry, bits.bits);
            if entry & LITERAL != 0 {
                bits.skip(takes(entry));
                output[at] = value(entry) as u8;
                at += 1;
                continue;
            }
        }
        if entry & SPECIAL != 0 {
            if entry & INVALID != 0 {
                return Err(Unusual);
            }
            bits.skip(takes(entry));
            return Ok(at);
        }
        let length = with_extra(entry, bits.bits);
        bits.skip(takes(entry));
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
        bits.skip(takes(entry));
        if distance > at {
            return Err(Unusual);
        }
        copy_with_room(output, at, distance, length);
        at += length;
    }
    block_end(tables, bits, output, at)
}

/// Copies a match.  There are at least [`MATCH_ROOM`] bytes from `at` on, of which those behind the
/// match may be overwritten.
#[inline(always)]
fn copy_with_room(output: &mut [u8], at: usize, distance: usize, length: usize) {
    let end = at + length;
    let (mut from, mut to) = (at - distance, at);
    if distance >= 16 {
        while to < end {
            let bytes: [u8; 16] = *output[from..].first_chunk().expect("there is room");
            *output[to..].first_chunk_mut().expect("there is room") = bytes;
            from += 16;
            to += 16;
        }
    } else if distance >= 8 {
        while to < end {
            let bytes: [u8; 8] = *output[from..].first_chunk().expect("there is room");
            *output[to..].first_chunk_mut().expect("there is room") = bytes;
            from += 8;
            to += 8;
        }
    } else if distance == 1 {
        let byte = output[from];
        output[to..end].fill(byte);
    } else {
        for (from, to) in (from..).zip(to..end) {
            output[to] = output[from];
        }
    }
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
