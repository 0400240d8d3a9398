//! How much memory may be spent on what strangers decide the size of.

/// Bytes that may still be held.
pub(crate) struct Allowance {
    left: u64,
    /// None as long as it was enough.
    wanted: Option<u64>,
}

impl Allowance {
    /// Of so many bytes.
    pub(crate) fn of(bytes: u64) -> Allowance {
        Allowance { left: bytes, wanted: None }
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
