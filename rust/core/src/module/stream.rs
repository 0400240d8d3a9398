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
    let mut ended = None;
    while !crew.stopped()
        && let Some(piece) = next(&mut held, &mut ended)
    {
        relay.give(piece, crew);
    }
    digest_if_same(&held, ended, relay.end(crew))
}

/// As [`same_digest`], of two entries and files side by side, which takes less time than one after the other.
pub(super) fn same_digests<R: ReadAt, F: ReadAt>(
    mut held: [HeldEntry<'_, R, F>; 2],
    crew: &dyn Crew,
) -> [Option<Digest>; 2] {
    let relays = [Relay::new(), Relay::new()];
    let mut ended = [None, None];
    while !crew.stopped() {
        let [first, second] = &mut held;
        let pieces = [next(first, &mut ended[0]), next(second, &mut ended[1])];
        match pieces {
            [Some(first), Some(second)] => Relay::give_two(relays.each_ref(), [first, second], crew),
            [Some(piece), None] => relays[0].give(piece, crew),
            [None, Some(piece)] => relays[1].give(piece, crew),
            [None, None] => break,
        }
    }
    let sums = relays.map(|relay| relay.end(crew));
    [0, 1].map(|number| digest_if_same(&held[number], ended[number], sums[number]))
}

/// The next piece of what entry and file both have.  Without one, `ended` says then whether it was the end that
/// was to come; it is None while there may be more.
fn next<'h, R: ReadAt, F: ReadAt>(
    held: &'h mut HeldEntry<'_, R, F>,
    ended: &mut Option<bool>,
) -> Option<&'h [u8]> {
    if ended.is_some() {
        return None;
    }
    let piece = held.next();
    *ended = match piece {
        Some([]) => Some(true),
        Some(_) => None,
        None => Some(false),
    };
    piece.filter(|piece| !piece.is_empty())
}

/// The digest of what entry and file both have, if that is all of both and nothing behind it is at fault.
fn digest_if_same<R: ReadAt, F: ReadAt>(
    held: &HeldEntry<'_, R, F>,
    ended: Option<bool>,
    sums: Option<(u32, Digest)>,
) -> Option<Digest> {
    let (crc32, digest) = sums?;
    (ended == Some(true) && held.end(crc32).is_ok()).then_some(digest)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sha256::digest;
    use crate::zip::testzip::{TestEntry, TestZip};
    use crate::zip::{PIECE, Span};

    /// A thread by itself.
    struct Alone;

    impl Crew for Alone {
        fn stopped(&self) -> bool {
            false
        }

        fn is_from_disk(&self) -> bool {
            false
        }

        fn is_idle(&self) -> bool {
            false
        }

        fn ask(&self, _: Arc<Relay>) {
            unreachable!("nobody is idle")
        }
    }

    /// Of two entries and the files beside them.
    fn digests(entries: [&TestEntry; 2], files: [&[u8]; 2]) -> [Option<Digest>; 2] {
        let bytes = TestZip::of(entries.map(Clone::clone).to_vec()).bytes();
        let archive = &Archive::open(bytes.as_slice(), bytes.len() as u64).unwrap();
        let [entry, other] = [0, 1].map(|number| archive.entry(number));
        let extent = |entry| archive.extent(entry, Span::default()).unwrap().unwrap();
        let (mut inflaters, mut rooms) = <([Inflater; 2], [[Vec<u8>; 2]; 2])>::default();
        let [inflater, other_inflater] = &mut inflaters;
        let [[input, room], [other_input, other_room]] = &mut rooms;
        let (buffers, other_buffers) = (
            Buffers { input, room, piece: PIECE },
            Buffers { input: other_input, room: other_room, piece: PIECE },
        );
        let held = [
            HeldEntry::new(archive, &entry, extent(&entry), &files[0], inflater, buffers),
            HeldEntry::new(archive, &other, extent(&other), &files[1], other_inflater, other_buffers),
        ];
        same_digests(held, &Alone)
    }

    #[test]
    fn two_side_by_side_are_as_each_by_itself() {
        let content = |len: usize| (0..len as u32).flat_map(u32::to_le_bytes).take(len).collect::<Vec<u8>>();
        for [len, other_len] in [[1, 1], [1, 3 * PIECE], [3 * PIECE + 7, PIECE], [2 * PIECE, 2 * PIECE]] {
            let (content, other) = (content(len), content(other_len));
            for [entry, other_entry] in [
                [TestEntry::deflated("a", &content), TestEntry::deflated("b", &other)],
                [TestEntry::stored("a", &content), TestEntry::deflated("b", &other)],
            ] {
                let both = [&entry, &other_entry];
                let expected = [digest(&content), digest(&other)].map(Some);
                assert_eq!(digests(both, [&content, &other]), expected);
                // What is wrong with one is nothing to the other.
                let wrong = TestEntry { crc32: entry.crc32 ^ 1, ..entry.clone() };
                assert_eq!(digests([&wrong, both[1]], [&content, &other]), [None, expected[1]]);
                for at in [0, len / 2, len - 1] {
                    let mut changed = content.clone();
                    changed[at] ^= 1;
                    assert_eq!(digests(both, [&changed, &other]), [None, expected[1]]);
                    assert_eq!(digests([both[1], both[0]], [&other, &changed]), [expected[1], None]);
                }
            }
        }
    }
}
