//! Ed25519 (RFC 8032) as Go's `crypto/ed25519` verifies it.

use ed25519_dalek::{Signature, Verifier, VerifyingKey};

/// Whether `signature` is one of `message` by the public `key`; false also where one of them is malformed.
///
/// Like Go's `ed25519.Verify`, and unlike `verify_strict`, this takes keys of small order; it is
/// not batched and has no cofactor.
///
/// ```
/// assert!(!fastverify_core::sumdb::verify(&[0; 31], b"", &[0; 64]));
/// ```
pub fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = <&[u8; 32]>::try_from(key) else { return false };
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(key), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify(message, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::verify;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    // RFC 8032, section 7.1, test 3.
    const KEY: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    const SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    #[test]
    fn takes_the_signature_of_the_rfc_and_no_other() {
        let (key, signature) = (bytes(KEY), bytes(SIGNATURE));
        assert!(verify(&key, &[0xaf, 0x82], &signature));
        assert!(!verify(&key, &[0xaf, 0x83], &signature));
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!verify(&key, &[0xaf, 0x82], &other), "byte {at}");
        }
        assert!(!verify(&key[1..], &[0xaf, 0x82], &signature));
        assert!(!verify(&key, &[0xaf, 0x82], &signature[1..]));
        assert!(!verify(&key, &[0xaf, 0x82], &[]));
    }
}
