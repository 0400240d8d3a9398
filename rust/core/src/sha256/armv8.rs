//! SHA-256 on the SHA-2 instructions of ARMv8 processors, one to four messages interleaved.
//!
//! One message leaves the unit idle while an instruction waits for the one before; the rounds of another
//! message fit into the gaps.  Four messages and their schedules fill the 32 registers.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateRows};
use super::padding::Block;

/// Proof that the processor has the SHA-2 instructions.
#[derive(Clone, Copy)]
pub(super) struct Armv8(());

impl Armv8 {
    /// The kernel, if this processor can run it.
    pub(super) fn detect() -> Option<Armv8> {
        (std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("sha2"))
            .then_some(Armv8(()))
    }
}

impl<const N: usize> LaneKernel<N> for Armv8 {
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
#[target_feature(enable = "neon,sha2")]
unsafe fn compress<const N: usize>(states: &mut [[u32; 8]; N], runs: &[&[Block]; N], blocks: usize) {
    let round_constants = |group: usize| {
        // SAFETY: four words of 64, group < 16.
        unsafe { vld1q_u32(ROUND.0.as_flattened().as_ptr().add(4 * group)) }
    };

    let mut abcd = [vdupq_n_u32(0); N];
    let mut efgh = [vdupq_n_u32(0); N];
    for s in 0..N {
        // SAFETY: a state is two times four words.
        unsafe {
            abcd[s] = vld1q_u32(states[s].as_ptr());
            efgh[s] = vld1q_u32(states[s].as_ptr().add(4));
        }
    }

    for block in 0..blocks {
        let (abcd_before, efgh_before) = (abcd, efgh);
        let mut w = [[vdupq_n_u32(0); N]; 4];

        // Four rounds, and the four words of the schedule (FIPS 180-4, 6.2.2, step 1) that take the place
        // of those that are used up.
        macro_rules! four_rounds {
            ($($group:literal)*) => {$(
                for s in 0..N {
                    if $group < 4 {
                        // SAFETY: the block is one of the run's, and four times 16 bytes.
                        let bytes = unsafe {
                            vld1q_u8(runs[s].as_ptr().add(block).cast::<u8>().add(16 * $group))
                        };
                        w[$group % 4][s] = vreinterpretq_u32_u8(vrev32q_u8(bytes));
                    }
                    let wk = vaddq_u32(w[$group % 4][s], round_constants($group));
                    if 3 <= $group && $group < 15 {
                        let with_sigma0 = vsha256su0q_u32(w[($group + 1) % 4][s], w[($group + 2) % 4][s]);
                        w[($group + 1) % 4][s] =
                            vsha256su1q_u32(with_sigma0, w[($group + 3) % 4][s], w[$group % 4][s]);
                    }
                    let abcd_now = abcd[s];
                    abcd[s] = vsha256hq_u32(abcd_now, efgh[s], wk);
                    efgh[s] = vsha256h2q_u32(efgh[s], abcd_now, wk);
                }
            )*};
        }
        four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

        for s in 0..N {
            abcd[s] = vaddq_u32(abcd[s], abcd_before[s]);
            efgh[s] = vaddq_u32(efgh[s], efgh_before[s]);
        }
    }

    for s in 0..N {
        // SAFETY: a state is two times four words.
        unsafe {
            vst1q_u32(states[s].as_mut_ptr(), abcd[s]);
            vst1q_u32(states[s].as_mut_ptr().add(4), efgh[s]);
        }
    }
}
