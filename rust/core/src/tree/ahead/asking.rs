//! Asking the disk for files by plain system calls.

use crate::readat::will_need;
use crate::tree::{Kind, Listing, Root};

/// Of a file the disk is asked for so many bytes.  Of a longer one, reading it brings the system to read ahead.
const MOST: u64 = 1 << 20;

/// Has the disk begin with `files` of a tree and does not wait for that.  Each is opened, with the same
/// precautions as for reading it, and closed again: no more descriptors are needed than for that.
pub(super) fn ask(root: &Root, listing: &Listing, files: impl Iterator<Item = u32>) {
    let listed = files.map(|file| &listing.files()[file as usize]);
    for file in listed.filter(|file| file.kind == Kind::Regular) {
        // What cannot be opened is told when it is read.
        if let Ok((opened, _)) = root.open_file(listing.c_path(file)) {
            will_need(&opened, 0, MOST);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use rustix::fs::{Advice, CWD, FileType, Mode, fadvise, fstatfs, mknodat};

    use super::super::{FILES, Soon};
    use super::*;

    /// A directory beside the tests' program, which is on a disk more often than a temporary one.
    struct OnDisk(PathBuf);

    impl OnDisk {
        fn new(name: &str) -> OnDisk {
            let path = std::env::current_exe().unwrap().with_extension(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            OnDisk(path)
        }

        /// A file that is not in memory.
        fn write(&self, name: &str, size: usize) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, vec![7; size]).unwrap();
            let file = File::open(&path).unwrap();
            file.sync_all().unwrap();
            fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        }

        fn is_disk(&self) -> bool {
            const TMPFS: i64 = 0x0102_1994;
            fstatfs(File::open(&self.0).unwrap()).unwrap().f_type as i64 != TMPFS
        }

        fn tree(&self) -> (Root, Listing) {
            let root = Root::open(&self.0).unwrap();
            let listing = Listing::read(&root, &|| false).unwrap();
            (root, listing)
        }
    }

    impl Drop for OnDisk {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// What this thread has a disk fetch in `work`, in bytes (proc_pid_io(5)).
    fn fetched(work: impl FnOnce()) -> u64 {
        let account = || {
            let text = fs::read_to_string("/proc/thread-self/io").unwrap();
            text.lines().find_map(|line| line.strip_prefix("read_bytes: ")?.parse::<u64>().ok()).unwrap()
        };
        let before = account();
        work();
        account() - before
    }

    #[test]
    fn a_disk_is_asked_once_for_what_is_read_then() {
        let folder = OnDisk::new("asked");
        let files = FILES + 6;
        for number in 0..files {
            folder.write(&format!("d{}/{number}", number % 3), 1 << 16);
        }
        let (root, listing) = folder.tree();
        let mut soon = Soon::Asked(&root, &listing);
        // More than are taken at a time, and then the others.
        let first = fetched(|| soon.ask(0..files as u32));
        let rest = fetched(|| soon.ask(FILES as u32..files as u32));
        assert_eq!([first > 0, rest > 0], [folder.is_disk(); 2]);
        assert_eq!(first / FILES as u64, rest / 6);
        for number in 0..files as u32 {
            assert_eq!(soon.take(number), None);
        }
        let mut buffer = Vec::new();
        let again = fetched(|| {
            for file in listing.files() {
                assert_eq!(root.read(&listing, file, &mut buffer, 1 << 17), Ok(Some(1 << 16)));
            }
        });
        assert_eq!(again, 0);
    }

    #[test]
    fn of_a_long_file_only_the_beginning() {
        let folder = OnDisk::new("long");
        folder.write("long", 4 * MOST as usize);
        let (root, listing) = folder.tree();
        let asked = fetched(|| ask(&root, &listing, 0..1));
        assert!(asked <= MOST, "{asked}");
        assert_eq!(asked > 0, folder.is_disk());
    }

    #[test]
    fn nothing_that_is_no_file_of_the_tree() {
        let folder = OnDisk::new("changed");
        let outside = OnDisk::new("outside");
        let names = ["dir", "fifo", "gone", "link", "linked/f", "moved/f", "zero"];
        for name in names {
            folder.write(name, 1 << 16);
            outside.write(name, 1 << 16);
        }
        let (root, listing) = folder.tree();
        let path = |name: &str| folder.0.join(name);
        for name in ["dir", "fifo", "gone", "link", "zero"] {
            fs::remove_file(path(name)).unwrap();
        }
        fs::create_dir(path("dir")).unwrap();
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        symlink(outside.0.join("link"), path("link")).unwrap();
        symlink("/dev/zero", path("zero")).unwrap();
        for (name, target) in [("linked", outside.0.join("linked")), ("moved", PathBuf::from("moved2"))] {
            fs::rename(path(name), path(&format!("{name}2"))).unwrap();
            symlink(target, path(name)).unwrap();
        }
        let all = 0..listing.files().len() as u32;
        assert_eq!(all.len(), names.len());
        assert_eq!(fetched(|| ask(&root, &listing, all)), 0);
        // Not because it had been in memory.
        let read = |path: &Path| fetched(|| drop(fs::read(path).unwrap())) > 0;
        assert_eq!(read(&outside.0.join("linked/f")), outside.is_disk());
        assert_eq!(read(&path("moved2/f")), folder.is_disk());
    }
}
