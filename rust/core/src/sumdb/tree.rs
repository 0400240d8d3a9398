//! Tree hashes of RFC 6962, section 2.1.

use crate::sha256::{Digest, digest};

const HASH: usize = size_of::<Digest>();

/// There was neither a hash to begin with nor one to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingToFold;

impl std::fmt::Display for NothingToFold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nothing to fold")
    }
}

impl std::error::Error for NothingToFold {}

/// The hash over subtrees of equal height that stand side by side, given by their `hashes`.
///
/// They are gathered into complete subtrees, as large as can be from the left; `right` is the hash of
/// what stands to the right of all of them.  Bytes after the last whole hash are not looked at.
///
/// # Errors
///
/// [`NothingToFold`] for no hashes and no `right`.
///
/// ```
/// use fastverify_core::sumdb::fold;
///
/// let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
/// let pair = fold(&[a, b].concat(), None).unwrap();
/// assert_eq!(fold(&[a, b, c].concat(), None), fold(&pair, Some(c)));
/// ```
pub fn fold(hashes: &[u8], right: Option<Digest>) -> Result<Digest, NothingToFold> {
    let mut folded = right;
    let mut end = hashes.len() / HASH;
    while end > 0 {
        // The smallest complete subtree is the last one.
        let leaves = end & end.wrapping_neg();
        let left = complete(&hashes[(end - leaves) * HASH..end * HASH]);
        folded = Some(match folded {
            Some(right) => node(&left, &right),
            None => left,
        });
        end -= leaves;
    }
    folded.ok_or(NothingToFold)
}

/// The hash of a node over those of its children.
fn node(left: &[u8], right: &[u8]) -> Digest {
    let mut message = [1; 1 + 2 * HASH];
    message[1..=HASH].copy_from_slice(left);
    message[1 + HASH..].copy_from_slice(right);
    digest(&message)
}

/// The hash of a complete subtree over a power of two of hashes.
fn complete(hashes: &[u8]) -> Digest {
    let mut level = hashes.to_vec();
    while level.len() > HASH {
        for at in (0..level.len()).step_by(2 * HASH) {
            let (left, right) = level[at..at + 2 * HASH].split_at(HASH);
            let above = node(left, right);
            level[at / 2..at / 2 + HASH].copy_from_slice(&above);
        }
        level.truncate(level.len() / 2);
    }
    level.try_into().expect("one hash is left")
}

#[cfg(test)]
mod tests {
    use super::{Digest, NothingToFold, fold, node};
    use crate::sha256::digest;

    /// RFC 6962's own definition: split at the largest power of two below the number.
    fn root(hashes: &[Digest]) -> Digest {
        match hashes {
            [one] => *one,
            _ => {
                let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
                node(&root(left), &root(right))
            }
        }
    }

    #[test]
    fn is_the_recursive_definition() {
        let hashes: Vec<Digest> = (0..=255_u8).map(|n| digest(&[n])).collect();
        for width in 1..=hashes.len() {
            assert_eq!(fold(&hashes[..width].concat(), None), Ok(root(&hashes[..width])), "{width}");
        }
        // Three leaves to the right of two complete subtrees of four.
        let fours: Vec<Digest> = hashes[..8].chunks(4).map(root).collect();
        assert_eq!(fold(&fours.concat(), Some(root(&hashes[8..11]))), Ok(root(&hashes[..11])));
        assert_eq!(fold(&[], Some(hashes[0])), Ok(hashes[0]));
        assert_eq!(fold(&[], None), Err(NothingToFold));
    }
}
