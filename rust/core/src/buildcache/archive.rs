//! Archives of Go's compiler: the build ID, and what the archive says of its own content.
//!
//! The form is that of `cmd/internal/archive`, `cmd/internal/goobj` and `internal/pkgbits`.

use std::ops::Range;

use md5::{Digest as _, Md5};
use memchr::memmem;

use super::OutputFlaw;
use super::export::{Builds, Imports, OBJECT_HEAD, imports_block};
use crate::readat::{ReadAt, read_full_at};
use crate::sha256::Digest;

pub(super) const MAGIC: &[u8] = b"!<arch>\n";
const PKGDEF: &[u8] = b"__.PKGDEF";
const HEADER: usize = 60;
/// Characters of one part of a build ID, and the bytes of a digest that they stand for.
pub(super) const PART: usize = 20;
const PART_BYTES: usize = 15;
const GOOBJ_MAGIC: &[u8] = b"\0go120ld";
/// Before the export data, behind it, and before the linker's object.
const EXPORT: &[u8] = b"\n$$B\n";
const EXPORT_END: &[u8] = b"\n$$\n";
const OBJECT: &[u8] = b"\n!\n";

/// What an archive says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Empty where there is none.
    pub build_id: Vec<u8>,
    /// Flaws that show without SHA-256: those of the form, and of the fingerprints of Go 1.21 to 1.23.
    pub flaws: Vec<OutputFlaw>,
    /// Export data of Go 1.24 and later, whose SHA-256 begins with the eight bytes behind it.
    pub export: Option<Range<usize>>,
    /// Which build it is, and those that it was compiled from.
    pub builds: Builds,
}

/// Reads a whole archive.  One that is not Go's compiler's has neither a build ID nor flaws.
pub fn read_archive(content: &[u8]) -> Archive {
    let mut archive = Archive::default();
    if !is_go(content) {
        return archive;
    }
    let definition = member(content, MAGIC.len(), content.len() as u64);
    let build_id = definition.as_ref().and_then(|range| build_id(&content[range.clone()]));
    let (Some(definition), Some(build_id)) = (definition, build_id) else {
        archive.flaws.push(OutputFlaw::ArchiveFormat);
        return archive;
    };
    archive.build_id = build_id.to_vec();
    let Some(export) = export_data(content, &definition) else { return archive };
    let hashed = export.start..export.end - 8;
    let fingerprint = &content[hashed.end..export.end];
    let version = u32::from_le_bytes([0, 1, 2, 3].map(|at| content[export.start + at]));
    // internal/pkgbits.Encoder.Fingerprint: MD5 before version 2.
    if version >= 2 {
        archive.export = Some(hashed.clone());
    } else if Md5::digest(&content[hashed.clone()])[..8] != *fingerprint {
        archive.flaws.push(OutputFlaw::ExportFingerprint);
    }
    let fingerprint: &[u8; 8] = fingerprint.first_chunk().expect("eight bytes");
    let (mut own, mut imports) = (*fingerprint, None);
    if let Some(object) = member(content, definition.end + definition.end % 2, content.len() as u64)
        && let Some(mark) = memmem::find(&content[object.clone()], OBJECT)
    {
        let at = object.start + mark + OBJECT.len();
        let rest = &content[at..];
        if rest.starts_with(GOOBJ_MAGIC) {
            own = rest[8..].first_chunk().copied().unwrap_or_default();
            if rest[8..rest.len().min(16)] != *fingerprint {
                archive.flaws.push(OutputFlaw::ObjectFingerprint);
            }
            let object = &content[at..object.end];
            imports = imports_block(&object[..object.len().min(OBJECT_HEAD)], object.len() as u64)
                .and_then(|block| Imports::read(&object[..block.start], &object[block]));
        }
    }
    archive.builds = Builds::read(&content[hashed], *fingerprint, own, &imports.unwrap_or_default());
    archive
}

/// Whether an archive is of Go's compiler.
pub(super) fn is_go(content: &[u8]) -> bool {
    content.get(MAGIC.len()..).is_some_and(|rest| rest.starts_with(PKGDEF))
}

/// What there is to know of an archive before its content is read from one end to the other.
#[derive(Debug)]
pub(super) struct Plan {
    pub build_id: Vec<u8>,
    /// Export data without the fingerprint that follows it.
    pub export: Range<u64>,
    pub fingerprint: [u8; 8],
    /// `internal/pkgbits.Encoder.Fingerprint`: MD5 before version 2, and SHA-256 since.
    pub md5: bool,
    /// The linker object's copy of it.
    pub own: [u8; 8],
    /// Where the linker object tells of imports.
    pub imports: Option<ImportsAt>,
}

/// Where a linker object tells of imports.
#[derive(Debug)]
pub(super) struct ImportsAt {
    /// The block with where each name lies, and the fingerprints.
    pub block: Range<u64>,
    /// The beginning of the object, with the names.
    pub names: Vec<u8>,
    /// Whether this ends before the block begins.
    pub cut: bool,
}

/// Read from the end of the export data on: the end of the package's definition, and the linker object's
/// head.
const BEFORE_END: u64 = 1 << 10;
const BEHIND_END: usize = 16 << 10;
/// A longer build ID, or longer export data, is left to [`read_archive`].
const LONG_ID: usize = 256;
const LONG_EXPORT: u64 = 2 << 20;

/// Looks at the places of an archive of `size` bytes where Go's compiler puts what is to be checked;
/// `head` is its beginning.
///
/// None where something is not as expected, though it may be well: whoever asks then reads the archive
/// whole.
pub(super) fn plan<R: ReadAt + ?Sized>(source: &R, head: &[u8], size: u64) -> Option<Plan> {
    let definition = member(head, MAGIC.len(), size)?;
    let start = definition.start;
    let beginning = &head[start..head.len().min(definition.end)];
    let build_id = build_id(beginning)?;
    let mark = start + memmem::find(beginning, EXPORT)? + EXPORT.len();
    let begin = mark as u64 + 1;
    let version = head.get(mark + 1..mark + 5)?;
    if head[mark] != b'u' || build_id.is_empty() || build_id.len() > LONG_ID {
        return None;
    }

    let from = begin.max((definition.end as u64).saturating_sub(BEFORE_END));
    let end = usize::try_from((definition.end as u64).checked_sub(from)?).ok()?;
    let mut window = vec![0; end + BEHIND_END];
    let len = read_full_at(source, &mut window, from).ok()?;
    let window = &window[..len];
    let last = memmem::rfind(window.get(..end)?, EXPORT_END)?;
    let fingerprint = window[..last].last_chunk()?;
    let export = begin..from + last as u64 - 8;
    if export.end < begin + 4 || export.end - begin > LONG_EXPORT {
        return None;
    }

    let (mut own, mut imports) = (*fingerprint, None);
    if let Some(object) = member(window, end + definition.end % 2, size - from) {
        let within = &window[object.start..object.end.min(window.len())];
        let at = object.start + memmem::find(within, OBJECT)? + OBJECT.len();
        if let Some(copy) = window[at..].get(..16)?.strip_prefix(GOOBJ_MAGIC) {
            own = *copy.first_chunk()?;
            let len = object.end - at;
            let rest = &window[at..object.end.min(window.len())];
            if let Some(block) = imports_block(rest.get(..OBJECT_HEAD.min(len))?, len as u64) {
                let names = &rest[..rest.len().min(block.start)];
                let origin = from + at as u64;
                imports = Some(ImportsAt {
                    cut: names.len() < block.start,
                    names: names.to_vec(),
                    block: origin + block.start as u64..origin + block.end as u64,
                });
            }
        }
    }
    Some(Plan {
        build_id: build_id.to_vec(),
        export,
        fingerprint: *fingerprint,
        md5: u32::from_le_bytes(*version.first_chunk()?) < 2,
        own,
        imports,
    })
}

/// `content` with each `build_id` in it zeroed: what `buildid.FindAndHash` hashes.
pub(super) fn zeroed(content: &[u8], build_id: &[u8], into: &mut Vec<u8>) -> Range<usize> {
    let start = into.len();
    into.extend_from_slice(content);
    let copy = &mut into[start..];
    // Found in the content, because Python's bytes.replace and Go look for the next one behind the last.
    for at in memmem::find_iter(content, build_id) {
        copy[at..at + build_id.len()].fill(0);
    }
    start..into.len()
}

/// `buildid.HashToString`: 15 bytes in base64url.
pub(super) fn short(digest: &Digest) -> [u8; PART] {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = [0; PART];
    for (out, three) in text.chunks_exact_mut(4).zip(digest[..PART_BYTES].chunks_exact(3)) {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for (digit, shift) in out.iter_mut().zip([18, 12, 6, 0]) {
            *digit = DIGITS[(bits >> shift & 63) as usize];
        }
    }
    text
}

/// Where the content of the member lies whose header is at `at` of a file of `size` bytes that begins with
/// `content`; None where it is broken.
fn member(content: &[u8], at: usize, size: u64) -> Option<Range<usize>> {
    let header = content.get(at..at.checked_add(HEADER)?)?;
    let blanks = header[48..58].iter().rev().take_while(|&&byte| byte == b' ').count();
    let digits = &header[48..58 - blanks];
    if header[58..] != *b"`\n" || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let own = digits.iter().fold(0u64, |size, digit| size * 10 + u64::from(digit - b'0'));
    let start = at + HEADER;
    let end = start.checked_add(usize::try_from(own).ok()?)?;
    (end as u64 <= size).then_some(start..end)
}

/// The build ID in the second line of `__.PKGDEF`.
fn build_id(definition: &[u8]) -> Option<&[u8]> {
    let rest = definition.strip_prefix(b"go object ")?;
    let rest = &rest[memchr::memchr(b'\n', rest)? + 1..];
    let rest = rest.strip_prefix(b"build id \"")?;
    let len = rest.iter().take_while(|&&byte| byte.is_ascii_alphanumeric() || b"_/-".contains(&byte)).count();
    rest[len..].starts_with(b"\"\n").then_some(&rest[..len])
}

/// Unified export data with its fingerprint; None where there is none.
fn export_data(content: &[u8], definition: &Range<usize>) -> Option<Range<usize>> {
    let mark = definition.start + memmem::find(&content[definition.clone()], EXPORT)?;
    if content.get(mark + 5) != Some(&b'u') {
        return None;
    }
    let begin = mark + 6;
    let last = begin + memmem::rfind(content.get(begin..definition.end)?, EXPORT_END)?;
    (last >= begin + 12).then_some(begin..last)
}
