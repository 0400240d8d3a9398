//! Builds that archives were compiled from, and that no archive of the cache is.

use super::export::Build;
use super::output::OutputMeasurement;
use super::{EntryOf, Id, MAX_EXAMPLES, MAX_STRAYS};
use crate::memory;

/// Of so many builds that archives name, and no more: the first by path and fingerprint.
const MOST_NAMED: usize = 1 << 20;
/// What was written later than this (nanoseconds) before the check began may name what was not yet there
/// when its shard was listed.
const SETTLED_NS: i128 = 2_000_000_000;

/// A build that an archive names and no archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingImport {
    /// An archive that names it: the first by ID.
    pub importer: Id,
    /// The fingerprint that it names.
    pub fingerprint: [u8; 8],
}

/// What the archives of a cache say of the builds that they were compiled from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// How many different ones they name.
    pub named: usize,
    /// How many of those no archive is.
    pub missing: usize,
    /// The first of the missing that are not altered, by their paths' digests.
    pub examples: Vec<MissingImport>,
    /// Those of the missing whose fingerprint is that of another build of the package but for one byte.
    pub altered: Vec<MissingImport>,
}

/// What was noted so far.
#[derive(Debug, Default)]
pub(super) struct Noted {
    built: Vec<Build>,
    /// With the first eight bytes of the first importer's ID.
    named: Vec<(Build, u64)>,
}

impl Noted {
    /// Takes note of an output, where it is an archive; `entries` name it.
    pub fn note(&mut self, measured: &OutputMeasurement, entries: &[(Id, EntryOf)], now_ns: i128) {
        memory::reserve(&mut self.built, measured.builds.own.len());
        self.built.extend(&measured.builds.own);
        let written = measured.file_stat.or(measured.stat).map_or(i128::MAX, |stat| stat.mtime_ns);
        if measured.sha256 == Some(measured.output)
            && !entries.is_empty()
            && written.saturating_add(SETTLED_NS) <= now_ns
        {
            // The linker takes a fingerprint of zero for any.
            let imports = measured.builds.imports.iter().filter(|build| build.fingerprint != 0);
            memory::reserve(&mut self.named, measured.builds.imports.len());
            self.named.extend(imports.map(|build| (*build, beginning(&measured.output))));
            self.trim();
        }
    }

    pub fn merge(&mut self, other: Noted) {
        memory::reserve(&mut self.built, other.built.len());
        self.built.extend(other.built);
        memory::reserve(&mut self.named, other.named.len());
        self.named.extend(other.named);
        self.trim();
    }

    fn trim(&mut self) {
        if self.named.len() >= 2 * MOST_NAMED {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.named.sort_unstable();
        self.named.dedup_by_key(|(build, _)| *build);
        self.named.truncate(MOST_NAMED);
    }

    /// Puts importers and imported together; `outputs` are the IDs of all outputs.
    pub fn join(mut self, outputs: impl Iterator<Item = Id> + Clone) -> Imports {
        self.settle();
        self.built.sort_unstable();
        self.built.dedup();
        memory::need(2 * size_of::<(Build, u64)>() * self.named.len());
        let missing: Vec<(Build, u64)> = self
            .named
            .iter()
            .filter(|(build, _)| self.built.binary_search(build).is_err())
            .copied()
            .collect();
        let whole = |(build, importer): &(Build, u64)| MissingImport {
            importer: outputs.clone().filter(|id| beginning(id) == *importer).min().unwrap_or_default(),
            fingerprint: build.fingerprint.to_be_bytes(),
        };
        let altered = altered(&self.built, &missing);
        let chosen = |which: bool, most: usize| {
            let chosen = missing.iter().zip(&altered).filter(|(_, altered)| **altered == which);
            chosen.take(most).map(|(missing, _)| whole(missing)).collect()
        };
        Imports {
            named: self.named.len(),
            missing: missing.len(),
            examples: chosen(false, MAX_EXAMPLES),
            altered: chosen(true, MAX_STRAYS),
        }
    }
}

/// Which of `missing` differ from one of `built` of the same path in one byte of the fingerprint.
fn altered(built: &[Build], missing: &[(Build, u64)]) -> Vec<bool> {
    memory::need((1 + size_of::<(Build, usize)>()) * missing.len());
    let mut found = vec![false; missing.len()];
    for byte in (0..8).filter(|_| !missing.is_empty()) {
        let without =
            |build: &Build| Build { fingerprint: build.fingerprint & !(0xff << (8 * byte)), ..*build };
        let mut masked: Vec<(Build, usize)> =
            missing.iter().enumerate().map(|(at, (build, _))| (without(build), at)).collect();
        masked.sort_unstable();
        for build in built.iter().map(without) {
            let first = masked.partition_point(|(other, _)| *other < build);
            // At most 255 differ in this byte only.
            for (_, at) in masked[first..].iter().take_while(|(other, _)| *other == build) {
                found[*at] = true;
            }
        }
    }
    found
}

fn beginning(id: &Id) -> u64 {
    u64::from_be_bytes(*id.first_chunk().expect("32 bytes"))
}
