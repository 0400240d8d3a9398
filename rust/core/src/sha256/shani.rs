//! SHA-256 on the SHA extensions of x86 processors, one to four messages interleaved.
//!
//! One message leaves the SHA unit idle most of the time: every `sha256rnds2` waits for the one before.
//! The rounds of another message fit into the gaps.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateRows};
use super::padding::Block;

/// Proof that the processor has the SHA extensions, SSSE3 and SSE4.1.
#[derive(Clone, Copy)]
pub(super) struct ShaNi(());

impl ShaNi {
    /// The kernel, if this processor can run it.
    pub(super) fn detect() -> Option<ShaNi> {
        (is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1"))
        .then_some(ShaNi(()))
    }
}

impl<const N: usize> LaneKernel<N> for ShaNi {
    type States = StateRows<N>;

    fn compress(self, states: &mut StateRows<N>, runs: &[&[Block]; N], blocks: usize) {
        let runs = runs.map(|run| &run[..blocks]);
        // SAFETY: the processor has the features, or there would be no `self`; every run has `blocks`
        // blocks, or the line above had panicked.
        unsafe { compress(&mut states.0, &runs, blocks) }
    }
}

/// # Safety
///
/// The processor has the features, and every run has at least `blocks` blocks.
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn compress<const N: usize>(states: &mut [[u32; 8]; N], runs: &[&[Block]; N], blocks: usize) {
    let byte_swap = _mm_set_epi64x(0x0c0d0e0f_08090a0b, 0x04050607_00010203);
    let round_constants = |group: usize| {
        // SAFETY: 16 bytes of 256, group < 16; their address is a multiple of 16.
        unsafe { _mm_load_si128(ROUND.0.as_ptr().cast::<__m128i>().add(group)) }
    };

    // The instructions want the words a, b, e, f in one register and c, d, g, h in another.
    let mut abef = [_mm_setzero_si128(); N];
    let mut cdgh = [_mm_setzero_si128(); N];
    for s in 0..N {
        let words = states[s].as_ptr().cast::<__m128i>();
        // SAFETY: a state is two times 16 bytes.
        let (dcba, hgfe) = unsafe { (_mm_loadu_si128(words), _mm_loadu_si128(words.add(1))) };
        let cdab = _mm_shuffle_epi32::<0xb1>(dcba);
        let efgh = _mm_shuffle_epi32::<0x1b>(hgfe);
        abef[s] = _mm_alignr_epi8::<8>(cdab, efgh);
        cdgh[s] = _mm_blend_epi16::<0xf0>(efgh, cdab);
    }

    for block in 0..blocks {
        let (abef_before, cdgh_before) = (abef, cdgh);
        let mut w = [[_mm_setzero_si128(); N]; 4];

        // Four rounds; meanwhile the schedule's next words (FIPS 180-4, 6.2.2, step 1) are on their way.
        macro_rules! four_rounds {
            ($($group:literal)*) => {$(
                for s in 0..N {
                    if $group < 4 {
                        // SAFETY: the block is one of the run's, and four times 16 bytes.
                        let bytes = unsafe {
                            _mm_loadu_si128(runs[s].as_ptr().add(block).cast::<__m128i>().add($group))
                        };
                        w[$group % 4][s] = _mm_shuffle_epi8(bytes, byte_swap);
                    }
                    let wk = _mm_add_epi32(w[$group % 4][s], round_constants($group));
                    cdgh[s] = _mm_sha256rnds2_epu32(cdgh[s], abef[s], wk);
                    if 3 <= $group && $group < 15 {
                        let seven_back = _mm_alignr_epi8::<4>(w[$group % 4][s], w[($group + 3) % 4][s]);
                        w[($group + 1) % 4][s] = _mm_sha256msg2_epu32(
                            _mm_add_epi32(w[($group + 1) % 4][s], seven_back),
                            w[$group % 4][s],
                        );
                    }
                    abef[s] = _mm_sha256rnds2_epu32(abef[s], cdgh[s], _mm_shuffle_epi32::<0x0e>(wk));
                    if 1 <= $group && $group < 13 {
                        w[($group + 3) % 4][s] =
                            _mm_sha256msg1_epu32(w[($group + 3) % 4][s], w[$group % 4][s]);
                    }
                }
            )*};
        }
        four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

        for s in 0..N {
            abef[s] = _mm_add_epi32(abef[s], abef_before[s]);
            cdgh[s] = _mm_add_epi32(cdgh[s], cdgh_before[s]);
        }
    }

    for s in 0..N {
        let feba = _mm_shuffle_epi32::<0x1b>(abef[s]);
        let dchg = _mm_shuffle_epi32::<0xb1>(cdgh[s]);
        let words = states[s].as_mut_ptr().cast::<__m128i>();
        // SAFETY: a state is two times 16 bytes.
        unsafe {
            _mm_storeu_si128(words, _mm_blend_epi16::<0xf0>(feba, dchg));
            _mm_storeu_si128(words.add(1), _mm_alignr_epi8::<8>(dchg, feba));
        }
    }
}
