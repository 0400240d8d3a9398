//! Why something could not be measured.

use std::fmt;
use std::io;

/// The kind of a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// The operating system refused, with this error number.
    Os(i32),
    /// A fifo, socket, device or directory where a regular file is due.
    NotRegular,
    /// The module's root is not a directory.
    NotDirectory,
    /// A symbolic link in a build cache, where Go makes none; it is not followed.
    Link,
    /// An output over [`crate::buildcache::MAX_OUTPUT_BYTES`], which is not read.
    TooLarge,
    /// A symbolic link that leads out of the tree; it is not followed.
    LinkOutside,
    /// dirhash cannot express a name with a newline.
    NameNewline,
    /// `zip: not a valid zip file`.
    ZipFormat,
    /// `zip: unsupported compression algorithm`.
    ZipAlgorithm,
    /// `zip: checksum error`.
    ZipChecksum,
    /// The data ends before the declared size (`io.EOF` or `io.ErrUnexpectedEOF`).
    ZipEof,
    /// `flate: corrupt input`.
    ZipCorrupt,
    /// Archive or declared sizes over [`crate::MAX_ZIP_BYTES`].
    ZipTooLarge,
    /// Central directory over [`crate::zip::MAX_DIRECTORY_BYTES`].
    ZipDirectoryTooLarge,
    /// Names of a zip or of a tree over [`crate::MAX_NAMES_BYTES`].
    TooManyNames,
}

impl FaultCode {
    /// The code's name, as the Python package has it.
    pub fn name(self) -> &'static str {
        match self {
            FaultCode::Os(_) => "os",
            FaultCode::NotRegular => "not-regular",
            FaultCode::NotDirectory => "not-directory",
            FaultCode::Link => "link",
            FaultCode::TooLarge => "too-large",
            FaultCode::LinkOutside => "link-outside",
            FaultCode::NameNewline => "name-newline",
            FaultCode::ZipFormat => "zip-format",
            FaultCode::ZipAlgorithm => "zip-algorithm",
            FaultCode::ZipChecksum => "zip-checksum",
            FaultCode::ZipEof => "zip-eof",
            FaultCode::ZipCorrupt => "zip-corrupt",
            FaultCode::ZipTooLarge => "zip-too-large",
            FaultCode::ZipDirectoryTooLarge => "zip-directory-too-large",
            FaultCode::TooManyNames => "too-many-names",
        }
    }

    /// The system's error number of [`FaultCode::Os`], otherwise 0.
    pub fn errno(self) -> i32 {
        if let FaultCode::Os(errno) = self { errno } else { 0 }
    }

    /// This fault, of the zip or the root itself.
    pub(crate) fn whole(self) -> Fault {
        Fault { code: self, name: Vec::new() }
    }

    /// This fault, of the entry or file `name`.
    pub(crate) fn of(self, name: &[u8]) -> Fault {
        Fault { code: self, name: name.to_vec() }
    }
}

impl From<io::Error> for FaultCode {
    fn from(error: io::Error) -> Self {
        let number = error.raw_os_error().unwrap_or(match error.kind() {
            // ENOENT: there is a NUL in the path, and no file can have such a name.
            io::ErrorKind::InvalidInput => 2,
            // ENOMEM: it is the program's own allocator that has none.
            io::ErrorKind::OutOfMemory => 12,
            // EIO stands for what else has no number, which is nothing that the system itself answers.
            _ => 5,
        });
        FaultCode::Os(number)
    }
}

/// In the system's words, or the code's name.
impl fmt::Display for FaultCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultCode::Os(errno) => write!(out, "{}", io::Error::from_raw_os_error(*errno)),
            code => write!(out, "{}", code.name()),
        }
    }
}

impl std::error::Error for FaultCode {}

#[cfg(unix)]
impl From<rustix::io::Errno> for FaultCode {
    fn from(error: rustix::io::Errno) -> Self {
        FaultCode::Os(error.raw_os_error())
    }
}

/// Why something could not be measured, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub code: FaultCode,
    /// Raw name of the zip's entry, or path of the tree's file relative to the root; empty where the
    /// zip or the root itself is at fault.
    pub name: Vec<u8>,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.code)?;
        if !self.name.is_empty() {
            write!(out, ": {}", self.name.escape_ascii())?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
