"""Which differences are listed where not all can be: the gravest first, and of those the first by path."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from fastverify.engine.protocol import MAX_DIFFERENCES, MAX_DIFFERENCES_BYTES, Change

LISTED_FIRST: tuple[Change, ...] = ("type", "modified", "extra", "missing", "mode")


class Changes:
    """What is wrong with so many pairs, if anything: one byte of each."""

    def __init__(self, pairs: int) -> None:
        self._codes = bytearray(pairs)

    def set(self, pair: int, change: Change) -> None:
        """Note what is wrong with a pair."""
        self._codes[pair] = LISTED_FIRST.index(change) + 1

    def get(self, pair: int) -> Change:
        """What is wrong with a pair with which something is."""
        return LISTED_FIRST[self._codes[pair] - 1]

    def gravest(self, path: Callable[[int], bytes]) -> tuple[array[int], int]:
        """The pairs that are listed, in their order, and how many others there are.

        That is also the order of each pair's `path`.  Nothing is listed behind what is not.
        """
        listed = array("I")
        room = MAX_DIFFERENCES_BYTES
        for code in range(1, len(LISTED_FIRST) + 1):
            pair = self._codes.find(code)
            while pair >= 0 and room >= 0 and len(listed) < MAX_DIFFERENCES:
                room -= len(path(pair))
                if room >= 0:
                    listed.append(pair)
                    pair = self._codes.find(code, pair + 1)
        more = len(self._codes) - self._codes.count(0) - len(listed)
        return array("I", sorted(listed)), more
