"""Asking whether a go command is at work on a module version, through Go's own lock file.

Source: ``cmd/go/internal/lockedfile/internal/filelock``.  The lock file is never made, only asked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Literal

#: ``absent``: there is no lock file; ``held``: we have it, so no go command writes; ``busy``: a go
#: command has it.
LockState = Literal["absent", "held", "busy"]


@contextlib.contextmanager
def shared(path: str) -> Iterator[LockState]:
    """Hold the lock file `path` shared, where that is possible at once."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        yield "absent"
        return
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            busy = error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
            # A file system without locks refuses otherwise; Go cannot lock there either.
            yield "busy" if busy else "absent"
            return
        yield "held"
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        if sys.platform.startswith(("aix", "sunos")):
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
