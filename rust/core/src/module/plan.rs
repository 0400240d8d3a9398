//! What there is to read of a module, cut into chunks.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Condvar, Mutex};

use super::chunk::Scratch;
use super::verdict::{Found, Verdict};
use super::{MAX_ZIP_BYTES, ModuleJob, ModuleTask};
use crate::allowance::Allowance;
#[cfg(doc)]
use crate::allowance::MAX_NAMES_BYTES;
use crate::fault::FaultCode;
use crate::listed::MAX_LISTED;
use crate::memory;
use crate::readat::{lstat, open_regular};
use crate::schedule::Permit;
use crate::smallfile::SmallFile;
use crate::sorting::sort_by_on;
use crate::stat::FileStat;
use crate::tree::{self, Listing, Root};
use crate::zip::{Archive, Entry, Name, Violation, are_plain, violations};

/// Content bytes of a chunk, unless a single entry has more.
const CHUNK_BYTES: u64 = 1 << 20;
/// Entries or files of a chunk.
const CHUNK_UNITS: usize = 256;
/// An entry or file with more than this, compressed or not, is read in windows, whatever memory there is.
pub(super) const LONG: u64 = 4 << 20;
/// Units beyond which they are read in the order of their names, and not in the zip's: as a verdict goes by
/// names, what has been found of a unit is then of use at once, and need not be kept.
pub(super) const SCATTERED: usize = if cfg!(test) { 1000 } else { 1 << 17 };
/// So many chunks of a large plan may be read before the verdict has come to them.
const AHEAD: usize = if cfg!(test) { 1 } else { 128 };
/// Room in a span for what cannot be known before reading it: the local header's extra field, a data
/// descriptor.
const SPAN_SLACK: u64 = 64;

/// Which limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Those of extraction: [`MAX_ZIP_BYTES`].  Rules on names are checked as well.  And fastverify's own:
    /// [`MAX_NAMES_BYTES`].
    Extraction,
    /// Those of `dirhash`, which has none.
    Hash,
}

/// An entry, a file of the tree, or both of the same name.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub entry: Option<u32>,
    pub file: Option<u32>,
}

/// Units as they are kept: the number of the entry and of the file, or [`NONE`].
type Pair = [u32; 2];
const NONE: u32 = u32::MAX;

/// The zip of a module, as far as its central directory says.
pub(super) struct PlannedZip {
    pub stat: Option<FileStat>,
    /// The zip, if its directory can be read.
    pub archive: Option<Archive<File>>,
    /// Why not, or why its entries are not to be read.
    pub fault: Option<FaultCode>,
    /// None where they are still to be looked for, see [`Plan::find_violations`].
    pub violations: Option<Vec<Violation>>,
    /// Whether there is an entry `P@V/go.mod`.
    pub has_go_mod: bool,
}

/// The tree of a module, as far as listing it says.
pub(super) struct PlannedTree {
    pub stat: Option<FileStat>,
    pub root: Result<Root, FaultCode>,
    pub listing: Listing,
}

/// What all threads together may hold of plans without a [`Permit`], reckoned by the lengths of central
/// directories and of paths.  A header of a directory has 46 bytes and a name; a plan holds the name without
/// the module's prefix, and at most 40 bytes of each entry, and of each file of the tree a path and at most 24.
const WITHOUT_PERMIT: u64 = if cfg!(test) { 64 << 10 } else { 16 << 20 };

/// Why there is no plan: it would take more memory than it may.
pub(crate) struct TooLarge {
    /// What was to be planned.
    pub task: Box<ModuleTask>,
    /// About so many bytes would be enough.
    pub bytes: u64,
}

/// What there is to read of a module, and what has been found.
pub struct Plan {
    pub(super) task: Box<ModuleTask>,
    pub(super) zip: Option<PlannedZip>,
    pub(super) tree: Option<PlannedTree>,
    pub(super) mod_file: Option<SmallFile>,
    pub(super) info: Option<SmallFile>,
    pub(super) ziphash: Option<SmallFile>,
    /// In the order in which they are read: by their place in the zip, then the files that have no entry,
    /// by path; or all by name.
    pairs: Vec<Pair>,
    /// The places of the units in `pairs` in the order of their names; None where that is the same.
    by_name: Option<Vec<u32>>,
    /// Which of the units, by name, stand for more than one entry, and for how many.
    pub(super) repeated: Vec<(u32, u32)>,
    pub(super) chunks: Vec<Range<usize>>,
    pub(super) found: Mutex<Found>,
    pub(super) verdict: Mutex<Verdict>,
    /// Notified when the verdict has gone on to another chunk; with `found`.
    pub(super) went_on: Condvar,
    /// For the memory that all this takes.
    _permit: Option<Permit<ModuleJob>>,
}

impl PlannedZip {
    /// The zip, and the numbers of its entries by name; of equal names in the order of the entries.
    fn new(
        path: &Path,
        prefix: &[u8],
        limits: Limits,
        allowance: &mut Allowance,
        threads: usize,
    ) -> (PlannedZip, Vec<u32>) {
        let stat = lstat(path);
        let mut zip = PlannedZip {
            stat: stat.ok(),
            archive: None,
            fault: stat.err(),
            violations: Some(Vec::new()),
            has_go_mod: false,
        };
        let mut by_name: Vec<u32> = Vec::new();
        if zip.fault.is_some() {
            return (zip, by_name);
        }
        let opened = open_regular(path);
        match opened.and_then(|(file, stat)| Archive::open_within(file, stat.size, prefix, allowance)) {
            Ok(archive) => {
                // Twice: sorting takes as much.
                memory::need(2 * size_of::<u32>() * archive.entries().len());
                by_name.extend(0..archive.entries().len() as u32);
                let name = |&number: &u32| archive.name(&archive.entry(number as usize));
                sort_by_on(threads, &mut by_name, |a, b| name(a).cmp(&name(b)));
                let go_mod = Name::new(prefix, b"go.mod");
                zip.has_go_mod = by_name.binary_search_by(|number| name(number).cmp(&go_mod)).is_ok();
                if limits == Limits::Extraction {
                    if archive.size() > MAX_ZIP_BYTES || archive.unpacked() > u128::from(MAX_ZIP_BYTES) {
                        zip.fault = Some(FaultCode::ZipTooLarge);
                    }
                    if by_name.len() > SCATTERED && zip.fault.is_none() {
                        zip.violations = None;
                    } else if !are_plain(&archive, &by_name, prefix) {
                        zip.violations = Some(violations(&archive, prefix, MAX_LISTED));
                    }
                }
                zip.archive = Some(archive);
            }
            Err(code) => zip.fault = Some(code),
        }
        (zip, by_name)
    }

    /// The archive, if its entries are to be read.
    pub(super) fn readable(&self) -> Option<&Archive<File>> {
        self.archive.as_ref().filter(|_| self.fault.is_none())
    }
}

impl PlannedTree {
    fn new(path: &Path, allowance: &mut Allowance, stopped: &dyn Fn() -> bool) -> PlannedTree {
        let (stat, root) = tree::open_root(path);
        let mut listing = Listing::default();
        let root = root.and_then(|root| {
            listing = Listing::read_within(&root, allowance, stopped)?;
            Ok(root)
        });
        PlannedTree { stat, root, listing }
    }
}

impl Plan {
    /// Looks at everything that `task` names, and reads what is small.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] where this would hold more memory than the `permit` says, or than one of so many
    /// `threads` may hold without one.
    pub(crate) fn new(
        task: Box<ModuleTask>,
        limits: Limits,
        permit: Option<Permit<ModuleJob>>,
        threads: usize,
        scratch: &mut Scratch,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Plan, TooLarge> {
        let bytes = permit.as_ref().map_or(WITHOUT_PERMIT / threads as u64, Permit::bytes);
        let mut allowance = Allowance::of(bytes);
        if limits == Limits::Extraction {
            allowance = allowance.with_bound_names();
        }
        let zip = task
            .zip
            .as_deref()
            .map(|path| PlannedZip::new(path, &task.prefix, limits, &mut allowance, threads));
        if let Some(bytes) = allowance.wanted() {
            // The tree will most likely take as much again.
            let times = 1 + u64::from(task.tree.is_some());
            return Err(TooLarge { task, bytes: bytes.saturating_mul(times) });
        }
        let (zip, by_name) = zip.unzip();
        let tree = task.tree.as_deref().map(|path| PlannedTree::new(path, &mut allowance, stopped));
        if let Some(bytes) = allowance.wanted() {
            return Err(TooLarge { task, bytes });
        }
        let mut plan = Plan {
            zip,
            tree,
            mod_file: task
                .mod_file
                .as_deref()
                .map(|path| SmallFile::go_mod(path, &mut scratch.window, stopped)),
            info: task.info.as_deref().map(SmallFile::content),
            ziphash: task.ziphash.as_deref().map(SmallFile::content),
            task,
            pairs: Vec::new(),
            by_name: None,
            repeated: Vec::new(),
            chunks: Vec::new(),
            found: Mutex::default(),
            verdict: Mutex::default(),
            went_on: Condvar::new(),
            _permit: permit,
        };
        plan.pair(by_name.unwrap_or_default());
        plan.cut();
        plan.found = Mutex::new(Found::of_parts(plan.chunks.len(), plan.lacks_violations()));
        plan.verdict = Mutex::new(Verdict::of_plan(&plan));
        Ok(plan)
    }

    /// How many units there are.
    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The units in this part of the order in which they are read.
    pub(super) fn units(&self, places: Range<usize>) -> impl Iterator<Item = Unit> {
        let number = |number: u32| (number != NONE).then_some(number);
        self.pairs[places].iter().map(move |&[entry, file]| Unit { entry: number(entry), file: number(file) })
    }

    /// Of the units in the order of their names, where this one is read.
    pub(super) fn place(&self, by_name: usize) -> usize {
        self.by_name.as_ref().map_or(by_name, |places| places[by_name] as usize)
    }

    /// The chunks in the order in which they are to be begun: those that are read in windows first, so
    /// that one which takes long is not left for last.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.chunks.len()).collect();
        order.sort_by_cached_key(|chunk| std::cmp::Reverse(self.beyond_long(*chunk)));
        order
    }

    /// How much a chunk has that is read in windows.
    fn beyond_long(&self, chunk: usize) -> u64 {
        let first = self.chunks[chunk].start;
        let first = self.units(first..first + 1).next();
        let entry = first.and_then(|first| Some(self.archive()?.entry(first.entry? as usize)));
        entry.map_or(0, |entry| entry.uncompressed.max(entry.compressed)).saturating_sub(LONG)
    }

    /// Whether a chunk has nothing but an entry that is read in windows, whatever memory there is.
    pub(super) fn is_long(&self, chunk: usize) -> bool {
        self.chunks[chunk].len() == 1 && self.beyond_long(chunk) > 0
    }

    /// Whether a chunk is so far behind the one that the verdict `is_at` that it is not to be read yet.
    ///
    /// The verdict of a plan of few units takes them in another order, and keeps what it cannot take.  A chunk
    /// that is not begun in its turn is not held up, as those before it may not have been begun.
    pub(super) fn is_far_ahead(&self, chunk: usize, is_at: usize) -> bool {
        chunk > is_at + AHEAD && self.len() > SCATTERED && self.beyond_long(chunk) == 0
    }

    /// Whether the rules are still to be looked at: for many names that takes a while, in which other threads
    /// can read them.
    pub(super) fn lacks_violations(&self) -> bool {
        self.zip.as_ref().is_some_and(|zip| zip.violations.is_none())
    }

    /// The rules that the zip breaks.
    pub(super) fn find_violations(&self) -> Vec<Violation> {
        let Some(archive) = self.archive() else { return Vec::new() };
        // As there are so many units, they are in the order of the names.
        memory::need(size_of::<u32>() * self.len());
        let by_name: Vec<u32> = self.units(0..self.len()).filter_map(|unit| unit.entry).collect();
        // Where some have the same name, that breaks a rule.
        let is_plain =
            by_name.len() == archive.entries().len() && are_plain(archive, &by_name, &self.task.prefix);
        // The other way takes memory, too.
        drop(by_name);
        if is_plain { Vec::new() } else { violations(archive, &self.task.prefix, MAX_LISTED) }
    }

    /// The zip, if its entries are to be read.
    pub(super) fn archive(&self) -> Option<&Archive<File>> {
        self.zip.as_ref().and_then(PlannedZip::readable)
    }

    /// Pairs entries with files.  Of entries with the same name only the last is read, as in Go.
    fn pair(&mut self, numbers: Vec<u32>) {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut repeated = Vec::new();
        let listing = self.tree.as_ref().map(|tree| &tree.listing);
        let files = listing.map_or(0, |listing| listing.files().len());
        let path = |file: usize| listing.map_or(&b""[..], |listing| listing.path(&listing.files()[file]));
        // Names and paths are both sorted, so that one walk over the two finds the pairs.
        let mut next = 0;
        memory::reserve(&mut pairs, numbers.len().max(files));
        if let Some(archive) = self.archive() {
            let name = |number: u32| archive.name(&archive.entry(number as usize));
            for same in numbers.chunk_by(|&a, &b| name(a) == name(b)) {
                let Some(&number) = same.last() else { continue };
                let mut file = NONE;
                if let Some(name) = name(number).behind(&self.task.prefix) {
                    while next < files && path(next) < name {
                        pairs.push([NONE, next as u32]);
                        next += 1;
                    }
                    if next < files && path(next) == name {
                        file = next as u32;
                        next += 1;
                    }
                }
                if same.len() > 1 {
                    repeated.push((pairs.len() as u32, same.len() as u32));
                }
                pairs.push([number, file]);
            }
        }
        pairs.extend((next..files).map(|file| [NONE, file as u32]));
        drop(numbers);
        self.by_name = if pairs.len() <= SCATTERED { self.sort_by_place(&mut pairs) } else { None };
        self.pairs = pairs;
        self.repeated = repeated;
    }

    /// Sorts units that are sorted by name by their place in the zip, and says where each is then; None where
    /// that is where it was.
    fn sort_by_place(&self, pairs: &mut [Pair]) -> Option<Vec<u32>> {
        let archive = self.archive()?;
        let place = |&[entry, _]: &Pair| match entry {
            NONE => (1, 0),
            entry => (0, archive.entry(entry as usize).header_offset),
        };
        if pairs.is_sorted_by_key(place) {
            return None;
        }
        let mut sorted: Vec<(Pair, u32)> = pairs.iter().copied().zip(0..).collect();
        // A stable sort: files without an entry stay in order.
        sorted.sort_by_key(|(pair, _)| place(pair));
        let mut places = vec![0; pairs.len()];
        for (at, (pair, by_name)) in sorted.into_iter().enumerate() {
            pairs[at] = pair;
            places[by_name as usize] = at as u32;
        }
        Some(places)
    }

    /// Cuts the units into chunks.
    fn cut(&mut self) {
        let mut chunks = Vec::new();
        let (mut start, mut content, mut from) = (0, 0u64, None);
        for (at, unit) in self.units(0..self.len()).enumerate() {
            let entry = unit.entry.and_then(|number| Some(self.archive()?.entry(number as usize)));
            let (size, span) = entry.as_ref().map_or((0, None), |entry| {
                (entry.uncompressed, Some((entry.header_offset.max(0) as u64, self.span_end(entry))))
            });
            let far = from.zip(span).is_some_and(|(from, (_, end))| end.saturating_sub(from) > LONG);
            if at > start && (at - start >= CHUNK_UNITS || content.saturating_add(size) > CHUNK_BYTES || far)
            {
                chunks.push(start..at);
                (start, content, from) = (at, 0, None);
            }
            from = from.or(span.map(|(from, _)| from));
            content = content.saturating_add(size);
        }
        if start < self.len() {
            chunks.push(start..self.len());
        }
        self.chunks = chunks;
    }

    fn span_end(&self, entry: &Entry) -> u64 {
        let name = self.archive().map_or(0, |archive| archive.name(entry).len()) as u64;
        let before = entry.header_offset.max(0) as u64 + 30 + name + SPAN_SLACK;
        before.saturating_add(entry.compressed)
    }

    /// Where the data of the chunk's short entries most likely is, which are those up to `long`.
    pub(super) fn span(&self, units: &[Unit], long: u64) -> Option<(u64, usize)> {
        let archive = self.archive()?;
        let (mut start, mut end, mut used) = (u64::MAX, 0, 0u64);
        for number in units.iter().filter_map(|unit| unit.entry) {
            let entry = archive.entry(number as usize);
            if entry.header_offset < 0 || entry.compressed > long || entry.uncompressed > long {
                continue;
            }
            let (from, to) = (entry.header_offset as u64, self.span_end(&entry));
            (start, end) = (start.min(from), end.max(to));
            used = used.saturating_add(to - from);
        }
        let len = end.min(archive.size()).checked_sub(start)?;
        // Where entries lie on top of each other, or far from each other, each is read by itself.
        (len <= 2 * long && len <= used.saturating_mul(4)).then_some((start, len as usize))
    }
}
