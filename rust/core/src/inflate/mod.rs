//! Inflating a deflate stream (RFC 1951): at once where it fits in memory, or in windows.
//!
//! Whatever the fast decoder does not take is given to zlib, whose answer counts, and which is also
//! what the pure engine has.
//!
//! Miri runs the tests of the inner loop; the other flags are for zlib-rs, which it takes exception to:
//!
//! ```text
//! MIRIFLAGS='-Zmiri-disable-stacked-borrows' cargo +nightly miri test -p fastverify-core --lib inflate::
//! cargo +nightly fuzz run inflate --fuzz-dir rust/fuzz -- -max_total_time=300
//! ```

mod bits;
mod content;
mod fast;
mod fast_bits;
mod known;
mod pieces;
mod table;
mod turns;

use flate2::{Decompress, FlushDecompress, Status};

pub use fast::{INPUT_SLACK, OUTPUT_SLACK};
pub(crate) use pieces::{HISTORY, Need, Pieces, Taken};

use crate::fault::FaultCode;

/// A decompressor for streams that fit in memory whole; kept by a thread and used again.
///
/// ```
/// use fastverify_core::inflate::Inflater;
///
/// let mut content = [0; 3];
/// Inflater::default().inflate(b"\x4b\x4c\x4a\x06\0", &mut content).unwrap();
/// assert_eq!(&content, b"abc");
/// ```
#[derive(Default)]
pub struct Inflater {
    fast: fast::Decoder,
    exact: Option<Box<Decompress>>,
}

impl Inflater {
    fn exact(&mut self) -> &mut Decompress {
        self.exact.get_or_insert_with(|| Box::new(Decompress::new(false)))
    }

    /// Begins a stream that declares `size` bytes of content, to be decoded in pieces; and the same to begin
    /// again with, where that does not come to its end.
    pub(crate) fn begin(&mut self, size: u64) -> (Pieces<'_>, Windows<'_>) {
        let exact = self.exact.get_or_insert_with(|| Box::new(Decompress::new(false)));
        (Pieces::new(&mut self.fast), Windows::new(exact, size))
    }

    /// Inflates `deflated` into `content`, which it must fill exactly.  What follows the end of the
    /// stream is ignored, as Go does.
    ///
    /// # Errors
    ///
    /// [`FaultCode::ZipFormat`] for more content than there is room, even where the stream is corrupt
    /// after that; [`FaultCode::ZipEof`] for a stream that ends early; [`FaultCode::ZipCorrupt`] for any
    /// other error of the stream.
    pub fn inflate(&mut self, deflated: &[u8], content: &mut [u8]) -> Result<(), FaultCode> {
        self.inflate_within(deflated, deflated.len(), content, content.len())
    }

    /// The same, faster at its end: the stream is the first `len` bytes of `input`, and the content, of
    /// `size` bytes, is written to the beginning of `room`.  What follows them there is read and not taken, or
    /// overwritten; it is of use from [`INPUT_SLACK`] and [`OUTPUT_SLACK`] bytes on.
    ///
    /// # Errors
    ///
    /// Those of [`Inflater::inflate`].
    ///
    /// # Panics
    ///
    /// Where `input` has less than `len` bytes, or `room` less than `size`.
    pub fn inflate_within(
        &mut self,
        input: &[u8],
        len: usize,
        room: &mut [u8],
        size: usize,
    ) -> Result<(), FaultCode> {
        if self.fast.decode(input, len, room, size).is_ok() {
            return Ok(());
        }
        self.inflate_exactly(&input[..len], &mut room[..size])
    }

    /// Whether the content of a stream, given as to [`Inflater::inflate_within`], is the first `size` bytes
    /// of `content`.  False may also mean that only inflating could tell: where fewer than [`OUTPUT_SLACK`]
    /// bytes follow there, or the stream is unusual.
    ///
    /// This takes less time than inflating, as nothing is written and what is written must not be read.
    ///
    /// # Panics
    ///
    /// Where `input` has less than `len` bytes.
    pub fn is_content(&mut self, input: &[u8], len: usize, content: &[u8], size: usize) -> bool {
        self.fast.compare(input, len, content, size).is_ok()
    }

    /// The same by zlib.
    fn inflate_exactly(&mut self, deflated: &[u8], content: &mut [u8]) -> Result<(), FaultCode> {
        let mut windows = Windows::new(self.exact(), content.len() as u64);
        let (mut read, mut written) = (0, 0);
        while written < content.len() {
            match windows.step(&deflated[read..], &mut content[written..])? {
                Step { read: 0, written: 0, .. } => return Err(FaultCode::ZipEof),
                step => {
                    read += step.read;
                    written += step.written;
                }
            }
        }
        windows.end(&deflated[read..])?;
        if windows.ended { Ok(()) } else { Err(FaultCode::ZipEof) }
    }
}

/// Inflates a stream whose output has a declared size, window by window, and judges as Go does:
/// more output than declared is [`FaultCode::ZipFormat`], even where the stream is corrupt after
/// that; a stream that ends early is [`FaultCode::ZipEof`]; any other error of the stream is
/// [`FaultCode::ZipCorrupt`].
pub(crate) struct Windows<'a> {
    exact: &'a mut Decompress,
    left: u64,
    ended: bool,
}

/// What one step of [`Windows`] took and gave.
pub(crate) struct Step {
    pub read: usize,
    pub written: usize,
}

impl<'a> Windows<'a> {
    /// Begins a stream that declares `size` bytes of content.
    pub(crate) fn new(exact: &'a mut Decompress, size: u64) -> Windows<'a> {
        exact.reset(false);
        Windows { exact, left: size, ended: false }
    }

    /// Content bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Takes from `input` and gives to `output`, never more than declared.  That it took and gave
    /// nothing means that it needs more input.
    pub(crate) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, FaultCode> {
        if self.ended {
            return if self.left > 0 { Err(FaultCode::ZipEof) } else { Ok(Step { read: 0, written: 0 }) };
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(output.len());
        let step = self.run(input, &mut output[..room])?;
        self.left -= step.written as u64;
        if self.ended && self.left > 0 {
            return Err(FaultCode::ZipEof);
        }
        Ok(step)
    }

    /// After the declared size: takes from `input` until the stream ends, which it must do without
    /// another byte of content.  Says how much it took; all of it means that it may need more.
    pub(crate) fn end(&mut self, input: &[u8]) -> Result<usize, FaultCode> {
        let mut read = 0;
        while !self.ended {
            let step = self.run(&input[read..], &mut [0])?;
            if step.written > 0 {
                return Err(FaultCode::ZipFormat);
            }
            if step.read == 0 {
                break;
            }
            read += step.read;
        }
        Ok(read)
    }

    /// Whether the stream has come to its own end.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, FaultCode> {
        let (read, written) = (self.exact.total_in(), self.exact.total_out());
        match self.exact.decompress(input, output, FlushDecompress::None) {
            Ok(Status::StreamEnd) => self.ended = true,
            Ok(Status::Ok | Status::BufError) => {}
            Err(_) => return Err(FaultCode::ZipCorrupt),
        }
        Ok(Step {
            read: (self.exact.total_in() - read) as usize,
            written: (self.exact.total_out() - written) as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// Window by window, with `input` bytes of the stream at a time.
    fn in_windows(stream: &[u8], size: usize, input: usize) -> Result<Vec<u8>, FaultCode> {
        let mut exact = Decompress::new(false);
        let mut windows = Windows::new(&mut exact, size as u64);
        let mut content = vec![0; size];
        let (mut read, mut written) = (0, 0);
        while windows.left() > 0 {
            let end = (read + input).min(stream.len());
            let room = (written + 100).min(size);
            let step = windows.step(&stream[read..end], &mut content[written..room])?;
            if step.read == 0 && step.written == 0 && end == stream.len() {
                return Err(FaultCode::ZipEof);
            }
            read += step.read;
            written += step.written;
        }
        while !windows.ended() {
            let end = (read + input).min(stream.len());
            let n = windows.end(&stream[read..end])?;
            read += n;
            if !windows.ended() && read == stream.len() {
                return Err(FaultCode::ZipEof);
            }
        }
        Ok(content)
    }

    /// What the fast decoder makes of a stream, which is the same however much there is behind stream and
    /// content.
    fn fast(decoder: &mut fast::Decoder, stream: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut answers =
            [(0, 0), (INPUT_SLACK, 0), (0, OUTPUT_SLACK), (INPUT_SLACK + 9, OUTPUT_SLACK + 9), (9, 9)].map(
                |(behind_stream, behind_content)| {
                    // What is behind the stream must not be taken for a part of it.
                    let input = [stream, &vec![0x55; behind_stream]].concat();
                    let mut room = vec![0; size + behind_content];
                    decoder.decode(&input, stream.len(), &mut room, size).ok()?;
                    room.truncate(size);
                    Some(room)
                },
            );
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        if let Some(content) = &answers[0] {
            assert!(is_content(decoder, stream, content));
            for at in [0, size / 2, size - usize::from(size > 0)].into_iter().filter(|at| *at < size) {
                let mut other = content.clone();
                other[at] ^= 1 << (at % 8);
                assert!(!is_content(decoder, stream, &other));
            }
        }
        answers[0].take()
    }

    /// What comes of comparing a stream with a content, which is the same whatever is behind both.
    fn is_content(decoder: &mut fast::Decoder, stream: &[u8], content: &[u8]) -> bool {
        let [answer, other] = [(0, 0), (INPUT_SLACK, 0x55)].map(|(behind_stream, behind)| {
            let input = [stream, &vec![behind; behind_stream]].concat();
            let content_and_more = [content, &[behind; OUTPUT_SLACK]].concat();
            decoder.compare(&input, stream.len(), &content_and_more, content.len()).is_ok()
        });
        assert_eq!(answer, other);
        answer
    }

    #[test]
    fn both_ways_judge_alike() {
        let text: Vec<u8> = (0..if cfg!(miri) { 100 } else { 3000_u32 })
            .flat_map(|i| (i * i).to_string().into_bytes())
            .collect();
        let whole = deflated(&text);
        let trailing = [&whole[..], b"garbage"].concat();
        let cut = &whole[..whole.len() - 20];
        let mut corrupt = whole.clone();
        corrupt[0] |= 6; // a reserved block type
        for (stream, size, expected) in [
            (&whole[..], text.len(), Ok(())),
            (&trailing, text.len(), Ok(())),
            (&whole, text.len() - 1, Err(FaultCode::ZipFormat)),
            (&whole, 0, Err(FaultCode::ZipFormat)),
            (&whole, text.len() + 1, Err(FaultCode::ZipEof)),
            (cut, text.len(), Err(FaultCode::ZipEof)),
            (b"", 0, Err(FaultCode::ZipEof)),
            (b"", 1, Err(FaultCode::ZipEof)),
            (&corrupt, text.len(), Err(FaultCode::ZipCorrupt)),
            (&deflated(b""), 0, Ok(())),
        ] {
            for inflate in [Inflater::inflate, Inflater::inflate_exactly] {
                let mut content = vec![0; size];
                let answer = inflate(&mut Inflater::default(), stream, &mut content);
                assert_eq!(answer, expected, "{size}");
                assert!(answer.is_err() || content == text[..size]);
            }
            for input in [1, 7, 1 << 20] {
                let answer = in_windows(stream, size, input);
                assert_eq!(answer.as_ref().map(|_| ()), expected.as_ref().map(|_| ()), "{size}");
                assert!(answer.is_err() || answer == Ok(text[..size].to_vec()));
            }
        }
    }

    /// Contents that make all kinds of blocks and codes; few and short ones in Miri, which takes long.
    fn contents() -> Vec<Vec<u8>> {
        let scale = if cfg!(miri) { 100 } else { 1 };
        let mut state = 1u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut contents = vec![Vec::new(), b"a".to_vec(), vec![b'a'; 100_000 / scale], (0..=255).collect()];
        for alphabet in [2, 20, 256] {
            contents.push((0..70_000 / scale).map(|_| random(alphabet) as u8).collect());
            // Repeats from every distance, and of every length.
            let mut repeats: Vec<u8> = (0..50).map(|_| random(alphabet) as u8).collect();
            while repeats.len() < 100_000 / scale {
                let distance = 1 + random(repeats.len().min(40_000) as u32) as usize;
                for _ in 0..1 + random(400) {
                    repeats.push(repeats[repeats.len() - distance]);
                }
                repeats.push(random(alphabet) as u8);
            }
            contents.push(repeats);
            // Letters that are rare to very different degrees make long codes.
            contents.push((0..60_000 / scale).map(|_| (random(1 << 20) + 1).leading_zeros() as u8).collect());
        }
        contents.into_iter().step_by(if cfg!(miri) { 4 } else { 1 }).collect()
    }

    #[test]
    fn the_fast_decoder_takes_what_is_well_formed() {
        let (mut decoder, mut inflater) = (fast::Decoder::default(), Inflater::default());
        for content in contents() {
            for level in if cfg!(miri) { 0..=1 } else { 0..=9 } {
                let level = flate2::Compression::new(level);
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                // Flushing ends blocks here and there, and puts empty ones between them.
                for piece in content.chunks(content.len() / 3 + 1) {
                    encoder.write_all(piece).unwrap();
                    encoder.flush().unwrap();
                }
                let stream = encoder.finish().unwrap();
                let size = content.len();
                assert!(fast(&mut decoder, &stream, size).is_some_and(|decoded| decoded == content));
                assert!(size == 0 || fast(&mut decoder, &stream, size - 1).is_none());
                assert!(fast(&mut decoder, &stream, size + 1).is_none());
                for (input, output) in [(1000, 1), (3, 70_000), (1 << 20, 300)] {
                    let decoded = inflater.fast_in_pieces(&stream, size, input, output);
                    assert!(decoded.is_some_and(|decoded| decoded == content));
                    assert!(inflater.is_content_in_pieces(&stream, &content, input, output));
                    assert!(
                        size == 0 || !inflater.is_content_in_pieces(&stream, &content[1..], input, output)
                    );
                }
                for missing in (1..stream.len().min(30)).step_by(if cfg!(miri) { 9 } else { 1 }) {
                    assert!(fast(&mut decoder, &stream[..stream.len() - missing], size).is_none());
                }
            }
        }
    }

    /// Whatever it takes, zlib takes, with the same content.
    #[test]
    fn the_fast_decoder_takes_nothing_that_zlib_refuses() {
        let mut inflater = Inflater::default();
        let mut taken = 0;
        for content in contents() {
            // Long enough for the turns that look less often where they are, and too short for them.
            for most in if cfg!(miri) { [3, 300, 600] } else { [3, 300, 2500] } {
                let content = &content[..content.len().min(most)];
                let stream = deflated(content);
                for bit in (0..stream.len() * 8).step_by(if cfg!(miri) { 497 } else { 1 + most / 1000 }) {
                    let mut flipped = stream.clone();
                    flipped[bit / 8] ^= 1 << (bit % 8);
                    let decoded = fast(&mut inflater.fast, &flipped, content.len());
                    let same = is_content(&mut inflater.fast, &flipped, content);
                    assert_eq!(same, decoded.as_deref() == Some(content));
                    for (input, output) in [(1 + bit % 50, 1 + bit % 70), (most, most)] {
                        let pieces = inflater.fast_in_pieces(&flipped, content.len(), input, output);
                        assert_eq!(pieces, decoded);
                        let same = inflater.is_content_in_pieces(&flipped, content, input, output);
                        assert_eq!(same, decoded.as_deref() == Some(content));
                    }
                    if let Some(decoded) = decoded {
                        let mut exact = vec![0; content.len()];
                        assert_eq!(inflater.inflate_exactly(&flipped, &mut exact), Ok(()));
                        assert_eq!(decoded, exact);
                        taken += 1;
                    }
                }
            }
        }
        assert!(taken > if cfg!(miri) { 0 } else { 100 });
    }

    /// Streams of bits by hand, and whether zlib takes them.
    #[test]
    fn odd_streams() {
        // A fixed block: last, type, then an `a`, and a length symbol that has a code and no meaning.
        let bits = |text: &str| {
            let bits: Vec<u8> =
                text.bytes().filter(|byte| b"01".contains(byte)).map(|byte| byte - b'0').collect();
            let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
            bits.chunks(8).map(byte).collect::<Vec<u8>>()
        };
        for (stream, content, expected) in [
            ("1 10 10010001 0000000", "a", Ok(())),
            // Three more of the same, from one before.
            ("1 10 10010001 0000001 00000 0000000", "aaaa", Ok(())),
            // From further away than there is anything.
            ("1 10 10010001 0000001 00001 0000000", "aaaa", Err(FaultCode::ZipCorrupt)),
            // Length 258 by its own code, and by the two that have no meaning.
            ("1 10 10010001 11000101 00000 0000000", "258", Ok(())),
            ("1 10 10010001 11000110 00000 0000000", "258", Err(FaultCode::ZipCorrupt)),
            ("1 10 10010001 11000111 00000 0000000", "258", Err(FaultCode::ZipCorrupt)),
            // Distances 30 and 31.
            ("1 10 10010001 0000001 11110 0000000", "aaaa", Err(FaultCode::ZipCorrupt)),
            ("1 10 10010001 0000001 11111 0000000", "aaaa", Err(FaultCode::ZipCorrupt)),
            ("1 11", "", Err(FaultCode::ZipCorrupt)),
            ("0 10 0000000 1 10 0000000", "", Ok(())),
        ] {
            let size = if content == "258" { 259 } else { content.len() };
            let mut inflater = Inflater::default();
            let stream = bits(stream);
            assert_eq!(inflater.inflate_exactly(&stream, &mut vec![0; size]), expected);
            let decoded = fast(&mut inflater.fast, &stream, size);
            assert_eq!(inflater.fast_in_pieces(&stream, size, 1, 1), decoded);
            assert_eq!(decoded, expected.is_ok().then(|| vec![b'a'; size]));
        }
    }
}
