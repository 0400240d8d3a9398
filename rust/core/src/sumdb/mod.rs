//! What proofs of the checksum database are made of: Ed25519 signatures and the tree hashes of RFC 6962.
//!
//! How heads, tiles and records lie in a cache, and which of them prove what, is not known here.

mod signature;
mod tree;

pub use signature::verify;
pub use tree::{NothingToFold, fold};
