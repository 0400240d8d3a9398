//! What cannot be read, or must not be.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

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
