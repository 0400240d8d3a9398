//! One message in pieces.

use super::super::{Hasher, Kernel, digest};
use super::{Random, expected, unless_miri};

/// Takes a piece of any length from what is left, none among them.
fn some_of<'m>(random: &mut Random, left: &mut &'m [u8]) -> &'m [u8] {
    let most = [1, 64, 65, 130, 1000][random.below(5)];
    let (piece, others) = left.split_at(random.below(most + 1).min(left.len()));
    *left = others;
    piece
}

#[test]
fn pieces_of_any_length() {
    let mut random = Random(11);
    let bytes = random.bytes(unless_miri(5000, 400));
    for kernel in Kernel::available() {
        for _ in 0..unless_miri(300, 5) {
            let message = &bytes[..random.below(bytes.len())];
            let mut hasher = Hasher::with_kernel(kernel);
            let mut left = message;
            while !left.is_empty() {
                hasher.update(some_of(&mut random, &mut left));
            }
            assert_eq!(hasher.finish(), expected(message), "{kernel}: {} bytes", message.len());
        }
    }
}

#[test]
fn every_border_between_two_pieces() {
    let bytes = Random(12).bytes(200);
    for kernel in Kernel::available() {
        for at in (0..=200).step_by(unless_miri(1, 23)) {
            let mut hasher = Hasher::with_kernel(kernel);
            hasher.update(&bytes[..at]);
            hasher.update(&bytes[at..]);
            assert_eq!(hasher.finish(), expected(&bytes), "{kernel}: {at}");
        }
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    let bytes = Random(13).bytes(300);
    for kernel in Kernel::available() {
        let mut hasher = Hasher::with_kernel(kernel);
        hasher.update(&bytes[..100]);
        let mut other = hasher.clone();
        other.update(&bytes[200..]);
        hasher.update(&bytes[100..]);
        assert_eq!(hasher.finish(), expected(&bytes));
        assert_eq!(other.finish(), expected(&[&bytes[..100], &bytes[200..]].concat()));
    }
}

#[test]
fn without_a_kernel_named() {
    let bytes = Random(14).bytes(1000);
    for length in [0, 1, 55, 56, 63, 64, 1000] {
        assert_eq!(digest(&bytes[..length]), expected(&bytes[..length]));
    }
}

/// Two messages side by side, in pieces of any lengths, none among them.
#[test]
fn two_messages_at_once() {
    let mut random = Random(15);
    let bytes = random.bytes(unless_miri(5000, 400));
    for kernel in Kernel::available() {
        for _ in 0..unless_miri(300, 5) {
            let messages = [&bytes[..random.below(bytes.len())], &bytes[random.below(bytes.len())..]];
            let [mut first, mut second] = [Hasher::with_kernel(kernel), Hasher::with_kernel(kernel)];
            let mut left = messages;
            while left.iter().any(|left| !left.is_empty()) {
                let pieces = left.each_mut().map(|left| some_of(&mut random, left));
                Hasher::update_two([&mut first, &mut second], pieces);
            }
            let digests = [first.finish(), second.finish()];
            assert_eq!(digests, messages.map(expected), "{kernel}: {:?}", messages.map(<[u8]>::len));
        }
    }
}
