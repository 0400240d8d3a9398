//! Spare threads: more reads under way while the disk makes the others wait.
//!
//! What is in memory is verified fastest by a thread for each processor.  What has to come from a disk is
//! not: nearly all of the time nothing but one read is under way for each thread, and disks are fast only
//! with many.  So a thread that has read from a disk starts another one, and that ends as soon as it finds
//! itself reading from memory.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::readat::read_full_at;

/// How often a thread asks what it has read from disks.
const LOOK: Duration = Duration::from_millis(5);

/// The spare threads of a schedule.
#[derive(Default)]
pub(super) struct Spares {
    /// One for each that there can be at a time.
    places: Mutex<Vec<Option<JoinHandle<()>>>>,
}

impl Spares {
    /// Up to `most` at a time.
    pub(super) fn up_to(most: usize) -> Spares {
        Spares { places: Mutex::new((0..most).map(|_| None).collect()) }
    }

    /// Whether there can be any.
    pub(super) fn any(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<JoinHandle<()>>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one that does `work`, unless there are enough.
    pub(super) fn start(&self, work: impl FnOnce() + Send + 'static) {
        let mut places = self.lock();
        let is_free = |place: &Option<JoinHandle<()>>| place.as_ref().is_none_or(JoinHandle::is_finished);
        if let Some(number) = places.iter().position(is_free) {
            // Where the system gives no thread, those that are there do the work.
            let name = format!("fastverify-spare-{number}");
            places[number] = thread::Builder::new().name(name).spawn(work).ok();
        }
    }

    /// Waits until the last one has ended.
    pub(super) fn join(&self) {
        loop {
            // One that ends may have started another.
            let Some(thread) = self.lock().iter_mut().find_map(Option::take) else { return };
            let _ = thread.join();
        }
    }
}

/// What the thread that makes it reads from disks, as far as the system says.
pub(super) struct DiskReads {
    /// Linux' account of this thread (proc_pid_io(5)).
    account: Option<File>,
    bytes: u64,
    looked: Instant,
}

impl DiskReads {
    pub(super) fn of_this_thread() -> DiskReads {
        let account = if cfg!(target_os = "linux") { File::open("/proc/thread-self/io").ok() } else { None };
        let mut reads = DiskReads { account, bytes: 0, looked: Instant::now() };
        reads.bytes = reads.total();
        reads
    }

    /// Whether this thread has read from a disk since that was last told; None when that was a moment ago.
    pub(super) fn lately(&mut self) -> Option<bool> {
        if self.account.is_some() && self.looked.elapsed() < LOOK {
            return None;
        }
        let before = self.bytes;
        self.bytes = self.total();
        self.looked = Instant::now();
        Some(self.bytes > before)
    }

    /// Bytes that this thread has had to fetch from disks; 0 where the system does not say.
    fn total(&self) -> u64 {
        let mut text = [0; 512];
        let read = self.account.as_ref().and_then(|account| read_full_at(account, &mut text, 0).ok());
        bytes_read(&text[..read.unwrap_or(0)]).unwrap_or(0)
    }
}

fn bytes_read(account: &[u8]) -> Option<u64> {
    std::str::from_utf8(account)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("read_bytes: ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_line_of_the_account() {
        let account = b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 6\n";
        assert_eq!(bytes_read(account), Some(4096));
        assert_eq!(bytes_read(b"write_bytes: 6\n"), None);
        assert_eq!(bytes_read(b""), None);
    }

    #[test]
    fn no_more_than_allowed_and_all_waited_for() {
        let spares = Spares::up_to(2);
        let (sender, receiver) = channel::<()>();
        let (started, starts) = channel();
        let receiver = std::sync::Arc::new(Mutex::new(receiver));
        for _ in 0..5 {
            let (receiver, started) = (receiver.clone(), started.clone());
            spares.start(move || {
                started.send(()).unwrap();
                let _ = receiver.lock().unwrap().recv();
            });
        }
        drop((sender, started));
        spares.join();
        assert_eq!(starts.iter().count(), 2);
        let (started, starts) = channel();
        spares.start(move || started.send(()).unwrap());
        spares.join();
        assert_eq!(starts.iter().count(), 1);
    }

    #[cfg(target_os = "linux")]
    mod of_disks {
        use std::collections::BTreeSet;
        use std::path::PathBuf;

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
            let mut reads = DiskReads::of_this_thread();
            file.read(false);
            assert_eq!(reads.lately(), None);
            thread::sleep(LOOK);
            assert_eq!(reads.lately(), Some(false));
            file.read(true);
            thread::sleep(LOOK);
            assert_eq!(reads.lately(), Some(file.is_disk));
        }

        /// Reads the file, from disk if so told, and says which thread did it.
        struct Read(std::sync::Arc<OnDisk>, bool);

        impl Job for Read {
            type Scratch = ();
            type Answer = String;

            fn run(self, (): &mut (), worker: &Worker<'_, Self>) {
                self.0.read(self.1);
                thread::sleep(LOOK);
                worker.answer(thread::current().name().unwrap().to_owned());
            }
        }

        #[test]
        fn who_reads_from_a_disk_gets_help_for_as_long_as_it_does() {
            let file = std::sync::Arc::new(OnDisk::new("help"));
            let workers = |from_disk: bool, spares: usize| {
                let jobs = (0..40).map(|_| Read(file.clone(), from_disk)).collect();
                let names: Vec<String> =
                    start_with_spares(jobs, 1, spares).unwrap().map(Result::unwrap).collect();
                assert_eq!(names.len(), 40);
                names.into_iter().collect::<BTreeSet<_>>()
            };
            file.read(false);
            assert_eq!(workers(false, 2).len(), 1);
            assert_eq!(workers(true, 0).len(), 1);
            assert_eq!(workers(true, 2).len() > 1, file.is_disk);
        }
    }
}
