"""Names that strangers chose and that are told one by one: the first of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
