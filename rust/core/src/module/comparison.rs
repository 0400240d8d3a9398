//! What is done with the content of a long entry: comparing it with the tree's file, and hashing it.

use std::fs::File;

use super::stream::{Streamed, hash_rest};
use crate::fault::FaultCode;
use crate::sha256::Hasher;
use crate::timings::{self, Stage};
use crate::tree::read_more;

/// Takes the content of an entry piece by piece.  While entry and file are equal they are hashed once; at
/// the first difference the state is cloned, and each is hashed for itself.
pub(super) struct Comparison {
    /// The tree's file, if there is one.
    file: Option<File>,
    hasher: Hasher,
    /// The tree's own state, from where it differs; an error ends it.
    tree: Option<Result<Hasher, FaultCode>>,
    tree_bytes: u64,
    /// The file's piece.
    other: Vec<u8>,
}

impl Comparison {
    pub(super) fn new(file: Option<File>) -> Comparison {
        Comparison { file, hasher: Hasher::new(), tree: None, tree_bytes: 0, other: Vec::new() }
    }

    /// Takes the next piece of the content.
    pub(super) fn take(&mut self, content: &[u8]) {
        if let (Some(file), None) = (&self.file, &self.tree) {
            self.other.resize(self.other.len().max(content.len()), 0);
            let read = read_more(file, &mut self.other[..content.len()]);
            timings::lap(Stage::ReadFile);
            match read {
                Err(code) => self.tree = Some(Err(code)),
                Ok(n) => {
                    self.tree_bytes += n as u64;
                    if *content != self.other[..n] {
                        let mut own = self.hasher.clone();
                        own.update(&self.other[..n]);
                        self.tree = Some(Ok(own));
                    }
                }
            }
            timings::lap(Stage::Compare);
        }
        self.hasher.update(content);
        timings::lap(Stage::Hash);
    }

    /// The end of the content, or why there is no more of it.
    pub(super) fn end(mut self, zip: Result<(), FaultCode>, stopped: &dyn Fn() -> bool) -> Streamed {
        let own = self.tree.unwrap_or_else(|| Ok(self.hasher.clone()));
        let tree = match (self.file, own) {
            (Some(file), Ok(own)) => hash_rest(own, &file, &mut self.other, &mut self.tree_bytes, stopped),
            (_, own) => own.map(Hasher::finish),
        };
        Streamed { zip: zip.map(|()| self.hasher.finish()), tree, tree_bytes: self.tree_bytes }
    }
}
