"""What was found of the contents of a plan, in columns: a few bytes for each, where very many differ, too."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct

from fastverify.engine.protocol import FaultCode, FileStat

_DIGEST = 32
# Size, time in seconds and nanoseconds (which together may need more than 64 bits), owner, mode.
_STAT = Struct("<qqIII")
_SECOND = 10**9

_DIFFERS = 1
_HAS_STAT = 2


class PairColumns:
    """Digests and stats of so many pairs of an entry and a file."""

    def __init__(self, pairs: int) -> None:
        self._flags = bytearray(pairs)
        self._digests = bytearray(_DIGEST * pairs)
        # Made when the first is there: hardly a module has any.
        self._file_digests = bytearray()
        self._stats = bytearray()
        #: Whether any file differs from its entry.
        self.differ = False

    def set_digest(self, pair: int, digest: bytes) -> None:
        """Note the digest of the entry, or of the file where there is no entry to read."""
        self._digests[pair * _DIGEST : (pair + 1) * _DIGEST] = digest

    def digest(self, pair: int) -> bytes:
        """The digest of the entry, or of the file where there is no entry to read."""
        return bytes(self._digests[pair * _DIGEST : (pair + 1) * _DIGEST])

    def set_differing(self, pair: int, digest: bytes) -> None:
        """Note the digest of a file that differs from its entry."""
        self._file_digests = self._file_digests or bytearray(len(self._digests))
        self._file_digests[pair * _DIGEST : (pair + 1) * _DIGEST] = digest
        self._flags[pair] |= _DIFFERS
        self.differ = True

    def differs(self, pair: int) -> bool:
        """Whether the file differs from its entry."""
        return bool(self._flags[pair] & _DIFFERS)

    def file_digest(self, pair: int) -> bytes:
        """The digest of the file."""
        if not self._flags[pair] & _DIFFERS:
            return self.digest(pair)
        return bytes(self._file_digests[pair * _DIGEST : (pair + 1) * _DIGEST])

    def set_stat(self, pair: int, found: FileStat) -> None:
        """Note the stat of a file that is not as it should be."""
        self._stats = self._stats or bytearray(_STAT.size * len(self._flags))
        seconds, nanoseconds = divmod(found.mtime_ns, _SECOND)
        _STAT.pack_into(
            self._stats, pair * _STAT.size, found.size, seconds, nanoseconds, found.uid, found.mode
        )
        self._flags[pair] |= _HAS_STAT

    def has_stat(self, pair: int) -> bool:
        """Whether the file is not as it should be."""
        return bool(self._flags[pair] & _HAS_STAT)

    def stat(self, pair: int) -> FileStat | None:
        """The stat of the file where that was noted."""
        if not self._flags[pair] & _HAS_STAT:
            return None
        size, seconds, nanoseconds, uid, mode = _STAT.unpack_from(self._stats, pair * _STAT.size)
        return FileStat(size, seconds * _SECOND + nanoseconds, uid, mode)


class FaultColumn:
    """Why some of so many pairs could not be read."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs
        #: Of each pair the number of its code among the known ones, from 1 on.
        self._codes = bytearray()
        self._errnos = array("i")
        self._known: list[FaultCode] = []

    def set(self, pair: int, reason: tuple[FaultCode, int]) -> None:
        """Note why: the code, and the system's error number."""
        code, errno = reason
        if not self._codes:
            # Hardly a module has any.
            self._codes, self._errnos = bytearray(self._pairs), array("i", [0]) * self._pairs
        if code not in self._known:
            self._known.append(code)
        self._codes[pair] = self._known.index(code) + 1
        self._errnos[pair] = errno

    def __contains__(self, pair: int) -> bool:
        return bool(self._codes) and self._codes[pair] > 0

    def all(self) -> Iterator[tuple[int, tuple[FaultCode, int]]]:
        """Each pair that could not be read, in their order, with the reason."""
        return (
            (pair, (self._known[code - 1], self._errnos[pair]))
            for pair, code in enumerate(self._codes)
            if code
        )
