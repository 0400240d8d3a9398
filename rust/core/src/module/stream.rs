//! Contents too long to be held in memory: entry and file side by side, window by window.

use std::fs::File;

use crate::fault::FaultCode;
use crate::inflate::Inflater;
use crate::readat::ReadAt;
use crate::sha256::{Digest, Hasher};
use crate::timings::{self, Stage};
use crate::tree::read_more;
use crate::zip::{Archive, ContentReader, Entry, Extent};

const WINDOW: usize = 256 << 10;

/// What has been found of a long entry and the file beside it.
pub(super) struct Streamed {
    pub zip: Result<Digest, FaultCode>,
    /// Of no meaning where there is no file.
    pub tree: Result<Digest, FaultCode>,
    pub tree_bytes: u64,
}

/// Reads an entry and, if given, the tree's file.  While they are equal they are hashed once; at the
/// first difference the state is cloned and each is hashed for itself.
pub(super) fn stream<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    extent: Extent,
    file: Option<&mut File>,
    inflater: &mut Inflater,
    [input, content, other]: [&mut Vec<u8>; 3],
    stopped: &dyn Fn() -> bool,
) -> Streamed {
    other.resize(other.len().max(ContentReader::<R>::MOST), 0);
    let file = file.as_deref();
    let mut hasher = Hasher::new();
    // The tree's own state, from where it differs; an error ends it.
    let mut tree: Option<Result<Hasher, FaultCode>> = None;
    let mut tree_bytes = 0;

    let zip = (|| {
        let mut reader = ContentReader::new(archive, entry, extent, inflater, [input, content])?;
        while !stopped() {
            let content = reader.next()?;
            timings::lap(Stage::Inflate);
            if content.is_empty() {
                break;
            }
            if let (Some(file), None) = (file, &tree) {
                let read = read_more(file, &mut other[..content.len()]);
                timings::lap(Stage::ReadFile);
                match read {
                    Err(code) => tree = Some(Err(code)),
                    Ok(m) => {
                        tree_bytes += m as u64;
                        if *content != other[..m] {
                            let mut own = hasher.clone();
                            own.update(&other[..m]);
                            tree = Some(Ok(own));
                        }
                    }
                }
            }
            timings::lap(Stage::Compare);
            hasher.update(content);
            timings::lap(Stage::Hash);
        }
        Ok(())
    })();
    let own = tree.unwrap_or_else(|| Ok(hasher.clone()));
    let tree = match (file, own) {
        (Some(file), Ok(own)) => hash_rest(own, file, other, &mut tree_bytes, stopped),
        (_, own) => own.map(Hasher::finish),
    };
    Streamed { zip: zip.map(|()| hasher.finish()), tree, tree_bytes }
}

/// Hashes what is left of a file behind what `hasher` has taken, and counts its bytes.
pub(super) fn hash_rest(
    mut hasher: Hasher,
    file: &File,
    window: &mut Vec<u8>,
    bytes: &mut u64,
    stopped: &dyn Fn() -> bool,
) -> Result<Digest, FaultCode> {
    window.resize(window.len().max(WINDOW), 0);
    while !stopped() {
        let n = read_more(file, &mut window[..WINDOW])?;
        timings::lap(Stage::ReadFile);
        *bytes += n as u64;
        hasher.update(&window[..n]);
        timings::lap(Stage::Hash);
        if n < WINDOW {
            break;
        }
    }
    Ok(hasher.finish())
}
