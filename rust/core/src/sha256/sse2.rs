//! SHA-256 of four messages at a time on SSE2, which every x86-64 processor has: a register holds one
//! word of each.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateColumns};
use super::padding::Block;
use super::rounds::compress_block;

const LANES: usize = 4;

/// The kernel for SSE2.
#[derive(Clone, Copy)]
pub(super) struct Sse2;

impl LaneKernel<LANES> for Sse2 {
    type States = StateColumns<LANES>;

    fn compress(self, states: &mut StateColumns<LANES>, runs: &[&[Block]; LANES], blocks: usize) {
        let runs = runs.map(|run| &run[..blocks]);
        // SAFETY: x86-64 processors have SSE2.
        unsafe { compress(&mut states.0, runs) }
    }
}

#[target_feature(enable = "sse2")]
fn compress(states: &mut [[u32; LANES]; 8], runs: [&[Block]; LANES]) {
    let mut state: [__m128i; 8] = std::array::from_fn(|i| register(states[i]));
    let [run0, run1, run2, run3] = runs;
    for (((block0, block1), block2), block3) in run0.iter().zip(run1).zip(run2).zip(run3) {
        let blocks = [block0, block1, block2, block3];
        let words: [__m128i; 16] = std::array::from_fn(|i| {
            register(blocks.map(|block| u32::from_be_bytes(block.as_chunks::<4>().0[i])))
        });
        state = compress_block!(state, words);
    }
    *states = std::array::from_fn(|i| words_of(state[i]));
}

/// The first word is the lowest.
#[inline]
#[target_feature(enable = "sse2")]
fn register(words: [u32; LANES]) -> __m128i {
    let [w0, w1, w2, w3] = words.map(u32::cast_signed);
    _mm_set_epi32(w3, w2, w1, w0)
}

#[inline]
#[target_feature(enable = "sse2")]
fn words_of(register: __m128i) -> [u32; LANES] {
    let half = |register| _mm_cvtsi128_si64(register).cast_unsigned();
    let (low, high) = (half(register), half(_mm_unpackhi_epi64(register, register)));
    [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
}

#[inline]
#[target_feature(enable = "sse2")]
fn broadcast(word: u32) -> __m128i {
    _mm_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "sse2")]
fn add(a: __m128i, b: __m128i) -> __m128i {
    _mm_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "sse2")]
fn xor(a: __m128i, b: __m128i) -> __m128i {
    _mm_xor_si128(a, b)
}

#[inline]
#[target_feature(enable = "sse2")]
fn choose(e: __m128i, f: __m128i, g: __m128i) -> __m128i {
    xor(_mm_and_si128(e, xor(f, g)), g)
}

#[inline]
#[target_feature(enable = "sse2")]
fn majority(a: __m128i, b: __m128i, c: __m128i) -> __m128i {
    _mm_or_si128(_mm_and_si128(a, b), _mm_and_si128(c, _mm_or_si128(a, b)))
}

/// The rotation to the right by `RIGHT` bits; `LEFT` is 32 less that.
#[inline]
#[target_feature(enable = "sse2")]
fn rotate<const RIGHT: i32, const LEFT: i32>(w: __m128i) -> __m128i {
    const { assert!(RIGHT + LEFT == 32) };
    _mm_or_si128(_mm_srli_epi32::<RIGHT>(w), _mm_slli_epi32::<LEFT>(w))
}

#[inline]
#[target_feature(enable = "sse2")]
fn big_sigma0(a: __m128i) -> __m128i {
    xor(xor(rotate::<2, 30>(a), rotate::<13, 19>(a)), rotate::<22, 10>(a))
}

#[inline]
#[target_feature(enable = "sse2")]
fn big_sigma1(e: __m128i) -> __m128i {
    xor(xor(rotate::<6, 26>(e), rotate::<11, 21>(e)), rotate::<25, 7>(e))
}

#[inline]
#[target_feature(enable = "sse2")]
fn small_sigma0(w: __m128i) -> __m128i {
    xor(xor(rotate::<7, 25>(w), rotate::<18, 14>(w)), _mm_srli_epi32::<3>(w))
}

#[inline]
#[target_feature(enable = "sse2")]
fn small_sigma1(w: __m128i) -> __m128i {
    xor(xor(rotate::<17, 15>(w), rotate::<19, 13>(w)), _mm_srli_epi32::<10>(w))
}
