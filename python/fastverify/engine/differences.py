"""The differences of a module in little memory: there may be thousands, made as they are looked at."""

from __future__ import annotations

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

    __slots__ = ("_length", "_packed")

    def __init__(self, packed: bytes, length: int) -> None:
        self._packed = packed
        self._length = length

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
        packed, unpack, start = self._packed, _HEAD.unpack_from, 0
        while start < len(packed):
            length, change, has, zip_sha256, zip_size, tree_sha256, size, low, high, uid, mode = unpack(
                packed, start
            )
            begin = start + _HEAD.size
            start = begin + length
            yield Difference(
                packed[begin:start],
                _CHANGES[change],
                zip_sha256 if has & _ZIP else None,
                zip_size if has & _ZIP else None,
                tree_sha256 if has & _TREE else None,
                FileStat(size, high * _HALF + low, uid, mode) if has & _STAT else None,
            )
