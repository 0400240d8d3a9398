//! Two long entries of a module side by side on one thread: they are hashed together.

use std::fs::File;
use std::sync::Arc;

use super::{Outcome, Scratch, longest_piece};
use crate::inflate::Inflater;
use crate::module::plan::Plan;
use crate::module::relay::Crew;
use crate::module::stream::same_digests;
use crate::sha256::Digest;
use crate::stat::FileStat;
use crate::tree;
use crate::zip::{Archive, Buffers, Entry, Extent, HeldEntry, Span};

/// What a thread must have of [`WHOLE`](super::WHOLE) to read two long entries at a time: that takes as much again.
const FOR_TWO: u64 = 1 << 20;

/// What it takes to read a second long entry beside one.
#[derive(Default)]
pub(super) struct Second {
    spare: Vec<u8>,
    window: Vec<u8>,
    inflater: Inflater,
}

/// A long entry and the file that should have the same content.
struct Long<'a> {
    archive: &'a Archive<File>,
    entry: Entry,
    extent: Extent,
    file: File,
    stat: FileStat,
}

impl<'a> Long<'a> {
    /// That of a chunk which has nothing else; None where there is not both, as it should be.
    fn of(plan: &'a Plan, number: usize) -> Option<Long<'a>> {
        let unit = plan.units(plan.chunks[number].clone()).next()?;
        let archive = plan.archive()?;
        let entry = archive.entry(unit.entry? as usize);
        let extent = archive.extent(&entry, Span::default()).ok()??;
        let tree = plan.tree.as_ref()?;
        let file = &tree.listing.files()[unit.file? as usize];
        let (file, length, stat) =
            tree::open(tree.root.as_ref().ok()?, tree.listing.c_path(file), file.kind).ok()?;
        (length == entry.uncompressed).then_some(Long { archive, entry, extent, file, stat })
    }

    fn held(&self, inflater: &'a mut Inflater, buffers: Buffers<'a>) -> HeldEntry<'_, File, File> {
        HeldEntry::new(self.archive, &self.entry, self.extent, &self.file, inflater, buffers)
    }
}

impl Scratch {
    /// Whether two long entries may be read side by side.
    pub(in crate::module) fn has_room_for_two(&self) -> bool {
        self.long >= FOR_TWO
    }

    /// Reads two chunks that have nothing but a [long](Plan::is_long) entry; see [`Scratch::read_chunk`].
    pub(in crate::module) fn read_two_long(
        &mut self,
        plan: &Arc<Plan>,
        numbers: [usize; 2],
        crew: &dyn Crew,
        complete: &mut dyn FnMut(&Plan),
    ) {
        let found = match numbers.map(|number| Long::of(plan, number)) {
            [Some(first), Some(second)] => self.read_both([first, second], crew),
            _ => [None, None],
        };
        for (number, found) in numbers.into_iter().zip(found) {
            match found {
                Some((outcome, bytes)) => {
                    if plan.found(number, vec![outcome], bytes) {
                        complete(plan);
                    }
                }
                // All that is not as it should be is told by reading it alone.
                None => self.read_chunk(Arc::clone(plan), number, crew, complete),
            }
        }
    }

    /// Of each what has been found, and how many bytes of the tree; None where entry and file are not both as they
    /// should be.
    fn read_both(&mut self, both: [Long<'_>; 2], crew: &dyn Crew) -> [Option<(Outcome, u64)>; 2] {
        let piece = longest_piece(self.long);
        let Second { spare, window, inflater } = &mut self.second;
        let [first, second] = &both;
        let held = [
            first.held(&mut self.inflater, Buffers { input: &mut self.spare, room: &mut self.window, piece }),
            second.held(inflater, Buffers { input: spare, room: window, piece }),
        ];
        let digests = same_digests(held, crew);
        let [first, second] = both;
        let found = |long: Long<'_>, digest: Option<Digest>| {
            let digest = digest?;
            let outcome = Outcome { zip: Some(Ok(digest)), tree: Some(Ok(digest)), stat: Some(long.stat) };
            Some((outcome, long.entry.uncompressed))
        };
        [found(first, digests[0]), found(second, digests[1])]
    }
}
