"""A damaged file against the zip's copy of it, as a bounded unified diff."""

from __future__ import annotations

import difflib
import os
import stat
from bisect import bisect_left
from functools import cached_property
from typing import Literal, NamedTuple

from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import OPEN_FLAGS, OPEN_FLAGS_NO_LINK, open_regular, read_next
from fastverify.engine.pure.zip_content import ZipContents
from fastverify.engine.pure.zip_directory import Directory, read_directory

#: No file that is longer is compared line by line.
MAX_BYTES = 1 << 20
#: Where more lines than this lie between the first and the last difference, they are not matched.
MAX_LINES = 2000
_CONTEXT = 3


class Copies(NamedTuple):
    """The two copies of a file; None for one that is not there or cannot be read whole."""

    zip: bytes | None
    tree: bytes | None


class ZipCopies:
    """Reads single files of a module's zip.  Nothing is raised: what cannot be read is None."""

    def __init__(self, path: str | None, prefix: bytes) -> None:
        self._prefix = prefix
        self._directory: Directory | None = None
        self._numbers: dict[bytes, int] = {}
        self._contents: ZipContents | None = None
        if path is None:
            return
        try:
            descriptor, found = open_regular(os.fsencode(path))
        except FaultError:
            return
        try:
            self._directory = read_directory(descriptor, found.st_size)
            self._numbers = {name: number for number, name in enumerate(self._directory.names)}
            self._contents = ZipContents(os.fsencode(path))
        except FaultError:
            self._directory = None
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the zip."""
        if self._contents is not None:
            self._contents.close()

    def names(self, folder: bytes) -> list[bytes]:
        """The files below a folder, by their names relative to the module's root."""
        start = self._prefix + (folder + b"/" if folder else b"")
        length = len(self._prefix)
        first = bisect_left(self._names, start)
        last = bisect_left(self._names, start[:-1] + b"0", first)  # what comes after a slash
        return [n[length:] for n in self._names[first:last] if not n.endswith(b"/")]

    @cached_property
    def _names(self) -> list[bytes]:
        """All names in order, so that those below a folder stand together."""
        return sorted(self._numbers)

    def read(self, name: bytes) -> bytes | None:
        """The content of a file, relative to the module's root."""
        number = self._numbers.get(self._prefix + name)
        if number is None or self._directory is None or self._contents is None:
            return None
        entry = self._directory[number]
        if entry.size > MAX_BYTES or entry.compressed_size > MAX_BYTES:
            return None
        try:
            return self._contents.content(
                (
                    entry.offset,
                    entry.compressed_size,
                    entry.size,
                    entry.crc,
                    entry.method,
                    entry.flags,
                    name.endswith(b"/"),
                )
            )
        except FaultError:
            return None


def read_file(path: bytes) -> bytes | None:
    """The content of a regular file that is no link, and not too long; None for any other."""
    try:
        descriptor = os.open(path, OPEN_FLAGS_NO_LINK if hasattr(os, "O_NOFOLLOW") else OPEN_FLAGS)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if found.st_size > MAX_BYTES or not stat.S_ISREG(found.st_mode):
            return None
        content = read_next(descriptor, MAX_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if len(content) <= MAX_BYTES else None


#: What is shown of a file: ``text`` a diff; the others only what they say.
Kind = Literal["text", "binary", "too long or unreadable"]


class Diff(NamedTuple):
    """How the tree's copy differs from the zip's."""

    kind: Kind
    #: The lines of a unified diff without its two headings and without line ends; not escaped.
    lines: tuple[str, ...] = ()
    #: How many lines were left out at the end.
    left_out: int = 0


def compare(copies: Copies, *, limit: int) -> Diff:
    """The diff from the zip's copy to the tree's, of at most `limit` lines."""
    if copies.zip is None and copies.tree is None:
        return Diff("too long or unreadable")
    old, new = _lines(copies.zip or b""), _lines(copies.tree or b"")
    if old is None or new is None:
        return Diff("binary")
    lines = _unified(old, new)
    return Diff("text", tuple(lines[:limit]), max(len(lines) - limit, 0))


def _lines(content: bytes) -> list[str] | None:
    """The lines, each with its end; None where the content is no text."""
    if b"\0" in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def _unified(old: list[str], new: list[str]) -> list[str]:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    start, end = max(start - _CONTEXT, 0), max(end - _CONTEXT, 0)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(old), len(new)) > MAX_LINES:
        head = f"@@ -{start + 1},{len(old)} +{start + 1},{len(new)} @@"
        return [head, *("-" + _shown(line) for line in old), *("+" + _shown(line) for line in new)]
    return [
        _moved(line, start) if line.startswith("@@") else line[0] + _shown(line[1:])
        for line in list(difflib.unified_diff(old, new, n=_CONTEXT))[2:]
    ]


def _shown(line: str) -> str:
    return line[:-1] if line.endswith("\n") else f"{line}  (no newline at the end)"


def _moved(head: str, by: int) -> str:
    """A heading of difflib's with its line numbers counted from `by` lines before."""
    words = head.split()
    for place in (1, 2):
        first, comma, count = words[place][1:].partition(",")
        words[place] = f"{words[place][0]}{int(first) + by}{comma}{count}"
    return " ".join(words)
