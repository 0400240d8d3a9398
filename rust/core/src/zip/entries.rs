//! The entries of a central directory, in little memory: a zip may have millions of them.

/// One entry, as the central directory has it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub(super) name_start: usize,
    pub(super) name_len: usize,
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
    has_descriptor: bool,
    crc32: u32,
    /// Compressed, uncompressed and offset; or, where one of them needs 64 bits, [`LARGE`] first, and where
    /// they are among the large ones second.
    sizes: [u32; 3],
}

const LARGE: u32 = u32::MAX;

/// Entries and their names.
#[derive(Debug, Default)]
pub(super) struct Entries {
    records: Vec<Record>,
    /// Of those that need 64 bits.
    large: Vec<(u64, u64, i64)>,
    names: Vec<u8>,
    unpacked: u128,
}

impl Entries {
    /// Adds an entry with its name.  Names together are shorter than a directory may be.
    pub(super) fn push(&mut self, entry: Entry, name: &[u8]) {
        let of_32_bits = || {
            let compressed = u32::try_from(entry.compressed).ok().filter(|&size| size != LARGE)?;
            let offset = u32::try_from(entry.header_offset).ok()?;
            Some([compressed, u32::try_from(entry.uncompressed).ok()?, offset])
        };
        let sizes = of_32_bits().unwrap_or_else(|| {
            self.large.push((entry.compressed, entry.uncompressed, entry.header_offset));
            [LARGE, self.large.len() as u32 - 1, 0]
        });
        self.records.push(Record {
            name_start: self.names.len() as u32,
            name_len: name.len() as u16,
            method: entry.method,
            has_descriptor: entry.has_descriptor,
            crc32: entry.crc32,
            sizes,
        });
        self.names.extend_from_slice(name);
        self.unpacked += u128::from(entry.uncompressed);
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes of all names together.
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
            method: record.method,
            has_descriptor: record.has_descriptor,
            crc32: record.crc32,
            compressed,
            uncompressed,
            header_offset,
        }
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.name_start..entry.name_start + entry.name_len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(entries.name(&entry), number.to_string().as_bytes());
            assert_eq!(entry.crc32, number as u32);
            assert_eq!(entry.has_descriptor, number % 3 == 1);
            assert_eq!(entry.method, [Method::Stored, Method::Deflated, Method::Other][(number % 4).min(2)]);
        }
    }
}
