//! What is in a tree.

use std::ffi::CStr;

use super::Root;
use super::errno::ENAMETOOLONG;
use crate::allowance::Allowance;
use crate::fault::{Fault, FaultCode};

/// A path on disk longer than this cannot be opened by Go either (`PATH_MAX` without its NUL).
pub const MAX_PATH_BYTES: usize = 4095;

/// What a name of a directory stands for, as far as listing it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    Regular,
    /// A symbolic link.
    Link,
    /// A fifo, socket or device.
    Special,
    /// Anything but a directory, with a path over [`MAX_PATH_BYTES`].
    TooLong,
}

/// Takes a name of a directory and what it stands for.
pub(super) type Found<'a> = dyn FnMut(&[u8], Result<Kind, FaultCode>) + 'a;

/// Something in the tree that is not a directory.
#[derive(Clone, Copy, Debug)]
pub struct TreeFile {
    start: usize,
    len: u32,
    /// Never [`Kind::Directory`].
    pub kind: Kind,
}

impl TreeFile {
    fn path<'a>(&self, paths: &'a [u8]) -> &'a [u8] {
        &paths[self.start..self.start + self.len as usize]
    }
}

/// Everything in a tree.
#[derive(Debug, Default)]
pub struct Listing {
    /// Paths, each ended by a NUL, so that they can be given to the system as they are.
    paths: Vec<u8>,
    files: Vec<TreeFile>,
    /// Directories that could not be listed and paths that are too long, by path.
    pub faults: Vec<Fault>,
    /// Topmost directories that hold no file at any depth, by path.
    pub empty_directories: Vec<Vec<u8>>,
}

struct Directory {
    start: usize,
    len: usize,
    parent: usize,
    /// Whether a file, or something that could not be looked into, is in it.
    holds: bool,
}

impl Listing {
    /// Everything that is not a directory, by path.
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// The file's path relative to the root, `/` between its elements.
    pub fn path(&self, file: &TreeFile) -> &[u8] {
        file.path(&self.paths)
    }

    /// The same for the system.
    pub(crate) fn c_path(&self, file: &TreeFile) -> &CStr {
        c_path(&self.paths, file.start, file.len as usize)
    }

    /// Lists the tree under `root`.  `stopped` is asked before each directory; true ends the work
    /// with a listing that is of no use.
    ///
    /// # Errors
    ///
    /// Only those of the root itself; what is wrong below it is in the listing.
    pub fn read(root: &Root, stopped: &dyn Fn() -> bool) -> Result<Listing, FaultCode> {
        Listing::read_within(root, &mut Allowance::of(u64::MAX), stopped)
    }

    /// The same with no more memory than the `allowance`.  Where that does not suffice, the answer is of no
    /// use.
    pub(crate) fn read_within(
        root: &Root,
        allowance: &mut Allowance,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Listing, FaultCode> {
        let mut listing = Listing { paths: vec![0], ..Listing::default() };
        let Listing { paths, files, faults, .. } = &mut listing;
        let mut directories = vec![Directory { start: 0, len: 0, parent: 0, holds: false }];
        let mut next = 0;
        let mut buffer = Vec::with_capacity(32 << 10);
        let root_len = std::path::absolute(root.path()).map_or(0, |path| path.as_os_str().len());
        while next < directories.len() && allowance.wanted().is_none() && !stopped() {
            let Directory { start, len, .. } = directories[next];
            let mut holds = false;
            // Names go behind each other into `paths`, where the path of the directory itself is; so a copy
            // of that is listed.
            let path = c_path(paths, start, len).to_owned();
            let listed = root.list(&path, &mut buffer, &mut |name, kind| {
                let start = paths.len();
                let len = if len > 0 { len + 1 } else { 0 } + name.len();
                if !allowance.take(len + 1 + size_of::<Directory>()) {
                    return;
                }
                if len > name.len() {
                    paths.extend_from_slice(path.to_bytes());
                    paths.push(b'/');
                }
                paths.extend_from_slice(name);
                let too_long = cfg!(unix) && root_len + 1 + len > MAX_PATH_BYTES;
                let fault = match kind {
                    Ok(Kind::Directory) if too_long => Some(FaultCode::Os(ENAMETOOLONG)),
                    Ok(Kind::Directory) => {
                        directories.push(Directory { start, len, parent: next, holds: false });
                        None
                    }
                    Ok(kind) => {
                        let kind = if too_long { Kind::TooLong } else { kind };
                        files.push(TreeFile { start, len: len as u32, kind });
                        holds = true;
                        None
                    }
                    Err(code) => Some(code),
                };
                if let Some(code) = fault {
                    faults.push(code.of(&paths[start..]));
                    holds = true;
                }
                paths.push(0);
            });
            if let Err(code) = listed {
                if next == 0 {
                    return Err(code);
                }
                faults.push(code.of(path.to_bytes()));
                holds = true;
            }
            directories[next].holds |= holds;
            next += 1;
        }
        files.sort_unstable_by(|a, b| a.path(paths).cmp(b.path(paths)));
        faults.sort_by(|a, b| a.name.cmp(&b.name));
        listing.find_empty(directories);
        Ok(listing)
    }

    fn find_empty(&mut self, mut directories: Vec<Directory>) {
        // Children come after their parents.
        for i in (1..directories.len()).rev() {
            let parent = directories[i].parent;
            directories[parent].holds |= directories[i].holds;
        }
        for directory in &directories[1.min(directories.len())..] {
            if !directory.holds && (directory.parent == 0 || directories[directory.parent].holds) {
                let path = &self.paths[directory.start..directory.start + directory.len];
                self.empty_directories.push(path.to_vec());
            }
        }
        self.empty_directories.sort();
    }

    /// Whether a fault lies at `path` or at a directory above it, so that nothing is known of it.
    pub(crate) fn hidden(&self, path: &[u8]) -> bool {
        !self.faults.is_empty()
            && (0..=path.len()).any(|end| {
                (end == path.len() || end == 0 || path[end] == b'/')
                    && self.faults.binary_search_by(|fault| fault.name.as_slice().cmp(&path[..end])).is_ok()
            })
    }
}

fn c_path(paths: &[u8], start: usize, len: usize) -> &CStr {
    CStr::from_bytes_with_nul(&paths[start..=start + len]).expect("a name of a directory has no NUL")
}
