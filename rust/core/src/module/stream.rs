//! Contents too long to be held in memory: entry and file piece by piece.

use std::fs::File;

use super::relay::{Crew, Relay};
use crate::fault::FaultCode;
use crate::inflate::Inflater;
use crate::memory;
use crate::readat::ReadAt;
use crate::sha256::{Digest, Hasher};
use crate::timings::{self, Stage};
use crate::tree::read_more;
use crate::zip::{Archive, Buffers, ContentReader, Entry, Extent, HeldEntry};

const WINDOW: usize = 64 << 10;

/// The SHA-256 of an entry that is without fault and has the same content as the `file`; None where it is not
/// so.  Another thread of the `crew` may do a part of it.
pub(super) fn same_digest<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: Extent,
    file: &File,
    inflater: &mut Inflater,
    buffers: Buffers<'_>,
    crew: &dyn Crew,
) -> Option<Digest> {
    let mut held = HeldEntry::new(archive, entry, extent, file, inflater, buffers);
    let relay = Relay::new();
    let mut ended = false;
    while !ended && !crew.stopped() {
        let Some(piece) = held.next() else { break };
        ended = piece.is_empty();
        relay.give(piece, crew);
    }
    let (crc32, digest) = relay.end(crew)?;
    (ended && held.end(crc32).is_ok()).then_some(digest)
}

/// The SHA-256 of an entry by itself; another thread of the `crew` may do a part of it.
pub(super) fn entry_digest<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: Extent,
    inflater: &mut Inflater,
    buffers: Buffers<'_>,
    crew: &dyn Crew,
) -> Result<Digest, FaultCode> {
    let mut reader = ContentReader::new(archive, entry, extent, inflater, buffers)?;
    let relay = Relay::new();
    let mut read = Ok(());
    while !crew.stopped() {
        match reader.next() {
            Ok([]) => break,
            Ok(piece) => {
                timings::lap(Stage::Inflate);
                relay.give(piece, crew);
            }
            Err(code) => {
                read = Err(code);
                break;
            }
        }
    }
    // Nobody waits for the answer where the work has been stopped.
    let (crc32, digest) = relay.end(crew).unwrap_or_default();
    read.and_then(|()| reader.end(crc32)).map(|()| digest)
}

/// Hashes what is left of a file behind what `hasher` has taken, and counts its bytes.
pub(super) fn hash_rest(
    mut hasher: Hasher,
    file: &File,
    window: &mut Vec<u8>,
    bytes: &mut u64,
    stopped: &dyn Fn() -> bool,
) -> Result<Digest, FaultCode> {
    memory::lengthen(window, WINDOW);
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
