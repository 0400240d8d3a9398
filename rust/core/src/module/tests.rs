//! Modules made on disk, whole and damaged.

mod large;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::chunk::{Outcome, first_run};
use super::plan::SCATTERED;
use super::{Change, Differences, Limits, ModuleMeasurement, ModuleTask, Plan, Scratch, measure};
use crate::fault::{Fault, FaultCode};
use crate::sha256::digest;
use crate::tree::each_way;
use crate::zip::testzip::{TestEntry, TestZip};
use crate::{FilesHash, dirhash, hash_dir, hash_files, hash_zip};

const PREFIX: &str = "example.com/m@v1.0.0/";

/// A directory that goes away with the test.
struct Temp(PathBuf);

impl Temp {
    fn new() -> Temp {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fastverify-core-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Temp(path)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A module in a directory of its own: `zip` and `tree`.
struct Module {
    temp: Temp,
    toolchain: bool,
}

/// Something that has all sizes: nothing, small, more than a chunk, more than a window.
fn contents() -> Vec<(String, Vec<u8>)> {
    let noise = |n: usize| -> Vec<u8> {
        let mut state = n as u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..n).map(|_| next() & 0x3f).collect()
    };
    let mut contents: Vec<_> = (0..300).map(|i| (format!("d/{i}/f.go"), noise(i * 7))).collect();
    contents.push(("go.mod".to_owned(), b"module example.com/m\n".to_vec()));
    contents.push(("empty".to_owned(), Vec::new()));
    contents.push(("middle".to_owned(), noise(1_500_000)));
    contents.push(("long".to_owned(), noise(9_000_001)));
    contents
}

impl Module {
    fn new(contents: &[(String, Vec<u8>)]) -> Module {
        let entry = |(i, (name, content)): (usize, &(String, Vec<u8>))| match i % 3 {
            0 => TestEntry::stored(&format!("{PREFIX}{name}"), content),
            1 => TestEntry::deflated(&format!("{PREFIX}{name}"), content).with_descriptor(true),
            _ => TestEntry::deflated(&format!("{PREFIX}{name}"), content),
        };
        let module = Module::of_zip(TestZip::of(contents.iter().enumerate().map(entry).collect()));
        for (name, content) in contents {
            module.write(name, content);
        }
        module
    }

    fn of_zip(zip: TestZip) -> Module {
        let temp = Temp::new();
        fs::write(temp.0.join("zip"), zip.bytes()).unwrap();
        fs::create_dir(temp.0.join("tree")).unwrap();
        Module { temp, toolchain: false }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.0.join("tree").join(name)
    }

    /// As Go extracts: read-only.
    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    }

    fn task(&self) -> ModuleTask {
        ModuleTask {
            key: 7,
            prefix: PREFIX.into(),
            zip: Some(self.temp.0.join("zip")),
            tree: Some(self.path("")),
            toolchain: self.toolchain,
            ..ModuleTask::default()
        }
    }

    fn measure(&self) -> ModuleMeasurement {
        only(self.task(), 3)
    }

    fn changes(&self) -> Vec<(String, Change)> {
        let name = |path: Vec<u8>| String::from_utf8(path).unwrap();
        self.measure().differences.iter().map(|change| (name(change.path), change.change)).collect()
    }
}

/// The answer, which is the same with each way to read files.
fn only(task: ModuleTask, threads: usize) -> ModuleMeasurement {
    let answers = each_way(|| {
        let mut measuring = measure(vec![task.clone()], threads).unwrap();
        let answer = measuring.next().unwrap().unwrap();
        assert!(measuring.next().is_none());
        answer
    });
    let (_, answer) = answers[0].clone();
    for (reading, other) in answers {
        assert_eq!(other, answer, "{reading:?}");
    }
    answer
}

/// The h1 by its definition.
fn h1(contents: &[(String, Vec<u8>)]) -> String {
    let mut sorted = contents.to_vec();
    sorted.sort();
    let mut lines = dirhash::Lines::new();
    for (name, content) in &sorted {
        lines.push(&digest(content), &[PREFIX.as_bytes(), name.as_bytes()]);
    }
    lines.h1()
}

fn changes<const N: usize>(expected: [(&str, Change); N]) -> Vec<(String, Change)> {
    expected.map(|(path, change)| (path.to_owned(), change)).to_vec()
}

#[test]
fn a_whole_module_of_all_sizes() {
    let contents = contents();
    let module = Module::new(&contents);
    for threads in [1, 2, 5] {
        let measured = only(module.task(), threads);
        let (zip, tree) = (measured.zip.unwrap(), measured.tree.unwrap());
        assert_eq!(zip.h1, Some(h1(&contents)));
        assert_eq!(zip.files_h1, zip.h1);
        assert_eq!(tree.h1, zip.h1);
        assert_eq!((zip.fault, tree.fault), (None, None));
        assert!(measured.differences.is_empty());
        assert_eq!((zip.entries, tree.files), (contents.len(), contents.len()));
        let bytes: usize = contents.iter().map(|(_, content)| content.len()).sum();
        assert_eq!((zip.unpacked, tree.bytes), (bytes as u128, bytes as u64));
        assert!(zip.has_go_mod);
        assert_eq!(zip.go_mod_h1, Some(dirhash::go_mod_h1(&digest(b"module example.com/m\n"))));
        assert_eq!(zip.violations, []);
    }
}

/// A zip whose entries stand in another order than their names: the verdict goes by name, whether the entries
/// are read in the one order or the other.
#[test]
fn entries_in_any_order_and_more_than_are_read_in_it() {
    for files in [900, 2 * SCATTERED] {
        let mut contents: Vec<_> =
            (0..files).map(|i| (format!("d{}/f{i}", i % 7), format!("content {i}").into_bytes())).collect();
        let module = Module::new(&contents);
        // Files that are not in the zip, between those that are.
        for i in (0..files).step_by(10) {
            contents.push((format!("d{}/f{i}x", i % 7), Vec::new()));
        }
        for (name, content) in &contents[files..] {
            module.write(name, content);
        }
        let measured = module.measure();
        let extra: BTreeSet<_> = measured.differences.iter().map(|change| change.path).collect();
        let expected: BTreeSet<_> = contents[files..].iter().map(|(name, _)| name.clone().into()).collect();
        assert_eq!(extra, expected);
        assert!(measured.differences.iter().is_sorted_by_key(|change| change.path));
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(measured.zip.unwrap().h1, Some(h1(&contents[..files])));
    }
}

/// Chunks that come while another thread is at the verdict are taken by the last one at the latest.
#[test]
fn a_verdict_takes_every_chunk() {
    let contents: Vec<_> = (0..600).map(|i| (format!("f{i:03}"), Vec::new())).collect();
    let module = Module::new(&contents);
    let task = Box::new(ModuleTask { zip: None, ..module.task() });
    let plan = Plan::new(task, Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
    let plan = plan.unwrap_or_else(|_| panic!("a small module"));
    assert_eq!(plan.chunks.len(), 3);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let verdict = plan.verdict.lock().unwrap();
        for chunk in 0..3 {
            let (plan, sender) = (&plan, sender.clone());
            scope.spawn(move || {
                let outcome = Outcome { tree: Some(Ok(digest(b""))), ..Outcome::default() };
                let last = plan.found(chunk, vec![outcome; plan.chunks[chunk].len()], 0);
                sender.send(last).unwrap();
            });
        }
        // Two do not wait, and the last one does.
        assert!(!receiver.recv().unwrap() && !receiver.recv().unwrap());
        assert!(receiver.recv_timeout(std::time::Duration::from_millis(50)).is_err());
        drop(verdict);
        assert!(receiver.recv().unwrap());
    });
    assert_eq!(plan.verdict().tree.unwrap().h1, Some(h1(&contents)));
    // A thread that was not the last comes late.
    plan.verdict.lock().unwrap().go_on(&plan);
}

/// Where there is little room, a chunk's part of the zip is read in as many goes as it takes.
#[test]
fn a_chunk_is_read_in_runs_that_fit() {
    // What does not compress.
    let content = |i: usize| (0..125).flat_map(|j| digest(format!("{i} {j}").as_bytes())).collect();
    let contents: Vec<_> = (0..250).map(|i| (format!("f{i:03}"), content(i))).collect();
    let module = Module::new(&contents);
    let plan =
        Plan::new(Box::new(module.task()), Limits::Extraction, None, 1, &mut Scratch::small(), &|| false);
    let plan = plan.unwrap_or_else(|_| panic!("a small module"));
    let units: Vec<_> = plan.units(plan.chunks[0].clone()).collect();
    assert_eq!(units.len(), 250);
    for (long, least) in [(4 << 20, 1), (256 << 10, 2), (64 << 10, 8), (1 << 10, 16)] {
        let (mut runs, mut next) = (0, 0);
        while next < units.len() {
            let (run, span) = first_run(&plan, &units[next..], long);
            assert!(run > 0 && span.is_none_or(|(_, len)| len as u64 <= 2 * long));
            assert_eq!(span.is_some(), long > 4000, "{run} from {next} with {long}");
            runs += 1;
            next += run;
        }
        assert_eq!(next, units.len());
        assert!((least..=2 * least).contains(&runs), "{runs} runs with {long}");
    }
}

/// With many threads each has little room, and more is read in windows.
#[test]
fn any_number_of_threads() {
    let mut contents = contents();
    let module = Module::new(&contents);
    for threads in [1, 16, 100] {
        let measured = only(module.task(), threads);
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(
            (measured.zip.unwrap().h1, measured.differences),
            (Some(h1(&contents)), Differences::default())
        );
    }
    let middle = contents.iter_mut().find(|(name, _)| name == "middle").unwrap();
    middle.1[1_400_000] ^= 1;
    module.write("middle", &middle.1);
    for threads in [1, 100] {
        let measured = only(module.task(), threads);
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_eq!(measured.differences.len(), 1);
    }
}

#[test]
fn only_a_zip_or_only_a_tree() {
    let contents = contents();
    let module = Module::new(&contents);
    let zip = only(ModuleTask { tree: None, ..module.task() }, 2);
    assert_eq!(zip.zip.unwrap().h1, Some(h1(&contents)));
    assert_eq!(zip.tree, None);
    let tree = only(ModuleTask { zip: None, ..module.task() }, 2);
    assert_eq!(tree.tree.unwrap().h1, Some(h1(&contents)));
    assert_eq!((tree.zip, tree.differences), (None, Differences::default()));
    let zip = hash_zip(module.temp.0.join("zip"), 2).unwrap().next().unwrap().unwrap();
    assert_eq!(zip.zip.unwrap().h1, Some(h1(&contents)));
    // As filepath.Join cleans the prefix.
    for prefix in ["example.com/m@v1.0.0", "example.com/./x/../m@v1.0.0/"] {
        let tree = hash_dir(module.path(""), prefix.as_bytes(), 2).unwrap().next().unwrap().unwrap();
        assert_eq!(tree.tree.unwrap().h1, Some(h1(&contents)));
    }
}

#[test]
fn each_kind_of_change() {
    let contents = contents();
    let module = Module::new(&contents);
    let mut long = contents.iter().find(|(name, _)| name == "long").unwrap().1.clone();
    long[5_000_000] ^= 1;
    module.write("long", &long);
    module.write("middle", b"shorter");
    module.write("d/9/f.go", &[0; 9 * 7]);
    module.write("added/file", b"");
    fs::remove_file(module.path("d/10/f.go")).unwrap();
    fs::set_permissions(module.path("d/11/f.go"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(module.path("d/12/f.go"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::remove_file(module.path("d/13/f.go")).unwrap();
    symlink("../14/f.go", module.path("d/13/f.go")).unwrap();
    let measured = module.measure();
    assert_eq!(
        module.changes(),
        changes([
            ("added/file", Change::Extra),
            ("d/10/f.go", Change::Missing),
            ("d/11/f.go", Change::Mode),
            ("d/12/f.go", Change::Mode),
            ("d/13/f.go", Change::Type),
            ("d/9/f.go", Change::Modified),
            ("long", Change::Modified),
            ("middle", Change::Modified),
        ])
    );
    assert_eq!(measured.zip.unwrap().h1, Some(h1(&contents)));
    let tree = measured.tree.unwrap();
    assert_eq!(tree.fault, None);
    // The tree's hash is that of what is there, the link's target read for the link.
    let mut there: Vec<_> = contents.iter().filter(|(name, _)| name != "d/10/f.go").cloned().collect();
    there.push(("added/file".to_owned(), Vec::new()));
    let target = contents.iter().find(|(name, _)| name == "d/14/f.go").unwrap().1.clone();
    for (name, content) in &mut there {
        match name.as_str() {
            "long" => content.clone_from(&long),
            "middle" => *content = b"shorter".to_vec(),
            "d/9/f.go" => *content = vec![0; 9 * 7],
            "d/13/f.go" => content.clone_from(&target),
            _ => {}
        }
    }
    assert_eq!(tree.h1, Some(h1(&there)));
    let modified = measured.differences.iter().find(|change| change.path == b"long").unwrap();
    let original = contents.iter().find(|(name, _)| name == "long").unwrap();
    assert_eq!(modified.zip, Some((digest(&original.1), original.1.len() as u64)));
    assert_eq!(modified.tree_sha256, Some(digest(&long)));
    assert_eq!(modified.stat.unwrap().size, long.len() as u64);
}

/// Every place where a long file can begin to differ: within a window, at its edge, in its length.
/// A tree with the zip's names has the zip's hash only with the zip's content.
#[test]
fn one_other_content_is_another_hash() {
    let mut contents = contents();
    let module = Module::new(&contents);
    contents.sort();
    for at in [0, 100, contents.len() - 1] {
        let original = contents[at].1.clone();
        contents[at].1.push(b'!');
        module.write(&contents[at].0, &contents[at].1);
        let measured = module.measure();
        assert_eq!(measured.tree.unwrap().h1, Some(h1(&contents)));
        assert_ne!(measured.zip.unwrap().h1, Some(h1(&contents)));
        contents[at].1 = original;
        module.write(&contents[at].0, &contents[at].1);
    }
}

/// The CRC of an entry that is read in windows counts as that of any other.
#[test]
fn long_entries_with_a_wrong_crc() {
    let content = contents().pop().unwrap().1;
    let name = format!("{PREFIX}long");
    for entry in [TestEntry::stored(&name, &content), TestEntry::deflated(&name, &content)] {
        let wrong = TestEntry { crc32: entry.crc32 ^ 1, ..entry.clone() };
        let none = TestEntry { crc32: 0, ..entry.clone() };
        let checksum = Some(fault(FaultCode::ZipChecksum, &name));
        for (entry, expected) in [
            (entry.clone().with_descriptor(true), None),
            (entry, None),
            (wrong.clone(), checksum.clone()),
            (wrong.with_descriptor(true), checksum.clone()),
            (none.clone(), None),
            (none.with_descriptor(true), checksum),
        ] {
            let module = Module::of_zip(TestZip::of(vec![entry]));
            module.write("long", &content);
            for threads in [1, 2] {
                let measured = only(module.task(), threads);
                assert_eq!(measured.zip.unwrap().fault, expected);
                assert_eq!(measured.tree.unwrap().h1, Some(h1(&[("long".to_owned(), content.clone())])));
            }
        }
    }
}

#[test]
fn long_files_that_differ_anywhere() {
    let content = contents().pop().unwrap().1;
    let module = Module::new(&[("long".to_owned(), content.clone())]);
    let mut variants = vec![content[..content.len() - 1].to_vec(), content[..1].to_vec(), Vec::new()];
    variants.push([&content[..], b"x"].concat());
    for at in [0, (256 << 10) - 1, 256 << 10, content.len() - 1] {
        let mut other = content.clone();
        other[at] ^= 1;
        variants.push(other);
    }
    for variant in variants {
        module.write("long", &variant);
        let measured = module.measure();
        assert_eq!(measured.differences.len(), 1);
        assert_eq!(measured.differences.iter().next().unwrap().tree_sha256, Some(digest(&variant)));
        assert_eq!(
            measured.differences.iter().next().unwrap().zip,
            Some((digest(&content), content.len() as u64))
        );
        assert_eq!(measured.tree.unwrap().bytes, variant.len() as u64);
    }
}

fn fault(code: FaultCode, name: &str) -> Fault {
    Fault { code, name: name.into() }
}

#[test]
fn links_and_special_files_never_block_and_lead_nowhere() {
    let contents = vec![("a/f".to_owned(), b"x".to_vec()), ("fifo".to_owned(), b"y".to_vec())];
    let module = Module::new(&contents);
    fs::remove_file(module.path("fifo")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(module.path("fifo")).status().unwrap();
    assert!(made.success());
    let name = module.path("").canonicalize().unwrap().to_str().unwrap().to_owned();
    let errno = |errno: rustix::io::Errno| FaultCode::Os(errno.raw_os_error());
    use rustix::io::Errno;
    for (link, target, expected) in [
        ("l01", "a/f", None),
        ("l02", "./a/../a//f", None),
        ("l03", "l01", None),
        ("l04", &*format!("{name}/a/f"), None),
        ("l05", "../tree/a/f", None),
        ("l06", "/etc/passwd", Some(FaultCode::LinkOutside)),
        ("l07", "../../x", Some(FaultCode::LinkOutside)),
        ("l08", "/dev/zero", Some(FaultCode::LinkOutside)),
        ("l09", "nothing", Some(errno(Errno::NOENT))),
        ("l10", "l10", Some(errno(Errno::LOOP))),
        ("l11", "a", Some(errno(Errno::ISDIR))),
        ("l12", ".", Some(errno(Errno::ISDIR))),
        ("l13", "fifo", Some(FaultCode::NotRegular)),
        ("l14", "a/f/x", Some(errno(Errno::NOTDIR))),
    ] {
        symlink(target, module.path(link)).unwrap();
        let measured = module.measure();
        let tree = measured.tree.unwrap();
        let told: Vec<_> = tree.faults.iter().filter(|fault| fault.name == link.as_bytes()).collect();
        assert_eq!(told.first().map(|fault| fault.code), expected, "{link} -> {target}");
        let change = measured.differences.iter().find(|change| change.path == link.as_bytes()).unwrap();
        assert_eq!(change.change, Change::Type);
        assert_eq!(change.tree_sha256.is_some(), expected.is_none());
        assert!(tree.faults.contains(&fault(FaultCode::NotRegular, "fifo")));
        assert_eq!(tree.fault, Some(fault(FaultCode::NotRegular, "fifo")));
        fs::remove_file(module.path(link)).unwrap();
        if link == "l01" {
            // It is of use to others.
            symlink(target, module.path(link)).unwrap();
        }
    }
}

#[test]
fn roots_that_are_no_directories() {
    let module = Module::new(&[("a".to_owned(), b"x".to_vec())]);
    let measured = |tree: &Path| only(ModuleTask { tree: Some(tree.to_path_buf()), ..module.task() }, 1);
    let noent = FaultCode::Os(rustix::io::Errno::NOENT.raw_os_error());
    let tree = measured(&module.temp.0.join("none"));
    assert_eq!(tree.tree.as_ref().unwrap().fault, Some(fault(noent, "")));
    assert_eq!(tree.tree.unwrap().stat, None);
    symlink("tree", module.temp.0.join("link")).unwrap();
    for name in ["zip", "link"] {
        let tree = measured(&module.temp.0.join(name));
        assert!(tree.differences.is_empty());
        assert_eq!(tree.tree.unwrap().fault, Some(fault(FaultCode::NotDirectory, "")));
    }
}

/// What follows runs without privileges even where the tests have them.
fn unprivileged<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let nobody = rustix::process::Uid::from_raw(65_534);
            // Of this thread alone, and of those that it starts.
            let _ = rustix::thread::set_thread_uid(nobody);
            run()
        });
        thread.join().unwrap()
    })
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_verified() {
    let contents: Vec<_> =
        ["a/f", "b/c/g", "b/h", "k"].map(|name| (name.to_owned(), name.as_bytes().to_vec())).to_vec();
    let module = Module::new(&contents);
    let closed = fs::Permissions::from_mode(0o000);
    fs::set_permissions(module.path("b"), closed.clone()).unwrap();
    fs::set_permissions(module.path("k"), closed).unwrap();
    let measured = unprivileged(|| module.measure());
    fs::set_permissions(module.path("b"), fs::Permissions::from_mode(0o755)).unwrap();
    let acces = FaultCode::Os(rustix::io::Errno::ACCESS.raw_os_error());
    let tree = measured.tree.unwrap();
    assert_eq!(tree.faults, [fault(acces, "b"), fault(acces, "k")]);
    assert_eq!((tree.fault, tree.h1), (Some(fault(acces, "b")), None));
    assert_eq!((tree.files, tree.bytes), (2, 3));
    assert_eq!(tree.empty_directories, Vec::<Vec<u8>>::new());
    // What lies in a closed directory is not called missing.
    assert!(measured.differences.is_empty());
}

#[test]
fn a_bad_entry_hides_nothing_else() {
    let bad = TestEntry { crc32: 1, ..TestEntry::stored(&format!("{PREFIX}b"), b"b") };
    let entries = vec![
        TestEntry::stored(&format!("{PREFIX}a"), b"a"),
        bad.clone(),
        TestEntry { name: format!("{PREFIX}0").into(), method: 12, ..bad },
        TestEntry::stored(&format!("{PREFIX}c"), b"c"),
    ];
    let module = Module::of_zip(TestZip::of(entries));
    module.write("a", b"A");
    module.write("b", b"B");
    let measured = module.measure();
    let zip = measured.zip.unwrap();
    let algorithm = fault(FaultCode::ZipAlgorithm, &format!("{PREFIX}0"));
    assert_eq!((zip.fault, zip.h1), (Some(algorithm.clone()), None));
    assert_eq!(zip.bad_entries, [algorithm, fault(FaultCode::ZipChecksum, &format!("{PREFIX}b"))]);
    assert_eq!(module.changes(), changes([("a", Change::Modified), ("c", Change::Missing)]));
    // The tree has a hash of its own.
    assert!(measured.tree.unwrap().h1.is_some());
}

#[test]
fn duplicates_have_the_last_content_and_directories_a_line() {
    let entries = vec![
        TestEntry::stored(&format!("{PREFIX}a"), b"first"),
        TestEntry::stored(&format!("{PREFIX}d/"), b""),
        TestEntry::stored(&format!("{PREFIX}a"), b"last"),
    ];
    let module = Module::of_zip(TestZip::of(entries));
    module.write("a", b"last");
    let measured = module.measure();
    let zip = measured.zip.unwrap();
    let line = |name: &str, content: &str| (name.to_owned(), content.as_bytes().to_vec());
    assert_eq!(zip.h1, Some(h1(&[line("a", "last"), line("a", "last"), line("d/", "")])));
    assert_eq!(zip.files_h1, Some(h1(&[line("a", "last"), line("a", "last")])));
    assert_eq!(measured.tree.unwrap().h1, Some(h1(&[line("a", "last")])));
    assert!(measured.differences.is_empty());
}

#[test]
fn a_declared_bomb_is_not_inflated() {
    let name = format!("{PREFIX}a");
    let entry = TestEntry { size: 600 << 20, ..TestEntry::deflated(&name, &[0; 1000]) };
    let module = Module::of_zip(TestZip::of(vec![entry, TestEntry::stored("x", b"")]));
    let zip = module.measure().zip.unwrap();
    assert_eq!(zip.fault, Some(fault(FaultCode::ZipTooLarge, "")));
    assert_eq!((zip.violations.len(), zip.unpacked), (1, 600 << 20));
    // HashZip knows no such limit: it reads the entry, which ends early.
    let zip = hash_zip(module.temp.0.join("zip"), 1).unwrap().next().unwrap().unwrap().zip.unwrap();
    assert_eq!(zip.fault, Some(fault(FaultCode::ZipEof, &name)));
}

#[test]
fn names_with_a_newline() {
    let contents = vec![("a\nb".to_owned(), b"x".to_vec()), ("c".to_owned(), b"y".to_vec())];
    let measured = Module::new(&contents).measure();
    let zip = measured.zip.unwrap();
    assert_eq!(zip.fault, Some(fault(FaultCode::NameNewline, &format!("{PREFIX}a\nb"))));
    let tree = measured.tree.unwrap();
    assert_eq!(tree.fault, Some(fault(FaultCode::NameNewline, "a\nb")));
    assert_eq!(
        (zip.bad_entries, tree.faults, measured.differences),
        (vec![], vec![], Differences::default())
    );
}

#[test]
fn a_toolchain_copies_go_mod_files_and_makes_programs() {
    let contents = vec![
        ("src/_go.mod".to_owned(), b"module std\n".to_vec()),
        ("bin/go".to_owned(), b"elf".to_vec()),
        ("x/_go.mod".to_owned(), b"module x\n".to_vec()),
    ];
    let mut module = Module::new(&contents);
    module.write("src/go.mod", b"module std\n");
    fs::set_permissions(module.path("src/go.mod"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(module.path("bin/go"), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(module.changes(), changes([("bin/go", Change::Mode), ("src/go.mod", Change::Extra)]));
    module.toolchain = true;
    let measured = module.measure();
    assert!(measured.differences.is_empty());
    assert_eq!(measured.tree.as_ref().unwrap().h1, Some(h1(&contents)));
    assert_eq!(measured.tree.unwrap().files, 4);
    module.write("x/go.mod", b"module y\n");
    assert_eq!(module.changes(), changes([("x/go.mod", Change::Extra)]));
    assert_ne!(module.measure().tree.unwrap().h1, Some(h1(&contents)));
}

/// Between `_go.mod` and `go.mod` of a directory there are others.
#[test]
fn go_mod_files_that_a_toolchain_copies_lie_in_each_other() {
    let directories = ["", "a/", "a/b/", "a/b-c/", "a/b/x/", "z/"];
    let original = |directory: &str| (format!("{directory}_go.mod"), directory.as_bytes().to_vec());
    let mut contents: Vec<_> = directories.map(original).to_vec();
    contents.push(("a/b/file_go.mod".to_owned(), b"a/b/".to_vec()));
    let mut module = Module::new(&contents);
    module.toolchain = true;
    for directory in directories {
        module.write(&format!("{directory}go.mod"), directory.as_bytes());
    }
    module.write("a/b/x/go.mod", b"another");
    module.write("n/go.mod", b"n/");
    let extra = |path| (path, Change::Extra);
    assert_eq!(module.changes(), changes([extra("a/b/x/go.mod"), extra("n/go.mod")]));
    contents.push(("a/b/x/go.mod".to_owned(), b"another".to_vec()));
    contents.push(("n/go.mod".to_owned(), b"n/".to_vec()));
    assert_eq!(module.measure().tree.unwrap().h1, Some(h1(&contents)));
    // A copy is none of the toolchain's files, even where its zip has it.
    let both = [("_go.mod".to_owned(), b"module m".to_vec()), ("go.mod".to_owned(), b"module m".to_vec())];
    let module = Module { toolchain: true, ..Module::new(&both) };
    let measured = module.measure();
    assert_eq!(measured.tree.unwrap().h1, Some(h1(&both[..1])));
    assert_eq!(measured.zip.unwrap().h1, Some(h1(&both)));
}

#[test]
fn empty_directories_are_told_at_their_top() {
    let module = Module::new(&[("a/f".to_owned(), Vec::new())]);
    for path in ["e/x/y", "e/z", "a/e"] {
        fs::create_dir_all(module.path(path)).unwrap();
    }
    let measured = module.measure();
    assert_eq!(measured.tree.unwrap().empty_directories, [b"a/e".to_vec(), b"e".to_vec()]);
    assert!(measured.differences.is_empty());
}

#[test]
fn paths_that_are_too_long_are_told() {
    let module = Module::new(&[]);
    let element = "e".repeat(250);
    // Made from within, because no path is long enough to name it.
    let mut directory = fs::File::open(module.path("")).unwrap();
    let mut depth = 0;
    while depth * 251 < 4200 {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        mkdirat(&directory, &*element, Mode::from_raw_mode(0o755)).unwrap();
        directory = openat(&directory, &*element, OFlags::RDONLY, Mode::empty()).unwrap().into();
        depth += 1;
    }
    let tree = module.measure().tree.unwrap();
    let long = FaultCode::Os(rustix::io::Errno::NAMETOOLONG.raw_os_error());
    assert_eq!(tree.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [long]);
    let path_len = module.path("").as_os_str().len() + tree.faults[0].name.len();
    assert!((4096..4096 + 251).contains(&path_len));
    assert!(tree.empty_directories.is_empty());
}

#[test]
fn small_files() {
    let temp = Temp::new();
    let path = |name: &str| temp.0.join(name);
    fs::write(path("mod"), b"module m\n").unwrap();
    fs::write(path("info"), vec![b'x'; 100_000]).unwrap();
    let task = ModuleTask {
        mod_file: Some(path("mod")),
        info: Some(path("info")),
        ziphash: Some(path("ziphash")),
        ..ModuleTask::default()
    };
    let measured = only(task, 1);
    let mod_file = measured.mod_file.unwrap();
    assert_eq!(mod_file.h1, Some(dirhash::go_mod_h1(&digest(b"module m\n"))));
    assert_eq!(mod_file.content, b"");
    assert_eq!(
        mod_file.stat.unwrap().mtime_ns / 1_000_000_000,
        i128::from(fs::metadata(path("mod")).unwrap().mtime())
    );
    let info = measured.info.unwrap();
    assert_eq!((info.content.len(), info.h1), ((64 << 10) + 1, None));
    let ziphash = measured.ziphash.unwrap();
    assert_eq!((ziphash.stat, ziphash.content), (None, Vec::new()));
    assert_eq!(ziphash.fault.unwrap().code.name(), "os");
    assert_eq!((measured.zip, measured.tree), (None, None));
}

#[test]
fn hashing_files() {
    let temp = Temp::new();
    let write = |name: &str, content: &str| {
        fs::write(temp.0.join(name), content).unwrap();
        (format!("p/{name}").into_bytes(), temp.0.join(name))
    };
    let files: Vec<_> = (0..100).map(|i| write(&format!("{i}"), &i.to_string())).collect();
    let mut expected = files.clone();
    expected.sort();
    let mut lines = dirhash::Lines::new();
    for (name, path) in &expected {
        lines.push(&digest(&fs::read(path).unwrap()), &[name]);
    }
    let hash = |files: Vec<_>| hash_files(files, 3).unwrap().next().unwrap().unwrap();
    assert_eq!(hash(files.clone()), FilesHash::H1(lines.h1()));
    assert_eq!(hash(Vec::new()), FilesHash::H1(dirhash::Lines::new().h1()));
    let mut bad = files;
    bad[60].1 = "/dev/zero".into();
    bad[70].1 = temp.0.join("none");
    assert_eq!(hash(bad.clone()), FilesHash::Fault(fault(FaultCode::NotRegular, "p/60"), 60));
    bad[5].0 = b"a\nb".to_vec();
    assert_eq!(hash(bad), FilesHash::Fault(fault(FaultCode::NameNewline, "a\nb"), 5));
}

#[test]
fn many_modules_each_once() {
    let modules: Vec<_> = (0..40)
        .map(|i| Module::new(&(0..i).map(|n| (format!("f{n}"), vec![n as u8; n * 31])).collect::<Vec<_>>()))
        .collect();
    let task =
        |(i, module): (usize, &Module)| ModuleTask { key: i as i64, weight: i as u64, ..module.task() };
    let tasks = modules.iter().enumerate().map(task).collect();
    let mut keys = Vec::new();
    for measured in measure(tasks, 4).unwrap() {
        let measured = measured.unwrap();
        assert!(measured.differences.is_empty());
        assert_eq!(measured.zip.unwrap().h1, measured.tree.unwrap().h1);
        keys.push(measured.key);
    }
    keys.sort();
    assert_eq!(keys, (0..40).collect::<Vec<_>>());
}
