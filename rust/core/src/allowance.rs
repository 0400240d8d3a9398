//! How much memory may be spent on what strangers decide the size of.

/// fastverify's own bound on the names of a zip, and on those of a tree: they are held in memory.  Each counts
/// with its bytes, without `P@V/` before it, and with [`BYTES_BESIDE_NAME`]; that of a directory which cannot be
/// listed thrice.  That is enough for some hundred thousand files.
pub const MAX_NAMES_BYTES: u64 = 40 << 20;
/// What is held beside a name, about.
pub const BYTES_BESIDE_NAME: u64 = 32;

/// Bytes that may still be held.
pub(crate) struct Allowance {
    left: u64,
    most_names: u64,
    /// None as long as it was enough.
    wanted: Option<u64>,
}

impl Allowance {
    /// Of so many bytes.
    pub(crate) fn of(bytes: u64) -> Allowance {
        Allowance { left: bytes, most_names: u64::MAX, wanted: None }
    }

    /// The same, and of no more than [`MAX_NAMES_BYTES`] for the names of a zip or of a tree.
    pub(crate) fn with_bound_names(self) -> Allowance {
        Allowance { most_names: MAX_NAMES_BYTES, ..self }
    }

    /// Whether a zip or a tree may have so many names of so many bytes together.
    pub(crate) fn holds_names(&self, names: usize, bytes: usize) -> bool {
        bytes as u64 + BYTES_BESIDE_NAME * names as u64 <= self.most_names
    }

    /// Takes `bytes` of it; false where there is less left, after which all that has been made is of no use.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => self.left = left,
            // Nobody has said how much it is going to be.
            None => self.wanted = Some(u64::MAX),
        }
        self.wanted.is_none()
    }

    /// Whether it is enough for what is said to take `bytes`.
    pub(crate) fn suffices(&mut self, bytes: u64) -> bool {
        if bytes > self.left {
            self.wanted = Some(bytes);
        }
        self.wanted.is_none()
    }

    /// None where it was enough; else how much would be, with no limit where that is not known.
    pub(crate) fn wanted(&self) -> Option<u64> {
        self.wanted
    }
}
