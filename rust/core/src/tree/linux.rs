//! Reading a tree on Linux: everything relative to the root's descriptor, and no link on the way.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom};
use rustix::io::Errno;

use super::listing::{Found, Kind};
use crate::fault::FaultCode;
use crate::stat::FileStat;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
pub(super) const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Nothing outside of the tree, and no link on the way.
pub(super) const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Whether the kernel has `openat2` (Linux 5.6) and no sandbox keeps it from us.
static HAS_OPENAT2: AtomicBool = AtomicBool::new(true);

/// The open root of a tree.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    path: PathBuf,
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Root {
    /// Opens the directory at `path`, which must not be a link.
    pub fn open(path: &Path) -> Result<Root, FaultCode> {
        let fd = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
        Ok(Root { fd, path: path.to_path_buf() })
    }

    /// The root's own path as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Calls `found` with each name in the directory at `path` (empty for the root).
    ///
    /// A directory that may be listed and not entered is as one that may not be listed, unless it is empty.
    pub(crate) fn list(
        &self,
        path: &CStr,
        buffer: &mut Vec<u8>,
        found: &mut Found<'_>,
    ) -> Result<(), FaultCode> {
        let (fd, may_enter) = match self.beneath(&inside(path), DIRECTORY) {
            Err(Errno::ACCESS) => (self.open_to_list(path)?, false),
            opened => (opened?, true),
        };
        buffer.clear();
        let mut names = RawDir::new(fd.as_fd(), buffer.spare_capacity_mut());
        while let Some(name) = names.next() {
            let name = name?;
            let bytes = name.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            if !may_enter {
                return Err(Errno::ACCESS.into());
            }
            let kind = match name.file_type() {
                // Some file systems do not tell.
                FileType::Unknown => rustix::fs::statat(&fd, name.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                    .map(|stat| FileType::from_raw_mode(stat.st_mode))
                    .map_err(FaultCode::from),
                known => Ok(known),
            };
            found(
                bytes,
                kind.map(|kind| match kind {
                    FileType::Directory => Kind::Directory,
                    FileType::RegularFile => Kind::Regular,
                    FileType::Symlink => Kind::Link,
                    _ => Kind::Special,
                }),
            );
        }
        Ok(())
    }

    /// Opens the regular file at `path`; [`FaultCode::NotRegular`] where it is something else.
    pub(crate) fn open_file(&self, path: &CStr) -> Result<(File, FileStat), FaultCode> {
        let fd = self.beneath(path, FILE)?;
        let stat = FileStat::of_stat(&rustix::fs::fstat(&fd)?);
        if stat.is_regular() { Ok((File::from(fd), stat)) } else { Err(FaultCode::NotRegular) }
    }

    /// The `lstat` of the file at `path`.
    pub(crate) fn lstat(&self, path: &CStr) -> Result<FileStat, FaultCode> {
        let stat = rustix::fs::statat(&self.fd, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileStat::of_stat(&stat))
    }

    /// The `lstat` of the file at `path`, and how many names the file has.
    pub(crate) fn lstat_links(&self, path: &CStr) -> Result<(FileStat, u64), FaultCode> {
        let stat = rustix::fs::statat(&self.fd, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((FileStat::of_stat(&stat), stat.st_nlink as u64))
    }

    /// What the link at `path` says.
    pub(crate) fn read_link(&self, path: &CStr) -> Result<PathBuf, FaultCode> {
        let target = rustix::fs::readlinkat(&self.fd, path, Vec::new())?;
        Ok(PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes())))
    }

    /// Opens the directory at `path` for what may be done without entering it.
    fn open_to_list(&self, path: &CStr) -> Result<OwnedFd, Errno> {
        if !path.is_empty() {
            return self.beneath(path, DIRECTORY);
        }
        let fd = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)?;
        rustix::fs::seek(&fd, SeekFrom::Start(0))?;
        Ok(fd)
    }

    /// Opens what is at `path` if no link is on the way.
    fn beneath(&self, path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        if HAS_OPENAT2.load(Ordering::Relaxed) {
            match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), BENEATH) {
                // EPERM is a sandbox's answer to a call that it does not know.
                Err(Errno::NOSYS | Errno::PERM) => HAS_OPENAT2.store(false, Ordering::Relaxed),
                // A rename during the lookup; the other way has no such answer.
                Err(Errno::AGAIN) => {}
                answer => return answer,
            }
        }
        self.beneath_by_elements(path, flags)
    }

    /// The same, one element at a time.
    fn beneath_by_elements(&self, path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = path.to_bytes();
        let (parents, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        let mut above: Option<OwnedFd> = None;
        for element in parents.split(|&byte| byte == b'/').filter(|element| !element.is_empty()) {
            let fd = above.as_ref().map_or(self.fd.as_fd(), OwnedFd::as_fd);
            above = Some(rustix::fs::openat(fd, element, DIRECTORY | OFlags::PATH, Mode::empty())?);
        }
        let fd = above.as_ref().map_or(self.fd.as_fd(), OwnedFd::as_fd);
        rustix::fs::openat(fd, name, flags, Mode::empty())
    }
}

/// The directory at `path` by a name that only those find who may enter it.
fn inside(path: &CStr) -> CString {
    let path = path.to_bytes();
    let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
    CString::new([path, slash, b"."].concat()).expect("it had no NUL before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_opening_refuse_links_on_the_way() {
        let temp = tempdir("links_on_the_way");
        std::fs::create_dir_all(temp.join("a/b")).unwrap();
        std::fs::write(temp.join("a/b/f"), "x").unwrap();
        std::os::unix::fs::symlink("a", temp.join("l")).unwrap();
        std::os::unix::fs::symlink("f", temp.join("a/b/g")).unwrap();
        let root = Root::open(&temp).unwrap();
        for open in [Root::beneath, Root::beneath_by_elements] {
            assert!(open(&root, c"a/b/f", FILE).is_ok());
            assert!(open(&root, c"a/b", DIRECTORY).is_ok());
            assert!(open(&root, c"l/b/f", FILE).is_err());
            assert_eq!(open(&root, c"a/b/g", FILE).unwrap_err(), Errno::LOOP);
            assert_eq!(open(&root, c"a/x/f", FILE).unwrap_err(), Errno::NOENT);
        }
        std::fs::remove_dir_all(temp).unwrap();
    }

    fn tempdir(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("fastverify-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}
