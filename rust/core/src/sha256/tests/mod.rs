//! Every kernel that this processor can run, against NIST's vectors and the crate `sha2`.
//!
//! Miri runs all of it on fewer and shorter messages, with the kernels whose instructions it knows; see
//! the module's own page.

mod kernels;
mod many;
mod nist;
mod pairs;
mod queue;
mod stream;

use sha2::Digest as _;

use super::Digest;

/// The digest by the crate `sha2`.
fn expected(message: &[u8]) -> Digest {
    sha2::Sha256::digest(message).into()
}

/// Random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256) as u8).collect()
    }
}

/// `many`, or under Miri, which is a thousand times slower, `few`.
fn unless_miri(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}
