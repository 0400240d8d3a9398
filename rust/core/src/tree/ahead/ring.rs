//! Requests to an io_uring: files to be opened, and to be read into a room of its own.
//!
//! While a request is under way the kernel may write to the part of the room that the request was made for.
//! So nobody looks at a part before its request is complete, no part is given to two requests, and the room
//! is not freed while a request is under way; where that cannot be found out any more, it is leaked.  Behind
//! each part there are bytes that nobody writes to, so that a content may be looked at beyond its end.  Of
//! paths, and of how they are to be opened, the kernel has its own copy once a request is submitted
//! (`IORING_FEAT_SUBMIT_STABLE`); no call returns before that, and no foreign code runs in between.
//!
//! A ring is used by the thread that made it, and by no other.  In a child that was forked it is not there.
#![allow(unsafe_code, reason = "the kernel is given pointers, and what it writes is read")]

use crate::inflate::OUTPUT_SLACK;
use crate::memory;
use std::ffi::CStr;
use std::io::{ErrorKind, Result};
use std::mem;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::slice;

use io_uring::types::{Fd, OpenHow};
use io_uring::{IoUring, Probe, opcode, squeue};
use rustix::fs::{OFlags, ResolveFlags};

/// Files that may be opened or read at a time.
pub(super) const SLOTS: usize = 128;

/// Where a file stands.
#[derive(Debug, Default)]
pub(super) enum Slot {
    /// There is none.
    #[default]
    Free,
    /// It is being opened.
    Opening,
    /// It has been opened.
    Open(OwnedFd),
    /// It is being read into this part of the room.
    Reading(#[expect(dead_code, reason = "it is kept open")] OwnedFd, Range<usize>),
    /// What has been read is in this part of the room.
    Read(Range<usize>),
    /// It could not be opened or read.
    Failed,
}

/// An io_uring, and the room that it reads into.
pub(super) struct Ring {
    uring: IoUring,
    /// Made from a box of `room_len` bytes.
    room: *mut u8,
    room_len: usize,
    /// Bytes at the beginning of the room that have been given away.
    used: usize,
    slots: [Slot; SLOTS],
    /// Requests that are not complete.
    under_way: usize,
    /// The kernel would not take requests, or not wait for them: nothing more is asked of it.
    is_broken: bool,
}

impl Ring {
    /// With a room of so many bytes.
    ///
    /// # Errors
    ///
    /// Those of the system, also where the kernel lacks one of the requests, or where a filter of system
    /// calls keeps all of this from us.
    pub(super) fn new(room_len: usize) -> Result<Ring> {
        let entries = SLOTS as u32;
        // From Linux 6.1 on: completions are dealt with only where this thread asks for them.
        let uring = IoUring::builder()
            .dontfork()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .build(entries)
            .or_else(|_| IoUring::builder().dontfork().build(entries))?;
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe)?;
        let is_there = |code| probe.is_supported(code);
        let has_all = is_there(opcode::OpenAt2::CODE) && is_there(opcode::Read::CODE);
        if !has_all || !uring.params().is_feature_submit_stable() || !uring.params().is_feature_nodrop() {
            return Err(ErrorKind::Unsupported.into());
        }
        if !memory::has_room(room_len) {
            return Err(ErrorKind::OutOfMemory.into());
        }
        let room = Box::into_raw(vec![0u8; room_len].into_boxed_slice()).cast();
        let slots = [const { Slot::Free }; SLOTS];
        Ok(Ring { uring, room, room_len, used: 0, slots, under_way: 0, is_broken: false })
    }

    /// How many bytes it has room for.
    pub(super) fn room(&self) -> usize {
        self.room_len
    }

    /// Whether there is nothing to be had from it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Asks for files to be opened: each in its slot, which must be free, by its path from `root`.
    pub(super) fn open(
        &mut self,
        root: BorrowedFd<'_>,
        flags: OFlags,
        resolve: ResolveFlags,
        files: &[(usize, &CStr)],
    ) {
        let how = OpenHow::new().flags(u64::from(flags.bits())).resolve(resolve.bits());
        for &(number, path) in files {
            if self.is_broken || !matches!(self.slots[number], Slot::Free) {
                continue;
            }
            let open = opcode::OpenAt2::new(Fd(root.as_raw_fd()), path.as_ptr(), &raw const how);
            self.slots[number] = Slot::Opening;
            // SAFETY: `root`, `path` and `how` live until `submit` below has ended.
            unsafe { self.push(&open.build().user_data(number as u64)) };
        }
        self.submit();
    }

    /// The file in this slot, where it has been opened; waits for that.
    pub(super) fn opened(&mut self, number: usize) -> Option<&OwnedFd> {
        while matches!(self.slots[number], Slot::Opening) && !self.is_broken {
            self.wait();
        }
        if let Slot::Open(file) = &self.slots[number] { Some(file) } else { None }
    }

    /// Asks for the files in these slots, which must be open, to be read: so many bytes of each.  One that
    /// there is no room for is closed.
    pub(super) fn read(&mut self, files: &[(usize, usize)]) {
        for &(number, len) in files {
            let Slot::Open(file) = mem::take(&mut self.slots[number]) else { continue };
            if self.is_broken || len + OUTPUT_SLACK > self.room_len - self.used {
                continue;
            }
            let part = self.used..self.used + len;
            self.used = part.end + OUTPUT_SLACK;
            // SAFETY: the part lies within the room, as has been asked above.
            let place = unsafe { self.room.add(part.start) };
            let read = opcode::Read::new(Fd(file.as_raw_fd()), place, len as u32).offset(0);
            self.slots[number] = Slot::Reading(file, part);
            // SAFETY: until the request is complete the slot keeps the file open and the part its own.
            unsafe { self.push(&read.build().user_data(number as u64)) };
        }
        self.submit();
    }

    /// How much has been read of the file in this slot, where that went well; waits for it.
    pub(super) fn read_len(&mut self, number: usize) -> Option<usize> {
        while matches!(self.slots[number], Slot::Reading(..)) && !self.is_broken {
            self.wait();
        }
        if let Slot::Read(part) = &self.slots[number] { Some(part.len()) } else { None }
    }

    /// What has been read of the file in this slot, and [`OUTPUT_SLACK`] bytes behind it that may be anything;
    /// None before [`Ring::read_len`] says how long it is.
    pub(super) fn content(&self, number: usize) -> Option<&[u8]> {
        let Slot::Read(part) = &self.slots[number] else { return None };
        // SAFETY: the part lies within the room, with so many bytes more, and all of that is initialised.  The
        // request to write to the part is complete, none writes behind it, and both are given to another only by
        // `clear`, for which this borrow must have ended.
        Some(unsafe { slice::from_raw_parts(self.room.add(part.start), part.len() + OUTPUT_SLACK) })
    }

    /// Makes all slots and the room free, waiting for what is under way, but for files in `kept` slots that
    /// are not being read.
    pub(super) fn clear(&mut self, kept: Range<usize>) {
        for number in 0..SLOTS {
            match self.slots[number] {
                Slot::Opening | Slot::Open(_) if kept.contains(&number) => continue,
                Slot::Opening => _ = self.opened(number),
                Slot::Reading(..) => _ = self.read_len(number),
                _ => {}
            }
            if self.is_broken {
                return;
            }
            self.slots[number] = Slot::Free;
        }
        self.used = 0;
    }

    /// # Safety
    ///
    /// What the request points to must live until it is complete; paths, and how to open them, until
    /// [`Ring::submit`] has ended.
    unsafe fn push(&mut self, entry: &squeue::Entry) {
        self.under_way += 1;
        // SAFETY: as above.
        while !self.is_broken && unsafe { self.uring.submission().push(entry) }.is_err() {
            self.submit();
        }
    }

    /// Gives the kernel all requests that wait in the queue.
    fn submit(&mut self) {
        while !self.is_broken && !self.uring.submission().is_empty() {
            self.enter(0);
        }
    }

    /// Waits until a request is complete, and notes all that are.
    fn wait(&mut self) {
        if self.under_way == 0 {
            // It would be for ever.
            self.is_broken = true;
            return;
        }
        self.enter(1);
        for completion in self.uring.completion() {
            let Some(slot) = self.slots.get_mut(completion.user_data() as usize) else { continue };
            self.under_way -= 1;
            let answer = completion.result();
            *slot = match (mem::take(slot), usize::try_from(answer)) {
                // SAFETY: what the request answers is a descriptor that is nobody else's.
                (Slot::Opening, Ok(_)) => Slot::Open(unsafe { OwnedFd::from_raw_fd(answer) }),
                (Slot::Reading(_, part), Ok(len)) if len <= part.len() => {
                    Slot::Read(part.start..part.start + len)
                }
                _ => Slot::Failed,
            };
        }
    }

    fn enter(&mut self, wanted: usize) {
        match self.uring.submit_and_wait(wanted) {
            Err(error) if error.kind() != ErrorKind::Interrupted => self.is_broken = true,
            _ => {}
        }
    }
}

#[cfg(test)]
impl Ring {
    /// Whether it holds nothing and waits for nothing.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way == 0 && self.used == 0 && self.slots.iter().all(|slot| matches!(slot, Slot::Free))
    }

    /// As if the kernel had refused the last call.
    pub(super) fn shatter(&mut self) {
        self.is_broken = true;
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        while self.under_way > 0 && !self.is_broken {
            self.wait();
        }
        if self.under_way == 0 {
            // SAFETY: it was made from such a box, and nobody writes there any more.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(self.room, self.room_len)) });
        }
    }
}
