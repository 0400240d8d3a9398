//! What the system says of a file.

/// What `lstat` says of a file as found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Bytes.
    pub size: u64,
    /// Time of the last change to the content, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Numeric owner; 0 where the system has none.
    pub uid: u32,
    /// Type and permission bits (`st_mode`).
    pub mode: u32,
}

const TYPE: u32 = 0o170000;
const DIRECTORY: u32 = 0o040000;
const REGULAR: u32 = 0o100000;

impl FileStat {
    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.mode & TYPE == REGULAR
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & TYPE == DIRECTORY
    }

    #[cfg(unix)]
    pub(crate) fn of_metadata(metadata: &std::fs::Metadata) -> FileStat {
        use std::os::unix::fs::MetadataExt;
        FileStat {
            size: metadata.size(),
            mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
            uid: metadata.uid(),
            mode: metadata.mode(),
        }
    }

    /// The bits that Python's `os.lstat` makes of a file's attributes.
    #[cfg(not(unix))]
    pub(crate) fn of_metadata(metadata: &std::fs::Metadata) -> FileStat {
        let kind = if metadata.is_symlink() {
            0o120777
        } else if metadata.is_dir() {
            DIRECTORY | 0o777
        } else {
            REGULAR | 0o666
        };
        let since = metadata.modified().ok().map(|time| match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => after.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        });
        FileStat {
            size: metadata.len(),
            mtime_ns: since.unwrap_or(0),
            uid: 0,
            mode: if metadata.permissions().readonly() { kind & !0o222 } else { kind },
        }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn of_stat(stat: &rustix::fs::Stat) -> FileStat {
        FileStat {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            uid: stat.st_uid,
            mode: stat.st_mode,
        }
    }
}
