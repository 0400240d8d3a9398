"""Reads the small files of a checksum database, whoever wrote them, as the go command locks them.

The go command rewrites these files in place, under a lock on the file itself
(``cmd/go/internal/lockedfile``); who reads under the same lock never sees half of one.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

from fastverify.engine.protocol import FileStat
from fastverify.modcache import changes, lock

#: How long (seconds) a go command may take to write one of these files.
PATIENCE = 5.0

#: Most of these files have fewer bytes than this.  Room for all that one may have, for each, takes longer to
#: be had and given back than the file to be read.
_PIECE = 16 << 10


class ReadingError(Exception):
    """A file that is there and cannot be read, or is none."""

    def __init__(self, path: str, reason: str, *, malformed: bool) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        #: Whether it is there in a form that no go command gives it, rather than refused to us.
        self.malformed = malformed


def read_small(path: str, limit: int) -> bytes | None:
    """The content of `path`; None where there is none: absent, or empty, which is the same to Go.

    Raises ReadingError, also for more than `limit` bytes, for a link, and for anything that is no file.
    """
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise ReadingError(path, "it is no file but a link", malformed=True) from None
        if error.errno == errno.ENXIO:
            raise ReadingError(path, "it is no file but a socket", malformed=True) from None
        raise _refused(path, error) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = changes.kind_of(FileStat(found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode))
            raise ReadingError(path, f"it is no file but a {kind}", malformed=True)
        if sys.platform == "win32":  # a lock there keeps everybody out, ourselves too
            return _read(descriptor, path, limit) or None
        return _read_locked(descriptor, path, limit) or None
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        os.close(descriptor)


def _refused(path: str, error: OSError) -> ReadingError:
    return ReadingError(path, error.strerror or str(error), malformed=False)


def _read_locked(descriptor: int, path: str, limit: int) -> bytes:
    deadline = time.monotonic() + PATIENCE
    while True:
        with lock.shared(path) as state:
            if state != "busy" or time.monotonic() > deadline:
                return _read(descriptor, path, limit)
        time.sleep(0.02)


def _read(descriptor: int, path: str, limit: int) -> bytes:
    parts, size = [], 0
    while part := os.read(descriptor, min(_PIECE, limit + 1 - size)):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise ReadingError(path, f"it has more than {limit:,} bytes", malformed=True)
    return b"".join(parts)
