//! The content of a long entry in pieces.

use std::ops::Range;

use crc32fast::Hasher as Crc;

use super::compressed::Compressed;
use super::content::{Extent, Span};
use super::directory::{Archive, read_bounded};
use super::entries::Entry;
use crate::fault::FaultCode;
use crate::inflate::{HISTORY, Inflater, Need, OUTPUT_SLACK, Pieces, Step, Taken, Windows};
use crate::memory;
use crate::readat::ReadAt;
use crate::sha256::{Digest, Hasher};

/// The most bytes of content in a piece that are of use.
pub(crate) const PIECE: usize = 256 << 10;

/// What a thread has for reading long entries, to be used again and again.
pub(crate) struct Buffers<'a> {
    pub input: &'a mut Vec<u8>,
    pub room: &'a mut Vec<u8>,
    /// The most bytes of content in a piece.
    pub piece: usize,
}

impl<'a> Buffers<'a> {
    /// The input, and room for a piece and what an inflater needs around it.
    pub(super) fn parts(self) -> (&'a mut Vec<u8>, &'a mut [u8]) {
        let len = HISTORY + self.piece + OUTPUT_SLACK;
        memory::lengthen(self.room, len);
        (self.input, &mut self.room[..len])
    }
}

impl<R: ReadAt> Archive<R> {
    /// The SHA-256 of an entry's content, whatever its size; in memory there is a window of it.
    ///
    /// # Errors
    ///
    /// Those of Go, and those of the system.
    pub fn digest(&self, entry: &Entry) -> Result<Digest, FaultCode> {
        let mut hasher = Hasher::new();
        let (mut inflater, mut input, mut room) = (Inflater::default(), Vec::new(), Vec::new());
        if let Some(extent) = self.extent(entry, Span::default())? {
            let buffers = Buffers { input: &mut input, room: &mut room, piece: PIECE };
            let mut reader = ContentReader::new(self, entry, extent, &mut inflater, buffers)?;
            let mut crc = Crc::new();
            while let piece @ [_, ..] = reader.next()? {
                crc.update(piece);
                hasher.update(piece);
            }
            reader.end(crc.finalize())?;
        }
        Ok(hasher.finish())
    }
}

/// Reads the content of an entry in pieces, however long it is.
pub(crate) struct ContentReader<'a, R> {
    archive: &'a Archive<R>,
    entry: Entry,
    extent: Extent,
    /// None where the fast decoder has given up.
    fast: Option<Pieces<'a>>,
    exact: Windows<'a>,
    compressed: Compressed<'a, R>,
    room: &'a mut [u8],
    /// The most bytes of content in a piece.
    piece: usize,
    /// Where the content ends that is in the room.
    at: usize,
    /// Content bytes that have been given out.
    given: u64,
}

impl<'a, R: ReadAt> ContentReader<'a, R> {
    /// Begins an entry; `inflater` and `buffers` are the thread's own.
    pub(crate) fn new(
        archive: &'a Archive<R>,
        entry: &Entry,
        extent: Extent,
        inflater: &'a mut Inflater,
        buffers: Buffers<'a>,
    ) -> Result<Self, FaultCode> {
        extent.check_stored(entry)?;
        let piece = buffers.piece;
        let (input, room) = buffers.parts();
        let (fast, exact) = inflater.begin(entry.uncompressed);
        let compressed = Compressed::new(archive, extent, input);
        let fast = Some(fast);
        let entry = *entry;
        Ok(ContentReader { archive, entry, extent, fast, exact, compressed, room, piece, at: 0, given: 0 })
    }

    /// Checks what follows the content, all of which has been read and has this CRC.
    pub(crate) fn end(&self, crc32: u32) -> Result<(), FaultCode> {
        self.archive.check_end(&self.entry, self.extent.descriptor, Span::default(), || crc32)
    }

    /// The next bytes of the content; none at its end.
    pub(crate) fn next(&mut self) -> Result<&[u8], FaultCode> {
        let piece = if !self.extent.deflated {
            self.stored()?
        } else if let Some(piece) = self.decoded()? {
            piece
        } else {
            if self.fast.take().is_some() {
                self.begin_again()?;
            }
            self.exactly(self.piece)?
        };
        self.given += piece.len() as u64;
        Ok(&self.room[piece])
    }

    /// Of a stored entry.
    fn stored(&mut self) -> Result<Range<usize>, FaultCode> {
        let n = usize::try_from(self.extent.len - self.given).unwrap_or(usize::MAX).min(self.piece);
        let offset = self.extent.start + self.given;
        if read_bounded(&self.archive.source, &mut self.room[..n], offset, self.archive.size())? < n {
            return Err(FaultCode::ZipEof);
        }
        Ok(0..n)
    }

    /// By the fast decoder; None where zlib has to say what is wrong.
    fn decoded(&mut self) -> Result<Option<Range<usize>>, FaultCode> {
        if self.at > HISTORY {
            self.room.copy_within(self.at - HISTORY..self.at, 0);
            self.at = HISTORY;
        }
        let begin = self.at;
        loop {
            let Some(fast) = &mut self.fast else { return Ok(None) };
            let more = self.compressed.has_more();
            let Some(Taken { read, at, need }) =
                fast.step(self.compressed.padded(), more, self.room, self.at)
            else {
                return Ok(None);
            };
            self.compressed.take(read);
            self.at = at;
            let left = self.entry.uncompressed - self.given;
            let piece = begin..at;
            match piece.len() as u64 {
                len if len > left => return Ok(None),
                len if need == Need::Nothing => return Ok((len == left).then_some(piece)),
                _ if need == Need::Room => return Ok(Some(piece)),
                _ => {}
            }
            if !self.compressed.refill()? {
                return Ok(None);
            }
        }
    }

    /// Has zlib begin with the entry, and go to where the fast decoder has given up.
    fn begin_again(&mut self) -> Result<(), FaultCode> {
        self.compressed.rewind();
        let mut left = self.given;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.piece);
            left -= self.exactly(most)?.len() as u64;
        }
        Ok(())
    }

    /// By zlib: `most` bytes, or what is left; none only when the stream has ended where it must.
    fn exactly(&mut self, most: usize) -> Result<Range<usize>, FaultCode> {
        let mut done = 0;
        while done < most && self.exact.left() > 0 {
            let Step { read, written } =
                self.exact.step(self.compressed.here(), &mut self.room[done..most])?;
            self.compressed.take(read);
            done += written;
            if read == 0 && written == 0 && !self.compressed.refill()? {
                return Err(FaultCode::ZipEof);
            }
        }
        while done == 0 && !self.exact.ended() {
            let read = self.exact.end(self.compressed.here())?;
            self.compressed.take(read);
            if !self.exact.ended() && !self.compressed.refill()? {
                return Err(FaultCode::ZipEof);
            }
        }
        Ok(0..done)
    }
}
