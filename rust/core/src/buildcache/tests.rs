use std::path::PathBuf;

use super::*;
use crate::sha256::digest;

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("fastverify-buildcache-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn put(&self, id: &Id, kind: char, content: &[u8]) {
        let folder = self.0.join(&hex(id)[..2]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{}-{kind}", hex(id))), content).unwrap();
    }

    fn entry(&self, action: &Id, output: &Id, size: usize) {
        self.put(action, 'a', &entry_text(action, output, size));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn entry_text(action: &Id, output: &Id, size: usize) -> Vec<u8> {
    format!("v1 {} {} {size:20} {:20}\n", hex(action), hex(output), 1_700_000_000_000_000_000u64).into_bytes()
}

fn measured(root: &Folder, threads: usize) -> (Survey, Vec<ActionEntry>, Vec<ToldOutput>, usize) {
    let (mut survey, mut entries, mut told, mut read) = (None, Vec::new(), Vec::new(), 0);
    for answer in measure_build_cache(root.0.clone(), 1_800_000_000_000_000_000, threads).unwrap() {
        match answer.unwrap() {
            BuildAnswer::Entry(entry) => entries.push(entry),
            BuildAnswer::Survey(found) => survey = Some(*found),
            BuildAnswer::Told(output) => told.push(*output),
            BuildAnswer::Read { outputs, .. } => read += outputs,
        }
    }
    (survey.unwrap(), entries, told, read)
}

#[test]
fn every_output_is_held_to_its_name_and_its_entries() {
    let root = Folder::new("names");
    for number in 0..300u32 {
        let content = format!("{number:04}").into_bytes();
        root.put(&digest(&content), 'd', &content);
        root.entry(&digest(&[&content[..], b"action"].concat()), &digest(&content), 4);
    }
    let (wrong, short) = ([7; 32], digest(b"0005"));
    root.put(&wrong, 'd', b"else");
    root.entry(&[1; 32], &wrong, 4);
    root.entry(&[2; 32], &short, 5);
    root.entry(&[3; 32], &[9; 32], 5);
    root.put(&[4; 32], 'a', b"v1 ");
    for threads in [1, 3] {
        let (survey, entries, mut told, read) = measured(&root, threads);
        assert_eq!((survey.actions, survey.outputs, read), (304, 301, 301));
        assert_eq!((survey.dangling, survey.orphans, survey.strays_total), (1, 0, 0));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].parsed.flaw, EntryFlaw::Short);
        told.sort_by_key(|one| one.measured.output);
        let told: Vec<_> = told.iter().map(|one| (one.measured.output, one.entries[0].action)).collect();
        let mut expected = vec![(wrong, [1; 32]), (short, [2; 32])];
        expected.sort();
        assert_eq!(told, expected);
    }
}

#[test]
fn an_entry_with_any_byte_changed_is_not_canonical_or_says_something_else() {
    let (action, output) = (digest(b"action"), digest(b"output"));
    let text = entry_text(&action, &output, 1234);
    let whole = parse_entry(&text, &action);
    assert_eq!((whole.form, whole.output, whole.size), (EntryForm::Canonical, Some(output), 1234));
    for at in 0..text.len() {
        for byte in 0..=255 {
            let mut changed = text.clone();
            changed[at] = byte;
            assert!(changed == text || parse_entry(&changed, &action) != whole, "{at} {byte}");
        }
        assert_eq!(parse_entry(&text[..at], &action).form, EntryForm::Malformed);
    }
}

#[test]
fn an_archive_with_any_byte_changed_has_a_flaw_or_another_build_id() {
    let head = b"!<arch>\n__.PKGDEF       0           0     0     644     ";
    let mut export = b"\x02\0\0\0 export data".to_vec();
    let fingerprint = digest(&export)[..8].to_vec();
    export.extend_from_slice(&fingerprint);
    let id = |content: &[u8]| [b"01234567890123456789/", content].concat();
    let build = |id: &[u8]| {
        let definition =
            [b"go object linux\nbuild id \"", id, b"\"\n\n\n$$B\nu", export.as_slice(), b"\n$$\n"].concat();
        let object = [b"go object linux\n\n!\n\0go120ld", fingerprint.as_slice(), b"code"].concat();
        let mut archive = [head, format!("{:<10}`\n", definition.len()).as_bytes(), &definition].concat();
        archive.resize(archive.len() + definition.len() % 2, b'\n');
        archive.extend_from_slice(format!("{:<48}{:<10}`\n", "_go_.o", object.len()).as_bytes());
        archive.extend_from_slice(&object);
        archive
    };
    let unsigned = id(b"01234567890123456789");
    let mut zeroed = Vec::new();
    let range = archive::zeroed(&build(&unsigned), &unsigned, &mut zeroed);
    let content_part = archive::short(&digest(&zeroed[range]));
    let signed = build(&id(&content_part));
    let root = Folder::new("archive");
    let look = |content: &[u8]| {
        root.put(&[0; 32], 'd', content);
        let (_, mut outputs) = measure_build_files(&root.0, &[], &[[0; 32]]);
        outputs.remove(0)
    };
    let whole = look(&signed);
    assert_eq!((whole.kind, whole.flaws.as_slice()), (OutputKind::Archive, &[][..]));
    assert_eq!(whole.build_id, id(&content_part));
    for at in 0..signed.len() {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        let found = look(&changed);
        assert_eq!(found.sha256, Some(digest(&changed)));
        assert!(
            !found.flaws.is_empty() || found.build_id != whole.build_id || found.kind != whole.kind,
            "{at}: {found:?}"
        );
    }
}

/// What `buildid.HashToString` gives for these bytes.
#[test]
fn short_hashes_are_base64_for_urls() {
    let mut id = [0xff; 32];
    assert_eq!(&archive::short(&id), b"____________________");
    id[..4].copy_from_slice(&[0xfb, 0xef, 0xbe, 0]);
    assert_eq!(&archive::short(&id)[..8], b"----AP__");
}
