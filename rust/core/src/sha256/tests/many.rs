//! Many messages at once: all lengths, all mixes of lengths, all alignments.

use super::super::{Kernel, digest_many, digest_many_with};
use super::{Random, expected, unless_miri};

/// Every available kernel on these messages, against `sha2`.
fn check(messages: &[&[u8]]) {
    let expected: Vec<_> = messages.iter().map(|message| expected(message)).collect();
    for kernel in Kernel::available() {
        // Something that no digest is, so that a place that was left out is seen.
        let mut digests = vec![[0x55; 32]; messages.len()];
        digest_many_with(kernel, messages, &mut digests);
        for (at, message) in messages.iter().enumerate() {
            let of = messages.len();
            assert_eq!(digests[at], expected[at], "{kernel}: message {at} of {of}, {} bytes", message.len());
        }
    }
}

/// Where padding goes from one block to two, and where a block is full.
const BORDERS: [usize; 12] = [0, 1, 54, 55, 56, 57, 62, 63, 64, 65, 118, 120];

#[test]
fn every_length_of_a_few_blocks() {
    let bytes = Random(1).bytes(600);
    let all: Vec<&[u8]> =
        (0..=unless_miri(600, 130)).step_by(unless_miri(1, 9)).map(|length| &bytes[..length]).collect();
    check(&all);
    let reversed: Vec<&[u8]> = all.iter().rev().copied().collect();
    check(&reversed);
}

#[test]
fn every_number_of_messages_about_the_lanes() {
    let mut random = Random(2);
    let bytes = random.bytes(1000);
    for count in (0..=unless_miri(70, 18)).step_by(unless_miri(1, 6)) {
        let messages: Vec<&[u8]> = (0..count)
            .map(|_| {
                let length = 64 * random.below(4) + BORDERS[random.below(BORDERS.len())];
                let start = random.below(bytes.len() - length);
                &bytes[start..start + length]
            })
            .collect();
        check(&messages);
        // The same length in every lane, so that all end at once.
        let length = BORDERS[count % BORDERS.len()];
        check(&vec![&bytes[..length]; count]);
    }
}

#[test]
fn every_alignment() {
    let bytes = Random(3).bytes(64 + 400);
    for length in [1, 55, 64, 200, 330].into_iter().take(unless_miri(5, 3)) {
        let messages: Vec<&[u8]> = (0..64).map(|start| &bytes[start..start + length]).collect();
        check(&messages[..unless_miri(64, 17)]);
    }
}

/// A slice ends where its memory ends, so that a read beyond it is seen by Miri and by sanitizers.
#[test]
fn messages_in_memory_of_their_own() {
    let bytes = Random(4).bytes(300);
    let lengths = (0..unless_miri(300, 20)).map(|at| (at * 7) % 300);
    let own: Vec<Box<[u8]>> = lengths.map(|length| bytes[300 - length..].into()).collect();
    let messages: Vec<&[u8]> = own.iter().map(|message| &message[..]).collect();
    check(&messages);
}

#[test]
fn random_mixes_of_lengths() {
    let mut random = Random(5);
    let bytes = random.bytes(unless_miri(300_000, 3000));
    for _ in 0..unless_miri(300, 1) {
        let count = random.below(unless_miri(100, 25));
        // Magnitudes are as likely as each other, up to all there is; borders are likelier than the rest.
        let messages: Vec<&[u8]> = (0..count)
            .map(|_| {
                let magnitude = random.below(bytes.len().ilog2() as usize - 1);
                let mut length = random.below(2 << magnitude);
                if random.below(2) == 0 {
                    length = (length / 64 * 64 + BORDERS[random.below(BORDERS.len())]).min(bytes.len() - 1);
                }
                let start = random.below(bytes.len() - length);
                &bytes[start..start + length]
            })
            .collect();
        check(&messages);
    }
}

/// One long message among short ones, at every place: the others run out before it is through.
#[test]
fn one_long_message_among_short_ones() {
    let bytes = Random(6).bytes(unless_miri(100_000, 1500));
    for place in 0..unless_miri(40, 1) {
        let mut messages = vec![&bytes[..100]; unless_miri(40, 18)];
        messages[place] = &bytes;
        check(&messages);
    }
}

#[test]
fn without_a_kernel_named() {
    let bytes = Random(7).bytes(1000);
    let messages: Vec<&[u8]> = (0..30).map(|at| &bytes[at..at * 30 + 64]).collect();
    let mut digests = vec![[0; 32]; 30];
    digest_many(&messages, &mut digests);
    assert!(messages.iter().zip(digests).all(|(message, digest)| digest == expected(message)));
}

#[test]
#[should_panic(expected = "one digest for each message")]
fn a_digest_for_each_message() {
    digest_many(&[b"a", b"b"], &mut [[0; 32]]);
}
