//! The files that come next, by an io_uring: one half of a window is being read while the other is being
//! opened.

#[path = "ends.rs"]
mod ends;
#[path = "ring.rs"]
mod ring;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::FILES;
use crate::descriptors;
use crate::stat::FileStat;
use crate::tree::linux::{BENEATH, FILE};
use crate::tree::{Kind, Listing, Root};
use ring::{Ring, SLOTS};

/// What a thread keeps.
#[derive(Default)]
pub(super) struct Kept {
    /// None before it is needed, and where there is none to be had.
    ring: Option<Option<Ring>>,
}

/// Files of one tree that are read before their turn.
pub(crate) struct Window<'a> {
    ring: &'a mut Ring,
    root: &'a Root,
    listing: &'a Listing,
    /// Where files end at the size that they are said to have.
    device: Option<u64>,
    /// Number in the listing and slot.
    opening: Vec<(u32, usize)>,
    /// Number in the listing, slot, and what the system says of the file.
    reading: VecDeque<(u32, usize, FileStat)>,
    /// Slots for files to be opened: one half.  The others are for those that are being read.
    half: Range<usize>,
    /// For each half.
    descriptors: [Descriptors; 2],
}

/// Whether the system lets this process have an io_uring.
pub(super) fn is_possible() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| Ring::new(0).is_ok())
}

impl<'a> Window<'a> {
    /// For a tree, with room for so many bytes; None where nothing can be read so.
    pub(super) fn of(
        kept: &'a mut Kept,
        room: usize,
        root: &'a Root,
        listing: &'a Listing,
    ) -> Option<Window<'a>> {
        if most_descriptors() == 0 {
            // The ring itself would take one from what cannot do without.
            return None;
        }
        let ring = kept.ring.get_or_insert_with(|| Ring::new(room).ok()).as_mut()?;
        (!ring.is_broken()).then(|| Window {
            ring,
            root,
            listing,
            device: ends::device(root.as_fd()),
            opening: Vec::new(),
            reading: VecDeque::new(),
            half: 0..FILES,
            descriptors: Default::default(),
        })
    }

    /// Has the files read that it was called for the last time, and these opened, at most [`FILES`].  What has
    /// not been taken of those before is forgotten.
    pub(super) fn ask(&mut self, files: impl Iterator<Item = u32>) {
        self.reading.clear();
        self.ring.clear(self.half.clone());
        let mut sizes = Vec::with_capacity(self.opening.len());
        for (file, slot) in self.opening.drain(..) {
            let found = self.ring.opened(slot).and_then(|file| rustix::fs::fstat(file).ok());
            let Some(found) = found else { continue };
            let stat = FileStat::of_stat(&found);
            if stat.is_regular() && stat.size < self.ring.room() as u64 {
                // A byte more than there should be: that it stays away says that the file has ended.
                let more = usize::from(self.device != Some(found.st_dev));
                sizes.push((slot, stat.size as usize + more));
                self.reading.push_back((file, slot, stat));
            }
        }
        self.ring.read(&sizes);
        let was_first = self.half.start == 0;
        self.half = if was_first { FILES..SLOTS } else { 0..FILES };
        let listed = |&file: &u32| &self.listing.files()[file as usize];
        let mut files: Vec<u32> =
            files.take(FILES).filter(|file| listed(file).kind == Kind::Regular).collect();
        let descriptors = &mut self.descriptors[usize::from(was_first)];
        *descriptors = Descriptors::default();
        *descriptors = Descriptors::up_to(files.len());
        files.truncate(descriptors.granted);
        let paths: Vec<(usize, &CStr)> =
            self.half.clone().zip(files.iter().map(|file| self.listing.c_path(listed(file)))).collect();
        self.opening.extend(files.iter().copied().zip(self.half.clone()));
        self.ring.open(self.root.as_fd(), FILE, BENEATH, &paths);
    }

    /// As [`Soon::take`](super::Soon::take) has it.
    pub(super) fn take(&mut self, file: u32) -> Option<(FileStat, usize)> {
        let at = self.reading.iter().position(|(number, ..)| *number == file)?;
        let (_, slot, stat) = self.reading.drain(..=at).next_back()?;
        let len = self.ring.read_len(slot)?;
        (len as u64 == stat.size).then_some((stat, slot))
    }

    /// As [`Soon::content`](super::Soon::content) has it.
    pub(super) fn content(&self, slot: usize) -> &[u8] {
        self.ring.content(slot).expect("what has been taken has been read")
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.ring.clear(0..0);
    }
}

/// How many descriptors all threads together may use for reading ahead.
fn most_descriptors() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| descriptors::for_reading_ahead(descriptors::limit()))
}

/// A number of descriptors that may be used.
#[derive(Default)]
struct Descriptors {
    granted: usize,
    /// What they are counted in.
    used: Option<&'static AtomicUsize>,
}

impl Descriptors {
    /// At most `wanted`, and together with those of other threads no more than [`most_descriptors`].
    fn up_to(wanted: usize) -> Descriptors {
        static USED: AtomicUsize = AtomicUsize::new(0);
        Descriptors::of(&USED, most_descriptors(), wanted)
    }

    fn of(used: &'static AtomicUsize, most: usize, wanted: usize) -> Descriptors {
        let mut granted = 0;
        let _ = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            granted = wanted.min(most.saturating_sub(used));
            Some(used + granted)
        });
        Descriptors { granted, used: Some(used) }
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        if let Some(used) = self.used {
            used.fetch_sub(self.granted, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
