//! Reading a chunk: each content once, and each hashed once where zip and tree agree.

use std::fs::File;
use std::ops::Range;
use std::sync::PoisonError;

use super::plan::{LONG, Plan, Unit};
use super::stream::{hash_rest, stream};
use crate::fault::FaultCode;
use crate::inflate::{Inflater, OUTPUT_SLACK};
use crate::readat::read_full_at;
use crate::sha256::{self, Digest};
use crate::stat::FileStat;
use crate::tree::{self, Listing, Root};
use crate::zip::{Archive, Span, content_of};

/// What has been found of one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Of the entry; None where the unit has none.
    pub zip: Option<Result<Digest, FaultCode>>,
    /// Of the tree's file; None where the unit has none.
    pub tree: Option<Result<Digest, FaultCode>>,
    /// Of the tree's file.
    pub stat: Option<FileStat>,
}

/// SHA-256 of nothing: the content of every directory entry.
const EMPTY: Digest = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// What a thread keeps from chunk to chunk.
#[derive(Default)]
pub struct Scratch {
    /// The zip's bytes of a chunk.
    span: Vec<u8>,
    /// Compressed data that is not in the span.
    spare: Vec<u8>,
    /// A file of the tree that is compared.
    file: Vec<u8>,
    /// For what is read in windows.
    pub(crate) window: Vec<u8>,
    inflater: Inflater,
    batch: Batch,
}

/// Contents that wait to be hashed together.
#[derive(Default)]
struct Batch {
    contents: Vec<u8>,
    used: usize,
    waiting: Vec<Waiting>,
}

struct Waiting {
    content: Range<usize>,
    outcome: usize,
    zip: bool,
    tree: bool,
}

/// Contents of so many bytes are hashed together.
const BATCH: usize = 1 << 20;

impl Batch {
    /// Room for a content of `size` bytes; hashes those that wait if there is not enough.
    fn room(&mut self, size: usize, outcomes: &mut [Outcome]) -> &mut [u8] {
        if self.used > 0 && self.used + size > BATCH {
            self.hash(outcomes);
        }
        if self.contents.len() < self.used + size {
            self.contents.resize((self.used + size).max(BATCH), 0);
        }
        &mut self.contents[self.used..self.used + size]
    }

    /// Takes the first `size` bytes of the room for a content that waits.
    fn keep(&mut self, size: usize, outcome: usize, zip: bool, tree: bool) {
        let content = self.used..self.used + size;
        self.used += size;
        self.waiting.push(Waiting { content, outcome, zip, tree });
    }

    fn hash(&mut self, outcomes: &mut [Outcome]) {
        let contents: Vec<&[u8]> =
            self.waiting.iter().map(|waiting| &self.contents[waiting.content.clone()]).collect();
        let mut digests = vec![[0; 32]; contents.len()];
        sha256::digest_many(&contents, &mut digests);
        for (waiting, digest) in self.waiting.drain(..).zip(digests) {
            let outcome = &mut outcomes[waiting.outcome];
            if waiting.zip {
                outcome.zip = Some(Ok(digest));
            }
            if waiting.tree {
                outcome.tree = Some(Ok(digest));
            }
        }
        self.used = 0;
    }
}

impl Plan {
    /// Reads a chunk.  True where it was the last of the module; false also where it was stopped.
    pub(crate) fn run_chunk(&self, chunk: usize, scratch: &mut Scratch, stopped: &dyn Fn() -> bool) -> bool {
        let units = &self.units[self.chunks[chunk].clone()];
        let span = self.span(units).map_or(0, |(start, len)| {
            scratch.span.resize(scratch.span.len().max(len), 0);
            let read = self
                .archive()
                .map_or(Ok(0), |archive| read_full_at(&archive.source, &mut scratch.span[..len], start));
            // An error here comes again, and is told, for each entry that is read by itself.
            read.unwrap_or(0)
        });
        let span =
            Span { start: self.span(units).map_or(0, |(start, _)| start), bytes: &scratch.span[..span] };
        // A chunk that was stopped, or that panicked, may have left something.
        scratch.batch.waiting.clear();
        scratch.batch.used = 0;
        let mut reader = Reader {
            archive: self.archive(),
            tree: self.tree.as_ref().and_then(|tree| Some((tree.root.as_ref().ok()?, &tree.listing))),
            span,
            spare: &mut scratch.spare,
            file: &mut scratch.file,
            window: &mut scratch.window,
            inflater: &mut scratch.inflater,
            batch: &mut scratch.batch,
            outcomes: vec![Outcome::default(); units.len()],
            tree_bytes: 0,
            stopped,
        };
        for (at, unit) in units.iter().enumerate() {
            if stopped() {
                return false;
            }
            reader.read(at, *unit);
        }
        reader.batch.hash(&mut reader.outcomes);
        let Reader { outcomes, tree_bytes, .. } = reader;
        if stopped() {
            return false;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.outcomes[chunk] = outcomes;
        found.tree_bytes += tree_bytes;
        found.left -= 1;
        found.left == 0
    }
}

struct Reader<'a> {
    archive: Option<&'a Archive<File>>,
    tree: Option<(&'a Root, &'a Listing)>,
    span: Span<'a>,
    spare: &'a mut Vec<u8>,
    file: &'a mut Vec<u8>,
    window: &'a mut Vec<u8>,
    inflater: &'a mut Inflater,
    batch: &'a mut Batch,
    outcomes: Vec<Outcome>,
    tree_bytes: u64,
    stopped: &'a dyn Fn() -> bool,
}

impl Reader<'_> {
    fn read(&mut self, at: usize, unit: Unit) {
        if let (Some(archive), Some(number)) = (self.archive, unit.entry) {
            let entry = &archive.entries()[number as usize];
            match archive.extent(entry, self.span) {
                Err(code) => self.outcomes[at].zip = Some(Err(code)),
                Ok(None) => self.outcomes[at].zip = Some(Ok(EMPTY)),
                Ok(Some(extent)) if entry.uncompressed > LONG || extent.len() > LONG => {
                    let mut file = unit.file.and_then(|file| self.open(at, file));
                    let streamed = stream(
                        archive,
                        entry,
                        extent,
                        file.as_mut(),
                        self.inflater,
                        [&mut *self.spare, &mut *self.window, &mut *self.file],
                        self.stopped,
                    );
                    self.outcomes[at].zip = Some(streamed.zip);
                    if file.is_some() {
                        self.outcomes[at].tree = Some(streamed.tree);
                        self.tree_bytes += streamed.tree_bytes;
                    }
                    return;
                }
                Ok(Some(extent)) => {
                    let size = entry.uncompressed as usize;
                    let content = self.batch.room(size + OUTPUT_SLACK, &mut self.outcomes);
                    match content_of(archive, entry, &extent, self.span, self.spare, self.inflater, content) {
                        Err(code) => self.outcomes[at].zip = Some(Err(code)),
                        Ok(()) => return self.compare(at, size, unit.file),
                    }
                }
            }
        }
        if let Some(file) = unit.file {
            self.hash_file(at, file);
        }
    }

    /// Compares the content of `size` bytes in the batch's room with the tree's file.
    fn compare(&mut self, at: usize, size: usize, file: Option<u32>) {
        let (Some(number), Some((root, listing))) = (file, self.tree) else {
            return self.batch.keep(size, at, true, false);
        };
        let file = &listing.files()[number as usize];
        let read = tree::open_and_read(root, listing.c_path(file), file.kind, self.file, 0, LONG as usize);
        let same = match read {
            Err((code, stat)) => {
                self.outcomes[at].tree = Some(Err(code));
                self.outcomes[at].stat = stat;
                false
            }
            Ok(opened) => {
                self.outcomes[at].stat = Some(opened.stat);
                self.tree_bytes += opened.len as u64;
                let read = &self.file[..opened.len];
                let content = &self.batch.contents[self.batch.used..self.batch.used + size];
                let same = opened.rest.is_none() && read == content;
                if !same {
                    let mut hasher = sha256::Hasher::new();
                    hasher.update(read);
                    self.outcomes[at].tree = Some(match opened.rest {
                        Some(rest) => {
                            hash_rest(hasher, &rest, self.window, &mut self.tree_bytes, self.stopped)
                        }
                        None => Ok(hasher.finish()),
                    });
                }
                same
            }
        };
        self.batch.keep(size, at, true, same);
    }

    /// Opens the tree's file that is to be read in windows, or notes why it cannot be.
    fn open(&mut self, at: usize, number: u32) -> Option<File> {
        let (root, listing) = self.tree?;
        let file = &listing.files()[number as usize];
        match tree::open(root, listing.c_path(file), file.kind) {
            Ok((file, _, stat)) => {
                self.outcomes[at].stat = Some(stat);
                Some(file)
            }
            Err((code, stat)) => {
                self.outcomes[at].tree = Some(Err(code));
                self.outcomes[at].stat = stat;
                None
            }
        }
    }

    /// Hashes a file of the tree that has nothing to be compared with.
    fn hash_file(&mut self, at: usize, number: u32) {
        let Some((root, listing)) = self.tree else { return };
        let file = &listing.files()[number as usize];
        if self.batch.used >= BATCH {
            self.batch.hash(&mut self.outcomes);
        }
        let Batch { contents, used, .. } = &mut *self.batch;
        match tree::open_and_read(root, listing.c_path(file), file.kind, contents, *used, LONG as usize) {
            Err((code, stat)) => {
                self.outcomes[at].tree = Some(Err(code));
                self.outcomes[at].stat = stat;
            }
            Ok(opened) => {
                self.outcomes[at].stat = Some(opened.stat);
                self.tree_bytes += opened.len as u64;
                match opened.rest {
                    None => self.batch.keep(opened.len, at, false, true),
                    Some(rest) => {
                        let mut hasher = sha256::Hasher::new();
                        hasher.update(&contents[*used..*used + opened.len]);
                        let digest =
                            hash_rest(hasher, &rest, self.window, &mut self.tree_bytes, self.stopped);
                        self.outcomes[at].tree = Some(digest);
                    }
                }
            }
        }
    }
}
