//! The compressed data of a long entry, window by window.

use super::content::Extent;
use super::directory::{Archive, read_bounded};
use crate::fault::FaultCode;
use crate::inflate::INPUT_SLACK;
use crate::memory;
use crate::readat::ReadAt;

/// Bytes of a window.
const INPUT: usize = 128 << 10;

/// The compressed data of an entry: a window of it is in memory.
pub(super) struct Compressed<'a, R> {
    archive: &'a Archive<R>,
    extent: Extent,
    window: &'a mut Vec<u8>,
    /// The part of the window that is filled and not yet taken.
    start: usize,
    end: usize,
    /// Bytes of the extent that have been read from the file.
    read: u64,
}

impl<'a, R: ReadAt> Compressed<'a, R> {
    /// Begins with the data at `extent`; `window` is the thread's own, to be used again.
    pub(super) fn new(archive: &'a Archive<R>, extent: Extent, window: &'a mut Vec<u8>) -> Self {
        memory::lengthen(window, INPUT + INPUT_SLACK);
        Compressed { archive, extent, window, start: 0, end: 0, read: 0 }
    }

    /// Whether there is more of it than is in the window.
    pub(super) fn has_more(&self) -> bool {
        self.read < self.extent.len
    }

    /// What is in the window and has not been taken.
    pub(super) fn here(&self) -> &[u8] {
        &self.window[self.start..self.end]
    }

    /// The same as the fast decoder wants it: with its length, and [`INPUT_SLACK`] bytes behind where there is
    /// no more.
    pub(super) fn padded(&mut self) -> (&[u8], usize) {
        let slack = if self.has_more() { 0 } else { INPUT_SLACK };
        self.window[self.end..self.end + slack].fill(0);
        (&self.window[self.start..self.end + slack], self.end - self.start)
    }

    pub(super) fn take(&mut self, n: usize) {
        self.start += n;
    }

    /// Reads more behind what has not been taken; false where there is none.
    pub(super) fn refill(&mut self) -> Result<bool, FaultCode> {
        self.window.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let left = usize::try_from(self.extent.len - self.read).unwrap_or(usize::MAX);
        let into = &mut self.window[self.end..INPUT][..left.min(INPUT - self.end)];
        let offset = self.extent.start + self.read;
        let n = read_bounded(&self.archive.source, into, offset, self.archive.size())?;
        self.read += n as u64;
        self.end += n;
        Ok(n > 0)
    }

    /// Begins again.
    pub(super) fn rewind(&mut self) {
        (self.start, self.end, self.read) = (0, 0, 0);
    }
}
