//! Messages that are hashed batch by batch, some of them in parts.

use super::super::Kernel;
use super::super::queue::Queue;
use super::{Random, expected, unless_miri};

/// Puts messages of these lengths through a queue; says in how many batches they came back.
fn check(kernel: Kernel, lengths: &[usize]) -> usize {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let bytes = Random(7).bytes(unless_miri(5000, 500) + 1);
    let content = |number: usize| -> Vec<u8> {
        // The number goes into it, so that no two are alike.
        (0..lengths[number]).map(|i| bytes[(i + 31 * number) % (bytes.len() - 1)] ^ number as u8).collect()
    };
    let mut queue = Queue::with_kernel(kernel);
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
