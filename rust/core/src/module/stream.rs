//! Contents too long to be held in memory: entry and file side by side, window by window.

use std::fs::File;

use super::comparison::Comparison;
use super::relay::{Crew, Relay};
use crate::fault::FaultCode;
use crate::inflate::Inflater;
use crate::readat::ReadAt;
use crate::sha256::{Digest, Hasher};
use crate::timings::{self, Stage};
use crate::tree::read_more;
use crate::zip::{Archive, Buffers, ContentReader, Entry, Extent};

const WINDOW: usize = 64 << 10;

/// What has been found of a long entry and the file beside it.
pub(super) struct Streamed {
    pub zip: Result<Digest, FaultCode>,
    /// Of no meaning where there is no file.
    pub tree: Result<Digest, FaultCode>,
    pub tree_bytes: u64,
}

/// Reads an entry and, if given, the tree's file; another thread of the `crew` may do a part of it.
pub(super) fn stream<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: Extent,
    file: Option<File>,
    inflater: &mut Inflater,
    buffers: Buffers<'_>,
    crew: &dyn Crew,
) -> Streamed {
    let relay = Relay::new(file);
    let reader = ContentReader::new(archive, entry, extent, inflater, buffers);
    let zip = reader.and_then(|reader| {
        let mut reader = reader.without_crc();
        while !crew.stopped() {
            let content = reader.next()?;
            timings::lap(Stage::Inflate);
            if content.is_empty() {
                break;
            }
            relay.give(content, crew);
        }
        Ok(reader)
    });
    let comparison = relay.end(crew).unwrap_or_else(|| Comparison::new(None));
    let zip = zip.and_then(|reader| reader.end(comparison.crc32()));
    comparison.end(zip, &|| crew.stopped())
}

/// Hashes what is left of a file behind what `hasher` has taken, and counts its bytes.
pub(super) fn hash_rest(
    mut hasher: Hasher,
    file: &File,
    window: &mut Vec<u8>,
    bytes: &mut u64,
    stopped: &dyn Fn() -> bool,
) -> Result<Digest, FaultCode> {
    window.resize(window.len().max(WINDOW), 0);
    while !stopped() {
        let n = read_more(file, &mut window[..WINDOW])?;
        timings::lap(Stage::ReadFile);
        *bytes += n as u64;
        hasher.update(&window[..n]);
        timings::lap(Stage::Hash);
        if n < WINDOW {
            break;
        }
    }
    Ok(hasher.finish())
}
