"""Differences between files as the engines measure them, turned into the report's file changes."""

from __future__ import annotations

import functools
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from fastverify.engine.differences import Differences
from fastverify.engine.protocol import Difference, Fault, FileStat
from fastverify.liketuple import LikeTuple
from fastverify.report.model import Change, FileChange

T = TypeVar("T")

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}
#: A change of the tree against the zip, seen as a change of the zip against the tree.
_TURNED: dict[Change, Change] = {"missing": "extra", "extra": "missing"}


def kind_of(status: FileStat | None) -> str:
    """What `status` says the thing is, in a word or two."""
    return _KINDS.get(stat.S_IFMT(status.mode), "special file") if status else "missing file"


def shown(name: bytes) -> str:
    """A file's name as text; bytes that are no UTF-8 become U+FFFD."""
    return name.decode("utf-8", "replace")


class Changes(LikeTuple[FileChange], Generic[T]):
    """What something that was found is in the report."""

    __slots__ = ("_change", "_found")

    def __init__(self, found: Sequence[T], change: Callable[[T], FileChange]) -> None:
        self._found = found
        self._change = change

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[FileChange]:
        return map(self._change, self._found)

    def member(self, place: int) -> FileChange:
        """Make the one at this place, which is there."""
        return self._change(self._found[place])

    @property
    def made_of(self) -> tuple[object, ...]:
        """What was found, and what makes changes of it."""
        return self._found, self._change


def of_tree(differences: Iterable[Difference]) -> Sequence[FileChange]:
    """The tree's files against the zip's, which are what is expected."""
    return Changes(Differences.of(differences), _of_tree)


def of_zip(differences: Iterable[Difference]) -> Sequence[FileChange]:
    """The zip's files against the tree's, which are what is expected; there is no status to give."""
    return Changes(Differences.of(differences), _of_zip)


def _of_tree(d: Difference) -> FileChange:
    return _change(d.path, d.change, d.stat, _hex(d.zip_sha256), _hex(d.tree_sha256))


def _of_zip(d: Difference) -> FileChange:
    change = _TURNED.get(d.change, d.change)
    return _change(d.path, change, None, _hex(d.tree_sha256), _hex(d.zip_sha256), size=d.zip_size)


def unreadable_entries(faults: Iterable[Fault], module: str, version: str) -> Sequence[FileChange]:
    """Entries of a zip whose data is broken."""
    prefix = f"{module}@{version}/".encode()
    return Changes([fault.name.removeprefix(prefix) for fault in faults if fault.name], _unreadable)


def _unreadable(path: bytes) -> FileChange:
    return _change(path, "modified", None, None, None)


def _change(
    path: bytes,
    change: Change,
    status: FileStat | None,
    expected: str | None,
    actual: str | None,
    *,
    size: int | None = None,
) -> FileChange:
    text = shown(path)
    return FileChange(
        path=text,
        change=change,
        path_hex=None if text.encode() == path else path.hex(),
        size=status.size if status else size,
        mtime=timestamp(status.mtime_ns) if status else None,
        owner=owner_name(status.uid) if status else None,
        mode=_mode_text(status.mode) if status else None,
        expected=expected,
        actual=actual,
    )


# Thousands of files can have the same few.
_mode_text = functools.lru_cache(maxsize=64)(stat.filemode)


def _hex(digest: bytes | None) -> str | None:
    return digest.hex() if digest is not None else None


def timestamp(nanoseconds: int) -> str:
    """A time of a file as RFC 3339 in UTC, to the second."""
    return _second(nanoseconds // 10**9)


@functools.lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s"  # a year that the calendar does not have


@functools.lru_cache(maxsize=1024)
def owner_name(uid: int) -> str:
    """The user's name, or the number where there is no such user (or no user database)."""
    try:
        import pwd
    except ImportError:  # Windows
        return str(uid)
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)
