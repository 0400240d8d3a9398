//! SHA-256 of sixteen messages at a time on AVX-512: a register holds one word of each.
//!
//! Two states of each, where the same blocks go into both: then what only depends on the blocks, a third
//! of the work, is done once.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateColumns};
use super::padding::Block;
use super::rounds::compress_block;

const LANES: usize = 16;

/// Proof that the processor has AVX-512F and AVX-512BW.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The kernel, if this processor can run it.
    pub(super) fn detect() -> Option<Avx512> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Avx512(()))
    }
}

impl LaneKernel<LANES> for Avx512 {
    type States = StateColumns<LANES>;

    fn compress(self, states: &mut StateColumns<LANES>, runs: &[&[Block]; LANES], blocks: usize) {
        let runs = runs.map(|run| run[..blocks].as_ptr());
        // SAFETY: the processor has the features, or there would be no `self`; every run has `blocks`
        // blocks, or the line above had panicked.
        unsafe { compress(&mut states.0, &runs, blocks) }
    }
}

impl Avx512 {
    /// As `compress`, for two states of every lane.
    ///
    /// # Panics
    ///
    /// When a run has fewer blocks.
    pub(super) fn compress_pairs(
        self,
        states: &mut [StateColumns<LANES>; 2],
        runs: &[&[Block]; LANES],
        blocks: usize,
    ) {
        let runs = runs.map(|run| run[..blocks].as_ptr());
        let [first, second] = states;
        // SAFETY: the processor has the features, or there would be no `self`; every run has `blocks`
        // blocks, or the line above had panicked.
        unsafe { compress_pairs([&mut first.0, &mut second.0], &runs, blocks) }
    }
}

/// # Safety
///
/// The processor has the features, and at every pointer there are `blocks` blocks.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn compress(states: &mut [[u32; LANES]; 8], runs: &[*const Block; LANES], blocks: usize) {
    let columns = states.as_mut_ptr().cast::<__m512i>();
    // SAFETY: the states are eight times 64 bytes.
    let mut state: [__m512i; 8] = std::array::from_fn(|i| unsafe { _mm512_loadu_si512(columns.add(i)) });
    for block in 0..blocks {
        // SAFETY: `block` < `blocks`.
        let rows = unsafe { blocks_of(runs, block) };
        state = compress_block!(state, words_of(rows));
    }
    for (i, column) in state.into_iter().enumerate() {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(columns.add(i), column) }
    }
}

/// # Safety
///
/// The processor has the features, and at every pointer there are `blocks` blocks.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn compress_pairs(states: [&mut [[u32; LANES]; 8]; 2], runs: &[*const Block; LANES], blocks: usize) {
    let columns = states.map(|states| states.as_mut_ptr().cast::<__m512i>());
    let mut pair: [[__m512i; 8]; 2] = columns.map(|columns| {
        // SAFETY: the states are eight times 64 bytes.
        std::array::from_fn(|i| unsafe { _mm512_loadu_si512(columns.add(i)) })
    });
    let mut schedule = [_mm512_setzero_si512(); 64];
    for block in 0..blocks {
        // SAFETY: `block` < `blocks`.
        let rows = unsafe { blocks_of(runs, block) };
        expand(words_of(rows), &mut schedule);
        pair = rounds(pair, &schedule);
    }
    for (columns, state) in columns.into_iter().zip(pair) {
        for (i, column) in state.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { _mm512_storeu_si512(columns.add(i), column) }
        }
    }
}

/// The block of this number of each run, one a register.
///
/// # Safety
///
/// The processor has the features, and at every pointer there is this block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn blocks_of(runs: &[*const Block; LANES], block: usize) -> [__m512i; LANES] {
    // Loops here and below: a closure that the compiler does not put in line, as where this crate is compiled in
    // several units, takes and gives all registers by memory, and hashing takes twice as long.
    let mut rows = [_mm512_setzero_si512(); LANES];
    for (row, run) in rows.iter_mut().zip(runs) {
        // SAFETY: a block is 64 bytes.
        *row = unsafe { _mm512_loadu_si512(run.add(block).cast()) };
    }
    rows
}

/// The schedule of sixteen blocks (FIPS 180-4, 6.2.2, step 1), with the rounds' constants added.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn expand(words: [__m512i; 16], schedule: &mut [__m512i; 64]) {
    let mut w = words;
    let ([first, others @ ..], _) = schedule.as_chunks_mut::<16>() else { unreachable!("four times 16") };
    let [first_constants, other_constants @ ..] = &ROUND.0;
    for i in 0..16 {
        first[i] = add(w[i], broadcast(first_constants[i]));
    }
    for (row, constants) in others.iter_mut().zip(other_constants) {
        // One by one, so that each has its register.
        macro_rules! next_words {
            ($($i:literal)*) => {$(
                w[$i] = add(
                    add(w[$i], small_sigma0(w[($i + 1) % 16])),
                    add(w[($i + 9) % 16], small_sigma1(w[($i + 14) % 16])),
                );
                row[$i] = add(w[$i], broadcast(constants[$i]));
            )*};
        }
        next_words!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
}

/// The 64 rounds of both states with this schedule (step 3), and the sums (step 4).
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn rounds(before: [[__m512i; 8]; 2], schedule: &[__m512i; 64]) -> [[__m512i; 8]; 2] {
    let mut state = [[_mm512_setzero_si512(); 2]; 8];
    for (i, both) in state.iter_mut().enumerate() {
        *both = [before[0][i], before[1][i]];
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    // A round of one state fits into the gaps of the other's.
    macro_rules! round {
        ($va:ident $vb:ident $vc:ident $vd:ident $ve:ident $vf:ident $vg:ident $vh:ident, $word:expr) => {
            for s in 0..2 {
                let t1 = add(add(add($vh[s], $word), choose($ve[s], $vf[s], $vg[s])), big_sigma1($ve[s]));
                $vd[s] = add($vd[s], t1);
                $vh[s] = add(add(t1, majority($va[s], $vb[s], $vc[s])), big_sigma0($va[s]));
            }
        };
    }
    for word in schedule.as_chunks::<8>().0 {
        round!(a b c d e f g h, word[0]);
        round!(h a b c d e f g, word[1]);
        round!(g h a b c d e f, word[2]);
        round!(f g h a b c d e, word[3]);
        round!(e f g h a b c d, word[4]);
        round!(d e f g h a b c, word[5]);
        round!(c d e f g h a b, word[6]);
        round!(b c d e f g h a, word[7]);
    }
    let mut after = before;
    for (i, word) in [a, b, c, d, e, f, g, h].into_iter().enumerate() {
        for s in 0..2 {
            after[s][i] = add(word[s], after[s][i]);
        }
    }
    after
}

/// From sixteen blocks, one a register, to their big-endian words, one of each block in a register.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words_of(r: [__m512i; 16]) -> [__m512i; 16] {
    let byte_swap = _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203));
    // Within each quarter of a register: four words of four blocks to four blocks' words.
    let mut q = [_mm512_setzero_si512(); 16];
    for i in 0..4 {
        let [r0, r1, r2, r3] = [r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]];
        let low01 = _mm512_unpacklo_epi32(r0, r1);
        let high01 = _mm512_unpackhi_epi32(r0, r1);
        let low23 = _mm512_unpacklo_epi32(r2, r3);
        let high23 = _mm512_unpackhi_epi32(r2, r3);
        q[i] = _mm512_unpacklo_epi64(low01, low23);
        q[4 + i] = _mm512_unpackhi_epi64(low01, low23);
        q[8 + i] = _mm512_unpacklo_epi64(high01, high23);
        q[12 + i] = _mm512_unpackhi_epi64(high01, high23);
    }
    // And then the quarters: q[4 * j + i] has, in its quarter k, word 4 * k + j of the blocks 4 * i ...
    let mut words = [_mm512_setzero_si512(); 16];
    for j in 0..4 {
        let [q0, q1, q2, q3] = [q[4 * j], q[4 * j + 1], q[4 * j + 2], q[4 * j + 3]];
        let even01 = _mm512_shuffle_i32x4::<0x88>(q0, q1);
        let odd01 = _mm512_shuffle_i32x4::<0xdd>(q0, q1);
        let even23 = _mm512_shuffle_i32x4::<0x88>(q2, q3);
        let odd23 = _mm512_shuffle_i32x4::<0xdd>(q2, q3);
        words[j] = _mm512_shuffle_i32x4::<0x88>(even01, even23);
        words[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd01, odd23);
        words[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even01, even23);
        words[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd01, odd23);
    }
    for word in &mut words {
        *word = _mm512_shuffle_epi8(*word, byte_swap);
    }
    words
}

#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(word: u32) -> __m512i {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn choose(e: __m512i, f: __m512i, g: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xca>(e, f, g)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xe8>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma0(a: __m512i) -> __m512i {
    xor3(_mm512_ror_epi32::<2>(a), _mm512_ror_epi32::<13>(a), _mm512_ror_epi32::<22>(a))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma1(e: __m512i) -> __m512i {
    xor3(_mm512_ror_epi32::<6>(e), _mm512_ror_epi32::<11>(e), _mm512_ror_epi32::<25>(e))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma0(w: __m512i) -> __m512i {
    xor3(_mm512_ror_epi32::<7>(w), _mm512_ror_epi32::<18>(w), _mm512_srli_epi32::<3>(w))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma1(w: __m512i) -> __m512i {
    xor3(_mm512_ror_epi32::<17>(w), _mm512_ror_epi32::<19>(w), _mm512_srli_epi32::<10>(w))
}
