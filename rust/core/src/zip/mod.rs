//! Zip files as Go's `archive/zip` reads them.
//!
//! Go and other readers differ in many ways that matter here: which end record counts, how far the
//! central directory goes, which of two contradicting headers is believed, what is checked at all.
//! [`Archive`] is Go's reading of the central directory, the content of an entry is checked in the order in
//! which Go does, and [`violations`] holds the names to the rules of `golang.org/x/mod/zip`.

mod collisions;
mod compressed;
mod content;
mod directory;
mod entries;
mod held;
mod long;
mod plain;
mod rules;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod testzip;

pub(crate) use content::{Extent, Span, content_of, is_content_of};
pub use directory::{Archive, MAX_DIRECTORY_BYTES};
pub use entries::{Entry, Name};
pub(crate) use held::HeldEntry;
pub(crate) use long::{Buffers, ContentReader, PIECE};
pub(crate) use plain::are_plain;
pub use rules::{MAX_GO_MOD_BYTES, Violation, ViolationCode, violations};
