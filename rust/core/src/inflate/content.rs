//! Decoding a stream to its content, or holding it against a content that is there already.

use super::bits::Bits;
use super::fast::{DISTANCE_ROOT, LITERAL_ROOT, Tables};
use super::known::known_turns;
use super::table::{END, INVALID, LITERAL, SPECIAL, Unusual, takes, value, with_extra};
use super::turns::{Stop, turns};

/// What a stream is decoded to, or held against.
pub(super) trait Content {
    /// How much there is, with what is behind the content.
    fn len(&self) -> usize;

    /// Goes through a block: see [`turns`].
    fn turns(&mut self, tables: &Tables, bits: &mut Bits<'_>, at: usize) -> Result<(Stop, usize), Unusual>;

    /// What a block's end is written to by [`block_end`], where there is too little room for another turn.  None
    /// where up to the end of the content there is room for one.
    fn room(&mut self) -> Option<&mut [u8]>;

    /// Takes data of a stored block, for which there is room.
    fn stored(&mut self, data: &[u8], at: usize) -> Result<(), Unusual>;
}

/// Room for a content.
pub(super) struct Unknown<'a>(pub &'a mut [u8]);

impl Content for Unknown<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn turns(&mut self, tables: &Tables, bits: &mut Bits<'_>, at: usize) -> Result<(Stop, usize), Unusual> {
        turns(tables, bits, self.0, at)
    }

    fn room(&mut self) -> Option<&mut [u8]> {
        Some(self.0)
    }

    fn stored(&mut self, data: &[u8], at: usize) -> Result<(), Unusual> {
        self.0[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// A content with [`super::OUTPUT_SLACK`] bytes behind it.
pub(super) struct Known<'a>(pub &'a [u8]);

impl Content for Known<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn turns(&mut self, tables: &Tables, bits: &mut Bits<'_>, at: usize) -> Result<(Stop, usize), Unusual> {
        known_turns(tables, bits, self.0, at)
    }

    fn room(&mut self) -> Option<&mut [u8]> {
        None
    }

    fn stored(&mut self, data: &[u8], at: usize) -> Result<(), Unusual> {
        if self.0[at..at + data.len()] == *data { Ok(()) } else { Err(Unusual) }
    }
}

/// Decodes a block to `output` from `at` on, with every look at the stream and at the output checked; says
/// where it ends.
pub(super) fn block_end(
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
