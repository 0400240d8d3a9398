//! What is in a tree.

use std::ffi::CStr;
use std::ops::Range;

use super::Root;
use super::errno::ENAMETOOLONG;
use crate::allowance::Allowance;
use crate::fault::{Fault, FaultCode};
use crate::listed::{Listed, MAX_LISTED};
use crate::memory;

/// A path on disk longer than this cannot be opened by Go either (`PATH_MAX` without its NUL).
pub const MAX_PATH_BYTES: usize = 4095;

/// How many times more a directory counts that cannot be listed: its fault is held besides, with its path.
const MORE_OF_FAULT: usize = 2;

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
    start: u32,
    len: u16,
    /// Never [`Kind::Directory`].
    pub kind: Kind,
}

impl TreeFile {
    fn new(path: Range<usize>, kind: Kind) -> Option<TreeFile> {
        Some(TreeFile { start: path.start.try_into().ok()?, len: path.len().try_into().ok()?, kind })
    }

    fn path(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.len)
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
    /// The first of the topmost directories that hold no file at any depth, by path; see
    /// [`MAX_LISTED`](crate::MAX_LISTED).
    pub empty_directories: Vec<Vec<u8>>,
    /// How many more there are.
    pub more_empty_directories: usize,
}

struct Directory {
    start: u32,
    len: u16,
    /// Whether a file, or something that could not be looked into, is in it.
    holds: bool,
    parent: u32,
}

impl Directory {
    /// None where its path is too far behind, or too long.
    fn new(path: Range<usize>, parent: usize) -> Option<Directory> {
        let (start, len, parent) =
            (path.start.try_into().ok()?, path.len().try_into().ok()?, parent.try_into().ok()?);
        Some(Directory { start, len, holds: false, parent })
    }

    fn path(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.len)
    }
}

/// The names of a tree so far, with their bytes.
#[derive(Default)]
struct Names {
    count: usize,
    bytes: usize,
}

impl Names {
    /// Adds so many of `len` bytes each; false where the tree then has more than it may have.
    fn add(&mut self, count: usize, len: usize, allowance: &Allowance) -> bool {
        (self.count, self.bytes) = (self.count + count, self.bytes + count * len);
        allowance.holds_names(self.count, self.bytes)
    }

    /// Adds what is held besides of a directory that cannot be listed; false as above.
    fn add_fault(
        &mut self,
        path: &[u8],
        code: FaultCode,
        faults: &mut Vec<Fault>,
        allowance: &mut Allowance,
    ) -> bool {
        allowance.take(MORE_OF_FAULT * (path.len() + size_of::<Fault>()));
        faults.push(code.of(path));
        self.add(MORE_OF_FAULT, path.len(), allowance)
    }
}

impl Listing {
    /// Everything that is not a directory, by path.
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// The file's path relative to the root, `/` between its elements.
    pub fn path(&self, file: &TreeFile) -> &[u8] {
        &self.paths[file.path()]
    }

    /// The same for the system.
    pub(crate) fn c_path(&self, file: &TreeFile) -> &CStr {
        c_path(&self.paths, file.path())
    }

    /// Lists the tree under `root`.  `stopped` is asked before each directory; true ends the work
    /// with a listing that is of no use.
    ///
    /// # Errors
    ///
    /// Those of the root itself; what is wrong below it is in the listing.  And [`FaultCode::TooManyNames`]
    /// where the paths together are longer than 4 GiB, or one of them longer than 64 KiB.
    pub fn read(root: &Root, stopped: &dyn Fn() -> bool) -> Result<Listing, FaultCode> {
        Listing::read_within(root, &mut Allowance::of(u64::MAX), stopped)
    }

    /// The same with no more memory than the `allowance`.  Where that does not suffice, the answer is of no
    /// use.  There is [`FaultCode::TooManyNames`] besides.
    pub(crate) fn read_within(
        root: &Root,
        allowance: &mut Allowance,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Listing, FaultCode> {
        let mut listing = Listing { paths: vec![0], ..Listing::default() };
        let Listing { paths, files, faults, .. } = &mut listing;
        let mut directories = vec![Directory { start: 0, len: 0, holds: false, parent: 0 }];
        let mut next = 0;
        let mut buffer = Vec::with_capacity(32 << 10);
        let root_len = std::path::absolute(root.path()).map_or(0, |path| path.as_os_str().len());
        let (mut names, mut is_within) = (Names::default(), true);
        while next < directories.len() && allowance.wanted().is_none() && !stopped() {
            let path = directories[next].path();
            let mut holds = false;
            // Names go behind each other into `paths`, where the path of the directory itself is; so a copy
            // of that is listed.
            let path = c_path(paths, path).to_owned();
            let listed = root.list(&path, &mut buffer, &mut |name, kind| {
                let start = paths.len();
                let len = if path.is_empty() { 0 } else { path.count_bytes() + 1 } + name.len();
                is_within &= names.add(1, len, allowance);
                if !is_within || !allowance.take(len + 1 + size_of::<Directory>()) {
                    return;
                }
                memory::reserve(paths, len + 1);
                if len > name.len() {
                    paths.extend_from_slice(path.to_bytes());
                    paths.push(b'/');
                }
                paths.extend_from_slice(name);
                let too_long = cfg!(unix) && root_len + 1 + len > MAX_PATH_BYTES;
                let fault = match kind {
                    Ok(Kind::Directory) if too_long => Some(FaultCode::Os(ENAMETOOLONG)),
                    Ok(Kind::Directory) => {
                        let directory = Directory::new(start..start + len, next);
                        is_within &= directory.is_some();
                        memory::reserve(&mut directories, 1);
                        directories.extend(directory);
                        None
                    }
                    Ok(kind) => {
                        let kind = if too_long { Kind::TooLong } else { kind };
                        let file = TreeFile::new(start..start + len, kind);
                        is_within &= file.is_some();
                        memory::reserve(files, 1);
                        files.extend(file);
                        holds = true;
                        None
                    }
                    Err(code) => Some(code),
                };
                if let Some(code) = fault {
                    is_within &= names.add_fault(&paths[start..], code, faults, allowance);
                    holds = true;
                }
                paths.push(0);
            });
            if let Err(code) = listed {
                if next == 0 {
                    return Err(code);
                }
                is_within &= names.add_fault(path.to_bytes(), code, faults, allowance);
                holds = true;
            }
            if !is_within {
                return Err(FaultCode::TooManyNames);
            }
            directories[next].holds |= holds;
            next += 1;
        }
        files.sort_unstable_by(|a, b| paths[a.path()].cmp(&paths[b.path()]));
        faults.sort_by(|a, b| a.name.cmp(&b.name));
        listing.find_empty(directories);
        Ok(listing)
    }

    fn find_empty(&mut self, mut directories: Vec<Directory>) {
        // Children come after their parents.
        for i in (1..directories.len()).rev() {
            let parent = directories[i].parent as usize;
            directories[parent].holds |= directories[i].holds;
        }
        let is_topmost = |directory: &&Directory| {
            !directory.holds && (directory.parent == 0 || directories[directory.parent as usize].holds)
        };
        memory::need(size_of::<&[u8]>() * directories.iter().filter(is_topmost).count());
        let mut empty: Vec<&[u8]> =
            directories.iter().skip(1).filter(is_topmost).map(|each| &self.paths[each.path()]).collect();
        empty.sort_unstable();
        let mut listed = Listed::of(MAX_LISTED);
        for path in empty {
            listed.push(path.len(), || path.to_vec());
        }
        (self.empty_directories, self.more_empty_directories) = listed.into_parts();
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

fn c_path(paths: &[u8], path: Range<usize>) -> &CStr {
    CStr::from_bytes_with_nul(&paths[path.start..=path.end]).expect("a name of a directory has no NUL")
}
