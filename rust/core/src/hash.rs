//! `dirhash.HashZip`, `HashDir` and `Hash1` over files on disk.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dirhash::Lines;
use crate::fault::{Fault, FaultCode};
use crate::many::{FilesScratch, sha256_of_files};
use crate::module::{Limits, Measuring, ModuleJob, ModuleTask};
use crate::schedule::{self, Job, Running, Worker};
use crate::sha256::Digest;

/// `dirhash.HashZip(path, Hash1)`: the answer's zip has the h1 or the fault.  No limit on declared
/// sizes, and no rule on names.  There is one answer.
///
/// ```
/// let mut answers = fastverify_core::hash_zip("/no/such.zip".into(), 2)?;
/// let zip = answers.next().unwrap()?.zip.unwrap();
/// assert_eq!((zip.h1, zip.fault.unwrap().code.name()), (None, "os"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the system where no thread can be started.
pub fn hash_zip(path: PathBuf, threads: usize) -> io::Result<Measuring> {
    one(ModuleTask { zip: Some(path), ..ModuleTask::default() }, threads)
}

/// `dirhash.HashDir(path, prefix, Hash1)`: the answer's tree has the h1 or the fault, which is also
/// there for what would block or lead out of the tree.  As in Go the path is cleaned by its letters before
/// anything is read, so that an empty one is the current directory.  So is the prefix, which is put before the
/// path of each file: `example.com/m@v1.0.0`, with or without a slash at its end.  There is one answer.
///
/// ```
/// let mut answers = fastverify_core::hash_dir("/no/such/dir".into(), b"example.com/m@v1.0.0", 2)?;
/// let tree = answers.next().unwrap()?.tree.unwrap();
/// assert_eq!((tree.h1, tree.fault.unwrap().code.name()), (None, "os"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the system where no thread can be started.
pub fn hash_dir(path: PathBuf, prefix: &[u8], threads: usize) -> io::Result<Measuring> {
    one(ModuleTask { tree: Some(cleaned(&path)), prefix: joined(prefix), ..ModuleTask::default() }, threads)
}

fn one(task: ModuleTask, threads: usize) -> io::Result<Measuring> {
    schedule::start(vec![ModuleJob::Plan(Box::new(task), Limits::Hash, None)], threads)
}

/// Go's `filepath.Clean`.
fn cleaned(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match (component, cleaned.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                cleaned.pop();
            }
            _ => cleaned.push(component),
        }
    }
    if cleaned.as_os_str().is_empty() { ".".into() } else { cleaned }
}

/// What Go's `filepath.Join(prefix, path)` puts before a clean relative path.
fn joined(prefix: &[u8]) -> Vec<u8> {
    if prefix.is_empty() {
        return Vec::new();
    }
    let rooted = prefix.starts_with(b"/");
    let mut elements: Vec<&[u8]> = Vec::new();
    for element in prefix.split(|&byte| byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if elements.last().is_some_and(|last| *last != b"..") => {
                elements.pop();
            }
            b".." if rooted => {}
            element => elements.push(element),
        }
    }
    let mut joined = if rooted { b"/".to_vec() } else { Vec::new() };
    for element in elements {
        joined.extend_from_slice(element);
        joined.push(b'/');
    }
    joined
}

/// The answer of [`hash_files`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesHash {
    /// The h1.
    H1(String),
    /// The first fault by name, and the number of the file in the list that it is of.
    Fault(Fault, usize),
}

/// Files of a [`hash_files`] call; a chunk of them is read at a time.
pub struct FilesJob {
    files: Arc<Files>,
    chunk: usize,
}

struct Files {
    /// By name; what has the same name stays in order.
    sorted: Vec<(usize, Vec<u8>, PathBuf)>,
    found: Mutex<Found>,
}

struct Found {
    /// Chunks that are still to be read.
    left: usize,
    digests: Vec<Option<Result<Digest, FaultCode>>>,
}

/// Files of a chunk.
const CHUNK: usize = 32;

/// `dirhash.Hash1` over named files on disk, in any order; a name given twice stands twice.  Links are
/// followed, what is not a regular file is refused.  There is one answer.
///
/// ```
/// use fastverify_core::{FilesHash, hash_files};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
/// let mut answers = hash_files(vec![(b"Cargo.toml".to_vec(), path.into())], 2)?;
/// let FilesHash::H1(h1) = answers.next().unwrap()? else { panic!("it cannot be read") };
/// assert!(h1.starts_with("h1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Those of the system where no thread can be started.
pub fn hash_files(files: Vec<(Vec<u8>, PathBuf)>, threads: usize) -> io::Result<Running<FilesJob>> {
    let mut sorted: Vec<_> =
        files.into_iter().enumerate().map(|(number, (name, path))| (number, name, path)).collect();
    sorted.sort_by(|a, b| a.1.cmp(&b.1));
    // One chunk even of nothing, so that there is an answer.
    let chunks = sorted.len().div_ceil(CHUNK).max(1);
    let found = Mutex::new(Found { left: chunks, digests: vec![None; sorted.len()] });
    let files = Arc::new(Files { sorted, found });
    let jobs = (0..chunks).map(|chunk| FilesJob { files: Arc::clone(&files), chunk }).collect();
    schedule::start(jobs, threads)
}

impl Job for FilesJob {
    type Scratch = FilesScratch;
    type Answer = FilesHash;

    fn run(self, scratch: &mut FilesScratch, worker: &Worker<'_, Self>) {
        let start = self.chunk * CHUNK;
        let end = (start + CHUNK).min(self.files.sorted.len());
        let files = &self.files.sorted[start..end];
        let named = |(_, name, _): &&(usize, Vec<u8>, PathBuf)| !name.contains(&b'\n');
        let paths: Vec<_> = files.iter().filter(named).map(|(_, _, path)| path.as_path()).collect();
        let mut hashed = sha256_of_files(&paths, scratch, &|| worker.stopped()).into_iter();
        if worker.stopped() {
            return;
        }
        let refused = Some(Err(FaultCode::NameNewline));
        let digests: Vec<_> =
            files.iter().map(|file| if named(&file) { hashed.next() } else { refused }).collect();
        let mut found = self.files.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.digests[start..end].copy_from_slice(&digests);
        found.left -= 1;
        if found.left == 0 {
            let answer = self.files.answer(&found.digests);
            drop(found);
            worker.answer(answer);
        }
    }
}

impl Files {
    fn answer(&self, digests: &[Option<Result<Digest, FaultCode>>]) -> FilesHash {
        let mut lines = Lines::new();
        for ((number, name, _), digest) in self.sorted.iter().zip(digests) {
            match digest {
                Some(Ok(digest)) => lines.push(digest, &[name]),
                Some(Err(code)) => return FilesHash::Fault(code.of(name), *number),
                None => {}
            }
        }
        FilesHash::H1(lines.h1())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of Go's `path.Clean` and its rules.
    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("./", "."),
            ("a/c", "a/c"),
            ("a//c", "a/c"),
            ("a/c/.", "a/c"),
            ("a/c/b/..", "a/c"),
            ("a/..", "."),
            ("a/../..", ".."),
            ("../../a", "../../a"),
            ("/", "/"),
            ("/../a/c", "/a/c"),
            ("/../a/b/../././/c/", "/a/c"),
        ] {
            assert_eq!(cleaned(Path::new(path)).as_os_str(), expected, "{path:?}");
        }
    }
}
