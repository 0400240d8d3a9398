//! One module version: its zip and its tree against each other, in one pass over the bytes.
//!
//! A module is *planned* (central directory and listing), cut into *chunks* that threads share, and
//! *judged* when the last chunk is done.

mod chunk;
mod differences;
mod plan;
mod relay;
mod stream;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod verdict;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::fault::Fault;
use crate::schedule::{self, Job, Means, Permit, Running, Worker};
use crate::sha256::Digest;
use crate::smallfile::SmallFile;
use crate::stat::FileStat;
use crate::timings::{self, Stage};
use crate::zip::Violation;

pub(crate) use chunk::Scratch;
pub use differences::Differences;
use plan::TooLarge;
pub(crate) use plan::{Limits, Plan};
use relay::Crew;
pub(crate) use relay::Relay;

/// Go refuses to extract a zip that is larger than this, or whose entries together declare more
/// (`MaxZipFile`).
pub const MAX_ZIP_BYTES: u64 = 500 << 20;
/// At most this many differences are listed: first those in type, then modified, extra and missing ones, and
/// those in mode last; of each the first by path.
pub const MAX_DIFFERENCES: usize = 20_000;
/// Their paths are together no longer than this.
pub const MAX_DIFFERENCES_BYTES: usize = 4 << 20;

/// One module version to measure.  A path that is None is not looked at.
#[derive(Clone, Debug, Default)]
pub struct ModuleTask {
    /// The caller's number for it.
    pub key: i64,
    /// `P@V/`, unescaped: the start of every name in the zip and in the hash of the tree.
    pub prefix: Vec<u8>,
    /// The zip.
    pub zip: Option<PathBuf>,
    /// The extracted tree's root.
    pub tree: Option<PathBuf>,
    /// The `.mod` file.
    pub mod_file: Option<PathBuf>,
    /// The `.info` file.
    pub info: Option<PathBuf>,
    /// The `.ziphash` file.
    pub ziphash: Option<PathBuf>,
    /// The rules for `golang.org/toolchain` apply to the tree.
    pub toolchain: bool,
    /// Bytes expected, for sharing the work; a guess is fine.
    pub weight: u64,
}

/// What a zip is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZipMeasurement {
    /// What `lstat` says; None where it failed.
    pub stat: Option<FileStat>,
    /// Why `dirhash.HashZip`, or a limit, refuses: the archive as a whole, else the first entry by the
    /// bytes of its name.
    pub fault: Option<Fault>,
    /// The h1 over every entry; None exactly where `fault` is set.
    pub h1: Option<String>,
    /// The same over the entries that are not directories.
    pub files_h1: Option<String>,
    /// Number of entries.
    pub entries: usize,
    /// Sum of the sizes that they declare.
    pub unpacked: u128,
    /// The h1 of the entry `P@V/go.mod` under the name `go.mod`.
    pub go_mod_h1: Option<String>,
    /// Whether there is such an entry.
    pub has_go_mod: bool,
    /// The first entries that cannot be read, by the bytes of their names; see [`MAX_LISTED`](crate::MAX_LISTED).
    pub bad_entries: Vec<Fault>,
    /// The first broken rules, in the order of the entries.
    pub violations: Vec<Violation>,
}

/// What an extracted directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeMeasurement {
    /// What `lstat` says of the root; None where it failed.
    pub stat: Option<FileStat>,
    /// Why there is no hash: the root, then directories by path, then files by path.
    pub fault: Option<Fault>,
    /// The h1 as `dirhash.HashDir` gives it; None exactly where `fault` is set.  For a toolchain
    /// without each `go.mod` that equals the `_go.mod` beside it.
    pub h1: Option<String>,
    /// Files found: everything that is not a directory.
    pub files: usize,
    /// Bytes of content read.
    pub bytes: u64,
    /// The first files and directories that could not be read, by path; see
    /// [`MAX_LISTED`](crate::MAX_LISTED).
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more_faults: usize,
    /// The first of the topmost directories that hold no file at any depth, by path.
    pub empty_directories: Vec<Vec<u8>>,
    /// How many more there are.
    pub more_empty_directories: usize,
}

/// In which way a file of the tree is not as the zip has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Other content.
    Modified,
    /// Only in the zip.
    Missing,
    /// Not in the zip.
    Extra,
    /// Not a regular file.
    Type,
    /// A permission bit that Go never leaves on an extracted file.
    Mode,
}

impl Change {
    /// In this order.
    pub(crate) const ALL: [Change; 5] =
        [Change::Modified, Change::Missing, Change::Extra, Change::Type, Change::Mode];

    /// The change's name, as the Python package has it.
    pub fn name(self) -> &'static str {
        match self {
            Change::Modified => "modified",
            Change::Missing => "missing",
            Change::Extra => "extra",
            Change::Type => "type",
            Change::Mode => "mode",
        }
    }
}

/// One file of the tree that is not as the zip has it, or not as Go leaves a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the root.
    pub path: Vec<u8>,
    /// The gravest change: type, extra, missing, modified, mode.
    pub change: Change,
    /// SHA-256 and size of the zip's copy, where there is one that can be read.
    pub zip: Option<(Digest, u64)>,
    /// SHA-256 of the tree's copy, where there is one that can be read.
    pub tree_sha256: Option<Digest>,
    /// Of the tree's file.
    pub stat: Option<FileStat>,
}

/// What one module version is.  A part is None where the task did not name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleMeasurement {
    /// The task's.
    pub key: i64,
    /// The zip.
    pub zip: Option<ZipMeasurement>,
    /// The tree.
    pub tree: Option<TreeMeasurement>,
    /// The `.mod` file.
    pub mod_file: Option<SmallFile>,
    /// The `.info` file.
    pub info: Option<SmallFile>,
    /// The `.ziphash` file.
    pub ziphash: Option<SmallFile>,
    /// Tree against zip, by path.
    pub differences: Differences,
    /// How many differences there are beyond those that are listed.
    pub more_differences: usize,
}

impl ModuleMeasurement {
    /// About how many bytes there are of what strangers decide the size of.
    fn bytes(&self) -> usize {
        let of_faults = |faults: &[Fault]| faults.iter().map(|fault| fault.name.len()).sum::<usize>();
        let of_zip = |zip: &ZipMeasurement| {
            let of_violations = zip.violations.iter().map(|violation| violation.name.len());
            of_faults(&zip.bad_entries) + of_violations.sum::<usize>()
        };
        let of_tree = |tree: &TreeMeasurement| {
            let of_empty = tree.empty_directories.iter().map(Vec::len);
            of_faults(&tree.faults) + of_empty.sum::<usize>()
        };
        let small = [&self.info, &self.ziphash].into_iter().flatten();
        self.differences.packed().len()
            + self.zip.as_ref().map_or(0, of_zip)
            + self.tree.as_ref().map_or(0, of_tree)
            + small.map(|file| file.content.len()).sum::<usize>()
    }
}

/// A module to be planned, or a chunk of one that has been.
pub enum ModuleJob {
    /// A module.
    #[doc(hidden)]
    Plan(Box<ModuleTask>, Limits, Option<Permit<ModuleJob>>),
    /// A chunk.
    #[doc(hidden)]
    Chunk(Arc<Plan>, usize),
    /// The rules that a zip of many entries may break.
    #[doc(hidden)]
    Rules(Arc<Plan>),
    /// A part of what another thread does.
    #[doc(hidden)]
    Help(Arc<Relay>),
}

/// Modules being measured: iterate over it for the answers.
pub type Measuring = Running<ModuleJob>;

impl Crew for Worker<'_, ModuleJob> {
    fn stopped(&self) -> bool {
        Worker::stopped(self)
    }

    fn is_from_disk(&self) -> bool {
        Worker::is_from_disk(self)
    }

    fn is_idle(&self) -> bool {
        self.is_any_idle()
    }

    fn ask(&self, relay: Arc<Relay>) {
        self.begin([ModuleJob::Help(relay)]);
    }
}

impl Job for ModuleJob {
    type Scratch = Scratch;
    type Answer = ModuleMeasurement;

    const ASKS_FOR_DISKS: bool = true;
    /// A module's zip and tree; two on the way to what is in the tree; a second long file; the io_uring; a thread's
    /// two accounts.
    const DESCRIPTORS: usize = 8;

    fn bytes(answer: &ModuleMeasurement) -> usize {
        answer.bytes()
    }

    fn scratch(means: &Means) -> Scratch {
        Scratch::of_one_of(means)
    }

    fn spare_scratch() -> Scratch {
        Scratch::small()
    }

    fn run(self, scratch: &mut Scratch, worker: &Worker<'_, Self>) {
        let stopped = || worker.stopped();
        let mut complete = |plan: &Plan| worker.answer(plan.verdict());
        match self {
            ModuleJob::Plan(task, limits, permit) => {
                let plan = Plan::new(task, limits, permit, worker.threads(), scratch, &stopped);
                timings::lap(Stage::List);
                let plan = match plan {
                    Ok(plan) => plan,
                    Err(TooLarge { task, bytes }) => {
                        return worker
                            .begin_large(bytes, move |permit| ModuleJob::Plan(task, limits, Some(permit)));
                    }
                };
                let mut order = plan.order().into_iter();
                let Some(first) = order.next() else {
                    if !worker.stopped() {
                        worker.answer(plan.verdict());
                    }
                    return;
                };
                let plan = Arc::new(plan);
                let rules = plan.lacks_violations().then(|| ModuleJob::Rules(Arc::clone(&plan)));
                // One is kept for this thread, whose caches know the module already.
                let chunks = order.map(|chunk| ModuleJob::Chunk(Arc::clone(&plan), chunk));
                worker.begin(rules.into_iter().chain(chunks));
                ModuleJob::Chunk(plan, first).run(scratch, worker);
            }
            ModuleJob::Chunk(plan, chunk) => {
                // Where there are threads with nothing to do, the other one is for them.
                let takes_two = plan.is_long(chunk)
                    && scratch.has_room_for_two()
                    && !worker.is_any_idle()
                    && !worker.is_from_disk();
                let goes_with_it = |job: &ModuleJob| matches!(job, ModuleJob::Chunk(other, at) if Arc::ptr_eq(other, &plan) && plan.is_long(*at));
                match if takes_two { worker.take_begun(goes_with_it) } else { None } {
                    Some(ModuleJob::Chunk(_, other)) => {
                        scratch.read_two_long(&plan, [chunk, other], worker, &mut complete);
                    }
                    _ => scratch.read_chunk(plan, chunk, worker, &mut complete),
                }
            }
            ModuleJob::Rules(plan) => {
                let violations = plan.find_violations();
                timings::lap(Stage::List);
                if plan.found_violations(violations) && !worker.stopped() {
                    complete(&plan);
                }
            }
            ModuleJob::Help(relay) => relay.help(),
        }
    }

    fn rest(scratch: &mut Scratch, worker: &Worker<'_, Self>) {
        if !worker.stopped() {
            scratch.finish(&mut |plan| worker.answer(plan.verdict()));
        }
    }
}

/// Measures `tasks` on up to `threads` threads; the heaviest are begun first, and the answers come in
/// the order in which they are made.
///
/// # Errors
///
/// Those of the system where no thread can be started.  What is on disk is never an error, it is in
/// the answers.
pub fn measure(tasks: Vec<ModuleTask>, threads: usize) -> io::Result<Measuring> {
    measure_with_spares(tasks, threads, 0)
}

/// As [`measure`], and on up to `spares` threads more while those have to wait for a disk; see
/// [`schedule::start_with_spares`].
///
/// # Errors
///
/// Those of [`measure`].
pub fn measure_with_spares(
    mut tasks: Vec<ModuleTask>,
    threads: usize,
    spares: usize,
) -> io::Result<Measuring> {
    tasks.sort_by_key(|task| std::cmp::Reverse(task.weight));
    schedule::start_with_spares(jobs(tasks).collect(), threads, spares)
}

/// As [`measure_with_spares`], for very many modules: begins `tasks` in their order, and after them those that are
/// given to [`measure_more`], until [`Running::end_jobs`] is called.
///
/// # Errors
///
/// Those of [`measure`].
pub fn measure_first(tasks: Vec<ModuleTask>, threads: usize, spares: usize) -> io::Result<Measuring> {
    schedule::start_open(jobs(tasks).collect(), threads, spares)
}

/// Adds tasks to `measuring`, which [`measure_first`] began; they are begun in their order.
pub fn measure_more(measuring: &Measuring, tasks: Vec<ModuleTask>) {
    measuring.add(jobs(tasks));
}

fn jobs(tasks: Vec<ModuleTask>) -> impl Iterator<Item = ModuleJob> {
    tasks.into_iter().map(|task| ModuleJob::Plan(Box::new(task), Limits::Extraction, None))
}
