"""Sequences of which there may be thousands of members, which are made only as they are looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from operator import eq
from typing import TypeVar, overload

T = TypeVar("T")


class LikeTuple(Sequence[T]):
    """A sequence that is equal to a tuple of the same members."""

    __slots__ = ()

    @abstractmethod
    def __iter__(self) -> Iterator[T]:
        """Make each of the members."""

    @abstractmethod
    def member(self, place: int) -> T:
        """Make the one at this place, which is there."""

    @property
    @abstractmethod
    def made_of(self) -> object:
        """What the members are made of: they are the same where this is."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        chosen = range(len(self))[index]
        return self.member(chosen) if isinstance(chosen, int) else tuple(map(self.member, chosen))

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
