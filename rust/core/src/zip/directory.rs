//! A zip's end record and central directory (`archive/zip/reader.go`: `init`, `readDirectoryEnd`,
//! `readDirectoryHeader`).

use super::entries::{Entries, Entry, Name};
use crate::allowance::Allowance;
use crate::fault::FaultCode;
use crate::memory;
use crate::readat::{ReadAt, read_full_at};

/// The largest central directory that is read: what it says of each entry is the one part of a zip that is
/// held in memory whole.
pub const MAX_DIRECTORY_BYTES: u64 = 128 << 20;

const END_LEN: usize = 22;
const END64_LEN: usize = 56;
const LOCATOR64_LEN: i64 = 20;
pub(super) const HEADER_LEN: usize = 46;
/// A header with the longest name, extra field and comment.
const MAX_HEADER_LEN: usize = HEADER_LEN + 3 * 0xffff;

/// An open zip with its central directory read.
#[derive(Debug)]
pub struct Archive<R> {
    pub(crate) source: R,
    size: u64,
    entries: Entries,
}

impl<R> Archive<R> {
    /// The entries in the order of the central directory.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry> {
        (0..self.entries.len()).map(|number| self.entries.get(number))
    }

    /// The entry with this number, counted from 0.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn entry(&self, number: usize) -> Entry {
        self.entries.get(number)
    }

    /// The raw name of one of the archive's entries.
    pub fn name(&self, entry: &Entry) -> Name<'_> {
        self.entries.name(entry)
    }

    /// Bytes of all names together, without the prefix that most of them have.
    pub(crate) fn names_len(&self) -> usize {
        self.entries.names_len()
    }

    /// Size of the zip in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The sum of the sizes that the entries declare.
    pub fn unpacked(&self) -> u128 {
        self.entries.unpacked()
    }
}

impl<R: ReadAt> Archive<R> {
    /// Reads the central directory of a zip of `size` bytes, as Go's `zip.NewReader` does.
    ///
    /// Errors are those of Go ([`FaultCode::ZipFormat`], or [`FaultCode::ZipEof`] where Go runs into
    /// the end of the file), of the system, and [`FaultCode::ZipDirectoryTooLarge`].
    pub fn open(source: R, size: u64) -> Result<Archive<R>, FaultCode> {
        Archive::open_within(source, size, b"", &mut Allowance::of(u64::MAX))
    }

    /// The same with no more memory than the directory's length in the `allowance`.  Where that does not
    /// suffice, the answer is of no use.  `prefix` is what the names are likely to begin with.  There is
    /// [`FaultCode::TooManyNames`] besides.
    pub(crate) fn open_within(
        source: R,
        size: u64,
        prefix: &[u8],
        allowance: &mut Allowance,
    ) -> Result<Archive<R>, FaultCode> {
        let end = DirectoryEnd::read(&source, size)?;
        // No more than a word, but there are so many bytes: the directory ends where its headers end.
        let directory_size = end.directory_size.min(MAX_DIRECTORY_BYTES).min(size);
        if !allowance.suffices(directory_size) {
            return Err(FaultCode::ZipDirectoryTooLarge);
        }
        let mut archive = Archive { source, size, entries: Entries::under(prefix) };
        archive.entries.expect(end.records, directory_size);
        let mut headers = Headers::new((end.base + end.offset as i64) as u64, size);
        let mut bytes = 0;
        // The count holds only 16 bits of the number, so Go reads headers until a bad one.
        let reason = loop {
            match headers.next(&archive.source, end.base) {
                Ok((entry, name, len)) => {
                    bytes += len as u64;
                    if bytes > MAX_DIRECTORY_BYTES || !allowance.take(len) {
                        return Err(FaultCode::ZipDirectoryTooLarge);
                    }
                    archive.entries.push(entry, name);
                    if !allowance.holds_names(archive.entries.len(), archive.entries.names_len()) {
                        return Err(FaultCode::TooManyNames);
                    }
                }
                Err(Stop::Format) => break FaultCode::ZipFormat,
                Err(Stop::Cut) => break FaultCode::ZipEof,
                Err(Stop::Eof) => return Err(FaultCode::ZipEof),
                Err(Stop::System(code)) => return Err(code),
            }
        };
        if archive.entries.len() as u16 != end.records as u16 {
            return Err(reason);
        }
        Ok(archive)
    }
}

/// Little-endian fields of a record, one after the other.  The record's length has been checked.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn skip(&mut self, n: usize) {
        self.0 = &self.0[n..];
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk().expect("the record is long enough");
        self.0 = rest;
        *head
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// What the end record says of the central directory.
struct DirectoryEnd {
    records: u64,
    directory_size: u64,
    offset: u64,
    /// Bytes before the zip proper, to be added to every offset.
    base: i64,
}

impl DirectoryEnd {
    fn read<R: ReadAt>(source: &R, size: u64) -> Result<DirectoryEnd, FaultCode> {
        let (mut position, record) = DirectoryEnd::find(source, size)?;
        let mut fields = Fields(&record);
        fields.skip(10);
        let mut records = u64::from(fields.u16());
        let mut directory_size = u64::from(fields.u32());
        let mut offset = u64::from(fields.u32());

        // 16 bits of the size are compared, in Go too.
        if (records == 0xffff || directory_size == 0xffff || offset == 0xffff_ffff)
            && let Some(position64) = locate64(source, position)?
        {
            position = position64;
            let mut record = [0; END64_LEN];
            if read_bounded(source, &mut record, position as u64, size)? < END64_LEN {
                return Err(FaultCode::ZipEof);
            }
            let mut fields = Fields(&record);
            if fields.u32() != 0x0606_4b50 {
                return Err(FaultCode::ZipFormat);
            }
            fields.skip(28);
            records = fields.u64();
            directory_size = fields.u64();
            offset = fields.u64();
        }
        if directory_size > i64::MAX as u64 || offset > i64::MAX as u64 {
            return Err(FaultCode::ZipFormat);
        }
        let mut base = position.wrapping_sub(directory_size as i64).wrapping_sub(offset as i64);
        let start = base.wrapping_add(offset as i64);
        if start < 0 || start as u64 >= size {
            return Err(FaultCode::ZipFormat);
        }
        // A wrong size puts the directory elsewhere than where it is said to be, and is found there.
        if base > 0 && Headers::new(offset, size).next(source, 0).is_ok() {
            base = 0;
        }
        Ok(DirectoryEnd { records, directory_size, offset, base })
    }

    /// The last end record in the last 1,024 bytes, else in the last 65 KiB, and its position.
    fn find<R: ReadAt>(source: &R, size: u64) -> Result<(i64, [u8; END_LEN]), FaultCode> {
        for length in [1024, 65 << 10] {
            let length = size.min(length);
            let mut tail = vec![0; length as usize];
            let read = read_bounded(source, &mut tail, size - length, size)?;
            // What a shrinking file no longer gives stays zero, as in Go.
            debug_assert!(read <= tail.len());
            if let Some(at) = find_end_signature(&tail) {
                let record = tail[at..at + END_LEN].try_into().expect("the length is right");
                return Ok(((size - length) as i64 + at as i64, record));
            }
            if length == size {
                break;
            }
        }
        Err(FaultCode::ZipFormat)
    }
}

/// The last end signature whose record fits; None also where the last one's comment does not fit.
fn find_end_signature(block: &[u8]) -> Option<usize> {
    let last = block.len().checked_sub(END_LEN)?;
    let at = (0..=last).rev().find(|&at| block[at..].starts_with(b"PK\x05\x06"))?;
    let comment = usize::from(u16::from_le_bytes([block[at + END_LEN - 2], block[at + END_LEN - 1]]));
    (at + END_LEN + comment <= block.len()).then_some(at)
}

/// Where the zip64 end record is, if a locator stands before the end record.
fn locate64<R: ReadAt>(source: &R, end: i64) -> Result<Option<i64>, FaultCode> {
    let position = end - LOCATOR64_LEN;
    if position < 0 {
        return Ok(None);
    }
    let mut locator = [0; LOCATOR64_LEN as usize];
    if read_full_at(source, &mut locator, position as u64)? < locator.len() {
        return Err(FaultCode::ZipEof);
    }
    let mut fields = Fields(&locator);
    let (signature, disk, position, disks) = (fields.u32(), fields.u32(), fields.u64(), fields.u32());
    let valid = signature == 0x0706_4b50 && disk == 0 && disks == 1;
    Ok(if valid { i64::try_from(position).ok() } else { None })
}

/// Reads what lies before `size`, which is what the file had when it was opened.
pub(super) fn read_bounded<R: ReadAt + ?Sized>(
    source: &R,
    buf: &mut [u8],
    offset: u64,
    size: u64,
) -> Result<usize, FaultCode> {
    let there = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX).min(buf.len());
    read_full_at(source, &mut buf[..there], offset)
}

/// Why reading headers stops.  Go goes on after the first two.
enum Stop {
    /// `ErrFormat`.
    Format,
    /// `io.ErrUnexpectedEOF`: the file ends within a part of a header.
    Cut,
    /// `io.EOF`: the file ends where a part of a header would begin.
    Eof,
    System(FaultCode),
}

/// Reads central headers one after the other.
struct Headers {
    buffer: Vec<u8>,
    /// The part of `buffer` that is filled and not yet used.
    filled: std::ops::Range<usize>,
    /// Where in the file `filled` ends.
    position: u64,
    size: u64,
}

impl Headers {
    fn new(position: u64, size: u64) -> Headers {
        Headers { buffer: Vec::new(), filled: 0..0, position, size }
    }

    /// Has up to `n` bytes ready; fewer only at the end of the file.
    fn ready<R: ReadAt>(&mut self, source: &R, n: usize) -> Result<usize, FaultCode> {
        if self.filled.len() < n {
            self.buffer.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
            // Small at first, because most directories are.
            let length = if self.buffer.is_empty() { 16 << 10 } else { 256 << 10 };
            memory::lengthen(&mut self.buffer, length.max(n));
            let read = read_bounded(source, &mut self.buffer[self.filled.end..], self.position, self.size)?;
            self.position += read as u64;
            self.filled.end += read;
        }
        Ok(self.filled.len().min(n))
    }

    /// The next header: the entry without its name, its name, and the header's length.
    fn next<R: ReadAt>(&mut self, source: &R, base: i64) -> Result<(Entry, &[u8], usize), Stop> {
        match self.ready(source, HEADER_LEN).map_err(Stop::System)? {
            HEADER_LEN => {}
            0 => return Err(Stop::Eof),
            _ => return Err(Stop::Cut),
        }
        let mut fields = Fields(&self.buffer[self.filled.start..self.filled.start + HEADER_LEN]);
        if fields.u32() != 0x0201_4b50 {
            return Err(Stop::Format);
        }
        fields.skip(4);
        let (flags, method) = (fields.u16(), fields.u16());
        fields.skip(4);
        let crc32 = fields.u32();
        let (compressed, uncompressed) = (fields.u32(), fields.u32());
        let lengths = [fields.u16(), fields.u16(), fields.u16()];
        fields.skip(8);
        let offset = fields.u32();

        let length = HEADER_LEN + lengths.iter().map(|&part| usize::from(part)).sum::<usize>();
        debug_assert!(length <= MAX_HEADER_LEN);
        let there = self.ready(source, length).map_err(Stop::System)?;
        if there < length {
            // A part of which not one byte is there is io.EOF to Go, and ends more than this loop.
            return Err(if there == HEADER_LEN { Stop::Eof } else { Stop::Cut });
        }
        let start = self.filled.start;
        self.filled.start += length;
        let variable = &self.buffer[start + HEADER_LEN..start + length];
        let (name, rest) = variable.split_at(usize::from(lengths[0]));
        let mut entry = Entry {
            crc32,
            compressed: u64::from(compressed),
            uncompressed: u64::from(uncompressed),
            header_offset: i64::from(offset),
            ..Entry::nameless(flags, method)
        };
        entry.take_zip64(&rest[..usize::from(lengths[1])])?;
        entry.header_offset = entry.header_offset.wrapping_add(base);
        Ok((entry, name, length))
    }
}

impl Entry {
    /// Takes the 64-bit values of the extra field where the header's own are maxed out.
    fn take_zip64(&mut self, mut extra: &[u8]) -> Result<(), Stop> {
        let mut need_uncompressed = self.uncompressed == u64::from(u32::MAX);
        let mut need_compressed = self.compressed == u64::from(u32::MAX);
        let mut need_offset = self.header_offset == i64::from(u32::MAX);
        while let [tag0, tag1, size0, size1, rest @ ..] = extra {
            let size = usize::from(u16::from_le_bytes([*size0, *size1]));
            let Some((mut field, rest)) = rest.split_at_checked(size) else { break };
            extra = rest;
            if u16::from_le_bytes([*tag0, *tag1]) != 1 {
                continue;
            }
            let mut next = || {
                let (head, rest) = field.split_first_chunk().ok_or(Stop::Format)?;
                field = rest;
                Ok(u64::from_le_bytes(*head))
            };
            if std::mem::take(&mut need_uncompressed) {
                self.uncompressed = next()?;
            }
            if std::mem::take(&mut need_compressed) {
                self.compressed = next()?;
            }
            if std::mem::take(&mut need_offset) {
                self.header_offset = next()? as i64;
            }
        }
        // A content of 2³²-1 bytes is possible; the other two are not.
        if need_compressed || need_offset { Err(Stop::Format) } else { Ok(()) }
    }
}
