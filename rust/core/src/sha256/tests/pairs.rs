//! Two digests of nearly the same message.

use super::super::{Kernel, Pair};
use super::{Random, expected, unless_miri};

/// Messages of mixed lengths, each with a block changed in its second reading, any number of them at a
/// time.
#[test]
fn every_kernel_keeps_both_states_of_every_lane() {
    let mut random = Random(5);
    for kernel in Kernel::available() {
        for count in 1..unless_miri(40, 4) {
            let blocks = 1 + random.below(5);
            let messages: Vec<Vec<u8>> =
                (0..count).map(|_| random.bytes(64 * (2 * blocks + 1) + count)).collect();
            let changed: Vec<Vec<u8>> = messages
                .iter()
                .map(|message| {
                    let mut changed = message.clone();
                    changed[64 * blocks + random.below(64)] ^= 1;
                    *changed.last_mut().unwrap() ^= 1;
                    changed
                })
                .collect();
            let mut pairs = vec![Pair::START; count];
            let run = |message: &Vec<u8>, from: usize| message.as_chunks().0[from..].to_vec();
            for half in [0, blocks + 1] {
                let runs: Vec<Vec<[u8; 64]>> = messages.iter().map(|message| run(message, half)).collect();
                let runs: Vec<&[[u8; 64]]> = runs.iter().map(|run| &run[..]).collect();
                Pair::advance(kernel, &mut pairs, &runs, blocks);
                if half == 0 {
                    for ((pair, message), changed) in pairs.iter_mut().zip(&messages).zip(&changed) {
                        pair.take(kernel, [message, changed].map(|m| &m.as_chunks().0[blocks..=blocks]));
                    }
                }
            }
            for ((pair, message), changed) in pairs.into_iter().zip(&messages).zip(&changed) {
                let rest = [message, changed].map(|message| message.as_chunks::<64>().1);
                let digests = pair.finish(kernel, rest, message.len() as u64);
                assert_eq!(digests, [expected(message), expected(changed)], "{kernel} {count}");
            }
        }
    }
}
