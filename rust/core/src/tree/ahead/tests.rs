//! Files of a tree, sound and changed behind the listing's back, read before their turn.

use std::fs;
use std::mem;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::super::{Ahead, ROOM, Reading, Soon};
use super::*;
use crate::inflate::OUTPUT_SLACK;

/// A directory that goes away with the test.
struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Temp {
        Temp::below(&std::env::temp_dir(), name)
    }

    fn below(folder: &Path, name: &str) -> Temp {
        let path = folder.join(format!("fastverify-ahead-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Temp(path)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tree(path: &Path) -> (Root, Listing) {
    let root = Root::open(path).unwrap();
    let listing = Listing::read(&root, &|| false).unwrap();
    (root, listing)
}

/// Nothing can be tested where the system lets nobody have an io_uring; where tests are to be complete that is
/// a failure.
fn is_refused() -> bool {
    let Some(error) = Ring::new(0).err() else { return false };
    assert!(std::env::var_os("CI").is_none(), "no io_uring: {error}");
    true
}

/// The content of a file, taken now.
fn taken(soon: &mut Window<'_>, number: u32) -> Option<Vec<u8>> {
    let (stat, taken) = soon.take(number)?;
    assert!(stat.is_regular());
    let content = soon.content(taken);
    assert_eq!(content.len() as u64, stat.size + OUTPUT_SLACK as u64);
    Some(content[..stat.size as usize].to_vec())
}

/// What is read of all files of the tree; `meanwhile` is called between listing and opening them.
fn read_all(path: &Path, meanwhile: impl FnOnce()) -> Vec<(String, Option<Vec<u8>>)> {
    let (root, listing) = tree(path);
    meanwhile();
    let mut kept = Kept::default();
    let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
    let numbers: Vec<u32> = (0..listing.files().len() as u32).collect();
    let mut windows = numbers.chunks(FILES);
    soon.ask(windows.next().unwrap_or_default().iter().copied());
    let mut found = Vec::new();
    for window in numbers.chunks(FILES) {
        soon.ask(windows.next().unwrap_or_default().iter().copied());
        for &number in window {
            let name = String::from_utf8(listing.path(&listing.files()[number as usize]).to_vec()).unwrap();
            found.push((name, taken(&mut soon, number)));
        }
    }
    soon.ask([].into_iter());
    assert_eq!(soon.descriptors.iter().map(|descriptors| descriptors.granted).sum::<usize>(), 0);
    drop(soon);
    let ring = kept.ring.unwrap().unwrap();
    assert!(ring.is_idle());
    found
}

#[test]
fn every_file_of_many_with_its_own_content() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("many");
    let content = |number: usize| vec![number as u8; number * 13 % 5000];
    for number in 0..1000 {
        temp.write(&format!("d{}/{number}", number % 9), &content(number));
    }
    let found = read_all(&temp.0, || {});
    assert_eq!(found.len(), 1000);
    for (name, read) in found {
        let number: usize = name.rsplit('/').next().unwrap().parse().unwrap();
        assert_eq!(read, Some(content(number)), "{name}");
    }
}

/// Of files that do not fit the room together the first are read.
#[test]
fn the_room_is_bounded() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("room");
    // With a byte that should stay away, where that is asked for, and what is behind it.
    let most = ROOM - OUTPUT_SLACK - 1;
    for (name, size) in [("a", most), ("b", 0), ("c", ROOM), ("d", 3 * ROOM)] {
        temp.write(name, &vec![7; size]);
    }
    let lengths = |found: Vec<(String, Option<Vec<u8>>)>| -> Vec<Option<usize>> {
        found.into_iter().map(|(_, content)| content.map(|content| content.len())).collect()
    };
    assert_eq!(lengths(read_all(&temp.0, || {})), [Some(most), None, None, None]);
    temp.write("a", &vec![7; most + 2]);
    assert_eq!(lengths(read_all(&temp.0, || {})), [None, Some(0), None, None]);
    temp.write("a", &vec![7; most - OUTPUT_SLACK - 1]);
    assert_eq!(lengths(read_all(&temp.0, || {})), [Some(most - OUTPUT_SLACK - 1), Some(0), None, None]);
}

/// A failed request takes nothing from those around it, nothing that is no file is opened for long, and
/// nothing outside of the tree.
#[test]
fn what_is_no_longer_as_listed_is_left_to_others() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("changed");
    let outside = Temp::new("outside");
    outside.write("f", b"outside");
    let sound: Vec<String> = (0..100).map(|number| format!("sound{number:02}")).collect();
    let changed = ["a-dir", "a-fifo", "a-link", "gone", "linked/f", "moved/f", "t-device"];
    for name in sound.iter().map(String::as_str).chain(changed) {
        temp.write(name, b"content");
    }
    let path = |name: &str| temp.0.join(name);
    let found = read_all(&temp.0, || {
        for name in ["a-dir", "a-fifo", "a-link", "gone", "t-device"] {
            fs::remove_file(path(name)).unwrap();
        }
        fs::create_dir(path("a-dir")).unwrap();
        mknodat(CWD, path("a-fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        symlink(outside.0.join("f"), path("a-link")).unwrap();
        symlink("/dev/zero", path("t-device")).unwrap();
        for (name, target) in [("linked", outside.0.as_path()), ("moved", Path::new("moved2"))] {
            fs::rename(path(name), path(&format!("{name}2"))).unwrap();
            symlink(target, path(name)).unwrap();
        }
    });
    assert_eq!(found.len(), 107);
    for (name, read) in found {
        let expected = (!changed.contains(&name.as_str())).then(|| b"content".to_vec());
        assert_eq!(read, expected, "{name}");
    }
}

/// The kernel's own files say another size than they have: as if they had grown, or been cut.
#[test]
fn a_file_of_another_length_than_it_said_is_left_to_others() {
    if is_refused() {
        return;
    }
    let grown = read_all(Path::new("/proc/self/net/stat"), || {});
    let cut = read_all(Path::new("/sys/kernel/mm/transparent_hugepage"), || {});
    for (name, read) in grown.into_iter().chain(cut) {
        assert_eq!(read, None, "{name}");
    }
    let (root, listing) = tree(Path::new("/proc/self/net/stat"));
    let path = listing.c_path(&listing.files()[0]);
    let mut ring = Ring::new(100 + OUTPUT_SLACK).unwrap();
    ring.open(root.as_fd(), FILE, BENEATH, &[(3, path)]);
    assert!(ring.opened(3).is_some());
    ring.read(&[(3, 10)]);
    assert_eq!(ring.content(3), None);
    assert_eq!(ring.read_len(3), Some(10));
    assert_eq!(ring.content(3).map(<[u8]>::len), Some(10 + OUTPUT_SLACK));
}

/// What is in memory is read without help: for what comes back short, the kernel would start a thread of its own.
#[test]
fn no_thread_is_started_for_what_is_in_memory() {
    if is_refused() {
        return;
    }
    // A tmpfs, wherever POSIX's shared memory is.
    let temp = Temp::below(Path::new("/dev/shm"), "memory");
    for number in 0..100 {
        temp.write(&number.to_string(), &vec![7; 100 * number]);
    }
    // On a thread of its own, for which nothing else has been read.
    let names = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let found = read_all(&temp.0, || {});
            assert!(found.iter().all(|(_, content)| content.is_some()));
            let worker = format!("iou-wrk-{}", rustix::thread::gettid().as_raw_nonzero());
            let tasks = fs::read_dir("/proc/self/task").unwrap();
            let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
            names.filter(|name| name.trim_end() == worker).count()
        });
        reader.join().unwrap()
    });
    assert_eq!(names, 0);
}

/// Behind a content nobody writes, while it may be looked at.
#[test]
fn contents_do_not_lie_side_by_side() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("side_by_side");
    for number in 0..FILES {
        temp.write(&number.to_string(), &vec![7; number]);
    }
    let (root, listing) = tree(&temp.0);
    let mut kept = Kept::default();
    let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
    soon.ask(0..FILES as u32);
    soon.ask([].into_iter());
    let all: Vec<_> = (0..FILES as u32).map(|number| soon.take(number).unwrap()).collect();
    for (stat, slot) in all {
        // The room was zero before anything was read.
        assert!(soon.content(slot)[stat.size as usize..].iter().all(|&byte| byte == 0));
    }
}

#[test]
fn files_may_be_left_out_but_not_taken_twice() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("left_out");
    for number in 0..10 {
        temp.write(&number.to_string(), &[number]);
    }
    let (root, listing) = tree(&temp.0);
    let mut kept = Kept::default();
    for _ in 0..2 {
        let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
        soon.ask(0..10);
        assert_eq!(soon.take(0), None);
        soon.ask(5..6);
        for number in [0, 1, 2, 7] {
            assert_eq!(taken(&mut soon, number).unwrap(), [number as u8]);
        }
        assert_eq!(soon.take(2), None);
        assert_eq!(soon.take(5), None);
        soon.ask(6..7);
        assert_eq!(soon.take(8), None);
        assert_eq!(taken(&mut soon, 5).unwrap(), [5]);
        // The rest is under way when it ends.
        drop(soon);
        assert!(kept.ring.as_ref().unwrap().as_ref().unwrap().is_idle());
    }
    // Asked for again, and then only the second is there.
    let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
    soon.ask(3..4);
    soon.ask(3..4);
    soon.ask([].into_iter());
    assert_eq!(taken(&mut soon, 3).unwrap(), [3]);
    drop(soon);
    // Nothing is left over for another tree.
    let (root, listing) = tree(&temp.0);
    let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
    soon.ask([].into_iter());
    assert_eq!(soon.take(6), None);
}

/// Whatever happens to the ring: what it does not give is left to others, and nobody waits for ever.
#[test]
fn a_ring_that_breaks() {
    if is_refused() {
        return;
    }
    let temp = Temp::new("breaks");
    for number in 0..20 {
        temp.write(&number.to_string(), b"content");
    }
    let (root, listing) = tree(&temp.0);
    for broken_after in 0..3 {
        let mut kept = Kept::default();
        let mut soon = Window::of(&mut kept, ROOM, &root, &listing).unwrap();
        for turn in 0..3 {
            if turn == broken_after {
                soon.ring.shatter();
            }
            soon.ask(10 * turn..20.min(10 * turn + 10));
        }
        for number in 0..20 {
            assert_eq!(soon.take(number), None);
        }
        drop(soon);
        assert!(Window::of(&mut kept, ROOM, &root, &listing).is_none());
        for from_disk in [false, true] {
            let mut ahead = Ahead { kept: mem::take(&mut kept), room: ROOM };
            let soon = ahead.by(Reading::IoUring, &root, &listing, from_disk);
            assert_eq!(soon.map(|soon| matches!(soon, Soon::Asked(..))), from_disk.then_some(true));
            kept = ahead.kept;
        }
    }
}

#[test]
fn descriptors_are_bounded_for_all_threads_together() {
    static USED: AtomicUsize = AtomicUsize::new(0);
    let most = 100;
    let first = Descriptors::of(&USED, most, 64);
    let second = Descriptors::of(&USED, most, 64);
    let third = Descriptors::of(&USED, most, 64);
    assert_eq!([first.granted, second.granted, third.granted], [64, 36, 0]);
    drop(first);
    assert_eq!(Descriptors::of(&USED, most, 1000).granted, 64);
    drop((second, third));
    assert_eq!(USED.load(Ordering::Relaxed), 0);
}
