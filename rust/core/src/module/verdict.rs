//! What the outcomes of a module's units come to.
//!
//! A verdict goes by name, like a hash, and takes each unit when all before it have been taken.  So little is
//! kept of what has been found, however many files there are.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::chunk::Outcome;
use super::differences::FirstDifferences;
use super::plan::{Plan, PlannedTree, PlannedZip, Unit};
use super::{Change, Difference, ModuleMeasurement, TreeMeasurement, ZipMeasurement};
use crate::dirhash::{Lines, go_mod_h1};
use crate::fault::{Fault, FaultCode};
use crate::listed::{Listed, MAX_LISTED};
use crate::sha256::Digest;
use crate::stat::FileStat;
use crate::tree::Kind;
use crate::zip::{Name, Violation};

/// Bits that Go never leaves on an extracted file: write, execute, setuid, setgid, sticky.
const ODD_MODE: u32 = 0o7333;
/// The same in a toolchain, where the go command itself makes files executable.
const ODD_MODE_TOOLCHAIN: u32 = 0o7222;

/// How long a thread waits for the verdict before it looks whether all work has been stopped.
const LOOKS_UP: Duration = Duration::from_millis(20);

/// What the chunks have found that no verdict has taken yet.
#[derive(Default)]
pub(super) struct Found {
    /// Chunks that are still to be read, and whether the rules are still to be looked at.
    left: usize,
    /// Of each chunk that waits for the verdict, one for each of its units.
    outcomes: Vec<Vec<Kept>>,
    /// The chunk that the verdict has come to.
    verdict_at: usize,
    /// Bytes of content read from the tree.
    tree_bytes: u64,
}

/// An [`Outcome`] while it waits for the verdict, in little memory where nothing is wrong.
#[derive(Default)]
enum Kept {
    /// Of an entry that has no file.
    Entry(Digest),
    /// Of an entry and the file beside it, which has the same content and of whose `stat` nothing is to be told.
    Same(Digest),
    Other(Box<Outcome>),
    #[default]
    Taken,
}

impl Kept {
    fn new(outcome: Outcome, is_odd: bool) -> Kept {
        match outcome {
            Outcome { zip: Some(Ok(digest)), tree: None, stat: None } => Kept::Entry(digest),
            Outcome { zip: Some(Ok(digest)), tree: Some(Ok(other)), .. } if digest == other && !is_odd => {
                Kept::Same(digest)
            }
            outcome => Kept::Other(Box::new(outcome)),
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Kept::Entry(digest) => Outcome { zip: Some(Ok(digest)), ..Outcome::default() },
            Kept::Same(digest) => Outcome { zip: Some(Ok(digest)), tree: Some(Ok(digest)), stat: None },
            Kept::Other(outcome) => *outcome,
            Kept::Taken => Outcome::default(),
        }
    }
}

impl Found {
    /// Of a plan with so many chunks, and perhaps with rules to be looked at.
    pub(super) fn of_parts(chunks: usize, with_rules: bool) -> Found {
        let left = chunks + usize::from(with_rules);
        Found { left, outcomes: (0..chunks).map(|_| Vec::new()).collect(), ..Found::default() }
    }
}

/// The verdict on the units up to one, by name.
#[derive(Default)]
pub(super) struct Verdict {
    /// How many units have been taken.
    taken: usize,
    /// How many of those that are repeated.
    repeated: usize,
    /// Of each chunk what is in use of it.
    chunks: Vec<InUse>,
    /// The chunk of the last unit.
    chunk: usize,
    /// The zip's.
    lines: Lines,
    /// The zip's without directories, from the first directory on.
    file_lines: Option<Lines>,
    /// The tree's, from where it differs from the zip.
    tree_lines: Option<Lines>,
    zip_fault: Option<Fault>,
    violations: Vec<Violation>,
    bad_entries: Listed<Fault>,
    go_mod: Option<Digest>,
    tree_fault: Option<Fault>,
    tree_faults: Listed<Fault>,
    /// The `go.mod` files that are still to come of a toolchain's directories with a `_go.mod`, the next one
    /// last, each with the digest of that.
    originals: Vec<(u32, Option<Digest>)>,
    differences: FirstDifferences,
}

/// Outcomes of a chunk of which some have not been taken.
#[derive(Default)]
struct InUse {
    outcomes: Vec<Kept>,
    taken: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panics stops all work, so that nothing comes of what is guarded.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Plan {
    /// Notes what has been found in a chunk.  True where it was the last of the module: then the verdict has
    /// been reached.
    pub(super) fn found(&self, chunk: usize, outcomes: Vec<Outcome>, tree_bytes: u64) -> bool {
        let is_odd = |stat: FileStat| !stat.is_regular() || self.odd_mode(Some(stat));
        let keep = |outcome: Outcome| {
            let is_odd = outcome.stat.is_some_and(is_odd);
            Kept::new(outcome, is_odd)
        };
        let kept = outcomes.into_iter().map(keep).collect();
        let mut found = lock(&self.found);
        found.outcomes[chunk] = kept;
        found.tree_bytes += tree_bytes;
        self.go_on(found)
    }

    /// Notes the rules that the zip breaks.  True as in [`Plan::found`].
    pub(super) fn found_violations(&self, violations: Vec<Violation>) -> bool {
        lock(&self.verdict).violations = violations;
        self.go_on(lock(&self.found))
    }

    /// Goes on with the verdict when a part has been `found`; true where that was the last one.
    fn go_on(&self, mut found: MutexGuard<'_, Found>) -> bool {
        found.left -= 1;
        let last = found.left == 0;
        drop(found);
        if last {
            lock(&self.verdict).go_on(self);
        } else {
            match self.verdict.try_lock() {
                Ok(mut verdict) => verdict.go_on(self),
                // Another thread goes on with it; if it misses this chunk, the next one that comes does not.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Poisoned(error)) => error.into_inner().go_on(self),
            }
        }
        last
    }

    /// Where a chunk is far ahead of the verdict, waits until it is not; so what is found and not taken is
    /// bounded, however long the thread takes that has the chunk which the verdict waits for.
    ///
    /// `ready` is called before waiting: it finishes what this thread has read, because that may be what all
    /// others wait for.
    pub(super) fn await_verdict(&self, chunk: usize, stopped: &dyn Fn() -> bool, ready: impl FnOnce()) {
        let is_far_ahead = |found: &Found| self.is_far_ahead(chunk, found.verdict_at);
        if !is_far_ahead(&lock(&self.found)) {
            return;
        }
        ready();
        while !stopped() {
            // It may have missed a chunk that came while it was about to stop.
            if let Ok(mut verdict) = self.verdict.try_lock() {
                verdict.go_on(self);
            }
            let found = lock(&self.found);
            if !is_far_ahead(&found) {
                return;
            }
            drop(self.went_on.wait_timeout(found, LOOKS_UP));
        }
    }

    /// The module's measurement.  Every chunk has been read.
    pub(crate) fn verdict(&self) -> ModuleMeasurement {
        // A thread that is late may still want to go on with it.
        let reached = Verdict { taken: self.len(), ..Verdict::default() };
        let mut verdict = std::mem::replace(&mut *lock(&self.verdict), reached);
        let tree_bytes = lock(&self.found).tree_bytes;
        let tree = self.tree.as_ref().map(|tree| verdict.of_tree(tree, tree_bytes));
        let (differences, more_differences) = std::mem::take(&mut verdict.differences).into_parts();
        ModuleMeasurement {
            key: self.task.key,
            zip: self.zip.as_ref().map(|zip| verdict.of_zip(zip)),
            tree,
            mod_file: self.mod_file.clone(),
            info: self.info.clone(),
            ziphash: self.ziphash.clone(),
            differences,
            more_differences,
        }
    }

    /// Whether the entry of a unit that has no file is one that a tree can have.
    fn is_missing(&self, tree: &PlannedTree, name: Name<'_>) -> bool {
        let path = name.behind(&self.task.prefix);
        path.is_some_and(|path| !name.has_slash_at_end() && !tree.listing.hidden(path))
    }

    fn odd_mode(&self, stat: Option<FileStat>) -> bool {
        let odd = if self.task.toolchain { ODD_MODE_TOOLCHAIN } else { ODD_MODE };
        cfg!(unix) && stat.is_some_and(|stat| stat.mode & odd != 0)
    }

    /// `zip` is the entry's content, None where it cannot be read.
    fn change(
        &self,
        tree: &PlannedTree,
        unit: Unit,
        outcome: &Outcome,
        zip: Option<Digest>,
        copied: bool,
    ) -> Option<Change> {
        let Some(number) = unit.file else {
            zip?;
            let (archive, number) = self.archive().zip(unit.entry)?;
            let name = archive.name(&archive.entry(number as usize));
            return self.is_missing(tree, name).then_some(Change::Missing);
        };
        let regular = outcome.stat.is_none_or(|stat| stat.is_regular());
        let kind = tree.listing.files()[number as usize].kind;
        if matches!(kind, Kind::Link | Kind::Special) || !regular {
            return Some(Change::Type);
        }
        let actual = outcome.tree.and_then(Result::ok)?;
        if unit.entry.is_some() {
            if zip? != actual {
                return Some(Change::Modified);
            }
        } else if copied {
            return None;
        } else if self.archive().is_some() {
            return Some(Change::Extra);
        }
        self.odd_mode(outcome.stat).then_some(Change::Mode)
    }
}

impl Verdict {
    /// On no unit of `plan`.
    pub(super) fn of_plan(plan: &Plan) -> Verdict {
        let mut verdict = Verdict::default();
        verdict.chunks.resize_with(plan.chunks.len(), InUse::default);
        verdict.zip_fault = plan.zip.as_ref().and_then(|zip| zip.fault).map(FaultCode::whole);
        if let Some(tree) = &plan.tree {
            verdict.tree_fault = match &tree.root {
                Err(code) => Some(code.whole()),
                Ok(_) => tree.listing.faults.first().cloned(),
            };
        }
        verdict
    }

    /// Takes every unit that can be taken.
    pub(super) fn go_on(&mut self, plan: &Plan) {
        while self.taken < plan.len() {
            let place = plan.place(self.taken);
            let Range { start, end } = plan.chunks[self.chunk];
            if !(start..end).contains(&place) {
                self.chunk = plan.chunks.partition_point(|chunk| chunk.end <= place);
            }
            let start = plan.chunks[self.chunk].start;
            let chunk = &mut self.chunks[self.chunk];
            if chunk.outcomes.is_empty() {
                let mut found = lock(&plan.found);
                chunk.outcomes = std::mem::take(&mut found.outcomes[self.chunk]);
                if found.verdict_at != self.chunk {
                    found.verdict_at = self.chunk;
                    plan.went_on.notify_all();
                }
                drop(found);
                if chunk.outcomes.is_empty() {
                    return;
                }
            }
            let outcome = std::mem::take(&mut chunk.outcomes[place - start]).outcome();
            chunk.taken += 1;
            if chunk.taken == chunk.outcomes.len() {
                *chunk = InUse::default();
            }
            if let Some(unit) = plan.units(place..place + 1).next() {
                self.take(plan, unit, &outcome);
            }
            self.taken += 1;
        }
    }

    fn take(&mut self, plan: &Plan, unit: Unit, outcome: &Outcome) {
        let mut times = 1;
        if let Some(&(_, more)) =
            plan.repeated.get(self.repeated).filter(|(at, _)| *at as usize == self.taken)
        {
            times = more;
            self.repeated += 1;
        }
        let of_tree = outcome.tree.and_then(Result::ok);
        let copied = unit
            .file
            .zip(plan.tree.as_ref())
            .is_some_and(|(file, tree)| plan.task.toolchain && self.is_copied(tree, file, of_tree));
        if plan.tree.is_some() && self.tree_lines.is_none() {
            let of_zip = outcome.zip.and_then(Result::ok);
            if times > 1 || copied || of_zip.is_none() || of_zip != of_tree {
                // As long as each has what the other has, both have the same lines.
                self.tree_lines = Some(self.lines.clone());
            }
        }
        if let Some(number) = unit.entry {
            self.take_entry(plan, number, outcome.zip, times);
        }
        let Some(tree) = plan.tree.as_ref().filter(|tree| tree.root.is_ok()) else { return };
        if let Some(file) = unit.file {
            self.take_file(plan, tree, file, outcome.tree, copied);
        }
        let of_zip = outcome.zip.and_then(Result::ok);
        if let Some(change) = plan.change(tree, unit, outcome, of_zip, copied) {
            self.differ(plan, tree, unit, outcome, change);
        }
    }

    fn take_entry(
        &mut self,
        plan: &Plan,
        number: u32,
        content: Option<Result<Digest, FaultCode>>,
        times: u32,
    ) {
        let Some(archive) = plan.archive() else { return };
        let name = archive.name(&archive.entry(number as usize));
        // In Go's order: the name is looked at before the entry is opened.
        if self.zip_fault.is_none() && name.contains(b'\n') {
            self.zip_fault = Some(FaultCode::NameNewline.of(&name.to_vec()));
        }
        let is_directory = name.has_slash_at_end();
        if is_directory && self.file_lines.is_none() {
            self.file_lines = Some(self.lines.clone());
        }
        match content {
            Some(Ok(digest)) => {
                if name.behind(&plan.task.prefix) == Some(b"go.mod") {
                    self.go_mod = Some(digest);
                }
                for _ in 0..times {
                    self.lines.push(&digest, &name.parts());
                    if let Some(lines) = self.file_lines.as_mut().filter(|_| !is_directory) {
                        lines.push(&digest, &name.parts());
                    }
                }
            }
            Some(Err(code)) => {
                let fault = || code.of(&name.to_vec());
                self.zip_fault.get_or_insert_with(fault);
                self.bad_entries.push(name.len(), fault);
            }
            None => {}
        }
    }

    fn take_file(
        &mut self,
        plan: &Plan,
        tree: &PlannedTree,
        number: u32,
        content: Option<Result<Digest, FaultCode>>,
        copied: bool,
    ) {
        let prefix = plan.task.prefix.as_slice();
        let path = tree.listing.path(&tree.listing.files()[number as usize]);
        if self.tree_fault.is_none() && (path.contains(&b'\n') || prefix.contains(&b'\n')) {
            self.tree_fault = Some(FaultCode::NameNewline.of(path));
        }
        match content {
            Some(Ok(digest)) => {
                if let Some(lines) = self.tree_lines.as_mut().filter(|_| !copied) {
                    lines.push(&digest, &[prefix, path]);
                }
            }
            Some(Err(code)) => {
                self.tree_fault.get_or_insert_with(|| code.of(path));
                self.tree_faults.push(path.len(), || code.of(path));
            }
            None => {}
        }
    }

    /// Of each file of a toolchain's tree, by path: whether it is a `go.mod` that the go command has copied
    /// from the `_go.mod` beside it.
    fn is_copied(&mut self, tree: &PlannedTree, number: u32, content: Option<Digest>) -> bool {
        if let Some((_, original)) = self.originals.pop_if(|(go_mod, _)| *go_mod == number) {
            return content.is_some() && content == original;
        }
        let files = tree.listing.files();
        let path = |number: usize| tree.listing.path(&files[number]);
        if let Some(directory) = path(number as usize).strip_suffix(b"_go.mod")
            && (directory.is_empty() || directory.ends_with(b"/"))
        {
            let copy = [directory, b"go.mod"].concat();
            if let Ok(at) = files.binary_search_by(|file| tree.listing.path(file).cmp(&copy)) {
                // It comes later, and what is in the directory between the two comes before it.
                self.originals.push((at as u32, content));
            }
        }
        false
    }

    fn differ(&mut self, plan: &Plan, tree: &PlannedTree, unit: Unit, outcome: &Outcome, change: Change) {
        let entry =
            plan.archive().zip(unit.entry).map(|(archive, number)| (archive, archive.entry(number as usize)));
        let path = match unit.file {
            Some(number) => tree.listing.path(&tree.listing.files()[number as usize]),
            None => {
                let name = entry.as_ref().map(|(archive, entry)| archive.name(entry));
                name.and_then(|name| name.behind(&plan.task.prefix)).unwrap_or_default()
            }
        };
        let of_zip = outcome.zip.and_then(Result::ok);
        self.differences.push(change, path.len(), || Difference {
            path: path.to_vec(),
            change,
            zip: entry.and_then(|(_, entry)| Some((of_zip?, entry.uncompressed))),
            tree_sha256: outcome.tree.and_then(Result::ok),
            stat: outcome.stat,
        });
    }

    fn of_zip(self, zip: &PlannedZip) -> ZipMeasurement {
        let mut measured = ZipMeasurement {
            stat: zip.stat,
            fault: self.zip_fault,
            h1: None,
            files_h1: None,
            entries: zip.archive.as_ref().map_or(0, |archive| archive.entries().len()),
            unpacked: zip.archive.as_ref().map_or(0, |archive| archive.unpacked()),
            go_mod_h1: self.go_mod.map(|digest| go_mod_h1(&digest)),
            has_go_mod: zip.has_go_mod,
            bad_entries: self.bad_entries.into_parts().0,
            violations: zip.violations.clone().unwrap_or(self.violations),
        };
        if measured.fault.is_none() {
            let h1 = self.lines.h1();
            measured.files_h1 = Some(self.file_lines.map_or_else(|| h1.clone(), Lines::h1));
            measured.h1 = Some(h1);
        }
        measured
    }

    fn of_tree(&mut self, tree: &PlannedTree, bytes: u64) -> TreeMeasurement {
        let mut measured = TreeMeasurement {
            stat: tree.stat,
            fault: self.tree_fault.take(),
            h1: None,
            files: tree.listing.files().len(),
            bytes,
            faults: Vec::new(),
            more_faults: 0,
            empty_directories: tree.listing.empty_directories.clone(),
            more_empty_directories: tree.listing.more_empty_directories,
        };
        if tree.root.is_err() {
            measured.faults.extend(measured.fault.clone());
            return measured;
        }
        // Both are in order, so the first of both together are among the first of each.
        let tree_faults = std::mem::take(&mut self.tree_faults);
        let (of_files, more_of_files) = tree_faults.into_parts();
        let mut first: Vec<&Fault> = tree.listing.faults.iter().take(MAX_LISTED).chain(&of_files).collect();
        first.sort_by(|a, b| a.name.cmp(&b.name));
        let mut faults = Listed::default();
        for fault in first {
            faults.push(fault.name.len(), || fault.clone());
        }
        let (faults, more) = faults.into_parts();
        measured.faults = faults;
        measured.more_faults = more + more_of_files + tree.listing.faults.len().saturating_sub(MAX_LISTED);
        if measured.fault.is_none() {
            let lines = self.tree_lines.take().unwrap_or_else(|| self.lines.clone());
            measured.h1 = Some(lines.h1());
        }
        measured
    }
}
