//! Names that strangers chose and that are told one by one: the first of them, and how many more there are.

/// At most this many unreadable entries and files, violations and empty directories are listed of each.
pub const MAX_LISTED: usize = 1000;
/// Names of a list are together no longer than this.
pub const MAX_LISTED_BYTES: usize = 1 << 20;

/// The first of many, as they come.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    most: usize,
    bytes: usize,
    all: Vec<T>,
    more: usize,
}

/// No more than [`MAX_LISTED`].
impl<T> Default for Listed<T> {
    fn default() -> Listed<T> {
        Listed::of(MAX_LISTED)
    }
}

impl<T> Listed<T> {
    /// No more than `most`.
    pub(crate) fn of(most: usize) -> Listed<T> {
        Listed { most, bytes: 0, all: Vec::new(), more: 0 }
    }

    /// Whether nothing that comes is listed any more.
    pub(crate) fn is_full(&self) -> bool {
        self.more > 0 || self.all.len() == self.most
    }

    /// Lists what `make` makes of a name with so many bytes, or counts it.
    pub(crate) fn push(&mut self, bytes: usize, make: impl FnOnce() -> T) {
        if self.is_full() || self.bytes + bytes > MAX_LISTED_BYTES {
            self.more += 1;
        } else {
            self.bytes += bytes;
            self.all.push(make());
        }
    }

    /// Those that are listed, and how many more came.
    pub(crate) fn into_parts(self) -> (Vec<T>, usize) {
        (self.all, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_by_number_or_by_bytes() {
        for (bytes, listed) in [(0, 5), (MAX_LISTED_BYTES / 5, 5), (MAX_LISTED_BYTES / 4, 4)] {
            let mut list = Listed::of(5);
            for number in 0..10 {
                list.push(bytes, || number);
                assert_eq!(list.is_full(), number + 1 >= listed && (listed == 5 || number >= listed));
            }
            assert_eq!(list.into_parts(), ((0..listed).collect(), 10 - listed));
        }
        // Nothing is listed behind what is not.
        let mut list = Listed::of(5);
        list.push(MAX_LISTED_BYTES + 1, || 0);
        list.push(1, || 1);
        assert_eq!(list.into_parts(), (vec![], 2));
    }
}
