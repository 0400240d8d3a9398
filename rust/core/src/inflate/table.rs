//! Huffman decoding tables (RFC 1951, section 3.2).
//!
//! A table is looked up with the next [`Table::ROOT`] bits of the stream; a longer code leads on to a
//! subtable.  An entry says all that there is to know about a symbol.

/// An entry's lowest bits: how many bits of the stream it takes, extra bits included.
const TAKES: u32 = 0x3f;
/// Where an entry has the length of the code alone, in bits.
const CODE_SHIFT: u32 = 8;
/// No symbol has this code; only where [`SPECIAL`].
pub(super) const INVALID: u32 = 1 << 6;
/// The entry is the end of the block; only where [`SPECIAL`].
pub(super) const END: u32 = 1 << 7;
/// The entry is none of a literal, a length and a distance.
pub(super) const SPECIAL: u32 = 1 << 14;
/// The entry is a literal.
pub(super) const LITERAL: u32 = 1 << 15;
/// Where an entry has its literal, its base, or the place of its subtable.
const VALUE_SHIFT: u32 = 16;

/// How many bits of the stream an entry takes.
#[inline(always)]
pub(super) fn takes(entry: u32) -> u32 {
    entry & TAKES
}

/// An entry's literal or base, or the place of its subtable.
#[inline(always)]
pub(super) fn value(entry: u32) -> usize {
    (entry >> VALUE_SHIFT) as usize
}

/// The length or distance of an entry, whose bits are the lowest of `bits`.
#[inline(always)]
pub(super) fn with_extra(entry: u32, bits: u64) -> usize {
    let own = bits & !(u64::MAX << takes(entry));
    value(entry) + (own >> (entry >> CODE_SHIFT & 63)) as usize
}

/// The bits of a subtable's index.
#[inline(always)]
fn sub_bits(entry: u32) -> u32 {
    entry >> CODE_SHIFT & 15
}

/// A table of `SIZE` entries, a power of two, that is looked up with `ROOT` bits.
pub(super) struct Table<const SIZE: usize, const ROOT: u32> {
    entries: [u32; SIZE],
}

/// What a set of code lengths does not allow here; zlib may still take it.
#[derive(Debug)]
pub(super) struct Unusual;

impl<const SIZE: usize, const ROOT: u32> Default for Table<SIZE, ROOT> {
    fn default() -> Self {
        Table { entries: [SPECIAL | INVALID; SIZE] }
    }
}

impl<const SIZE: usize, const ROOT: u32> Table<SIZE, ROOT> {
    /// The entry for the next bits of the stream, and the bits to be taken before its own.
    #[inline(always)]
    pub(super) fn root(&self, bits: u64) -> u32 {
        self.entries[bits as usize & ((1 << ROOT) - 1)]
    }

    /// The entry in a subtable; `bits` come after the first [`ROOT`] of the code.
    #[inline(always)]
    pub(super) fn sub(&self, entry: u32, bits: u64) -> u32 {
        let index = bits as usize & ((1 << sub_bits(entry)) - 1);
        self.entries[(value(entry) + index) & (SIZE - 1)]
    }

    /// Builds the table for codes of these lengths, up to 15, where `base` says of a symbol all but its code.
    ///
    /// The code must be complete.  With `sparse` it may also have a single symbol, with a code of one
    /// bit, or none: what distances look like where there are few.
    pub(super) fn build<const SYMBOLS: usize>(
        &mut self,
        lengths: &[u8; SYMBOLS],
        base: &[u32; SYMBOLS],
        sparse: bool,
    ) -> Result<(), Unusual> {
        let count = count(lengths);
        let longest = (1..16).rev().find(|&length| count[length] > 0).unwrap_or(0);
        let space: u32 = (1..16).map(|length| u32::from(count[length]) << (15 - length)).sum();
        let few = sparse && longest <= 1 && count[1] <= 1;
        if space != 1 << 15 && !few {
            return Err(Unusual);
        }
        if few {
            self.entries[..1 << ROOT].fill(SPECIAL | INVALID);
        }

        // Symbols in the order of their codes.
        let mut next = [0u16; 16];
        for length in 1..15 {
            next[length + 1] = next[length] + count[length];
        }
        let mut sorted = [0u32; SYMBOLS];
        for (lengths, base) in lengths.chunks(64).zip(base.chunks(64)) {
            let mut coded = coded(lengths);
            while coded != 0 {
                let symbol = coded.trailing_zeros() as usize;
                coded &= coded - 1;
                let place = &mut next[usize::from(lengths[symbol] & 15)];
                // There are as many places as symbols.
                if let Some(slot) = sorted.get_mut(usize::from(*place)) {
                    *slot = base[symbol];
                }
                *place += 1;
            }
        }
        let mut symbols = sorted.iter();
        let mut code = 0u32;
        let shortest = (1..16).find(|&length| count[length] > 0).unwrap_or(1) as u32;
        // What the codes up to a length need is there; for one bit more it is there twice.
        for length in shortest..=ROOT {
            if length > shortest {
                self.entries.copy_within(..1 << (length - 1), 1 << (length - 1));
            }
            for base in symbols.by_ref().take(usize::from(count[length as usize])) {
                self.entries[reversed(code, length) & ((1 << ROOT) - 1)] = with_code(*base, length);
                code += 1;
            }
            code <<= 1;
        }
        let mut free = 1usize << ROOT;
        let mut left = count;
        let (mut sub_start, mut sub_size, mut sub_prefix) = (0, 0, usize::MAX);
        for length in ROOT + 1..=longest as u32 {
            for base in symbols.by_ref().take(usize::from(count[length as usize])) {
                let reversed = reversed(code, length);
                let prefix = reversed & ((1 << ROOT) - 1);
                if prefix != sub_prefix {
                    // As many bits as the codes that share this prefix need.
                    let mut bits = length - ROOT;
                    let mut room = 1i32 << bits;
                    loop {
                        room -= i32::from(left[(bits + ROOT) as usize]);
                        if room <= 0 || (bits + ROOT) as usize >= longest {
                            break;
                        }
                        bits += 1;
                        room <<= 1;
                    }
                    (sub_start, sub_size, sub_prefix) = (free, 1 << bits, prefix);
                    free += sub_size;
                    if free > SIZE {
                        return Err(Unusual);
                    }
                    self.entries[prefix] =
                        SPECIAL | (sub_start as u32) << VALUE_SHIFT | bits << CODE_SHIFT | ROOT;
                }
                let own = length - ROOT;
                let subtable = &mut self.entries[sub_start..sub_start + sub_size];
                for slot in subtable[reversed >> ROOT..].iter_mut().step_by(1 << own) {
                    *slot = with_code(*base, own);
                }
                left[length as usize] -= 1;
                code += 1;
            }
            code <<= 1;
        }
        Ok(())
    }
}

/// A code of up to 15 bits as it is in the stream, the first one lowest.
#[inline(always)]
fn reversed(code: u32, length: u32) -> usize {
    const BYTES: [u8; 256] = {
        let mut reversed = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            reversed[byte] = (byte as u8).reverse_bits();
            byte += 1;
        }
        reversed
    };
    let [low, high, ..] = code.to_le_bytes();
    let both = usize::from(BYTES[usize::from(low)]) << 8 | usize::from(BYTES[usize::from(high)]);
    both >> (16 - length)
}

/// How many of `lengths` are 1, 2, and so on to 15.  For each of these all lengths are looked at, which is
/// many at a time, where counting them one by one would wait for the count before.
fn count(lengths: &[u8]) -> [u16; 16] {
    let mut count = [0; 16];
    for lengths in lengths.chunks(96) {
        for (length, count) in (0..).zip(&mut count).skip(1) {
            *count += u16::from(lengths.iter().map(|&other| u8::from(other == length)).sum::<u8>());
        }
    }
    count
}

/// Which of up to 64 lengths, none of them over 15, are not 0: the lowest bit is that of the first.
fn coded(lengths: &[u8]) -> u64 {
    let mut coded = 0;
    for (place, lengths) in lengths.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[..lengths.len()].copy_from_slice(lengths);
        // A bit of each byte, lowest; the product has them side by side.
        let bits = (u64::from_le_bytes(word) + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101;
        coded |= (bits.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * place);
    }
    coded
}

/// The entry of a symbol that has a code of `length` bits in this table.
#[inline(always)]
pub(super) fn with_code(base: u32, length: u32) -> u32 {
    base + (length << CODE_SHIFT) + length
}

/// The entry of a literal but for its code.
const fn literal(byte: u32) -> u32 {
    LITERAL | byte << VALUE_SHIFT
}

/// What a literal or length symbol stands for; 286 and 287 have codes in a fixed block, but no meaning.
pub(super) const LITERALS: [u32; 288] = {
    let mut bases = [SPECIAL | INVALID; 288];
    let mut symbol = 0;
    while symbol < 256 {
        bases[symbol] = literal(symbol as u32);
        symbol += 1;
    }
    bases[256] = SPECIAL | END;
    let mut length = 3;
    while symbol < 284 {
        symbol += 1;
        let extra = if symbol < 265 { 0 } else { (symbol as u32 - 261) / 4 };
        bases[symbol] = length << VALUE_SHIFT | extra;
        length += 1 << extra;
    }
    bases[285] = 258 << VALUE_SHIFT;
    bases
};

/// What a distance symbol stands for; 30 and 31 have codes in a fixed block, but no meaning.
pub(super) const DISTANCES: [u32; 32] = {
    let mut bases = [SPECIAL | INVALID; 32];
    let mut distance = 1;
    let mut symbol = 0;
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { (symbol as u32 - 2) / 2 };
        bases[symbol] = distance << VALUE_SHIFT | extra;
        distance += 1 << extra;
        symbol += 1;
    }
    bases
};

/// Of an entry of [`LENGTHS`]: the length is that of the symbol before.
pub(super) const REPEAT: u8 = 16;

/// The symbols of the code that the lengths of a dynamic block are coded with: how often a length comes,
/// which is at first 8 bits of the value, and the length itself, or [`REPEAT`].
pub(super) const LENGTHS: [u32; 19] = {
    let mut bases = [0; 19];
    let mut symbol = 0;
    while symbol < 16 {
        bases[symbol] = (symbol as u32) << 24 | 1 << VALUE_SHIFT;
        symbol += 1;
    }
    bases[16] = (REPEAT as u32) << 24 | 3 << VALUE_SHIFT | 2;
    bases[17] = 3 << VALUE_SHIFT | 3;
    bases[18] = 11 << VALUE_SHIFT | 7;
    bases
};

/// The length of an entry of [`LENGTHS`], and how often it comes.
#[inline(always)]
pub(super) fn repeated(entry: u32, bits: u64) -> (u8, usize) {
    ((entry >> 24) as u8, with_extra(entry & 0xff_ffff, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of RFC 1951, section 3.2.5, at their corners.
    #[test]
    fn bases_and_extra_bits() {
        for (symbol, length, extra) in [
            (257, 3, 0),
            (264, 10, 0),
            (265, 11, 1),
            (268, 17, 1),
            (269, 19, 2),
            (284, 227, 5),
            (285, 258, 0),
        ] {
            assert_eq!((value(LITERALS[symbol]), takes(LITERALS[symbol])), (length, extra), "{symbol}");
        }
        for (symbol, distance, extra) in
            [(0, 1, 0), (3, 4, 0), (4, 5, 1), (9, 25, 3), (28, 16385, 13), (29, 24577, 13)]
        {
            assert_eq!((value(DISTANCES[symbol]), takes(DISTANCES[symbol])), (distance, extra), "{symbol}");
        }
    }

    #[test]
    fn only_complete_codes() {
        let mut table = Table::<512, 8>::default();
        let base = &DISTANCES;
        let lengths = |first: &[u8]| {
            let mut lengths = [0; 32];
            lengths[..first.len()].copy_from_slice(first);
            lengths
        };
        assert!(table.build(&lengths(&[1, 2, 3, 3]), base, false).is_ok());
        assert!(table.build(&lengths(&[1, 2, 3]), base, true).is_err());
        assert!(table.build(&lengths(&[1, 1, 1]), base, true).is_err());
        assert!(table.build(&lengths(&[2]), base, true).is_err());
        assert!(table.build(&lengths(&[1]), base, false).is_err());
        assert!(table.build(&lengths(&[0, 1, 0]), base, true).is_ok());
        assert_eq!((value(table.root(0)), table.root(1)), (2, SPECIAL | INVALID));
        assert!(table.build(&[0; 32], base, true).is_ok());
        assert_eq!(table.root(0), SPECIAL | INVALID);
    }
}
