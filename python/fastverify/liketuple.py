"""Sequences of which there may be thousands of members, which are made only as they are looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import eq
from typing import TypeVar, overload

T = TypeVar("T")


class LikeTuple(Sequence[T]):
    """A sequence that is equal to a tuple of the same members."""

    __slots__ = ()

    @abstractmethod
    def __iter__(self) -> Iterator[T]:
        """Make each of the members."""

    @property
    @abstractmethod
    def made_of(self) -> object:
        """What the members are made of: they are the same where this is."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return tuple(islice(self, start, stop, step)) if step > 0 else tuple(self)[index]
        (member,) = islice(self, (at := range(len(self))[index]), at + 1)
        return member

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (tuple, LikeTuple)):
            return NotImplemented
        if type(self) is type(other) and self.made_of == other.made_of:
            return True
        return len(self) == len(other) and all(map(eq, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))
