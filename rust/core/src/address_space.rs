//! For how many threads there is address space.
//!
//! Where a process may have only so much of it (`RLIMIT_AS`, as batch systems set it), an allocation that fails
//! ends the process; so no more threads are started than there is room for.

/// What a thread takes: its stack, its buffers, and most of all what glibc's allocator sets aside for it, which
/// is 64 MiB of addresses, however little of that is used.
#[cfg(target_os = "linux")]
const OF_THREAD: u64 = 72 << 20;
/// What is left alone, for the largest modules and for everything else that this process does meanwhile.
#[cfg(target_os = "linux")]
const RESERVE: u64 = 64 << 20;

/// How many threads may be started now, as far as this is concerned.
#[cfg(target_os = "linux")]
pub(crate) fn for_threads() -> usize {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current.map_or(usize::MAX, |limit| threads_within(limit, in_use()))
}

/// Elsewhere nothing is known of it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn for_threads() -> usize {
    usize::MAX
}

#[cfg(target_os = "linux")]
fn threads_within(limit: u64, in_use: u64) -> usize {
    usize::try_from(limit.saturating_sub(in_use + RESERVE) / OF_THREAD).unwrap_or(usize::MAX)
}

/// Bytes; 0 where the system does not say (proc_pid_statm(5)).
#[cfg(target_os = "linux")]
fn in_use() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_shared() {
        for threads in 0..5 {
            let limit = 7 + RESERVE + threads * OF_THREAD;
            assert_eq!(threads_within(limit, 7), threads as usize);
            assert_eq!(threads_within(limit, 8), threads.saturating_sub(1) as usize);
        }
    }

    #[test]
    fn what_is_used_is_counted() {
        let before = in_use();
        // An optimizer leaves out what nobody looks at.
        let room = std::hint::black_box(vec![0_u8; 1 << 30]);
        assert!(in_use() > before + (room.len() / 2) as u64);
    }
}
