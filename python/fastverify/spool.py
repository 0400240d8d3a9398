"""What must be kept for later and may be much: a little in memory, the rest in a file without a name."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from operator import itemgetter
from typing import Generic, TypeVar

T = TypeVar("T")

#: Where something stands among others: what is smaller comes first.
Place = tuple[int | str, ...]

#: How many bytes a spool keeps in memory.
IN_MEMORY = 4 << 20


class Kept:
    """Bytes that a spool keeps."""

    __slots__ = ("_at", "_body", "_length", "_spool")

    def __init__(self, body: bytes, spool: Spool | None = None, at: int = 0) -> None:
        self._body = body if spool is None else b""
        self._spool = spool
        self._at = at
        self._length = len(body)

    def read(self) -> bytes:
        """The bytes.  Raises OSError where the file has lost them."""
        return self._body if self._spool is None else self._spool.read(self._at, self._length)


def _temporary_file() -> FileIO:
    """A file without a name.  Raises OSError where there is no folder for it.

    The current folder is none, though :mod:`tempfile` would take it: that may be a cache.
    """
    # Only now: few have so much to keep.
    import tempfile

    folders = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    folders += [] if os.name == "nt" else ["/tmp", "/var/tmp"]  # noqa: S108 - the file has no name there
    for folder in folders:
        if os.path.isabs(folder):
            with suppress(OSError):
                return tempfile.TemporaryFile(prefix="fastverify-", buffering=0, dir=folder)
    raise FileNotFoundError(errno.ENOENT, "no folder for temporary files")


class Spool:
    """Takes bytes, and gives them back; its file goes when the spool and all that it keeps do.

    Where there is no room for such a file, everything stays in memory.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._room = in_memory
        self._file: FileIO | None = None
        self._end = 0

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, body: bytes) -> Kept:
        """Keep `body`."""
        if len(body) <= self._room:
            self._room -= len(body)
            return Kept(body)
        try:
            if self._file is None:
                self._file = _temporary_file()
            self._file.seek(self._end)
            if self._file.write(body) < len(body):
                return Kept(body)
        except OSError:
            return Kept(body)
        self._end += len(body)
        return Kept(body, self, self._end - len(body))

    def read(self, at: int, length: int) -> bytes:
        """What was put into the file there.  Raises OSError where it is not there any more."""
        body = b""
        if self._file is not None:
            self._file.seek(at)
            body = self._file.read(length)
        if len(body) < length:
            raise OSError("what was written to a temporary file is not there any more")
        return body


class Spooled(Generic[T]):
    """Objects in a spool, which are made anew each time they are looked at."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._kept: list[tuple[Place, Kept]] = []

    def put(self, place: Place, member: T) -> None:
        """Keep one, which :mod:`pickle` can write, for this place among them."""
        self._kept.append((place, self._spool.put(pickle.dumps(member, pickle.HIGHEST_PROTOCOL))))

    def __iter__(self) -> Iterator[T]:
        """Each of them, by their places, and of the same place as they came.

        Raises OSError where the spool has lost one.
        """
        self._kept.sort(key=itemgetter(0))
        for _, kept in self._kept:
            yield pickle.loads(kept.read())  # noqa: S301 - written by this program
