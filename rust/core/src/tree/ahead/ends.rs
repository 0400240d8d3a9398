//! Where a file is sure to end at the size that `fstat` tells.

use std::os::fd::BorrowedFd;

use rustix::fs::{FsWord, fstat, fstatfs};

/// File systems that read from pages of memory, and so nothing behind that size: of ext4, XFS, Btrfs, F2FS, tmpfs
/// and overlayfs the numbers in `linux/magic.h`.  Others may know more of a file than they told, as `/proc` does.
const FILE_SYSTEMS: [FsWord; 6] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x794C_7630];

/// The device of the file system with this directory, if files end there at that size.
///
/// A byte behind it need not be asked for then.  An io_uring takes it hard when that does not come: it looks
/// once more, and on tmpfs and overlayfs by another thread (`__io_read` in `io_uring/rw.c`, for files without
/// `FOP_BUFFER_RASYNC`), which takes longer than all the rest.
pub(super) fn device(directory: BorrowedFd<'_>) -> Option<u64> {
    let system = fstatfs(directory).ok()?.f_type;
    if !FILE_SYSTEMS.contains(&system) {
        return None;
    }
    Some(fstat(directory).ok()?.st_dev)
}
