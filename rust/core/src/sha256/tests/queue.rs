//! Messages that are hashed batch by batch, some of them in parts.

use super::super::queue::Queue;
use super::super::{Digest, Kernel};
use super::{Random, expected, unless_miri};

/// Puts messages of these lengths through a queue; says in how many batches they came back.
fn check(kernel: Kernel, lengths: &[usize]) -> usize {
    check_in(Queue::with_kernel(kernel), kernel, lengths)
}

fn check_in(mut queue: Queue<usize>, kernel: Kernel, lengths: &[usize]) -> usize {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let bytes = Random(7).bytes(unless_miri(5000, 500) + 1);
    let content = |number: usize| -> Vec<u8> {
        // The number goes into it, so that no two are alike.
        (0..lengths[number]).map(|i| bytes[(i + 31 * number) % (bytes.len() - 1)] ^ number as u8).collect()
    };
    let mut times = vec![0; lengths.len()];
    let mut batches = 0;
    let mut take = |queue: &mut Queue<usize>| {
        let mut some = 0;
        for (number, digest) in queue.done() {
            assert_eq!(digest, expected(&content(number)), "{kernel}: message {number}");
            times[number] += 1;
            some = 1;
        }
        batches += some;
    };
    for (number, &length) in lengths.iter().enumerate() {
        // Sometimes more room than is needed, as where a size is only declared.
        let spare = (longest - length).min(number % 3);
        queue.room(length + spare)[..length].copy_from_slice(&content(number));
        assert_eq!(queue.last(length), content(number));
        queue.push(length, number);
        take(&mut queue);
    }
    queue.finish();
    take(&mut queue);
    assert!(times.iter().all(|&times| times == 1), "{kernel}: {times:?}");
    batches
}

#[test]
fn every_message_comes_back_once() {
    for kernel in Kernel::available() {
        assert_eq!(check(kernel, &[]), 0);
        assert_eq!(check(kernel, &[0, 1, 64, 55, 56, 119]), 1);
        assert!(check(kernel, &vec![3; unless_miri(10_000, 40)]) >= unless_miri(3, 1));
    }
}

/// Long messages among short ones are kept from batch to batch, and come back whole.
#[cfg_attr(miri, ignore = "takes hours")]
#[test]
fn mixed_lengths_over_many_batches() {
    let mut random = Random(8);
    let mut lengths: Vec<usize> = (0..1500)
        .map(|_| {
            let most = 1 << (4 + random.below(15));
            random.below(most)
        })
        .collect();
    for (place, length) in [(3, 4 << 20), (40, (4 << 20) - 1), (41, 3 << 20), (700, (2 << 20) + 56)] {
        lengths.insert(place, length);
    }
    // Few and long, so that there is nothing beside them.
    lengths.extend([(1 << 20) + 1; 9]);
    for kernel in Kernel::available() {
        assert!(check(kernel, &lengths) > 5, "{kernel}");
    }
}

#[test]
fn little_room_and_messages_larger_than_it() {
    let mut random = Random(11);
    let lengths: Vec<usize> =
        (0..300).map(|number| if number % 7 == 0 { 5000 } else { random.below(1500) }).collect();
    let batches = check_in(Queue::with_room(4096), Kernel::in_use(), &lengths);
    assert!(batches > 50, "{batches}");
}

/// Messages that are lent among others, in windows: each comes back once, and nothing is looked at after the
/// window has been taken back.
#[test]
fn lent_messages_are_through_when_they_are_wanted_back() {
    let mut random = Random(12);
    let windows = unless_miri(60, 3);
    let bytes = Random(13).bytes(unless_miri(200_000, 5000));
    for kernel in Kernel::available() {
        for room in [4096, 1 << 20] {
            let mut queue = Queue::with_room_and(kernel, room);
            let mut messages: Vec<Vec<u8>> = Vec::new();
            let mut digests: Vec<Option<Digest>> = Vec::new();
            for window in 0..windows {
                // Where the lender has them; they go to the queue in another order than they lie there.
                let mut lent: Vec<Vec<u8>> = Vec::new();
                for number in 0..random.below(40) {
                    let longest = if number == 5 { bytes.len() } else { 3000 };
                    let length = random.below(longest);
                    let content = &bytes[random.below(bytes.len() - length + 1)..][..length];
                    let tag = messages.len();
                    messages.push(content.to_vec());
                    digests.push(None);
                    if (number + window) % 3 == 0 {
                        queue.room(length + 7)[..length].copy_from_slice(content);
                        queue.push(length, tag);
                    } else {
                        queue.lend(lent.len(), length, tag);
                        // With something behind it.
                        lent.push([content, b"no part of it"].concat());
                    }
                }
                queue.hash_lent(|number| &lent[number]);
                drop(lent);
                if window == windows / 2 {
                    // In between there may be nothing that waits, and then others again.
                    queue.finish();
                }
                for (tag, digest) in queue.done() {
                    assert_eq!(digests[tag].replace(digest), None, "{kernel}: message {tag} twice");
                }
            }
            queue.finish();
            for (tag, digest) in queue.done() {
                assert_eq!(digests[tag].replace(digest), None, "{kernel}: message {tag} twice");
            }
            for (message, digest) in messages.iter().zip(digests) {
                assert_eq!(digest, Some(expected(message)), "{kernel}: {} bytes", message.len());
            }
        }
    }
}

/// There is room for half of what there is for other messages, once and for all, to keep lent ones in.
#[test]
fn little_is_kept_of_what_was_lent() {
    let room = 1 << 20;
    let content = vec![7; room / 32];
    let short = 900;
    for kernel in Kernel::available() {
        let mut queue = Queue::with_room_and(kernel, room);
        let mut most = 0;
        for _ in 0..unless_miri(50, 2) {
            queue.lend(0, content.len(), ());
            for number in 1..30 {
                queue.lend(number, short, ());
            }
            queue.hash_lent(|_| &content);
            let (left, bytes) = queue.kept_bytes();
            assert!(left <= bytes && bytes <= room / 2 + 64 * kernel.lanes(), "{kernel}: {bytes} for {left}");
            most = most.max(left);
        }
        assert!(most > 0 || kernel.lanes() == 1, "{kernel}: nothing is kept");
        queue.finish();
        assert_eq!(queue.kept_bytes().0, 0, "{kernel}");
        assert_eq!(queue.done().count(), 30 * unless_miri(50, 2), "{kernel}");
    }
}
