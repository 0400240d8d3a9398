"""Telling damage from a go command at work.

Go writes entries and outputs in place and without a lock, and trim and ``go clean -cache`` delete
without one.  So what was found wrong counts only when it is still so at a second look, and nothing
there has changed in between or lately.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

#: What changed less than this long ago (seconds) may be in the middle of being written.
YOUNG = 1.5
#: How long (seconds) a check waits for a cache to come to rest before it says what it sees.
PATIENCE = 20.0

#: What lstat says of some paths.
Fingerprint = tuple[tuple[int, int, int, int] | None, ...]


def fingerprint(paths: Iterable[str]) -> Fingerprint:
    """Equal where nothing was written, made or removed at these paths."""
    return tuple(_status(path) for path in paths)


def is_young(marks: Fingerprint) -> bool:
    """Whether any of them changed within the last moments."""
    now = time.time_ns()
    return any(mark is not None and abs(now - mark[2]) < YOUNG * 1e9 for mark in marks)


def _status(path: str) -> tuple[int, int, int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_ctime_ns, status.st_mode)
