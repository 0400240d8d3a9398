//! The entries of a central directory, in little memory: a zip may have millions of them.

use std::cmp::Ordering;

use super::directory::HEADER_LEN;
use crate::memory;

/// One entry, as the central directory has it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub(super) name_start: usize,
    pub(super) name_len: usize,
    /// Whether the name begins with what all names of a good zip begin with, which is not kept again then.
    pub(super) is_under: bool,
    pub(crate) method: Method,
    /// Whether a data descriptor follows the content.
    pub(crate) has_descriptor: bool,
    pub(crate) crc32: u32,
    /// Declared size of the compressed data.
    pub compressed: u64,
    /// Declared size of the content.
    pub uncompressed: u64,
    /// Where the local header is; as signed, and as wrapping, as in Go.
    pub(crate) header_offset: i64,
}

/// How an entry's content is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
    /// One that Go does not know.
    Other,
}

impl Entry {
    /// An entry whose name is not known yet.
    pub(super) fn nameless(flags: u16, method: u16) -> Entry {
        let method = match method {
            0 => Method::Stored,
            8 => Method::Deflated,
            _ => Method::Other,
        };
        Entry {
            name_start: 0,
            name_len: 0,
            is_under: false,
            method,
            has_descriptor: flags & 8 != 0,
            crc32: 0,
            compressed: 0,
            uncompressed: 0,
            header_offset: 0,
        }
    }
}

/// An [`Entry`] as it is kept.
#[derive(Debug)]
struct Record {
    name_start: u32,
    name_len: u16,
    method: Method,
    /// [`DESCRIPTOR`] and [`UNDER`].
    flags: u8,
    crc32: u32,
    /// Compressed, uncompressed and offset; or, where one of them needs 64 bits, [`LARGE`] first, and where
    /// they are among the large ones second.
    sizes: [u32; 3],
}

const LARGE: u32 = u32::MAX;
const DESCRIPTOR: u8 = 1;
const UNDER: u8 = 2;

/// An entry's raw name.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The beginning that many names have, or nothing.
    start: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Name<'a> {
    /// The name that is `start` and `rest`, one behind the other.
    pub(crate) fn new(start: &'a [u8], rest: &'a [u8]) -> Name<'a> {
        Name { start, rest }
    }

    /// The name is these, one behind the other.
    pub fn parts(&self) -> [&'a [u8]; 2] {
        [self.start, self.rest]
    }

    /// The name in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts().concat()
    }

    pub(crate) fn len(&self) -> usize {
        self.start.len() + self.rest.len()
    }

    /// What is behind `prefix`, which is the archive's if that has one; None where the name begins otherwise.
    pub(crate) fn behind(&self, prefix: &[u8]) -> Option<&'a [u8]> {
        debug_assert!(self.start.is_empty() || self.start == prefix);
        if self.start.is_empty() { self.rest.strip_prefix(prefix) } else { Some(self.rest) }
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.parts().iter().any(|part| part.contains(&byte))
    }

    /// Whether the entry is a directory.
    pub(crate) fn has_slash_at_end(&self) -> bool {
        self.rest.last().or(self.start.last()) == Some(&b'/')
    }
}

impl Ord for Name<'_> {
    /// By the bytes.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.start == other.start {
            return self.rest.cmp(other.rest);
        }
        let bytes = |name: &Self| name.start.iter().chain(name.rest);
        bytes(self).cmp(bytes(other))
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Name<'_> {}

/// Entries and their names.
#[derive(Debug, Default)]
pub(super) struct Entries {
    records: Vec<Record>,
    /// Of those that need 64 bits.
    large: Vec<(u64, u64, i64)>,
    /// What most names begin with, and the names without it.
    start: Vec<u8>,
    names: Vec<u8>,
    unpacked: u128,
}

impl Entries {
    /// None yet.  The names of a good zip begin with `start`.
    pub(super) fn under(start: &[u8]) -> Entries {
        Entries { start: start.to_vec(), ..Entries::default() }
    }

    /// Makes room for what a directory of so many bytes is likely to have, so that nothing has to be moved.
    pub(super) fn expect(&mut self, records: u64, directory_size: u64) {
        let records = records.min(directory_size / HEADER_LEN as u64) as usize;
        let names = directory_size as usize - records * HEADER_LEN;
        // Without it, there is room as it is needed.
        let _ = self.records.try_reserve_exact(records);
        let _ = self.names.try_reserve_exact(names.saturating_sub(records * self.start.len()));
    }

    /// Adds an entry with its name.  Names together are shorter than a directory may be.
    pub(super) fn push(&mut self, entry: Entry, name: &[u8]) {
        let of_32_bits = || {
            let compressed = u32::try_from(entry.compressed).ok().filter(|&size| size != LARGE)?;
            let offset = u32::try_from(entry.header_offset).ok()?;
            Some([compressed, u32::try_from(entry.uncompressed).ok()?, offset])
        };
        let sizes = of_32_bits().unwrap_or_else(|| {
            memory::reserve(&mut self.large, 1);
            self.large.push((entry.compressed, entry.uncompressed, entry.header_offset));
            [LARGE, self.large.len() as u32 - 1, 0]
        });
        let under = name.strip_prefix(self.start.as_slice()).filter(|_| !self.start.is_empty());
        let name = under.unwrap_or(name);
        let flags =
            if entry.has_descriptor { DESCRIPTOR } else { 0 } | if under.is_some() { UNDER } else { 0 };
        memory::reserve(&mut self.records, 1);
        self.records.push(Record {
            name_start: self.names.len() as u32,
            name_len: name.len() as u16,
            method: entry.method,
            flags,
            crc32: entry.crc32,
            sizes,
        });
        memory::reserve(&mut self.names, name.len());
        self.names.extend_from_slice(name);
        self.unpacked += u128::from(entry.uncompressed);
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes of all names together, without the beginning that most of them have.
    pub(super) fn names_len(&self) -> usize {
        self.names.len()
    }

    /// The sum of the sizes that the entries declare.
    pub(super) fn unpacked(&self) -> u128 {
        self.unpacked
    }

    pub(super) fn get(&self, number: usize) -> Entry {
        let record = &self.records[number];
        let [compressed, uncompressed, offset] = record.sizes;
        let (compressed, uncompressed, header_offset) = match compressed {
            LARGE => self.large[uncompressed as usize],
            _ => (u64::from(compressed), u64::from(uncompressed), i64::from(offset)),
        };
        Entry {
            name_start: record.name_start as usize,
            name_len: usize::from(record.name_len),
            is_under: record.flags & UNDER != 0,
            method: record.method,
            has_descriptor: record.flags & DESCRIPTOR != 0,
            crc32: record.crc32,
            compressed,
            uncompressed,
            header_offset,
        }
    }

    pub(super) fn name(&self, entry: &Entry) -> Name<'_> {
        let start = if entry.is_under { self.start.as_slice() } else { &[] };
        Name { start, rest: &self.names[entry.name_start..entry.name_start + entry.name_len] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a beginning in common, with another, and with a part of it.
    #[test]
    fn names_are_what_they_were_and_in_their_order() {
        let names: [&[u8]; 9] =
            [b"m@v/b", b"m@v/", b"m@v", b"", b"m@v/a", b"m@v0", b"m@v/b/", b"z", b"m@v.x/"];
        for start in [&b"m@v/"[..], b""] {
            let mut entries = Entries::under(start);
            for name in names {
                entries.push(Entry::nameless(0, 0), name);
            }
            let all: Vec<Entry> = (0..names.len()).map(|number| entries.get(number)).collect();
            let kept: usize = names.iter().map(|name| name.strip_prefix(start).unwrap_or(name).len()).sum();
            assert_eq!(entries.names_len(), kept);
            for (a, name) in all.iter().zip(names) {
                let kept = entries.name(a);
                assert_eq!((kept.to_vec().as_slice(), kept.len()), (name, name.len()));
                assert_eq!(kept.behind(b"m@v/"), name.strip_prefix(b"m@v/"));
                assert_eq!(kept.has_slash_at_end(), name.ends_with(b"/"));
                for byte in 0..=255 {
                    assert_eq!(kept.contains(byte), name.contains(&byte));
                }
                for (b, other) in all.iter().zip(names) {
                    assert_eq!(kept.cmp(&entries.name(b)), name.cmp(other));
                    assert_eq!(kept == entries.name(b), name == other);
                }
            }
        }
    }

    /// Whatever an end record says, there is no more room than for a directory of that length.
    #[test]
    fn room_for_what_is_expected() {
        for (records, bytes) in [(0, 0), (u64::MAX, 0), (u64::MAX, 4600), (3, 4600), (0, 4600), (100, 4600)] {
            let mut entries = Entries::under(b"m@v1/");
            entries.expect(records, bytes);
            let headers = entries.records.capacity() * HEADER_LEN;
            assert!(headers + entries.names.capacity() <= bytes as usize, "{records} in {bytes}");
        }
        let mut entries = Entries::under(b"m@v1/");
        entries.expect(10, 10 * (HEADER_LEN as u64 + 7));
        let room = (entries.records.capacity(), entries.names.capacity());
        for _ in 0..10 {
            entries.push(Entry::nameless(0, 0), b"m@v1/ab");
        }
        assert_eq!((entries.records.capacity(), entries.names.capacity()), room);
    }

    #[test]
    fn every_size_comes_back() {
        const EDGES: [u64; 7] = [0, 1, 0xffff_fffe, 0xffff_ffff, 1 << 32, i64::MAX as u64, u64::MAX];
        let mut entries = Entries::default();
        let all = || EDGES.iter().flat_map(|&a| EDGES.iter().flat_map(move |&b| EDGES.map(|c| (a, b, c))));
        for (number, (compressed, uncompressed, offset)) in all().enumerate() {
            let (flags, method) = ([0, 8, 0xfff7][number % 3], [0, 8, 9, 0xffff][number % 4]);
            let header_offset = offset as i64;
            let entry = Entry {
                crc32: number as u32,
                compressed,
                uncompressed,
                header_offset,
                ..Entry::nameless(flags, method)
            };
            entries.push(entry, number.to_string().as_bytes());
        }
        assert_eq!(size_of::<Record>(), 24);
        assert_eq!(entries.len(), EDGES.len().pow(3));
        assert_eq!(entries.unpacked(), all().map(|(_, uncompressed, _)| u128::from(uncompressed)).sum());
        for (number, expected) in all().enumerate() {
            let entry = entries.get(number);
            assert_eq!((entry.compressed, entry.uncompressed, entry.header_offset as u64), expected);
            assert_eq!(entries.name(&entry).to_vec(), number.to_string().as_bytes());
            assert_eq!(entry.crc32, number as u32);
            assert_eq!(entry.has_descriptor, number % 3 == 1);
            assert_eq!(entry.method, [Method::Stored, Method::Deflated, Method::Other][(number % 4).min(2)]);
        }
    }
}
