//! Zips that Go and other readers disagree about, and zips that are broken in one place.

use std::io::Write;

use super::testzip::{TestEntry, TestZip};
use super::{Archive, MAX_DIRECTORY_BYTES};
use crate::fault::FaultCode;
use crate::sha256::digest;

const LIMIT: usize = 1 << 20;

type Contents = Vec<(Vec<u8>, Result<Vec<u8>, FaultCode>)>;

/// Every entry's name and content; whole contents and windows must agree.
fn read(zip: &[u8]) -> Result<Contents, FaultCode> {
    let archive = Archive::open(zip, zip.len() as u64)?;
    let read = |entry| {
        let content = archive.content(&entry, LIMIT);
        if content != Err(FaultCode::ZipTooLarge) {
            assert_eq!(
                content.as_ref().map(|content| digest(content)),
                archive.digest(&entry).as_ref().copied()
            );
        }
        (archive.name(&entry).to_vec(), content)
    };
    Ok(archive.entries().map(read).collect())
}

/// The content of a zip's only entry.
fn only(entry: TestEntry) -> Result<Vec<u8>, FaultCode> {
    let contents = read(&TestZip::of(vec![entry]).bytes()).unwrap();
    assert_eq!(contents.len(), 1);
    contents.into_iter().next().unwrap().1
}

fn two() -> TestZip {
    TestZip::of(vec![
        TestEntry::deflated("m@v1/a", b"aaaaaaaaaaaaaaaaaaaaaaaaa").with_descriptor(true),
        TestEntry::stored("m@v1/b", b"b"),
    ])
}

fn contents_of_two() -> Contents {
    let a = b"aaaaaaaaaaaaaaaaaaaaaaaaa".to_vec();
    vec![(b"m@v1/a".to_vec(), Ok(a)), (b"m@v1/b".to_vec(), Ok(b"b".to_vec()))]
}

#[test]
fn plain_and_empty() {
    assert_eq!(read(&two().bytes()), Ok(contents_of_two()));
    assert_eq!(read(&TestZip::default().bytes()), Ok(vec![]));
    for nothing in [&b""[..], b"PK", &[0; 100], &[0; 100_000]] {
        assert_eq!(read(nothing), Err(FaultCode::ZipFormat));
    }
}

#[test]
fn what_stands_around_is_ignored() {
    for before in [0, 1, 5000] {
        for comment in [0, 1, 2000, 60_000] {
            for zip64 in [false, true] {
                let zip =
                    TestZip { before: vec![b'x'; before], comment: vec![b'c'; comment], zip64, ..two() };
                // The junk counts in the place of the zip64 record, which Go takes for absolute.
                assert_eq!(read(&zip.bytes()), Ok(contents_of_two()), "{before} {comment} {zip64}");
            }
        }
    }
}

#[test]
fn bytes_after_the_end_record() {
    for (after, found) in [(1, true), (60_000, true), (70_000, false)] {
        let zip = TestZip { after: vec![b'x'; after], ..two() };
        let expected = if found { Ok(contents_of_two()) } else { Err(FaultCode::ZipFormat) };
        assert_eq!(read(&zip.bytes()), expected, "{after}");
    }
}

#[test]
fn the_last_end_record_counts_even_if_its_comment_does_not_fit() {
    let mut zip = two().bytes();
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0");
    assert_eq!(read(&zip), Err(FaultCode::ZipFormat));
}

#[test]
fn a_wrong_directory_size_is_forgiven_where_a_header_is_at_the_plain_offset() {
    let zip = TestZip { size_error: -10, ..two() };
    assert_eq!(read(&zip.bytes()), Ok(contents_of_two()));
    let zip = TestZip { size_error: 1 << 20, ..two() };
    assert_eq!(read(&zip.bytes()), Err(FaultCode::ZipFormat));
}

#[test]
fn the_count_is_compared_in_16_bits() {
    let end = two().bytes().len() - 22;
    // What is wrong is told by what ended the headers: an end record that is shorter than a header.
    for (comment, reason) in [(0, FaultCode::ZipEof), (100, FaultCode::ZipFormat)] {
        let mut zip = TestZip { comment: vec![b'c'; comment], ..two() }.bytes();
        assert_eq!(read(&zip), Ok(contents_of_two()));
        zip[end + 10] = 1;
        assert_eq!(read(&zip), Err(reason));
    }
    let many: Vec<_> = (0..65_537).map(|i| TestEntry::stored(&i.to_string(), b"")).collect();
    assert_eq!(read(&TestZip::of(many).bytes()).map(|contents| contents.len()), Ok(65_537));
}

#[test]
fn local_names_sizes_and_methods_do_not_count() {
    let mut entry = TestEntry::stored("m@v1/a", b"content");
    entry.local_name = b"other, and longer".to_vec();
    entry.flags |= 1; // encrypted, it says
    assert_eq!(only(entry), Ok(b"content".to_vec()));
}

#[test]
fn raw_names() {
    for name in [&b"\xff\xfe"[..], b"a\\b", b"a\0b", b"", b"a\nb"] {
        let entry = TestEntry { name: name.to_vec(), ..TestEntry::stored("", b"x") };
        assert_eq!(read(&TestZip::of(vec![entry]).bytes()), Ok(vec![(name.to_vec(), Ok(b"x".to_vec()))]));
    }
}

#[test]
fn methods() {
    for method in [1, 9, 12, 14, 99] {
        let entry = TestEntry { method, ..TestEntry::stored("a", b"x") };
        assert_eq!(only(entry), Err(FaultCode::ZipAlgorithm));
    }
}

#[test]
fn declared_sizes() {
    for make in [TestEntry::stored, TestEntry::deflated] {
        for descriptor in [false, true] {
            let good = make("a", b"content that is long enough to be cut, cut, cut");
            let good = if descriptor { good.with_descriptor(true) } else { good };
            assert!(only(good.clone()).is_ok());
            let more = TestEntry { size: good.size - 1, ..good.clone() };
            assert_eq!(only(more), Err(FaultCode::ZipFormat));
            let less = TestEntry { size: good.size + 1, ..good.clone() };
            assert_eq!(only(less), Err(FaultCode::ZipEof));
            let cut = TestEntry { compressed: good.compressed - 3, ..good.clone() };
            assert_eq!(only(cut), Err(FaultCode::ZipEof));
            let huge = TestEntry { size: 0xffff_ffff, ..good };
            let zip = TestZip::of(vec![huge]).bytes();
            let archive = Archive::open(&zip[..], zip.len() as u64).unwrap();
            assert_eq!(archive.digest(&archive.entry(0)), Err(FaultCode::ZipEof));
        }
    }
}

#[test]
fn crc_and_descriptor() {
    for make in [TestEntry::stored, TestEntry::deflated] {
        let good = make("a", b"content");
        let wrong = TestEntry { crc32: good.crc32 ^ 1, ..good.clone() };
        assert_eq!(only(wrong.clone()), Err(FaultCode::ZipChecksum));
        assert_eq!(only(wrong.with_descriptor(true)), Err(FaultCode::ZipChecksum));
        // A CRC of zero is no CRC, but for an entry with a descriptor.
        let none = TestEntry { crc32: 0, ..good.clone() };
        assert_eq!(only(none.clone()), Ok(b"content".to_vec()));
        assert_eq!(only(none.with_descriptor(false)), Err(FaultCode::ZipChecksum));
        for signature in [false, true] {
            let described = good.clone().with_descriptor(signature);
            assert_eq!(only(described.clone()), Ok(b"content".to_vec()));
            let mut wrong = described.clone();
            wrong.descriptor[if signature { 4 } else { 0 }] ^= 1;
            assert_eq!(only(wrong), Err(FaultCode::ZipChecksum));
            let mut sizes = described;
            let last = sizes.descriptor.len() - 1;
            sizes.descriptor[last] ^= 1;
            assert_eq!(only(sizes), Ok(b"content".to_vec()));
        }
    }
}

#[test]
fn directories() {
    assert_eq!(only(TestEntry::stored("d/", b"")), Ok(Vec::new()));
    // Its method and its data are not looked at, only its declared size.
    let entry = TestEntry { method: 99, size: 0, ..TestEntry::stored("d/", b"data") };
    assert_eq!(only(entry), Ok(Vec::new()));
    assert_eq!(only(TestEntry::stored("d/", b"data")), Err(FaultCode::ZipFormat));
}

#[test]
fn local_headers_out_of_place() {
    let mut entry = TestEntry::stored("a", b"x");
    entry.offset = Some(1);
    assert_eq!(only(entry.clone()), Err(FaultCode::ZipFormat));
    entry.offset = Some(1 << 30);
    assert_eq!(only(entry.clone()), Err(FaultCode::ZipEof));
    // Two entries may have the same data.
    let same = TestEntry { offset: Some(0), ..TestEntry::stored("b", b"x") };
    let zip = TestZip::of(vec![TestEntry::stored("a", b"x"), same]).bytes();
    assert!(read(&zip).unwrap().iter().all(|(_, content)| *content == Ok(b"x".to_vec())));
}

fn extra64(values: &[u64]) -> Vec<u8> {
    let mut extra = vec![1, 0, values.len() as u8 * 8, 0];
    for value in values {
        extra.extend_from_slice(&value.to_le_bytes());
    }
    extra
}

#[test]
fn zip64_extra_fields() {
    let max = u64::from(u32::MAX);
    let good = TestEntry::stored("a", b"content");
    let wide =
        |size, compressed, offset, extra| TestEntry { size, compressed, offset, extra, ..good.clone() };
    let all = wide(max, max, Some(u32::MAX), extra64(&[7, 7, 0]));
    assert_eq!(only(all), Ok(b"content".to_vec()));
    // Only what is maxed out is taken, and another field before it does no harm.
    let other = [&[9, 9, 3, 0, 1, 2, 3][..], &extra64(&[7])].concat();
    assert_eq!(only(wide(max, 7, None, other)), Ok(b"content".to_vec()));
    assert_eq!(only(wide(7, 7, None, extra64(&[1, 1, 1]))), Ok(b"content".to_vec()));
    // A header that lacks what it needs is no header.
    for bad in [
        wide(7, max, None, Vec::new()),
        wide(7, 7, Some(u32::MAX), Vec::new()),
        wide(max, max, None, extra64(&[7])),
        wide(max, 7, None, vec![1, 0, 4, 0, 7, 0, 0, 0]),
    ] {
        assert_eq!(read(&TestZip::of(vec![bad]).bytes()), Err(FaultCode::ZipFormat));
    }
    // Offsets and sizes beyond what is signed.
    let far = wide(7, 7, Some(u32::MAX), extra64(&[u64::MAX]));
    assert_eq!(only(far), Err(FaultCode::ZipFormat));
    let long = wide(7, max, None, extra64(&[u64::MAX]));
    assert_eq!(only(long), Err(FaultCode::ZipFormat));
}

#[test]
fn a_directory_that_is_too_large_is_refused() {
    let entry = TestEntry { extra: vec![0; 65_535], ..TestEntry::stored("a", b"") };
    let count = MAX_DIRECTORY_BYTES as usize / (65_535 + 47) + 1;
    let zip = TestZip::of(vec![entry.clone(); count]).bytes();
    assert_eq!(read(&zip), Err(FaultCode::ZipDirectoryTooLarge));
    drop(zip);
    let zip = TestZip::of(vec![entry; count - 1]).bytes();
    assert_eq!(Archive::open(&zip[..], zip.len() as u64).unwrap().entries().len(), count - 1);
}

/// An entry that is read in pieces, from many pieces of compressed data: both ways of reading agree wherever
/// it is broken, with the same fault.
#[test]
fn long_entries() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut content: Vec<u8> = (0..300_000).map(|_| random() as u8).collect();
    while content.len() < 1_200_000 {
        match random() % 3 {
            0 => content.extend_from_slice(random().to_string().as_bytes()),
            _ => {
                let distance = 1 + random() % 32_768;
                let start = content.len() - distance;
                content.extend_from_within(start..start + distance.min(random() % 300));
            }
        }
    }
    let entry = TestEntry::deflated("a", &content);
    assert!(entry.data.len() > 300_000);
    let judged = |entry: &TestEntry| {
        let zip = TestZip::of(vec![entry.clone()]).bytes();
        let archive = Archive::open(&zip[..], zip.len() as u64).unwrap();
        let entry = &archive.entry(0);
        let in_pieces = archive.digest(entry);
        assert_eq!(archive.content(entry, 2 << 20).map(|content| digest(&content)), in_pieces);
        in_pieces
    };
    assert!(judged(&entry) == Ok(digest(&content)));
    let mut faults = std::collections::BTreeMap::new();
    for _ in 0..60 {
        let mut broken = entry.clone();
        // Without a CRC it is the stream that has to say.
        (broken.crc32, broken.flags) = (0, 0);
        match random() % 3 {
            0 => broken.size = (entry.size + 500).saturating_sub(random() as u64 % 1000),
            1 => broken.compressed = random() as u64 % entry.compressed,
            _ => {
                let at = random() % (entry.data.len() - 8);
                broken.data[at..at + 8].fill(random() as u8);
            }
        }
        *faults.entry(judged(&broken).err().map(FaultCode::name)).or_insert(0) += 1;
    }
    for fault in [FaultCode::ZipEof, FaultCode::ZipFormat] {
        assert!(faults.contains_key(&Some(fault.name())), "{faults:?}");
    }
    // Behind the content a block of the type that there is not.
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&content).unwrap();
    encoder.flush().unwrap();
    let data = [encoder.get_ref(), &[7; 100][..]].concat();
    let (size, compressed) = (entry.size + 1, data.len() as u64);
    assert_eq!(judged(&TestEntry { data, size, compressed, ..entry }), Err(FaultCode::ZipCorrupt));
}

/// Not one bit can be flipped, and nothing cut off, so that reading panics or that the two ways of
/// reading disagree.
#[test]
fn bit_flips_and_cuts() {
    for zip64 in [false, true] {
        let zip = TestZip { zip64, before: b"junk".to_vec(), comment: b"comment".to_vec(), ..two() }.bytes();
        for at in 0..zip.len() {
            for bit in 0..8 {
                let mut flipped = zip.clone();
                flipped[at] ^= 1 << bit;
                let _ = read(&flipped);
            }
            let _ = read(&zip[..at]);
            let _ = read(&zip[at..]);
        }
    }
}
