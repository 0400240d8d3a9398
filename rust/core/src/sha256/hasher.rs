//! The digest of one message, whole or in pieces.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
use super::armv8::Armv8;
use super::constants::INITIAL;
use super::kernel::Kernel;
use super::lanes::{LaneKernel, StateRows};
use super::padding::{Block, Tail, digest_of};
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::shani::ShaNi;

/// The digest of a message that comes in pieces.  A clone goes on from the same state.
///
/// ```
/// use fastverify_core::sha256::{Hasher, digest};
///
/// let mut hasher = Hasher::new();
/// hasher.update(b"ab");
/// let mut other = hasher.clone();
/// hasher.update(b"c");
/// other.update(b"d");
/// assert_eq!(hasher.finish(), digest(b"abc"));
/// assert_eq!(other.finish(), digest(b"abd"));
/// ```
#[derive(Clone)]
pub struct Hasher {
    engine: Engine,
    state: [u32; 8],
    /// The bytes after the last whole block, at its start.
    rest: Block,
    /// How many bytes have come, in all.
    length: u64,
}

/// What compresses one message.
#[derive(Clone, Copy)]
pub(super) enum Engine {
    Portable,
    #[cfg(target_arch = "x86_64")]
    ShaNi(ShaNi),
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    Armv8(Armv8),
}

impl Engine {
    /// The part of a kernel that takes single messages: a forced one is not helped by instructions that
    /// are not its own.
    pub(super) fn of(kernel: Kernel) -> Engine {
        match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::ShaNi | Kernel::Avx512ShaNi => ShaNi::detect().map_or(Engine::Portable, Engine::ShaNi),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Armv8 => Armv8::detect().map_or(Engine::Portable, Engine::Armv8),
            _ => Engine::Portable,
        }
    }

    pub(super) fn compress(self, state: &mut [u32; 8], blocks: &[Block]) {
        let mut states = StateRows([*state]);
        match self {
            Engine::Portable => Portable.compress(&mut states, &[blocks], blocks.len()),
            #[cfg(target_arch = "x86_64")]
            Engine::ShaNi(kernel) => kernel.compress(&mut states, &[blocks], blocks.len()),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Engine::Armv8(kernel) => kernel.compress(&mut states, &[blocks], blocks.len()),
        }
        *state = states.0[0];
    }

    /// The same for two messages, so many blocks of each.
    fn compress_two(self, states: [&mut [u32; 8]; 2], runs: [&[Block]; 2], blocks: usize) {
        match self {
            Engine::Portable => {
                for (state, run) in states.into_iter().zip(runs) {
                    self.compress(state, &run[..blocks]);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Engine::ShaNi(kernel) => compress_two(kernel, states, runs, blocks),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Engine::Armv8(kernel) => compress_two(kernel, states, runs, blocks),
        }
    }
}

/// Two messages interleaved.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
fn compress_two<K>(kernel: K, states: [&mut [u32; 8]; 2], runs: [&[Block]; 2], blocks: usize)
where
    K: LaneKernel<2, States = StateRows<2>>,
{
    let mut rows = StateRows(states.each_ref().map(|state| **state));
    kernel.compress(&mut rows, &runs, blocks);
    for (state, row) in states.into_iter().zip(rows.0) {
        *state = row;
    }
}

impl Hasher {
    /// Of the empty message so far, by [`Kernel::in_use`].
    pub fn new() -> Hasher {
        Hasher::with_kernel(Kernel::in_use())
    }

    /// As [`Hasher::new`], by the part of this kernel that takes single messages; the portable one if
    /// this processor cannot run it.
    pub fn with_kernel(kernel: Kernel) -> Hasher {
        Hasher { engine: Engine::of(kernel), state: INITIAL, rest: [0; 64], length: 0 }
    }

    /// Takes the next piece of the message.
    pub fn update(&mut self, piece: &[u8]) {
        let blocks = self.take_ends(piece);
        self.compress(blocks);
    }

    /// As [`Hasher::update`] of two messages at once, which takes less time than one after the other.
    pub(crate) fn update_two(hashers: [&mut Hasher; 2], pieces: [&[u8]; 2]) {
        let [first, second] = hashers;
        let runs = [first.take_ends(pieces[0]), second.take_ends(pieces[1])];
        let both = runs[0].len().min(runs[1].len());
        first.engine.compress_two([&mut first.state, &mut second.state], runs, both);
        first.compress(&runs[0][both..]);
        second.compress(&runs[1][both..]);
    }

    /// Takes the next piece of the message but for its whole blocks, which it gives back.
    fn take_ends<'p>(&mut self, piece: &'p [u8]) -> &'p [Block] {
        let held = (self.length % 64) as usize;
        self.length = self.length.wrapping_add(piece.len() as u64);
        let (first, piece) = piece.split_at(piece.len().min((64 - held) % 64));
        self.rest[held..held + first.len()].copy_from_slice(first);
        if held + first.len() == 64 {
            self.engine.compress(&mut self.state, &[self.rest]);
        }
        let (blocks, rest) = piece.as_chunks();
        // Where there is one, nothing is held any more.
        self.rest[..rest.len()].copy_from_slice(rest);
        blocks
    }

    fn compress(&mut self, blocks: &[Block]) {
        if !blocks.is_empty() {
            self.engine.compress(&mut self.state, blocks);
        }
    }

    /// The digest of all pieces.
    pub fn finish(mut self) -> [u8; 32] {
        let mut tail = Tail::EMPTY;
        tail.set(&self.rest[..(self.length % 64) as usize], self.length);
        self.engine.compress(&mut self.state, tail.blocks());
        digest_of(&self.state)
    }
}

impl Default for Hasher {
    fn default() -> Hasher {
        Hasher::new()
    }
}

/// The digest of one message, by [`Kernel::in_use`].
pub fn digest(message: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(message);
    hasher.finish()
}
