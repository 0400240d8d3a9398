//! SHA-256 (FIPS 180-4): of one message, of a stream, of many messages at once.

use sha2::Digest as _;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The digest of a message that comes in pieces.  A clone goes on from the same state.
///
/// ```
/// use fastverify_core::sha256::{Hasher, digest};
///
/// let mut hasher = Hasher::new();
/// hasher.update(b"ab");
/// let mut other = hasher.clone();
/// hasher.update(b"c");
/// other.update(b"d");
/// assert_eq!(hasher.finish(), digest(b"abc"));
/// assert_eq!(other.finish(), digest(b"abd"));
/// ```
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Of the empty message so far.
    pub fn new() -> Hasher {
        Hasher::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}

/// The digest of one message.
pub fn digest(message: &[u8]) -> Digest {
    sha2::Sha256::digest(message).into()
}

/// The digests of many messages, each in its place.
///
/// The callers gather messages (about a MiB of them) before they call, so that kernels which work on
/// several messages at a time have something to work on.
///
/// # Panics
///
/// When the slices differ in length.
pub fn digest_many(messages: &[&[u8]], digests: &mut [Digest]) {
    assert_eq!(messages.len(), digests.len());
    for (message, out) in messages.iter().zip(digests) {
        *out = digest(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The examples of NIST's Cryptographic Standards and Guidelines, and the long message of its
    /// test set.
    #[test]
    fn nist_examples() {
        let long = vec![b'a'; 1_000_000];
        for (message, expected) in [
            (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (
                b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
            ),
            (&long, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(hex(digest(message)), expected);
        }
    }

    #[test]
    fn pieces_and_many_agree_with_one() {
        let bytes: Vec<u8> = (0..5000u32).map(|i| ((i * i) >> 3) as u8).collect();
        let messages: Vec<&[u8]> = (0..300).map(|i| &bytes[i..i * 16 + i / 2]).collect();
        let mut digests = vec![[0; 32]; messages.len()];
        digest_many(&messages, &mut digests);
        for (message, many) in messages.iter().zip(digests) {
            let mut hasher = Hasher::new();
            for piece in message.chunks(61) {
                hasher.update(piece);
            }
            assert_eq!(hasher.finish(), many);
            assert_eq!(digest(message), many);
        }
    }
}
