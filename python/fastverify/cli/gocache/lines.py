"""Writing text line by line, many lines at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

_AT_ONCE = 1000


def write_lines(lines: Iterable[str], write: Callable[[str], object]) -> None:
    """Write `lines`, which have no ends; they are never all in memory."""
    following = iter(lines)
    while piece := list(islice(following, _AT_ONCE)):
        write("".join(f"{line}\n" for line in piece))
