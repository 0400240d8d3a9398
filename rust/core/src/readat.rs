//! Reading at an offset, from a file or from memory, and opening a file that must be regular.

use std::fs::File;
use std::io;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::path::Path;

use crate::fault::FaultCode;
use crate::stat::FileStat;

/// What a zip is read from.  Never memory-mapped: a file that shrinks would kill the process.
pub trait ReadAt {
    /// Reads at `offset` into `buf`; 0 only at the end or for an empty `buf`.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buf, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let n = buf.len().min(self.len() - start);
        buf[..n].copy_from_slice(&self[start..start + n]);
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buf, offset)
    }
}

impl<R: ReadAt + ?Sized> ReadAt for &R {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }
}

/// Reads until `buf` is full or the source ends; says how much there was.
pub(crate) fn read_full_at<R: ReadAt + ?Sized>(
    source: &R,
    buf: &mut [u8],
    offset: u64,
) -> Result<usize, FaultCode> {
    let mut done = 0;
    while done < buf.len() {
        match source.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

/// Has the system begin to read so many bytes (not 0) from `offset` on, without waiting for them, if it can:
/// then a later reading waits less.
pub(crate) fn will_need(file: &File, offset: u64, len: u64) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(len), rustix::fs::Advice::WillNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, len);
}

/// Opens the regular file that `path` leads to, links followed as Go does, without ever blocking on
/// a fifo or touching a device.  Returns it with its stat.
pub(crate) fn open_regular(path: &Path) -> Result<(File, FileStat), FaultCode> {
    // Asked before opening, because opening a device can already do something.
    if !std::fs::metadata(path)?.is_file() {
        return Err(FaultCode::NotRegular);
    }
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32);
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FaultCode::NotRegular);
    }
    Ok((file, FileStat::of_metadata(&metadata)))
}

/// What `lstat` says of `path`.
pub(crate) fn lstat(path: &Path) -> Result<FileStat, FaultCode> {
    Ok(FileStat::of_metadata(&std::fs::symlink_metadata(path)?))
}
