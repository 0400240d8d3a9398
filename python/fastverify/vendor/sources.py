"""What vendored files are compared with: the zip of a module, or the folder that replaces it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Protocol

from fastverify.engine.protocol import Difference, FileStat
from fastverify.engine.pure.faults import FaultError
from fastverify.engine.pure.files import OPEN_FLAGS_NO_LINK, file_stat, lstat, read_next
from fastverify.explain.diff import ZipCopies, read_file

_PIECE = 1 << 20


class Source(Protocol):
    """Where the true copies are."""

    def read(self, name: bytes) -> bytes | None:
        """The content of a file, relative to the module's root; None where it is too long or cannot be
        read.
        """
        ...

    def names(self, folder: bytes) -> list[bytes]:
        """The regular files below a folder, by their names relative to the module's root."""
        ...

    def close(self) -> None:
        """Release what is open."""
        ...


class ZipSource(ZipCopies):
    """A module's zip, whose differences an engine has found."""


class FolderSource:
    """A folder that replaces a module."""

    def __init__(self, folder: str) -> None:
        self._folder = os.fsencode(folder)

    def read(self, name: bytes) -> bytes | None:
        """See :class:`Source`."""
        return read_file(os.path.join(self._folder, name))

    def names(self, folder: bytes) -> list[bytes]:
        """See :class:`Source`."""
        return [name for name, found in files_below(self._folder, folder) if stat.S_ISREG(found.mode)]

    def close(self) -> None:
        """Nothing is open."""

    def differences(self, tree: str, folders: set[bytes]) -> Iterator[Difference]:
        """How the vendored `tree` differs from the folder; what is missing is looked for in `folders`,
        relative to the module's root, and above them.
        """
        top = os.fsencode(tree)
        for name, found in files_below(top):
            other = _status(os.path.join(self._folder, name))
            if not stat.S_ISREG(found.mode):
                yield Difference(name, "type", None, None, None, found)
            elif other is None or not stat.S_ISREG(other.mode):
                yield Difference(name, "extra", None, None, None, found)
            elif not _are_equal(os.path.join(top, name), os.path.join(self._folder, name)):
                yield Difference(name, "modified", None, other.size, None, found)
        for folder in sorted(folders):
            for name, found in _entries(self._folder, folder):
                if stat.S_ISREG(found.mode) and _status(os.path.join(top, name)) is None:
                    yield Difference(name, "missing", None, found.size, None, None)


def files_below(top: bytes, folder: bytes = b"") -> Iterator[tuple[bytes, FileStat]]:
    """Everything below `top`, or below a `folder` in it, that is no directory, by its name relative to `top`.

    Raises OSError.
    """
    pending = [folder]
    while pending:
        for name, found in _entries(top, pending.pop()):
            if stat.S_ISDIR(found.mode):
                pending.append(name)
            else:
                yield name, found


def _entries(top: bytes, folder: bytes) -> Iterator[tuple[bytes, FileStat]]:
    try:
        names = sorted(os.listdir(os.path.join(top, folder) if folder else top))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in names:
        name = folder + b"/" + entry if folder else entry
        found = _status(os.path.join(top, name))
        if found is not None:
            yield name, found


def _status(path: bytes) -> FileStat | None:
    try:
        return file_stat(lstat(path))
    except FaultError:
        return None


def _are_equal(one: bytes, other: bytes) -> bool:
    """Whether two regular files have equal content; False where one cannot be read."""
    opened: list[int] = []
    try:
        opened.append(os.open(one, OPEN_FLAGS_NO_LINK))
        opened.append(os.open(other, OPEN_FLAGS_NO_LINK))
        if not all(stat.S_ISREG(os.fstat(each).st_mode) for each in opened):
            return False
        while True:
            pieces = [read_next(each, _PIECE) for each in opened]
            if pieces[0] != pieces[1]:
                return False
            if not pieces[0]:
                return True
    except OSError:
        return False
    finally:
        for each in opened:
            os.close(each)
