"""What must be kept for later and may be much: a little in memory, the rest in a file without a name."""

from __future__ import annotations

import errno
import os
from array import array
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO

#: How many bytes a spool keeps in memory.
IN_MEMORY = 4 << 20


def temporary_file() -> FileIO:
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


class Kept:
    """Bytes that a spool keeps."""

    __slots__ = ("_body", "_spool", "address", "length")

    def __init__(self, spool: Spool, length: int, *, address: int = 0, body: bytes | None = None) -> None:
        self._spool = spool
        #: Where they are in the spool's file, unless they are in memory.
        self.address = address
        self.length = length
        # With whoever keeps them, so that they go when nobody does any more.
        self._body = body

    @property
    def is_in_memory(self) -> bool:
        """Whether they are in no file."""
        return self._body is not None

    def read(self) -> bytes:
        """The bytes.  Raises OSError where the file has lost them."""
        return self._spool.read(self.address, self.length) if self._body is None else self._body


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
            return Kept(self, len(body), body=body)
        try:
            if self._file is None:
                self._file = temporary_file()
            self._file.seek(self._end)
            if self._file.write(body) < len(body):
                return Kept(self, len(body), body=body)
        except OSError:
            return Kept(self, len(body), body=body)
        self._end += len(body)
        return Kept(self, len(body), address=self._end - len(body))

    def read(self, address: int, length: int) -> bytes:
        """What was put into the file there.  Raises OSError where it is not there any more."""
        body = b""
        if self._file is not None:
            self._file.seek(address)
            body = self._file.read(length)
        if len(body) < length:
            raise OSError("what was written to a temporary file is not there any more")
        return body


class SortedSpool:
    """Takes bytes with the place where each belongs, and gives them back by their places.

    Of each it holds the place and where the spool has it, which takes some 50 bytes and the place's own.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._spool = Spool(in_memory)
        #: Those that are in no file, by their numbers.
        self._in_memory: dict[int, Kept] = {}
        self._places: list[str] = []
        self._addresses = array("q")
        self._lengths = array("q")

    def put(self, place: str, body: bytes) -> None:
        """Keep `body` for this place; smaller ones come first."""
        kept = self._spool.put(body)
        if kept.is_in_memory:
            self._in_memory[len(self._places)] = kept
        self._places.append(place)
        self._addresses.append(kept.address)
        self._lengths.append(kept.length)

    def __iter__(self) -> Iterator[bytes]:
        """All of them by their places, and those of the same place as they came.

        Raises OSError where the file has lost one.
        """
        for number in sorted(range(len(self._places)), key=self._places.__getitem__):
            kept = self._in_memory.get(number)
            yield kept.read() if kept else self._spool.read(self._addresses[number], self._lengths[number])
