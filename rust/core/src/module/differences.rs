//! The differences between a zip and a tree, and which of them are listed where not all can be.

use super::{Change, Difference, MAX_DIFFERENCES, MAX_DIFFERENCES_BYTES};
use crate::memory;
use crate::sha256::Digest;
use crate::stat::FileStat;

/// So that many of one kind hide none of a graver one.
const LISTED_FIRST: [Change; 5] =
    [Change::Type, Change::Modified, Change::Extra, Change::Missing, Change::Mode];

/// Bytes of a packed difference before its path.
const HEAD: usize = 2 + 1 + 1 + 32 + 8 + 32 + 8 + 16 + 4 + 4;
/// What a packed difference has.
const ZIP: u8 = 1;
const TREE: u8 = 2;
const STAT: u8 = 4;

/// Differences by path, in little memory: a module may have very many.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Differences {
    packed: Vec<u8>,
    len: usize,
}

impl Differences {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = Difference> {
        let mut rest = self.packed.as_slice();
        std::iter::from_fn(move || {
            let (difference, behind) = unpack(rest)?;
            rest = behind;
            Some(difference)
        })
    }

    /// All of them, one behind the other, their numbers with the least byte first: the length of the path (2
    /// bytes); the change (1 byte), as a place in the order of [`Change`]; a byte with 1 where there is a
    /// readable copy in the zip, 2 where there is one in the tree, and 4 where there is a stat; the SHA-256 and
    /// the size (8 bytes) of the zip's copy; the SHA-256 of the tree's; of the stat the size (8), the time (16,
    /// signed), the owner (4) and the mode (4); and the path.  What there is not is zero.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }
}

impl std::fmt::Debug for Differences {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

fn pack(difference: &Difference, packed: &mut Vec<u8>) {
    let Difference { path, change, zip, tree_sha256, stat } = difference;
    let has = |flag: u8, is_there: bool| if is_there { flag } else { 0 };
    let (zip_sha256, zip_size) = zip.unwrap_or_default();
    let found = stat.unwrap_or(FileStat { size: 0, mtime_ns: 0, uid: 0, mode: 0 });
    memory::reserve(packed, HEAD + path.len());
    packed.extend((path.len() as u16).to_le_bytes());
    packed.push(*change as u8);
    packed.push(has(ZIP, zip.is_some()) | has(TREE, tree_sha256.is_some()) | has(STAT, stat.is_some()));
    packed.extend(zip_sha256);
    packed.extend(zip_size.to_le_bytes());
    packed.extend(tree_sha256.unwrap_or_default());
    packed.extend(found.size.to_le_bytes());
    packed.extend(found.mtime_ns.to_le_bytes());
    packed.extend(found.uid.to_le_bytes());
    packed.extend(found.mode.to_le_bytes());
    packed.extend(path);
}

/// The first of the `packed`, and what is behind it; None where there is nothing.
fn unpack(packed: &[u8]) -> Option<(Difference, &[u8])> {
    fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
        let (head, behind) = rest.split_first_chunk()?;
        *rest = behind;
        Some(head)
    }
    let rest = &mut &*packed;
    let length = u16::from_le_bytes(*take(rest)?);
    let &[change, has] = take(rest)?;
    let zip = (*take(rest)?, u64::from_le_bytes(*take(rest)?));
    let tree_sha256: Digest = *take(rest)?;
    let stat = FileStat {
        size: u64::from_le_bytes(*take(rest)?),
        mtime_ns: i128::from_le_bytes(*take(rest)?),
        uid: u32::from_le_bytes(*take(rest)?),
        mode: u32::from_le_bytes(*take(rest)?),
    };
    let (path, behind) = rest.split_at_checked(usize::from(length))?;
    let difference = Difference {
        path: path.to_vec(),
        change: *Change::ALL.get(usize::from(change))?,
        zip: (has & ZIP != 0).then_some(zip),
        tree_sha256: (has & TREE != 0).then_some(tree_sha256),
        stat: (has & STAT != 0).then_some(stat),
    };
    Some((difference, behind))
}

/// Differences of one change, by path.
#[derive(Default)]
struct OfChange {
    packed: Vec<u8>,
    starts: Vec<u32>,
}

impl OfChange {
    fn push(&mut self, difference: &Difference) {
        // Shorter than all that are listed can be.
        self.starts.push(self.packed.len() as u32);
        pack(difference, &mut self.packed);
    }

    /// Takes the last away, and says how long its path is.
    fn pop(&mut self) -> Option<usize> {
        let start = self.starts.pop()? as usize;
        let length = self.packed.len() - start - HEAD;
        self.packed.truncate(start);
        Some(length)
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.starts.iter().skip(1).copied().chain([self.packed.len() as u32]);
        self.starts.iter().zip(ends).map(|(&start, end)| &self.packed[start as usize..end as usize])
    }
}

/// Those that are listed of what has come so far.
#[derive(Default)]
pub(super) struct FirstDifferences {
    listed: [OfChange; LISTED_FIRST.len()],
    len: usize,
    /// Of their paths.
    bytes: usize,
    /// How many changes, from the last one, have been left out of the list, at least in part.
    closed: usize,
    more: usize,
}

impl FirstDifferences {
    /// Lists what `make` makes of a path with so many bytes, or counts it.  Those of a change come by path.
    pub(super) fn push(&mut self, change: Change, bytes: usize, make: impl FnOnce() -> Difference) {
        let open = LISTED_FIRST.len() - self.closed;
        let Some(kind) = LISTED_FIRST[..open].iter().position(|listed| *listed == change) else {
            self.more += 1;
            return;
        };
        self.listed[kind].push(&make());
        self.len += 1;
        self.bytes += bytes;
        while self.len > MAX_DIFFERENCES || self.bytes > MAX_DIFFERENCES_BYTES {
            let Some(last) = self.listed.iter().rposition(|listed| !listed.starts.is_empty()) else { return };
            self.bytes -= self.listed[last].pop().unwrap_or_default();
            self.len -= 1;
            self.more += 1;
            self.closed = LISTED_FIRST.len() - last;
        }
    }

    /// Those that are listed, by path, and how many more there are.
    pub(super) fn into_parts(self) -> (Differences, usize) {
        let mut all: Vec<&[u8]> = self.listed.iter().flat_map(OfChange::iter).collect();
        memory::need(all.iter().map(|packed| packed.len()).sum());
        all.sort_by_key(|packed| &packed[HEAD..]);
        (Differences { packed: all.concat(), len: self.len }, self.more)
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
            let mut differences = FirstDifferences::default();
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
                if bytes > MAX_DIFFERENCES_BYTES {
                    break;
                }
                first.push(path);
            }
            first.sort();
            let (listed, more) = differences.into_parts();
            assert!(listed.iter().map(|difference| difference.path).eq(first.into_iter().cloned()));
            assert_eq!(listed.len() + more, count);
        }
    }

    #[test]
    fn every_value_comes_back() {
        let stat = FileStat { size: u64::MAX, mtime_ns: i128::MIN, uid: u32::MAX, mode: u32::MAX - 1 };
        let mut all = Vec::new();
        for (number, change) in Change::ALL.into_iter().enumerate() {
            let zip = [None, Some(([1; 32], u64::MAX)), Some(([0; 32], 0))][number % 3];
            let tree_sha256 = [Some([2; 32]), None][number % 2];
            let stat = [None, Some(stat), Some(FileStat { mtime_ns: -1, ..stat })][(number + 1) % 3];
            let path = vec![b'a' + number as u8; [3, 1, 0xffff][number % 3]];
            all.push(Difference { path, change, zip, tree_sha256, stat });
        }
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let mut first = FirstDifferences::default();
        for difference in &all {
            first.push(difference.change, difference.path.len(), || difference.clone());
        }
        let (differences, _) = first.into_parts();
        assert_eq!(differences.iter().collect::<Vec<_>>(), all);
        assert_eq!((differences.len(), differences.is_empty()), (all.len(), false));
    }
}
