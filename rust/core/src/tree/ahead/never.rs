//! Where there is no io_uring.

use std::convert::Infallible;
use std::marker::PhantomData;

use crate::stat::FileStat;
use crate::tree::{Listing, Root};

/// What a thread keeps: nothing.
#[derive(Default)]
pub(super) struct Kept {}

/// Files of one tree that are read before their turn: there are none.
pub(crate) struct Window<'a>(Infallible, PhantomData<&'a Listing>);

/// Whether the system lets this process have an io_uring.
pub(super) fn is_possible() -> bool {
    false
}

impl<'a> Window<'a> {
    /// For a tree; always None.
    pub(super) fn of(
        _kept: &'a mut Kept,
        _room: usize,
        _root: &'a Root,
        _listing: &'a Listing,
    ) -> Option<Window<'a>> {
        None
    }

    /// As elsewhere, if there were one.
    pub(super) fn ask(&mut self, _files: impl Iterator<Item = u32>) {
        match self.0 {}
    }

    /// As elsewhere, if there were one.
    pub(super) fn take(&mut self, _file: u32) -> Option<(FileStat, usize)> {
        match self.0 {}
    }

    /// As elsewhere, if there were one.
    pub(super) fn content(&self, _slot: usize) -> &[u8] {
        match self.0 {}
    }
}
