//! An extracted module's directory tree: what is in it, and reading its files.
//!
//! Nothing outside of the tree is ever opened, and nothing that is not a regular file: on Linux the
//! kernel itself refuses links on the way (`openat2`), elsewhere the path is checked before.

mod ahead;
mod errno;
mod link;
#[cfg(target_os = "linux")]
mod linux;
mod listing;
#[cfg(not(target_os = "linux"))]
mod portable;
mod read;

use std::path::Path;

#[cfg(all(test, target_os = "linux"))]
pub(crate) use self::ahead::each_way;
pub(crate) use self::ahead::{Ahead, FILES, Soon};
pub use self::ahead::{Reading, ReadingError};
use crate::fault::FaultCode;
use crate::readat::lstat;
use crate::stat::FileStat;

#[cfg(target_os = "linux")]
pub use linux::Root;
pub use listing::{Kind, Listing, MAX_PATH_BYTES, TreeFile};
#[cfg(not(target_os = "linux"))]
pub use portable::Root;
pub(crate) use read::{open, open_and_read, read_more, read_whole};

/// The `lstat` of a tree's root, and the root opened for reading.
///
/// [`FaultCode::NotDirectory`] where it is anything but a directory, also a link to one, as Go's
/// `dirhash.DirFiles` has it.
pub(crate) fn open_root(path: &Path) -> (Option<FileStat>, Result<Root, FaultCode>) {
    match lstat(path) {
        Err(code) => (None, Err(code)),
        Ok(stat) if !stat.is_directory() => (Some(stat), Err(FaultCode::NotDirectory)),
        Ok(stat) => (Some(stat), Root::open(path)),
    }
}
