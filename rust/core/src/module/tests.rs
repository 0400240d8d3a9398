//! Modules made on disk, whole and damaged.

mod changes;
mod faults;
mod large;
mod parts;
mod two_long;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Change, Difference, Differences, Limits, ModuleMeasurement, ModuleTask, Plan, Scratch, measure};
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

fn fault(code: FaultCode, name: &str) -> Fault {
    Fault { code, name: name.into() }
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
