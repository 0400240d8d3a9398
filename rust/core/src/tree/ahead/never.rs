//! Where nothing can be read ahead.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::stat::FileStat;
use crate::tree::{Listing, Root};

/// What a thread keeps for reading ahead.
#[derive(Default)]
pub(crate) struct Ahead;

/// Files of one tree that are read before their turn: there are none.
pub(crate) struct Soon<'a>(Infallible, PhantomData<&'a Listing>);

impl Ahead {
    /// As elsewhere.
    pub(crate) fn with_room(_room: usize) -> Ahead {
        Ahead
    }

    /// For a tree; always None.
    pub(crate) fn of<'a>(&'a mut self, _root: &'a Root, _listing: &'a Listing) -> Option<Soon<'a>> {
        None
    }
}

/// Whether the system lets this process read ahead.
pub(super) fn is_possible() -> bool {
    false
}

impl Soon<'_> {
    /// As elsewhere, if there were one.
    pub(crate) fn ask(&mut self, _files: impl Iterator<Item = u32>) {
        match self.0 {}
    }

    /// As elsewhere, if there were one.
    pub(crate) fn take(&mut self, _file: u32) -> Option<(FileStat, &[u8])> {
        match self.0 {}
    }
}
