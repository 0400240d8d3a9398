use std::path::PathBuf;

use md5::{Digest as _, Md5};

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
            BuildAnswer::Imports(_) => {}
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

/// An archive as Go's compiler writes one, with its build ID in these places of the code too; so much export
/// data, of this version, and its fingerprint in the object.
fn archive_of(version: u8, export_len: usize, code: usize, places: &[usize]) -> Vec<u8> {
    let id = |content: &[u8]| [b"01234567890123456789/", content].concat();
    let mut export = [version, 0, 0, 0].to_vec();
    export.extend((0..export_len as u32).map(|i| (i.wrapping_mul(i) >> 5) as u8 | 128));
    let sum = if version < 2 { Md5::digest(&export)[..8].to_vec() } else { digest(&export)[..8].to_vec() };
    export.extend_from_slice(&sum);
    let build = |id: &[u8]| {
        let head = b"!<arch>\n__.PKGDEF       0           0     0     644     ";
        let definition =
            [b"go object linux\nbuild id \"", id, b"\"\n\n\n$$B\nu", export.as_slice(), b"\n$$\n"].concat();
        let mut object = [b"go object linux\n\n!\n\0go120ld", sum.as_slice()].concat();
        let start = object.len();
        object.extend((0..code as u32).map(|i| (i.wrapping_mul(i) >> 7) as u8));
        for place in places {
            object[start + place..start + place + id.len()].copy_from_slice(id);
        }
        let mut archive = [head, format!("{:<10}`\n", definition.len()).as_bytes(), &definition].concat();
        archive.resize(archive.len() + definition.len() % 2, b'\n');
        archive.extend_from_slice(format!("{:<48}{:<10}`\n", "_go_.o", object.len()).as_bytes());
        archive.extend_from_slice(&object);
        archive
    };
    let unsigned = id(b"01234567890123456789");
    let mut zeroed = Vec::new();
    let range = archive::zeroed(&build(&unsigned), &unsigned, &mut zeroed);
    build(&id(&archive::short(&digest(&zeroed[range]))))
}

#[test]
fn an_archive_with_any_byte_changed_has_a_flaw_or_another_build_id() {
    for version in [1, 2] {
        let signed = archive_of(version, 12, 4, &[]);
        let whole = measure_content(&[0; 32], &signed, None).unwrap();
        assert_eq!((whole.kind, whole.flaws.as_slice()), (OutputKind::Archive, &[][..]));
        assert_eq!(whole.sha256, Some(digest(&signed)));
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            let found = measure_content(&[0; 32], &changed, None).unwrap();
            assert_eq!(found.sha256, Some(digest(&changed)));
            assert!(
                !found.flaws.is_empty() || found.build_id != whole.build_id || found.kind != whole.kind,
                "{at}: {found:?}"
            );
        }
    }
}

fn in_windows(content: &[u8], window: usize) -> bool {
    let found = measure_content(&[7; 32], content, Some(window));
    assert!(found.is_none() || found == measure_content(&[7; 32], content, None), "{window} {content:?}");
    found.is_some()
}

/// Build IDs on every place of a block, one behind the other and across the windows' borders.
#[test]
fn an_output_in_windows_is_what_it_is_as_a_whole() {
    for shift in 0..64 {
        let mut archive = archive_of(2, shift, 2500, &[]);
        let code = archive.windows(8).position(|eight| eight == b"\0go120ld").unwrap() + 16;
        for window in [512, 600, 2000, 5000] {
            // Where the first window ends, one build ID after the other; and in the middle of another.
            let border = (window.max(code + 100) - code).min(2000) - shift;
            let sets = [
                vec![],
                vec![border],
                vec![border - 41, border],
                vec![border - 50, border - 9, border + 32, 2300],
            ];
            for places in sets {
                archive = archive_of(1 + (shift % 2) as u8, shift, 2500 + shift, &places);
                let whole = measure_content(&[7; 32], &archive, None).unwrap();
                assert_eq!(whole.flaws, []);
                assert!(in_windows(&archive, window));
            }
        }
    }
    for content in [&b"\x7fELF"[..], b"", b"!<arch>\nother", &[b'x'; 5000]] {
        assert!(in_windows(content, 0));
    }
}

/// With any byte changed, and cut off anywhere; export data longer than a window among them.
#[test]
fn a_damaged_output_in_windows_is_what_it_is_as_a_whole() {
    for export in [7, 8, 1101, 1102] {
        let archive = archive_of(2, export, 800, &[100, 700]);
        let mut streamed = 0;
        for at in 0..archive.len() {
            for changed in [archive[at] ^ 1, b'\n', b'!'] {
                let mut content = archive.clone();
                content[at] = changed;
                streamed += usize::from(in_windows(&content, 0));
            }
            in_windows(&archive[..at], 0);
        }
        assert!(streamed > 2 * archive.len(), "{streamed}");
    }
}

/// Many long outputs at a time, of all lengths, some of them damaged.
#[test]
fn long_outputs_are_measured_side_by_side() {
    let root = Folder::new("long");
    let mut expected = Vec::new();
    for number in 0..60usize {
        let mut content = match number % 4 {
            0 => archive_of(2, number * 3000, LONG as usize + number * 5000, &[number, 60_000]),
            1 => archive_of(1, number, 100 + number * 7000, &[number]),
            2 => vec![number as u8; LONG as usize * (1 + number % 5) + number],
            _ => [&b"\0asm"[..], &vec![1; LONG as usize + number]].concat(),
        };
        let id = digest(&content);
        if number % 3 == 0 {
            let last = content.len() - 1;
            content[last] ^= 1;
        }
        root.put(&id, 'd', &content);
        root.entry(&digest(&id), &id, content.len());
        let mut whole = measure_content(&id, &content, None).unwrap();
        whole.stat = None;
        expected.push(whole);
    }
    for threads in [1, 2, 7] {
        let (survey, entries, told, read) = measured(&root, threads);
        assert_eq!((survey.outputs, read, entries.len()), (60, 60, 0));
        let mut found: Vec<_> =
            told.into_iter().map(|one| OutputMeasurement { stat: None, ..one.measured }).collect();
        found.sort_by_key(|one| one.output);
        // The archives' entries are of another action than their build IDs say.
        let is_told = |one: &&OutputMeasurement| !one.build_id.is_empty() || one.is_told();
        let mut expected: Vec<_> = expected.iter().filter(is_told).cloned().collect();
        expected.sort_by_key(|one| one.output);
        assert_eq!(found, expected);
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

/// Held to comparing each with each; the numbers are small, so that many are near each other.
#[test]
fn imports_that_no_archive_is_are_told() {
    let stat = FileStat { size: 0, mtime_ns: 0, uid: 0, mode: 0 };
    let mut dice = 1u64;
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for _ in 0..50 {
        let mut build = || Build { path: roll(3), fingerprint: roll(4) << 8 | roll(4) | roll(2) << 60 };
        let archives: Vec<OutputMeasurement> = (1..20)
            .map(|number| OutputMeasurement {
                stat: Some(stat),
                sha256: Some([number; 32]),
                builds: Builds { own: vec![build()], imports: vec![build(), build()] },
                ..OutputMeasurement::new(&[number; 32])
            })
            .collect();
        let entries = [([0; 32], EntryOf { action: [0; 32], size: 0, time: 0 })];
        let (mut first, mut second) = (imports::Noted::default(), imports::Noted::default());
        for archive in &archives {
            let noted = if archive.output[0] % 2 == 0 { &mut first } else { &mut second };
            noted.note(archive, &entries, i128::from(u64::MAX));
        }
        first.merge(second);
        let found = first.join(archives.iter().rev().map(|archive| archive.output));

        let named: std::collections::BTreeSet<Build> = archives
            .iter()
            .flat_map(|one| one.builds.imports.clone())
            .filter(|one| one.fingerprint != 0)
            .collect();
        let own: Vec<Build> = archives.iter().flat_map(|one| one.builds.own.clone()).collect();
        let missing: Vec<&Build> = named.iter().filter(|build| !own.contains(build)).collect();
        let is_near = |build: &&&Build| {
            own.iter().any(|other| {
                let differing = (other.fingerprint ^ build.fingerprint).to_le_bytes();
                other.path == build.path && differing.iter().filter(|byte| **byte != 0).count() == 1
            })
        };
        let told = |build: &&Build| MissingImport {
            importer: archives.iter().find(|one| one.builds.imports.contains(build)).unwrap().output,
            fingerprint: build.fingerprint.to_be_bytes(),
        };
        assert_eq!((found.named, found.missing), (named.len(), missing.len()));
        assert_eq!(found.altered, missing.iter().filter(is_near).map(told).collect::<Vec<_>>());
        let others = missing.iter().filter(|build| !is_near(build)).take(MAX_EXAMPLES);
        assert_eq!(found.examples, others.map(told).collect::<Vec<_>>());
    }
}
