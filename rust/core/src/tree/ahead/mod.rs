//! Reading files of a tree before their turn, many at a time, by an io_uring.
//!
//! Disks are fast only with many requests under way, and neighbouring ones are put together only where they
//! are made together.  This is a matter of speed alone: a file is opened with the same precautions as any
//! other, and what has not been read ahead to its very end, for whatever reason, is read as if nothing had
//! been.  So there is one place that tells faults.
//!
//! What is in memory already is read no faster so than by plain system calls.

mod reading;

#[cfg_attr(
    not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "powerpc64"
        )
    )),
    path = "never.rs"
)]
mod window;

#[cfg(test)]
pub(crate) use reading::testing::each_way;
pub use reading::{Reading, ReadingError};
pub(crate) use window::{Ahead, Soon};

/// At most so many files are asked for at a time.
pub(crate) const FILES: usize = 64;
