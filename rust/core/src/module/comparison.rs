//! What is done with the content of a long entry: its CRC, comparing it with the tree's
//! file, and hashing it.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use crc32fast::Hasher as Crc;

use super::stream::{Streamed, hash_rest};
use crate::fault::FaultCode;
use crate::readat::read_full_at;
use crate::sha256::Hasher;
use crate::timings::{self, Stage};

/// Takes the content of an entry piece by piece.  While entry and file are equal they are hashed once; at
/// the first difference the state is cloned, and each is hashed for itself.
pub(super) struct Comparison {
    /// The tree's file, if there is one.
    file: Option<Arc<File>>,
    crc: Crc,
    hasher: Hasher,
    /// The tree's own state, from where it differs; an error ends it.
    tree: Option<Result<Hasher, FaultCode>>,
    tree_bytes: u64,
    /// The file's piece.
    other: Vec<u8>,
}

/// Whether the `file` has this `content` at `offset`.  `other` is used to read it.
pub(super) fn is_same(
    file: &File,
    offset: u64,
    content: &[u8],
    other: &mut Vec<u8>,
) -> Result<bool, FaultCode> {
    other.resize(other.len().max(content.len()), 0);
    let read = read_full_at(file, &mut other[..content.len()], offset);
    timings::lap(Stage::ReadFile);
    let same = read.map(|n| *content == other[..n]);
    timings::lap(Stage::Compare);
    same
}

impl Comparison {
    pub(super) fn new(file: Option<Arc<File>>) -> Comparison {
        Comparison {
            file,
            crc: Crc::new(),
            hasher: Hasher::new(),
            tree: None,
            tree_bytes: 0,
            other: Vec::new(),
        }
    }

    /// The CRC of the content so far.
    pub(super) fn crc32(&self) -> u32 {
        self.crc.clone().finalize()
    }

    /// Whether the file still has all that the entry has.
    pub(super) fn goes_on(&self) -> bool {
        self.file.is_some() && self.tree.is_none()
    }

    /// Takes the next piece of the content.  It is not compared where the file is known to have the same.
    pub(super) fn take(&mut self, content: &[u8], known: bool) {
        if known && self.goes_on() {
            self.tree_bytes += content.len() as u64;
        } else if let (Some(file), None) = (&self.file, &self.tree) {
            match is_same(file, self.tree_bytes, content, &mut self.other) {
                Ok(true) => self.tree_bytes += content.len() as u64,
                // The tree's own bytes are hashed at the end.
                Ok(false) => self.tree = Some(Ok(self.hasher.clone())),
                Err(code) => self.tree = Some(Err(code)),
            }
        }
        self.crc.update(content);
        timings::lap(Stage::Inflate);
        self.hasher.update(content);
        timings::lap(Stage::Hash);
    }

    /// The end of the content, or why there is no more of it.
    pub(super) fn end(mut self, zip: Result<(), FaultCode>, stopped: &dyn Fn() -> bool) -> Streamed {
        let own = self.tree.unwrap_or_else(|| Ok(self.hasher.clone()));
        let tree = match (self.file, own) {
            (Some(file), Ok(own)) => (&*file)
                .seek(SeekFrom::Start(self.tree_bytes))
                .map_err(FaultCode::from)
                .and_then(|_| hash_rest(own, &file, &mut self.other, &mut self.tree_bytes, stopped)),
            (_, own) => own.map(Hasher::finish),
        };
        Streamed { zip: zip.map(|()| self.hasher.finish()), tree, tree_bytes: self.tree_bytes }
    }
}
