"""The differences of a module in little memory: there may be thousands, made as they are looked at."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from struct import Struct

from fastverify.engine.protocol import Change, Difference, FileStat
from fastverify.liketuple import LikeTuple

#: The length of the path, the change, what there is, SHA-256 and size of the zip's copy, SHA-256 of the
#: tree's; of the stat the size, the time in two halves, the owner and the mode.  Behind it is the path.  The
#: Rust core has the same (``Differences::packed``).
_HEAD = Struct("<HBB32sQ32sQQqII")
_CHANGES: tuple[Change, ...] = ("modified", "missing", "extra", "type", "mode")
_ZIP = 1
_TREE = 2
_STAT = 4
_NO_DIGEST = bytes(32)
_NO_STAT = FileStat(0, 0, 0, 0)
_HALF = 1 << 64


class Differences(LikeTuple[Difference]):
    """Differences, packed one behind the other."""

    __slots__ = ("_length", "_packed", "_starts")

    def __init__(self, packed: bytes, length: int) -> None:
        self._packed = packed
        self._length = length
        #: Where each begins; empty until one is asked for by its place.
        self._starts = array("L")

    @classmethod
    def of(cls, differences: Iterable[Difference]) -> Differences:
        """The same differences, packed if they are not yet."""
        if isinstance(differences, Differences):
            return differences
        packed = bytearray()
        count = 0
        for path, change, zip_sha256, zip_size, tree_sha256, stat in differences:
            size, time, uid, mode = stat or _NO_STAT
            packed += _HEAD.pack(
                len(path),
                _CHANGES.index(change),
                _ZIP * (zip_sha256 is not None)
                | _TREE * (tree_sha256 is not None)
                | _STAT * (stat is not None),
                zip_sha256 or _NO_DIGEST,
                zip_size or 0,
                tree_sha256 or _NO_DIGEST,
                size,
                time % _HALF,
                time // _HALF,
                uid,
                mode,
            )
            packed += path
            count += 1
        return cls(bytes(packed), count)

    @property
    def made_of(self) -> bytes:
        """The packed differences."""
        return self._packed

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Difference]:
        return map(self._at, self._each_start())

    def member(self, place: int) -> Difference:
        """Make the one at this place, which is there."""
        if not self._starts:
            self._starts = array("L", self._each_start())
        return self._at(self._starts[place])

    def _each_start(self) -> Iterator[int]:
        packed, start = self._packed, 0
        while start < len(packed):
            yield start
            start += _HEAD.size + int.from_bytes(packed[start : start + 2], "little")

    def _at(self, start: int) -> Difference:
        packed = self._packed
        length, change, has, zip_sha256, zip_size, tree_sha256, size, low, high, uid, mode = (
            _HEAD.unpack_from(packed, start)
        )
        begin = start + _HEAD.size
        return Difference(
            packed[begin : begin + length],
            _CHANGES[change],
            zip_sha256 if has & _ZIP else None,
            zip_size if has & _ZIP else None,
            tree_sha256 if has & _TREE else None,
            FileStat(size, high * _HALF + low, uid, mode) if has & _STAT else None,
        )
