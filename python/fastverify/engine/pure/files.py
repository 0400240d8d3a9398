"""Opening files so that nothing blocks, and reading them at an offset, on every system."""

from __future__ import annotations

import errno
import os
import stat

from fastverify.engine.protocol import FileStat
from fastverify.engine.pure.faults import FaultError, os_fault

#: The most of a content, of an archive or of a file that is held in memory at once.
WINDOW = 1 << 20

#: O_NONBLOCK so that a fifo put in place of a file does not hold us for ever, O_NOCTTY so that no
#: terminal becomes ours.  Systems have different ones of these.
OPEN_FLAGS = os.O_RDONLY
for _flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_NOINHERIT"):
    OPEN_FLAGS |= getattr(os, _flag, 0)
#: The same, for a file that must not be a symlink.
OPEN_FLAGS_NO_LINK = OPEN_FLAGS | getattr(os, "O_NOFOLLOW", 0)


def file_stat(found: os.stat_result) -> FileStat:
    """The record of what ``lstat`` or ``fstat`` found."""
    return FileStat(found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode)


def open_regular(path: bytes) -> tuple[int, os.stat_result]:
    """Open the regular file that `path` names, through links; its descriptor and its fstat.

    What is not a regular file is not opened at all, because opening a device can have effects.
    Raises FaultError.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise FaultError("not-regular")
        fd = os.open(path, OPEN_FLAGS)
    except OSError as error:
        raise os_fault(error) from None
    except ValueError:  # a NUL in the path: no file can have such a name
        raise FaultError("os", errno.ENOENT) from None
    try:
        found = os.fstat(fd)
    except OSError as error:
        os.close(fd)
        raise os_fault(error) from None
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise FaultError("not-regular")
    return fd, found


def lstat(path: bytes) -> os.stat_result:
    """``os.lstat``; raises FaultError."""
    try:
        return os.lstat(path)
    except OSError as error:
        raise os_fault(error) from None
    except ValueError:
        raise FaultError("os", errno.ENOENT) from None


if hasattr(os, "pread"):

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to `length` bytes of the file at `offset`; fewer only at its end."""
        part = os.pread(fd, length, offset)
        if len(part) == length or not part:
            return part
        parts = [part]
        have = len(part)
        while have < length:
            part = os.pread(fd, length - have, offset + have)
            if not part:
                break
            parts.append(part)
            have += len(part)
        return b"".join(parts)

else:

    def read_at(fd: int, length: int, offset: int) -> bytes:
        """Up to `length` bytes of the file at `offset`; fewer only at its end."""
        os.lseek(fd, offset, os.SEEK_SET)
        return read_next(fd, length)


def read_next(fd: int, length: int) -> bytes:
    """Up to `length` bytes from where the file stands; fewer only at its end."""
    part = os.read(fd, length)
    if len(part) == length or not part:
        return part
    parts = [part]
    have = len(part)
    while have < length:
        part = os.read(fd, length - have)
        if not part:
            break
        parts.append(part)
        have += len(part)
    return b"".join(parts)
