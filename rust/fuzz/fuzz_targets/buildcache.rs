//! Any bytes as an action entry, an archive and an index: reading must not panic, an entry that is
//! canonical must be the one that Go writes for its fields, and an output must be the same whether it is
//! read whole or window by window.
//!
//! ```text
//! cargo +nightly fuzz run buildcache --fuzz-dir rust/fuzz -- -max_total_time=180
//! ```
#![no_main]

use fastverify_core::buildcache::{
    EntryForm, OutputFlaw, is_whole_index, measure_content, parse_entry, read_archive,
};
use libfuzzer_sys::fuzz_target;

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An archive as Go's compiler writes one, of these bytes; a 1 among them is a build ID, a 2 what begins
/// or ends a part of it, a 3 the half of a build ID.
fn archive_of(bytes: &[u8]) -> Vec<u8> {
    const ID: &[u8] = b"abcdefghijabcdefghij/abcdefghijabcdefghij";
    let mut parts = bytes.splitn(2, |&byte| byte == 0).map(|part| {
        let mut content = Vec::new();
        for (at, &byte) in part.iter().enumerate() {
            match byte {
                1 => content.extend_from_slice(ID),
                2 => content.extend_from_slice([&b"\n$$\n"[..], b"\n!\n\0go120ld", b"\n$$B\nu"][at % 3]),
                3 => content.extend_from_slice(&ID[..20 + at % 21]),
                _ => content.push(byte),
            }
        }
        content
    });
    let export = parts.next().unwrap_or_default();
    let definition = [b"go object x\nbuild id \"", ID, b"\"\n\n\n$$B\nu", &export, b"\n$$\n"].concat();
    let object = [b"go object x\n\n!\n\0go120ld", &parts.next().unwrap_or_default()[..]].concat();
    let mut archive = b"!<arch>\n".to_vec();
    for (name, content) in [("__.PKGDEF", definition), ("_go_.o", object)] {
        archive.extend_from_slice(format!("{name:<48}{:<10}`\n", content.len()).as_bytes());
        archive.extend_from_slice(&content);
        archive.resize(archive.len() + content.len() % 2, b'\n');
    }
    archive
}

fuzz_target!(|bytes: &[u8]| {
    let archive = read_archive(bytes);
    assert!(archive.build_id.is_empty() || !archive.flaws.contains(&OutputFlaw::ArchiveFormat));
    assert!(archive.export.is_none_or(|range| range.end + 8 <= bytes.len()));
    assert!(!bytes.starts_with(b"go index v2\n") || !is_whole_index(bytes) || bytes.last() == Some(&0xff));

    let window = usize::from(bytes.first().copied().unwrap_or(0)) * 16;
    for content in [bytes, &archive_of(bytes)] {
        let whole = measure_content(&[0; 32], content, None);
        let streamed = measure_content(&[0; 32], content, Some(window));
        assert!(streamed.is_none() || streamed == whole);
    }

    // The ID that the bytes name, so that the fields behind it are reached.
    let digit = |at: usize| bytes.get(at).map_or(0, |byte| (*byte as char).to_digit(16).unwrap_or(0) as u8);
    let action: [u8; 32] = std::array::from_fn(|i| digit(3 + 2 * i) << 4 | digit(4 + 2 * i));
    let parsed = parse_entry(bytes, &action);
    assert_eq!(parsed.output.is_none(), parsed.form == EntryForm::Malformed);
    if let (EntryForm::Canonical, Some(output)) = (parsed.form, parsed.output) {
        let written = format!("v1 {} {} {:20} {:20}\n", hex(&action), hex(&output), parsed.size, parsed.time);
        assert_eq!(bytes, written.as_bytes());
    }
});
