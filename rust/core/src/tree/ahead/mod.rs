//! Files of a tree before their turn, many at a time.
//!
//! Disks are fast only with many requests under way, and neighbouring ones are put together only where they
//! are made together.  An io_uring opens files and reads them into a room of the thread's own.  Where the
//! system permits none, the files are opened, the disk is asked for what is in them, and they are closed: it
//! is in the system's memory when their turn comes.
//!
//! This is a matter of speed alone: a file is opened with the same precautions as any other, and what has not
//! been read ahead to its very end, for whatever reason, is read as if nothing had been.  So there is one
//! place that tells faults.
//!
//! What is in memory already is read no faster so.

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

    /// For a tree; None where nothing is to be read ahead by a thread that has lately read from a disk, or
    /// has not.
    pub(crate) fn of<'a>(
        &'a mut self,
        root: &'a Root,
        listing: &'a Listing,
        from_disk: bool,
    ) -> Option<Soon<'a>> {
        Reading::ahead(from_disk).map(|way| self.by(way, root, listing))
    }

    fn by<'a>(&'a mut self, way: Reading, root: &'a Root, listing: &'a Listing) -> Soon<'a> {
        let window = match way {
            Reading::IoUring => Window::of(&mut self.kept, self.room, root, listing),
            Reading::Plain => None,
        };
        window.map_or(Soon::Asked(root, listing), Soon::Read)
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

    /// What `fstat` says of the file of this number, and its content, if it has been read and was as long as
    /// that.  Those that were asked for are taken in the same order, or not at all.
    pub(crate) fn take(&mut self, file: u32) -> Option<(FileStat, &[u8])> {
        match self {
            Soon::Read(window) => window.take(file),
            Soon::Asked(..) => None,
        }
    }
}
