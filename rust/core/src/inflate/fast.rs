//! A fast and strict decoder of deflate streams.
//!
//! It takes what is well-formed and fills the output exactly, and gives up on everything else without
//! saying why: zlib then judges.  So whatever it takes, zlib would take too; that is why a ready-made
//! fast decoder is not used: those that are fast also take some streams that Go and zlib refuse.

use std::sync::LazyLock;

use super::bits::Bits;
use super::content::{Content, Known, Unknown, block_end};
use super::table::{DISTANCES, LENGTHS, LITERALS, REPEAT, Table, Unusual, repeated, takes, with_code};
use super::turns::{Stop, TURN_INPUT, TURN_OUTPUT};

pub(super) const LITERAL_ROOT: u32 = 11;
pub(super) const DISTANCE_ROOT: u32 = 8;
const LENGTH_ROOT: u32 = 7;

/// With so many bytes behind the content its last bytes are decoded as fast as the others.
pub const OUTPUT_SLACK: usize = TURN_OUTPUT;
/// With so many bytes behind the stream its last bytes are decoded as fast as the others.  Where there are
/// too few for another turn, more than all of the stream has been taken, although up to 63 bits have only
/// been read.
pub const INPUT_SLACK: usize = TURN_INPUT + 8;
/// Where there is less, so many bytes of the end of the stream are copied to where there is more: those that
/// are too few for a turn, and those that have been read and not taken.
const TAIL: usize = TURN_INPUT + 8;

/// The type of a block.
#[derive(Clone, Copy)]
pub(super) enum Block {
    Stored,
    Fixed,
    Dynamic,
}

/// The tables of a block.
// Where they begin within a line of the processor's cache counts.
#[repr(align(64))]
pub(super) struct Tables {
    pub literals: Table<4096, LITERAL_ROOT>,
    pub distances: Table<512, DISTANCE_ROOT>,
    /// Of each literal the entry that the root of the table has for its code, or one that it never has.
    pub literal_entries: [u32; 256],
}

impl Default for Tables {
    fn default() -> Self {
        Tables { literals: Table::default(), distances: Table::default(), literal_entries: [0; 256] }
    }
}

impl Tables {
    /// Builds the tables for codes of these lengths.
    fn build(&mut self, literals: &[u8; 288], distances: &[u8; 32]) -> Result<(), Unusual> {
        self.literals.build(literals, &LITERALS, false)?;
        for ((entry, base), length) in self.literal_entries.iter_mut().zip(&LITERALS).zip(literals) {
            *entry = with_code(*base, u32::from(*length));
        }
        self.distances.build(distances, &DISTANCES, true)
    }
}

/// The tables of a fixed block (RFC 1951, section 3.2.6).
static FIXED: LazyLock<Tables> = LazyLock::new(|| {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    let mut tables = Tables::default();
    tables.build(&lengths, &[5; 32]).expect("the fixed code is complete");
    tables
});

/// The decoder; its tables are used again from stream to stream.
#[derive(Default)]
pub(super) struct Decoder {
    dynamic: Box<Tables>,
    lengths: Table<128, LENGTH_ROOT>,
}

impl Decoder {
    /// Decodes a stream, the first `len` bytes of `input`, to the first `size` bytes of `output`, which it
    /// must fill exactly.  What follows its end is ignored; what follows in `output` may be overwritten.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        len: usize,
        output: &mut [u8],
        size: usize,
    ) -> Result<(), Unusual> {
        let room = output.len().min(size + OUTPUT_SLACK);
        self.go_through(input, len, &mut Unknown(&mut output[..room]), size)
    }

    /// Goes through a stream, and gives up where its content is not the first `size` bytes of `content`,
    /// behind which there must be [`OUTPUT_SLACK`] more.
    pub(super) fn compare(
        &mut self,
        input: &[u8],
        len: usize,
        content: &[u8],
        size: usize,
    ) -> Result<(), Unusual> {
        let content = content.get(..size + OUTPUT_SLACK).ok_or(Unusual)?;
        self.go_through(input, len, &mut Known(content), size)
    }

    fn go_through(
        &mut self,
        input: &[u8],
        len: usize,
        content: &mut impl Content,
        size: usize,
    ) -> Result<(), Unusual> {
        let has_slack = input.len() - len >= INPUT_SLACK;
        let tail_start = len.saturating_sub(TAIL);
        let mut tail = [0; TAIL + 2 * INPUT_SLACK];
        tail[..len - tail_start].copy_from_slice(&input[tail_start..len]);
        let mut in_tail = has_slack;
        let mut bits = Bits::new(if has_slack { input } else { &input[..len] }, len);
        let mut at = 0;
        loop {
            let (block, last) = self.header(&mut bits)?;
            if let Some(tables) = self.tables(block) {
                loop {
                    let stop;
                    (stop, at) = content.turns(tables, &mut bits, at)?;
                    match stop {
                        Stop::Block => break,
                        Stop::Input if !in_tail => {
                            (bits.input, bits.at, bits.end) = (&tail, bits.at - tail_start, len - tail_start);
                            in_tail = true;
                        }
                        Stop::Output if at <= size => {
                            let room = content.room().ok_or(Unusual)?;
                            at = block_end(tables, &mut bits, &mut room[..size], at)?;
                            break;
                        }
                        _ => return Err(Unusual),
                    }
                }
            } else {
                let length = stored(&mut bits)?;
                if at + length > size {
                    return Err(Unusual);
                }
                content.stored(bits.bytes(length)?, at)?;
                at += length;
            }
            if last {
                return if at == size && !bits.overrun() { Ok(()) } else { Err(Unusual) };
            }
        }
    }

    /// Reads the header of a block: its type, and whether it is the last one.
    pub(super) fn header(&mut self, bits: &mut Bits<'_>) -> Result<(Block, bool), Unusual> {
        let last = bits.take(1)? == 1;
        let block = match bits.take(2)? {
            0 => Block::Stored,
            1 => Block::Fixed,
            2 => {
                self.read_codes(bits)?;
                Block::Dynamic
            }
            _ => return Err(Unusual),
        };
        Ok((block, last))
    }

    /// The tables of the block whose header was the last to be read; a stored block has none.
    pub(super) fn tables(&self, block: Block) -> Option<&Tables> {
        match block {
            Block::Stored => None,
            Block::Fixed => Some(&FIXED),
            Block::Dynamic => Some(&self.dynamic),
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
        // What is repeated is written in whole pieces, the last of which may go beyond the end.
        const PIECE: usize = 16;
        let mut lengths = [0; 286 + 30 + 138 + PIECE];
        let total = literals + distances;
        let (mut at, mut before) = (0, REPEAT);
        while at < total {
            bits.refill();
            // Four of them take at most 14 bits each.
            for _ in 0..4 {
                let entry = self.lengths.root(bits.bits);
                let (length, times) = repeated(entry, bits.bits);
                bits.try_skip(takes(entry))?;
                let length = if length == REPEAT { before } else { length };
                // There is nothing before the first.
                if length == REPEAT {
                    return Err(Unusual);
                }
                lengths[at..at + PIECE].fill(length);
                if times > PIECE {
                    lengths[at + PIECE..at + times].fill(length);
                }
                at += times;
                before = length;
                if at >= total {
                    break;
                }
            }
        }
        // A repetition beyond the end, or a block without an end.
        if at > total || lengths[256] == 0 {
            return Err(Unusual);
        }
        let (mut of_literals, mut of_distances) = ([0; 288], [0; 32]);
        of_literals[..literals].copy_from_slice(&lengths[..literals]);
        of_distances[..distances].copy_from_slice(&lengths[literals..total]);
        self.dynamic.build(&of_literals, &of_distances)
    }
}

/// Reads what a stored block begins with: says how long it is.
pub(super) fn stored(bits: &mut Bits<'_>) -> Result<usize, Unusual> {
    bits.align();
    let header = bits.bytes(4)?;
    let length = u16::from_le_bytes([header[0], header[1]]);
    if u16::from_le_bytes([header[2], header[3]]) != !length {
        return Err(Unusual);
    }
    Ok(usize::from(length))
}
