//! Any bytes as a deflate stream: whatever the fast decoder takes, whole or in pieces, zlib takes too, with
//! the same content; and a content is taken for that of a stream only where it is what zlib makes of it.
//!
//! ```text
//! cargo +nightly fuzz run inflate --fuzz-dir rust/fuzz -- -max_total_time=300
//! ```
#![no_main]

use fastverify_core::inflate::{INPUT_SLACK, Inflater, OUTPUT_SLACK};
use flate2::{Decompress, FlushDecompress, Status};
use libfuzzer_sys::fuzz_target;

const CONTENT: usize = 1 << 17;

/// What zlib makes of a stream, and how far it went where there is too much of it.
fn by_zlib(stream: &[u8]) -> (Vec<u8>, bool) {
    let mut zlib = Decompress::new(false);
    let mut content = vec![0; CONTENT];
    let status = zlib.decompress(stream, &mut content, FlushDecompress::Finish);
    content.truncate(zlib.total_out() as usize);
    (content, matches!(status, Ok(Status::StreamEnd)))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&[input, output, slack, less], stream)) = bytes.split_first_chunk() else { return };
    let (expected, whole) = by_zlib(stream);
    // Mostly the size that there is.
    let size = expected.len().saturating_sub(usize::from(less == 1)) + usize::from(less == 2);
    let right = whole && size == expected.len();

    let mut inflater = Inflater::default();
    let behind = [stream, &vec![less; usize::from(slack) % (2 * INPUT_SLACK)]].concat();
    let mut room = vec![0; size + usize::from(slack) * OUTPUT_SLACK / 128];
    let answer = inflater.inflate_within(&behind, stream.len(), &mut room, size);
    assert_eq!(answer.is_ok(), right);
    assert!(!right || room[..size] == expected);

    let mut known = [&expected[..], &[less; OUTPUT_SLACK]].concat();
    assert!(!inflater.is_content(&behind, stream.len(), &known, expected.len()) || whole);
    assert!(!right || inflater.is_content(&behind, stream.len(), &known, size));
    let mut is_known = whole;
    if let Some(byte) = known[..expected.len()].get_mut(usize::from(input) * usize::from(output)) {
        *byte = byte.wrapping_add(less.max(1));
        is_known = false;
        assert!(!inflater.is_content(&behind, stream.len(), &known, expected.len()));
    }

    let (input, output) = (1 + usize::from(input) * 8, 1 + usize::from(output) * 64);
    let pieces = inflater.fast_in_pieces(stream, size, input, output);
    assert!(pieces.is_none_or(|content| right && content == expected));
    assert!(!inflater.is_content_in_pieces(stream, &known[..expected.len()], input, output) || is_known);
});
