//! Files of a tree before their turn, many at a time.
//!
//! Disks are fast only with many requests under way, and neighbouring ones are put together only where they
//! are made together.  An io_uring opens files and reads them into a room of the thread's own; where all is in
//! memory, that takes no longer than calls for each file.  Where the system permits none, and a disk is what is
//! waited for, the files are opened, the disk is asked for what is in them, and they are closed: it is in the
//! system's memory when their turn comes.
//!
//! This is a matter of speed alone: a file is opened with the same precautions as any other, and what has not
//! been read ahead to its very end, for whatever reason, is read as if nothing had been.  So there is one
//! place that tells faults.

mod asking;
mod reading;

#[cfg_attr(
    not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "powerpc64"
        )
    )),
    path = "never.rs"
)]
mod window;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use reading::testing::each_way;
pub use reading::{Reading, ReadingError};

use crate::stat::FileStat;
use crate::tree::{Listing, Root};
use window::Window;

/// At most so many files are asked for at a time.
pub(crate) const FILES: usize = 64;

/// The most bytes of content that a thread reads before their turn.
const ROOM: usize = 1 << 20;

/// What a thread keeps for reading ahead.
pub(crate) struct Ahead {
    kept: window::Kept,
    room: usize,
}

impl Default for Ahead {
    fn default() -> Ahead {
        Ahead::with_room(ROOM)
    }
}

/// Files of one tree that are wanted soon.
pub(crate) enum Soon<'a> {
    /// They are read by an io_uring.
    Read(Window<'a>),
    /// The disk is asked for them.
    Asked(&'a Root, &'a Listing),
}

impl Ahead {
    /// With room for so many bytes of content, and at most [`ROOM`].
    pub(crate) fn with_room(room: usize) -> Ahead {
        Ahead { kept: window::Kept::default(), room: room.min(ROOM) }
    }

    /// For a tree; None where nothing is to be read, or can be, by a thread that has lately read from a disk, or
    /// has not.
    pub(crate) fn of<'a>(
        &'a mut self,
        root: &'a Root,
        listing: &'a Listing,
        from_disk: bool,
    ) -> Option<Soon<'a>> {
        self.by(Reading::ahead(from_disk)?, root, listing, from_disk)
    }

    fn by<'a>(
        &'a mut self,
        way: Reading,
        root: &'a Root,
        listing: &'a Listing,
        from_disk: bool,
    ) -> Option<Soon<'a>> {
        match way {
            Reading::Plain => Some(Soon::Asked(root, listing)),
            Reading::IoUring => match Window::of(&mut self.kept, self.room, root, listing) {
                Some(window) => Some(Soon::Read(window)),
                None => from_disk.then_some(Soon::Asked(root, listing)),
            },
        }
    }
}

impl Soon<'_> {
    /// These are wanted after those that it was called for the last time, at most [`FILES`].  What has not
    /// been taken of those before is forgotten.
    pub(crate) fn ask(&mut self, files: impl Iterator<Item = u32>) {
        match self {
            Soon::Read(window) => window.ask(files),
            Soon::Asked(root, listing) => asking::ask(root, listing, files.take(FILES)),
        }
    }

    /// What `fstat` says of the file of this number, and what to ask [`Soon::content`] with, if it has been read
    /// and was as long as that.  Those that were asked for are taken in the same order, or not at all.
    pub(crate) fn take(&mut self, file: u32) -> Option<(FileStat, usize)> {
        match self {
            Soon::Read(window) => window.take(file),
            Soon::Asked(..) => None,
        }
    }

    /// The content of a file that has been taken, and [`OUTPUT_SLACK`](crate::inflate::OUTPUT_SLACK) bytes behind
    /// it.  It is there until files are asked for again.
    ///
    /// # Panics
    ///
    /// Where it is not there any more.
    pub(crate) fn content(&self, taken: usize) -> &[u8] {
        match self {
            Soon::Read(window) => window.content(taken),
            Soon::Asked(..) => unreachable!("nothing has been taken"),
        }
    }
}
