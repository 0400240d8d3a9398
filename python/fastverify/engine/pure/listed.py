"""Names that strangers chose and that are told one by one: the first of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import nsmallest
from itertools import count, islice
from typing import TypeVar

from fastverify.engine.protocol import MAX_LISTED, MAX_LISTED_BYTES

_Named = TypeVar("_Named")


def first_of(
    found: Iterable[_Named],
    name: Callable[[_Named], bytes],
    most: int = MAX_LISTED,
    most_bytes: int = MAX_LISTED_BYTES,
) -> tuple[tuple[_Named, ...], int]:
    """The first of what was `found`, and how many are left over.

    No more than `most`, with names together no longer than `most_bytes`; nothing is listed behind what
    is not.
    """
    listed: list[_Named] = []
    room = most_bytes
    more = 0
    for each in found:
        if more == 0 and len(listed) < most and (length := len(name(each))) <= room:
            room -= length
            listed.append(each)
        else:
            more += 1
    return tuple(listed), more


def first_by_name(found: Iterable[_Named], name: Callable[[_Named], bytes]) -> tuple[tuple[_Named, ...], int]:
    """The same of what comes in no order, and is told by name.  No more is held than may be listed."""
    numbered = count()
    smallest = nsmallest(MAX_LISTED, (each for each, _ in zip(found, numbered, strict=False)), key=name)
    listed, more = first_of(smallest, name)
    return listed, more + next(numbered) - len(smallest)


def up_to_limits(found: Iterable[_Named], name: Callable[[_Named], bytes]) -> Iterator[_Named]:
    """The first of what was `found`, which is looked at no further than that."""
    room = MAX_LISTED_BYTES
    for each in islice(found, MAX_LISTED):
        room -= len(name(each))
        if room < 0:
            return
        yield each
