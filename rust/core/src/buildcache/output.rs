//! Outputs: `xx/ID-d`, a file, or a folder with an executable in it.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::ops::Range;

use super::archive::{self, short, zeroed};
use super::entry::{no_file, path};
use super::export::Builds;
use super::{EntryOf, Id, MAX_OUTPUT_BYTES, MAX_WHOLE_BYTES};
use crate::fault::{Fault, FaultCode};
use crate::sha256::{Digest, Hasher, digest_many};
use crate::stat::FileStat;
use crate::timings::{self, Stage};
use crate::tree::{Root, read_more};

/// What the first bytes of an output say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub enum OutputKind {
    Archive,
    Executable,
    Index,
    Facts,
    Report,
    TestLog,
    Profile,
    CoverMeta,
    PgoProfile,
    Empty,
    Other,
}

impl OutputKind {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            OutputKind::Archive => "archive",
            OutputKind::Executable => "executable",
            OutputKind::Index => "index",
            OutputKind::Facts => "facts",
            OutputKind::Report => "report",
            OutputKind::TestLog => "test-log",
            OutputKind::Profile => "profile",
            OutputKind::CoverMeta => "cover-meta",
            OutputKind::PgoProfile => "pgo-profile",
            OutputKind::Empty => "empty",
            OutputKind::Other => "other",
        }
    }

    pub(super) fn of(content: &[u8]) -> OutputKind {
        const KINDS: [(&[u8], OutputKind); 15] = [
            (archive::MAGIC, OutputKind::Archive),
            (b"\x7fELF", OutputKind::Executable),
            (b"MZ", OutputKind::Executable),
            (b"\0asm", OutputKind::Executable),
            (b"\xfe\xed\xfa\xce", OutputKind::Executable),
            (b"\xfe\xed\xfa\xcf", OutputKind::Executable),
            (b"\xce\xfa\xed\xfe", OutputKind::Executable),
            (b"\xcf\xfa\xed\xfe", OutputKind::Executable),
            (b"go index v", OutputKind::Index),
            // gob: the type of a slice of facts.
            (b"\x0d\xff\x81\x02\x01\x02\xff\x82\x00\x01\xff\x80\x00\x00", OutputKind::Facts),
            (b"{", OutputKind::Report),
            (b"# test log\n", OutputKind::TestLog),
            (b"mode: ", OutputKind::Profile),
            (b"\0cvm", OutputKind::CoverMeta),
            (b"GO PREPROFILE V1\n", OutputKind::PgoProfile),
        ];
        if content.is_empty() {
            return OutputKind::Empty;
        }
        let known = KINDS.iter().find(|(magic, _)| content.starts_with(magic));
        known.map_or(OutputKind::Other, |(_, kind)| *kind)
    }
}

/// What is wrong with an output beside its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // protocol: fastverify/engine/buildcache.py
pub enum OutputFlaw {
    FolderEmpty,
    FolderCrowded,
    NotExecutable,
    ArchiveFormat,
    ContentId,
    ExportFingerprint,
    ObjectFingerprint,
    IndexFormat,
}

impl OutputFlaw {
    /// The word that the Python package has for it.
    pub fn name(self) -> &'static str {
        match self {
            OutputFlaw::FolderEmpty => "folder-empty",
            OutputFlaw::FolderCrowded => "folder-crowded",
            OutputFlaw::NotExecutable => "not-executable",
            OutputFlaw::ArchiveFormat => "archive-format",
            OutputFlaw::ContentId => "content-id",
            OutputFlaw::ExportFingerprint => "export-fingerprint",
            OutputFlaw::ObjectFingerprint => "object-fingerprint",
            OutputFlaw::IndexFormat => "index-format",
        }
    }
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputMeasurement {
    /// From the name.
    pub output: Id,
    /// Of `xx/ID-d` itself.
    pub stat: Option<FileStat>,
    /// In the folder of an executable: the file's name.
    pub file: Vec<u8>,
    /// In the folder of an executable: what lstat says of the file.
    pub file_stat: Option<FileStat>,
    /// Why the content could not be read.
    pub fault: Option<Fault>,
    /// Bytes of content read.
    pub size: u64,
    /// Of the content.
    pub sha256: Option<Digest>,
    /// By its first bytes.
    pub kind: OutputKind,
    /// Of an archive, as it stands there.
    pub build_id: Vec<u8>,
    /// What is wrong with it beside its hash.
    pub flaws: Vec<OutputFlaw>,
    /// Of an archive: which build it is, and those that it was compiled from.
    pub builds: Builds,
}

impl OutputMeasurement {
    pub(super) fn new(output: &Id) -> OutputMeasurement {
        OutputMeasurement {
            output: *output,
            stat: None,
            file: Vec::new(),
            file_stat: None,
            fault: None,
            size: 0,
            sha256: None,
            kind: OutputKind::Other,
            build_id: Vec::new(),
            flaws: Vec::new(),
            builds: Builds::default(),
        }
    }

    /// Whether it went away before it could be looked at.
    pub(super) fn is_absent(&self) -> bool {
        const ENOENT: i32 = 2;
        let absent = Fault { code: FaultCode::Os(ENOENT), name: Vec::new() };
        self.stat.is_none() && self.fault.as_ref() == Some(&absent)
    }

    /// Whether it is told of whatever its entries say.
    pub(super) fn is_told(&self) -> bool {
        use OutputKind::{CoverMeta, Executable, Facts, PgoProfile, Profile, Report, TestLog};
        self.fault.is_some()
            || !self.flaws.is_empty()
            || self.sha256 != Some(self.output)
            || matches!(self.kind, Executable | Facts | Report | TestLog | Profile | CoverMeta | PgoProfile)
    }

    /// Whether it is what the entry says: of its size, and built by its action.
    pub(super) fn fits(&self, entry: &EntryOf) -> bool {
        self.sha256.is_none()
            || (self.size == entry.size
                && (self.build_id.is_empty()
                    || self.build_id[..self.build_id.len().min(archive::PART)] == short(&entry.action)))
    }
}

/// Buffers that go from one batch to the next.
#[derive(Default)]
pub struct Scratch {
    contents: Buffer,
    zeroed: Vec<u8>,
}

/// Contents one behind the other.  What is beyond `used` is left from before, so that nothing is zeroed
/// only to be read over.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    used: usize,
}

impl Buffer {
    /// Room for `len` bytes more.
    fn room(&mut self, len: usize) -> &mut [u8] {
        let end = self.used + len;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.used..end]
    }
}

/// Buffers that have grown beyond this are given back after a batch.
const KEPT: usize = 24 << 20;
/// Read at once of what is not read whole.
const WINDOW: usize = 1 << 20;

/// A content that has been read, or hashed on the way.
enum Content {
    Whole(Range<usize>),
    Hashed { size: u64, digest: Digest, kind: OutputKind },
}

/// An output as an error has it.
pub(super) fn unread(id: &Id, code: FaultCode) -> OutputMeasurement {
    OutputMeasurement { fault: Some(code.whole()), ..OutputMeasurement::new(id) }
}

/// Reads the outputs with these IDs, all that are short at once; those that are left out when `stopped`
/// are not among the answers.
pub(super) fn read_outputs(
    root: &Root,
    ids: &[Id],
    scratch: &mut Scratch,
    stopped: &dyn Fn() -> bool,
) -> Vec<OutputMeasurement> {
    scratch.contents.used = 0;
    scratch.zeroed.clear();
    let mut read: Vec<(OutputMeasurement, Option<Content>)> = Vec::with_capacity(ids.len());
    for id in ids {
        if stopped() {
            break;
        }
        let mut measured = OutputMeasurement::new(id);
        let content = match load(root, &mut measured, &mut scratch.contents, stopped) {
            Ok(content) => content,
            Err(code) => {
                measured.fault = Some(code.of(&measured.file));
                measured.flaws.clear();
                None
            }
        };
        read.push((measured, content));
    }
    timings::lap(Stage::ReadFile);
    finish(&mut read, scratch);
    timings::lap(Stage::Hash);
    if scratch.contents.bytes.len() > KEPT || scratch.zeroed.capacity() > KEPT {
        *scratch = Scratch::default();
    }
    read.into_iter().map(|(measured, _)| measured).collect()
}

/// As [`read_outputs`] for a content in memory.
pub(super) fn measure_whole(output: &Id, content: &[u8]) -> OutputMeasurement {
    let mut scratch = Scratch::default();
    scratch.contents.room(content.len()).copy_from_slice(content);
    let mut read = [(OutputMeasurement::new(output), Some(Content::Whole(0..content.len())))];
    finish(&mut read, &mut scratch);
    let [(measured, _)] = read;
    measured
}

/// What is hashed of an output beside its content.
#[derive(Default)]
struct Parts {
    /// An archive with its build ID zeroed, in the second buffer.
    zeroed: Option<Range<usize>>,
    /// Export data, in the content.
    export: Option<Range<usize>>,
}

/// Hashes what was read whole, and looks into it.
fn finish(read: &mut [(OutputMeasurement, Option<Content>)], scratch: &mut Scratch) {
    let mut all: Vec<Parts> = Vec::with_capacity(read.len());
    for (measured, content) in read.iter_mut() {
        all.push(match content {
            Some(Content::Whole(range)) => {
                look(measured, &scratch.contents.bytes[range.clone()], &mut scratch.zeroed)
            }
            Some(Content::Hashed { size, digest, kind }) => {
                (measured.size, measured.sha256, measured.kind) = (*size, Some(*digest), *kind);
                Parts::default()
            }
            None => Parts::default(),
        });
    }
    // Everything in one call, so that no lane of the hash is idle.
    let mut messages: Vec<&[u8]> = Vec::with_capacity(3 * read.len());
    for ((_, content), parts) in read.iter().zip(&all) {
        if let Some(Content::Whole(range)) = content {
            let whole = &scratch.contents.bytes[range.clone()];
            messages.push(whole);
            messages.extend(parts.zeroed.clone().map(|range| &scratch.zeroed[range]));
            messages.extend(parts.export.clone().map(|range| &whole[range]));
        }
    }
    let mut digests = vec![[0; 32]; messages.len()];
    digest_many(&messages, &mut digests);
    let mut digests = digests.into_iter();
    for ((measured, content), parts) in read.iter_mut().zip(all) {
        let Some(Content::Whole(range)) = content else { continue };
        measured.sha256 = digests.next();
        // Behind the flaw of the file, before that of the object.
        let at = usize::from(measured.flaws.first() == Some(&OutputFlaw::NotExecutable));
        let mut flaws = measured.flaws.split_off(at);
        if parts.zeroed.is_some() {
            let digest = digests.next().expect("one digest for each message");
            let last = measured.build_id.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            if last != short(&digest) {
                measured.flaws.push(OutputFlaw::ContentId);
            }
        }
        if let Some(export) = parts.export {
            let digest = digests.next().expect("one digest for each message");
            if digest[..8] != scratch.contents.bytes[range.start + export.end..][..8] {
                measured.flaws.push(OutputFlaw::ExportFingerprint);
            }
        }
        measured.flaws.append(&mut flaws);
    }
}

/// Looks into what was read whole; says what else of it is to be hashed.
fn look(measured: &mut OutputMeasurement, whole: &[u8], copies: &mut Vec<u8>) -> Parts {
    measured.size = whole.len() as u64;
    measured.kind = OutputKind::of(whole);
    let mut parts = Parts::default();
    if measured.kind == OutputKind::Archive {
        let archive = archive::read_archive(whole);
        if !archive.build_id.is_empty() {
            parts.zeroed = Some(zeroed(whole, &archive.build_id, copies));
        }
        parts.export = archive.export;
        measured.build_id = archive.build_id;
        measured.builds = archive.builds;
        measured.flaws.extend(archive.flaws);
    } else if measured.kind == OutputKind::Index && !is_whole_index(whole) {
        measured.flaws.push(OutputFlaw::IndexFormat);
    }
    parts
}

/// Opens an output and reads it: whole at the end of `contents`, or piece by piece.
fn load(
    root: &Root,
    measured: &mut OutputMeasurement,
    contents: &mut Buffer,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<Content>, FaultCode> {
    match open(root, measured)? {
        Some((file, stat)) => read(&file, stat.size, contents, stopped).map(Some),
        None => Ok(None),
    }
}

/// Opens an output, or the only file in its folder, where there is one.
pub(super) fn open(
    root: &Root,
    measured: &mut OutputMeasurement,
) -> Result<Option<(File, FileStat)>, FaultCode> {
    let mut place: CString = path(&measured.output, b'd');
    let mut stat = root.lstat(&place)?;
    measured.stat = Some(stat);
    if stat.is_directory() {
        let (count, name) = only_name(root, &place)?;
        if count != 1 {
            measured.flaws.push(if count == 0 { OutputFlaw::FolderEmpty } else { OutputFlaw::FolderCrowded });
            return Ok(None);
        }
        place = joined(&place, &name);
        measured.file = name;
        stat = root.lstat(&place)?;
        measured.file_stat = Some(stat);
        if cfg!(unix) && stat.is_regular() && stat.mode & 0o111 == 0 {
            measured.flaws.push(OutputFlaw::NotExecutable);
        }
    }
    if let Some(code) = no_file(&stat) {
        return Err(code);
    }
    root.open_file(&place).map(Some)
}

fn read(
    file: &File,
    size: u64,
    contents: &mut Buffer,
    stopped: &dyn Fn() -> bool,
) -> Result<Content, FaultCode> {
    if size > MAX_OUTPUT_BYTES {
        return Err(FaultCode::TooLarge);
    }
    let mut hasher = Hasher::new();
    let mut length = 0;
    let mut kind = None;
    if size <= MAX_WHOLE_BYTES {
        // One byte more than there should be: that it stays away says that the file has ended.
        let room = contents.room(size as usize + 1);
        let len = read_more(file, room)?;
        if len < room.len() {
            let start = contents.used;
            contents.used += len;
            return Ok(Content::Whole(start..start + len));
        }
        hasher.update(room);
        kind = Some(OutputKind::of(room));
        length = len as u64;
    }
    let window = contents.room(WINDOW);
    while !stopped() {
        let len = read_more(file, window)?;
        if len == 0 {
            break;
        }
        let piece = &window[..len];
        kind = kind.or_else(|| Some(OutputKind::of(piece)));
        hasher.update(piece);
        length += len as u64;
        if length > MAX_OUTPUT_BYTES {
            return Err(FaultCode::TooLarge);
        }
    }
    Ok(Content::Hashed { size: length, digest: hasher.finish(), kind: kind.unwrap_or(OutputKind::Empty) })
}

/// How many names are in a folder (two stand for more), and the first.
pub(super) fn only_name(root: &Root, folder: &CStr) -> Result<(usize, Vec<u8>), FaultCode> {
    let (mut count, mut first) = (0, Vec::new());
    root.list(folder, &mut Vec::with_capacity(4096), &mut |name, _| {
        count += 1;
        if count == 1 {
            first = name.to_vec();
        }
    })?;
    Ok((count.min(2), first))
}

pub(super) fn joined(folder: &CStr, name: &[u8]) -> CString {
    CString::new([folder.to_bytes(), b"/", name].concat()).expect("a name has no NUL")
}

/// Whether the frame of a module index is whole (`fromBytes` in `cmd/go/internal/modindex/read.go`).
///
/// Only version 2 is known, which Go 1.20 and later write; others pass.
pub fn is_whole_index(content: &[u8]) -> bool {
    if !content.starts_with(b"go index v2\n") {
        return true;
    }
    let Some(&[a, b, c, d]) = content.get(12..16) else { return false };
    let strings = u32::from_le_bytes([a, b, c, d]) as usize;
    strings >= 16 && content.get(strings) == Some(&0) && content.last() == Some(&0xff)
}
