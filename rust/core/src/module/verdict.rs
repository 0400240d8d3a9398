//! What the outcomes of a module's units come to.

use std::sync::PoisonError;

use super::chunk::Outcome;
use super::plan::{Plan, PlannedTree, PlannedZip, Unit};
use super::{
    Change, Difference, MAX_DIFFERENCES, MAX_LISTED, ModuleMeasurement, TreeMeasurement, ZipMeasurement,
};
use crate::dirhash::{Lines, go_mod_h1};
use crate::fault::FaultCode;
use crate::sha256::Digest;
use crate::stat::FileStat;
use crate::tree::Kind;

/// Bits that Go never leaves on an extracted file: write, execute, setuid, setgid, sticky.
const ODD_MODE: u32 = 0o7333;
/// The same in a toolchain, where the go command itself makes files executable.
const ODD_MODE_TOOLCHAIN: u32 = 0o7222;

/// The outcomes, to be found by entry and by file.
struct Outcomes<'a> {
    all: Vec<&'a Outcome>,
    of_entry: Vec<u32>,
    of_file: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Outcomes<'_> {
    fn entry(&self, number: u32) -> Option<Result<Digest, FaultCode>> {
        let at = self.of_entry.get(number as usize).copied().filter(|&at| at != NONE)?;
        self.all[at as usize].zip
    }

    fn file(&self, number: usize) -> Option<&Outcome> {
        self.of_file.get(number).map(|&at| self.all[at as usize])
    }
}

impl Plan {
    /// The module's measurement.  Every chunk has been read.
    pub(crate) fn verdict(&self) -> ModuleMeasurement {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<&Outcome> = found.outcomes.iter().flatten().collect();
        let entries = self.archive().map_or(0, |archive| archive.entries().len());
        let files = self.tree.as_ref().map_or(0, |tree| tree.listing.files().len());
        let mut outcomes = Outcomes { all, of_entry: vec![NONE; entries], of_file: vec![NONE; files] };
        for (at, unit) in self.units.iter().enumerate() {
            if let Some(entry) = unit.entry {
                outcomes.of_entry[entry as usize] = at as u32;
            }
            if let Some(file) = unit.file {
                outcomes.of_file[file as usize] = at as u32;
            }
        }
        let copied = self.tree.as_ref().map_or_else(Vec::new, |tree| self.copied_go_mods(tree, &outcomes));
        let (differences, more_differences) = self.differences(&outcomes, &copied);
        let zip = self.zip.as_ref().map(|zip| self.zip_verdict(zip, &outcomes));
        let known =
            zip.as_ref().and_then(|zip| zip.h1.as_deref()).filter(|_| self.all_same(&outcomes, &copied));
        let tree = self
            .tree
            .as_ref()
            .map(|tree| self.tree_verdict(tree, &outcomes, &copied, known, found.tree_bytes));
        ModuleMeasurement {
            key: self.task.key,
            zip,
            tree,
            mod_file: self.mod_file.clone(),
            info: self.info.clone(),
            ziphash: self.ziphash.clone(),
            differences,
            more_differences,
        }
    }

    /// Whether each entry of the zip has a name of its own and is a file of the tree with the same content,
    /// and the other way round.  Then zip and tree have the same h1: they have the same lines.
    fn all_same(&self, outcomes: &Outcomes<'_>, copied: &[bool]) -> bool {
        let same = |unit: &Unit| {
            let (Some(entry), Some(file)) = (unit.entry, unit.file) else { return false };
            let of_file = outcomes.file(file as usize).and_then(|outcome| outcome.tree);
            match (outcomes.entry(entry), of_file) {
                (Some(Ok(of_entry)), Some(Ok(of_file))) => of_entry == of_file && !copied[file as usize],
                _ => false,
            }
        };
        self.units.len() == outcomes.of_entry.len() && self.units.iter().all(same)
    }

    fn zip_verdict(&self, zip: &PlannedZip, outcomes: &Outcomes<'_>) -> ZipMeasurement {
        let mut measured = ZipMeasurement {
            stat: zip.stat,
            fault: zip.fault.map(FaultCode::whole),
            h1: None,
            files_h1: None,
            entries: 0,
            unpacked: 0,
            go_mod_h1: None,
            has_go_mod: false,
            bad_entries: Vec::new(),
            violations: zip.violations.clone(),
        };
        let Some(archive) = &zip.archive else { return measured };
        measured.entries = archive.entries().len();
        measured.unpacked = archive.unpacked();
        let go_mod = [self.task.prefix.as_slice(), b"go.mod"].concat();
        let name = |number: u32| archive.name(&archive.entries()[number as usize]);
        let directories = archive.entries().iter().any(|entry| archive.name(entry).ends_with(b"/"));
        let (mut lines, mut file_lines) = (Lines::new(), Lines::new());
        for same in zip.names(archive) {
            let Some(&number) = same.last() else { continue };
            let name = name(number);
            let outcome = outcomes.entry(number);
            if name == go_mod {
                measured.has_go_mod = true;
                measured.go_mod_h1 = outcome.and_then(Result::ok).map(|digest| go_mod_h1(&digest));
            }
            // In Go's order: the name is looked at before the entry is opened.
            if measured.fault.is_none() && name.contains(&b'\n') {
                measured.fault = Some(FaultCode::NameNewline.of(name));
            }
            match outcome {
                Some(Ok(digest)) => {
                    for _ in same {
                        lines.push(&digest, &[name]);
                        // Where all are files the two would be the same.
                        if directories && !name.ends_with(b"/") {
                            file_lines.push(&digest, &[name]);
                        }
                    }
                }
                Some(Err(code)) => {
                    measured.fault.get_or_insert_with(|| code.of(name));
                    if measured.bad_entries.len() < MAX_LISTED {
                        measured.bad_entries.push(code.of(name));
                    }
                }
                None => {}
            }
        }
        if measured.fault.is_none() {
            let h1 = lines.h1();
            measured.files_h1 = Some(if directories { file_lines.h1() } else { h1.clone() });
            measured.h1 = Some(h1);
        }
        measured
    }

    /// For each file of a toolchain's tree whether it is a `go.mod` that the go command has copied
    /// from the `_go.mod` beside it.
    fn copied_go_mods(&self, tree: &PlannedTree, outcomes: &Outcomes<'_>) -> Vec<bool> {
        let files = tree.listing.files();
        let path = |number: usize| tree.listing.path(&files[number]);
        let digest = |number| outcomes.file(number)?.tree?.ok();
        let copied = |number| {
            let directory = path(number).strip_suffix(b"go.mod")?;
            if !(directory.is_empty() || directory.ends_with(b"/")) {
                return None;
            }
            let original = [directory, b"_go.mod"].concat();
            let original = files.binary_search_by(|file| tree.listing.path(file).cmp(&original)).ok()?;
            Some(digest(number)? == digest(original)?)
        };
        (0..files.len()).map(|number| self.task.toolchain && copied(number).unwrap_or(false)).collect()
    }

    /// `known` is the tree's h1 where it is known already.
    fn tree_verdict(
        &self,
        tree: &PlannedTree,
        outcomes: &Outcomes<'_>,
        copied: &[bool],
        known: Option<&str>,
        bytes: u64,
    ) -> TreeMeasurement {
        let mut measured = TreeMeasurement {
            stat: tree.stat,
            fault: tree.root.as_ref().err().map(|code| code.whole()),
            h1: None,
            files: tree.listing.files().len(),
            bytes,
            faults: Vec::new(),
            empty_directories: tree.listing.empty_directories.clone(),
        };
        measured.faults.extend(measured.fault.clone());
        if measured.fault.is_some() {
            return measured;
        }
        measured.fault = tree.listing.faults.first().cloned();
        measured.faults.clone_from(&tree.listing.faults);
        let mut lines = Lines::new();
        for (number, file) in tree.listing.files().iter().enumerate() {
            let path = tree.listing.path(file);
            let newline = path.contains(&b'\n') || self.task.prefix.contains(&b'\n');
            if measured.fault.is_none() && newline {
                measured.fault = Some(FaultCode::NameNewline.of(path));
            }
            match outcomes.file(number).and_then(|outcome| outcome.tree) {
                Some(Ok(_)) if known.is_some() => {}
                Some(Ok(digest)) if !copied[number] => lines.push(&digest, &[&self.task.prefix, path]),
                Some(Err(code)) => {
                    measured.fault.get_or_insert_with(|| code.of(path));
                    measured.faults.push(code.of(path));
                }
                _ => {}
            }
        }
        measured.faults.sort_by(|a, b| a.name.cmp(&b.name));
        if measured.fault.is_none() {
            measured.h1 = Some(known.map_or_else(|| lines.h1(), str::to_owned));
        }
        measured
    }

    /// The first [`MAX_DIFFERENCES`] by path, and how many there are beyond.
    fn differences(&self, outcomes: &Outcomes<'_>, copied: &[bool]) -> (Vec<Difference>, usize) {
        let Some(tree) = self.tree.as_ref().filter(|tree| tree.root.is_ok()) else { return (Vec::new(), 0) };
        // A hostile zip has a million of them: they are sorted and cut before they are written out.
        let mut changes: Vec<(&[u8], Change, &Unit)> = self
            .units
            .iter()
            .filter_map(|unit| {
                let change = self.change(tree, unit, outcomes, copied)?;
                Some((self.path_of(tree, unit), change, unit))
            })
            .collect();
        changes.sort_by_key(|&(path, ..)| path);
        let more = changes.len().saturating_sub(MAX_DIFFERENCES);
        changes.truncate(MAX_DIFFERENCES);
        let written = changes.into_iter().map(|(path, change, unit)| {
            let outcome = unit.file.and_then(|number| outcomes.file(number as usize));
            Difference {
                path: path.to_vec(),
                change,
                zip: self.zip_copy(unit, outcomes).flatten(),
                tree_sha256: outcome.and_then(|outcome| outcome.tree).and_then(Result::ok),
                stat: outcome.and_then(|outcome| outcome.stat),
            }
        });
        (written.collect(), more)
    }

    /// Hash and size of the zip's copy: None where the zip has none, and inside that None where it
    /// cannot be read.
    fn zip_copy(&self, unit: &Unit, outcomes: &Outcomes<'_>) -> Option<Option<(Digest, u64)>> {
        let (archive, number) = self.archive().zip(unit.entry)?;
        let size = archive.entries()[number as usize].uncompressed;
        Some(outcomes.entry(number).and_then(Result::ok).map(|digest| (digest, size)))
    }

    /// Relative to the module's root.
    fn path_of<'a>(&'a self, tree: &'a PlannedTree, unit: &Unit) -> &'a [u8] {
        if let Some(number) = unit.file {
            return tree.listing.path(&tree.listing.files()[number as usize]);
        }
        let entry = self.archive().zip(unit.entry);
        let name =
            entry.map_or(&b""[..], |(archive, number)| archive.name(&archive.entries()[number as usize]));
        name.strip_prefix(self.task.prefix.as_slice()).unwrap_or(name)
    }

    fn change(
        &self,
        tree: &PlannedTree,
        unit: &Unit,
        outcomes: &Outcomes<'_>,
        copied: &[bool],
    ) -> Option<Change> {
        let zip = self.zip_copy(unit, outcomes);
        let Some(number) = unit.file else {
            zip.flatten()?;
            return self.is_missing(tree, unit).then_some(Change::Missing);
        };
        let number = number as usize;
        let outcome = outcomes.file(number)?;
        let regular = outcome.stat.is_none_or(|stat| stat.is_regular());
        let odd = matches!(tree.listing.files()[number].kind, Kind::Link | Kind::Special) || !regular;
        match (zip, outcome.tree.and_then(Result::ok)) {
            _ if odd => Some(Change::Type),
            (_, None) | (Some(None), _) => None,
            (None, _) if copied[number] => None,
            (None, _) if self.archive().is_some() => Some(Change::Extra),
            (Some(Some((expected, _))), Some(actual)) if expected != actual => Some(Change::Modified),
            _ if self.odd_mode(outcome.stat) => Some(Change::Mode),
            _ => None,
        }
    }

    /// Whether the entry of `unit`, which has no file, is one that a tree can have.
    fn is_missing(&self, tree: &PlannedTree, unit: &Unit) -> bool {
        let entry = self.archive().zip(unit.entry);
        entry.is_some_and(|(archive, number)| {
            let name = archive.name(&archive.entries()[number as usize]);
            let path = name.strip_prefix(self.task.prefix.as_slice());
            path.is_some_and(|path| !name.ends_with(b"/") && !tree.listing.hidden(path))
        })
    }

    fn odd_mode(&self, stat: Option<FileStat>) -> bool {
        let odd = if self.task.toolchain { ODD_MODE_TOOLCHAIN } else { ODD_MODE };
        cfg!(unix) && stat.is_some_and(|stat| stat.mode & odd != 0)
    }
}
