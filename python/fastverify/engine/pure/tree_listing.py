"""What a directory tree holds, found as ``dirhash.DirFiles`` finds it, without opening a file.

Links are never descended into.  Where one leads is worked out here without looking at anything
outside of the tree.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from fastverify.engine.protocol import BYTES_BESIDE_NAME, Fault, FileStat
from fastverify.engine.pure.faults import FaultError, os_fault
from fastverify.engine.pure.files import file_stat, lstat
from fastverify.name_column import NameColumn, sorted_numbers

#: The longest path that Linux takes (PATH_MAX without the final NUL).
_LONGEST_PATH = 4095
#: As many links as Linux follows for one path.
_MOST_LINKS = 40
#: How many times more a directory counts that cannot be listed: its fault is held besides, with its path.
_MORE_OF_FAULT = 2
#: Windows: a directory that stands for another place (a junction, a mount).
_REPARSE_POINT = 0x400


class OddFile(NamedTuple):
    """Something in the tree that is neither a directory nor a regular file."""

    stat: FileStat | None
    #: The regular file of the tree that a link leads to, relative to the root; None where `fault` says
    #: why there is nothing to read.
    target: bytes | None
    fault: Fault | None


class Listing:
    """The files below a root, by their paths relative to it."""

    def __init__(self, root: bytes) -> None:
        #: The root with a separator at its end.
        self.start = os.path.join(root, b"")
        #: What can be opened: regular files, and links to such.
        self.files = NameColumn()
        #: The numbers of `files` by path.
        self.by_path = array("I")
        self.odd: dict[bytes, OddFile] = {}
        #: Directories that cannot be listed; in the end sorted by path.
        self.faults: list[Fault] = []
        #: The root and what is below it, each behind the one that it is in; with a slash at the end.
        self._directories = NameColumn()
        #: Of each directory the number of the one that it is in; and whether it holds a file, or may.
        self._parents = array("I")
        self._is_full = bytearray()

    def __len__(self) -> int:
        """How many files there are, whether they can be opened or not."""
        return len(self.files) + sum(odd.target is None for odd in self.odd.values())

    def add_directory(self, path: bytes, parent: int) -> int:
        """Add a directory in that with the number `parent`; its number."""
        self._directories.append(path)
        self._parents.append(parent)
        self._is_full.append(False)
        return len(self._parents) - 1

    def directory(self, number: int) -> bytes:
        """The path of the directory with this number, with a slash at its end unless it is the root."""
        return self._directories[number]

    def fill(self, directory: int) -> None:
        """Note that the directory with this number holds a file, or that nobody knows what it holds."""
        self._is_full[directory] = True

    def empty_directories(self) -> Iterator[bytes]:
        """The topmost directories that hold no file at any depth, in no order."""
        full = bytearray(self._is_full)
        for number in range(len(full) - 1, 0, -1):
            if full[number]:
                full[self._parents[number]] = True
        full[0] = True
        return (
            self._directories[number][:-1]
            for number in range(1, len(full))
            if not full[number] and full[self._parents[number]]
        )

    def unlisted(self) -> frozenset[bytes]:
        """The directories that cannot be listed."""
        return frozenset(fault.name for fault in self.faults)


def hidden(path: bytes, unlisted: frozenset[bytes]) -> bool:
    """Whether the path is one of the directories that cannot be listed, or in one of them."""
    while path:
        if path in unlisted:
            return True
        path = path.rpartition(b"/")[0]
    return False


def stat_root(root: bytes) -> FileStat:
    """The lstat of a tree's root.  Raises FaultError, but not for what is no directory."""
    return file_stat(lstat(root))


def list_tree(root: bytes, room_for_names: int | None) -> Listing:
    """List the tree at `root`, which is a directory.

    Raises FaultError where the root is unreadable, and where the paths of all files and directories, each
    with BYTES_BESIDE_NAME, need more than `room_for_names`; that of a directory that cannot be listed counts
    thrice.
    """
    listing = Listing(root)
    start = listing.start
    room = _LONGEST_PATH - len(os.path.join(os.path.abspath(root), b"")) if os.name == "posix" else 1 << 30
    add_file = listing.files.append
    odd: list[bytes] = []
    pending = array("I", [listing.add_directory(b"", 0)])
    left = sys.maxsize if room_for_names is None else room_for_names
    while pending:
        number = pending.pop()
        directory = listing.directory(number)
        is_full = False
        try:
            with os.scandir(start + directory) as found:
                for each in found:
                    path = directory + each.name
                    left -= len(path) + BYTES_BESIDE_NAME
                    if left < 0:
                        break
                    if len(path) > room:
                        is_full = True
                        if each.is_dir(follow_symlinks=False):
                            left -= _MORE_OF_FAULT * (len(path) + BYTES_BESIDE_NAME)
                            listing.faults.append(Fault("os", path, errno.ENAMETOOLONG))
                        else:
                            listing.odd[path] = OddFile(None, None, Fault("os", path, errno.ENAMETOOLONG))
                    elif each.is_file(follow_symlinks=False):
                        is_full = True
                        add_file(path)
                    elif each.is_dir(follow_symlinks=False) and not _is_junction(each):
                        pending.append(listing.add_directory(path + b"/", number))
                    else:
                        is_full = True
                        odd.append(path)
        except OSError as error:
            if not directory:
                raise os_fault(error) from None
            left -= _MORE_OF_FAULT * (len(directory) - 1 + BYTES_BESIDE_NAME)
            listing.faults.append(os_fault(error).fault(directory[:-1]))
            is_full = True
        if left < 0:
            raise FaultError("too-many-names")
        if is_full:
            listing.fill(number)
    listing.faults.sort(key=lambda fault: fault.name)
    for path in odd:
        listing.odd[path] = odd_file = _look_at(start, path)
        if odd_file.target is not None:
            add_file(path)
    listing.by_path = sorted_numbers(listing.files.runs(), listing.files.quickest().__getitem__)
    return listing


def _is_junction(entry: os.DirEntry[bytes]) -> bool:
    if os.name != "nt":
        return False
    attributes: int = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & _REPARSE_POINT)


def _look_at(start: bytes, path: bytes) -> OddFile:
    """Find out what is at a path where no regular file and no directory was seen."""
    found = None
    try:
        found = file_stat(lstat(start + path))
        if stat.S_ISREG(found.mode):  # it was put there just now
            return OddFile(found, path, None)
        if not stat.S_ISLNK(found.mode):
            raise FaultError("not-regular")
        return OddFile(found, _resolve(start, path), None)
    except FaultError as error:
        return OddFile(found, None, error.fault(path))


def _resolve(start: bytes, link: bytes) -> bytes:
    """The regular file of the tree that a link leads to, relative to the root.

    Raises FaultError: ``link-outside`` as soon as a step leads out of the tree, else what the system
    would say.
    """
    todo = link.split(b"/")[::-1]
    done: list[bytes] = []
    links = 0
    mode = 0
    while todo:
        element = todo.pop()
        if element in {b"", b"."}:
            continue
        if element == b"..":
            if not done:
                todo = _back_inside(start, [b"..", *todo[::-1]], upward=True)[::-1]
                continue
            done.pop()
            mode = stat.S_IFDIR
            continue
        done.append(element)
        here = start + b"/".join(done)
        mode = lstat(here).st_mode
        if stat.S_ISLNK(mode):
            links += 1
            if links > _MOST_LINKS:
                raise FaultError("os", errno.ELOOP)
            done.pop()
            try:
                target = os.readlink(here)
            except OSError as error:
                raise os_fault(error) from None
            if os.name == "nt":
                target = target.removeprefix(b"\\\\?\\").replace(b"\\", b"/")
            if os.path.isabs(target):
                steps = os.path.splitdrive(target)[1].split(b"/") + todo[::-1]
                todo = _back_inside(start, steps, upward=False)[::-1]
                done.clear()
            else:
                todo.extend(target.split(b"/")[::-1])
            mode = stat.S_IFDIR
        elif todo and not stat.S_ISDIR(mode):
            raise FaultError("os", errno.ENOTDIR)
    if not done or stat.S_ISDIR(mode):
        raise FaultError("os", errno.EISDIR)
    if not stat.S_ISREG(mode):
        raise FaultError("not-regular")
    return b"/".join(done)


def _back_inside(start: bytes, steps: list[bytes], *, upward: bool) -> list[bytes]:
    """The steps that are left when a way outside of the tree has come back to its root.

    The way starts at the root (`upward`) or at the top of the file system.  It is followed by its
    names alone, because nothing outside of the tree is looked at.  Raises FaultError ``link-outside``.
    """
    for base in (os.path.abspath(start), os.path.realpath(start)):
        root = [name for name in os.path.splitdrive(base)[1].split(os.sep.encode()) if name]
        place = list(root) if upward else []
        for at, step in enumerate(steps, 1):
            if step == b"..":
                del place[-1:]
            elif step not in {b"", b"."}:
                place.append(step)
            if place == root:
                return steps[at:]
    raise FaultError("link-outside")
