//! Reading a tree where there is no `openat2`: by whole paths.
//!
//! The last element of a path is never followed; an element above it that becomes a link while the
//! tree is read is not noticed.

use std::ffi::CStr;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::listing::{Found, Kind};
use crate::fault::FaultCode;
use crate::readat::lstat;
use crate::stat::FileStat;

/// The root of a tree.
#[derive(Debug)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The directory at `path`, which must not be a link and must be readable.
    pub fn open(path: &Path) -> Result<Root, FaultCode> {
        std::fs::read_dir(path)?;
        Ok(Root { path: path.to_path_buf() })
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
        _buffer: &mut Vec<u8>,
        found: &mut Found<'_>,
    ) -> Result<(), FaultCode> {
        let path = self.on_disk(path);
        // Only those find it by this name who may enter it.
        let inside = if cfg!(unix) { path.join(".") } else { path.clone() };
        let (names, refused) = match std::fs::read_dir(inside) {
            Err(error) if cfg!(unix) && error.kind() == ErrorKind::PermissionDenied => {
                (std::fs::read_dir(path)?, Some(error))
            }
            names => (names?, None),
        };
        for name in names {
            let name = name?;
            if let Some(error) = refused {
                return Err(error.into());
            }
            let kind = name.file_type().map_err(FaultCode::from).map(|kind| {
                if kind.is_symlink() {
                    Kind::Link
                } else if kind.is_dir() {
                    Kind::Directory
                } else if kind.is_file() {
                    Kind::Regular
                } else {
                    Kind::Special
                }
            });
            found(name.file_name().as_encoded_bytes(), kind);
        }
        Ok(())
    }

    /// Opens the regular file at `path`; [`FaultCode::NotRegular`] where it is something else.
    pub(crate) fn open_file(&self, path: &CStr) -> Result<(File, FileStat), FaultCode> {
        let mut options = File::options();
        options.read(true);
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt;
            options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32);
        }
        let file = options.open(self.on_disk(path))?;
        let stat = FileStat::of_metadata(&file.metadata()?);
        if stat.is_regular() { Ok((file, stat)) } else { Err(FaultCode::NotRegular) }
    }

    /// The `lstat` of the file at `path`.
    pub(crate) fn lstat(&self, path: &CStr) -> Result<FileStat, FaultCode> {
        lstat(&self.on_disk(path))
    }

    /// The `lstat` of the file at `path`, and how many names the file has where the system tells.
    pub(crate) fn lstat_links(&self, path: &CStr) -> Result<(FileStat, u64), FaultCode> {
        let metadata = std::fs::symlink_metadata(self.on_disk(path))?;
        #[cfg(unix)]
        let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
        #[cfg(not(unix))]
        let links = 1;
        Ok((FileStat::of_metadata(&metadata), links))
    }

    /// What the link at `path` says.
    pub(crate) fn read_link(&self, path: &CStr) -> Result<PathBuf, FaultCode> {
        let target = std::fs::read_link(self.on_disk(path))?;
        #[cfg(windows)]
        let target = PathBuf::from(target.to_string_lossy().trim_start_matches(r"\\?\").replace('\\', "/"));
        Ok(target)
    }

    #[cfg(unix)]
    fn on_disk(&self, path: &CStr) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.path.join(std::ffi::OsStr::from_bytes(path.to_bytes()))
    }

    /// Names came from the system, in the encoding of `OsStr::as_encoded_bytes`; one that is not
    /// Unicode is not found again.
    #[cfg(not(unix))]
    fn on_disk(&self, path: &CStr) -> PathBuf {
        self.path.join(String::from_utf8_lossy(path.to_bytes()).as_ref())
    }
}
