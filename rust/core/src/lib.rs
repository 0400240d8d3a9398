//! Measures module versions of Go's module cache: what a zip and an extracted tree *are*.
//!
//! For each module version this crate computes the `h1:` hashes of `golang.org/x/mod/sumdb/dirhash`
//! over the zip and over the tree, names every file of the tree that is not as the zip has it, and
//! lists every rule of `golang.org/x/mod/zip` that the zip breaks.  It reads zips exactly as Go's
//! `archive/zip` does, and it knows nothing of go.sum or of policy.
//!
//! * [`measure`] measures many modules on many threads, one pass over the bytes of each.
//! * [`hash_zip`], [`hash_dir`] and [`hash_files`] are `dirhash.HashZip`, `HashDir` and `Hash1`.
//! * [`Hashing`] is SHA-256 or BLAKE3 of many messages or files, for any other purpose.
//! * [`sumdb`] has the arithmetic of the checksum database's proofs.
//! * [`dirhash`], [`zip`], [`tree`], [`inflate`], [`sha256`] and [`schedule`] are the parts.
//!
//! Every input is taken for hostile: nothing is allocated for a size that was only declared, no fifo
//! or device is opened, no link out of a tree is followed, and memory stays bounded by the number of
//! threads and the size of a zip's central directory.
//!
//! ```
//! use fastverify_core::{ModuleTask, measure};
//!
//! let task = ModuleTask {
//!     key: 1,
//!     prefix: b"example.com/m@v1.0.0/".to_vec(),
//!     tree: Some("/no/such/dir".into()),
//!     ..ModuleTask::default()
//! };
//! let answers: Vec<_> = measure(vec![task], 2).unwrap().map(Result::unwrap).collect();
//! let tree = answers[0].tree.as_ref().unwrap();
//! assert_eq!(tree.fault.as_ref().unwrap().code.name(), "os");
//! ```

#![deny(unsafe_code)]

mod address_space;
mod allowance;
pub mod buildcache;
mod descriptors;
pub mod dirhash;
mod fault;
mod hash;
pub mod inflate;
mod listed;
mod many;
mod memory;
mod module;
mod readat;
pub mod schedule;
pub mod sha256;
mod smallfile;
mod sorting;
mod stat;
pub mod sumdb;
pub mod timings;
pub mod tree;
mod unicode_tables;
pub mod zip;

pub use allowance::{BYTES_BESIDE_NAME, MAX_NAMES_BYTES};
pub use fault::{Fault, FaultCode};
pub use hash::{FilesHash, FilesJob, hash_dir, hash_files, hash_zip};
pub use listed::{MAX_LISTED, MAX_LISTED_BYTES};
pub use many::Hashing;
pub use module::{
    Change, Difference, Differences, MAX_ZIP_BYTES, Measuring, ModuleJob, ModuleMeasurement, ModuleTask,
    TreeMeasurement, ZipMeasurement, measure, measure_first, measure_more, measure_with_spares,
};
pub use readat::ReadAt;
pub use sha256::Digest;
pub use smallfile::{MAX_SMALL_FILE_BYTES, SmallFile};
pub use stat::FileStat;
