//! How a tree differs from its zip.

use std::os::unix::fs::symlink;

use super::*;

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

/// Every place where a long file can begin to differ: within a window, at its edge, in its length.
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
