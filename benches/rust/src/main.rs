//! `fastverify-bench sha256 | inflate FILE | trees FILE`: prints one line of JSON a row, with every sample.
//!
//! A sample is the work over the CPU time of this thread, in GB/s or in thousands of files a second.  The
//! contenders take turns, so that what disturbs one disturbs all.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use fastverify_core::inflate::{INPUT_SLACK, Inflater, OUTPUT_SLACK};
use fastverify_core::sha256::{self, Digest, Kernel};
use fastverify_core::tree::{Listing, Root};
use sha2::Digest as _;

const SAMPLES: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["sha256"] => hash(),
        ["inflate", file] => inflate(&std::fs::read(file).expect("the sample")),
        ["trees", file] => trees(&std::fs::read_to_string(file).expect("the list")),
        _ => panic!("sha256 | inflate FILE | trees FILE"),
    }
}

fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

type Contender<'a> = (String, Box<dyn FnMut() + 'a>);

/// Prints what each contender makes of `work` units in a call, as units over 10^9 or, for files, 10^3.
fn measure(group: &str, size: &str, work: f64, contenders: &mut [Contender<'_>]) {
    let mut samples = vec![Vec::new(); contenders.len()];
    for turn in 0..=SAMPLES {
        for ((_, run), samples) in contenders.iter_mut().zip(&mut samples) {
            let begun = cpu();
            run();
            // The first turn is for the caches.
            if turn > 0 {
                samples.push(format!("{:.3}", work / (cpu() - begun)));
            }
        }
    }
    for ((name, _), samples) in contenders.iter().zip(samples) {
        let samples = samples.join(", ");
        println!(r#"{{"group": "{group}", "size": "{size}", "name": "{name}", "samples": [{samples}]}}"#);
    }
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(|_| next()).collect()
}

fn hash() {
    for size in [64, 256, 1024, 4096, 16384, 1 << 20] {
        let count = ((2 << 20) / size).clamp(16, 8192);
        let bytes = random_bytes(size * count);
        let messages: Vec<&[u8]> = bytes.chunks(size).collect();
        let mut contenders: Vec<Contender<'_>> = Vec::new();
        let one_by_one = |digest: fn(&[u8]) -> Digest| {
            let messages = &messages;
            Box::new(move || {
                for message in messages {
                    black_box(digest(black_box(message)));
                }
            })
        };
        contenders.push(("crate sha2".into(), one_by_one(|message| sha2::Sha256::digest(message).into())));
        contenders.push((
            "crate ring".into(),
            one_by_one(|message| {
                ring::digest::digest(&ring::digest::SHA256, message).as_ref().try_into().expect("32 bytes")
            }),
        ));
        for kernel in Kernel::available() {
            let chosen = if kernel == Kernel::in_use() { ", used here" } else { "" };
            let messages = &messages;
            let mut digests = vec![[0; 32]; messages.len()];
            contenders.push((
                format!("fastverify, {kernel}{chosen}"),
                Box::new(move || {
                    sha256::digest_many_with(kernel, black_box(messages), &mut digests);
                    black_box(&digests);
                }),
            ));
        }
        measure("sha256", &size.to_string(), bytes.len() as f64 / 1e9, &mut contenders);
    }
}

/// A sample is: the entry's compressed and uncompressed length, 4 bytes each, lowest first, its data; and
/// so on.
fn inflate(sample: &[u8]) {
    let mut entries = Vec::new();
    // As in a zip there is always something behind an entry, and as in a check there is room behind a content.
    let padded = [sample, &[0; INPUT_SLACK]].concat();
    let mut rest = sample;
    while let Some((head, data)) = rest.split_at_checked(8) {
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes")) as usize;
        let (data, others) = data.split_at(number(0));
        let place = sample.len() - rest.len() + 8;
        entries.push((data, number(4), &padded[place..place + data.len() + INPUT_SLACK]));
        rest = others;
    }
    let total: usize = entries.iter().map(|(_, size, _)| size).sum();
    let longest = entries.iter().map(|(_, size, _)| *size).max().unwrap_or(0);
    let mut outputs = vec![vec![0; longest + OUTPUT_SLACK]; 3];
    let [own, deflater, zlib] = &mut outputs[..] else { unreachable!() };
    let entries = &entries;
    let mut inflater = Inflater::default();
    let mut decompressor = libdeflater::Decompressor::new();
    let mut decompress = flate2::Decompress::new(false);
    let mut contenders: Vec<Contender<'_>> = vec![
        (
            "fastverify".into(),
            Box::new(|| {
                for &(data, size, input) in entries {
                    inflater.inflate_within(input, data.len(), own, size).expect("a good entry");
                }
            }),
        ),
        (
            "libdeflate".into(),
            Box::new(|| {
                for &(data, size, _) in entries {
                    decompressor.deflate_decompress(data, &mut deflater[..size]).expect("a good entry");
                }
            }),
        ),
        (
            "crate zlib-rs".into(),
            Box::new(|| {
                for &(data, size, _) in entries {
                    decompress.reset(false);
                    let finish = flate2::FlushDecompress::Finish;
                    decompress.decompress(data, &mut zlib[..size], finish).expect("a good entry");
                }
            }),
        ),
    ];
    measure("inflate", "real entries", total as f64 / 1e9, &mut contenders);
}

fn own_tree(root: &Path, buffer: &mut Vec<u8>) -> usize {
    let root = Root::open(root).expect("a tree");
    let listing = Listing::read(&root, &|| false).expect("a tree");
    for file in listing.files() {
        black_box(root.read(&listing, file, buffer, usize::MAX - 1).expect("a file"));
    }
    listing.files().len()
}

fn walked_tree(root: &Path) -> usize {
    let walk = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let files = walk.map(|entry| entry.expect("a tree")).filter(|entry| entry.file_type().is_file());
    files.map(|file| black_box(std::fs::read(file.path()).expect("a file"))).count()
}

fn trees(list: &str) {
    let roots: Vec<PathBuf> = list.lines().map(PathBuf::from).collect();
    let files: usize = roots.iter().map(|root| walked_tree(root)).sum();
    let mut buffer = Vec::new();
    let mut contenders: Vec<Contender<'_>> = vec![
        (
            "fastverify".into(),
            Box::new(|| {
                let read: usize = roots.iter().map(|root| own_tree(root, &mut buffer)).sum();
                assert_eq!(read, files);
            }),
        ),
        (
            "walkdir, fs::read".into(),
            Box::new(|| {
                black_box(roots.iter().map(|root| walked_tree(root)).sum::<usize>());
            }),
        ),
    ];
    measure("trees", &format!("{files} files"), files as f64 / 1e3, &mut contenders);
}
