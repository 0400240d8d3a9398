//! Zips made by hand for the tests, field by field.

use std::io::Write;

/// One entry; the fields are what the records say, true or not.
#[derive(Clone)]
pub(crate) struct TestEntry {
    pub name: Vec<u8>,
    pub local_name: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub crc32: u32,
    pub data: Vec<u8>,
    pub size: u64,
    pub compressed: u64,
    pub descriptor: Vec<u8>,
    pub extra: Vec<u8>,
    /// Of the local header, where it is not where it is.
    pub offset: Option<u32>,
}

impl TestEntry {
    pub(crate) fn stored(name: &str, content: &[u8]) -> TestEntry {
        TestEntry {
            name: name.into(),
            local_name: name.into(),
            method: 0,
            flags: 0,
            crc32: crc32fast::hash(content),
            data: content.to_vec(),
            size: content.len() as u64,
            compressed: content.len() as u64,
            descriptor: Vec::new(),
            extra: Vec::new(),
            offset: None,
        }
    }

    pub(crate) fn deflated(name: &str, content: &[u8]) -> TestEntry {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        let data = encoder.finish().unwrap();
        TestEntry { method: 8, compressed: data.len() as u64, data, ..TestEntry::stored(name, content) }
    }

    /// As Go's writer makes them: a descriptor with a signature.
    pub(crate) fn with_descriptor(mut self, signature: bool) -> TestEntry {
        self.flags |= 8;
        if signature {
            self.descriptor.extend_from_slice(b"PK\x07\x08");
        }
        self.descriptor.extend_from_slice(&self.crc32.to_le_bytes());
        self.descriptor.extend_from_slice(&(self.compressed as u32).to_le_bytes());
        self.descriptor.extend_from_slice(&(self.size as u32).to_le_bytes());
        self
    }
}

/// A zip: what comes before it, its entries, its comment.
#[derive(Clone, Default)]
pub(crate) struct TestZip {
    pub before: Vec<u8>,
    pub entries: Vec<TestEntry>,
    pub comment: Vec<u8>,
    /// Put behind everything.
    pub after: Vec<u8>,
    /// With a zip64 end record and locator, and maxed-out fields in the old record.
    pub zip64: bool,
    /// Added to what the end record says of the directory's size.
    pub size_error: i64,
}

impl TestZip {
    pub(crate) fn of(entries: Vec<TestEntry>) -> TestZip {
        TestZip { entries, ..TestZip::default() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        let u16 = |n: usize| (n as u16).to_le_bytes();
        let u32 = |n: u64| (n.min(0xffff_ffff) as u32).to_le_bytes();
        for entry in &self.entries {
            let offset = entry.offset.unwrap_or(out.len() as u32);
            out.extend_from_slice(b"PK\x03\x04\x14\0");
            out.extend_from_slice(&[0; 20]);
            out.extend_from_slice(&u16(entry.local_name.len()));
            out.extend_from_slice(&u16(0));
            out.extend_from_slice(&entry.local_name);
            out.extend_from_slice(&entry.data);
            out.extend_from_slice(&entry.descriptor);

            directory.extend_from_slice(b"PK\x01\x02\x14\0\x14\0");
            directory.extend_from_slice(&entry.flags.to_le_bytes());
            directory.extend_from_slice(&entry.method.to_le_bytes());
            directory.extend_from_slice(&[0; 4]);
            directory.extend_from_slice(&entry.crc32.to_le_bytes());
            directory.extend_from_slice(&u32(entry.compressed));
            directory.extend_from_slice(&u32(entry.size));
            directory.extend_from_slice(&u16(entry.name.len()));
            directory.extend_from_slice(&u16(entry.extra.len()));
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&offset.to_le_bytes());
            directory.extend_from_slice(&entry.name);
            directory.extend_from_slice(&entry.extra);
        }
        let start = out.len() as u64;
        out.extend_from_slice(&directory);
        let (count, size) = (self.entries.len(), (directory.len() as i64 + self.size_error) as u64);
        let end64 = out.len() as u64 + self.before.len() as u64;
        if self.zip64 {
            out.extend_from_slice(b"PK\x06\x06");
            out.extend_from_slice(&44u64.to_le_bytes());
            out.extend_from_slice(&[0; 12]);
            out.extend_from_slice(&(count as u64).to_le_bytes());
            out.extend_from_slice(&(count as u64).to_le_bytes());
            out.extend_from_slice(&size.to_le_bytes());
            out.extend_from_slice(&start.to_le_bytes());
            out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            out.extend_from_slice(&end64.to_le_bytes());
            out.extend_from_slice(&1u32.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        let count = if self.zip64 { 0xffff } else { count };
        out.extend_from_slice(&u16(count));
        out.extend_from_slice(&u16(count));
        out.extend_from_slice(&u32(if self.zip64 { u64::MAX } else { size }));
        out.extend_from_slice(&u32(if self.zip64 { u64::MAX } else { start }));
        out.extend_from_slice(&u16(self.comment.len()));
        out.extend_from_slice(&self.comment);
        out.extend_from_slice(&self.after);
        [&self.before[..], &out].concat()
    }
}
