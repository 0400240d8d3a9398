//! Reading one file of a tree with few system calls: open, fstat, read, close.

use std::ffi::CStr;
use std::fs::File;
use std::io::{ErrorKind, Read};

use super::errno::ENAMETOOLONG;
use super::link::resolve;
use super::{Kind, Listing, Root, TreeFile};
use crate::fault::FaultCode;
use crate::memory;
use crate::stat::FileStat;

/// A file of the tree that has been opened.
pub(crate) struct Opened {
    /// The `lstat` of the name: of a link the link's own.
    pub stat: FileStat,
    /// Bytes read into the buffer.
    pub len: usize,
    /// The file, where the buffer does not hold all of it.
    pub rest: Option<File>,
}

/// Opens the file at `path`, or that of the tree which a link there leads to.  Returns it with its size
/// and the `lstat` of `path`.  An error comes with the `lstat` if there is one.
pub(crate) fn open(
    root: &Root,
    path: &CStr,
    kind: Kind,
) -> Result<(File, u64, FileStat), (FaultCode, Option<FileStat>)> {
    if kind == Kind::Regular {
        let (file, stat) = root.open_file(path).map_err(|code| (code, None))?;
        return Ok((file, stat.size, stat));
    }
    if kind == Kind::TooLong {
        return Err((FaultCode::Os(ENAMETOOLONG), None));
    }
    let stat = root.lstat(path).map_err(|code| (code, None))?;
    let opened = match kind {
        Kind::Link => resolve(root, path.to_bytes()).and_then(|target| root.open_file(&target)),
        _ => Err(FaultCode::NotRegular),
    };
    opened.map(|(file, target)| (file, target.size, stat)).map_err(|code| (code, Some(stat)))
}

/// Opens a file as [`open`] does and reads it into `buffer`: whole where it has at most `limit` bytes,
/// otherwise nothing of it.  A file that grows while it is read may give some bytes and a rest.
pub(crate) fn open_and_read(
    root: &Root,
    path: &CStr,
    kind: Kind,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<Opened, (FaultCode, Option<FileStat>)> {
    let (file, size, stat) = open(root, path, kind)?;
    if size > limit as u64 {
        return Ok(Opened { stat, len: 0, rest: Some(file) });
    }
    let room = size as usize + 1;
    memory::lengthen(buffer, room);
    let len = read_whole(&file, &mut buffer[..room]).map_err(|code| (code, Some(stat)))?;
    Ok(Opened { stat, len, rest: (len == room).then_some(file) })
}

impl Root {
    /// Reads a file of this root's `listing` into `buffer`, which grows where it must, and says how long it
    /// is; None, and nothing read, where that is more than `limit`.  A link is followed within the tree.
    ///
    /// # Errors
    ///
    /// Those of the system, and those for what is no regular file or leads out of the tree.
    pub fn read(
        &self,
        listing: &Listing,
        file: &TreeFile,
        buffer: &mut Vec<u8>,
        limit: usize,
    ) -> Result<Option<usize>, FaultCode> {
        let opened = open_and_read(self, listing.c_path(file), file.kind, buffer, limit);
        let opened = opened.map_err(|(code, _)| code)?;
        Ok(opened.rest.is_none().then_some(opened.len))
    }
}

/// Reads until `buffer` is full or the file ends; says how much there was.
pub(crate) fn read_more(file: &File, buffer: &mut [u8]) -> Result<usize, FaultCode> {
    read_until(file, buffer, buffer.len())
}

/// Reads a file into a `buffer` with room for one byte more than there should be: that it stays away says
/// that the file has ended.
pub(crate) fn read_whole(file: &File, buffer: &mut [u8]) -> Result<usize, FaultCode> {
    read_until(file, buffer, buffer.len() - 1)
}

/// Reads until there are at least `enough` bytes or the file ends; says how much there was.
fn read_until(mut file: &File, buffer: &mut [u8], enough: usize) -> Result<usize, FaultCode> {
    let mut done = 0;
    // Asked at least once: what the kernel makes itself, as in `/proc`, is said to have no bytes.
    while done < enough.max(1) {
        match file.read(&mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;

    use super::*;

    /// What the kernel makes itself is said to have no bytes.
    #[test]
    fn a_file_that_has_more_than_it_said_is_not_taken_for_whole() {
        let root = Root::open(Path::new("/proc/self/net/stat")).unwrap();
        let listing = Listing::read(&root, &|| false).unwrap();
        assert!(!listing.files().is_empty());
        for file in listing.files() {
            assert_eq!(root.read(&listing, file, &mut Vec::new(), 1 << 20), Ok(None));
        }
    }
}
