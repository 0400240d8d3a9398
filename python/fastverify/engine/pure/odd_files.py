"""What a tree holds that is neither directory nor regular file, in columns: there may be a million links."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from fastverify.engine.protocol import MAX_DIFFERENCES, Fault, FaultCode, FileStat
from fastverify.engine.pure.pair_columns import FaultColumn, pack_stat, unpack_stat

_MARKED = 1
#: It is known to be no regular file.
_IRREGULAR = 2
#: It is a link to a regular file of the tree.
_LEADS = 4


class OddFiles:
    """Those of so many files that are odd, by their numbers."""

    def __init__(self, files: int) -> None:
        # Mostly there is none.
        self._kinds = bytearray(files)
        self._faults = FaultColumn(files)
        #: Of no more than can be told.
        self._stats: dict[int, bytes] = {}

    def mark(self, number: int) -> None:
        """Note that a file is odd."""
        self._kinds[number] |= _MARKED

    def set(self, number: int, found: FileStat | None, target: bytes | None, fault: Fault | None) -> None:
        """Note what there is to know of one: in the order of their paths.

        A `target` can be opened; where there is none, the `fault` says why.
        """
        kind = _MARKED
        if found is not None and not stat.S_ISREG(found.mode):
            kind |= _IRREGULAR
            if len(self._stats) < MAX_DIFFERENCES:
                self._stats[number] = pack_stat(found)
        if target is not None:
            kind |= _LEADS
        if fault is not None:
            self._faults.set(number, (fault.code, fault.errno))
        self._kinds[number] = kind

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def is_marked(self, number: int) -> bool:
        """Whether a file is odd."""
        return bool(self._kinds) and self._kinds[number] > 0

    def is_irregular(self, number: int) -> bool:
        """Whether it is known to be no regular file."""
        return bool(self._kinds[number] & _IRREGULAR)

    def leads(self, number: int) -> bool:
        """Whether there is a regular file of the tree to read in its place."""
        return bool(self._kinds[number] & _LEADS)

    def stat(self, number: int) -> FileStat | None:
        """What it is, of the first MAX_DIFFERENCES that are known to be irregular."""
        found = self._stats.get(number)
        return None if found is None else unpack_stat(found)

    def faults(self) -> Iterator[tuple[int, tuple[FaultCode, int]]]:
        """The number of each that cannot be opened, and why."""
        return self._faults.all()
