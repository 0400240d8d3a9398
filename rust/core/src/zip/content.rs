//! An entry's content (`archive/zip/reader.go`: `findBodyOffset`, `Open`, `checksumReader`,
//! `readDataDescriptor`).
//!
//! The order of the checks is Go's, so that a broken entry has the same fault: local header,
//! directory, method, compressed data, size, data descriptor, CRC.

use std::ops::Range;

use crc32fast::Hasher as Crc;

use super::directory::{Archive, read_bounded};
use super::entries::{Entry, Method};
use crate::fault::FaultCode;
use crate::inflate::{HISTORY, INPUT_SLACK, Inflater, Need, OUTPUT_SLACK, Pieces, Step, Taken, Windows};
use crate::readat::ReadAt;
use crate::sha256::{Digest, Hasher};

const LOCAL_HEADER_LEN: usize = 30;
/// Length of a data descriptor that has a signature and 32-bit sizes.
const DESCRIPTOR_LEN: usize = 16;

/// A piece of the zip that has been read already, most of what a few entries need.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span<'a> {
    pub start: u64,
    pub bytes: &'a [u8],
}

impl<'a> Span<'a> {
    fn get(&self, offset: u64, len: usize) -> Option<&'a [u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }

    /// As [`Span::get`], with up to [`INPUT_SLACK`] bytes more.
    fn get_with_slack(&self, offset: u64, len: usize) -> Option<&'a [u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(from..)?;
        (len <= bytes.len()).then(|| &bytes[..bytes.len().min(len + INPUT_SLACK)])
    }
}

/// Where the compressed data of an entry is.
pub(crate) struct Extent {
    deflated: bool,
    start: u64,
    /// How much of it there is: less than declared where the file ends.
    len: u64,
    /// Where a data descriptor is due.
    descriptor: Option<i64>,
}

impl Extent {
    /// Length in the file of the compressed data.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

impl<R: ReadAt> Archive<R> {
    /// Copies up to `N` bytes at `offset`; fewer only at the end of the file.
    fn peek<const N: usize>(&self, span: Span<'_>, offset: u64) -> Result<([u8; N], usize), FaultCode> {
        let mut bytes = [0; N];
        if let Some(read) = span.get(offset, N) {
            bytes.copy_from_slice(read);
            return Ok((bytes, N));
        }
        let n = read_bounded(&self.source, &mut bytes, offset, self.size())?;
        Ok((bytes, n))
    }

    /// Where an entry's data is; None for a directory, which has none.  Refuses what Go's `File.Open`
    /// refuses.
    pub(crate) fn extent(&self, entry: &Entry, span: Span<'_>) -> Result<Option<Extent>, FaultCode> {
        let header = u64::try_from(entry.header_offset).map_err(|_| FaultCode::ZipFormat)?;
        let (local, n) = self.peek::<LOCAL_HEADER_LEN>(span, header)?;
        if n < LOCAL_HEADER_LEN {
            return Err(FaultCode::ZipEof);
        }
        if !local.starts_with(b"PK\x03\x04") {
            return Err(FaultCode::ZipFormat);
        }
        // Nothing else of the local header counts.
        let length = |at: usize| u64::from(u16::from_le_bytes([local[at], local[at + 1]]));
        let start = header + LOCAL_HEADER_LEN as u64 + length(26) + length(28);
        if self.name(entry).has_slash_at_end() {
            return if entry.uncompressed == 0 { Ok(None) } else { Err(FaultCode::ZipFormat) };
        }
        let deflated = match entry.method {
            Method::Stored => false,
            Method::Deflated => true,
            Method::Other => return Err(FaultCode::ZipAlgorithm),
        };
        let descriptor = entry.has_descriptor.then(|| (start as i64).wrapping_add(entry.compressed as i64));
        let len = self.size().saturating_sub(start).min(entry.compressed);
        Ok(Some(Extent { deflated, start, len, descriptor }))
    }

    /// The whole content of an entry that declares at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Those of Go, those of the system, and [`FaultCode::ZipTooLarge`] over `limit`.
    pub fn content(&self, entry: &Entry, limit: usize) -> Result<Vec<u8>, FaultCode> {
        let Some(extent) = self.extent(entry, Span::default())? else { return Ok(Vec::new()) };
        if entry.uncompressed > limit as u64 {
            return Err(FaultCode::ZipTooLarge);
        }
        let size = entry.uncompressed as usize;
        let mut content = vec![0; size + OUTPUT_SLACK];
        let (span, spare) = (Span::default(), &mut Vec::new());
        content_of(self, entry, &extent, span, spare, &mut Inflater::default(), &mut content)?;
        content.truncate(size);
        Ok(content)
    }

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
            while let piece @ [_, ..] = reader.next()? {
                hasher.update(piece);
            }
        }
        Ok(hasher.finish())
    }

    /// What is checked when the content has ended at its declared size.
    fn check_end(
        &self,
        entry: &Entry,
        descriptor: Option<i64>,
        span: Span<'_>,
        crc32: impl FnOnce() -> u32,
    ) -> Result<(), FaultCode> {
        if let Some(offset) = descriptor {
            // A compressed size beyond 2⁶³ makes it negative, which no file can be read at.
            let offset = u64::try_from(offset).map_err(|_| FaultCode::ZipFormat)?;
            let (bytes, n) = self.peek::<DESCRIPTOR_LEN>(span, offset)?;
            let crc_at = if n >= 4 && bytes.starts_with(b"PK\x07\x08") { 4 } else { 0 };
            // Go reads the sizes too, but looks at the CRC only.
            if n < crc_at + 12 {
                return Err(FaultCode::ZipEof);
            }
            if bytes[crc_at..crc_at + 4] != entry.crc32.to_le_bytes() {
                return Err(FaultCode::ZipChecksum);
            }
        } else if entry.crc32 == 0 {
            return Ok(());
        }
        if crc32() == entry.crc32 { Ok(()) } else { Err(FaultCode::ZipChecksum) }
    }
}

/// Writes the content of an entry to the beginning of `room`, which has [`OUTPUT_SLACK`] bytes more than the
/// declared size.  `spare` is used where `span` does not have the compressed data; it grows to at most
/// `extent.len()` and [`INPUT_SLACK`].
pub(crate) fn content_of<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: &Extent,
    span: Span<'_>,
    spare: &mut Vec<u8>,
    inflater: &mut Inflater,
    room: &mut [u8],
) -> Result<(), FaultCode> {
    let (input, len, size) = compressed(archive, entry, extent, span, spare)?;
    if extent.deflated {
        inflater.inflate_within(input, len, room, size)?;
    } else if len == size {
        room[..size].copy_from_slice(&input[..size]);
    } else {
        return Err(FaultCode::ZipEof);
    }
    archive.check_end(entry, extent.descriptor, span, || crc32fast::hash(&room[..size]))
}

/// Whether an entry is without fault and its content stands at the beginning of `room`, which has
/// [`OUTPUT_SLACK`] bytes more than the declared size.  False may also mean that only [`content_of`] can tell.
pub(crate) fn is_content_of<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: &Extent,
    span: Span<'_>,
    spare: &mut Vec<u8>,
    inflater: &mut Inflater,
    room: &[u8],
) -> bool {
    let Ok((input, len, size)) = compressed(archive, entry, extent, span, spare) else { return false };
    let same = if extent.deflated {
        inflater.is_content(input, len, room, size)
    } else {
        len == size && input[..size] == room[..size]
    };
    same && archive.check_end(entry, extent.descriptor, span, || crc32fast::hash(&room[..size])).is_ok()
}

/// The compressed data of an entry with some bytes more, its length, and that of the content.
fn compressed<'a, R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: &Extent,
    span: Span<'a>,
    spare: &'a mut Vec<u8>,
) -> Result<(&'a [u8], usize, usize), FaultCode> {
    let (len, size) = (extent.len as usize, entry.uncompressed as usize);
    if !extent.deflated && len != size {
        return Err(if len > size { FaultCode::ZipFormat } else { FaultCode::ZipEof });
    }
    if let Some(input) = span.get_with_slack(extent.start, len) {
        return Ok((input, len, size));
    }
    spare.resize(spare.len().max(len + INPUT_SLACK), 0);
    let n = read_bounded(&archive.source, &mut spare[..len], extent.start, archive.size())?;
    Ok((&spare[..n + INPUT_SLACK], n, size))
}

/// What a thread has for reading entries in pieces, to be used again and again.
pub(crate) struct Buffers<'a> {
    pub input: &'a mut Vec<u8>,
    pub room: &'a mut Vec<u8>,
    /// Bytes of the longest piece.
    pub piece: usize,
}

/// Reads the content of an entry in pieces, however long it is.
pub(crate) struct ContentReader<'a, R> {
    archive: &'a Archive<R>,
    entry: Entry,
    extent: Extent,
    /// None where somebody else reckons it.
    crc: Option<Crc>,
    /// None where the fast decoder has given up.
    fast: Option<Pieces<'a>>,
    exact: Windows<'a>,
    input: &'a mut Vec<u8>,
    /// The part of `input` that is filled and not yet used.
    filled: Range<usize>,
    /// Bytes of the extent that have been read from the file.
    read: u64,
    room: &'a mut Vec<u8>,
    /// Where the content ends that is in the room.
    at: usize,
    /// Bytes of the longest piece.
    piece: usize,
    /// Content bytes that have been given out.
    given: u64,
}

const INPUT: usize = 128 << 10;
/// Bytes of the longest piece, unless the caller says something else.
pub(crate) const PIECE: usize = 256 << 10;

impl<'a, R: ReadAt> ContentReader<'a, R> {
    /// Begins an entry; `inflater` and `buffers` are the thread's own.
    pub(crate) fn new(
        archive: &'a Archive<R>,
        entry: &Entry,
        extent: Extent,
        inflater: &'a mut Inflater,
        buffers: Buffers<'a>,
    ) -> Result<Self, FaultCode> {
        if !extent.deflated && extent.len != entry.uncompressed {
            let more = extent.len > entry.uncompressed;
            return Err(if more { FaultCode::ZipFormat } else { FaultCode::ZipEof });
        }
        let Buffers { input, room, piece } = buffers;
        input.resize(input.len().max(INPUT + INPUT_SLACK), 0);
        room.resize(room.len().max(HISTORY + piece + OUTPUT_SLACK), 0);
        let (fast, exact) = inflater.begin(entry.uncompressed);
        Ok(ContentReader {
            archive,
            entry: *entry,
            extent,
            crc: Some(Crc::new()),
            fast: Some(fast),
            exact,
            input,
            filled: 0..0,
            read: 0,
            room,
            at: 0,
            piece,
            given: 0,
        })
    }

    /// Leaves the CRC to the caller, who gives it to [`ContentReader::end`].
    pub(crate) fn without_crc(self) -> Self {
        Self { crc: None, ..self }
    }

    /// Checks the end of the content, all of which has been read, with the CRC of it.
    pub(crate) fn end(&self, crc32: u32) -> Result<(), FaultCode> {
        self.archive.check_end(&self.entry, self.extent.descriptor, Span::default(), || crc32)
    }

    /// The next bytes of the content; none at its end, which has then been checked, but for the CRC where
    /// that is left to the caller.
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
        if let Some(crc) = &mut self.crc {
            crc.update(&self.room[piece.clone()]);
        }
        self.given += piece.len() as u64;
        if let (true, Some(crc)) = (piece.is_empty(), &self.crc) {
            self.end(crc.clone().finalize())?;
        }
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
            let more = self.read < self.extent.len;
            let Range { start, end } = self.filled;
            let slack = if more { 0 } else { INPUT_SLACK };
            self.input[end..end + slack].fill(0);
            let input = (&self.input[start..end + slack], end - start);
            let room = &mut self.room[..HISTORY + self.piece + OUTPUT_SLACK];
            let Some(Taken { read, at, need }) = fast.step(input, more, room, self.at) else {
                return Ok(None);
            };
            self.filled.start += read;
            self.at = at;
            let left = self.entry.uncompressed - self.given;
            let piece = begin..at;
            match piece.len() as u64 {
                len if len > left => return Ok(None),
                len if need == Need::Nothing => return Ok((len == left).then_some(piece)),
                _ if need == Need::Room => return Ok(Some(piece)),
                _ => {}
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    /// Has zlib begin with the entry, and go to where the fast decoder has given up.
    fn begin_again(&mut self) -> Result<(), FaultCode> {
        (self.filled, self.read) = (0..0, 0);
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
            let input = &self.input[self.filled.clone()];
            let Step { read, written } = self.exact.step(input, &mut self.room[done..most])?;
            self.filled.start += read;
            done += written;
            if read == 0 && written == 0 && !self.refill()? {
                return Err(FaultCode::ZipEof);
            }
        }
        while done == 0 && !self.exact.ended() {
            self.filled.start += self.exact.end(&self.input[self.filled.clone()])?;
            if !self.exact.ended() && !self.refill()? {
                return Err(FaultCode::ZipEof);
            }
        }
        Ok(0..done)
    }

    /// Reads more compressed data behind what is left; false where there is none.
    fn refill(&mut self) -> Result<bool, FaultCode> {
        self.input.copy_within(self.filled.clone(), 0);
        self.filled = 0..self.filled.len();
        let left = usize::try_from(self.extent.len - self.read).unwrap_or(usize::MAX);
        let room = left.min(INPUT - self.filled.end);
        let into = &mut self.input[self.filled.end..self.filled.end + room];
        let n = read_bounded(&self.archive.source, into, self.extent.start + self.read, self.archive.size())?;
        self.read += n as u64;
        self.filled.end += n;
        Ok(n > 0)
    }
}
