//! The order in which messages go to the lanes.

use super::padding::block_count;

/// Places in a list of messages, each once.
///
/// Lanes run dry when a long message is left for last, so long ones come first; how they stand among
/// others of about their length does not matter.  Where no message is long, all stay where they are.
pub(super) struct Order {
    /// Where the list begins.
    first: usize,
    /// Empty when it is the order of the list.
    sorted: Vec<usize>,
    next: usize,
    end: usize,
}

/// Lengths within a quarter of each other are of one class.
const CLASSES: usize = 4 * usize::BITS as usize;

impl Order {
    /// For a kernel of `lanes` lanes; the messages before the `first` are left out.
    pub(super) fn new(messages: &[&[u8]], first: usize, lanes: usize) -> Order {
        let messages = &messages[first..];
        let mut longest = 0;
        let mut total = 0usize;
        for message in messages {
            let blocks = block_count(message.len());
            longest = longest.max(blocks);
            total = total.saturating_add(blocks);
        }
        // What a lane can be behind the others at the end is the longest message.  That is little when
        // every lane has many times as much to do.
        let sorted = if lanes == 1 || messages.len() <= lanes || longest.saturating_mul(lanes * 32) <= total {
            Vec::new()
        } else {
            longest_first(messages)
        };
        Order { first, sorted, next: 0, end: messages.len() }
    }

    /// How many are still to come.
    pub(super) fn left(&self) -> usize {
        self.end - self.next
    }

    /// The next place.
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.next == self.end {
            return None;
        }
        let place = self.next;
        self.next += 1;
        Some(self.first + if self.sorted.is_empty() { place } else { self.sorted[place] })
    }
}

/// A counting sort: the classes' sizes, their borders, the places.
fn longest_first(messages: &[&[u8]]) -> Vec<usize> {
    let mut borders = [0; CLASSES];
    for message in messages {
        borders[class(message.len())] += 1;
    }
    let mut border = 0;
    for class in borders.iter_mut().rev() {
        border += std::mem::replace(class, border);
    }
    let mut sorted = vec![0; messages.len()];
    for (place, message) in messages.iter().enumerate() {
        let border = &mut borders[class(message.len())];
        sorted[*border] = place;
        *border += 1;
    }
    sorted
}

/// The number's magnitude and the two bits below its first.
fn class(length: usize) -> usize {
    let blocks = block_count(length);
    let magnitude = blocks.ilog2() as usize;
    4 * magnitude + if magnitude >= 2 { blocks >> (magnitude - 2) & 3 } else { blocks << (2 - magnitude) & 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_of(lengths: &[usize], lanes: usize) -> Vec<usize> {
        let bytes = vec![0; lengths.iter().copied().max().unwrap_or(0)];
        let messages: Vec<&[u8]> = lengths.iter().map(|&length| &bytes[..length]).collect();
        let mut order = Order::new(&messages, 0, lanes);
        let places: Vec<usize> = std::iter::from_fn(|| order.next()).collect();
        assert_eq!(order.left(), 0);
        places
    }

    #[test]
    fn long_messages_come_first() {
        assert_eq!(order_of(&[10, 100_000, 700, 0, 1_000_000, 3000], 2), [4, 1, 5, 2, 0, 3]);
    }

    #[test]
    fn equal_messages_stay_where_they_are() {
        assert_eq!(order_of(&[64; 100], 4), (0..100).collect::<Vec<_>>());
        assert_eq!(order_of(&[64; 5], 4), (0..5).collect::<Vec<_>>());
    }

    #[test]
    fn every_place_comes_once_and_classes_go_down() {
        let lengths: Vec<usize> = (0..500).map(|i: usize| i.pow(3) % 9973 * (i % 7)).collect();
        let once = |mut places: Vec<usize>| {
            places.sort_unstable();
            places.into_iter().eq(0..500)
        };
        for lanes in [1, 2, 4, 16] {
            assert!(once(order_of(&lengths, lanes)));
        }
        let bytes = vec![0; 7 * 9973];
        let messages: Vec<&[u8]> = lengths.iter().map(|&length| &bytes[..length]).collect();
        let places = longest_first(&messages);
        assert!(places.is_sorted_by_key(|&place| usize::MAX - class(lengths[place])));
        assert!(once(places));
    }

    #[test]
    fn a_class_grows_with_the_length() {
        let most = if cfg!(miri) { 1000 } else { 100_000 };
        assert!((0..most).is_sorted_by_key(class));
        assert!(class(usize::MAX) < CLASSES);
        // Within a class no length is more than a quarter above another, in blocks.
        for blocks in 4usize..5000 {
            assert!(class(64 * blocks) != class(64 * (blocks + blocks / 4 + 1)), "{blocks}");
        }
    }
}
