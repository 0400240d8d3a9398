//! An entry's content (`archive/zip/reader.go`: `findBodyOffset`, `Open`, `checksumReader`,
//! `readDataDescriptor`).
//!
//! The order of the checks is Go's, so that a broken entry has the same fault: local header,
//! directory, method, compressed data, size, data descriptor, CRC.

use super::directory::{Archive, read_bounded};
use super::entries::{Entry, Method};
use crate::fault::FaultCode;
use crate::inflate::{INPUT_SLACK, Inflater, OUTPUT_SLACK};
use crate::memory;
use crate::readat::ReadAt;

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
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(super) deflated: bool,
    pub(super) start: u64,
    /// How much of it there is: less than declared where the file ends.
    pub(super) len: u64,
    /// Where a data descriptor is due.
    pub(super) descriptor: Option<i64>,
}

impl Extent {
    /// Length in the file of the compressed data.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Refuses an entry that is stored and declares another length than it has.
    pub(super) fn check_stored(&self, entry: &Entry) -> Result<(), FaultCode> {
        if self.deflated || self.len == entry.uncompressed {
            return Ok(());
        }
        Err(if self.len > entry.uncompressed { FaultCode::ZipFormat } else { FaultCode::ZipEof })
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

    /// What is checked when the content has ended at its declared size.
    pub(super) fn check_end(
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
    extent.check_stored(entry)?;
    if let Some(input) = span.get_with_slack(extent.start, len) {
        return Ok((input, len, size));
    }
    memory::lengthen(spare, len + INPUT_SLACK);
    let n = read_bounded(&archive.source, &mut spare[..len], extent.start, archive.size())?;
    Ok((&spare[..n + INPUT_SLACK], n, size))
}
