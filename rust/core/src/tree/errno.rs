//! Error numbers that are told without having been asked of the system: Python's `errno` has the same.

#[cfg(unix)]
mod numbers {
    use rustix::io::Errno;

    pub(crate) const EISDIR: i32 = Errno::ISDIR.raw_os_error();
    pub(crate) const ELOOP: i32 = Errno::LOOP.raw_os_error();
    pub(crate) const ENAMETOOLONG: i32 = Errno::NAMETOOLONG.raw_os_error();
    pub(crate) const ENOTDIR: i32 = Errno::NOTDIR.raw_os_error();
}

#[cfg(not(unix))]
mod numbers {
    pub(crate) const EISDIR: i32 = 21;
    pub(crate) const ELOOP: i32 = 10062;
    pub(crate) const ENAMETOOLONG: i32 = 38;
    pub(crate) const ENOTDIR: i32 = 20;
}

pub(super) use numbers::{EISDIR, ELOOP, ENAMETOOLONG, ENOTDIR};
