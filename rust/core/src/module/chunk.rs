//! Reading a chunk: each content once, and each hashed once where zip and tree agree.

mod two_long;

use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use self::two_long::Second;
use super::plan::{LONG, Plan, Unit};
use super::relay::Crew;
use super::stream::{entry_digest, hash_rest, same_digest};
use crate::fault::FaultCode;
use crate::inflate::{Inflater, OUTPUT_SLACK};
use crate::memory;
use crate::readat::{read_full_at, will_need};
use crate::schedule::Means;
use crate::sha256::{self, Digest, Queue};
use crate::stat::FileStat;
use crate::timings::{self, Stage};
use crate::tree::{self, Ahead, Listing, Root, Soon};
use crate::zip::{Archive, Buffers, Entry, Extent, PIECE, Span, content_of, is_content_of};

/// What has been found of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Of the entry; None where the unit has none.
    pub zip: Option<Result<Digest, FaultCode>>,
    /// Of the tree's file; None where the unit has none.
    pub tree: Option<Result<Digest, FaultCode>>,
    /// Of the tree's file.
    pub stat: Option<FileStat>,
}

/// SHA-256 of nothing: the content of every directory entry.
const EMPTY: Digest = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// What all threads together hold in memory of contents of which each is held whole: where there are many of
/// them, each has less.
const WHOLE: u64 = 8 << 20;
/// The least that a thread has of it, and what a spare one has.
const LEAST_WHOLE: u64 = 64 << 10;
const SPARE_WHOLE: u64 = 1 << 20;
/// Chunks that have been read and wait for digests, in all threads together, and how many descriptors each
/// holds: of a zip and of a tree.
const WAITING: usize = 64;
const OF_WAITING: usize = 2;
/// What all threads together hold of files that have been read before their turn, and the least of a thread.
const AHEAD: usize = 8 << 20;
const LEAST_AHEAD: usize = 64 << 10;
/// Units that it is not worth to cut further, so that more of the zip is read at once.
const LEAST_RUN: usize = 16;

/// What a thread keeps from chunk to chunk.
#[derive(Default)]
pub struct Scratch {
    /// What is longer, compressed or not, is read in windows.
    long: u64,
    /// The zip's bytes of a chunk.
    span: Vec<u8>,
    /// Compressed data that is not in the span.
    spare: Vec<u8>,
    /// A file of the tree that is compared.
    file: Vec<u8>,
    /// For what is read in windows.
    pub(crate) window: Vec<u8>,
    inflater: Inflater,
    /// The same for another entry beside it.
    second: Second,
    ahead: Ahead,
    /// Contents of this chunk and of earlier ones.
    queue: Queue<Tag>,
    /// Chunks that have been read and wait for digests, each in its place; other places are free.
    waiting: Vec<Option<Chunk>>,
    /// There are no more of them after a chunk.
    most_waiting: usize,
}

/// What a content's digest is for.
struct Tag {
    /// The chunk's place in [`Scratch::waiting`].
    chunk: usize,
    outcome: usize,
    zip: bool,
    tree: bool,
}

/// A chunk that has been read.
struct Chunk {
    plan: Arc<Plan>,
    number: usize,
    outcomes: Vec<Outcome>,
    /// Bytes of content read from the tree.
    tree_bytes: u64,
    /// Contents whose digests are still to come.
    left: usize,
}

impl Scratch {
    /// For one of the threads that have these means.
    pub(crate) fn of_one_of(means: &Means) -> Scratch {
        let threads = means.threads;
        let long = (WHOLE / threads as u64).clamp(LEAST_WHOLE, LONG);
        let waiting = WAITING.min(means.descriptors / OF_WAITING);
        let ahead = Ahead::with_room((AHEAD / threads).max(LEAST_AHEAD));
        Scratch { ahead, ..Scratch::with(long, 2 * long, waiting / threads) }
    }

    /// For a spare thread: with little room.
    pub(crate) fn small() -> Scratch {
        Scratch::with(SPARE_WHOLE, SPARE_WHOLE, 0)
    }

    fn with(long: u64, room: u64, most_waiting: usize) -> Scratch {
        Scratch { long, queue: Queue::with_room(room as usize), most_waiting, ..Scratch::default() }
    }

    /// Reads a chunk.  Modules that are complete then, which other chunks of this thread may have held up,
    /// go to `complete`.
    pub(super) fn read_chunk(
        &mut self,
        plan: Arc<Plan>,
        number: usize,
        crew: &dyn Crew,
        complete: &mut dyn FnMut(&Plan),
    ) {
        plan.await_verdict(number, &|| crew.stopped(), || self.finish(complete));
        timings::lap(Stage::Wait);
        let place = self.waiting.iter().position(Option::is_none).unwrap_or(self.waiting.len());
        let Some(read) = self.read_units(&plan, number, place, crew).filter(|_| !crew.stopped()) else {
            return self.queue.clear();
        };
        let Read { outcomes, tree_bytes, left } = read;
        let chunk = Some(Chunk { plan, number, outcomes, tree_bytes, left });
        match self.waiting.get_mut(place) {
            Some(free) => *free = chunk,
            None => self.waiting.push(chunk),
        }
        self.settle(Some(place), complete);
        if self.waiting.iter().flatten().count() > self.most_waiting {
            self.finish(complete);
        }
    }

    /// Reads the units of a chunk that will wait in its `place`; None where all work has been stopped.
    fn read_units(&mut self, plan: &Plan, number: usize, place: usize, crew: &dyn Crew) -> Option<Read> {
        let units: &[Unit] = &plan.units(plan.chunks[number].clone()).collect::<Vec<_>>();
        let tree = plan.tree.as_ref().and_then(|tree| Some((tree.root.as_ref().ok()?, &tree.listing)));
        let from_disk = crew.is_from_disk();
        let mut soon = tree.and_then(|(root, listing)| self.ahead.of(root, listing, from_disk));
        let mut read = Read { outcomes: vec![Outcome::default(); units.len()], tree_bytes: 0, left: 0 };
        let mut next = 0;
        while next < units.len() {
            let (run, span) = first_run(plan, &units[next..], self.long);
            if let (true, Some((start, len)), Some(archive)) = (from_disk, span, plan.archive()) {
                will_need(&archive.source, start, len as u64);
            }
            if next == 0 {
                // They are opened while the zip is read.
                look_ahead(plan, units, self.long, &mut soon, &mut self.queue);
            }
            let mut reader = Reader {
                long: self.long,
                archive: plan.archive(),
                tree,
                soon: &mut soon,
                span: read_span(plan, span, &mut self.span),
                spare: &mut self.spare,
                file: &mut self.file,
                window: &mut self.window,
                inflater: &mut self.inflater,
                queue: &mut self.queue,
                place,
                read: &mut read,
                crew,
            };
            timings::lap(Stage::ReadZip);
            for (at, unit) in units.iter().enumerate().skip(next).take(run) {
                if crew.stopped() {
                    return None;
                }
                if at % tree::FILES == 0 {
                    let next = units.get(at + tree::FILES..).unwrap_or_default();
                    look_ahead(plan, next, reader.long, reader.soon, reader.queue);
                    timings::lap(Stage::ReadFile);
                }
                reader.read(at, *unit);
            }
            next += run;
        }
        hash_lent(&soon, &mut self.queue);
        Some(read)
    }

    /// Hashes what waits, after which no chunk does.
    pub(crate) fn finish(&mut self, complete: &mut dyn FnMut(&Plan)) {
        self.queue.finish();
        self.settle(None, complete);
    }

    /// Brings digests to their chunks.  Of the chunk that was `read` there may be nothing to wait for.
    fn settle(&mut self, read: Option<usize>, complete: &mut dyn FnMut(&Plan)) {
        let mut done = Vec::new();
        for (tag, digest) in self.queue.done() {
            let Some(chunk) = &mut self.waiting[tag.chunk] else { continue };
            let outcome = &mut chunk.outcomes[tag.outcome];
            if tag.zip {
                outcome.zip = Some(Ok(digest));
            }
            if tag.tree {
                outcome.tree = Some(Ok(digest));
            }
            chunk.left -= 1;
            if chunk.left == 0 {
                done.push(tag.chunk);
            }
        }
        done.extend(read.filter(|place| !done.contains(place)));
        for place in done {
            if let Some(chunk) = self.waiting[place].take_if(|chunk| chunk.left == 0)
                && chunk.plan.found(chunk.number, chunk.outcomes, chunk.tree_bytes)
            {
                complete(&chunk.plan);
            }
        }
    }
}

/// The most content in a piece of what is read in windows: some may wait for another thread, so that they are
/// small where there are many threads.
fn longest_piece(long: u64) -> usize {
    PIECE.min(long as usize / 2)
}

/// How many of the first units are read one after the other, with how much of the zip at once.  That may be
/// less than all where there is little room, or where their entries are far from each other.
pub(super) fn first_run(plan: &Plan, units: &[Unit], long: u64) -> (usize, Option<(u64, usize)>) {
    let mut run = units.len();
    loop {
        let span = plan.span(&units[..run], long);
        if span.is_some() || run <= LEAST_RUN || plan.archive().is_none() {
            return (run, span);
        }
        run = run.div_ceil(2);
    }
}

/// Reads this part of the zip into `room`.
fn read_span<'a>(plan: &Plan, span: Option<(u64, usize)>, room: &'a mut Vec<u8>) -> Span<'a> {
    let Some(((start, len), archive)) = span.zip(plan.archive()) else { return Span::default() };
    if room.len() < len {
        // What is in there need not be kept, and room for much more would stay unused.
        *room = Vec::new();
        memory::need(len.next_power_of_two());
        *room = vec![0; len.next_power_of_two()];
    }
    // An error here comes again, and is told, for each entry that is read by itself.
    let read = read_full_at(&archive.source, &mut room[..len], start).unwrap_or(0);
    Span { start, bytes: &room[..read] }
}

/// Hashes what has been lent of files that were read before their turn, and will not be there any more.
fn hash_lent(soon: &Option<Soon<'_>>, queue: &mut Queue<Tag>) {
    if let Some(soon) = soon {
        queue.hash_lent(|taken| soon.content(taken));
    }
}

/// Has the files of these units read before their turn, after those of the last time.
fn look_ahead(plan: &Plan, units: &[Unit], long: u64, soon: &mut Option<Soon<'_>>, queue: &mut Queue<Tag>) {
    hash_lent(soon, queue);
    let Some(soon) = soon else { return };
    let is_short = |unit: &&Unit| {
        let entry = unit.entry.and_then(|number| Some(plan.archive()?.entry(number as usize)));
        entry.is_none_or(|entry| entry.uncompressed <= long && entry.compressed <= long)
    };
    let units = &units[..units.len().min(tree::FILES)];
    soon.ask(units.iter().filter(is_short).filter_map(|unit| unit.file));
}

/// What has been read of a chunk.
struct Read {
    outcomes: Vec<Outcome>,
    tree_bytes: u64,
    /// Contents put into the queue.
    left: usize,
}

struct Reader<'a, 'b> {
    /// The scratch's.
    long: u64,
    archive: Option<&'a Archive<File>>,
    tree: Option<(&'a Root, &'a Listing)>,
    /// Files of the tree that are read before their turn.
    soon: &'a mut Option<Soon<'b>>,
    span: Span<'a>,
    spare: &'a mut Vec<u8>,
    file: &'a mut Vec<u8>,
    window: &'a mut Vec<u8>,
    inflater: &'a mut Inflater,
    queue: &'a mut Queue<Tag>,
    /// Where the chunk will wait.
    place: usize,
    read: &'a mut Read,
    crew: &'a dyn Crew,
}

impl Reader<'_, '_> {
    fn read(&mut self, at: usize, unit: Unit) {
        if let (Some(archive), Some(number)) = (self.archive, unit.entry) {
            let entry = &archive.entry(number as usize);
            match archive.extent(entry, self.span) {
                Err(code) => self.read.outcomes[at].zip = Some(Err(code)),
                Ok(None) => self.read.outcomes[at].zip = Some(Ok(EMPTY)),
                Ok(Some(extent)) if entry.uncompressed > self.long || extent.len() > self.long => {
                    return self.read_long(archive, entry, extent, at, unit.file);
                }
                Ok(Some(extent)) => {
                    if unit.file.is_some_and(|file| self.is_file(archive, entry, &extent, at, file)) {
                        return;
                    }
                    let size = entry.uncompressed as usize;
                    let content = self.queue.room(size + OUTPUT_SLACK);
                    let inflated =
                        content_of(archive, entry, &extent, self.span, self.spare, self.inflater, content);
                    timings::lap(Stage::Inflate);
                    match inflated {
                        Err(code) => self.read.outcomes[at].zip = Some(Err(code)),
                        Ok(()) => return self.compare(at, size, unit.file),
                    }
                }
            }
        }
        if let Some(file) = unit.file {
            self.hash_file(at, file);
        }
    }

    /// An entry that is not held in memory whole, and the file beside it.
    fn read_long(
        &mut self,
        archive: &Archive<File>,
        entry: &Entry,
        extent: Extent,
        at: usize,
        file: Option<u32>,
    ) {
        let opened = file.and_then(|file| self.open(at, file));
        let piece = longest_piece(self.long);
        if let Some((file, length)) = &opened
            && *length == entry.uncompressed
        {
            let buffers = Buffers { input: &mut *self.spare, room: &mut *self.window, piece };
            let same = same_digest(archive, entry, extent, file, self.inflater, buffers, self.crew);
            if let Some(digest) = same {
                self.read.outcomes[at].zip = Some(Ok(digest));
                self.read.outcomes[at].tree = Some(Ok(digest));
                self.read.tree_bytes += length;
                return;
            }
        }
        let buffers = Buffers { input: &mut *self.spare, room: &mut *self.window, piece };
        let digest = entry_digest(archive, entry, extent, self.inflater, buffers, self.crew);
        self.read.outcomes[at].zip = Some(digest);
        if let Some((mut file, _)) = opened {
            match file.rewind() {
                Ok(()) => self.hash_rest(at, sha256::Hasher::new(), &file),
                Err(error) => self.read.outcomes[at].tree = Some(Err(error.into())),
            }
        }
    }

    /// Hashes a file of the tree from where it has been read, behind what `hasher` has taken.
    fn hash_rest(&mut self, at: usize, hasher: sha256::Hasher, file: &File) {
        let digest = hash_rest(hasher, file, self.window, &mut self.read.tree_bytes, &|| self.crew.stopped());
        self.read.outcomes[at].tree = Some(digest);
    }

    /// Whether an entry's content is that of the tree's file, as it should be, and both are without fault:
    /// then the file is read, the entry held against it, and one put into the queue for both.  Where they
    /// are not, nothing is noted.
    fn is_file(
        &mut self,
        archive: &Archive<File>,
        entry: &Entry,
        extent: &Extent,
        at: usize,
        number: u32,
    ) -> bool {
        let size = entry.uncompressed as usize;
        let ahead = self.soon.as_mut().and_then(|soon| soon.take(number));
        let read: Option<(FileStat, &[u8])> = match (ahead, &*self.soon) {
            // Only of what is as it should be; all else is read again, and then told.
            (Some((stat, taken)), Some(soon)) => {
                (stat.size == entry.uncompressed).then(|| (stat, soon.content(taken)))
            }
            _ => self.tree.and_then(|(root, listing)| {
                // With room for a byte that should not be there, and more.
                let content = self.queue.room(size + OUTPUT_SLACK);
                let file = &listing.files()[number as usize];
                let (file, length, stat) = tree::open(root, listing.c_path(file), file.kind).ok()?;
                let whole =
                    length == size as u64 && tree::read_whole(&file, &mut content[..size + 1]) == Ok(size);
                whole.then_some((stat, &*content))
            }),
        };
        timings::lap(Stage::ReadFile);
        let Some((stat, content)) = read else { return false };
        let same = is_content_of(archive, entry, extent, self.span, self.spare, self.inflater, content);
        timings::lap(Stage::Inflate);
        if same {
            self.read.outcomes[at].stat = Some(stat);
            self.read.tree_bytes += size as u64;
            match ahead {
                Some((_, taken)) => self.lend(taken, size, at, true),
                None => self.hash(size, at, true, true),
            }
        }
        same
    }

    /// Compares the content of `size` bytes in the batch's room with the tree's file.
    fn compare(&mut self, at: usize, size: usize, file: Option<u32>) {
        let (Some(number), Some((root, listing))) = (file, self.tree) else {
            return self.hash(size, at, true, false);
        };
        let file = &listing.files()[number as usize];
        let limit = self.long as usize;
        let read = tree::open_and_read(root, listing.c_path(file), file.kind, self.file, limit);
        timings::lap(Stage::ReadFile);
        let same = match read {
            Err((code, stat)) => {
                self.read.outcomes[at].tree = Some(Err(code));
                self.read.outcomes[at].stat = stat;
                false
            }
            Ok(opened) => {
                self.read.outcomes[at].stat = Some(opened.stat);
                self.read.tree_bytes += opened.len as u64;
                let read = &self.file[..opened.len];
                let same = opened.rest.is_none() && read == self.queue.last(size);
                timings::lap(Stage::Compare);
                if !same {
                    let mut hasher = sha256::Hasher::new();
                    hasher.update(read);
                    self.read.outcomes[at].tree = Some(match opened.rest {
                        Some(rest) => {
                            hash_rest(hasher, &rest, self.window, &mut self.read.tree_bytes, &|| {
                                self.crew.stopped()
                            })
                        }
                        None => Ok(hasher.finish()),
                    });
                }
                same
            }
        };
        self.hash(size, at, true, same);
    }

    /// Puts the first `size` bytes of the queue's room into it.
    fn hash(&mut self, size: usize, outcome: usize, zip: bool, tree: bool) {
        self.read.left += 1;
        self.queue.push(size, Tag { chunk: self.place, outcome, zip, tree });
    }

    /// Has the queue hash a whole file of the tree that has been read before its turn, where it is.
    fn lend(&mut self, taken: usize, size: usize, outcome: usize, zip: bool) {
        self.read.left += 1;
        self.queue.lend(taken, size, Tag { chunk: self.place, outcome, zip, tree: true });
    }

    /// Opens the tree's file and says how long it is, or notes why it cannot be opened.
    fn open(&mut self, at: usize, number: u32) -> Option<(File, u64)> {
        let (root, listing) = self.tree?;
        let file = &listing.files()[number as usize];
        match tree::open(root, listing.c_path(file), file.kind) {
            Ok((file, size, stat)) => {
                self.read.outcomes[at].stat = Some(stat);
                Some((file, size))
            }
            Err((code, stat)) => {
                self.read.outcomes[at].tree = Some(Err(code));
                self.read.outcomes[at].stat = stat;
                None
            }
        }
    }

    /// Hashes a file of the tree that has nothing to be compared with.
    fn hash_file(&mut self, at: usize, number: u32) {
        if let Some((stat, taken)) = self.soon.as_mut().and_then(|soon| soon.take(number)) {
            timings::lap(Stage::ReadFile);
            self.read.outcomes[at].stat = Some(stat);
            self.read.tree_bytes += stat.size;
            return self.lend(taken, stat.size as usize, at, false);
        }
        let Some((file, size)) = self.open(at, number) else { return };
        let mut hasher = sha256::Hasher::new();
        if size <= self.long {
            let size = size as usize;
            let room = self.queue.room(size + 1);
            let read = tree::read_whole(&file, room);
            timings::lap(Stage::ReadFile);
            match read {
                Err(code) => {
                    self.read.outcomes[at].tree = Some(Err(code));
                    return;
                }
                Ok(len) => {
                    self.read.tree_bytes += len as u64;
                    if len <= size {
                        return self.hash(len, at, false, true);
                    }
                    hasher.update(&room[..len]);
                }
            }
        }
        self.hash_rest(at, hasher, &file);
    }
}
