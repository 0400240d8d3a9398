//! Where a link of a tree leads, found without looking at anything outside of the tree.

use std::ffi::CString;
use std::path::{Component, Path};

use super::Root;
use super::errno::{EISDIR, ELOOP, ENOTDIR};
use crate::fault::FaultCode;

/// As many links as Linux follows for one path.
const MOST_LINKS: usize = 40;
const TYPE: u32 = 0o170000;
const LINK: u32 = 0o120000;

/// The regular file of the tree that the link at `link` leads to, relative to the root.
///
/// [`FaultCode::LinkOutside`] as soon as a step leads out of the tree and does not come straight back;
/// else what the system would say, and [`FaultCode::NotRegular`] for a fifo, socket or device.
pub(super) fn resolve(root: &Root, link: &[u8]) -> Result<CString, FaultCode> {
    // Steps still to take, the next one last.
    let mut steps: Vec<Vec<u8>> = reversed(link);
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let mut last = None;
    while let Some(step) = steps.pop() {
        match step.as_slice() {
            b"" | b"." => continue,
            b".." => {
                last = None;
                if done.pop().is_none() {
                    steps.push(step);
                    steps = back_inside(root, steps, true)?;
                }
                continue;
            }
            _ => done.push(step),
        }
        let here = c_path(&done);
        let stat = root.lstat(&here)?;
        if stat.mode & TYPE == LINK {
            links += 1;
            if links > MOST_LINKS {
                return Err(FaultCode::Os(ELOOP));
            }
            let target = root.read_link(&here)?;
            let target = target.as_os_str().as_encoded_bytes();
            steps.extend(reversed(target));
            if Path::new(&*String::from_utf8_lossy(target)).is_absolute() {
                steps = back_inside(root, steps, false)?;
                done.clear();
            } else {
                done.pop();
            }
            last = None;
        } else if !steps.is_empty() && !stat.is_directory() {
            return Err(FaultCode::Os(ENOTDIR));
        } else {
            last = Some(stat);
        }
    }
    match last {
        Some(stat) if stat.is_regular() => Ok(c_path(&done)),
        Some(stat) if !stat.is_directory() => Err(FaultCode::NotRegular),
        _ => Err(FaultCode::Os(EISDIR)),
    }
}

fn reversed(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

fn c_path(elements: &[Vec<u8>]) -> CString {
    CString::new(elements.join(&b'/')).expect("neither a name nor a link's target has a NUL")
}

/// The steps that are left when a way that has left the tree has come back to its root.
///
/// The way starts at the root (`upward`) or at the top of the file system, and is followed by names
/// alone.
fn back_inside(root: &Root, steps: Vec<Vec<u8>>, upward: bool) -> Result<Vec<Vec<u8>>, FaultCode> {
    let bases = [std::path::absolute(root.path()), std::fs::canonicalize(root.path())];
    for base in bases.iter().flatten() {
        let base = names(base);
        let mut place = if upward { base.clone() } else { Vec::new() };
        for at in (0..steps.len()).rev() {
            match steps[at].as_slice() {
                b"" | b"." => {}
                b".." => {
                    place.pop();
                }
                step => place.push(step.to_vec()),
            }
            if place == base {
                return Ok(steps[..at].to_vec());
            }
        }
    }
    Err(FaultCode::LinkOutside)
}

/// The names of an absolute path, `..` taken away with what is before it.
fn names(path: &Path) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.as_encoded_bytes().to_vec()),
            Component::ParentDir => {
                names.pop();
            }
            _ => {}
        }
    }
    names
}
