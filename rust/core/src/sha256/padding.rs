//! A message as the blocks that are compressed: its whole blocks, where they lie, and one or two blocks
//! of padding (FIPS 180-4, 5.1.1) with the bytes that are left over.

/// What the compression function takes at a time.
pub(super) type Block = [u8; 64];

/// The last one or two blocks of a message, with its padding.
pub(super) struct Tail {
    blocks: [Block; 2],
    /// Of `blocks`, how many come first and are not used.
    first: usize,
}

impl Tail {
    /// No blocks.
    pub(super) const EMPTY: Tail = Tail { blocks: [[0; 64]; 2], first: 2 };

    /// Of a message of `length` bytes that ends with `rest`, which is less than a block.
    #[inline]
    pub(super) fn set(&mut self, rest: &[u8], length: u64) {
        self.first = if rest.len() < 56 { 1 } else { 0 };
        self.blocks = [[0; 64]; 2];
        let block = &mut self.blocks[self.first];
        block[..rest.len()].copy_from_slice(rest);
        block[rest.len()] = 0x80;
        // The length counts bits, modulo 2^64, as the standard has it for messages that long.
        self.blocks[1][56..].copy_from_slice(&length.wrapping_mul(8).to_be_bytes());
    }

    /// The blocks that are not yet compressed.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks[self.first..]
    }

    /// Leaves out the first `count` of the blocks.
    pub(super) fn advance(&mut self, count: usize) {
        self.first += count;
    }
}

/// How many blocks a message of `length` bytes has, padding included.
pub(super) fn block_count(length: usize) -> usize {
    length / 64 + if length % 64 < 56 { 1 } else { 2 }
}

/// The state as the bytes of a digest.
pub(super) fn digest_of(state: &[u32; 8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (out, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *out = word.to_be_bytes();
    }
    digest
}
