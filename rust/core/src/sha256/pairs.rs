//! Two digests of nearly the same message, for many messages under way at a time.
//!
//! Whoever needs the digest of a message and that of the message with some bytes changed has two states
//! to which almost always the same blocks go.

use super::constants::INITIAL;
use super::hasher::Engine;
use super::kernel::Kernel;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
use super::lanes::{LaneKernel, States};
use super::padding::{Block, Tail, digest_of};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, lanes::StateColumns, shani::ShaNi, sse2::Sse2};

/// The states of two messages of one length after as many blocks of each.
#[derive(Clone, Copy)]
pub(crate) struct Pair([[u32; 8]; 2]);

/// With at most so many pairs the SHA extensions are sooner done than AVX-512, which takes as long for one
/// pair as for sixteen.
#[cfg(target_arch = "x86_64")]
const LEFT_TO_SHANI: usize = 6;

impl Pair {
    /// Before the first block.
    pub(crate) const START: Pair = Pair([INITIAL; 2]);

    /// How many pairs this kernel takes at a time.
    pub(crate) fn at_a_time(kernel: Kernel) -> usize {
        match kernel {
            Kernel::Avx512 | Kernel::Avx512ShaNi => 16,
            other => other.lanes().div_ceil(2),
        }
    }

    /// Takes the first `blocks` blocks of each run into both states of its pair.
    ///
    /// # Panics
    ///
    /// When there are not as many runs as pairs, when a run has fewer blocks, or when the processor cannot
    /// run the kernel.
    pub(crate) fn advance(kernel: Kernel, pairs: &mut [Pair], runs: &[&[[u8; 64]]], blocks: usize) {
        assert_eq!(pairs.len(), runs.len(), "one run for each pair");
        match kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx512ShaNi => {
                let least = if kernel == Kernel::Avx512 { 0 } else { LEFT_TO_SHANI };
                for (pairs, runs) in pairs.chunks_mut(16).zip(runs.chunks(16)) {
                    if pairs.len() > least {
                        sixteen(Avx512::detect().expect("AVX-512"), pairs, runs, blocks);
                    } else {
                        Pair::advance(Kernel::ShaNi, pairs, runs, blocks);
                    }
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => lanes::<8, _>(Avx2::detect().expect("AVX2"), pairs, runs, blocks),
            #[cfg(target_arch = "x86_64")]
            Kernel::Sse2 => lanes::<4, _>(Sse2, pairs, runs, blocks),
            #[cfg(target_arch = "x86_64")]
            Kernel::ShaNi => interleaved(ShaNi::detect().expect("SHA"), pairs, runs, blocks),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Kernel::Armv8 => {
                interleaved(super::armv8::Armv8::detect().expect("SHA-2"), pairs, runs, blocks);
            }
            _ => {
                for (pair, run) in pairs.iter_mut().zip(runs) {
                    pair.take(kernel, [&run[..blocks]; 2]);
                }
            }
        }
    }

    /// Takes blocks into each of the states, which may differ.
    pub(crate) fn take(&mut self, kernel: Kernel, blocks: [&[[u8; 64]]; 2]) {
        for (state, blocks) in self.0.iter_mut().zip(blocks) {
            Engine::of(kernel).compress(state, blocks);
        }
    }

    /// The digests of the messages of `length` bytes that end with these, which are less than a block.
    pub(crate) fn finish(mut self, kernel: Kernel, rest: [&[u8]; 2], length: u64) -> [[u8; 32]; 2] {
        for (state, rest) in self.0.iter_mut().zip(rest) {
            let mut tail = Tail::EMPTY;
            tail.set(rest, length);
            Engine::of(kernel).compress(state, tail.blocks());
        }
        self.0.each_ref().map(digest_of)
    }
}

/// Up to sixteen pairs, whose states are the columns of two sets.
#[cfg(target_arch = "x86_64")]
fn sixteen(kernel: Avx512, pairs: &mut [Pair], runs: &[&[Block]], blocks: usize) {
    let mut states = [StateColumns::<16>::new(), StateColumns::<16>::new()];
    // An idle lane does the work of the first once more, and nobody looks at it.
    let mut sources = [runs[0]; 16];
    sources[..runs.len()].copy_from_slice(runs);
    for (lane, pair) in pairs.iter().enumerate() {
        for (states, state) in states.iter_mut().zip(pair.0) {
            states.set(lane, state);
        }
    }
    kernel.compress_pairs(&mut states, &sources, blocks);
    for (lane, pair) in pairs.iter_mut().enumerate() {
        pair.0 = states.each_ref().map(|states| states.get(lane));
    }
}

/// Each of the pairs in two of `N` lanes.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
fn lanes<const N: usize, K: LaneKernel<N>>(kernel: K, pairs: &mut [Pair], runs: &[&[Block]], blocks: usize) {
    for (pairs, runs) in pairs.chunks_mut(N / 2).zip(runs.chunks(N / 2)) {
        let mut states = K::States::new();
        let sources: [&[Block]; N] =
            std::array::from_fn(|lane| runs[if lane / 2 < runs.len() { lane / 2 } else { 0 }]);
        for (lane, state) in pairs.iter().flat_map(|pair| pair.0).enumerate() {
            states.set(lane, state);
        }
        kernel.compress(&mut states, &sources, blocks);
        for (lane, state) in pairs.iter_mut().flat_map(|pair| &mut pair.0).enumerate() {
            *state = states.get(lane);
        }
    }
}

/// The same by a kernel for which a lane more is more work.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
fn interleaved<K>(kernel: K, pairs: &mut [Pair], runs: &[&[Block]], blocks: usize)
where
    K: LaneKernel<2> + LaneKernel<4>,
{
    let (two, one) = (pairs.len() / 2 * 2, pairs.len() % 2);
    let (most, last) = pairs.split_at_mut(two);
    lanes::<4, _>(kernel, most, &runs[..two], blocks);
    lanes::<2, _>(kernel, last, &runs[two..two + one], blocks);
}
