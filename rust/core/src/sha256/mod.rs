//! SHA-256 (FIPS 180-4): of many messages at once, of one message, of a stream.
//!
//! One message at a time leaves a processor mostly idle, whatever instructions it has: each round waits
//! for the one before.  [`digest_many`] works on two to sixteen independent messages at a time, and puts
//! the next message in as soon as one ends, so that messages of mixed lengths waste nothing.
//!
//! ```
//! use fastverify_core::sha256;
//!
//! let messages: [&[u8]; 2] = [b"abc", b""];
//! let mut digests = [[0; 32]; 2];
//! sha256::digest_many(&messages, &mut digests);
//! assert_eq!(digests[0], sha256::digest(b"abc"));
//! assert_eq!(digests[1][..4], [0xe3, 0xb0, 0xc4, 0x42]);
//! ```
//!
//! # Kernels
//!
//! What the processor has is found out when the program runs: see [`Kernel`].  The environment variable
//! `FASTVERIFY_SHA256` forces one by its name, in tests and comparisons; a program should call
//! [`Kernel::from_env`] when it starts and show the error, because hashing itself goes on with the best
//! kernel if that variable names none.
//!
//! # Batches
//!
//! [`digest_many`] keeps nothing between calls, so that the last messages of a call run in lanes that
//! are partly idle.  A MiB of short messages a call is enough to make that not count.  Message bytes are
//! read where they lie and are never copied, but for the last incomplete block of each.
//!
//! Within this crate a `Queue` keeps long messages from one batch to the next, half done, until others
//! fill the lanes beside them, and a `Pair` takes two digests of nearly the same message in one pass.
//!
//! # What holds the unsafe code
//!
//! `unsafe` is in the kernels' own files (`shani`, `avx512`, `avx2`, `sse2`, `armv8`) and nowhere else.
//! Each takes its blocks as slices, which are cut to the number of blocks before their pointers are used,
//! and each exists only as a value that detecting the processor's features has given.  Miri runs the tests
//! of this module, shortened, over the portable kernel and those whose instructions it knows:
//!
//! ```text
//! cargo +nightly miri test -p fastverify-core --lib sha256
//! RUSTFLAGS='-C target-feature=+sha,+sse4.1,+avx2' cargo +nightly miri test -p fastverify-core --lib sha256
//! ```

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod armv8;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod constants;
mod hasher;
mod kernel;
mod lanes;
mod order;
mod padding;
mod pairs;
mod portable;
mod queue;
mod rounds;
#[cfg(target_arch = "x86_64")]
mod shani;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(test)]
mod tests;

pub use hasher::{Hasher, digest};
pub use kernel::{Kernel, KernelError};
pub(crate) use pairs::Pair;
pub(crate) use queue::Queue;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// The digests of many independent messages, each in its message's place, by [`Kernel::in_use`].
///
/// # Panics
///
/// When the slices differ in length.
pub fn digest_many(messages: &[&[u8]], digests: &mut [Digest]) {
    digest_many_with(Kernel::in_use(), messages, digests);
}

/// As [`digest_many`], by this kernel.
///
/// # Panics
///
/// When the slices differ in length, or the kernel is not one of [`Kernel::available`].
pub fn digest_many_with(kernel: Kernel, messages: &[&[u8]], digests: &mut [Digest]) {
    assert_eq!(messages.len(), digests.len(), "one digest for each message");
    kernel.run(messages, digests);
}
