"""What was found of the contents of a plan, in columns: a few bytes for each, where very many differ, too."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from fastverify.engine.protocol import FaultCode, FileStat

_DIGEST = 32
# Size, time in seconds and nanoseconds (which together may need more than 64 bits), owner, mode.
_STAT = Struct("<qqIII")
_SECOND = 10**9
_ERRNO = Struct("<i")

_DIFFERS = 1
_HAS_STAT = 2

#: Room for so many records is made at a time.
_BLOCK = 1024


class _FewRecords:
    """Records of some of very many pairs: of most modules none, and seldom of all."""

    def __init__(self, length: int) -> None:
        """Each has so many bytes."""
        self._length = length
        self._blocks: dict[int, bytearray] = {}

    def set(self, pair: int, record: bytes) -> None:
        """Note the record of a pair."""
        block, at = divmod(pair, _BLOCK)
        if block not in self._blocks:
            self._blocks[block] = bytearray(_BLOCK * self._length)
        self._blocks[block][at * self._length : (at + 1) * self._length] = record

    def get(self, pair: int) -> bytes:
        """The record of a pair that has one."""
        block, at = divmod(pair, _BLOCK)
        return bytes(self._blocks[block][at * self._length : (at + 1) * self._length])


class PairColumns:
    """Digests and stats of so many pairs of an entry and a file."""

    def __init__(self, pairs: int) -> None:
        self._flags = bytearray(pairs)
        self._digests = bytearray(_DIGEST * pairs)
        self._file_digests = _FewRecords(_DIGEST)
        self._stats = _FewRecords(_STAT.size)
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
        self._file_digests.set(pair, digest)
        self._flags[pair] |= _DIFFERS
        self.differ = True

    def differs(self, pair: int) -> bool:
        """Whether the file differs from its entry."""
        return bool(self._flags[pair] & _DIFFERS)

    def file_digest(self, pair: int) -> bytes:
        """The digest of the file."""
        if not self._flags[pair] & _DIFFERS:
            return self.digest(pair)
        return self._file_digests.get(pair)

    def set_stat(self, pair: int, found: FileStat) -> None:
        """Note the stat of a file that is not as it should be."""
        seconds, nanoseconds = divmod(found.mtime_ns, _SECOND)
        self._stats.set(pair, _STAT.pack(found.size, seconds, nanoseconds, found.uid, found.mode))
        self._flags[pair] |= _HAS_STAT

    def has_stat(self, pair: int) -> bool:
        """Whether the file is not as it should be."""
        return bool(self._flags[pair] & _HAS_STAT)

    def stat(self, pair: int) -> FileStat | None:
        """The stat of the file where that was noted."""
        if not self._flags[pair] & _HAS_STAT:
            return None
        size, seconds, nanoseconds, uid, mode = _STAT.unpack(self._stats.get(pair))
        return FileStat(size, seconds * _SECOND + nanoseconds, uid, mode)


class FaultColumn:
    """Why some of so many pairs could not be read."""

    def __init__(self, pairs: int) -> None:
        #: Of each pair the number of its code among the known ones, from 1 on; and of those the error number.
        self._codes = bytearray(pairs)
        self._errnos = _FewRecords(_ERRNO.size)
        self._known: list[FaultCode] = []

    def set(self, pair: int, reason: tuple[FaultCode, int]) -> None:
        """Note why: the code, and the system's error number."""
        code, errno = reason
        if code not in self._known:
            self._known.append(code)
        self._codes[pair] = self._known.index(code) + 1
        self._errnos.set(pair, _ERRNO.pack(errno))

    def __contains__(self, pair: int) -> bool:
        return self._codes[pair] > 0

    def all(self) -> Iterator[tuple[int, tuple[FaultCode, int]]]:
        """Each pair that could not be read, in their order, with the reason."""
        return (
            (pair, (self._known[code - 1], *_ERRNO.unpack(self._errnos.get(pair))))
            for pair, code in enumerate(self._codes)
            if code
        )
