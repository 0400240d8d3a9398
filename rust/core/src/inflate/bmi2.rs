//! The inner loop of inflating, compiled for processors with BMI2: most of it is shifts by a number of bits
//! that is found out only then, and these take one step there instead of three.
#![allow(unsafe_code)]

use super::fast::{Bits, Tables, turns};
use super::table::Unusual;

/// As [`turns`].
#[inline]
pub(super) fn turns_of_this_processor(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(bool, usize), Unusual> {
    if is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor has the features.
        return unsafe { turns_with_bmi2(tables, bits, output, at) };
    }
    turns(tables, bits, output, at)
}

#[target_feature(enable = "bmi1,bmi2")]
fn turns_with_bmi2(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut [u8],
    at: usize,
) -> Result<(bool, usize), Unusual> {
    turns(tables, bits, output, at)
}
