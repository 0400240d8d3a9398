//! Go's directory hash `h1` (`golang.org/x/mod/sumdb/dirhash`, `Hash1`).
//!
//! `"h1:" + base64(SHA-256(lines))` where each file makes a line of its content's SHA-256 in hex, two
//! spaces, its name and a newline, in ascending order of the names' bytes.

use crate::sha256::{Digest, Hasher};

/// Takes the files of a directory, in order, and makes their h1.
///
/// ```
/// use fastverify_core::{dirhash::Lines, sha256};
///
/// assert_eq!(Lines::new().h1(), "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
///
/// let mut lines = Lines::new();
/// lines.push(&sha256::digest(b""), &[b"go.mod"]);
/// assert_eq!(lines.h1(), "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=");
/// ```
#[derive(Clone, Default)]
pub struct Lines {
    hasher: Hasher,
    buffer: Vec<u8>,
}

/// Each byte in hex.
const HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut hex = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        hex[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    hex
};
/// Lines are hashed when so many bytes of them have come together.
const FLUSH: usize = 16 << 10;

impl Lines {
    /// No line yet.
    pub fn new() -> Lines {
        Lines::default()
    }

    /// Adds the file whose name is `name`, given in parts.  The caller keeps the order, and keeps out
    /// names with a newline, which Go refuses.
    pub fn push(&mut self, content: &Digest, name: &[&[u8]]) {
        let mut start = [b' '; 2 * 32 + 2];
        for (pair, &byte) in start.chunks_exact_mut(2).zip(content) {
            pair.copy_from_slice(&HEX[usize::from(byte)]);
        }
        self.buffer.extend_from_slice(&start);
        for part in name {
            self.buffer.extend_from_slice(part);
        }
        self.buffer.push(b'\n');
        if self.buffer.len() >= FLUSH {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    /// The h1 of the files.
    pub fn h1(mut self) -> String {
        self.hasher.update(&self.buffer);
        format!("h1:{}", base64(&self.hasher.finish()))
    }
}

/// The h1 of a go.mod file with this content digest, as a `/go.mod` line of go.sum has it.
pub fn go_mod_h1(content: &Digest) -> String {
    let mut lines = Lines::new();
    lines.push(content, &[b"go.mod"]);
    lines.h1()
}

/// RFC 4648, section 4, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for i in 0..4 {
            out.push(if i <= group.len() {
                char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256::digest;

    /// RFC 4648, section 10.
    #[test]
    fn base64_vectors() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    /// The lines are those of sha256sum; a flush in the middle changes nothing.
    #[test]
    fn many_lines_are_one_text() {
        let mut lines = Lines::new();
        let mut text = String::new();
        for i in 0..2000 {
            let content = format!("content {i}");
            lines.push(&digest(content.as_bytes()), &[b"m@v1/", format!("{i:05}").as_bytes()]);
            for byte in digest(content.as_bytes()) {
                text += &format!("{byte:02x}");
            }
            text += &format!("  m@v1/{i:05}\n");
        }
        assert_eq!(lines.h1(), format!("h1:{}", base64(&digest(text.as_bytes()))));
    }
}
