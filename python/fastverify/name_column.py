"""Names that strangers choose the number of: they take little more memory than their own bytes."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import pairwise
from typing import Any, overload

#: So many names, or names of so many bytes, may be objects at once, and are sorted at once.
_RUN = 1 << 16
_RUN_BYTES = 8 << 20
#: Names of so many bytes may be objects for long.
_LIST_BYTES = 3 << 20
#: The type of a place in the text, for as long as it does, and the one for more.
_PLACE, _FAR_PLACE = "I", "Q"


class NameColumn(Sequence[bytes]):
    """Names, one behind the other in one text.  What most of them begin with is not kept again."""

    def __init__(self, prefix: bytes = b"") -> None:
        self._prefix = prefix
        self._text = bytearray()
        #: Where each begins in the text, and where the last one ends.
        self._places = array(_PLACE, [0])
        #: Whether it begins with the prefix.
        self._is_under = bytearray()

    def append(self, name: bytes) -> None:
        """Add a name."""
        is_under = name.startswith(self._prefix)
        self._text += name[len(self._prefix) :] if is_under else name
        self._is_under.append(is_under)
        try:
            self._places.append(len(self._text))
        except OverflowError:
            self._places = array(_FAR_PLACE, self._places)
            self._places.append(len(self._text))

    def __len__(self) -> int:
        return len(self._is_under)

    @overload
    def __getitem__(self, number: int) -> bytes: ...
    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...
    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        """The name with this number, which is not negative, or some of them."""
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        rest = self._text[self._places[number] : self._places[number + 1]]
        return self._prefix + rest if self._is_under[number] else bytes(rest)

    @property
    def text_bytes(self) -> int:
        """How long the names are together, without what most begin with."""
        return len(self._text)

    def quickest(self) -> Sequence[bytes]:
        """The same names in a list, unless that takes much memory."""
        if len(self) > _RUN or self._bytes(0, len(self)) > _LIST_BYTES:
            return self
        text = bytes(self._text)
        starts = (self._prefix if is_under else b"" for is_under in self._is_under)
        return [
            start + text[begin:end]
            for start, (begin, end) in zip(starts, pairwise(self._places), strict=True)
        ]

    def runs(self) -> Iterator[range]:
        """The numbers of all names, so many together as may be sorted at once."""
        for run in runs_below(len(self)):
            begin, end = run.start, run.stop
            while begin < end:
                until = end
                while until - begin > 1 and self._bytes(begin, until) > _RUN_BYTES:
                    until = (begin + until) // 2
                yield range(begin, until)
                begin = until

    def _bytes(self, begin: int, end: int) -> int:
        """How long the names with these numbers are."""
        return self._places[end] - self._places[begin] + (end - begin) * len(self._prefix)


def runs_below(count: int) -> Iterator[range]:
    """The numbers below `count`, so many together as may be sorted at once."""
    return (range(begin, min(begin + _RUN, count)) for begin in range(0, count, _RUN))


def sorted_numbers(runs: Iterable[range], key: Callable[[int], Any]) -> array[int]:
    """The numbers of all `runs` by their keys; equal ones in the order of the runs.

    Of one run at a time the keys are in memory.
    """
    ordered = [array("I", sorted(run, key=key)) for run in runs]
    return ordered[0] if len(ordered) == 1 else array("I", merge(*ordered, key=key))
