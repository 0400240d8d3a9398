//! Inflating a deflate stream (RFC 1951): at once where it fits in memory, or in windows.
//!
//! libdeflate is fast and says little about what is wrong; whatever it does not take is given to zlib,
//! whose answer counts, and which is also what the pure engine has.

use flate2::{Decompress, FlushDecompress, Status};

use crate::fault::FaultCode;

/// A decompressor for streams that fit in memory whole; kept by a thread and used again.
pub(crate) struct Inflater {
    fast: libdeflater::Decompressor,
    exact: Option<Box<Decompress>>,
}

impl Default for Inflater {
    fn default() -> Self {
        Inflater { fast: libdeflater::Decompressor::new(), exact: None }
    }
}

impl Inflater {
    /// zlib, for [`Windows`].
    pub(crate) fn exact(&mut self) -> &mut Decompress {
        self.exact.get_or_insert_with(|| Box::new(Decompress::new(false)))
    }

    /// Inflates `deflated` into `content`, which it must fill exactly.  What follows the end of the
    /// stream is ignored, as Go does.  Errors are those of [`Windows`].
    ///
    /// Without `fast` only zlib is asked: libdeflate also takes a few malformed streams.
    pub(crate) fn inflate(
        &mut self,
        deflated: &[u8],
        content: &mut [u8],
        fast: bool,
    ) -> Result<(), FaultCode> {
        if fast && self.fast.deflate_decompress(deflated, content) == Ok(content.len()) {
            return Ok(());
        }
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

    #[test]
    fn both_ways_judge_alike() {
        let text: Vec<u8> = (0..3000u32).flat_map(|i| (i * i).to_string().into_bytes()).collect();
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
            for fast in [true, false] {
                let mut content = vec![0; size];
                let answer = Inflater::default().inflate(stream, &mut content, fast);
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
}
