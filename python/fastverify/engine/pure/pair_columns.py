"""What was found of the contents of a plan, in columns: a few bytes for each, where very many differ, too."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from fastverify.engine.protocol import MAX_DIFFERENCES, FaultCode, FileStat
from fastverify.engine.pure.digest_column import DigestColumn

# Size, time in seconds and nanoseconds (which together may need more than 64 bits), owner, mode.
_STAT = Struct("<qqIII")
STAT_BYTES = _STAT.size
_SECOND = 10**9
_ERRNO = Struct("<i")

#: The file differs from its entry.
DIFFERS = 1
#: Its stat has been seen, since it is not as it should be.
HAS_STAT = 2
#: It is no regular file.
IRREGULAR = 4
#: Its mode has bits that it should not have.
ODD_MODE = 8

#: A pair's number has no more bits than this.
_RANK = 32

#: Room for so many records is made at a time.
_BLOCK = 1024


def pack_stat(found: FileStat) -> bytes:
    """A stat in little memory."""
    seconds, nanoseconds = divmod(found.mtime_ns, _SECOND)
    return _STAT.pack(found.size, seconds, nanoseconds, found.uid, found.mode)


def unpack_stat(packed: bytes) -> FileStat:
    """The stat again."""
    size, seconds, nanoseconds, uid, mode = _STAT.unpack(packed)
    return FileStat(size, seconds * _SECOND + nanoseconds, uid, mode)


class FewRecords:
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


class FewStats:
    """The stats of some of very many pairs, of which only those are told that come first."""

    def __init__(self) -> None:
        #: By rank and pair, which are one number so that they take little memory.
        self._packed: dict[int, bytes] = {}

    def set(self, rank: int, pair: int, found: FileStat) -> None:
        """Note the stat of a pair.  Lower ranks are told first, and of the same rank lower pairs."""
        self._packed[rank << _RANK | pair] = pack_stat(found)
        if len(self._packed) > MAX_DIFFERENCES + MAX_DIFFERENCES // 4:
            for last in sorted(self._packed)[MAX_DIFFERENCES:]:
                del self._packed[last]

    def get(self, rank: int, pair: int) -> FileStat | None:
        """The stat of a pair; None where it has none, or is not among the first MAX_DIFFERENCES."""
        packed = self._packed.get(rank << _RANK | pair)
        return None if packed is None else unpack_stat(packed)


class PairColumns:
    """Digests of so many pairs of an entry and a file, and what is wrong with some."""

    def __init__(self, pairs: int) -> None:
        self._flags = bytearray(pairs)
        self._digests = DigestColumn(pairs)
        #: Of those files that differ.
        self._file_digests: DigestColumn | None = None

    def set_digests(self, pair: int, digests: bytes) -> None:
        """Note the digests of this pair and of those behind it."""
        self._digests.set(pair, digests)

    def digest(self, pair: int) -> bytes:
        """The digest of the entry, or of the file where there is no entry to read."""
        return self._digests.get(pair)

    def set_differing(self, pair: int, digest: bytes) -> None:
        """Note the digest of a file that differs from its entry."""
        if self._file_digests is None:
            self._file_digests = DigestColumn(len(self._flags))
        self._file_digests.set(pair, digest)
        self._flags[pair] |= DIFFERS

    @property
    def differ(self) -> bool:
        """Whether any file differs from its entry."""
        return self._file_digests is not None

    def set_flags(self, pair: int, flags: int) -> None:
        """Note some of the flags of a pair."""
        self._flags[pair] |= flags

    def flags(self, pair: int) -> int:
        """What is wrong with a pair."""
        return self._flags[pair]

    def file_digest(self, pair: int) -> bytes:
        """The digest of the file."""
        if self._file_digests is None or not self._flags[pair] & DIFFERS:
            return self._digests.get(pair)
        return self._file_digests.get(pair)


class FaultColumn:
    """Why some of so many pairs could not be read."""

    def __init__(self, pairs: int) -> None:
        #: Of each pair the number of its code among the known ones, from 1 on; and of those the error number.
        self._codes = bytearray(pairs)
        self._errnos = FewRecords(_ERRNO.size)
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
