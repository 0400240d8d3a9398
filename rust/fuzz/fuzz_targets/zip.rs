//! Any bytes as a zip: reading must not panic, must stay within its limits, and must give the same
//! answer whether an entry is read whole or in pieces.
//!
//! ```text
//! cargo +nightly fuzz run zip --fuzz-dir rust/fuzz -- -max_total_time=180
//! ```
#![no_main]

use fastverify_core::FaultCode;
use fastverify_core::sha256::digest;
use fastverify_core::zip::{Archive, violations};
use libfuzzer_sys::fuzz_target;

/// Entries that are read of one zip; they may all lie on top of each other.
const ENTRIES: usize = 50;
const CONTENT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(archive) = Archive::open(bytes, bytes.len() as u64) else { return };
    for violation in violations(&archive, b"m@v1/", 1000) {
        assert!(archive.entries().any(|entry| archive.name(&entry).to_vec() == violation.name));
    }
    for entry in archive.entries().take(ENTRIES) {
        let whole = archive.content(&entry, CONTENT);
        if whole == Err(FaultCode::ZipTooLarge) {
            continue;
        }
        assert_eq!(whole.map(|content| digest(&content)), archive.digest(&entry));
    }
});
