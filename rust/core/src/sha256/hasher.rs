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
        let mut piece = piece;
        let held = (self.length % 64) as usize;
        self.length = self.length.wrapping_add(piece.len() as u64);
        if held > 0 {
            let taken = piece.len().min(64 - held);
            let (first, others) = piece.split_at(taken);
            self.rest[held..held + taken].copy_from_slice(first);
            if held + taken < 64 {
                return;
            }
            self.engine.compress(&mut self.state, &[self.rest]);
            piece = others;
        }
        let (blocks, rest) = piece.as_chunks();
        if !blocks.is_empty() {
            self.engine.compress(&mut self.state, blocks);
        }
        self.rest[..rest.len()].copy_from_slice(rest);
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
