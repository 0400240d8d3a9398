"""Digests of very many contents: few are held in memory, more in a file without a name."""

from __future__ import annotations

from io import FileIO

from fastverify.spool import temporary_file

DIGEST = 32
#: So many are held in memory.
_IN_MEMORY = 1 << 17
#: So many are read from the file at once.
_WINDOW = 1 << 11


def _file_of(length: int) -> FileIO:
    """A temporary file of so many bytes, which are 0.  Raises OSError."""
    file = temporary_file()
    try:
        file.truncate(length)
    except OSError:
        file.close()
        raise
    return file


class DigestColumn:
    """So many digests, which are 0 until they are set.

    Where there is no room for a file, all are in memory.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._memory: bytearray | None = bytearray(DIGEST * count) if count <= _IN_MEMORY else None
        self._file: FileIO | None = None
        #: What has been read from the file last, and the number of the first digest in it.
        self._window = b""
        self._first = 0

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def set(self, number: int, digests: bytes) -> None:
        """Set the digests from this one on."""
        if self._memory is None and self._write(number, digests):
            return
        if self._memory is None:
            self._memory = self._all()
        self._memory[number * DIGEST : number * DIGEST + len(digests)] = digests

    def get(self, number: int) -> bytes:
        """One of them; quickest one after the other.  Raises OSError where the file has lost it."""
        if self._memory is not None:
            return bytes(self._memory[number * DIGEST : (number + 1) * DIGEST])
        at = number - self._first
        if not 0 <= at < len(self._window) // DIGEST:
            self._first = number - number % _WINDOW
            self._window = self._read(self._first, min(_WINDOW, self._count - self._first))
            at = number - self._first
        return self._window[at * DIGEST : (at + 1) * DIGEST]

    def _write(self, number: int, digests: bytes) -> bool:
        """Write to the file; whether there was room."""
        self._window = b""
        try:
            if self._file is None:
                self._file = _file_of(self._count * DIGEST)
            self._file.seek(number * DIGEST)
            return self._file.write(digests) == len(digests)
        except OSError:
            return False

    def _read(self, number: int, count: int) -> bytes:
        if self._file is None:
            return bytes(count * DIGEST)
        self._file.seek(number * DIGEST)
        found = self._file.read(count * DIGEST)
        if len(found) < count * DIGEST:
            raise OSError("what was written to a temporary file is not there any more")
        return found

    def _all(self) -> bytearray:
        """What there is in the file, in memory, because the file has no room for more."""
        found = bytearray()
        for number in range(0, self._count, _WINDOW):
            found += self._read(number, min(_WINDOW, self._count - number))
        return found
