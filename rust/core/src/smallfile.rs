//! The small files beside a zip: `.mod`, `.info` and `.ziphash`.

use std::io::Read;
use std::path::Path;

use crate::dirhash::go_mod_h1;
use crate::fault::{Fault, FaultCode};
use crate::memory;
use crate::readat::{lstat, open_regular};
use crate::sha256::Hasher;
use crate::stat::FileStat;

/// How much of a `.info` or `.ziphash` file is returned; a longer one is cut after one byte more.
pub const MAX_SMALL_FILE_BYTES: u64 = 64 << 10;

/// A `.mod`, `.info` or `.ziphash` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallFile {
    /// What `lstat` says; None where it failed.
    pub stat: Option<FileStat>,
    /// Why it could not be read.
    pub fault: Option<Fault>,
    /// At most [`MAX_SMALL_FILE_BYTES`] + 1 bytes of a `.info` or `.ziphash`; empty for a `.mod`.
    pub content: Vec<u8>,
    /// Of a `.mod`: h1 of its whole content under the name `go.mod`.
    pub h1: Option<String>,
}

impl SmallFile {
    /// The beginning of the file at `path`.
    pub(crate) fn content(path: &Path) -> SmallFile {
        SmallFile::read(path, |file| {
            let mut content = Vec::new();
            file.take(MAX_SMALL_FILE_BYTES + 1).read_to_end(&mut content)?;
            Ok((content, None))
        })
    }

    /// The hash of the whole file at `path`, whatever its size.
    pub(crate) fn go_mod(path: &Path, window: &mut Vec<u8>, stopped: &dyn Fn() -> bool) -> SmallFile {
        memory::lengthen(window, 64 << 10);
        SmallFile::read(path, |mut file| {
            let mut hasher = Hasher::new();
            while !stopped() {
                match file.read(window) {
                    Ok(0) => break,
                    Ok(n) => hasher.update(&window[..n]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok((Vec::new(), Some(go_mod_h1(&hasher.finish()))))
        })
    }

    fn read(
        path: &Path,
        take: impl FnOnce(std::fs::File) -> Result<(Vec<u8>, Option<String>), FaultCode>,
    ) -> SmallFile {
        let refused = |stat, code: FaultCode| SmallFile {
            stat,
            fault: Some(code.whole()),
            content: Vec::new(),
            h1: None,
        };
        let stat = match lstat(path) {
            Ok(stat) => stat,
            Err(code) => return refused(None, code),
        };
        match open_regular(path).and_then(|(file, _)| take(file)) {
            Ok((content, h1)) => SmallFile { stat: Some(stat), fault: None, content, h1 },
            Err(code) => refused(Some(stat), code),
        }
    }
}
