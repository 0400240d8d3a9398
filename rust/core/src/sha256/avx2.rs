//! SHA-256 of eight messages at a time on AVX2: a register holds one word of each.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateColumns};
use super::padding::Block;
use super::rounds::compress_block;

const LANES: usize = 8;

/// Proof that the processor has AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The kernel, if this processor can run it.
    pub(super) fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }
}

impl LaneKernel<LANES> for Avx2 {
    type States = StateColumns<LANES>;

    fn compress(self, states: &mut StateColumns<LANES>, runs: &[&[Block]; LANES], blocks: usize) {
        let runs = runs.map(|run| run[..blocks].as_ptr());
        // SAFETY: the processor has AVX2, or there would be no `self`; every run has `blocks` blocks, or
        // the line above had panicked.
        unsafe { compress(&mut states.0, &runs, blocks) }
    }
}

/// # Safety
///
/// The processor has AVX2, and at every pointer there are `blocks` blocks.
#[target_feature(enable = "avx2")]
unsafe fn compress(states: &mut [[u32; LANES]; 8], runs: &[*const Block; LANES], blocks: usize) {
    let columns = states.as_mut_ptr().cast::<__m256i>();
    // SAFETY: the states are eight times 32 bytes.
    let mut state: [__m256i; 8] = std::array::from_fn(|i| unsafe { _mm256_loadu_si256(columns.add(i)) });
    for block in 0..blocks {
        // Loops here and below: a closure that the compiler does not put in line takes and gives registers by
        // memory.
        let mut halves = [[_mm256_setzero_si256(); LANES]; 2];
        for (lane, run) in runs.iter().enumerate() {
            for (half, rows) in halves.iter_mut().enumerate() {
                // SAFETY: `block` < `blocks`, and a block is two times 32 bytes.
                rows[lane] = unsafe { _mm256_loadu_si256(run.add(block).cast::<__m256i>().add(half)) };
            }
        }
        let [w0, w1, w2, w3, w4, w5, w6, w7] = words_of(halves[0]);
        let [w8, w9, w10, w11, w12, w13, w14, w15] = words_of(halves[1]);
        let words = [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15];
        state = compress_block!(state, words);
    }
    for (i, column) in state.into_iter().enumerate() {
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(columns.add(i), column) }
    }
}

/// From half a block of each message, one a register, to its big-endian words, one of each message in a
/// register.
#[inline]
#[target_feature(enable = "avx2")]
fn words_of(r: [__m256i; 8]) -> [__m256i; 8] {
    let byte_swap = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203));
    // Within each half of a register: four words of four messages to four messages' words.
    let mut q = [_mm256_setzero_si256(); 8];
    for i in 0..2 {
        let [r0, r1, r2, r3] = [r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]];
        let low01 = _mm256_unpacklo_epi32(r0, r1);
        let high01 = _mm256_unpackhi_epi32(r0, r1);
        let low23 = _mm256_unpacklo_epi32(r2, r3);
        let high23 = _mm256_unpackhi_epi32(r2, r3);
        q[i] = _mm256_unpacklo_epi64(low01, low23);
        q[2 + i] = _mm256_unpackhi_epi64(low01, low23);
        q[4 + i] = _mm256_unpacklo_epi64(high01, high23);
        q[6 + i] = _mm256_unpackhi_epi64(high01, high23);
    }
    // And then the halves.
    let mut words = [_mm256_setzero_si256(); 8];
    for j in 0..4 {
        words[j] = _mm256_permute2x128_si256::<0x20>(q[2 * j], q[2 * j + 1]);
        words[4 + j] = _mm256_permute2x128_si256::<0x31>(q[2 * j], q[2 * j + 1]);
    }
    for word in &mut words {
        *word = _mm256_shuffle_epi8(*word, byte_swap);
    }
    words
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(word: u32) -> __m256i {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(e: __m256i, f: __m256i, g: __m256i) -> __m256i {
    xor(_mm256_and_si256(e, xor(f, g)), g)
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)))
}

/// The rotation to the right by `RIGHT` bits; `LEFT` is 32 less that.
#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const RIGHT: i32, const LEFT: i32>(w: __m256i) -> __m256i {
    const { assert!(RIGHT + LEFT == 32) };
    _mm256_or_si256(_mm256_srli_epi32::<RIGHT>(w), _mm256_slli_epi32::<LEFT>(w))
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma0(a: __m256i) -> __m256i {
    xor(xor(rotate::<2, 30>(a), rotate::<13, 19>(a)), rotate::<22, 10>(a))
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma1(e: __m256i) -> __m256i {
    xor(xor(rotate::<6, 26>(e), rotate::<11, 21>(e)), rotate::<25, 7>(e))
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma0(w: __m256i) -> __m256i {
    xor(xor(rotate::<7, 25>(w), rotate::<18, 14>(w)), _mm256_srli_epi32::<3>(w))
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma1(w: __m256i) -> __m256i {
    xor(xor(rotate::<17, 15>(w), rotate::<19, 13>(w)), _mm256_srli_epi32::<10>(w))
}
