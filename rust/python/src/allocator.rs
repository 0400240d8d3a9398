//! Memory goes back to the system when it is freed.
//!
//! glibc's allocator gives large blocks back, but as soon as it has seen one freed, it takes the next of that
//! size for a small one, and keeps it: for each thread as much as that has ever held at a time, which can be the
//! names of a very large module.
#![allow(unsafe_code)]

/// Lets blocks of more than this (bytes) go back, whatever has been freed before.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: std::ffi::c_int = 1 << 20;

/// Sets the allocator of this process so, once.
pub(crate) fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: it takes two numbers, and may be called at any time by any thread.  Where it refuses, all stays
        // as it was.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        });
    }
}

/// Gives back what has been freed in small pieces: threads that are idle keep it for what they do next.
pub(crate) fn give_free_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes a number, may be called at any time by any thread, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}
