//! Which build of a package an archive is, and which builds of other packages it was compiled from.
//!
//! A build is an import path with the fingerprint that ends the package's export data.  The forms are those
//! of `internal/pkgbits` and `cmd/internal/goobj`.

use std::ops::Range;

use crate::sha256::digest_many;

/// What stands at the beginning of a linker object: magic, fingerprint, flags, where blocks begin.
pub(super) const OBJECT_HEAD: usize = 8 + 8 + 4 + 4 * BLOCKS;
const BLOCKS: usize = 19;
/// A name of an import with its fingerprint takes so many bytes in a linker object.
const IMPORT: usize = 16;
/// The imports of an archive that has more are not looked at, nor those of one whose names are longer, each
/// or together.
const MOST_IMPORTS: usize = 1 << 16;
const LONGEST_NAME: usize = 1 << 16;
const LONGEST_NAMES: usize = 4 << 20;
/// Sections of export data.
const SECTIONS: usize = 10;
const STRINGS: usize = 0;
const META: usize = 1;
const PACKAGES: usize = 3;

/// A build of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Build {
    /// The first eight bytes of the import path's SHA-256.
    pub path: u64,
    /// The fingerprint of its export data.
    pub fingerprint: u64,
}

impl Build {
    fn of(path: &[u8; 32], fingerprint: u64) -> Build {
        Build { path: u64::from_be_bytes(*path.first_chunk().expect("32 bytes")), fingerprint }
    }
}

/// What an archive says of builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Builds {
    /// The package's own: as its export data and as its linker object have it.
    pub own: Vec<Build>,
    /// Those that it was compiled from.
    pub imports: Vec<Build>,
}

impl Builds {
    /// `export` is the export data without its fingerprint; `object` and `imports` come from the linker object.
    pub(super) fn read(export: &[u8], fingerprint: [u8; 8], object: [u8; 8], imports: &Imports) -> Builds {
        let Some(path) = package_path(export) else { return Builds::default() };
        let mut names = vec![path];
        names.extend(imports.iter().map(|(name, _)| name));
        let mut paths = vec![[0; 32]; names.len()];
        digest_many(&names, &mut paths);
        let mut own: Vec<Build> =
            [fingerprint, object].map(|mark| Build::of(&paths[0], u64::from_be_bytes(mark))).to_vec();
        own.dedup();
        let imports =
            imports.iter().zip(&paths[1..]).map(|((_, mark), path)| Build::of(path, mark)).collect();
        Builds { own, imports }
    }
}

/// The names and fingerprints of imports, copied from a linker object.
#[derive(Debug, Default)]
pub(super) struct Imports {
    names: Vec<u8>,
    /// Where a name ends in these, and the fingerprint.
    ends: Vec<(usize, u64)>,
}

impl Imports {
    /// Reads the block of imports; `names` is the beginning of the object, up to the block or less.
    ///
    /// None where it is broken, or where a name lies beyond `names`.
    pub(super) fn read(names: &[u8], block: &[u8]) -> Option<Imports> {
        let mut imports = Imports::default();
        for import in block.chunks_exact(IMPORT) {
            let word =
                |at: usize| u32::from_le_bytes(*import[at..].first_chunk().expect("16 bytes")) as usize;
            let (len, at) = (word(0), word(4));
            if len > LONGEST_NAME || imports.names.len() + len > LONGEST_NAMES {
                return None;
            }
            imports.names.extend_from_slice(names.get(at..at.checked_add(len)?)?);
            let mark = u64::from_be_bytes(*import[8..].first_chunk().expect("16 bytes"));
            imports.ends.push((imports.names.len(), mark));
        }
        Some(imports)
    }

    /// The bytes that it takes, about.
    pub fn len(&self) -> usize {
        self.names.len() + IMPORT * self.ends.len()
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        starts.zip(&self.ends).map(|(start, (end, mark))| (&self.names[start..*end], *mark))
    }
}

/// Where the block of imports lies in a linker object of `len` bytes that begins with `head`; None where
/// its head is broken.
pub(super) fn imports_block(head: &[u8], len: u64) -> Option<Range<usize>> {
    let word = |number: usize| {
        head.get(20 + 4 * number..24 + 4 * number)
            .map(|word| u32::from_le_bytes(*word.first_chunk().expect("four bytes")) as usize)
    };
    let (start, end) = (word(0)?, word(1)?);
    let sound = head.len() >= OBJECT_HEAD
        && start >= OBJECT_HEAD
        && start <= end
        && end as u64 <= len
        && (end - start).is_multiple_of(IMPORT)
        && end - start <= MOST_IMPORTS * IMPORT;
    sound.then_some(start..end)
}

/// The import path of the package whose export data this is, without the fingerprint that ends it; None where
/// it is broken or of a version that is not known.
fn package_path(export: &[u8]) -> Option<&[u8]> {
    let sections_at = match word(export, 0)? {
        0 => 4,
        1 | 2 => 8,
        _ => return None,
    };
    let mut sections = [0; SECTIONS];
    for (number, end) in sections.iter_mut().enumerate() {
        *end = word(export, sections_at + 4 * number)?;
    }
    let ends_at = sections_at + 4 * SECTIONS;
    let content_at = ends_at.checked_add(sections[SECTIONS - 1].checked_mul(4)?)?;
    if !sections.is_sorted() || content_at > export.len() {
        return None;
    }
    let element = |section: usize, number: usize| {
        let index = number.checked_add(if section > 0 { sections[section - 1] } else { 0 })?;
        if index >= sections[section] {
            return None;
        }
        let start = if index > 0 { word(export, ends_at + 4 * (index - 1))? } else { 0 };
        let end = word(export, ends_at + 4 * index)?;
        export[content_at..].get(start..end)
    };
    // The public root names its package first, and a package its path.
    let own = referred(element(META, 0)?, PACKAGES)?;
    let path = element(STRINGS, referred(element(PACKAGES, own)?, STRINGS)?)?;
    (path.len() <= LONGEST_NAME).then_some(path)
}

/// The element of `section` that the first number in an element's own content refers to.
fn referred(element: &[u8], section: usize) -> Option<usize> {
    let mut rest = element;
    let count = uvarint(&mut rest)?;
    let references = rest;
    for _ in 0..count {
        uvarint(&mut rest)?;
        uvarint(&mut rest)?;
    }
    let chosen = uvarint(&mut rest)?;
    if chosen >= count {
        return None;
    }
    let mut rest = references;
    for _ in 0..chosen {
        uvarint(&mut rest)?;
        uvarint(&mut rest)?;
    }
    let kind = uvarint(&mut rest)?;
    let index = uvarint(&mut rest)?;
    (kind == section as u64).then(|| usize::try_from(index).ok())?
}

/// The little-endian number of four bytes at `at`.
fn word(content: &[u8], at: usize) -> Option<usize> {
    let word = content.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(*word.first_chunk().expect("four bytes")) as usize)
}

/// Takes a number off the beginning; None where it is broken or over 63 bits.
fn uvarint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
