//! What the outcomes of a module's units come to.

use std::sync::PoisonError;

use super::chunk::Outcome;
use super::plan::{Plan, PlannedTree, PlannedZip};
use super::{Change, Difference, MAX_LISTED, ModuleMeasurement, TreeMeasurement, ZipMeasurement};
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
        ModuleMeasurement {
            key: self.task.key,
            zip: self.zip.as_ref().map(|zip| self.zip_verdict(zip, &outcomes)),
            tree: self
                .tree
                .as_ref()
                .map(|tree| self.tree_verdict(tree, &outcomes, &copied, found.tree_bytes)),
            mod_file: self.mod_file.clone(),
            info: self.info.clone(),
            ziphash: self.ziphash.clone(),
            differences: self.differences(&outcomes, &copied),
        }
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
        let (mut lines, mut file_lines, mut directories) = (Lines::new(), Lines::new(), false);
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
                    let directory = name.ends_with(b"/");
                    directories |= directory;
                    for _ in same {
                        lines.push(&digest, &[name]);
                        if !directory {
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

    fn tree_verdict(
        &self,
        tree: &PlannedTree,
        outcomes: &Outcomes<'_>,
        copied: &[bool],
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
            measured.h1 = Some(lines.h1());
        }
        measured
    }

    fn differences(&self, outcomes: &Outcomes<'_>, copied: &[bool]) -> Vec<Difference> {
        let Some(tree) = &self.tree else { return Vec::new() };
        if tree.root.is_err() {
            return Vec::new();
        }
        let mut differences = Vec::new();
        for unit in &self.units {
            let entry = self.archive().zip(unit.entry);
            let entry = entry.map(|(archive, number)| (archive, number, &archive.entries()[number as usize]));
            let zip = entry.map(|(_, number, entry)| {
                outcomes.entry(number).and_then(Result::ok).map(|digest| (digest, entry.uncompressed))
            });
            let Some(number) = unit.file else {
                if let (Some((archive, _, entry)), Some(Some(zip))) = (entry, zip) {
                    differences.extend(self.missing(tree, archive.name(entry), zip));
                }
                continue;
            };
            let number = number as usize;
            let file = &tree.listing.files()[number];
            let Some(outcome) = outcomes.file(number) else { continue };
            let tree_sha256 = outcome.tree.and_then(Result::ok);
            let regular = outcome.stat.is_none_or(|stat| stat.is_regular());
            let odd = matches!(file.kind, Kind::Link | Kind::Special) || !regular;
            let change = match (zip, tree_sha256) {
                _ if odd => Change::Type,
                (_, None) | (Some(None), _) => continue,
                (None, _) if copied[number] => continue,
                (None, _) if self.archive().is_some() => Change::Extra,
                (Some(Some((expected, _))), Some(actual)) if expected != actual => Change::Modified,
                _ if self.odd_mode(outcome.stat) => Change::Mode,
                _ => continue,
            };
            differences.push(Difference {
                path: tree.listing.path(file).to_vec(),
                change,
                zip: zip.flatten(),
                tree_sha256,
                stat: outcome.stat,
            });
        }
        differences.sort_by(|a, b| a.path.cmp(&b.path));
        differences
    }

    /// The difference of an entry that has no file, if a tree can have one.
    fn missing(&self, tree: &PlannedTree, name: &[u8], zip: (Digest, u64)) -> Option<Difference> {
        let path = name.strip_prefix(self.task.prefix.as_slice())?;
        if name.ends_with(b"/") || tree.listing.hidden(path) {
            return None;
        }
        let path = path.to_vec();
        Some(Difference { path, change: Change::Missing, zip: Some(zip), tree_sha256: None, stat: None })
    }

    fn odd_mode(&self, stat: Option<FileStat>) -> bool {
        let odd = if self.task.toolchain { ODD_MODE_TOOLCHAIN } else { ODD_MODE };
        cfg!(unix) && stat.is_some_and(|stat| stat.mode & odd != 0)
    }
}
