//! Spare threads: more reads under way while the disk makes the others wait.
//!
//! What is in memory is verified fastest by a thread for each processor.  What has to come from a disk is
//! not: nearly all of the time nothing but one read is under way for each thread, and disks are fast only
//! with many.  So a thread that has waited for a disk starts another one, and that ends when it has not had
//! to wait for some time.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::readat::read_full_at;

/// How often a thread asks how long it has waited for disks.
const LOOK: Duration = Duration::from_millis(5);
/// How long a spare thread stays that does not have to wait: most will have to again before it ends, and each
/// start costs something.
pub(super) const STAYS: Duration = Duration::from_millis(100);

/// How long the thread that makes it waits for disks, as far as the system says.
pub(super) struct DiskWaits {
    accounts: Option<Accounts>,
    looked: Instant,
    last: Figures,
}

/// What a thread has done lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lately {
    /// It has read from a disk.
    pub from_disk: bool,
    /// And it has been waiting for a good part of the time.
    pub waited: bool,
}

/// Linux' accounts of a thread: `io`, and `schedstat` in its folder (proc_pid_io(5), and the kernel's
/// Documentation/scheduler/sched-stats.rst).
struct Accounts {
    io: File,
    schedstat: File,
}

#[derive(Clone, Copy, Default)]
struct Figures {
    /// Bytes that had to be fetched from disks.
    read: u64,
    /// How long it has been on a processor, and has waited for one.
    ready: Duration,
}

impl DiskWaits {
    pub(super) fn of_this_thread() -> DiskWaits {
        let accounts = if cfg!(target_os = "linux") { Accounts::open() } else { None };
        let last = accounts.as_ref().and_then(Accounts::figures).unwrap_or_default();
        DiskWaits { accounts, looked: Instant::now(), last }
    }

    /// What there is to say of the time since that was last told; None when that was a moment ago.
    pub(super) fn lately(&mut self) -> Option<Lately> {
        let elapsed = self.looked.elapsed();
        if self.accounts.is_some() && elapsed < LOOK {
            return None;
        }
        let now = self.accounts.as_ref().and_then(Accounts::figures)?;
        let waited = elapsed.saturating_sub(now.ready.saturating_sub(self.last.ready));
        let from_disk = now.read > self.last.read;
        (self.last, self.looked) = (now, Instant::now());
        Some(Lately { from_disk, waited: from_disk && waited > elapsed / 4 })
    }
}

impl Accounts {
    fn open() -> Option<Accounts> {
        let open = |name| File::open(format!("/proc/thread-self/{name}")).ok();
        Some(Accounts { io: open("io")?, schedstat: open("schedstat")? })
    }

    fn figures(&self) -> Option<Figures> {
        let mut text = [0; 512];
        let len = read_full_at(&self.io, &mut text, 0).ok()?;
        let read = bytes_read(&text[..len])?;
        let len = read_full_at(&self.schedstat, &mut text, 0).ok()?;
        Some(Figures { read, ready: ready(&text[..len])? })
    }
}

fn bytes_read(io: &[u8]) -> Option<u64> {
    std::str::from_utf8(io).ok()?.lines().find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}

/// The first two numbers are of nanoseconds.
fn ready(schedstat: &[u8]) -> Option<Duration> {
    let mut numbers = std::str::from_utf8(schedstat).ok()?.split_ascii_whitespace();
    let mut next = || Some(Duration::from_nanos(numbers.next()?.parse().ok()?));
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_accounts() {
        assert_eq!(ready(b"2000 30 4\n"), Some(Duration::from_nanos(2030)));
        assert_eq!(ready(b"0 0 0"), Some(Duration::ZERO));
        assert_eq!(ready(b"2000"), None);
        assert_eq!(ready(b"x 1"), None);
        let account = b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 6\n";
        assert_eq!(bytes_read(account), Some(4096));
        assert_eq!(bytes_read(b"write_bytes: 6\n"), None);
        assert_eq!(bytes_read(b""), None);
    }

    #[cfg(target_os = "linux")]
    mod of_disks {
        use std::collections::BTreeSet;
        use std::path::PathBuf;
        use std::sync::Arc;
        use std::thread;

        use rustix::fs::{Advice, fadvise, fstatfs};

        use super::super::super::{Job, Worker, start_with_spares};
        use super::*;

        /// A file on the disk that the tests were built on, if that is one.
        struct OnDisk {
            file: File,
            path: PathBuf,
            is_disk: bool,
        }

        impl OnDisk {
            fn new(name: &str) -> OnDisk {
                const TMPFS: i64 = 0x0102_1994;
                let path = std::env::current_exe().unwrap().with_extension(name);
                std::fs::write(&path, vec![1; 1 << 16]).unwrap();
                let file = File::open(&path).unwrap();
                file.sync_all().unwrap();
                let is_disk = fstatfs(&file).unwrap().f_type as i64 != TMPFS;
                OnDisk { file, path, is_disk }
            }

            fn read(&self, from_disk: bool) {
                if from_disk {
                    fadvise(&self.file, 0, None, Advice::DontNeed).unwrap();
                }
                assert_eq!(std::fs::read(&self.path).unwrap().len(), 1 << 16);
            }
        }

        impl Drop for OnDisk {
            fn drop(&mut self) {
                let _ = std::fs::remove_file(&self.path);
            }
        }

        #[test]
        fn memory_is_told_from_disk() {
            let file = OnDisk::new("reads");
            file.read(false);
            let begun = Instant::now();
            let mut waits = DiskWaits::of_this_thread();
            file.read(false);
            // On a busy machine a moment may be long.
            assert!(waits.lately().is_none() || begun.elapsed() >= LOOK);
            thread::sleep(LOOK);
            assert_eq!(waits.lately(), Some(Lately { from_disk: false, waited: false }));
            file.read(true);
            thread::sleep(LOOK);
            assert_eq!(waits.lately(), Some(Lately { from_disk: file.is_disk, waited: file.is_disk }));
        }

        /// Reads the file, from disk if so told, and says so and which thread did it.
        struct Read(Arc<OnDisk>, bool);

        impl Job for Read {
            type Scratch = ();
            type Answer = (String, bool);

            fn run(self, (): &mut (), worker: &Worker<'_, Self>) {
                let Read(file, from_disk) = self;
                file.read(from_disk);
                thread::sleep(LOOK);
                worker.answer((thread::current().name().unwrap().to_owned(), from_disk));
            }
        }

        #[test]
        fn who_reads_from_a_disk_gets_help_for_as_long_as_it_does() {
            // Two, so that what is read from memory has not just been dropped from there by another thread.
            let (on_disk, in_memory) = (Arc::new(OnDisk::new("help")), Arc::new(OnDisk::new("held")));
            let is_disk = on_disk.is_disk;
            let answers = |from_disk: &[bool], spares: usize| -> Vec<(String, bool)> {
                let file = |from_disk| if from_disk { &on_disk } else { &in_memory };
                let job = |&from_disk: &bool| Read(Arc::clone(file(from_disk)), from_disk);
                let jobs = from_disk.iter().map(job).collect();
                start_with_spares(jobs, 1, spares).unwrap().map(Result::unwrap).collect()
            };
            let workers = |answers: &[(String, bool)]| {
                answers.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len()
            };
            in_memory.read(false);
            // More than once, as the code of these tests may have to come from the disk itself.
            assert!((0..4).any(|_| workers(&answers(&[false; 40], 2)) == 1));
            assert_eq!(workers(&answers(&[true; 40], 0)), 1);
            assert_eq!(workers(&answers(&[true; 40], 2)) > 1, is_disk);
            // A spare one stays for so many jobs at most, be they ever so slow, and the one that it is in.
            let stays = STAYS.as_millis().div_ceil(LOOK.as_millis()) as usize + 1;
            let jobs = [vec![true; 20], vec![false; 8 * stays]].concat();
            let answers = answers(&jobs, 2);
            assert_eq!(answers.len(), jobs.len());
            assert_eq!(workers(&answers) > 1, is_disk);
            let last = answers.iter().rposition(|(_, from_disk)| *from_disk).unwrap();
            let of_spares = |(name, _): &&(String, bool)| name.starts_with("fastverify-spare");
            let helped = answers[last..].iter().filter(of_spares).count();
            assert!(helped <= 2 * stays, "{helped} of {}", answers.len() - last);
        }
    }
}
