//! Go's build cache (GOCACHE): every entry, and every output held to its name, its entries and its
//! build ID.
//!
//! The layout and the form of an entry are those of `cmd/go/internal/cache`, build IDs those of
//! `cmd/internal/buildid`.

mod archive;
mod entry;
mod export;
mod imports;
mod long;
mod output;
mod survey;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::fault::{Fault, FaultCode};
use crate::memory;
use crate::schedule::{self, Job, Means, Running, Worker};
use crate::sha256::Digest;
use crate::stat::FileStat;
use crate::timings::{self, Stage};
use crate::tree::Root;

pub use archive::{Archive, read_archive};
pub use entry::{EntryFlaw, EntryForm, Parsed, parse_entry};
pub use export::{Build, Builds};
pub use imports::{Imports, MissingImport};
pub use output::{OutputFlaw, OutputKind, OutputMeasurement, is_whole_index};
pub use survey::{Hazard, HazardCode, Stray, StrayKind, Survey};

/// An action ID or an output ID.
pub type Id = Digest;

/// Length of an action entry.
pub const ENTRY_BYTES: usize = 175;
/// A longer output is not read.
pub const MAX_OUTPUT_BYTES: u64 = 4 << 30;
/// A longer output is hashed and not looked into.
pub const MAX_WHOLE_BYTES: u64 = 64 << 20;
/// At most this many strays are listed.
pub const MAX_STRAYS: usize = 1000;
/// At most this many entries of an output are listed.
pub const MAX_ENTRIES: usize = 100;
/// At most this many examples of a hazard.
pub const MAX_EXAMPLES: usize = 5;
/// A time further ahead of now than this (nanoseconds) lies in the future.
pub const FUTURE_NS: i128 = 3600 * 1_000_000_000;

/// An action entry, `xx/ID-a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionEntry {
    /// From the name.
    pub action: Id,
    /// None where even lstat failed.
    pub stat: Option<FileStat>,
    /// Why it could not be read.
    pub fault: Option<Fault>,
    /// What its content is.
    pub parsed: Parsed,
}

/// An action entry as its output knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryOf {
    /// Its action.
    pub action: Id,
    /// The size that it says the output has.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
}

/// An output that is not as its name or an entry says, or of a kind of which each one is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOutput {
    /// What it is.
    pub measured: OutputMeasurement,
    /// Those that name it, by action; those first that it does not fit.
    pub entries: Vec<EntryOf>,
    /// How many name it.
    pub entries_total: usize,
}

/// What measuring a build cache tells: odd entries, then the survey, then the rest.
#[derive(Debug)]
pub enum BuildAnswer {
    /// An entry that is not canonical.
    Entry(ActionEntry),
    /// What is there.
    Survey(Box<Survey>),
    /// An output.
    Told(Box<ToldOutput>),
    /// Outputs that were read.
    Read {
        /// How many.
        outputs: usize,
        /// Their bytes.
        size: u64,
        /// Those that went away before they could be read.
        vanished: usize,
    },
    /// What archives say of each other; the last, where any names another.
    Imports(Box<Imports>),
}

/// Measures the build cache at `root`; `now_ns` (since 1970) decides what lies in the future.
///
/// # Errors
///
/// Those of the system where no thread can be started.
pub fn measure_build_cache(
    root: PathBuf,
    now_ns: i128,
    threads: usize,
) -> std::io::Result<Running<BuildJob>> {
    schedule::start(vec![BuildJob(Step::Root { root, now_ns })], threads)
}

/// Measures a few entries and outputs, in their order.
pub fn measure_build_files(
    root: &Path,
    actions: &[Id],
    outputs: &[Id],
) -> (Vec<ActionEntry>, Vec<OutputMeasurement>) {
    let mut scratch = output::Scratch::default();
    match open(root) {
        Ok(root) => (
            actions.iter().map(|action| entry::read_entry(&root, action)).collect(),
            outputs
                .iter()
                .flat_map(|id| output::read_outputs(&root, &[*id], &mut scratch, &|| false))
                .collect(),
        ),
        Err(code) => (
            actions.iter().map(|action| entry::unread(action, None, code)).collect(),
            outputs.iter().map(|id| output::unread(id, code)).collect(),
        ),
    }
}

/// Measures an output that lies in memory: whole, or as long ones are, by windows of so many bytes.  The
/// latter is None where that is not for this content; there is no other difference.
pub fn measure_content(output: &Id, content: &[u8], window: Option<usize>) -> Option<OutputMeasurement> {
    match window {
        None => Some(output::measure_whole(output, content)),
        Some(window) => long::measure_streamed(output, content, window),
    }
}

fn open(root: &Path) -> Result<Root, FaultCode> {
    // The root itself may be a link.
    Root::open(&std::fs::canonicalize(root)?)
}

/// A part of measuring a build cache.
pub struct BuildJob(Step);

enum Step {
    Root { root: PathBuf, now_ns: i128 },
    Shard(Arc<Cache>, [u8; 2]),
    Long(Arc<Joined>),
    Short(Arc<Joined>, std::ops::Range<usize>),
}

/// A cache whose shards are being read.
struct Cache {
    root: Root,
    now_ns: i128,
    /// Shards that are still to be read, and what those that were have.
    found: Mutex<(usize, survey::Found)>,
}

/// A cache whose outputs are being read.
struct Joined {
    root: Root,
    /// The biggest first.
    outputs: Vec<survey::FoundOutput>,
    /// How many of them are long, how many of those each job takes at a time, and the next.
    long: usize,
    together: usize,
    next_long: AtomicUsize,
    /// By output.
    entries: Vec<(Id, EntryOf)>,
    now_ns: i128,
    /// Jobs that have not ended, and what those that have ended noted.
    noted: Mutex<(usize, imports::Noted)>,
}

/// An output that is longer goes through the hash window by window.
const LONG: u64 = 64 << 10;
/// Others that one job reads, at most, and about how many bytes of them.
const BATCH: usize = 128;
const BATCH_BYTES: u64 = 2 << 20;
/// Long outputs that are open at a time, about, where there are descriptors for so many.
const OPEN: usize = 256;
/// Bytes of long outputs that one answer tells of, about.
const TOLD_BYTES: u64 = 8 << 20;

impl Job for BuildJob {
    type Scratch = output::Scratch;
    type Answer = BuildAnswer;

    /// A shard that is being listed, and two on the way to what is in it.
    const DESCRIPTORS: usize = 3;

    fn run(self, scratch: &mut output::Scratch, worker: &Worker<'_, Self>) {
        match self.0 {
            Step::Root { root, now_ns } => begin(&root, now_ns, worker),
            Step::Shard(cache, shard) => {
                let read = survey::read_shard(&cache.root, shard, cache.now_ns, &mut |entry| {
                    worker.answer(BuildAnswer::Entry(entry));
                    !worker.stopped()
                });
                timings::lap(Stage::List);
                let mut found = cache.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.1.merge(read);
                found.0 -= 1;
                if found.0 == 0 {
                    let all = std::mem::take(&mut found.1);
                    drop(found);
                    // The others are at an end with it, or about to drop it.
                    match open_again(&cache) {
                        Ok(root) => join(root, all, cache.now_ns, worker),
                        Err(code) => join_without_root(all, code, worker),
                    }
                }
            }
            Step::Long(joined) => read_long(&joined, scratch, worker),
            Step::Short(joined, range) => {
                let ids: Vec<Id> = joined.outputs[range].iter().map(|output| output.id).collect();
                let mut telling = Telling::new(&joined, worker);
                for measured in output::read_outputs(&joined.root, &ids, scratch, &|| worker.stopped()) {
                    telling.tell(measured);
                }
                telling.end();
            }
        }
    }
}

fn open_again(cache: &Cache) -> Result<Root, FaultCode> {
    Root::open(cache.root.path())
}

fn begin(root: &Path, now_ns: i128, worker: &Worker<'_, BuildJob>) {
    let mut found = survey::Found::default();
    let listed = open(root).and_then(|root| {
        let shards = survey::read_root(&root, &mut found)?;
        Ok((root, shards))
    });
    match listed {
        Err(code) => join_without_root(found, code, worker),
        Ok((root, shards)) if shards.is_empty() => join(root, found, now_ns, worker),
        Ok((root, shards)) => {
            let cache = Arc::new(Cache { root, now_ns, found: Mutex::new((shards.len(), found)) });
            worker.begin(shards.into_iter().map(|shard| BuildJob(Step::Shard(Arc::clone(&cache), shard))));
        }
    }
}

fn join_without_root(mut found: survey::Found, code: FaultCode, worker: &Worker<'_, BuildJob>) {
    found.faults.push(code.whole());
    worker.answer(BuildAnswer::Survey(Box::new(found.join().0)));
}

/// Puts entries and outputs together, tells of it, and begins to read the outputs.
fn join(root: Root, found: survey::Found, now_ns: i128, worker: &Worker<'_, BuildJob>) {
    let (survey, outputs, entries) = found.join();
    worker.answer(BuildAnswer::Survey(Box::new(survey)));
    let long = outputs.partition_point(|output| output.size > LONG);
    // Every thread gets some, and has one anyway.
    let &Means { threads, descriptors } = worker.means();
    let together = (long.min(OPEN).min(descriptors) / threads).max(1);
    let readers = threads.clamp(1, long.max(1));
    let mut ranges = Vec::new();
    let (mut start, mut size) = (long, 0);
    for (number, output) in outputs.iter().enumerate().skip(long) {
        size += output.size;
        if number + 1 - start == BATCH || size >= BATCH_BYTES || number + 1 == outputs.len() {
            memory::reserve(&mut ranges, 1);
            ranges.push(start..number + 1);
            (start, size) = (number + 1, 0);
        }
    }
    let noted = Mutex::new((readers + ranges.len(), imports::Noted::default()));
    let next_long = AtomicUsize::new(0);
    let joined = Arc::new(Joined { root, outputs, long, together, next_long, entries, now_ns, noted });
    let mut jobs: Vec<BuildJob> = (0..readers).map(|_| BuildJob(Step::Long(Arc::clone(&joined)))).collect();
    memory::reserve(&mut jobs, ranges.len());
    jobs.extend(ranges.into_iter().map(|range| BuildJob(Step::Short(Arc::clone(&joined), range))));
    worker.begin(jobs);
}

/// Reads long outputs until there are no more.
fn read_long(joined: &Joined, scratch: &mut output::Scratch, worker: &Worker<'_, BuildJob>) {
    let mut ends = LongOutputs { joined, scratch, worker, telling: Telling::new(joined, worker) };
    long::hash_streams(joined.together, &mut ends);
    ends.telling.end();
}

/// The long outputs of a cache, of which this job takes one after the other.
struct LongOutputs<'a> {
    joined: &'a Joined,
    scratch: &'a mut output::Scratch,
    worker: &'a Worker<'a, BuildJob>,
    telling: Telling<'a>,
}

impl long::Ends for LongOutputs<'_> {
    type Source = File;

    fn begin(&mut self) -> Option<long::Stream<File>> {
        loop {
            let number = self.joined.next_long.fetch_add(1, Ordering::Relaxed);
            if number >= self.joined.long || self.stopped() {
                return None;
            }
            let output = self.joined.outputs[number].id;
            let mut measured = OutputMeasurement::new(&output);
            if let Ok(Some((file, stat))) = output::open(&self.joined.root, &mut measured)
                && let Some(stream) = long::Stream::begin(measured, file, stat.size, long::WINDOW)
            {
                return Some(stream);
            }
            self.odd(&output);
        }
    }

    fn end(&mut self, measured: OutputMeasurement) {
        self.telling.tell(measured);
    }

    fn odd(&mut self, output: &Id) {
        let stopped = || self.worker.stopped();
        for measured in output::read_outputs(&self.joined.root, &[*output], self.scratch, &stopped) {
            self.telling.tell(measured);
        }
    }

    fn stopped(&self) -> bool {
        self.worker.stopped()
    }
}

/// Answers about the outputs that a job has read: those that are to be told of, and how many they were.
struct Telling<'a> {
    joined: &'a Joined,
    worker: &'a Worker<'a, BuildJob>,
    outputs: usize,
    size: u64,
    vanished: usize,
    noted: imports::Noted,
}

impl<'a> Telling<'a> {
    fn new(joined: &'a Joined, worker: &'a Worker<'a, BuildJob>) -> Telling<'a> {
        Telling { joined, worker, outputs: 0, size: 0, vanished: 0, noted: imports::Noted::default() }
    }

    fn tell(&mut self, measured: OutputMeasurement) {
        if measured.is_absent() {
            self.vanished += 1;
            return;
        }
        self.outputs += 1;
        self.size += measured.size;
        let joined = self.joined;
        let first = joined.entries.partition_point(|(output, _)| *output < measured.output);
        let number = joined.entries[first..].partition_point(|(output, _)| *output == measured.output);
        let entries = &joined.entries[first..first + number];
        memory::need(2 * size_of::<&EntryOf>() * number);
        self.noted.note(&measured, entries, joined.now_ns);
        let (fit, misfit): (Vec<&EntryOf>, Vec<&EntryOf>) =
            entries.iter().map(|(_, of)| of).partition(|of| measured.fits(of));
        if !misfit.is_empty() || measured.is_told() {
            let entries_total = fit.len() + misfit.len();
            let entries = misfit.into_iter().chain(fit).take(MAX_ENTRIES).copied().collect();
            let told = ToldOutput { measured, entries, entries_total };
            self.worker.answer(BuildAnswer::Told(Box::new(told)));
        }
        if self.size >= TOLD_BYTES {
            self.count();
        }
    }

    /// Answers how many outputs were read since the last such answer.
    fn count(&mut self) {
        let (outputs, size, vanished) = (self.outputs, self.size, self.vanished);
        if outputs + vanished > 0 {
            self.worker.answer(BuildAnswer::Read { outputs, size, vanished });
        }
        (self.outputs, self.size, self.vanished) = (0, 0, 0);
    }

    /// Answers for the last time; the last of all answers what archives say of each other.
    fn end(mut self) {
        self.count();
        let mut noted = self.joined.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.1.merge(self.noted);
        noted.0 -= 1;
        if noted.0 == 0 && !self.worker.stopped() {
            let imports =
                std::mem::take(&mut noted.1).join(self.joined.outputs.iter().map(|output| output.id));
            if imports.named > 0 {
                self.worker.answer(BuildAnswer::Imports(Box::new(imports)));
            }
        }
    }
}
