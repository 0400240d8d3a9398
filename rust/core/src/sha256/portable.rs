//! SHA-256 in plain Rust, for every processor, one message at a time.

use super::constants::ROUND;
use super::lanes::{LaneKernel, StateRows};
use super::padding::Block;
use super::rounds::compress_block;

/// The kernel in plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl LaneKernel<1> for Portable {
    type States = StateRows<1>;

    fn compress(self, states: &mut StateRows<1>, runs: &[&[Block]; 1], blocks: usize) {
        compress(&mut states.0[0], &runs[0][..blocks]);
    }
}

/// Compresses `blocks` into `state`.
fn compress(state: &mut [u32; 8], blocks: &[Block]) {
    for block in blocks {
        let mut words = [0; 16];
        for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        *state = compress_block!(*state, words);
    }
}

fn broadcast(word: u32) -> u32 {
    word
}

fn add(a: u32, b: u32) -> u32 {
    a.wrapping_add(b)
}

fn choose(e: u32, f: u32, g: u32) -> u32 {
    (e & (f ^ g)) ^ g
}

fn majority(a: u32, b: u32, c: u32) -> u32 {
    (a & (b ^ c)) ^ (b & c)
}

fn big_sigma0(a: u32) -> u32 {
    ((a.rotate_right(9) ^ a).rotate_right(11) ^ a).rotate_right(2)
}

fn big_sigma1(e: u32) -> u32 {
    ((e.rotate_right(14) ^ e).rotate_right(5) ^ e).rotate_right(6)
}

fn small_sigma0(w: u32) -> u32 {
    w.rotate_right(7) ^ w.rotate_right(18) ^ (w >> 3)
}

fn small_sigma1(w: u32) -> u32 {
    w.rotate_right(17) ^ w.rotate_right(19) ^ (w >> 10)
}
