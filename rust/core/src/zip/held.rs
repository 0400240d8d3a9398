//! Holding a long entry against a file that should have the same content, piece by piece.

use super::compressed::Compressed;
use super::content::{Extent, Span};
use super::directory::Archive;
use super::entries::Entry;
use super::long::Buffers;
use crate::fault::FaultCode;
use crate::inflate::{HISTORY, Inflater, Need, OUTPUT_SLACK, Pieces, Taken};
use crate::readat::{ReadAt, read_full_at};
use crate::timings::{self, Stage};

/// An entry and a file beside it.
pub(crate) struct HeldEntry<'a, R, F> {
    archive: &'a Archive<R>,
    entry: Entry,
    extent: Extent,
    compressed: Compressed<'a, R>,
    pieces: Pieces<'a>,
    file: &'a F,
    /// Bytes of the file that have been read.
    read: u64,
    /// Some of these.
    room: &'a mut [u8],
    /// The most bytes in a piece, but for those that the last one left.
    piece: usize,
    /// Up to where the entry is known to have the same, and up to where there is something to be known of.
    at: usize,
    end: usize,
}

impl<'a, R: ReadAt, F: ReadAt> HeldEntry<'a, R, F> {
    /// Begins with both; `inflater` and `buffers` are the thread's own.
    pub(crate) fn new(
        archive: &'a Archive<R>,
        entry: &Entry,
        extent: Extent,
        file: &'a F,
        inflater: &'a mut Inflater,
        buffers: Buffers<'a>,
    ) -> Self {
        let piece = buffers.piece;
        let (input, room) = buffers.parts();
        HeldEntry {
            archive,
            entry: *entry,
            extent,
            compressed: Compressed::new(archive, extent, input),
            pieces: inflater.begin(entry.uncompressed).0,
            file,
            read: 0,
            room,
            piece,
            at: 0,
            end: 0,
        }
    }

    /// The next bytes that both have; none at the end of both.  None where they do not have the same, there is
    /// a fault, or only inflating could tell.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        if self.at > HISTORY {
            let begin = self.at - HISTORY;
            self.room.copy_within(begin..self.end, 0);
            (self.at, self.end) = (HISTORY, self.end - begin);
        }
        self.read_file()?;
        timings::lap(Stage::ReadFile);
        let begin = self.at;
        if self.extent.deflated {
            self.hold_deflated()?
        } else {
            self.hold_stored()?
        }
        timings::lap(Stage::Inflate);
        (self.at > begin || self.is_last() && self.at == self.end).then(|| &self.room[begin..self.at])
    }

    /// Whether there is nothing of the file but what is in the room.
    fn is_last(&self) -> bool {
        self.read == self.entry.uncompressed
    }

    /// Fills the room; None where the file does not have the length of the entry.
    fn read_file(&mut self) -> Option<()> {
        if self.is_last() {
            return Some(());
        }
        let left = usize::try_from(self.entry.uncompressed - self.read).unwrap_or(usize::MAX);
        let n = left.min(HISTORY + self.piece - self.end);
        // At its end there must not be a byte more.
        let most = if n == left { n + 1 } else { n };
        let there = read_full_at(self.file, &mut self.room[self.end..self.end + most], self.read).ok()?;
        self.read += n as u64;
        self.end += n;
        (there == n).then_some(())
    }

    /// Goes through the room as far as it is possible.
    fn hold_deflated(&mut self) -> Option<()> {
        let end = if self.is_last() { self.end + OUTPUT_SLACK } else { self.end };
        loop {
            let more = self.compressed.has_more();
            let room = &self.room[..end];
            let Taken { read, at, need } = self.pieces.hold(self.compressed.padded(), more, room, self.at)?;
            self.compressed.take(read);
            self.at = at;
            // What is behind the content is no content.
            if at > self.end {
                return None;
            }
            if need != Need::Input {
                return Some(());
            }
            if !self.compressed.refill().ok()? {
                return None;
            }
        }
    }

    /// The same where there is nothing to be inflated.
    fn hold_stored(&mut self) -> Option<()> {
        while self.at < self.end {
            if self.compressed.here().is_empty() && !self.compressed.refill().ok()? {
                return None;
            }
            let data = self.compressed.here();
            let n = data.len().min(self.end - self.at);
            if data[..n] != self.room[self.at..self.at + n] {
                return None;
            }
            self.compressed.take(n);
            self.at += n;
        }
        Some(())
    }

    /// Checks what follows the content, all of which has been held and has this CRC.
    pub(crate) fn end(&self, crc32: u32) -> Result<(), FaultCode> {
        self.extent.check_stored(&self.entry)?;
        self.archive.check_end(&self.entry, self.extent.descriptor, Span::default(), || crc32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zip::PIECE;
    use crate::zip::testzip::{TestEntry, TestZip};

    /// Longer than several pieces, with matches from far away.
    fn content() -> Vec<u8> {
        let mut state = 1u32;
        let mut content: Vec<u8> = Vec::new();
        while content.len() < 3 * PIECE + 1000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let distance = 1 + (state >> 8) as usize % HISTORY;
            match content.len().checked_sub(distance) {
                Some(from) if state >> 30 > 0 => {
                    content.extend_from_within(from..(from + 40).min(content.len()))
                }
                _ => content.extend_from_slice(&state.to_le_bytes()),
            }
        }
        content
    }

    /// What both have, where the file is like the entry to its end.
    fn held(entry: TestEntry, file: &[u8]) -> Option<Vec<u8>> {
        let [whole, small] = [PIECE, PIECE / 8].map(|piece| held_in_pieces(entry.clone(), file, piece));
        assert_eq!(whole, small);
        whole
    }

    fn held_in_pieces(entry: TestEntry, file: &[u8], piece: usize) -> Option<Vec<u8>> {
        let bytes = TestZip::of(vec![entry]).bytes();
        let archive = Archive::open(bytes.as_slice(), bytes.len() as u64).unwrap();
        let entry = archive.entry(0);
        let extent = archive.extent(&entry, Span::default()).unwrap().unwrap();
        let (mut inflater, mut input, mut room) = (Inflater::default(), Vec::new(), Vec::new());
        let buffers = Buffers { input: &mut input, room: &mut room, piece };
        let mut held = HeldEntry::new(&archive, &entry, extent, &file, &mut inflater, buffers);
        let mut both = Vec::new();
        loop {
            match held.next()? {
                [] => break,
                piece => both.extend_from_slice(piece),
            }
        }
        held.end(crc32fast::hash(&both)).ok().map(|()| both)
    }

    #[test]
    fn what_both_have_is_given_in_pieces() {
        for len in [1, PIECE, HISTORY + PIECE, HISTORY + PIECE + 1, 3 * PIECE] {
            let content = &content()[..len];
            for entry in [TestEntry::deflated("a", content), TestEntry::stored("a", content)] {
                assert!(held(entry.clone(), content).is_some_and(|both| both == content), "{len}");
                // So no CRC tells what has not been compared.
                let unchecked = TestEntry { crc32: 0, ..entry.clone() };
                for at in [0, HISTORY, PIECE - 1, HISTORY + PIECE, len - 1].into_iter().filter(|at| *at < len)
                {
                    let mut other = content.to_vec();
                    other[at] ^= 1;
                    assert_eq!(held(unchecked.clone(), &other), None, "{len} {at}");
                }
                let (shorter, longer) = (&content[..len - 1], [content, b"x"].concat());
                assert_eq!(held(unchecked.clone(), shorter), None);
                assert_eq!(held(unchecked.clone(), &longer), None);
                assert_eq!(held(TestEntry { size: entry.size - 1, ..unchecked.clone() }, shorter), None);
                assert_eq!(held(TestEntry { size: entry.size + 1, ..unchecked.clone() }, &longer), None);
                for wrong in [
                    TestEntry { crc32: entry.crc32 ^ 1, ..entry.clone() },
                    TestEntry { compressed: entry.compressed - 1, ..entry.clone() },
                ] {
                    assert_eq!(held(wrong, content), None);
                }
                let more = TestEntry { compressed: entry.compressed + 1, ..entry };
                // What follows a deflate stream is ignored.
                assert_eq!(held(more.clone(), content).is_some(), more.method == 8);
            }
        }
    }
}
