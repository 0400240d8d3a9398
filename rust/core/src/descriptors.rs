//! How many files the threads may hold open.
//!
//! A process may have so many descriptors and no more (on Unix `RLIMIT_NOFILE`).  Whoever finds none left cannot
//! read a file that is without fault; so no more threads are started than there are descriptors for.

/// What is left alone, for everything else that this process does meanwhile.
const RESERVE: usize = 24;
/// Of a larger limit about half is for reading ahead, which can do without.
const FOR_THREADS: usize = 64;

/// How many descriptors the threads of a schedule that begins now may hold together.
pub(crate) fn for_threads() -> usize {
    left_for_threads(limit(), in_use())
}

/// The same where the process may have `limit`, and has `in_use` if that is known.
fn left_for_threads(limit: usize, in_use: Option<usize>) -> usize {
    (limit - for_reading_ahead(limit)).saturating_sub(in_use.unwrap_or(limit / 8) + RESERVE)
}

/// How many descriptors may be used for reading ahead, in this process, where it may have `limit` of them.
pub(crate) fn for_reading_ahead(limit: usize) -> usize {
    (limit / 2).saturating_sub(FOR_THREADS)
}

/// How many this process may have.
#[cfg(unix)]
pub(crate) fn limit() -> usize {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(crate) fn limit() -> usize {
    usize::MAX
}

/// How many it has; None where the system does not say.
fn in_use() -> Option<usize> {
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    // One of them is for reading this folder.
    Some(std::fs::read_dir(folder).ok()?.count().saturating_sub(1))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_is_open_is_counted() {
        // Other tests open and close files meanwhile.
        let before = in_use().unwrap();
        let files: Vec<File> = (0..200).map(|_| File::open("/proc/self/exe").unwrap()).collect();
        let after = in_use().unwrap();
        assert!(after > before + files.len() / 2, "{before} {after}");
    }

    /// proc_pid_limits(5)
    #[test]
    fn the_limit_is_that_of_open_files() {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let soft = soft.split_whitespace().next().unwrap();
        assert_eq!(soft.parse().unwrap_or(usize::MAX), limit(), "{soft}");
    }

    #[test]
    fn threads_leave_what_others_need() {
        for limit in [256, 1024, 1 << 20, usize::MAX] {
            for in_use in [0, 3, 90] {
                let left = left_for_threads(limit, Some(in_use));
                assert_eq!(left + in_use + RESERVE + for_reading_ahead(limit), limit);
            }
        }
        assert_eq!(left_for_threads(64, Some(64 - RESERVE + 1)), 0);
        assert_eq!(left_for_threads(1600, None), left_for_threads(1600, Some(200)));
    }

    #[test]
    fn reading_ahead_leaves_the_threads_their_share() {
        for limit in [0, 16, 64, 128, 256, 1024, 1 << 20, usize::MAX] {
            let left = limit - for_reading_ahead(limit);
            assert!(left >= limit / 2 && left >= limit.min(FOR_THREADS), "{limit}: {left}");
        }
        assert_eq!(for_reading_ahead(128), 0);
    }
}
