//! Any bytes as an action entry, an archive and an index: reading must not panic, and an entry that is
//! canonical must be the one that Go writes for its fields.
//!
//! ```text
//! cargo +nightly fuzz run buildcache --fuzz-dir rust/fuzz -- -max_total_time=180
//! ```
#![no_main]

use fastverify_core::buildcache::{EntryForm, OutputFlaw, is_whole_index, parse_entry, read_archive};
use libfuzzer_sys::fuzz_target;

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let archive = read_archive(bytes);
    assert!(archive.build_id.is_empty() || !archive.flaws.contains(&OutputFlaw::ArchiveFormat));
    assert!(archive.export.is_none_or(|range| range.end + 8 <= bytes.len()));
    assert!(!bytes.starts_with(b"go index v2\n") || !is_whole_index(bytes) || bytes.last() == Some(&0xff));

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
