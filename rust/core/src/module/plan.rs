//! What there is to read of a module, cut into chunks.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use super::chunk::{Outcome, Scratch};
use super::{MAX_LISTED, MAX_ZIP_BYTES, ModuleTask};
use crate::fault::FaultCode;
use crate::readat::{lstat, open_regular};
use crate::smallfile::SmallFile;
use crate::stat::FileStat;
use crate::tree::{self, Listing, Root};
use crate::zip::{Archive, Entry, Violation, are_plain, violations};

/// Content bytes of a chunk, unless a single entry has more.
const CHUNK_BYTES: u64 = 1 << 20;
/// Entries or files of a chunk.
const CHUNK_UNITS: usize = 256;
/// An entry or file with more than this, compressed or not, is read in windows.
pub(super) const LONG: u64 = 4 << 20;
/// Room in a span for what cannot be known before reading it: the local header's extra field, a data
/// descriptor.
const SPAN_SLACK: u64 = 64;

/// Which limits hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Those of extraction: [`MAX_ZIP_BYTES`].  Rules on names are checked as well.
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

/// The zip of a module, as far as its central directory says.
pub(super) struct PlannedZip {
    pub stat: Option<FileStat>,
    /// The zip, if its directory can be read.
    pub archive: Option<Archive<File>>,
    /// Why not, or why its entries are not to be read.
    pub fault: Option<FaultCode>,
    pub violations: Vec<Violation>,
    /// Numbers of the entries by name; of equal names in the order of the entries.
    pub by_name: Vec<u32>,
}

/// The tree of a module, as far as listing it says.
pub(super) struct PlannedTree {
    pub stat: Option<FileStat>,
    pub root: Result<Root, FaultCode>,
    pub listing: Listing,
}

/// What there is to read of a module, and what has been found.
pub struct Plan {
    pub(super) task: ModuleTask,
    pub(super) zip: Option<PlannedZip>,
    pub(super) tree: Option<PlannedTree>,
    pub(super) mod_file: Option<SmallFile>,
    pub(super) info: Option<SmallFile>,
    pub(super) ziphash: Option<SmallFile>,
    /// Entries by their place in the zip, then the files that have no entry, by path.
    pub(super) units: Vec<Unit>,
    pub(super) chunks: Vec<Range<usize>>,
    pub(super) found: Mutex<Found>,
}

/// What the chunks have found so far.
#[derive(Default)]
pub(super) struct Found {
    pub left: usize,
    /// Of each chunk that is done, one for each of its units.
    pub outcomes: Vec<Vec<Outcome>>,
    /// Bytes of content read from the tree.
    pub tree_bytes: u64,
}

impl PlannedZip {
    fn new(path: &Path, prefix: &[u8], limits: Limits) -> PlannedZip {
        let stat = lstat(path);
        let mut zip = PlannedZip {
            stat: stat.ok(),
            archive: None,
            fault: stat.err(),
            violations: Vec::new(),
            by_name: Vec::new(),
        };
        if zip.fault.is_some() {
            return zip;
        }
        match open_regular(path).and_then(|(file, stat)| Archive::open(file, stat.size)) {
            Ok(archive) => {
                zip.by_name = (0..archive.entries().len() as u32).collect();
                let name = |&number: &u32| archive.name(&archive.entries()[number as usize]);
                zip.by_name.sort_by(|a, b| name(a).cmp(name(b)));
                if limits == Limits::Extraction {
                    if !are_plain(&archive, &zip.by_name, prefix) {
                        zip.violations = violations(&archive, prefix, MAX_LISTED);
                    }
                    if archive.size() > MAX_ZIP_BYTES || archive.unpacked() > u128::from(MAX_ZIP_BYTES) {
                        zip.fault = Some(FaultCode::ZipTooLarge);
                    }
                }
                zip.archive = Some(archive);
            }
            Err(code) => zip.fault = Some(code),
        }
        zip
    }

    /// The archive, if its entries are to be read.
    pub(super) fn readable(&self) -> Option<&Archive<File>> {
        self.archive.as_ref().filter(|_| self.fault.is_none())
    }

    /// By name, each name's entries together.
    pub(super) fn names<'a>(&'a self, archive: &'a Archive<File>) -> impl Iterator<Item = &'a [u32]> {
        let name = |number: u32| archive.name(&archive.entries()[number as usize]);
        self.by_name.chunk_by(move |&a, &b| name(a) == name(b))
    }
}

impl PlannedTree {
    fn new(path: &Path, stopped: &dyn Fn() -> bool) -> PlannedTree {
        let (stat, root) = tree::open_root(path);
        let mut listing = Listing::default();
        let root = root.and_then(|root| {
            listing = Listing::read(&root, stopped)?;
            Ok(root)
        });
        PlannedTree { stat, root, listing }
    }
}

impl Plan {
    /// Looks at everything that `task` names, and reads what is small.
    pub(crate) fn new(
        task: ModuleTask,
        limits: Limits,
        scratch: &mut Scratch,
        stopped: &dyn Fn() -> bool,
    ) -> Plan {
        let zip = task.zip.as_deref().map(|path| PlannedZip::new(path, &task.prefix, limits));
        let tree = task.tree.as_deref().map(|path| PlannedTree::new(path, stopped));
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
            units: Vec::new(),
            chunks: Vec::new(),
            found: Mutex::default(),
        };
        plan.pair();
        plan.cut();
        let mut found = Found { left: plan.chunks.len(), ..Found::default() };
        found.outcomes.resize_with(plan.chunks.len(), Vec::new);
        plan.found = Mutex::new(found);
        plan
    }

    /// The chunks in the order in which they are to be begun: those that are read in windows first, so
    /// that one which takes long is not left for last.
    pub(crate) fn order(&self) -> Vec<usize> {
        let long = |chunk: &usize| {
            let first = self.units[self.chunks[*chunk].start];
            let entry = first.entry.and_then(|number| Some(&self.archive()?.entries()[number as usize]));
            entry.map_or(0, |entry| entry.uncompressed.max(entry.compressed)).saturating_sub(LONG)
        };
        let mut order: Vec<usize> = (0..self.chunks.len()).collect();
        order.sort_by_cached_key(|chunk| std::cmp::Reverse(long(chunk)));
        order
    }

    /// The zip, if its entries are to be read.
    pub(super) fn archive(&self) -> Option<&Archive<File>> {
        self.zip.as_ref().and_then(PlannedZip::readable)
    }

    /// Pairs entries with files.  Of entries with the same name only the last is read, as in Go.
    fn pair(&mut self) {
        let mut units = Vec::new();
        let listing = self.tree.as_ref().map(|tree| &tree.listing);
        let files = listing.map_or(0, |listing| listing.files().len());
        let path = |file: usize| listing.map_or(&b""[..], |listing| listing.path(&listing.files()[file]));
        // Names and paths are both sorted, so that one walk over the two finds the pairs.
        let mut next = 0;
        if let (Some(zip), Some(archive)) = (&self.zip, self.archive()) {
            let entry = |number: u32| -> &Entry { &archive.entries()[number as usize] };
            for same in zip.names(archive) {
                let Some(&number) = same.last() else { continue };
                let mut unit = Unit { entry: Some(number), file: None };
                if let Some(name) = archive.name(entry(number)).strip_prefix(self.task.prefix.as_slice()) {
                    while next < files && path(next) < name {
                        units.push(Unit { entry: None, file: Some(next as u32) });
                        next += 1;
                    }
                    if next < files && path(next) == name {
                        unit.file = Some(next as u32);
                        next += 1;
                    }
                }
                units.push(unit);
            }
            let place = |unit: &Unit| unit.entry.map_or((1, 0), |number| (0, entry(number).header_offset));
            units.extend((next..files).map(|file| Unit { entry: None, file: Some(file as u32) }));
            // A stable sort: files without an entry stay in order.
            units.sort_by_key(place);
        } else {
            units.extend((0..files).map(|file| Unit { entry: None, file: Some(file as u32) }));
        }
        self.units = units;
    }

    /// Cuts the units into chunks.
    fn cut(&mut self) {
        let mut chunks = Vec::new();
        let (mut start, mut content, mut from) = (0, 0u64, 0);
        for (at, unit) in self.units.iter().enumerate() {
            let entry = unit.entry.and_then(|number| Some(&self.archive()?.entries()[number as usize]));
            let size = entry.map_or(0, |entry| entry.uncompressed);
            let end = entry.map_or(0, |entry| self.span_end(entry));
            let whole = at - start >= CHUNK_UNITS
                || content.saturating_add(size) > CHUNK_BYTES
                || end.saturating_sub(from) > LONG
                || (at > start && self.units[at - 1].entry.is_some() != unit.entry.is_some());
            if whole && at > start {
                chunks.push(start..at);
                start = at;
                content = 0;
            }
            if at == start {
                from = entry.map_or(0, |entry| entry.header_offset.max(0) as u64);
            }
            content = content.saturating_add(size);
        }
        if start < self.units.len() {
            chunks.push(start..self.units.len());
        }
        self.chunks = chunks;
    }

    fn span_end(&self, entry: &Entry) -> u64 {
        let name = self.archive().map_or(0, |archive| archive.name(entry).len()) as u64;
        let before = entry.header_offset.max(0) as u64 + 30 + name + SPAN_SLACK;
        before.saturating_add(entry.compressed)
    }

    /// Where the data of the chunk's short entries most likely is.
    pub(super) fn span(&self, units: &[Unit]) -> Option<(u64, usize)> {
        let archive = self.archive()?;
        let mut span: Option<(u64, u64)> = None;
        for unit in units {
            let entry = &archive.entries()[unit.entry? as usize];
            if entry.header_offset < 0 || entry.compressed > LONG || entry.uncompressed > LONG {
                continue;
            }
            let (start, end) = span.unwrap_or((entry.header_offset as u64, 0));
            span = Some((start, end.max(self.span_end(entry))));
        }
        let (start, end) = span?;
        let len = end.min(archive.size()).checked_sub(start)?;
        // More than this only where entries lie on top of each other; each is then read by itself.
        (len <= 2 * LONG).then_some((start, len as usize))
    }
}
