"""Reading go.mod files and their like from disk, whoever wrote them and whatever lies there."""

from __future__ import annotations

import errno
import os
import stat

from fastverify.exhaustion import refuse_exhaustion
from fastverify.gomod.syntax import MAX_FILE_BYTES

_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY", "O_NOINHERIT"):
    _FLAGS |= getattr(os, _name, 0)


def read_file(path: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """The content of the regular file `path`.

    Raises OSError, with a ``strerror`` that says why: not there, not to be read, no regular file (which
    is not opened then), more than `limit` bytes.
    Raises EngineError where no more files can be opened at all.
    """
    try:
        found = os.stat(path)
    except ValueError:  # a NUL in the path
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", path)
    if found.st_size > limit:
        raise _too_large(path, limit)
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        refuse_exhaustion(error.errno, path)
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", path)
        pieces: list[bytes] = []
        left = limit + 1
        while left > 0 and (piece := os.read(descriptor, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    if left <= 0:
        raise _too_large(path, limit)
    return b"".join(pieces)


def _too_large(path: str, limit: int) -> OSError:
    name = os.path.basename(path)
    is_go_mod = name.endswith(".mod") and limit == MAX_FILE_BYTES
    why = "which no go.mod may be" if is_go_mod else f"which is more than is read of {name}"
    return OSError(errno.EFBIG, f"Over {limit >> 20} MiB, {why}", path)


def is_absent(error: OSError) -> bool:
    """Whether there is no such file, as opposed to one that cannot be read."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
