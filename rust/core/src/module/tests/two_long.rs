//! Long entries of one module, which a thread may read two at a time.

use super::*;

/// Contents that are read in windows, no two of a length.
fn long_contents() -> Vec<(String, Vec<u8>)> {
    let longest = contents().pop().unwrap().1;
    let lengths = [5_000_000, longest.len(), 4_500_000, 4_200_001, 6_000_000];
    let named =
        |(number, len): (usize, usize)| (format!("long{number}"), longest[longest.len() - len..].to_vec());
    lengths.into_iter().enumerate().map(named).collect()
}

#[test]
fn each_has_its_own_digest() {
    let contents = long_contents();
    let module = Module::new(&contents);
    for threads in 1..=3 {
        let measured = only(module.task(), threads);
        let (zip, tree) = (measured.zip.unwrap(), measured.tree.unwrap());
        assert_eq!([zip.h1, tree.h1], [(); 2].map(|()| Some(h1(&contents))));
        assert_eq!(tree.bytes, contents.iter().map(|(_, content)| content.len() as u64).sum::<u64>());
        assert!(measured.differences.is_empty());
    }
}

/// Whatever is wrong with some of them is told of these, and of no other.
#[test]
fn what_differs_is_told() {
    let contents = long_contents();
    let module = Module::new(&contents);
    for wrong in 1..1 << contents.len() {
        let mut expected = Vec::new();
        for (number, (name, content)) in contents.iter().enumerate() {
            let mut there = content.clone();
            if wrong >> number & 1 == 1 {
                match (wrong + number) % 4 {
                    0 => there[4_100_000] ^= 1,
                    1 => _ = there.pop(),
                    2 => there.push(0),
                    _ => there.clear(),
                }
                expected.push((name.clone(), Some(digest(&there))));
            }
            module.write(name, &there);
        }
        for threads in [1, 2] {
            let measured = measure(vec![module.task()], threads).unwrap().next().unwrap().unwrap();
            let told = |change: Difference| (String::from_utf8(change.path).unwrap(), change.tree_sha256);
            assert_eq!(measured.differences.iter().map(told).collect::<Vec<_>>(), expected);
            assert_eq!(measured.zip.unwrap().h1, Some(h1(&contents)));
        }
    }
}

/// One that is missing, not a file, or has no good entry.
#[test]
fn where_there_are_not_both() {
    let contents = long_contents();
    let entries =
        contents.iter().map(|(name, content)| TestEntry::deflated(&format!("{PREFIX}{name}"), content));
    let mut entries: Vec<_> = entries.collect();
    entries[1].crc32 ^= 1;
    let checksum = fault(FaultCode::ZipChecksum, &format!("{PREFIX}long1"));
    let module = Module::of_zip(TestZip::of(entries));
    for (name, content) in &contents {
        module.write(name, content);
    }
    fs::remove_file(module.path("long2")).unwrap();
    fs::remove_file(module.path("long4")).unwrap();
    fs::create_dir(module.path("long4")).unwrap();
    for threads in [1, 2] {
        let measured = only(module.task(), threads);
        let told = |change: Difference| (String::from_utf8(change.path).unwrap(), change.change);
        let missing = [("long2", Change::Missing), ("long4", Change::Missing)];
        assert_eq!(measured.differences.iter().map(told).collect::<Vec<_>>(), changes(missing));
        assert_eq!(measured.zip.unwrap().bad_entries, std::slice::from_ref(&checksum));
        assert_eq!(measured.tree.unwrap().files, 3);
    }
}
