//! Which differences between a zip and a tree are listed where not all can be.

use super::{Change, Difference, MAX_DIFFERENCES};
use crate::listed::MAX_LISTED_BYTES;

/// So that many of one kind hide none of a graver one.
const LISTED_FIRST: [Change; 5] =
    [Change::Type, Change::Modified, Change::Extra, Change::Missing, Change::Mode];

/// Those that are listed of what has come so far.
#[derive(Default)]
pub(super) struct Differences {
    /// Of each change the first by path.
    listed: [Vec<Difference>; LISTED_FIRST.len()],
    len: usize,
    /// Of their paths.
    bytes: usize,
    /// How many changes, from the last one, have been left out of the list, at least in part.
    closed: usize,
    more: usize,
}

impl Differences {
    /// Lists what `make` makes of a path with so many bytes, or counts it.  Those of a change come by path.
    pub(super) fn push(&mut self, change: Change, bytes: usize, make: impl FnOnce() -> Difference) {
        let open = LISTED_FIRST.len() - self.closed;
        let Some(kind) = LISTED_FIRST[..open].iter().position(|listed| *listed == change) else {
            self.more += 1;
            return;
        };
        self.listed[kind].push(make());
        self.len += 1;
        self.bytes += bytes;
        while self.len > MAX_DIFFERENCES || self.bytes > MAX_LISTED_BYTES {
            let Some(last) = self.listed.iter().rposition(|listed| !listed.is_empty()) else { return };
            let dropped = self.listed[last].pop();
            self.bytes -= dropped.map_or(0, |dropped| dropped.path.len());
            self.len -= 1;
            self.more += 1;
            self.closed = LISTED_FIRST.len() - last;
        }
    }

    /// Those that are listed, by path, and how many more there are.
    pub(super) fn into_parts(self) -> (Vec<Difference>, usize) {
        let mut all: Vec<Difference> = self.listed.into_iter().flatten().collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        (all, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However they come, it is the first of them all in the order of changes and paths.
    #[test]
    fn the_first_are_listed() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut number = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below) as usize
        };
        for turn in 0..20 {
            let longest = [8, 400, 40_000][turn % 3];
            let kinds = 1 + number(5) as u64;
            let count = [100, MAX_DIFFERENCES, MAX_DIFFERENCES + 2000][number(3)];
            let all: Vec<(usize, Vec<u8>)> = (0..count)
                .map(|at| {
                    let mut path = format!("{at:08}").into_bytes();
                    path.resize(8 + number(longest), b'x');
                    (number(kinds), path)
                })
                .collect();
            let mut differences = Differences::default();
            for (kind, path) in &all {
                let (change, path) = (LISTED_FIRST[*kind], path.clone());
                let difference = |path| Difference { path, change, zip: None, tree_sha256: None, stat: None };
                differences.push(change, path.len(), || difference(path));
            }
            let mut ranked: Vec<&(usize, Vec<u8>)> = all.iter().collect();
            ranked.sort();
            let (mut first, mut bytes) = (Vec::new(), 0);
            for (_, path) in ranked.into_iter().take(MAX_DIFFERENCES) {
                bytes += path.len();
                if bytes > MAX_LISTED_BYTES {
                    break;
                }
                first.push(path);
            }
            first.sort();
            let (listed, more) = differences.into_parts();
            assert!(listed.iter().map(|difference| &difference.path).eq(first));
            assert_eq!(listed.len() + more, count);
        }
    }
}
