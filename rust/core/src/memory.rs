//! Memory for what strangers decide the size of.
//!
//! An allocation that fails ends a Rust program at once.  What can be large is asked for here first: where there is
//! no room for it, the thread unwinds with [`NoMemory`] and without a panic's message, all work is stopped, and
//! whoever waits for answers is told.

use std::hint::black_box;
use std::panic::resume_unwind;

/// What a thread unwinds with.
pub(crate) struct NoMemory;

/// Whether there is room for so many bytes at this moment.
pub(crate) fn has_room(bytes: usize) -> bool {
    let mut block: Vec<u8> = Vec::new();
    let reserved = block.try_reserve_exact(bytes);
    // It must not be thought away.
    black_box(&block);
    reserved.is_ok()
}

/// Goes on only where there is room for so many bytes at this moment: for what is going to be allocated next.
pub(crate) fn need(bytes: usize) {
    if !has_room(bytes) {
        give_up();
    }
}

/// As [`Vec::reserve`].
pub(crate) fn reserve<T>(elements: &mut Vec<T>, more: usize) {
    if elements.try_reserve(more).is_err() {
        give_up();
    }
}

/// Makes a buffer at least so long, with zeros.
pub(crate) fn lengthen(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        reserve(buffer, len - buffer.len());
        buffer.resize(len, 0);
    }
}

#[cold]
fn give_up() -> ! {
    resume_unwind(Box::new(NoMemory))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const TOO_MUCH: usize = isize::MAX as usize;

    fn gives_up(ask: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(ask)).is_err_and(|payload| payload.is::<NoMemory>())
    }

    #[test]
    fn what_there_is_no_room_for() {
        assert!(has_room(1 << 20));
        assert!(!has_room(TOO_MUCH));
        assert!(gives_up(|| need(TOO_MUCH)));
        assert!(!gives_up(|| need(1 << 20)));
        let mut buffer = vec![1; 10];
        assert!(gives_up(|| lengthen(&mut buffer, TOO_MUCH)));
        assert!(gives_up(|| reserve(&mut buffer, TOO_MUCH)));
        lengthen(&mut buffer, 5);
        assert_eq!(buffer, [1; 10]);
        lengthen(&mut buffer, 12);
        assert_eq!(buffer, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    }
}
