//! What is in a build cache: shards are listed, entries read, and both put together.

use std::collections::BTreeMap;
use std::ffi::CString;

use super::entry::{path, read_found, unhex};
use super::output::{joined, only_name};
use super::{ActionEntry, EntryForm, EntryOf, FUTURE_NS, Id, MAX_EXAMPLES, MAX_STRAYS};
use crate::fault::{Fault, FaultCode};
use crate::memory;
use crate::stat::FileStat;
use crate::tree::{Kind, Root};

/// What the go command makes in the root beside the shards.
const ROOT_NAMES: [&[u8]; 5] = [b"README", b"trim.txt", b"testexpire.txt", b"fuzz", b"log.txt"];
/// The SHA-256 of nothing.
const EMPTY: Id = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Why the go command does not use what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub enum StrayKind {
    Unknown,
    Capitals,
    Shard,
    Link,
    NotFolder,
}

impl StrayKind {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            StrayKind::Unknown => "unknown",
            StrayKind::Capitals => "capitals",
            StrayKind::Shard => "shard",
            StrayKind::Link => "link",
            StrayKind::NotFolder => "not-folder",
        }
    }
}

/// Something in the cache that the go command does not use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Relative to the root.
    pub name: Vec<u8>,
    /// Why.
    pub kind: StrayKind,
}

/// What many files may have in common; in the order of their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub enum HazardCode {
    Future,
    GroupWritable,
    HardLink,
    WorldWritable,
}

impl HazardCode {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            HazardCode::Future => "future",
            HazardCode::GroupWritable => "group-writable",
            HazardCode::HardLink => "hard-link",
            HazardCode::WorldWritable => "world-writable",
        }
    }
}

/// Files that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// What.
    pub code: HazardCode,
    /// How many.
    pub files: usize,
    /// The first by name.
    pub examples: Vec<Vec<u8>>,
}

/// What is in a build cache, without the content of its outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub struct Survey {
    pub shards: usize,
    pub faults: Vec<Fault>,
    pub actions: usize,
    pub outputs: usize,
    pub executables: usize,
    pub size: u64,
    pub dangling: usize,
    pub orphans: usize,
    pub orphan_bytes: u64,
    pub hollow: usize,
    pub hollow_examples: Vec<Vec<u8>>,
    pub strays: Vec<Stray>,
    pub strays_total: usize,
    pub owners: Vec<(u32, usize)>,
    pub hazards: Vec<Hazard>,
}

/// An output as the listing found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundOutput {
    pub id: Id,
    pub size: u64,
    folder: bool,
}

/// How many, and the first by name.
#[derive(Debug, Default)]
struct Examples {
    number: usize,
    /// At most twice [`MAX_EXAMPLES`].
    names: Vec<Vec<u8>>,
}

impl Examples {
    fn add(&mut self, name: &[u8]) {
        self.number += 1;
        self.names.push(name.to_vec());
        self.trim();
    }

    fn merge(&mut self, other: Examples) {
        self.number += other.number;
        self.names.extend(other.names);
        self.trim();
    }

    fn trim(&mut self) {
        if self.names.len() >= 2 * MAX_EXAMPLES {
            self.names.sort();
            self.names.truncate(MAX_EXAMPLES);
        }
    }

    fn first(mut self) -> Vec<Vec<u8>> {
        self.names.sort();
        self.names.truncate(MAX_EXAMPLES);
        self.names
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    shards: usize,
    pub faults: Vec<Fault>,
    /// At most twice [`MAX_STRAYS`].
    strays: Vec<Stray>,
    strays_total: usize,
    actions: usize,
    entries: Vec<(Id, EntryOf)>,
    outputs: Vec<FoundOutput>,
    owners: BTreeMap<u32, usize>,
    hazards: BTreeMap<HazardCode, Examples>,
    hollow: Examples,
}

impl Found {
    fn stray(&mut self, name: &[u8], kind: StrayKind) {
        self.strays_total += 1;
        self.strays.push(Stray { name: name.to_vec(), kind });
        self.trim_strays();
    }

    fn trim_strays(&mut self) {
        if self.strays.len() >= 2 * MAX_STRAYS {
            self.strays.sort();
            self.strays.truncate(MAX_STRAYS);
        }
    }

    /// Notes what the file may have in common with others.
    fn note(&mut self, name: &[u8], stat: &FileStat, links: u64, now_ns: i128) {
        const TYPE: u32 = 0o170000;
        const LINK: u32 = 0o120000;
        *self.owners.entry(stat.uid).or_default() += 1;
        if stat.mode & TYPE == LINK {
            return;
        }
        self.note_writers(name, stat, links);
        if stat.mtime_ns > now_ns + FUTURE_NS {
            self.hazards.entry(HazardCode::Future).or_default().add(name);
        }
    }

    /// Notes who may change the file.
    fn note_writers(&mut self, name: &[u8], stat: &FileStat, links: u64) {
        let mut hazard = |code| self.hazards.entry(code).or_default().add(name);
        if cfg!(unix) {
            if stat.mode & 0o002 != 0 {
                hazard(HazardCode::WorldWritable);
            } else if stat.mode & 0o020 != 0 {
                hazard(HazardCode::GroupWritable);
            }
            if stat.is_regular() && links > 1 {
                hazard(HazardCode::HardLink);
            }
        }
    }

    /// Takes in what another part of the cache has.
    pub fn merge(&mut self, other: Found) {
        self.shards += other.shards;
        self.faults.extend(other.faults);
        self.strays.extend(other.strays);
        self.strays_total += other.strays_total;
        self.trim_strays();
        self.actions += other.actions;
        memory::reserve(&mut self.entries, other.entries.len());
        self.entries.extend(other.entries);
        memory::reserve(&mut self.outputs, other.outputs.len());
        self.outputs.extend(other.outputs);
        for (owner, number) in other.owners {
            *self.owners.entry(owner).or_default() += number;
        }
        for (code, examples) in other.hazards {
            self.hazards.entry(code).or_default().merge(examples);
        }
        self.hollow.merge(other.hollow);
    }

    /// Puts entries and outputs together: the survey, the outputs by size (the biggest first), and the
    /// entries by output.
    pub fn join(mut self) -> (Survey, Vec<FoundOutput>, Vec<(Id, EntryOf)>) {
        self.entries.sort_unstable();
        self.outputs.sort_unstable_by_key(|output| output.id);
        let mut survey = Survey {
            shards: self.shards,
            actions: self.actions,
            outputs: self.outputs.len(),
            strays_total: self.strays_total,
            owners: self.owners.into_iter().collect(),
            hollow: self.hollow.number,
            hollow_examples: self.hollow.first(),
            ..Survey::default()
        };
        survey.dangling = self.entries.len();
        let mut at = 0;
        for output in &self.outputs {
            survey.executables += usize::from(output.folder);
            survey.size += output.size;
            at += self.entries[at..].partition_point(|(id, _)| *id < output.id);
            let named = self.entries[at..].partition_point(|(id, _)| *id == output.id);
            at += named;
            survey.dangling -= named;
            if named == 0 {
                survey.orphans += 1;
                survey.orphan_bytes += output.size;
            }
        }
        self.faults.sort_by(|a, b| a.name.cmp(&b.name));
        survey.faults = self.faults;
        self.strays.sort();
        self.strays.truncate(MAX_STRAYS);
        survey.strays = self.strays;
        survey.hazards = self
            .hazards
            .into_iter()
            .map(|(code, found)| Hazard { code, files: found.number, examples: found.first() })
            .collect();
        // A stable sort has room for them all besides.
        memory::need(size_of::<FoundOutput>() * self.outputs.len());
        self.outputs.sort_by_key(|output| std::cmp::Reverse(output.size));
        (survey, self.outputs, self.entries)
    }
}

/// Lists the root; the shards that are there.
pub(super) fn read_root(root: &Root, found: &mut Found) -> Result<Vec<[u8; 2]>, FaultCode> {
    let mut shards = Vec::new();
    root.list(c"", &mut Vec::with_capacity(1 << 16), &mut |name, kind| {
        let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match <[u8; 2]>::try_from(name) {
            Ok(shard) if shard.iter().all(digit) => match kind {
                Ok(Kind::Directory) => shards.push(shard),
                Ok(Kind::Link) => found.stray(name, StrayKind::Link),
                _ => found.stray(name, StrayKind::NotFolder),
            },
            _ if ROOT_NAMES.contains(&name) => {}
            _ => found.stray(name, StrayKind::Unknown),
        }
    })?;
    found.shards = shards.len();
    Ok(shards)
}

/// Lists a shard and reads its entries; those that are not canonical are given to `odd`, which says
/// whether to go on.
pub(super) fn read_shard(
    root: &Root,
    shard: [u8; 2],
    now_ns: i128,
    odd: &mut dyn FnMut(ActionEntry) -> bool,
) -> Found {
    let mut found = Found::default();
    let mut names: Vec<(Id, u8)> = Vec::new();
    let folder = CString::new(shard).expect("two digits");
    let listed = root.list(&folder, &mut Vec::with_capacity(1 << 16), &mut |name, _| match identify(name) {
        Ok((id, kind)) if name.starts_with(&shard) => {
            memory::reserve(&mut names, 1);
            names.push((id, kind));
        }
        Ok(_) => found.stray(&below(shard, name), StrayKind::Shard),
        Err(stray) => found.stray(&below(shard, name), stray),
    });
    if let Err(code) = listed {
        // As if nothing had been listed before the error.
        return Found { faults: vec![code.of(&shard)], ..Found::default() };
    }
    for (id, kind) in names {
        let place = path(&id, kind);
        let Ok((stat, links)) = root.lstat_links(&place) else { continue };
        found.note(place.to_bytes(), &stat, links, now_ns);
        if kind == b'd' {
            found.output(root, &id, &stat, &place);
            continue;
        }
        let entry = read_found(root, &id, stat);
        found.actions += 1;
        if let Some(output) = entry.parsed.output {
            let of = EntryOf { action: id, size: entry.parsed.size, time: entry.parsed.time };
            memory::reserve(&mut found.entries, 1);
            found.entries.push((output, of));
        }
        if entry.parsed.form != EntryForm::Canonical && !odd(entry) {
            break;
        }
    }
    found
}

impl Found {
    fn output(&mut self, root: &Root, id: &Id, stat: &FileStat, place: &std::ffi::CStr) {
        let (folder, owner) = (stat.is_directory(), stat.uid);
        let mut size = stat.size;
        if folder {
            size = match only_name(root, place) {
                Ok((1, name)) => {
                    let file = joined(place, &name);
                    root.lstat_links(&file).map_or(0, |(stat, links)| {
                        if stat.uid != owner {
                            *self.owners.entry(stat.uid).or_default() += 1;
                        }
                        if stat.is_regular() {
                            self.note_writers(file.to_bytes(), &stat, links);
                        }
                        stat.size
                    })
                }
                _ => 0,
            };
        } else if size == 0 && *id != EMPTY && stat.is_regular() {
            self.hollow.add(place.to_bytes());
        }
        memory::reserve(&mut self.outputs, 1);
        self.outputs.push(FoundOutput { id: *id, size, folder });
    }
}

fn below(shard: [u8; 2], name: &[u8]) -> Vec<u8> {
    [&shard[..], b"/", name].concat()
}

/// The ID and the kind (`a` or `d`) that a name stands for.
fn identify(name: &[u8]) -> Result<(Id, u8), StrayKind> {
    if name.len() != 66 || name[64] != b'-' || !matches!(name[65], b'a' | b'd') {
        return Err(StrayKind::Unknown);
    }
    let id = unhex(&name[..64]).ok_or(StrayKind::Unknown)?;
    if name[..64].iter().any(u8::is_ascii_uppercase) {
        return Err(StrayKind::Capitals);
    }
    Ok((id, name[65]))
}
