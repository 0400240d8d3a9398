//! SHA-256 or BLAKE3 of many messages, or of many files, on several threads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::fault::FaultCode;
use crate::readat::open_regular;
use crate::sha256::{self, Digest, Kernel};
use crate::tree::{read_more, read_whole};
use crate::{address_space, descriptors};

/// A thread takes so many bytes of messages at a time, and reads as much before it hashes.
const BATCH: usize = 1 << 20;
/// So many files are taken at a time.
const FILES: usize = 64;
/// A file that is longer is read in windows.
const LONG: usize = 4 << 20;
const WINDOW: usize = 256 << 10;
/// With less to do than this no thread is worth its start.
const ALONE: usize = 256 << 10;
/// More threads than this are never started.
const MAX_THREADS: usize = 256;
/// How often the caller is asked whether to go on.
const PATIENCE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
enum Algorithm {
    Sha256(Kernel),
    Blake3,
}

impl Algorithm {
    fn many(self, messages: &[&[u8]], digests: &mut [Digest]) {
        match self {
            Algorithm::Sha256(kernel) => sha256::digest_many_with(kernel, messages, digests),
            Algorithm::Blake3 => {
                for (message, digest) in messages.iter().zip(digests) {
                    *digest = *blake3::hash(message).as_bytes();
                }
            }
        }
    }

    fn stream(self) -> Stream {
        match self {
            Algorithm::Sha256(kernel) => Stream::Sha256(sha256::Hasher::with_kernel(kernel)),
            Algorithm::Blake3 => Stream::Blake3(Box::default()),
        }
    }
}

enum Stream {
    Sha256(sha256::Hasher),
    Blake3(Box<blake3::Hasher>),
}

impl Stream {
    fn update(&mut self, piece: &[u8]) {
        match self {
            Stream::Sha256(hasher) => hasher.update(piece),
            Stream::Blake3(hasher) => {
                hasher.update(piece);
            }
        }
    }

    fn finish(self) -> Digest {
        match self {
            Stream::Sha256(hasher) => hasher.finish(),
            Stream::Blake3(hasher) => *hasher.finalize().as_bytes(),
        }
    }
}

/// SHA-256 or BLAKE3 of many messages, or of many files, on several threads.
///
/// This is for whoever hashes many small files: short messages go to the processor's lanes together (see
/// [`crate::sha256`]), threads take about a MiB of them at a time, and a short file is read by one call.
/// BLAKE3 has its lanes within a message, which it needs a few KiB of.
///
/// ```
/// use fastverify_core::Hashing;
///
/// let digests = Hashing::sha256().threads(2).messages(&["abc", ""]);
/// assert_eq!(digests[0][..4], [0xba, 0x78, 0x16, 0xbf]);
///
/// let files = Hashing::blake3().files(&["Cargo.toml", "no such file"]);
/// assert!(files[0].is_ok() && files[1].is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hashing {
    algorithm: Algorithm,
    threads: usize,
}

impl Hashing {
    /// By SHA-256 and [`Kernel::in_use`], on one thread.
    pub fn sha256() -> Hashing {
        Hashing { algorithm: Algorithm::Sha256(Kernel::in_use()), threads: 1 }
    }

    /// By BLAKE3 (32 bytes, without a key), on one thread.
    pub fn blake3() -> Hashing {
        Hashing { algorithm: Algorithm::Blake3, threads: 1 }
    }

    /// On up to so many threads: 0 means 1, and more than 256 mean 256.  Where the system gives fewer, or fewer
    /// files that may be open, fewer do the work.
    pub fn threads(self, threads: usize) -> Hashing {
        Hashing { threads: threads.clamp(1, MAX_THREADS), ..self }
    }

    /// SHA-256 by this kernel.  It changes nothing for BLAKE3.
    ///
    /// # Panics
    ///
    /// When the kernel is not one of [`Kernel::available`].
    pub fn kernel(mut self, kernel: Kernel) -> Hashing {
        assert!(kernel.is_available(), "this processor cannot run the SHA-256 kernel {kernel}");
        if let Algorithm::Sha256(chosen) = &mut self.algorithm {
            *chosen = kernel;
        }
        self
    }

    /// The digests of `messages`, in their order.
    pub fn messages<M: AsRef<[u8]>>(&self, messages: &[M]) -> Vec<Digest> {
        self.messages_while(messages, &mut || true).unwrap_or_default()
    }

    /// As [`Hashing::messages`]; `go_on` is called on this thread now and then, and false ends the work
    /// without an answer.
    pub fn messages_while<M: AsRef<[u8]>>(
        &self,
        messages: &[M],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<Digest>> {
        let messages: Vec<&[u8]> = messages.iter().map(AsRef::as_ref).collect();
        let total = messages.iter().fold(0usize, |total, message| total.saturating_add(message.len()));
        let threads = if total < ALONE { 1 } else { with_room(self.threads, address_space::for_threads) };
        // Long messages are shared out one by one; a MiB of short ones is taken together.
        let most = messages.len().div_ceil(threads).max(1);
        let mut ends = Vec::new();
        let (mut bytes, mut count) = (0, 0);
        for (at, message) in messages.iter().enumerate() {
            bytes += message.len();
            count += 1;
            if bytes >= BATCH && count >= most.min(LANES) || count >= most.max(BATCH / 64) {
                ends.push(at + 1);
                (bytes, count) = (0, 0);
            }
        }
        if count > 0 {
            ends.push(messages.len());
        }
        let parts = share(threads, ends.len(), go_on, |part, _: &mut ()| {
            let start = if part == 0 { 0 } else { ends[part - 1] };
            let messages = &messages[start..ends[part]];
            let mut digests = vec![[0; 32]; messages.len()];
            self.algorithm.many(messages, &mut digests);
            digests
        })?;
        Some(parts.into_iter().flatten().collect())
    }

    /// The digests of the files at `paths`, in their order.  Links are followed; what is not a regular
    /// file is [`FaultCode::NotRegular`], and nothing that could block is ever opened.
    pub fn files<P: AsRef<Path>>(&self, paths: &[P]) -> Vec<Result<Digest, FaultCode>> {
        self.files_while(paths, &mut || true).unwrap_or_default()
    }

    /// As [`Hashing::files`]; `go_on` is called on this thread now and then, and false ends the work
    /// without an answer.
    pub fn files_while<P: AsRef<Path>>(
        &self,
        paths: &[P],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<Vec<Result<Digest, FaultCode>>> {
        let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let room = || address_space::for_threads().min(descriptors::for_threads());
        let threads = with_room(self.threads.min(paths.len()), room);
        let chunk = paths.len().div_ceil(4 * threads).clamp(1, FILES);
        let parts = share(threads, paths.len().div_ceil(chunk), go_on, |part, scratch| {
            let paths = &paths[part * chunk..paths.len().min((part + 1) * chunk)];
            read_and_hash(paths, self.algorithm, scratch, &|| false)
        })?;
        Some(parts.into_iter().flatten().collect())
    }
}

/// So many threads, or as many as there is `room` for, which only more than one ask for: it takes system calls.
fn with_room(threads: usize, room: impl FnOnce() -> usize) -> usize {
    if threads > 1 { threads.min(room()).max(1) } else { 1 }
}

/// At least so many messages are taken together where there are enough for all threads.
const LANES: usize = 16;

/// What a thread keeps from one chunk of files to the next.
#[derive(Default)]
pub struct FilesScratch {
    contents: Vec<u8>,
    window: Vec<u8>,
}

/// The SHA-256 digests of files, in their order; of no use once `stopped` says true.
pub(crate) fn sha256_of_files(
    paths: &[&Path],
    scratch: &mut FilesScratch,
    stopped: &dyn Fn() -> bool,
) -> Vec<Result<Digest, FaultCode>> {
    read_and_hash(paths, Algorithm::Sha256(Kernel::in_use()), scratch, stopped)
}

fn read_and_hash(
    paths: &[&Path],
    algorithm: Algorithm,
    scratch: &mut FilesScratch,
    stopped: &dyn Fn() -> bool,
) -> Vec<Result<Digest, FaultCode>> {
    let mut answers = vec![Ok([0; 32]); paths.len()];
    let mut waiting = Vec::new();
    let mut used = 0;
    for (at, path) in paths.iter().enumerate() {
        if stopped() {
            break;
        }
        match read(path, algorithm, scratch, used, stopped) {
            Ok(Reading::Whole(len)) => {
                waiting.push((at, used..used + len));
                used += len;
            }
            Ok(Reading::Hashed(digest)) => answers[at] = Ok(digest),
            Err(code) => answers[at] = Err(code),
        }
        if used >= BATCH || at + 1 == paths.len() {
            let messages: Vec<&[u8]> =
                waiting.iter().map(|(_, range)| &scratch.contents[range.clone()]).collect();
            let mut digests = vec![[0; 32]; messages.len()];
            algorithm.many(&messages, &mut digests);
            for ((at, _), digest) in waiting.drain(..).zip(digests) {
                answers[at] = Ok(digest);
            }
            used = 0;
        }
    }
    answers
}

/// What reading a file has come to.
enum Reading {
    /// So many bytes of it, which are all, lie in the scratch.
    Whole(usize),
    /// It is long, and has been hashed.
    Hashed(Digest),
}

fn read(
    path: &Path,
    algorithm: Algorithm,
    scratch: &mut FilesScratch,
    used: usize,
    stopped: &dyn Fn() -> bool,
) -> Result<Reading, FaultCode> {
    let (file, stat) = open_regular(path)?;
    let mut stream = algorithm.stream();
    if stat.size <= LONG as u64 {
        // One byte more than there should be: that it stays away says that the file has ended.
        let end = used + stat.size as usize + 1;
        if scratch.contents.len() < end {
            scratch.contents.resize(end.max(BATCH), 0);
        }
        let len = read_whole(&file, &mut scratch.contents[used..end])?;
        if len <= stat.size as usize {
            return Ok(Reading::Whole(len));
        }
        // It grows; what there is belongs to it all the same.
        stream.update(&scratch.contents[used..end]);
    }
    scratch.window.resize(WINDOW, 0);
    while !stopped() {
        let n = read_more(&file, &mut scratch.window)?;
        stream.update(&scratch.window[..n]);
        if n < WINDOW {
            break;
        }
    }
    Ok(Reading::Hashed(stream.finish()))
}

/// Does the parts from 0 to `parts` on up to `threads` threads and gives what they come to, in order;
/// nothing once `go_on` has said false.
fn share<S: Default, T: Send>(
    threads: usize,
    parts: usize,
    go_on: &mut dyn FnMut() -> bool,
    work: impl Fn(usize, &mut S) -> T + Sync,
) -> Option<Vec<T>> {
    let mut answers: Vec<Option<T>> = (0..parts).map(|_| None).collect();
    let next = AtomicUsize::new(0);
    let ended = AtomicBool::new(false);
    let take = || {
        let part = next.fetch_add(1, Ordering::Relaxed);
        (part < parts && !ended.load(Ordering::Relaxed)).then_some(part)
    };
    if threads.min(parts) > 1 {
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..threads.min(parts) {
                let (sender, work, take) = (sender.clone(), &work, &take);
                // Where there is no thread to be had, others do the work, or this one below.
                let _ = thread::Builder::new().spawn_scoped(scope, move || {
                    let mut scratch = S::default();
                    while let Some(part) = take() {
                        let answer = work(part, &mut scratch);
                        if sender.send((part, answer)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            loop {
                match receiver.recv_timeout(PATIENCE) {
                    Ok((part, answer)) => answers[part] = Some(answer),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if !ended.load(Ordering::Relaxed) && !go_on() {
                    ended.store(true, Ordering::Relaxed);
                }
            }
        });
    }
    let mut scratch = S::default();
    while let Some(part) = take() {
        answers[part] = Some(work(part, &mut scratch));
        if !go_on() {
            ended.store(true, Ordering::Relaxed);
        }
    }
    (!ended.load(Ordering::Relaxed)).then(|| answers.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;
    use std::path::PathBuf;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count as u64).map(|i| (i.wrapping_mul(i) >> 5) as u8).collect()
    }

    fn expected(message: &[u8]) -> Digest {
        sha2::Sha256::digest(message).into()
    }

    #[test]
    fn messages_in_order_on_any_number_of_threads() {
        let bytes = bytes(3 << 20);
        let mixed: Vec<&[u8]> = (0..4000).map(|i| &bytes[i..i + (i * i) % 1500]).collect();
        let long: Vec<&[u8]> = (0..5).map(|i| &bytes[i..bytes.len() - 1000 * i]).collect();
        let empty = vec![&bytes[..0]; 20_000];
        for threads in [0, 1, 2, 5, 1000] {
            for messages in [&mixed, &long, &empty, &Vec::new()] {
                let sha256 = Hashing::sha256().threads(threads).messages(messages);
                let blake3 = Hashing::blake3().threads(threads).messages(messages);
                assert_eq!((sha256.len(), blake3.len()), (messages.len(), messages.len()));
                for ((message, sha256), blake3) in messages.iter().zip(sha256).zip(blake3) {
                    assert_eq!(sha256, expected(message));
                    assert_eq!(blake3, *blake3::hash(message).as_bytes());
                }
            }
        }
    }

    /// Of the empty message, from BLAKE3's and NIST's test vectors.
    #[test]
    fn known_digests() {
        let hex = |digest: Digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let [empty] = Hashing::blake3().messages(&[""])[..] else { panic!() };
        assert_eq!(hex(empty), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        let [empty] = Hashing::sha256().messages(&[""])[..] else { panic!() };
        assert_eq!(hex(empty), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn every_kernel() {
        let messages: Vec<Vec<u8>> = (0..70).map(|i| bytes(i * 13)).collect();
        for kernel in Kernel::available() {
            let digests = Hashing::sha256().kernel(kernel).messages(&messages);
            assert!(messages.iter().zip(digests).all(|(message, digest)| digest == expected(message)));
        }
    }

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("fastverify-many-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn files_short_and_long_and_faulty() {
        let folder = folder("files");
        let lengths = [0, 1, 4096, BATCH - 1, BATCH, LONG, LONG + 1, LONG + 3 * WINDOW, 70, 0];
        let mut paths = Vec::new();
        let mut wanted = Vec::new();
        for (number, length) in lengths.into_iter().chain(1..300).enumerate() {
            let path = folder.join(number.to_string());
            let content = bytes(length + number);
            std::fs::write(&path, &content).unwrap();
            wanted.push((Ok(expected(&content)), Ok(*blake3::hash(&content).as_bytes())));
            paths.push(path);
        }
        paths.push(folder.join("missing"));
        let missing = std::fs::File::open(&paths[paths.len() - 1]).unwrap_err().into();
        wanted.push((Err(missing), Err(missing)));
        paths.push(folder.clone());
        wanted.push((Err(FaultCode::NotRegular), Err(FaultCode::NotRegular)));
        for threads in [1, 3] {
            let sha256 = Hashing::sha256().threads(threads).files(&paths);
            let blake3 = Hashing::blake3().threads(threads).files(&paths);
            assert!(sha256.into_iter().zip(blake3).eq(wanted.iter().copied()));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_thread_asks_for_no_room() {
        for threads in [0, 1] {
            assert_eq!(with_room(threads, || panic!("asked")), 1);
        }
        for (room, threads) in [(0, 1), (1, 1), (2, 2), (3, 3), (usize::MAX, 3)] {
            assert_eq!(with_room(3, || room), threads);
        }
    }

    #[test]
    fn it_ends_when_told() {
        let bytes = bytes(1 << 20);
        let messages = vec![&bytes[..]; 300];
        for threads in [1, 3] {
            let mut asked = 0;
            let answer = Hashing::sha256().threads(threads).messages_while(&messages, &mut || {
                asked += 1;
                asked < 3
            });
            assert_eq!(answer, None);
            assert!((3..100).contains(&asked), "{asked}");
        }
    }
}
