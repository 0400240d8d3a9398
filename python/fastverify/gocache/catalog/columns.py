"""A million IDs and numbers in a few bytes each: what a catalog keeps is in columns, not in objects."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

_ID = 32
_START = 8
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


class IdColumn:
    """IDs of 32 bytes in ascending order, which are found by halving."""

    def __init__(self) -> None:
        self._ids = bytearray()
        #: How each begins, as a number.
        self._starts = array("Q")

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, name: bytes) -> None:
        """Add an ID that is greater than all there are."""
        self._ids += name
        self._starts.append(int.from_bytes(name[:_START], "big"))

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._ids[_ID * number : _ID * (number + 1)])

    def find(self, name: bytes) -> int:
        """The number of an ID; -1 where it is not among them."""
        starts = self._starts
        start = int.from_bytes(name[:_START], "big")
        at = bisect_left(starts, start)
        if at == len(starts) or starts[at] != start:
            return -1
        if self._ids[_ID * at : _ID * (at + 1)] == name:
            return at
        # Only those that begin alike are left, which were made to.
        at = bisect_left(range(bisect_right(starts, start)), name, at, key=self.__getitem__)
        return at if at < len(starts) and self[at] == name else -1


class NumberColumn:
    """Whole numbers, nearly all of which fit into 64 bits."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._others: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def append(self, value: int) -> None:
        """Add a number."""
        if not _LEAST <= value <= _MOST:
            self._others[len(self._numbers)] = value
            value = 0
        self._numbers.append(value)

    def __getitem__(self, number: int) -> int:
        if self._others and number in self._others:
            return self._others[number]
        return self._numbers[number]
