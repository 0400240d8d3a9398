//! The byte-oriented vectors of NIST's Cryptographic Algorithm Validation Program, CAVS 11.0, as published
//! (`shabytetestvectors.zip`), and the examples of FIPS 180-4's companion document.

use super::super::{Digest, Hasher, Kernel, digest_many_with};
use super::unless_miri;

/// The messages and digests of a response file.
fn vectors(file: &str) -> Vec<(Vec<u8>, Digest)> {
    let mut vectors = Vec::new();
    let (mut length, mut message) = (0, Vec::new());
    for line in file.lines() {
        match line.split_once(" = ") {
            Some(("Len", bits)) => length = bits.parse::<usize>().unwrap() / 8,
            Some(("Msg", hex)) => message = bytes(hex),
            Some(("MD", hex)) => {
                // The empty message is written as one byte.
                message.truncate(length);
                assert_eq!(message.len(), length);
                vectors.push((std::mem::take(&mut message), bytes(hex).try_into().unwrap()));
            }
            _ => {}
        }
    }
    vectors
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn check(vectors: &[(Vec<u8>, Digest)]) {
    let messages: Vec<&[u8]> = vectors.iter().map(|(message, _)| message.as_slice()).collect();
    for kernel in Kernel::available() {
        let mut digests = vec![[0; 32]; messages.len()];
        digest_many_with(kernel, &messages, &mut digests);
        for ((message, expected), digest) in vectors.iter().zip(digests) {
            assert_eq!(digest, *expected, "{kernel}: {} bytes among others", message.len());
            let mut alone = [[0; 32]];
            digest_many_with(kernel, &[message], &mut alone);
            assert_eq!(alone[0], *expected, "{kernel}: {} bytes", message.len());
            let mut hasher = Hasher::with_kernel(kernel);
            hasher.update(message);
            assert_eq!(hasher.finish(), *expected, "{kernel}: {} bytes as a stream", message.len());
        }
    }
}

#[test]
fn short_messages() {
    let vectors = vectors(include_str!("nist/SHA256ShortMsg.rsp"));
    assert_eq!(vectors.len(), 65);
    // As the last ones have one length after another, the first are enough for Miri.
    check(&vectors[..unless_miri(65, 10)]);
}

#[test]
fn long_messages() {
    let mut vectors = vectors(include_str!("nist/SHA256LongMsg.rsp"));
    // Of 64; the file says which.
    assert_eq!(vectors.len(), 17);
    vectors.truncate(unless_miri(17, 1));
    check(&vectors);
}

/// A hundred times a thousand digests of three digests before, each kernel in all of its lanes.
#[test]
#[cfg_attr(miri, ignore = "too long for Miri")]
fn monte_carlo() {
    let file = include_str!("nist/SHA256Monte.rsp");
    let value = |line: &str, name| -> Option<Digest> {
        let (found, hex) = line.split_once(" = ")?;
        (found == name).then(|| bytes(hex).try_into().unwrap())
    };
    let seed = file.lines().find_map(|line| value(line, "Seed")).unwrap();
    let checkpoints: Vec<Digest> = file.lines().filter_map(|line| value(line, "MD")).collect();
    assert_eq!(checkpoints.len(), 100);
    for kernel in Kernel::available() {
        let mut seed = seed;
        for checkpoint in &checkpoints {
            let (mut before, mut last) = ([seed; 2], seed);
            for _ in 0..1000 {
                let message = [before[0], before[1], last].concat();
                let messages = vec![message.as_slice(); kernel.lanes()];
                let mut digests = vec![[0; 32]; messages.len()];
                digest_many_with(kernel, &messages, &mut digests);
                assert!(digests.iter().all(|digest| *digest == digests[0]));
                before = [before[1], last];
                last = digests[0];
            }
            assert_eq!(last, *checkpoint, "{kernel}");
            seed = last;
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too long for Miri")]
fn a_million_times_a() {
    let message = vec![b'a'; 1_000_000];
    let expected = bytes("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    for kernel in Kernel::available() {
        for count in [1, 2, 3, kernel.lanes(), kernel.lanes() + 1] {
            let mut digests = vec![[0; 32]; count];
            digest_many_with(kernel, &vec![message.as_slice(); count], &mut digests);
            assert!(digests.iter().all(|digest| digest[..] == expected), "{kernel}, {count} of them");
        }
    }
}
