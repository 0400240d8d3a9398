//! Long outputs: as many at a time as the hash has lanes for, a window of each in memory.
//!
//! An archive has two digests, that of its name and that of its build ID, over content that differs only
//! where the build ID stands.  Both are taken in the one pass over the bytes, which lie in the processor's
//! cache all the while.

use std::ops::Range;

use md5::{Digest as _, Md5};
use memchr::memmem::Finder;

use super::archive::{self, Plan, short};
use super::export::{Builds, Imports};
use super::output::{OutputFlaw, OutputKind, OutputMeasurement};
use super::{Id, MAX_OUTPUT_BYTES, MAX_WHOLE_BYTES};
use crate::readat::{ReadAt, read_full_at};
use crate::sha256::{Kernel, Pair, digest_many};
use crate::timings::{self, Stage};

/// Read at a time of each output.
pub(super) const WINDOW: usize = 64 << 10;
/// A window is not less, so that a build ID is whole in it.
pub(super) const LEAST_WINDOW: usize = 512;
const BLOCK: usize = 64;
/// Outputs that wait until the export data of many can be hashed together, at most, and its bytes.
const WAITING: usize = 64;
const WAITING_BYTES: usize = 1 << 20;

/// A long output on its way through the hash.
pub(super) struct Stream<R> {
    measured: OutputMeasurement,
    source: R,
    /// As it was when it was opened.
    size: u64,
    archive: Option<Archive>,
    export: Vec<u8>,
    /// Where an archive's imports are named.
    block: Vec<u8>,
    /// The bytes that are not yet hashed and those behind them that are read: `at..end` of this.
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Bytes read so far.
    read: u64,
    ended: bool,
    pair: Pair,
}

/// An archive with a build ID.
struct Archive {
    plan: Plan,
    finder: Finder<'static>,
    /// The next of the build IDs in the buffer, which may reach back before `at`.
    found: Option<Range<usize>>,
    /// Up to here of the buffer all build IDs are found.
    searched: usize,
}

/// What is next for a stream.
enum Next {
    /// So many blocks go into both digests.
    Blocks(usize),
    /// Everything is hashed.
    Done,
    /// It is not as it was when it was opened, or cannot be read.
    Odd,
}

impl<R: ReadAt> Stream<R> {
    /// Begins with an output of `size` bytes; None where it is to be looked into otherwise.
    pub(super) fn begin(
        measured: OutputMeasurement,
        source: R,
        size: u64,
        window: usize,
    ) -> Option<Stream<R>> {
        let mut stream = Stream {
            measured,
            source,
            size,
            archive: None,
            export: Vec::new(),
            block: Vec::new(),
            buffer: vec![0; window.max(LEAST_WINDOW)],
            at: 0,
            end: 0,
            read: 0,
            ended: false,
            pair: Pair::START,
        };
        if size > MAX_OUTPUT_BYTES {
            return None;
        }
        stream.fill()?;
        let head = &stream.buffer[..stream.end];
        stream.measured.kind = OutputKind::of(head);
        if size > MAX_WHOLE_BYTES {
            // Not looked into; see the limit.
            return Some(stream);
        }
        match stream.measured.kind {
            OutputKind::Archive if archive::is_go(head) => {
                let plan = archive::plan(&stream.source, head, size)?;
                stream.measured.build_id.clone_from(&plan.build_id);
                stream.export.reserve_exact((plan.export.end - plan.export.start) as usize);
                stream.archive = Some(Archive {
                    finder: Finder::new(&plan.build_id).into_owned(),
                    plan,
                    found: None,
                    searched: 0,
                });
                stream.keep(0);
            }
            OutputKind::Index => return None,
            _ => {}
        }
        Some(stream)
    }

    /// Reads more behind what is not yet hashed.
    fn fill(&mut self) -> Option<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        if let Some(archive) = &mut self.archive {
            archive.searched = archive.searched.saturating_sub(self.at);
            if let Some(found) = &mut archive.found {
                // It ends behind `at`.
                *found = found.start.saturating_sub(self.at)..found.end - self.at;
            }
        }
        self.end -= self.at;
        self.at = 0;
        let free = &mut self.buffer[self.end..];
        let wanted = free.len();
        let len = read_full_at(&self.source, free, self.read).ok()?;
        let before = self.end;
        self.end += len;
        self.read += len as u64;
        self.ended = len < wanted;
        self.keep(before);
        // A file that grows is read no further than it was.
        (self.read <= self.size && (!self.ended || self.read == self.size)).then_some(())
    }

    /// Keeps what is export data of the buffer from `from` on, or names imports.
    fn keep(&mut self, from: usize) {
        let Some(Archive { plan, .. }) = &self.archive else { return };
        // Where in the file the buffer begins.
        let origin = self.read - self.end as u64;
        let place = |at: u64| (at.saturating_sub(origin).min(self.end as u64) as usize).max(from);
        self.export.extend_from_slice(&self.buffer[place(plan.export.start)..place(plan.export.end)]);
        if let Some(at) = &plan.imports {
            self.block.extend_from_slice(&self.buffer[place(at.block.start)..place(at.block.end)]);
        }
    }

    /// The imports of an archive; None where not all of their names were read.
    fn imports(&self) -> Option<Imports> {
        match self.archive.as_ref().and_then(|archive| archive.plan.imports.as_ref()) {
            None => Some(Imports::default()),
            Some(at) => Imports::read(&at.names, &self.block).or_else(|| (!at.cut).then(Imports::default)),
        }
    }

    /// Goes on to where blocks are alike for both digests.
    fn next(&mut self, kernel: Kernel) -> Next {
        loop {
            let alike = match &mut self.archive {
                None => self.end,
                Some(archive) => archive.alike(&self.buffer[..self.end], self.ended),
            };
            let blocks = alike.saturating_sub(self.at) / BLOCK;
            if blocks > 0 {
                return Next::Blocks(blocks);
            }
            if self.hash_differing(kernel) {
                continue;
            }
            if self.ended {
                return Next::Done;
            }
            if self.fill().is_none() {
                return Next::Odd;
            }
        }
    }

    /// Hashes the next block, in which a build ID stands; false where that is not yet, or no longer, whole.
    fn hash_differing(&mut self, kernel: Kernel) -> bool {
        let Some(archive) = self.archive.as_ref().filter(|archive| archive.found.is_some()) else {
            return false;
        };
        // Another that begins in the block must have come to its end too.
        let behind = if self.ended { 0 } else { archive.plan.build_id.len() - 1 };
        if self.end - self.at < BLOCK + behind {
            return false;
        }
        let block = *self.buffer[self.at..].first_chunk::<BLOCK>().expect("a block");
        let mut changed = block;
        self.zero(&mut changed);
        self.pair.take(kernel, [&[block], &[changed]]);
        self.at += BLOCK;
        true
    }

    /// Zeroes what belongs to build IDs in this copy of the bytes at `at`.
    fn zero(&mut self, copy: &mut [u8]) {
        let Some(archive) = &mut self.archive else { return };
        let end = self.at + copy.len();
        while let Some(found) = archive.found.clone().filter(|found| found.start < end) {
            copy[found.start.saturating_sub(self.at)..found.end.min(end) - self.at].fill(0);
            if found.end > end {
                break;
            }
            archive.search(&self.buffer[..self.end], found.end);
        }
    }

    /// The blocks that come next.
    fn run(&self) -> &[[u8; BLOCK]] {
        self.buffer[self.at..self.end].as_chunks().0
    }

    /// The end: what is left is less than a block.  Gives the measurement without what the digest of the
    /// export data has to say.
    fn finish(mut self, kernel: Kernel, imports: Imports) -> Finished {
        let rest = self.buffer[self.at..self.end].to_vec();
        let mut changed = rest.clone();
        self.zero(&mut changed);
        let [whole, zeroed] = self.pair.finish(kernel, [&rest, &changed], self.read);
        let mut measured = self.measured;
        (measured.size, measured.sha256) = (self.read, Some(whole));
        let plan = self.archive.map(|archive| archive.plan);
        if plan.is_some() {
            let last = measured.build_id.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            if last != short(&zeroed) {
                measured.flaws.push(OutputFlaw::ContentId);
            }
        }
        Finished { measured, plan, export: self.export, imports }
    }
}

impl Archive {
    /// Up to where of the buffer both digests take the same.
    fn alike(&mut self, buffer: &[u8], ended: bool) -> usize {
        if self.found.is_none() && self.searched < buffer.len() {
            self.search(buffer, self.searched);
        }
        match &self.found {
            Some(found) => found.start,
            None if ended => buffer.len(),
            None => self.searched,
        }
    }

    /// Looks for the next build ID from `from` on.
    fn search(&mut self, buffer: &[u8], from: usize) {
        let len = self.plan.build_id.len();
        self.found = self.finder.find(&buffer[from..]).map(|at| from + at..from + at + len);
        // What begins behind this may not have come to its end.
        self.searched = match &self.found {
            Some(found) => found.end,
            None => from.max((buffer.len() + 1).saturating_sub(len)),
        };
    }
}

struct Finished {
    measured: OutputMeasurement,
    plan: Option<Plan>,
    export: Vec<u8>,
    imports: Imports,
}

impl Finished {
    /// The bytes that are kept of it.
    fn len(&self) -> usize {
        self.export.len() + self.imports.len()
    }
}

/// Where streams come from and measurements go to.
pub(super) trait Ends {
    type Source: ReadAt;

    /// The next stream; None when there are no more.
    fn begin(&mut self) -> Option<Stream<Self::Source>>;

    /// What has come of a stream.
    fn end(&mut self, measured: OutputMeasurement);

    /// A stream that came to nothing; its output is to be looked into otherwise.
    fn odd(&mut self, output: &Id);

    /// Whether to leave off.
    fn stopped(&self) -> bool;
}

/// Hashes all streams, at most so many at a time.
pub(super) fn hash_streams<E: Ends>(most: usize, ends: &mut E) {
    let kernel = Kernel::in_use();
    let most = most.clamp(1, Pair::at_a_time(kernel));
    let mut streams: Vec<Stream<E::Source>> = Vec::new();
    let mut blocks: Vec<usize> = Vec::new();
    let mut waiting: Vec<Finished> = Vec::new();
    let mut begun_all = false;
    while !ends.stopped() {
        let mut at = 0;
        while at < most {
            if at == streams.len() {
                let begun = if begun_all { None } else { ends.begin() };
                let Some(stream) = begun else {
                    begun_all = true;
                    break;
                };
                streams.push(stream);
                blocks.push(0);
            }
            if blocks[at] == 0 {
                match streams[at].next(kernel) {
                    Next::Blocks(number) => blocks[at] = number,
                    Next::Done => {
                        blocks.swap_remove(at);
                        let stream = streams.swap_remove(at);
                        match stream.imports() {
                            Some(imports) => waiting.push(stream.finish(kernel, imports)),
                            None => ends.odd(&stream.measured.output),
                        }
                        continue;
                    }
                    Next::Odd => {
                        blocks.swap_remove(at);
                        ends.odd(&streams.swap_remove(at).measured.output);
                        continue;
                    }
                }
            }
            at += 1;
        }
        let bytes: usize = waiting.iter().map(Finished::len).sum();
        if waiting.len() >= WAITING || bytes >= WAITING_BYTES || streams.is_empty() {
            finish_all(&mut waiting, ends);
        }
        let Some(&least) = blocks.iter().min() else { break };
        timings::lap(Stage::ReadFile);
        let mut pairs: Vec<Pair> = streams.iter().map(|stream| stream.pair).collect();
        let runs: Vec<&[[u8; BLOCK]]> = streams.iter().map(Stream::run).collect();
        Pair::advance(kernel, &mut pairs, &runs, least);
        for ((stream, pair), blocks) in streams.iter_mut().zip(pairs).zip(&mut blocks) {
            stream.pair = pair;
            stream.at += least * BLOCK;
            *blocks -= least;
        }
        timings::lap(Stage::Hash);
    }
}

/// Hashes the export data of those that wait, and tells of them.
fn finish_all<E: Ends>(waiting: &mut Vec<Finished>, ends: &mut E) {
    let by_sha256 = |finished: &&Finished| finished.plan.as_ref().is_some_and(|plan| !plan.md5);
    let messages: Vec<&[u8]> =
        waiting.iter().filter(by_sha256).map(|finished| &finished.export[..]).collect();
    let mut digests = vec![[0; 32]; messages.len()];
    digest_many(&messages, &mut digests);
    let mut digests = digests.into_iter();
    for Finished { mut measured, plan, export, imports } in waiting.drain(..) {
        if let Some(plan) = plan {
            let right = if plan.md5 {
                Md5::digest(&export)[..8] == plan.fingerprint
            } else {
                digests.next().expect("one digest for each message")[..8] == plan.fingerprint
            };
            if !right {
                measured.flaws.push(OutputFlaw::ExportFingerprint);
            }
            if plan.own != plan.fingerprint {
                measured.flaws.push(OutputFlaw::ObjectFingerprint);
            }
            measured.builds = Builds::read(&export, plan.fingerprint, plan.own, &imports);
        }
        ends.end(measured);
    }
}

/// Measures a content in memory as a long output; None where that is not for it.
pub(super) fn measure_streamed(output: &Id, content: &[u8], window: usize) -> Option<OutputMeasurement> {
    struct One<'a>(Option<Stream<&'a [u8]>>, Option<OutputMeasurement>);

    impl<'a> Ends for One<'a> {
        type Source = &'a [u8];

        fn begin(&mut self) -> Option<Stream<&'a [u8]>> {
            self.0.take()
        }

        fn end(&mut self, measured: OutputMeasurement) {
            self.1 = Some(measured);
        }

        fn odd(&mut self, _: &Id) {}

        fn stopped(&self) -> bool {
            false
        }
    }

    let begun = Stream::begin(OutputMeasurement::new(output), content, content.len() as u64, window);
    let mut one = One(Some(begun?), None);
    hash_streams(1, &mut one);
    one.1
}
